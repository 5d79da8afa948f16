/*
 * document - one run as a Markdown document, made of the results and of nothing else.
 */
#include "document.h"
#include "figures.h"
#include "plot.h"
#include "save.h"
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the plots are, for us and for a reader of the document. */
struct plots {
	const char *folder;
	char link[PATH_MAX];
};

/* ---- Markdown -------------------------------------------------------------------- */

/* Whether every ` in the text has a second one. */
static bool quotes_code_well(const char *text)
{
	bool even = true;
	for (; *text; text++)
		even ^= *text == '`';
	return even;
}

static bool is_markup(const char *text, const char *at, bool quotes)
{
	bool inside = at > text && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
	return strchr("|<*\\[]", *at) || (*at == '`' && !quotes) || (*at == '_' && !inside);
}

/* Text on one line as it is; code in backquotes stays code. */
static void print_text(FILE *file, const char *text)
{
	bool quotes = quotes_code_well(text), code = false;
	for (const char *at = text; *at; at++) {
		code ^= *at == '`' && quotes;
		if (code ? *at == '|' : is_markup(text, at, quotes))
			putc('\\', file);
		putc((unsigned char)*at < ' ' ? ' ' : *at, file);
	}
}

/* Arguments are texts, each printed where the format has an @. */
static void say(FILE *file, const char *text, ...)
{
	va_list texts;
	va_start(texts, text);
	for (; *text; text++)
		if (*text == '@')
			print_text(file, va_arg(texts, const char *));
		else
			putc(*text, file);
	va_end(texts);
}

/* "1.90 .. 2.10" in words. */
static struct text in_words(struct text spread)
{
	struct text words = spread;
	char *dots = strstr(spread.s, " .. ");
	if (dots)
		snprintf(words.s, sizeof(words.s), "%.*s to %.20s", (int)(dots - spread.s), spread.s, dots + 4);
	return words;
}

/* ---- What it is ------------------------------------------------------------------- */

static void print_run(FILE *file, const struct results *results)
{
	struct fact facts[MAX_FACTS];
	size_t count = results_facts(results, facts);
	fputs("| | |\n|---|---|\n", file);
	for (size_t i = 0; i < count; i++)
		say(file, "| @ | @ |\n", facts[i].name, facts[i].text);
	putc('\n', file);
}

static void print_beginning(FILE *file, const struct results *results)
{
	say(file, "# Performance\n\nWhat forkpool costs, beside what else there is, on one machine in one run. ");
	say(file, "This document is generated: do not edit it.\n`@` has written it.\n\n", results->command);
	print_run(file, results);
}

static void print_method(FILE *file, const struct results *results)
{
	fputs("## How it is measured\n\n"
	      "All contenders of a row do the same work with the same number of workers. They take turns: round by "
	      "round\n"
	      "each is asked once, while the others stand still, so that what the machine does besides befalls all "
	      "alike.\n"
	      "A figure is the median of the rounds. The interval beside it is one between order statistics, which "
	      "holds\n"
	      "the median with a probability of at least 95 %, without any assumption on the distribution; with fewer "
	      "than\n"
	      "6 rounds there is none at that level, and it is from the lowest to the highest.\n\n"
	      "Two contenders are compared by the ratios of their figures of the same round: the median of these "
	      "ratios,\n"
	      "and its interval. A target is won if the median is within it, and lost only if the interval excludes "
	      "it; if\n"
	      "the median is beyond it and the interval is not, the run has not decided it.\n\n"
	      "A *limit* is what no pool can be better than, measured bare in the same run. In the tables, *x best*,\n"
	      "*x processes* and *x limit* say how many times as bad a figure is as that of the best contender, of\n"
	      "forkpool's processes, and of the nearest limit: more than 1 is worse, also where more of the unit is\n"
	      "better.\n\n",
	      file);
	if (results->quick)
		fputs("This was a quick run: fewer rounds and less work, so intervals are wider.\n\n", file);
}

/* ---- Targets ----------------------------------------------------------------------- */

