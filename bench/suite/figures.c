/*
 * figures - who is best, how far the others are from it, and how numbers are written.
 */
#include "figures.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *entry_missing(const struct entry *entry)
{
	if (entry->missing[0])
		return entry->missing;
	if (entry->rounds == 0)
		return "not measured";
	for (unsigned i = 0; i < entry->rounds; i++)
		if (!isfinite(entry->values[i]))
			return "a value is not a number";
	return "";
}

static bool measured(const struct entry *entry)
{
	return entry_missing(entry)[0] == '\0';
}

struct interval entry_interval(const struct entry *entry)
{
	return stats_median(entry->values, entry->rounds);
}

static double median(const struct entry *entry)
{
	return entry_interval(entry).median;
}

bool row_better(const struct row *row, double a, double b)
{
	return row->more_is_better ? a > b : a < b;
}

const struct entry *row_find(const struct row *row, const char *contender)
{
	for (size_t i = 0; i < row->count; i++)
		if (!row->entries[i].is_limit && strcmp(row->entries[i].contender, contender) == 0)
			return measured(&row->entries[i]) ? &row->entries[i] : NULL;
	return NULL;
}

const struct entry *row_processes(const struct row *row)
{
	static const char name[] = "processes";
	const struct entry *found = row_find(row, name);
	for (size_t i = 0; i < row->count && !found; i++)
		if (!row->entries[i].is_limit && strncmp(row->entries[i].contender, name, strlen(name)) == 0 &&
		    measured(&row->entries[i]))
			found = &row->entries[i];
	return found;
}

const struct entry *row_best(const struct row *row)
{
	const struct entry *best = NULL;
	for (const struct entry *entry = row->entries; entry < row->entries + row->count; entry++)
		if (!entry->is_limit && measured(entry) && (!best || row_better(row, median(entry), median(best))))
			best = entry;
	return best;
}

const struct entry *row_limit(const struct row *row)
{
	const struct entry *nearest = NULL;
	for (const struct entry *entry = row->entries; entry < row->entries + row->count; entry++)
		if (entry->is_limit && measured(entry) && (!nearest || row_better(row, median(nearest), median(entry))))
			nearest = entry;
	return nearest;
}

double row_times(const struct row *row, const struct entry *entry, const struct entry *than)
{
	if (!than)
		return NAN;
	size_t pairs = entry->rounds < than->rounds ? entry->rounds : than->rounds;
	return row->more_is_better ? stats_ratio(than->values, entry->values, pairs).median
	                           : stats_ratio(entry->values, than->values, pairs).median;
}

/* Whether a is shown before b, where the two are not equal. */
static bool before(const struct row *row, const struct entry *a, const struct entry *b)
{
	if (measured(a) != measured(b))
		return measured(a);
	if (a->is_limit != b->is_limit)
		return b->is_limit;
	return measured(a) && row_better(row, median(a), median(b));
}

size_t row_order(const struct row *row, const struct entry *order[MAX_ENTRIES])
{
	size_t figures = 0;
	for (size_t i = 0; i < row->count; i++) {
		const struct entry *entry = &row->entries[i];
		size_t to = i;
		for (; to > 0 && before(row, entry, order[to - 1]); to--)
			order[to] = order[to - 1];
		order[to] = entry;
		figures += measured(entry);
	}
	return figures;
}

struct rounds row_rounds(const struct row *row)
{
	struct rounds rounds = {0, 0};
	for (const struct entry *entry = row->entries; entry < row->entries + row->count; entry++) {
		if (!measured(entry))
			continue;
		if (rounds.most == 0 || entry->rounds < rounds.fewest)
			rounds.fewest = entry->rounds;
		if (entry->rounds > rounds.most)
			rounds.most = entry->rounds;
	}
	return rounds;
}

const char *rounds_say(struct rounds rounds, char *text, size_t size)
{
	char count[64];
	if (rounds.most == 0)
		return "not measured";
	if (rounds.fewest == rounds.most)
		snprintf(count, sizeof(count), "%u round%s", rounds.most, rounds.most == 1 ? "" : "s");
	else
		snprintf(count, sizeof(count), "%u to %u rounds", rounds.fewest, rounds.most);
	const char *between = rounds.fewest >= 6 ? ", 95 % interval" : ", from the lowest to the highest";
	snprintf(text, size, "%s%s", count, rounds.most > 1 ? between : "");
	return text;
}

bool comparison_measured(const struct row *row, const struct comparison *comparison)
{
	const struct interval *ratio = &comparison->ratio;
	return measured(&row->entries[comparison->a]) && measured(&row->entries[comparison->b]) &&
	       isfinite(ratio->low) && isfinite(ratio->median) && isfinite(ratio->high);
}

enum verdict row_verdict(const struct row *row, const struct comparison *comparison)
{
	enum verdict verdict = comparison_verdict(comparison);
	return verdict == VERDICT_NONE || comparison_measured(row, comparison) ? verdict : VERDICT_UNDECIDED;
}

