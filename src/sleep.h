/*
 * How the parent sleeps.
 */
#ifndef FORKPOOL_SLEEP_H
#define FORKPOOL_SLEEP_H

#include "parent.h"

/* Seconds in which a worker that still pins a closed job will most often have left it. */
#define PIN_MOMENT 0.001

/* The heartbeat counts from now: the pool has got something to do. */
void plan_beat(forkpool *pool);

/* Until something happens, at most `seconds`, and acts upon it.  Returns at once if `seconds` is 0. */
void sleep_once(forkpool *pool, double seconds);

/* Returns after a moment, in which a slot may have lost its last pin; and how many such moments to wait for
 * its memory. */
enum { WAIT_PATIENCE = 100 };
void wait_for_slot(forkpool *pool);

/* Until no worker is in its initializer any more; until none is left. */
void wait_for_starts(forkpool *pool);
void wait_for_ends(forkpool *pool);

#endif
