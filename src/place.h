/*
 * On which CPU each worker runs, if the configuration asks for that.  What the system does not tell, or does
 * not allow, is done without: the worker then runs where it is put.
 */
#ifndef FORKPOOL_PLACE_H
#define FORKPOOL_PLACE_H

#include "order.h"

struct places {
	struct cpu *cpus; /* in the order of the workers' numbers, which wrap around */
	size_t count;     /* 0: workers are not placed */
};

/* The CPUs that the caller may use now, in the order that `affinity` wants. */
void places_find(struct places *places, int affinity);
void places_free(struct places *places);

/* Binds the calling thread to the worker's CPU. */
void places_take(const struct places *places, unsigned slot);

#endif
