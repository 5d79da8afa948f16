/*
 * results.h - what a run has measured: rows of figures, round by round, and what they are compared with.
 *
 * The run fills this in, or it is read back from the JSON of an earlier run; tables, plots and documents are made of it
 * and of nothing else.
 */
#ifndef RESULTS_H
#define RESULTS_H

#include "stats.h"
#include <stdbool.h>
#include <stddef.h>

enum { MAX_ROUNDS = 99, MAX_ENTRIES = 24, MAX_COMPARISONS = 8, MAX_TEXT = 256 };

/* One contender in one row. */
struct entry {
	char contender[MAX_TEXT]; /* "processes", "OpenMP dynamic", "multiprocessing.Pool" */
	char missing[MAX_TEXT];   /* "", or why it has no figures */
	bool is_limit;            /* what no pool can be better than, measured bare */
	double tasks;             /* a round did so many of what the row counts; 0: it is for the whole */
	unsigned rounds;
	double values[MAX_ROUNDS]; /* in the row's unit; those of the same index were measured side by side */
};

/* a / b, round by round; or a itself, where b is a: a target in the row's unit. */
struct comparison {
	unsigned a, b;              /* entries of the row */
	struct interval ratio;      /* median of the paired ratios, and its confidence interval */
	double target;              /* at most; 0: there is none, it is for information */
	char text[MAX_TEXT];        /* the target in words */
	char because[4 * MAX_TEXT]; /* what decides it, in a sentence or two, for the document */
};

enum verdict { VERDICT_NONE, VERDICT_MET, VERDICT_UNDECIDED, VERDICT_MISSED };

/* Missed only if an interval of at least 95 % excludes the target; undecided if the median is beyond it, and no such
 * interval is. */
enum verdict comparison_verdict(const struct comparison *comparison);

/* One measurement: one work, one size, all contenders. */
struct row {
	char id[MAX_TEXT];       /* "empty.1": of the works, a file name or a JSON key */
	char section[MAX_TEXT];  /* "a": rows of a section stand together */
	char title[MAX_TEXT];    /* "empty task, chunk 1" */
	char unit[MAX_TEXT];     /* "ns a task", "us", "s", "MiB a worker", "GB/s" */
	char note[2 * MAX_TEXT]; /* "", or what to know of it: "spin_us = 0" */
	bool more_is_better;
	char series[MAX_TEXT]; /* "", or the curve that the row is one point of: "delay", "growth", "workers.ep" */
	char x_name[MAX_TEXT]; /* "chunk", "tasks", "workers" */
	double x;
	size_t count;
	struct entry *entries;
	size_t comparisons;
	struct comparison compared[MAX_COMPARISONS];
};

struct section {
	char letter[8];
	char title[MAX_TEXT];
	char text[4 * MAX_TEXT]; /* what is measured, in a sentence or two */
};

struct peer_version {
	char name[MAX_TEXT], version[MAX_TEXT], missing[MAX_TEXT]; /* missing: "" or what to install */
};

struct machine {
	char cpu[MAX_TEXT], kernel[MAX_TEXT], libc[MAX_TEXT], compiler[MAX_TEXT], system[MAX_TEXT];
	unsigned cpus; /* that may be used */
	double memory; /* GiB */
	char caches[MAX_TEXT];
	char frequency[MAX_TEXT];       /* governor, or "unknown" */
	double load_before, load_after; /* load average of a minute */
	double steal; /* share of CPU time that the hypervisor took during the run, 0 .. 1; < 0: unknown */
};

struct results {
	char version[MAX_TEXT], date[MAX_TEXT], command[MAX_TEXT];
	bool quick;
	unsigned workers, spin_us;
	double seconds; /* the whole run */
	struct machine machine;
	size_t peers, sections, rows;
	struct peer_version *peer;
	struct section *section;
	struct row *row;
};

#endif
