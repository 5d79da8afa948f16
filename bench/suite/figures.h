/*
 * figures.h - what is said of measured values, the same in the terminal, in the plots and in the document: who is
 * best, how far each is from it, and how a number is written.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "results.h"
#include <stdio.h>

/* "", or why the entry has no figures: it is missing, was never measured, or has a value that is not a number. */
const char *entry_missing(const struct entry *entry);

struct interval entry_interval(const struct entry *entry);

/*
 * The contender of that name with figures; forkpool's processes, of whatever kind; the best one; the limit that is
 * nearest to them.  NULL: there is none.
 */
const struct entry *row_find(const struct row *row, const char *contender);
const struct entry *row_processes(const struct row *row);
const struct entry *row_best(const struct row *row);
const struct entry *row_limit(const struct row *row);

/* Whether median a is better than b, in the sense of the row. */
bool row_better(const struct row *row, double a, double b);

/*
 * How many times as bad `entry` is as `than`, round by round, in the median: more than 1 is worse, whichever way the
 * row counts.  NAN if `than` is NULL.
 */
double row_times(const struct row *row, const struct entry *entry, const struct entry *than);

/* Entries as they are shown: contenders from the best, limits, those without figures.  Returns how many have any. */
size_t row_order(const struct row *row, const struct entry *order[MAX_ENTRIES]);

/* The fewest rounds of an entry with figures, and the most; both 0 if there is none. */
struct rounds {
	unsigned fewest, most;
} row_rounds(const struct row *row);

/* "9 rounds, 95 % interval" and the like: what stands between low and high. */
const char *rounds_say(struct rounds rounds, char *text, size_t size);

/* comparison_verdict(), but never met by a comparison of what has no figures. */
bool comparison_measured(const struct row *row, const struct comparison *comparison);
enum verdict row_verdict(const struct row *row, const struct comparison *comparison);
const char *verdict_word(enum verdict verdict);

/* "processes / OpenMP dynamic"; of a target in the row's unit "processes, KiB a worker". */
const char *comparison_say(const struct row *row, const struct comparison *comparison, char *text, size_t size);

/* The contender for want of which there is no ratio. */
const struct entry *comparison_wants(const struct row *row, const struct comparison *comparison);

/* "limit: ", before the name of a limit that does not say that it is one. */
const char *limit_prefix(const char *contender, bool is_limit);

/* The first row of the series, and the next one after `row`; NULL: no more. */
const struct row *series_next(const struct results *results, const char *series, const struct row *row);

/* A series' contenders in order of appearance, limits last; returns how many (at most `most`). */
struct curve {
	const char *contender;
	bool is_limit;
};
size_t series_curves(const struct results *results, const char *series, struct curve *curves, size_t most);
enum { MAX_CURVES = 64 };

/* The row's entry of that curve, or NULL. */
const struct entry *curve_entry(const struct row *row, const struct curve *curve);

/* NULL if the curve has figures in any row of the series; else an entry that says why not. */
const struct entry *curve_missing(const struct results *results, const char *series, const struct curve *curve);

/* Numbers in words; "-" for what is not a number. */
struct text {
	char s[48];
};
struct text value_text(double value);   /* three digits, or all before the point: "0.0123", "12,346" */
struct text ratio_text(double ratio);   /* "1.003", "215", "1/2,431" */
struct text exact_text(double value);   /* 15 digits, or more if it takes these to read the same double */
struct text target_text(double target); /* as it was set: "1.05", "1/2,000" */
struct text x_text(double x);           /* "1024", "10^6" */
struct text share_text(double share);   /* "0.3 %"; below 0 "unknown" */
struct text figure_text(const struct row *row, double value);    /* of the row's unit; seconds as "12.3 ms", too */
struct text spread_text(const struct row *row, struct interval); /* "1.90 .. 2.10"; "-" for a single round */
struct text ratio_spread_text(struct interval);

/* Of a comparison, which may be of ratios or in the row's unit; "-" if it was not measured. */
struct text comparison_median_text(const struct row *row, const struct comparison *comparison);
struct text comparison_spread_text(const struct row *row, const struct comparison *comparison);

/* What was run, and on what. */
struct fact {
	const char *name;
	char text[3 * MAX_TEXT];
};
enum { MAX_FACTS = 11 };
size_t results_facts(const struct results *results, struct fact facts[MAX_FACTS]);

/* Prints the text in lines of at most 100 columns, from column `at` in the first and `indent` in others; ends it. */
void print_wrapped(FILE *file, const char *text, size_t at, size_t indent);

/* Columns that the text takes: characters, not bytes. */
size_t text_width(const char *text);

#endif