const char *verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_MET:
		return "met";
	case VERDICT_MISSED:
		return "missed";
	case VERDICT_UNDECIDED:
		return "not decided";
	case VERDICT_NONE:
		break;
	}
	return "no target";
}

const char *comparison_say(const struct row *row, const struct comparison *comparison, char *text, size_t size)
{
	const char *a = row->entries[comparison->a].contender, *b = row->entries[comparison->b].contender;
	if (comparison->a == comparison->b)
		snprintf(text, size, "%s, %s", a, row->unit);
	else
		snprintf(text, size, "%s / %s", a, b);
	return text;
}

const struct entry *comparison_wants(const struct row *row, const struct comparison *comparison)
{
	const struct entry *a = &row->entries[comparison->a];
	return measured(a) ? &row->entries[comparison->b] : a;
}

const char *limit_prefix(const char *contender, bool is_limit)
{
	return is_limit && strncmp(contender, "limit", 5) != 0 ? "limit: " : "";
}

/* ---- Series ---------------------------------------------------------------------- */

const struct row *series_next(const struct results *results, const char *series, const struct row *row)
{
	for (row = row ? row + 1 : results->row; row < results->row + results->rows; row++)
		if (strcmp(row->series, series) == 0)
			return row;
	return NULL;
}

static bool same_curve(const struct curve *curve, const struct entry *entry)
{
	return curve->is_limit == entry->is_limit && strcmp(curve->contender, entry->contender) == 0;
}

static bool listed(const struct curve *curves, size_t count, const struct entry *entry)
{
	for (size_t i = 0; i < count; i++)
		if (same_curve(&curves[i], entry))
			return true;
	return false;
}

size_t series_curves(const struct results *results, const char *series, struct curve *curves, size_t most)
{
	size_t count = 0;
	for (int limits = 0; limits <= 1; limits++)
		for (const struct row *row = NULL; (row = series_next(results, series, row));)
			for (size_t i = 0; i < row->count && count < most; i++) {
				const struct entry *entry = &row->entries[i];
				if (entry->is_limit == limits && !listed(curves, count, entry))
					curves[count++] = (struct curve){entry->contender, entry->is_limit};
			}
	return count;
}

const struct entry *curve_entry(const struct row *row, const struct curve *curve)
{
	for (size_t i = 0; i < row->count; i++)
		if (same_curve(curve, &row->entries[i]))
			return &row->entries[i];
	return NULL;
}

const struct entry *curve_missing(const struct results *results, const char *series, const struct curve *curve)
{
	const struct entry *missing = NULL;
	for (const struct row *row = NULL; (row = series_next(results, series, row));) {
		const struct entry *entry = curve_entry(row, curve);
		if (entry && measured(entry))
			return NULL;
		if (entry && !missing)
			missing = entry;
	}
	return missing;
}

/* ---- Numbers ---------------------------------------------------------------------- */

/* A whole number with commas. */
static struct text whole_text(double value)
{
	char digits[32];
	struct text text;
	size_t to = 0;
	snprintf(digits, sizeof(digits), "%.0f", value);
	size_t length = strlen(digits);
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			text.s[to++] = ',';
		text.s[to++] = digits[i];
	}
	text.s[to] = '\0';
	return text;
}

struct text value_text(double value)
{
	struct text text = {"-"};
	double size = fabs(value);
	if (!isfinite(value))
		return text;
	if (size >= 99.95 && size < 1e7)
		return whole_text(value);
	if (size < 1e-4 || size >= 1e7)
		snprintf(text.s, sizeof(text.s), size > 0 ? "%.2e" : "%.0f", value);
	else
		snprintf(text.s, sizeof(text.s), "%.*f", size < 9.995 ? 2 - (int)floor(log10(size * 1.0005)) : 1,
		         value);
	return text;
}

struct text ratio_text(double ratio)
{
	struct text text = {"-"};
	if (!isfinite(ratio))
		return text;
	if (ratio > 0 && ratio < 0.01 && ratio > 1e-15) {
		snprintf(text.s, sizeof(text.s), "1/%.40s", value_text(1 / ratio).s);
		return text;
	}
	if (fabs(ratio) >= 9.9995)
		return value_text(ratio);
	snprintf(text.s, sizeof(text.s), "%.3f", ratio);
	return text;
}

struct text target_text(double target)
{
	struct text text;
	if (!isfinite(target) || (target > 0 && target < 0.01))
		return ratio_text(target);
	snprintf(text.s, sizeof(text.s), "%.6g", target);
	return text;
}

struct text x_text(double x)
{
	struct text text;
	int power = x >= 1e4 && x < 1e18 ? (int)round(log10(x)) : 0;
	if (power > 0 && pow(10, power) == x)
		snprintf(text.s, sizeof(text.s), "10^%d", power);
	else
		snprintf(text.s, sizeof(text.s), "%.6g", x);
	return text;
}

struct text share_text(double share)
{
	struct text text = {"unknown"};
	if (share >= 0)
		snprintf(text.s, sizeof(text.s), "%.1f %%", 100 * share);
	return text;
}

