/*
 * race.h - what the parts of `forkpool bench` share: the same map run by several pools, in turns.
 */
#ifndef FORKPOOL_RACE_H
#define FORKPOOL_RACE_H

#include <stdio.h>
#include "bench/suite/stats.h"
#include "cli.h"

/* ---- lane.c: a pool, and memory for its results ----------------------------------- */

struct work {
	const struct function *function;
	const struct input *input;
	size_t chunk;     /* 0: chosen by the library */
	unsigned workers; /* the most that are compared */
	unsigned spin_us; /* as in forkpool_config */
	int quiet;        /* show no progress */
};

struct lane {
	forkpool *pool;
	char *results;
	int32_t *status;
};

int lane_open(struct lane *lane, const struct work *work, int backend, unsigned workers);
void lane_close(struct lane *lane);

/* Seconds since some moment. */
double lane_clock(void);

/* One map.  The status of each task and the report are kept only if `report` is not NULL: they cost time.
 * Returns how many tasks did not succeed, or -1. */
int lane_run(struct lane *lane, const struct work *work, forkpool_report *report);

/* ---- trial.c: what the function does before anything depends on it ------------------ */

struct trial {
	forkpool_report report;
	double seconds;
};

/* One map by processes, which survive whatever the function does. */
int trial_processes(struct trial *trial, const struct work *work);

/* One map by threads, in a process of its own.  Returns 1; 0 if it did not survive, with what ended it in `why`; or -1.
 */
int trial_threads(const struct work *work, char *why, size_t size);

/* ---- race.c ------------------------------------------------------------------------- */

enum { RACE_ROUNDS = 99 }; /* as many as the statistics take */

struct contender {
	int backend;
	unsigned workers;
	struct lane lane;
	unsigned maps;               /* in a turn, one after the other */
	double seconds[RACE_ROUNDS]; /* a map, in each round */
	int unsuccessful;            /* tasks, in the map with most of them */
	forkpool_report report;      /* of the map that was the first with any; else of the first */
	int differs;                 /* an answer was not that of the first contender: */
	size_t where;                /* at this index, first */
	char answer[2][NUMBER_TEXT]; /* so: the first contender's, and this one's; "" if there is more than a value */

	/* After race_judge(): */
	struct interval time, speed_up; /* seconds a map; against the first contender */
	double perfect;                 /* what speed_up could be at best */
};

struct race {
	struct work work;
	unsigned cpus;
	int backends[FORKPOOL_SERIAL + 1]; /* whether each takes part */
	double seconds;                    /* about so long; at least 3 rounds are run */
	unsigned repetitions;              /* 0: by the time, else so many rounds */
	struct contender *contenders;      /* the first is what all others are compared with */
	size_t count;
	unsigned rounds;
};

/* Runs all contenders in turns, once to warm up and then so many rounds. */
int race_run(struct race *race);
void race_judge(struct race *race);
void race_free(struct race *race);

/* Who has turn `turn` of round `round`. */
struct contender *race_turn(const struct race *race, unsigned round, size_t turn);

/* "threads with 2 workers", "serial". */
const char *race_name(const struct contender *contender, char *text, size_t size);

/* ---- verdict.c, record.c, plot.c: what came out, for people, programs and the eye ---- */

void verdict_table(const struct race *race);
void verdict_words(const struct race *race);

struct reason {
	double load; /* average, when it began */
	const char
	        *left_out[FORKPOOL_SERIAL + 1]; /* why a backend takes no part; NULL: it does, or was not asked for */
	const char *what;                       /* FILE.so:NAME, or the expression */
};

void record_json(const struct race *race, const struct reason *reason, FILE *stream);
void record_csv(const struct race *race, FILE *stream);

/* Whether gnuplot can draw `file`: 0 or -1.  Draws into it. */
int plot_possible(const char *file);
int plot_draw(const struct race *race, const char *what, struct output *output);

#endif