static unsigned count_targets(const struct results *results, enum verdict verdict)
{
	unsigned count = 0;
	for (const struct row *row = results->row; row < results->row + results->rows; row++)
		for (size_t i = 0; i < row->comparisons; i++)
			count += row_verdict(row, &row->compared[i]) == verdict;
	return count;
}

/* A text may lean on that of the comparison before it: "the same on threads", "As above.". */
static const struct comparison *leaned_on(const struct row *row, const struct comparison *comparison)
{
	while (comparison > row->compared && strncmp(comparison->text, "the same", strlen("the same")) == 0)
		comparison--;
	return comparison;
}

static void print_what(FILE *file, const struct row *row, const struct comparison *comparison)
{
	const struct comparison *first = leaned_on(row, comparison);
	say(file, "@", first->text[0] ? first->text : row->title);
	if (first != comparison)
		say(file, "; @", comparison->text);
}

static void print_target(FILE *file, const struct row *row, const struct comparison *comparison)
{
	char compared[3 * MAX_TEXT];
	const struct comparison *first = leaned_on(row, comparison);
	bool above = strcmp(comparison->because, "As above.") == 0;
	fputs("| ", file);
	print_what(file, row, comparison);
	say(file, " | @ | ", comparison_say(row, comparison, compared, sizeof(compared)));
	if (comparison_measured(row, comparison))
		say(file, "@ | @", comparison_median_text(row, comparison).s,
		    in_words(comparison_spread_text(row, comparison)).s);
	else
		say(file, "not measured, for want of @ | -", comparison_wants(row, comparison)->contender);
	say(file, " | @ | `@` | @ |\n", target_text(comparison->target).s, row->id,
	    above ? first->because : comparison->because);
}

static void print_targets(FILE *file, const struct results *results, const char *title, enum verdict verdict)
{
	unsigned count = count_targets(results, verdict);
	fprintf(file, "### %s: %u\n\n", title, count);
	if (count == 0)
		return;
	fputs("| target | compared | ratio | interval | at most | row | why |\n|---|---|--:|--:|--:|---|---|\n", file);
	for (const struct row *row = results->row; row < results->row + results->rows; row++)
		for (size_t i = 0; i < row->comparisons; i++)
			if (row_verdict(row, &row->compared[i]) == verdict)
				print_target(file, row, &row->compared[i]);
	putc('\n', file);
}

static void print_summary(FILE *file, const struct results *results)
{
	fprintf(file, "## Targets\n\n%u won, %u lost, %u not decided.\n\n", count_targets(results, VERDICT_MET),
	        count_targets(results, VERDICT_MISSED), count_targets(results, VERDICT_UNDECIDED));
	print_targets(file, results, "Won", VERDICT_MET);
	print_targets(file, results, "Lost", VERDICT_MISSED);
	print_targets(file, results, "Not decided", VERDICT_UNDECIDED);
}

/* ---- Rows --------------------------------------------------------------------------- */

static void print_row_heading(FILE *file, const struct row *row, const char *title)
{
	char text[64];
	say(file, "### @\n\n`@`: @, @ is better; @.", title, row->series[0] ? row->series : row->id, row->unit,
	    row->more_is_better ? "more" : "less", rounds_say(row_rounds(row), text, sizeof(text)));
	if (row->note[0])
		say(file, " Note: @.", row->note);
	fputs("\n\n", file);
}

static void print_plot(FILE *file, const struct results *results, const struct row *row, const struct plots *plots)
{
	char name[MAX_TEXT], path[PATH_MAX];
	if (!plots || !plot_name(results, row, name, sizeof(name)))
		return;
	int length = snprintf(path, sizeof(path), "%s/%s.svg", plots->folder, name);
	if (length < (int)sizeof(path) && access(path, R_OK) == 0) {
		say(file, "![@]", row->title);
		fprintf(file, "(%s/%s.svg)\n\n", plots->link, name);
	}
}

