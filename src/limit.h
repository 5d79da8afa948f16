/*
 * Time limits: tasks that run for longer than their job allows are ended, with their worker.
 */
#ifndef FORKPOOL_LIMIT_H
#define FORKPOOL_LIMIT_H

#include "parent.h"

/* Dooms and kills the workers whose tasks are over their time.  Returns the seconds until there may be
 * another one: nothing has to be looked at before. */
double limit_enforce(forkpool *pool);

#endif
