/*
 * measure.h - one run of a kernel in a process of its own, so that peak memory, page faults
 * and context switches are those of this run and of nothing else.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "bench.h"

/* What the run took.  Switches and faults: of the process while the map ran, and of its
 * workers from their start to their end.  Memory: of the largest process. */
struct sample {
	int result;   /* of the map; or -errno, before it */
	bool right;   /* what the kernel's check said */
	bool counted; /* the report adds up: all tasks succeeded */
	double seconds;
	long voluntary_switches, involuntary_switches;
	long page_faults;
	long peak_kib;
	char text[FORKPOOL_MESSAGE_SIZE]; /* what the kernel's check found; or why there is no answer */
};

/* Runs `kernel` once on a new pool, in a forked process.  The answer's bytes go to
 * `answer`, which is shared memory.  `sample` is filled in whatever happens. */
void measure(const struct kernel *kernel, int size, const forkpool_config *config, void *answer, struct sample *sample);

#endif