static void print_entry(FILE *file, const struct row *row, const struct entry *entry)
{
	struct interval found = entry_interval(entry);
	const struct entry *best = row_best(row);
	const char *strong = entry == best ? "**" : "";
	fprintf(file, "| %s", strong);
	say(file, "@@", limit_prefix(entry->contender, entry->is_limit), entry->contender);
	fprintf(file, "%s | %s%s%s | ", strong, strong, figure_text(row, found.median).s, strong);
	say(file, "@", in_words(spread_text(row, found)).s);
	if (entry->is_limit)
		fputs(" | | | |\n", file);
	else
		fprintf(file, " | %s | %s | %s |\n", ratio_text(row_times(row, entry, best)).s,
		        ratio_text(row_times(row, entry, row_processes(row))).s,
		        ratio_text(row_times(row, entry, row_limit(row))).s);
}

static void print_comparison(FILE *file, const struct row *row, const struct comparison *comparison)
{
	char compared[3 * MAX_TEXT];
	say(file, "@: ", comparison_say(row, comparison, compared, sizeof(compared)));
	if (!comparison_measured(row, comparison))
		say(file, "not measured, for want of @", comparison_wants(row, comparison)->contender);
	else
		say(file, "@ (@)", comparison_median_text(row, comparison).s,
		    comparison->ratio.level > 0 ? in_words(comparison_spread_text(row, comparison)).s : "1 round");
	if (comparison->target > 0)
		say(file, "; at most @: **@**", target_text(comparison->target).s,
		    verdict_word(row_verdict(row, comparison)));
	fputs(".\n", file);
}

static void print_comparisons(FILE *file, const struct row *row)
{
	for (size_t i = 0; i < row->comparisons; i++) {
		fputs("- ", file);
		print_comparison(file, row, &row->compared[i]);
	}
}

static void print_row(FILE *file, const struct results *results, const struct row *row, const struct plots *plots)
{
	const struct entry *order[MAX_ENTRIES];
	size_t figures = row_order(row, order);
	print_row_heading(file, row, row->title);
	if (figures > 0)
		fputs("| | median | interval | x best | x processes | x limit |\n|---|--:|--:|--:|--:|--:|\n", file);
	for (size_t i = 0; i < figures; i++)
		print_entry(file, row, order[i]);
	if (figures > 0)
		putc('\n', file);
	for (size_t i = figures; i < row->count; i++)
		say(file, "- Missing: @@: @.\n", limit_prefix(order[i]->contender, order[i]->is_limit),
		    order[i]->contender, entry_missing(order[i]));
	print_comparisons(file, row);
	if (row->count > figures || row->comparisons > 0)
		putc('\n', file);
	print_plot(file, results, row, plots);
}

/* ---- Series -------------------------------------------------------------------------- */

static void print_point(FILE *file, const struct row *row, const struct curve *curves, size_t count)
{
	const struct entry *best = row_best(row);
	say(file, "| @ |", x_text(row->x).s);
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = curve_entry(row, &curves[i]);
		bool figures = entry && entry_missing(entry)[0] == '\0';
		const char *strong = figures && entry == best ? "**" : "";
		fprintf(file, " %s%s%s |", strong, figures ? figure_text(row, entry_interval(entry).median).s : "-",
		        strong);
	}
	putc('\n', file);
}

static void print_points(FILE *file, const struct results *results, const struct row *first, const struct curve *curves,
                         size_t count)
{
	say(file, "| @ |", first->x_name);
	for (size_t i = 0; i < count; i++)
		say(file, " @@ |", limit_prefix(curves[i].contender, curves[i].is_limit), curves[i].contender);
	fputs("\n|--:|", file);
	for (size_t i = 0; i < count; i++)
		fputs("--:|", file);
	putc('\n', file);
	for (const struct row *row = first; row; row = series_next(results, first->series, row))
		print_point(file, row, curves, count);
	putc('\n', file);
}

