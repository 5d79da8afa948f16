/*
 * table - results as text in a terminal.
 */
#include "table.h"
#include "figures.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Colours ------------------------------------------------------------------- */

struct style {
	const char *bold, *red, *green, *yellow, *off;
};

static struct style style_of(FILE *file)
{
	int fd = fileno(file);
	if (fd >= 0 && isatty(fd) && !getenv("NO_COLOR"))
		return (struct style){"\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"};
	return (struct style){"", "", "", "", ""};
}

static const char *verdict_colour(const struct style *style, enum verdict verdict)
{
	return verdict == VERDICT_MET      ? style->green
	       : verdict == VERDICT_MISSED ? style->red
	       : verdict == VERDICT_NONE   ? ""
	                                   : style->yellow;
}

/* ---- Cells --------------------------------------------------------------------- */

enum { NAME_WIDTH = 30 };

/* The bytes of the text's first `width` characters. */
static size_t cut(const char *text, size_t width)
{
	size_t bytes = 0;
	while (text[bytes] && width > 0) {
		bytes++;
		while (((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes++;
		width--;
	}
	return bytes;
}

/* The text on the left of a cell that wide, cut with dots where it is longer. */
static void print_left(FILE *file, const char *text, size_t width)
{
	size_t taken = text_width(text);
	if (taken > width)
		fprintf(file, "%.*s...", (int)cut(text, width - 3), text);
	else
		fprintf(file, "%s%*s", text, (int)(width - taken), "");
}

/* "limit: cache-line transfer": a limit says that it is one. */
static void print_name(FILE *file, const struct entry *entry, size_t width)
{
	char name[MAX_TEXT + 16];
	snprintf(name, sizeof(name), "%s%s", limit_prefix(entry->contender, entry->is_limit), entry->contender);
	print_left(file, name, width);
}

static size_t name_width(const struct row *row)
{
	size_t width = 10;
	for (size_t i = 0; i < row->count; i++) {
		size_t taken = text_width(row->entries[i].contender) +
		               text_width(limit_prefix(row->entries[i].contender, row->entries[i].is_limit));
		if (taken > width)
			width = taken;
	}
	return width < NAME_WIDTH ? width : NAME_WIDTH;
}

/* ---- Comparisons ---------------------------------------------------------------- */

static void print_comparison(FILE *file, const struct row *row, const struct comparison *comparison)
{
	struct style style = style_of(file);
	char name[3 * MAX_TEXT], found[2 * MAX_TEXT];
	enum verdict verdict = row_verdict(row, comparison);
	comparison_say(row, comparison, name, sizeof(name));
	if (!comparison_measured(row, comparison))
		snprintf(found, sizeof(found), "not measured, for want of %s",
		         comparison_wants(row, comparison)->contender);
	else
		snprintf(found, sizeof(found), "%s (%s)", comparison_median_text(row, comparison).s,
		         comparison->ratio.level > 0 ? comparison_spread_text(row, comparison).s : "1 round");
	bool breaks = 4 + text_width(name) + text_width(found) + strlen("; at most 1/2,000: not decided") > 100;
	fprintf(file, "  %s:%s %s%s%s", name, breaks ? "\n     " : "", style.bold, found, style.off);
	if (verdict != VERDICT_NONE)
		fprintf(file, "; at most %s: %s%s%s", target_text(comparison->target).s,
		        verdict_colour(&style, verdict), verdict_word(verdict), style.off);
	putc('\n', file);
}

static void print_comparisons(FILE *file, const struct row *row)
{
	for (size_t i = 0; i < row->comparisons; i++)
		print_comparison(file, row, &row->compared[i]);
}

/* ---- One row -------------------------------------------------------------------- */

static void print_title(FILE *file, const char *id, const struct row *row, const char *title)
{
	struct style style = style_of(file);
	char text[64];
	fprintf(file, "\n%s%s%s  ", style.bold, id, style.off);
	print_wrapped(file, title, text_width(id) + 2, 4);
	fprintf(file, "  %s, %s is better; %s\n", row->unit, row->more_is_better ? "more" : "less",
	        rounds_say(row_rounds(row), text, sizeof(text)));
	if (row->note[0]) {
		fputs("  ", file);
		print_wrapped(file, row->note, 2, 2);
	}
}

/* What the entries of a row are held against; NULL where there is no such. */
struct against {
	const struct entry *best, *processes, *limit;
};

static void print_heading(FILE *file, size_t width, const struct against *against)
{
	fprintf(file, "  %*s %10s %22s", (int)width, "", "median", "interval");
	fprintf(file, " %9s", "x best");
	if (against->processes)
		fprintf(file, " %12s", "x processes");
	if (against->limit)
		fprintf(file, " %9s", "x limit");
	putc('\n', file);
}

static void print_times(FILE *file, const struct row *row, const struct entry *entry, const struct against *against)
{
	fprintf(file, " %9s", ratio_text(row_times(row, entry, against->best)).s);
	if (against->processes)
		fprintf(file, " %12s", ratio_text(row_times(row, entry, against->processes)).s);
	if (against->limit)
		fprintf(file, " %9s", ratio_text(row_times(row, entry, against->limit)).s);
}

static void print_entry(FILE *file, const struct row *row, const struct entry *entry, size_t width,
                        const struct against *against)
{
	struct style style = style_of(file);
	struct interval found = entry_interval(entry);
	bool best = entry == against->best;
	fprintf(file, "  %s", best ? style.bold : "");
	print_name(file, entry, width);
	fprintf(file, " %10s %22s", figure_text(row, found.median).s, spread_text(row, found).s);
	if (!entry->is_limit)
		print_times(file, row, entry, against);
	fprintf(file, "%s\n", best ? style.off : "");
}

static void print_missing(FILE *file, const struct entry *entry, size_t width)
{
	fputs("  ", file);
	print_name(file, entry, width);
	fputs("  missing: ", file);
	print_wrapped(file, entry_missing(entry), width + 13, width + 13);
}

static void print_row(FILE *file, const struct row *row)
{
	const struct entry *order[MAX_ENTRIES];
	size_t figures = row_order(row, order), width = name_width(row);
	struct against against = {row_best(row), row_processes(row), row_limit(row)};
	print_title(file, row->id, row, row->title);
	if (figures > 0)
		print_heading(file, width, &against);
	for (size_t i = 0; i < row->count; i++)
		if (i < figures)
			print_entry(file, row, order[i], width, &against);
		else
			print_missing(file, order[i], width);
	print_comparisons(file, row);
}

void table_row(FILE *file, const struct results *results, const struct row *row)
{
	if (row->series[0] == '\0')
		print_row(file, row);
	else if (!series_next(results, row->series, row))
		table_series(file, results, row->series);
}

/* ---- A series -------------------------------------------------------------------- */

enum { X_WIDTH = 13, COLUMN = 12, COLUMNS = 7, HEADING_LINES = 3 };

/* How many bytes of a heading stand on a line: as many words as fit, or, on the last, what fits. */
static size_t heading_part(const char *text, bool last)
{
	size_t bytes = cut(text, COLUMN - 1), to = bytes;
	if (text[bytes] == '\0' || last)
		return bytes;
	while (to > 0 && text[to] != ' ')
		to--;
	return to > 0 ? to : bytes;
}

/* Each heading in lines of its column; all are taken further by what is printed. */
static bool print_heading_line(FILE *file, const char **left, size_t count, bool last)
{
	int blanks = 0;
	bool more = false;
	for (size_t i = 0; i < count; i++) {
		char part[MAX_TEXT];
		size_t bytes = heading_part(left[i], last);
		snprintf(part, sizeof(part), "%.*s", (int)bytes, left[i]);
		blanks += COLUMN - (int)text_width(part);
		if (bytes > 0) {
			fprintf(file, "%*s%s", blanks, "", part);
			blanks = 0;
		}
		left[i] += bytes + (left[i][bytes] == ' ');
		more |= left[i][0] != '\0';
	}
	putc('\n', file);
	return more && !last;
}

static void print_headings(FILE *file, const char *x_name, const struct curve *curves, size_t count)
{
	char names[COLUMNS][MAX_TEXT + 16];
	const char *left[COLUMNS];
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%s", limit_prefix(curves[i].contender, curves[i].is_limit),
		         curves[i].contender);
		left[i] = names[i];
	}
	bool more = true;
	for (int line = 1; more; line++) {
		fprintf(file, "%*.*s", X_WIDTH, X_WIDTH - 2, line == 1 ? x_name : "");
		more = print_heading_line(file, left, count, line == HEADING_LINES);
	}
}

static void print_point(FILE *file, const struct row *row, const struct curve *curves, size_t count)
{
	struct style style = style_of(file);
	const struct entry *best = row_best(row);
	fprintf(file, "%*s", X_WIDTH, x_text(row->x).s);
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = curve_entry(row, &curves[i]);
		bool figures = entry && entry_missing(entry)[0] == '\0';
		fprintf(file, "%s%*s%s", figures && entry == best ? style.bold : "", COLUMN,
		        figures ? figure_text(row, entry_interval(entry).median).s : "-",
		        figures && entry == best ? style.off : "");
	}
	putc('\n', file);
}

