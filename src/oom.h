/*
 * Whether the kernel has run out of memory.
 */
#ifndef FORKPOOL_OOM_H
#define FORKPOOL_OOM_H

#include <stdint.h>

/* How many processes the kernel has ended for want of memory since it was started: its own counter, which
 * includes those of memory cgroups.  If that cannot be read: more than there ever will be. */
#define OOM_KILLS_UNKNOWN UINT64_MAX
uint64_t oom_kills(void);

#endif
