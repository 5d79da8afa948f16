/*
 * stats - the median, and the interval between two order statistics that holds the population's median.
 *
 * How many of n values lie below the population's median is Binomial(n, 1/2), whatever the distribution: so how sure
 * the interval between the k-th smallest and the k-th largest is, is a sum of binomial coefficients.
 */
#include "stats.h"
#include "results.h"
#include <string.h>

/* P(Binomial(n, 1/2) < k). */
static double below(size_t n, size_t k)
{
	double term = 1, sum = 0; /* term: P(Binomial = i); a power of two at first, so exact */
	for (size_t i = 0; i < n; i++)
		term /= 2;
	for (size_t i = 0; i < k; i++) {
		sum += term;
		term = term * (double)(n - i) / (double)(i + 1);
	}
	return sum;
}

/* Insertion: no more than 99 values, and a value that is not a number harms nothing but the order. */
static void sort(double *values, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		double value = values[i];
		size_t to = i;
		for (; to > 0 && values[to - 1] > value; to--)
			values[to] = values[to - 1];
		values[to] = value;
	}
}

struct interval stats_median(const double *values, size_t count)
{
	double sorted[MAX_ROUNDS];
	memcpy(sorted, values, count * sizeof(*values));
	sort(sorted, count);
	size_t k = 1;
	while (below(count, k + 1) <= 0.025)
		k++;
	return (struct interval){
	        .low = sorted[k - 1],
	        .median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
	        .high = sorted[count - k],
	        .level = 1 - 2 * below(count, k),
	};
}

struct interval stats_ratio(const double *a, const double *b, size_t count)
{
	double ratios[MAX_ROUNDS];
	for (size_t i = 0; i < count; i++)
		ratios[i] = a[i] / b[i];
	return stats_median(ratios, count);
}

/* A single round has no interval, so it cannot exclude anything. */
enum verdict comparison_verdict(const struct comparison *comparison)
{
	if (comparison->target <= 0)
		return VERDICT_NONE;
	if (comparison->ratio.median <= comparison->target)
		return VERDICT_MET;
	if (comparison->ratio.level >= 0.95 && comparison->ratio.low > comparison->target)
		return VERDICT_MISSED;
	return VERDICT_UNDECIDED;
}
