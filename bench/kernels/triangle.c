/*
 * triangle - a load whose cost grows with the index, from nearly nothing, as that of the rows of a triangular matrix
 * does.  Of equal shares the last is the dearest: of two, it has three quarters of the cost.
 */
#include "zeta.h"

static uint64_t terms(size_t index, size_t tasks, int size)
{
	static const uint64_t slope[KERNEL_SIZES] = {1, 6, 24};
	(void)tasks;
	return (index + 1) * slope[size];
}

static void fill(const struct kernel_problem *problem)
{
	zeta_fill(problem, terms);
}

ZETA_KERNEL(triangle, "cost in proportion to the index", ZETA_SIZE("10^4 sums, to 10^4 terms", 10000),
            ZETA_SIZE("10^4 sums, to 6 * 10^4 terms", 10000), ZETA_SIZE("10^4 sums, to 2.4 * 10^5 terms", 10000));
