/*
 * reality - what the simulation must foretell: the library, measured here, with as many workers as there are CPUs for.
 */
#ifndef REALITY_H
#define REALITY_H

#include "model.h"

struct reality {
	const char *what;
	struct load load;
	bool apply;      /* jobs are single calls */
	double measured; /* nanoseconds a task */
	double foretold;
};

/* Fills in both figures of the table's rows, and says how many there are.  The status of a failed call of the library
 * ends the program. */
size_t reality_measure(const struct costs *costs, struct reality **rows);

#endif
