/*
 * plan.h - what a run measures: which work, by whom, compared with whom.
 */
#ifndef PLAN_H
#define PLAN_H

#include "contender.h"
#include "results.h"

/* What the seconds of a request are divided by. */
enum per {
	PER_NOTHING,
	PER_COUNT,  /* the request's N */
	PER_CHUNK,  /* its CHUNK */
	PER_SPEEDUP /* not that: what serial took in the same round, divided by them */
};

/* What is looked at instead of seconds. */
enum probe { PROBE_TIME, PROBE_PSS, PROBE_PRIVATE, PROBE_TABLES };

/* How an entry of a row comes by its figures. */
struct demand {
	const struct contender_kind *kind; /* NULL: of another entry's figures */
	unsigned workers;
	const char *work;
	size_t count, chunk; /* count 0: so many that a turn takes long enough */
	size_t repeats;      /* of the request in a turn; 0: so many that it takes long enough */
	bool is_given;       /* both stand as they are, also where the count is 0 */
	bool is_calibrated;  /* the count was found out */
	enum per per;
	double scale; /* to the row's unit: 1e9 for ns */
	enum probe probe;
	unsigned source, best_of; /* kind NULL: values are those of this entry, or of the fastest of this set of
	                             entries (bits), divided by `divisor` */
	double divisor;
};

struct plan_row {
	struct row *row;
	struct demand demand[MAX_ENTRIES];
	double seconds; /* that measuring it may take, about */
	size_t most;    /* tasks, where the count is found out; 0: no limit */
	bool is_last;   /* of its section: contenders may end */
};

struct plan {
	struct results *results;
	size_t rows;
	struct plan_row *row;
};

#define PLAN_SECTIONS "abcdefghi"

/* Fills in sections, rows and entries; figures are to follow.  `letters`: of the sections wanted, out of PLAN_SECTIONS.
 */
void plan_make(struct plan *plan, struct results *results, const char *letters);
void plan_free(struct plan *plan);

/* All that can be started, for the list of versions.  Ends with one without name. */
extern const struct contender_kind plan_kinds[];

#endif
