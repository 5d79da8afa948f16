/*
 * test_stats.c - medians, their intervals against the tables of order statistics, ratios of pairs, and verdicts.  The
 * part under test is compiled in.
 */
#include "../bench/suite/results.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* ---- Intervals ----------------------------------------------------------------- */

/* Ranks from 1, by Bernoulli's formula in whole numbers; the level to the digits given. */
static const struct {
	size_t count, low, high;
	double level;
} tables[] = {
        {1, 1, 1, 0},           {2, 1, 2, 0.5},         {3, 1, 3, 0.75},        {5, 1, 5, 0.9375},
        {6, 1, 6, 0.96875},     {7, 1, 7, 0.984375},    {8, 1, 8, 0.9921875},   {9, 2, 8, 0.9609375},
        {10, 2, 9, 0.978516},   {11, 2, 10, 0.988281},  {12, 3, 10, 0.961426},  {15, 4, 12, 0.964844},
        {20, 6, 15, 0.958611},  {25, 8, 18, 0.956715},  {30, 10, 21, 0.957226}, {50, 18, 33, 0.967161},
        {70, 27, 44, 0.958609}, {98, 39, 60, 0.966640}, {99, 40, 60, 0.956125},
};

/* The values 1 .. count in an order that is far from sorted: then a rank is its value. */
static void fill(double *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (double)(i % 2 ? i / 2 + 1 : count - i / 2);
}

START_TEST(ranks_and_levels_as_in_the_tables)
{
	double values[MAX_ROUNDS], before[MAX_ROUNDS];
	size_t count = tables[_i].count;
	fill(values, count);
	fill(before, count);
	struct interval found = stats_median(values, count);
	ck_assert_double_eq(found.low, (double)tables[_i].low);
	ck_assert_double_eq(found.high, (double)tables[_i].high);
	ck_assert_double_eq(found.median, (double)(count + 1) / 2);
	ck_assert_double_eq_tol(found.level, tables[_i].level, 5e-7);
	ck_assert_mem_eq(values, before, count * sizeof(*values));
}
END_TEST

START_TEST(equal_values_have_an_interval_without_width)
{
	double values[9] = {7, 7, 7, 7, 7, 7, 7, 7, 7};
	struct interval found = stats_median(values, 9);
	ck_assert_double_eq(found.low, 7);
	ck_assert_double_eq(found.median, 7);
	ck_assert_double_eq(found.high, 7);
}
END_TEST

START_TEST(one_wild_value_moves_neither_end_of_nine)
{
	double values[9] = {5, 1e300, 3, 4, 2, 6, 1, 8, 7};
	struct interval found = stats_median(values, 9);
	ck_assert_double_eq(found.low, 2);
	ck_assert_double_eq(found.median, 5);
	ck_assert_double_eq(found.high, 8);
}
END_TEST

/* ---- Ratios -------------------------------------------------------------------- */

/* Both get slower together, so that the ratio of the medians would be another one. */
START_TEST(ratios_are_of_pairs)
{
	double a[6] = {1, 20, 3, 40, 5, 60}, b[6] = {2, 5, 6, 10, 10, 15};
	struct interval found = stats_ratio(a, b, 6);
	ck_assert_double_eq(found.low, 0.5);
	ck_assert_double_eq(found.median, 2.25);
	ck_assert_double_eq(found.high, 4);
	ck_assert_double_eq(found.level, 0.96875);
}
END_TEST

START_TEST(equal_pairs_have_ratio_one)
{
	double a[MAX_ROUNDS];
	fill(a, MAX_ROUNDS);
	struct interval found = stats_ratio(a, a, MAX_ROUNDS);
	ck_assert_double_eq(found.low, 1);
	ck_assert_double_eq(found.median, 1);
	ck_assert_double_eq(found.high, 1);
}
END_TEST

/* ---- Verdicts ------------------------------------------------------------------ */

static const struct {
	double target, low, median, high, level;
	enum verdict verdict;
} verdicts[] = {
        {0, 2, 3, 4, 0.96, VERDICT_NONE},
        {1.05, 0.9, 1.0, 1.04, 0.96, VERDICT_MET},
        {1.05, 0.9, 1.05, 1.2, 0.96, VERDICT_MET}, /* at most: equality is enough */
        {1.05, 0.9, 1.06, 1.2, 0.96, VERDICT_UNDECIDED},
        {1.05, 1.05, 1.06, 1.2, 0.96, VERDICT_UNDECIDED}, /* the target itself is in the interval */
        {1.05, 1.06, 1.07, 1.2, 0.96, VERDICT_MISSED},
        {1.05, 1.06, 1.07, 1.2, 0.9375, VERDICT_UNDECIDED}, /* five rounds are not enough */
        {1.05, 1.07, 1.07, 1.07, 0, VERDICT_UNDECIDED},     /* a single round excludes nothing */
        {1.05, 1.0, 1.0, 1.0, 0, VERDICT_MET},
        {1.05, NAN, NAN, NAN, 0.96, VERDICT_UNDECIDED},
};

START_TEST(verdict_is_by_median_and_interval)
{
	struct comparison comparison = {
	        .ratio = {verdicts[_i].low, verdicts[_i].median, verdicts[_i].high, verdicts[_i].level},
	        .target = verdicts[_i].target,
	};
	ck_assert_int_eq(comparison_verdict(&comparison), verdicts[_i].verdict);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");
	tcase_add_loop_test(tcase, ranks_and_levels_as_in_the_tables, 0, sizeof(tables) / sizeof(*tables));
	tcase_add_test(tcase, equal_values_have_an_interval_without_width);
	tcase_add_test(tcase, one_wild_value_moves_neither_end_of_nine);
	tcase_add_test(tcase, ratios_are_of_pairs);
	tcase_add_test(tcase, equal_pairs_have_ratio_one);
	tcase_add_loop_test(tcase, verdict_is_by_median_and_interval, 0, sizeof(verdicts) / sizeof(*verdicts));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