static void print_series(FILE *file, const struct results *results, const struct row *first, const struct plots *plots)
{
	struct curve curves[MAX_CURVES], shown[MAX_CURVES];
	size_t count = series_curves(results, first->series, curves, MAX_CURVES), figures = 0;
	bool list = false;
	print_row_heading(file, first, first->title);
	for (size_t i = 0; i < count; i++)
		if (!curve_missing(results, first->series, &curves[i]))
			shown[figures++] = curves[i];
	if (figures > 0)
		print_points(file, results, first, shown, figures);
	for (size_t i = 0; i < count; i++) {
		const struct entry *missing = curve_missing(results, first->series, &curves[i]);
		if (missing)
			say(file, "- Missing: @: @.\n", missing->contender, entry_missing(missing));
		list |= missing != NULL;
	}
	for (const struct row *row = first; row; row = series_next(results, first->series, row)) {
		for (size_t i = 0; i < row->comparisons; i++) {
			say(file, "- @ @, ", row->x_name, x_text(row->x).s);
			print_comparison(file, row, &row->compared[i]);
		}
		list |= row->comparisons > 0;
	}
	if (list)
		putc('\n', file);
	print_plot(file, results, first, plots);
}

/* ---- Sections ------------------------------------------------------------------------- */

static void print_rows(FILE *file, const struct results *results, const char *letter, const struct plots *plots)
{
	for (const struct row *row = results->row; row < results->row + results->rows; row++) {
		if (strcmp(row->section, letter) != 0)
			continue;
		if (row->series[0] == '\0')
			print_row(file, results, row, plots);
		else if (series_next(results, row->series, NULL) == row)
			print_series(file, results, row, plots);
	}
}

static void print_section(FILE *file, const struct results *results, const struct section *section,
                          const struct plots *plots)
{
	say(file, "## @) @\n\n", section->letter, section->title);
	if (section->text[0])
		say(file, "@\n\n", section->text);
	print_rows(file, results, section->letter, plots);
}

static void print_peers(FILE *file, const struct results *results)
{
	fputs("## Peers\n\n| peer | version |\n|---|---|\n", file);
	for (const struct peer_version *peer = results->peer; peer < results->peer + results->peers; peer++)
		if (peer->missing[0])
			say(file, "| @ | missing: @ |\n", peer->name, peer->missing);
		else
			say(file, "| @ | @ |\n", peer->name, peer->version);
}

static void print_document(FILE *file, const struct results *results, const struct plots *plots)
{
	print_beginning(file, results);
	print_method(file, results);
	print_summary(file, results);
	for (size_t i = 0; i < results->sections; i++)
		print_section(file, results, &results->section[i], plots);
	print_peers(file, results);
}

/* ---- Where the plots are -------------------------------------------------------------- */

/* How the folder `to` is reached from the folder `from`, both absolute, for a link. */
static void find_way(char *way, size_t size, const char *from, const char *to)
{
	size_t same = 0, length = 0;
	for (size_t i = 0; i == 0 || from[i - 1]; i++) {
		bool ends = (from[i] == '/' || !from[i]) && (to[i] == '/' || !to[i]);
		if (!ends && from[i] != to[i])
			break;
		same = ends ? i : same;
		if (!to[i])
			break;
	}
	way[0] = '\0';
	for (const char *up = from + same; *up && length < size; up++)
		if (*up == '/' && up[1])
			length += (size_t)snprintf(way + length, size - length, "%s..", length ? "/" : "");
	for (const char *down = to + same; *down && length + 4 < size; down++)
		if (*down != '/' || length > 0)
			length += (size_t)snprintf(way + length, size - length, *down == ' ' ? "%%20" : "%c", *down);
	if (length == 0)
		snprintf(way, size, ".");
}

/* False: the folder is not there. */
static bool find_plots(struct plots *plots, const char *document, const char *folder)
{
	char *copy = strdup(document);
	char *from = copy ? realpath(dirname(copy), NULL) : NULL, *to = realpath(folder, NULL);
	bool found = from && to;
	plots->folder = folder;
	if (found)
		find_way(plots->link, sizeof(plots->link), from, to);
	free(to);
	free(from);
	free(copy);
	return found;
}

int document_write(const char *path, const char *folder, const struct results *results)
{
	struct save save;
	struct plots plots;
	int status = save_begin(&save, path);
	if (status == 0) {
		bool found = folder && find_plots(&plots, path, folder);
		print_document(save.file, results, found ? &plots : NULL);
		status = save_end(&save, 0);
	}
	if (status)
		fprintf(stderr, "compare: %s: cannot be written: %s\n", path, strerror(-status));
	return status;
}
