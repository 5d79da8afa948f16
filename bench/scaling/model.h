/*
 * model - the engine's way of a task, as src/worker.c, ring.c, schedule.c and job.c go it, step by step on the
 * simulated machine; and changes of its design that can be tried out.
 *
 * A worker pops an entry of the ring, pins the job, sweeps its range up, chunk by chunk, hands in what it has done, and
 * then steals from the open jobs' ranges; a worker that finds nothing spins for a while, and sleeps then.  The parent
 * opens jobs while there are slots and closes those whose endings it sees.
 */
#ifndef MODEL_H
#define MODEL_H

#include "machine.h"

enum { MODEL_SLOTS = 64, MOST_WORKERS = 1024 };

/* What could be done otherwise than the engine does it.  Bits. */
enum design {
	DESIGN_TICKET = 1, /* the ring's head is moved by fetch-and-add */
	DESIGN_TREE = 2,   /* the parent wakes two; who has taken an entry, and sees more, wakes two others */
	DESIGN_LOUD = 4,   /* a finished chunk of an asynchronous job modifies the endings (a fence does as well) */
	DESIGN_STRIDE =
	        8, /* in a job that is worked at in order, worker k begins at chunk k, and goes on by steps of W */
	DESIGN_CURSOR = 16,  /* there the next chunk is told by a counter */
	DESIGN_ALIGNED = 32, /* ranges begin at a line of the ledger */
	DESIGN_AUDIT = 64,   /* the records are looked over at heartbeats only, not at each end of a job */
	/* A job with a range for each worker has no entries: who sees it on the board begins with his own. */
	DESIGN_SHARED = 128,
};

struct load {
	unsigned workers;
	size_t tasks, chunk; /* of each job */
	double task_ns;
	double spread;  /* a task takes from (1 - spread) to (1 + spread) of that */
	unsigned jobs;  /* one after the other; */
	unsigned open;  /* so many at once */
	bool attended;  /* asynchronous: somebody has the handle */
	double spin_us; /* as in the pool's configuration */
	unsigned design;
	double distance; /* between the halves of the machine, see machine.h */
	uint64_t seed;
};

struct outcome {
	double ns;              /* from the first submission to the last job's end */
	double efficiency;      /* the tasks' time / (workers * ns) */
	double share[PLACES];   /* of the workers' time; adds up to 1 */
	double parent[PLACES];  /* of the parent's */
	double busiest[PLACES]; /* how busy the busiest line there was, 0 to 1 */
	uint64_t chunks_run;    /* all of them */
	bool exactly_once;      /* each chunk was run once, and those of the dead twice */
	uint64_t events;
};

void model_run(const struct load *load, const struct costs *costs, struct outcome *outcome);

/* Where workers lose most of their time; PLACE_TASKS if less than a tenth is lost.  Where they wait for the parent,
 * what that spends most of its time at. */
enum place model_bottleneck(const struct outcome *outcome, bool *in_parent);

#endif
