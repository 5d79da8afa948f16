/*
 * In which order workers take CPUs: a function of what is given, which asks the system for nothing.
 */
#ifndef FORKPOOL_ORDER_H
#define FORKPOOL_ORDER_H

#include <stddef.h>

/* From the largest thing that two CPUs may share to what they never do. */
enum { CPU_PACKAGE, CPU_CACHE, CPU_CORE, CPU_NUMBER, CPU_LEVELS };

struct cpu {
	int id[CPU_LEVELS];   /* the numbers differ; the others need not be in sequence */
	int turn[CPU_LEVELS]; /* the order's own: which in its core, cache and package, from 0 */
};

/* Neighbours side by side: siblings of a core, then the cores of a cache, then the caches of a package. */
void order_compact(struct cpu *cpus, size_t count);

/* Far apart: the packages in turn, of each its caches in turn, of each its cores in turn, their siblings last. */
void order_spread(struct cpu *cpus, size_t count);

#endif
