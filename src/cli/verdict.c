/*
 * verdict.c - what came out of a race, as a table and in a few sentences.
 */
#include <stdio.h>
#include <string.h>
#include "race.h"

/* A unit in which the median has one to three digits before the point. */
static const char *time_unit(double seconds, double *scale)
{
	static const char *const units[] = {"s", "ms", "us", "ns"};
	size_t unit = 0;

	for (*scale = 1; seconds * *scale < 1 && unit < 3; unit++)
		*scale *= 1000;
	return units[unit];
}

static void print_times(const struct interval *time)
{
	double scale;
	const char *unit = time_unit(time->median, &scale);
	char text[64];

	snprintf(text, sizeof text, "%.4g %s (%.4g to %.4g)", time->median * scale, unit, time->low * scale,
	         time->high * scale);
	printf("  %-30s", text);
}

static void print_time_a_task(double seconds)
{
	double scale;
	const char *unit = time_unit(seconds, &scale);
	char text[32];

	snprintf(text, sizeof text, "%.4g %s", seconds * scale, unit);
	printf("  %-9s", text);
}

static void print_remark(const struct race *race, const struct contender *contender)
{
	char name[64];

	if (contender->unsuccessful > 0)
		printf("  %d failed", contender->unsuccessful);
	if (contender->differs)
		printf("  answers are not those of %s", race_name(race->contenders, name, sizeof name));
	putchar('\n');
}

static void print_contender(const struct race *race, const struct contender *contender)
{
	const struct interval *speed_up = &contender->speed_up;
	char text[64];

	printf("%-10s %7u", backend_name(contender->backend), contender->workers);
	print_times(&contender->time);
	print_time_a_task(contender->time.median / (double)race->work.input->count);
	snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", speed_up->median, speed_up->low, speed_up->high);
	printf("  %-21s  %7g  %6.0f %%", contender == race->contenders ? "1" : text, contender->perfect,
	       100 * speed_up->median / contender->perfect);
	print_remark(race, contender);
}

void verdict_table(const struct race *race)
{
	printf("%-10s %7s  %-30s  %-9s  %-21s  %7s  %8s\n", "", "workers", "time of all tasks", "a task", "speed-up",
	       "perfect", "reached");
	for (size_t i = 0; i < race->count; i++)
		print_contender(race, &race->contenders[i]);
	if (race->rounds == 1)
		puts("\nOne round: nothing is known of how far it would vary.");
	else
		printf("\nMedians of %u rounds; in brackets, where the true median is with a probability of %.3g %%.\n",
		       race->rounds, 100 * race->contenders->time.level);
}

/* ---- in words -------------------------------------------------------------------------- */

/* The fastest of a backend, but not the first contender; NULL: there is none. */
static const struct contender *best(const struct race *race, int backend)
{
	const struct contender *found = NULL;

	for (size_t i = 1; i < race->count; i++) {
		const struct contender *one = &race->contenders[i];
		if (one->backend == backend && (!found || one->speed_up.median > found->speed_up.median))
			found = one;
	}
	return found;
}

static void print_best(const struct race *race, const struct contender *contender)
{
	const struct interval *speed_up = &contender->speed_up;
	char name[64], first[64];

	printf("%s: %.2f times as fast as %s (%.2f to %.2f; perfect: %g).\n", race_name(contender, name, sizeof name),
	       speed_up->median, race_name(race->contenders, first, sizeof first), speed_up->low, speed_up->high,
	       contender->perfect);
}

static const struct contender *find(const struct race *race, int backend, unsigned workers)
{
	for (size_t i = 0; i < race->count; i++)
		if (race->contenders[i].backend == backend && race->contenders[i].workers == workers)
			return &race->contenders[i];
	return NULL;
}

/* Round by round, with as many workers as there may be. */
static void print_against_threads(const struct race *race)
{
	const struct contender *processes = find(race, FORKPOOL_PROCESSES, race->work.workers);
	const struct contender *threads = find(race, FORKPOOL_THREADS, race->work.workers);
	struct interval ratio;

	if (!processes || !threads)
		return;
	ratio = stats_ratio(threads->seconds, processes->seconds, race->rounds);
	printf("Processes against threads, %u worker%s each: %.2f times as fast (%.2f to %.2f)%s.\n",
	       race->work.workers, race->work.workers > 1 ? "s" : "", ratio.median, ratio.low, ratio.high,
	       ratio.low <= 1 && ratio.high >= 1 ? ", no difference that can be told" : "");
}

static void print_difference(const struct race *race, const struct contender *contender)
{
	char name[64], first[64], place[4096];

	race_name(contender, name, sizeof name);
	race_name(race->contenders, first, sizeof first);
	input_place(race->work.input, contender->where, place, sizeof place);
	if (contender->answer[0][0] && contender->answer[1][0])
		printf("%s: another answer than %s, first at index %zu (%s): %s instead of %s.\n", name, first,
		       contender->where, place, contender->answer[1], contender->answer[0]);
	else
		printf("%s: another answer than %s, first at index %zu (%s).\n", name, first, contender->where, place);
}

static int print_differences(const struct race *race)
{
	int differences = 0;

	for (size_t i = 1; i < race->count; i++) {
		if (race->contenders[i].differs)
			print_difference(race, &race->contenders[i]);
		differences += race->contenders[i].differs;
	}
	return differences;
}

static void print_end(const forkpool_report *report)
{
	if (report->message[0])
		printf("%s", report->message);
	else if (report->status > FORKPOOL_CANCELLED)
		printf("it returned %d", report->status);
	else
		printf("it %s", forkpool_strerror(report->status));
}

/* The contender with most tasks that did not succeed stands for all. */
static int print_failures(const struct race *race)
{
	const struct contender *worst = race->contenders;
	const forkpool_report *report;
	char name[64], place[4096];

	for (size_t i = 1; i < race->count; i++)
		if (race->contenders[i].unsuccessful > worst->unsuccessful)
			worst = &race->contenders[i];
	if (worst->unsuccessful == 0)
		return 0;
	report = &worst->report;
	printf("%s: %d of %zu tasks did not succeed", race_name(worst, name, sizeof name), worst->unsuccessful,
	       race->work.input->count);
	if (report->succeeded < report->tasks) {
		input_place(race->work.input, (size_t)report->index, place, sizeof place);
		printf("; first, index %llu (%s): ", (unsigned long long)report->index, place);
		print_end(report);
	}
	puts(".");
	return 1;
}

void verdict_words(const struct race *race)
{
	const struct contender *processes = best(race, FORKPOOL_PROCESSES), *threads = best(race, FORKPOOL_THREADS);
	int failures;

	if (processes)
		print_best(race, processes);
	if (threads)
		print_best(race, threads);
	print_against_threads(race);
	failures = print_failures(race);
	if (print_differences(race) == 0 && race->count > 1)
		printf("All %sanswers are the same, byte for byte.\n", failures ? "other " : "");
	if (race->contenders->time.median < 0.001)
		puts("All tasks together take less than a millisecond: waking the workers counts; more items would "
		     "tell more.");
}
