/*
 * What a kind of worker must offer: how one is made, ended and noticed dead.  Nothing else
 * differs between processes, threads and the caller itself.
 */
#ifndef FORKPOOL_BACKEND_H
#define FORKPOOL_BACKEND_H

#include "engine.h"

#include <pthread.h>
#include <sys/types.h>

/* How a worker ended. */
struct death {
	pid_t pid;
	int signal;              /* that killed it; 0: none */
	int exit_status;         /* if there was no signal */
	bool unknown;            /* its status was collected by somebody else */
	bool out_of_memory;      /* the kernel has ended some process for want of memory meanwhile */
	uint64_t faults, cpu_ns; /* all that it used */
};

/* The parent's view of a worker. */
struct member {
	forkpool *pool;
	bool alive;
	bool finished;          /* it has ended in good order, and is not missed */
	bool given_up;          /* cannot be started: see pool->start_error */
	bool doomed;            /* its task was over its time limit, and it has been killed.  B3 */
	bool dismissed;         /* its job was cancelled, and it has been killed.  B4 */
	unsigned failed_starts; /* deaths in the initializer, one after the other */
	uint32_t incarnation;
	pid_t pid;
	int pidfd;    /* -1: none to be had */
	bool watched; /* else the heartbeat looks after it */
	pthread_t thread;
};

struct backend {
	const char *name;
	bool shares_memory; /* workers see the caller's memory as it is */
	bool runs_inline;   /* there is no worker: the caller works while it waits */

	/* Starts a worker in the slot.  0, or -EAGAIN: the system refuses; -ENOTSUP. */
	int (*start)(forkpool *pool, unsigned slot);
	/* Whether the worker has ended; if so it is gone for good. */
	bool (*ended)(forkpool *pool, unsigned slot, struct death *death);
	/* Ends the worker at once.  NULL: cannot be done. */
	void (*kill)(forkpool *pool, unsigned slot);
	/* What a worker does each time before it sleeps, or NULL. */
	void (*before_sleep)(void);
};

/* A pool is known to all others from its first worker to its last.  0 or -ENOMEM. */
int process_enlist(forkpool *pool);
void process_delist(forkpool *pool);

extern const struct backend backend_process, backend_thread, backend_serial;

#endif
