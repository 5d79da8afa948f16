/*
 * The pool as its parent sees it: private state, of which workers use nothing but `engine` and the
 * configuration that they inherit with the fork.
 */
#ifndef FORKPOOL_PARENT_H
#define FORKPOOL_PARENT_H

#include "arena.h"
#include "backend.h"
#include "inner.h"
#include "objects.h"
#include "place.h"

struct orphan;

/* A place on the board: a job's from its opening until it is closed and no worker pins it any more. */
struct slot {
	uint64_t number;   /* of that job */
	forkpool_job *job; /* while it is open */
	/* Memory of the job: small things in `scratch`, which is the slot's for good, others in the arena. */
	char *scratch;
	size_t scratch_used;
	void *pieces[MAX_COLUMNS + 8];
	size_t piece_count;
};

/* Jobs in the order in which they came. */
struct job_queue {
	forkpool_job *first, *last;
};

struct forkpool {
	const struct backend *backend;
	forkpool_config config; /* as asked for, defaults filled in */
	pid_t owner;
	const struct worker *creator; /* in whose task it was created; or NULL */
	struct region region;
	struct arena arena;
	struct engine engine;
	struct member *members;       /* [engine.workers] */
	struct worker *inline_worker; /* of a backend that runs inline */
	struct objects objects;       /* loaded when the workers were forked */
	struct inner inner;
	struct places places;
	int epoll;
	int timer;       /* for a host's event loop; -1: it has none */
	double timer_at; /* when it is set for, or was */
	int bell;        /* the doorbell's end to read from: eventfd, or a pipe */
	int lifeline;    /* the end of a pipe that closes with the parent; -1: none */
	ino_t lifeline_inode;
	bool closed, killed;
	int start_error; /* why a worker could not be started last */
	uint64_t restarts;
	double next_beat; /* when: see clock.h */
	unsigned barren;  /* deaths in a row that charged nothing and finished nothing */
	uint64_t serial;  /* of the last job */
	uint32_t version; /* of the last orphan */

	struct job_queue waiting;  /* for a slot and memory */
	struct job_queue finished; /* whose callbacks are still to be called */
	uint64_t unfinished;       /* waiting and open */
	uint64_t tellers;          /* of those, that tell of their progress */
	uint64_t finish;           /* of the last one */
	unsigned depth;            /* calls of this pool that are on the stack */
	bool one_chunk;            /* inline: come back after it */
	double inline_until;       /* or when this moment has come; or INFINITY */

	uint64_t slots_used;    /* bit s: slots[s] belongs to an open or closed job */
	uint64_t slots_closing; /* to a closed one */
	uint64_t slots_heavy;   /* and has memory of the arena */
	uint64_t returns;       /* of memory to the arena */
	uint64_t slots_suspect; /* to one whose end is not told by the endings */
	struct slot slots[JOB_SLOTS];
	struct orphan *orphan_slots[ORPHAN_SLOTS];
	unsigned held_back;         /* permits of a job that are still to be posted: see job.c */
	uint64_t held_for;          /* that job */
	struct forkpool *next_pool; /* see backend_process.c */
	fenv_t float_environment;   /* as it was when a job was opened last */
	uint64_t float_modes;
};

static inline unsigned pool_workers(const forkpool *pool)
{
	return pool->engine.workers;
}

/* The slots of open jobs, to be gone through from the lowest bit on; and the job of the lowest. */
static inline uint64_t open_slots(const forkpool *pool)
{
	return pool->slots_used & ~pool->slots_closing;
}

static inline forkpool_job *lowest_job(const forkpool *pool, uint64_t slots)
{
	return pool->slots[__builtin_ctzll(slots)].job;
}

#endif
