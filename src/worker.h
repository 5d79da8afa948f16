/*
 * The loop that workers run: take a range, announce, claim, run, finish, steal.  The same code runs
 * in forked processes, in threads, and in the caller itself.
 */
#ifndef FORKPOOL_WORKER_H
#define FORKPOOL_WORKER_H

#include "engine.h"

void worker_init(struct worker *worker, struct engine *engine, unsigned slot, uint32_t incarnation);

/* Works until the pool closes and nothing is left to do, or until it has served long enough. */
void worker_run(struct worker *worker);

/* Looks once for something to do, and does it; false: there is nothing. */
bool worker_find_work(struct worker *worker);

/* Of a worker that is about to be killed. */
void worker_wait_for_end(const struct engine *engine);

/* Wakes the parent if it sleeps. */
void worker_ring_bell(const struct engine *engine);

#endif
