/*
 * zeta - slices of the sum of 1/k^2: see zeta.h.
 */
#include "zeta.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define LAST_TERM (UINT64_C(1) << 53) /* beyond, not every integer is a double */

/* From the smallest term to the largest, so that little is lost. */
int zeta(const void *item, void *result, void *ctx)
{
	(void)ctx;
	struct zeta_slice slice = *(const struct zeta_slice *)item;
	if (slice.first < 1 || slice.first > LAST_TERM || slice.terms > LAST_TERM - slice.first)
		return forkpool_fail(1, "%" PRIu64 " terms from k = %" PRIu64 ": k is 1 to %" PRIu64, slice.terms,
		                     slice.first, LAST_TERM);
	double first = (double)slice.first, sum = 0;
	for (double k = (double)(slice.first + slice.terms) - 1; k >= first; k--)
		sum += 1 / (k * k);
	*(double *)result = sum;
	return 0;
}

void zeta_fill(const struct kernel_problem *problem, uint64_t (*terms)(size_t index, size_t tasks, int size))
{
	struct zeta_slice *items = problem->items;
	uint64_t first = 1;
	for (size_t i = 0; i < problem->tasks; i++) {
		items[i] = (struct zeta_slice){first, terms(i, problem->tasks, problem->size)};
		first += items[i].terms;
	}
}

int zeta_run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	return forkpool_map(pool, zeta, problem->items, problem->tasks, sizeof(struct zeta_slice), problem->answer,
	                    sizeof(double), opts);
}

bool zeta_check(const struct kernel_problem *problem, char *text, size_t length)
{
	const struct zeta_slice *items = problem->items, *last = &items[problem->tasks - 1];
	const double *sums = problem->answer;
	const double pi = 3.14159265358979323846;
	double n = (double)(last->first + last->terms); /* the first k left out */
	double expected = pi * pi / 6 - (1 / n + 1 / (2 * n * n)), sum = 0;
	for (size_t i = problem->tasks; i-- > 0;)
		sum += sums[i];
	snprintf(text, length, "sum of %.0f terms %.14f, by zeta(2) = pi^2/6 %.14f", n - 1, sum, expected);
	return fabs(sum - expected) < 1e-13;
}