struct text exact_text(double value)
{
	struct text text = {"-"};
	for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
		snprintf(text.s, sizeof(text.s), "%.*g", digits, value);
		if (strtod(text.s, NULL) == value)
			break;
	}
	return text;
}

struct text figure_text(const struct row *row, double value)
{
	bool seconds = strcmp(row->unit, "s") == 0 && isfinite(value) && value > 0 && value < 0.0995;
	if (!seconds)
		return value_text(value);
	struct text text;
	const char *unit = value < 0.995e-6 ? "ns" : value < 0.995e-3 ? "us" : "ms";
	double scale = value < 0.995e-6 ? 1e9 : value < 0.995e-3 ? 1e6 : 1e3;
	snprintf(text.s, sizeof(text.s), "%.40s %s", value_text(value * scale).s, unit);
	return text;
}

static struct text between(struct interval interval, struct text low, struct text high)
{
	struct text text = {"-"};
	if (interval.level > 0)
		snprintf(text.s, sizeof(text.s), "%.20s .. %.20s", low.s, high.s);
	return text;
}

struct text spread_text(const struct row *row, struct interval interval)
{
	return between(interval, figure_text(row, interval.low), figure_text(row, interval.high));
}

struct text ratio_spread_text(struct interval interval)
{
	return between(interval, ratio_text(interval.low), ratio_text(interval.high));
}

struct text comparison_median_text(const struct row *row, const struct comparison *comparison)
{
	if (!comparison_measured(row, comparison))
		return (struct text){"-"};
	return comparison->a == comparison->b ? figure_text(row, comparison->ratio.median)
	                                      : ratio_text(comparison->ratio.median);
}

struct text comparison_spread_text(const struct row *row, const struct comparison *comparison)
{
	if (!comparison_measured(row, comparison))
		return (struct text){"-"};
	return comparison->a == comparison->b ? spread_text(row, comparison->ratio)
	                                      : ratio_spread_text(comparison->ratio);
}

/* ---- What was run ------------------------------------------------------------------- */

struct list {
	struct fact *facts;
	size_t count;
};

__attribute__((format(printf, 3, 4))) static void add_fact(struct list *list, const char *name, const char *format, ...)
{
	struct fact *fact = &list->facts[list->count++];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fact->text, sizeof(fact->text), format, arguments);
	va_end(arguments);
	fact->name = name;
	if (!fact->text[0])
		snprintf(fact->text, sizeof(fact->text), "unknown");
}

/* Some of it is known at the end only; until then it is not said. */
static void add_course(struct list *list, const struct results *results)
{
	const struct machine *machine = &results->machine;
	const char *extent = results->quick ? "quick" : "complete";
	if (results->seconds > 0) {
		add_fact(list, "load", "%.2f before, %.2f after; taken by the hypervisor: %s", machine->load_before,
		         machine->load_after, share_text(machine->steal).s);
		add_fact(list, "run", "%s, %s, %s s", extent, results->date, value_text(results->seconds).s);
	} else {
		add_fact(list, "load", "%.2f", machine->load_before);
		add_fact(list, "run", "%s, %s", extent, results->date);
	}
}

size_t results_facts(const struct results *results, struct fact facts[MAX_FACTS])
{
	const struct machine *machine = &results->machine;
	struct list list = {facts, 0};
	add_fact(&list, "CPUs", "%s; %u may be used", machine->cpu, machine->cpus);
	add_fact(&list, "caches", "%s", machine->caches);
	add_fact(&list, "frequency", "%s", machine->frequency);
	add_fact(&list, "memory", "%s GiB", value_text(machine->memory).s);
	add_fact(&list, "system", "%s", machine->system);
	add_fact(&list, "kernel", "%s", machine->kernel);
	add_fact(&list, "libc", "%s", machine->libc);
	add_fact(&list, "compiler", "%s", machine->compiler);
	add_fact(&list, "forkpool", "%s, %u workers, spin_us = %u", results->version, results->workers,
	         results->spin_us);
	add_course(&list, results);
	return list.count;
}

/* ---- Words ------------------------------------------------------------------------ */

/* Characters in the first `bytes` bytes: those that do not go on with another. */
static size_t characters(const char *text, size_t bytes)
{
	size_t count = 0;
	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

size_t text_width(const char *text)
{
	return characters(text, strlen(text));
}

void print_wrapped(FILE *file, const char *text, size_t at, size_t indent)
{
	enum { WIDTH = 100 };
	bool first = true;
	for (;;) {
		text += strspn(text, " \t\n");
		size_t bytes = strcspn(text, " \t\n");
		if (bytes == 0)
			break;
		size_t width = characters(text, bytes);
		if (!first && at + 1 + width > WIDTH) {
			fprintf(file, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			putc(' ', file);
			at++;
		}
		fwrite(text, 1, bytes, file);
		at += width;
		text += bytes;
		first = false;
	}
	putc('\n', file);
}
