/*
 * The pool as its parent sees it: private state, of which workers use nothing but `engine` and the
 * configuration that they inherit with the fork.
 */
#ifndef FORKPOOL_PARENT_H
#define FORKPOOL_PARENT_H

#include "arena.h"
#include "backend.h"
#include "objects.h"

struct job;
struct orphan;

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
	int epoll;
	int bell;     /* the doorbell's end to read from: eventfd, or a pipe */
	int lifeline; /* the end of a pipe that closes with the parent; -1: none */
	ino_t lifeline_inode;
	bool closed, killed;
	int start_error; /* why a worker could not be started last */
	uint64_t restarts;
	double next_beat;    /* when: see clock.h */
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

#endif
