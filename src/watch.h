/*
 * What the parent sleeps on: one epoll descriptor that holds the doorbell, which workers ring, and a
 * pidfd a worker process.  The doorbell is an eventfd, or else a pipe; of all the others it can do
 * without any: deaths are then noticed by the heartbeat.
 */
#ifndef FORKPOOL_WATCH_H
#define FORKPOOL_WATCH_H

#include "parent.h"

/* Opens bell and epoll, unless the pool runs inline.  0; or that there is no bell: -EMFILE, -ENFILE, -ENOMEM,
 * or -ENOSYS, the system refuses its kinds. */
int watch_open(forkpool *pool);
void watch_close(forkpool *pool);

/* The pidfd of the slot's worker, if it has one. */
void watch_add(forkpool *pool, unsigned slot);
void watch_remove(forkpool *pool, unsigned slot);

/* For a host that waits for the pool's epoll descriptor itself: a timer in it, and, of a pool that runs inline, the
 * bell.  0 or -errno: -EMFILE, -ENFILE, -ENOMEM, or -ENOSYS. */
int watch_open_for_host(forkpool *pool);
void watch_set_timer(forkpool *pool, double seconds); /* or earlier; INFINITY: none is needed */
void watch_ring(const forkpool *pool);
void watch_drain(const forkpool *pool);

/* Whether every death will be seen here. */
bool watch_is_complete(const forkpool *pool);

/* Sleeps until something happens, at most `seconds`.  Returns how many slots it has put into
 * `slots`, of workers that have ended; 0: time is up, or the bell rang; < 0: a signal came. */
enum { WATCH_SLOTS = 16 };
int watch_sleep(forkpool *pool, double seconds, unsigned slots[WATCH_SLOTS]);

#endif
