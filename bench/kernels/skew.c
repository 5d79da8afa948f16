/*
 * skew - a load that is as uneven as loads get: all the cost is in the first 1 % of
 * the indices.  Who deals out equal shares leaves all but one worker idle.
 */
#include "zeta.h"

enum { HEAVY_SHARE = 100 }; /* one item in so many */

static uint64_t terms(size_t index, size_t tasks, int size)
{
	static const uint64_t heavy[KERNEL_SIZES] = {20000, 200000, 1000000};
	return index < tasks / HEAVY_SHARE ? heavy[size] : 1;
}

static void fill(const struct kernel_problem *problem)
{
	zeta_fill(problem, terms);
}

ZETA_KERNEL(skew, "all the cost in the first 1 % of the indices", ZETA_SIZE("10^5 sums", 100000),
            ZETA_SIZE("5 * 10^5 sums", 500000), ZETA_SIZE("10^6 sums", 1000000));