void table_series(FILE *file, const struct results *results, const char *series)
{
	const struct row *first = series_next(results, series, NULL);
	if (!first)
		return;
	struct curve curves[MAX_CURVES], shown[MAX_CURVES];
	size_t count = series_curves(results, series, curves, MAX_CURVES), figures = 0;
	for (size_t i = 0; i < count; i++)
		if (curve_missing(results, series, &curves[i]) == NULL)
			shown[figures++] = curves[i];
	print_title(file, series, first, first->title);
	for (size_t from = 0; from < figures; from += COLUMNS) {
		size_t columns = figures - from < COLUMNS ? figures - from : COLUMNS;
		print_headings(file, first->x_name, shown + from, columns);
		for (const struct row *row = first; row; row = series_next(results, series, row))
			print_point(file, row, shown + from, columns);
	}
	for (size_t i = 0; i < count; i++) {
		const struct entry *missing = curve_missing(results, series, &curves[i]);
		if (missing)
			print_missing(file, missing, NAME_WIDTH);
	}
	for (const struct row *row = first; row; row = series_next(results, series, row)) {
		if (row->comparisons > 0)
			fprintf(file, "  %s %s:\n", row->x_name, x_text(row->x).s);
		print_comparisons(file, row);
	}
}

/* ---- Summary ---------------------------------------------------------------------- */

