/*
 * The pool: the parent's private state, and the steps that its files offer to each other.
 * Nothing of it is seen by workers but `engine` and what they inherit with the fork.
 */
#ifndef FORKPOOL_POOL_H
#define FORKPOOL_POOL_H

#include "arena.h"
#include "backend.h"
#include "job.h"
#include "objects.h"

struct forkpool {
	const struct backend *backend;
	forkpool_config config; /* as asked for, defaults filled in */
	pid_t owner;
	struct region region;
	struct arena arena;
	struct engine engine;
	struct member *members;       /* [engine.workers] */
	struct worker *inline_worker; /* of a backend that runs inline */
	struct objects objects;       /* loaded when the workers were forked */
	int epoll;
	int bell; /* the doorbell's end to read from: eventfd, or a pipe */
	bool creating, closed, joined;
	int start_error; /* why a worker could not be started last */
	uint64_t restarts;
	double next_beat;    /* wait_clock() */
	unsigned barren;     /* deaths in a row that charged nothing and finished nothing */
	uint64_t serial;     /* of the last job */
	uint32_t version;    /* of the last orphan */
	struct job *jobs;    /* open ones */
	struct job *retired; /* finished, but still pinned by a worker that looks at them */
	uint64_t slots_used; /* bit s: slot s belongs to an open or retired job */
	struct orphan *orphan_slots[ORPHAN_SLOTS];
	struct forkpool *next_pool; /* see backend_process.c */
};

static inline unsigned pool_workers(const forkpool *pool)
{
	return pool->engine.workers;
}

/* crew.c: keeping the slots filled with workers */
int crew_start(forkpool *pool);                                       /* all; 0 or -errno: not one could be started */
void crew_live(forkpool *pool, unsigned slot, struct worker *worker); /* a worker's whole life */
void crew_refill(forkpool *pool);                                     /* starts what is missing and may be started */
bool crew_check(forkpool *pool, unsigned slot);                       /* notices a death; recovers and replaces */
void crew_revive(forkpool *pool,
                 int error);          /* slots given up for want of resources, or for `error`, get another chance */
bool crew_gone(const forkpool *pool); /* no worker is alive */
void crew_close(forkpool *pool);      /* lets them finish */
void crew_join(forkpool *pool);       /* waits for their ends */
void crew_kill(forkpool *pool);       /* ends them now, where that can be done, and waits */

/* wait.c: what the parent does while jobs run */
int wait_init(forkpool *pool);
void wait_free(forkpool *pool);
int wait_watch(forkpool *pool, unsigned slot); /* its pidfd */
void wait_unwatch(forkpool *pool, unsigned slot);
void wait_for_job(forkpool *pool, struct job *job);
void wait_for_slot(forkpool *pool);                                       /* until a retired job may have gone */
void wait_until(forkpool *pool, bool (*condition)(const forkpool *pool)); /* checks workers; no job need be open */
double wait_clock(void);                                                  /* seconds, monotonic */

#endif
