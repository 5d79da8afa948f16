/*
 * random - a load with a heavy tail, in no order: an item costs c or more with probability 1/c (a Pareto distribution
 * with exponent 1), up to MOST times the least.  The dearest 1 % have half of the cost, and nobody knows
 * where they are.
 */
#include "zeta.h"

enum { MOST = 4096, SEED = 2026 };

static uint64_t terms(size_t index, size_t tasks, int size)
{
	static const uint64_t least[KERNEL_SIZES] = {64, 320, 1280};
	(void)tasks;
	double chance = ((double)(forkpool_seed(SEED, index) >> 11) + 0.5) / (double)(UINT64_C(1) << 53);
	return (uint64_t)((double)least[size] / (chance < 1.0 / MOST ? 1.0 / MOST : chance));
}

static void fill(const struct kernel_problem *problem)
{
	zeta_fill(problem, terms);
}

ZETA_KERNEL(random, "cost with a heavy tail, in no order", ZETA_SIZE("10^5 sums, of 64 terms or more", 100000),
            ZETA_SIZE("10^5 sums, of 320 terms or more", 100000),
            ZETA_SIZE("10^5 sums, of 1280 terms or more", 100000));