/* "empty.1: processes / OpenMP dynamic". */
static void print_target(FILE *file, const struct row *row, const struct comparison *comparison)
{
	struct style style = style_of(file);
	char compared[3 * MAX_TEXT], name[4 * MAX_TEXT];
	enum verdict verdict = row_verdict(row, comparison);
	snprintf(name, sizeof(name), "%s: %s", row->id, comparison_say(row, comparison, compared, sizeof(compared)));
	fputs("  ", file);
	print_left(file, name, 44);
	fprintf(file, " %9s %22s %7s  %s%s%s\n", comparison_median_text(row, comparison).s,
	        comparison_spread_text(row, comparison).s, target_text(comparison->target).s,
	        verdict_colour(&style, verdict), verdict_word(verdict), style.off);
}

void table_summary(FILE *file, const struct results *results)
{
	struct style style = style_of(file);
	unsigned counts[VERDICT_MISSED + 1] = {0};
	fprintf(file, "\n%sTargets%s\n  %-44s %9s %22s %7s\n", style.bold, style.off, "", "ratio", "interval",
	        "at most");
	for (const struct row *row = results->row; row < results->row + results->rows; row++)
		for (size_t i = 0; i < row->comparisons; i++) {
			enum verdict verdict = row_verdict(row, &row->compared[i]);
			counts[verdict]++;
			if (verdict != VERDICT_NONE)
				print_target(file, row, &row->compared[i]);
		}
	fprintf(file, "  %s%u met%s, %s%u missed%s, %u not decided\n", style.green, counts[VERDICT_MET], style.off,
	        style.red, counts[VERDICT_MISSED], style.off, counts[VERDICT_UNDECIDED]);
}

/* ---- Machine ----------------------------------------------------------------------- */

static void print_fact(FILE *file, const char *name, const char *text)
{
	fprintf(file, "  %-12s", name);
	print_wrapped(file, text, 14, 14);
}

static void print_peers(FILE *file, const struct results *results)
{
	for (const struct peer_version *peer = results->peer; peer < results->peer + results->peers; peer++) {
		char text[3 * MAX_TEXT];
		snprintf(text, sizeof(text), "%s: %s%s", peer->name, peer->missing[0] ? "missing, " : "",
		         peer->missing[0] ? peer->missing : peer->version);
		print_fact(file, peer == results->peer ? "peers" : "", text);
	}
}

void table_machine(FILE *file, const struct results *results)
{
	struct style style = style_of(file);
	struct fact facts[MAX_FACTS];
	size_t count = results_facts(results, facts);
	fprintf(file, "\n%sMachine%s\n", style.bold, style.off);
	for (size_t i = 0; i < count; i++)
		print_fact(file, facts[i].name, facts[i].text);
	print_peers(file, results);
}
