/*
 * stats.h - medians and their confidence intervals, without assumptions on the distribution.
 *
 * The interval of the median is one between order statistics: with k the largest rank for which P(Binomial(n, 1/2) < k)
 * <= 0.025, the median of the population is between the k-th smallest and the k-th largest of n values with at least 95
 * % probability (Le Boudec, Performance Evaluation of Computer and Communication Systems, section 2.2.2).  For fewer
 * than 6 values there is none at that level: then it is from the lowest to the highest, and `level` says how much that
 * is.
 */
#ifndef STATS_H
#define STATS_H

#include <stddef.h>

struct interval {
	double low, median, high;
	double level; /* that the population's median is between low and high; 0 for a single value */
};

/* Of the values, which are left as they are; count from 1 to 99. */
struct interval stats_median(const double *values, size_t count);

/* Of a[i] / b[i]. */
struct interval stats_ratio(const double *a, const double *b, size_t count);

#endif
