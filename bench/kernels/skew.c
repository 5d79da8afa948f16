/*
 * skew - a load that is as uneven as loads get: all the cost is in the first 1 % of
 * the indices.  Who deals out equal shares leaves all but one worker idle.
 *
 * It sums 1/k^2.  An item is a first k and how many terms; the first 1 % of the items
 * have very many, every other item has one.  The sum of all of them is known: zeta(2)
 * = pi^2/6 (Euler, 1735) less a tail, which Euler-Maclaurin gives to the last bit.
 */
#include "kernel.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { HEAVY_SHARE = 100 };           /* one item in so many */
#define LAST_TERM (UINT64_C(1) << 53) /* beyond, not every integer is a double */

struct slice {
	uint64_t first, terms;
};

/* From the smallest term to the largest, so that little is lost. */
static int skew(const void *item, void *result, void *ctx)
{
	(void)ctx;
	struct slice slice = *(const struct slice *)item;
	if (slice.first < 1 || slice.first > LAST_TERM || slice.terms > LAST_TERM - slice.first)
		return forkpool_fail(1, "%" PRIu64 " terms from k = %" PRIu64 ": k is 1 to %" PRIu64, slice.terms,
		                     slice.first, LAST_TERM);
	double first = (double)slice.first, sum = 0;
	for (double k = (double)(slice.first + slice.terms) - 1; k >= first; k--)
		sum += 1 / (k * k);
	*(double *)result = sum;
	return 0;
}

FORKPOOL_PLUGIN(skew, "first k, number of terms -> the sum of that many terms of 1/k^2", skew, FORKPOOL_UINT64, 2,
                FORKPOOL_DOUBLE, 1);

static uint64_t heavy_terms(int size)
{
	static const uint64_t terms[KERNEL_SIZES] = {20000, 200000, 1000000};
	return terms[size];
}

static void fill(const struct kernel_problem *problem)
{
	struct slice *items = problem->items;
	uint64_t first = 1;
	for (size_t i = 0; i < problem->tasks; i++) {
		items[i] = (struct slice){first, i < problem->tasks / HEAVY_SHARE ? heavy_terms(problem->size) : 1};
		first += items[i].terms;
	}
}

static int run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	return forkpool_map(pool, skew, problem->items, problem->tasks, sizeof(struct slice), problem->answer,
	                    sizeof(double), opts);
}

static bool check(const struct kernel_problem *problem, char *text, size_t length)
{
	const struct slice *items = problem->items;
	const double *sums = problem->answer;
	const double pi = 3.14159265358979323846;
	double n = (double)(items[problem->tasks - 1].first + 1); /* the first k left out */
	double expected = pi * pi / 6 - (1 / n + 1 / (2 * n * n)), sum = 0;
	for (size_t i = problem->tasks; i-- > 0;)
		sum += sums[i];
	snprintf(text, length, "sum of %.0f terms %.14f, by zeta(2) = pi^2/6 %.14f", n - 1, sum, expected);
	return fabs(sum - expected) < 1e-13;
}

const struct kernel forkpool_kernel = {
        .abi = KERNEL_ABI,
        .name = "skew",
        .summary = "all the cost in the first 1 % of the indices",
        .plugin = &forkpool_plugin_skew,
        .item_size = sizeof(struct slice),
        .sizes = {{"10^5 sums", 100000, 100000 * sizeof(double)},
                  {"5 * 10^5 sums", 500000, 500000 * sizeof(double)},
                  {"10^6 sums", 1000000, 1000000 * sizeof(double)}},
        .fill = fill,
        .run = run,
        .check = check,
};
