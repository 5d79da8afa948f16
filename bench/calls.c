/*
 * calls - maps whose system calls strace counts: calls.sh.
 *
 * Pools of processes that do not spin, so that whoever waits asks the kernel.  Each kind of map is called some times to
 * warm up and then COUNT times, between two marks that can be seen in the trace.
 */
#include "forkpool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 4, COUNT = 400, TASKS = 2, LARGE = 100000 };

static double items[LARGE], results[LARGE];

static int twice(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(double *)result = 2 * *(const double *)item;
	return 0;
}

/* Long enough that the caller has fallen asleep meanwhile. */
static int slow_twice(const void *item, void *result, void *ctx)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	return twice(item, result, ctx);
}

/* ---- Kinds of maps ---- */

static int empty_map(forkpool *pool)
{
	return forkpool_map(pool, twice, items, TASKS, sizeof *items, results, sizeof *results, NULL);
}

/* As the caller sleeps during the map, so does the worker from one to the next. */
static int sleeping_map(forkpool *pool)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	return forkpool_map(pool, slow_twice, items, TASKS, sizeof *items, results, sizeof *results, NULL);
}

static int large_map(forkpool *pool)
{
	return forkpool_map(pool, twice, items, LARGE, sizeof *items, results, sizeof *results, NULL);
}

static int apply(forkpool *pool)
{
	forkpool_job *job;
	int error = forkpool_apply_async(&job, pool, twice, items, sizeof *items, results, sizeof *results, NULL);
	if (error != 0)
		return error;
	error = forkpool_job_get(job, NULL);
	forkpool_job_free(job);
	return error;
}

static const struct row {
	const char *name;
	unsigned workers;
	int (*map)(forkpool *);
} rows[] = {
        {"map", 1, empty_map}, {"map-asleep", 1, sleeping_map}, {"map-copied", 1, large_map},
        {"apply", 1, apply},   {"map-2-workers", 2, empty_map},
};

/* ---- Runs ---- */

/* Where there is one, a pool is made only when its workers are there. */
static int initializer(unsigned worker, void **state, void *arg)
{
	(void)worker, (void)state, (void)arg;
	return 0;
}

_Noreturn static void give_up(const char *row, const char *what, int error)
{
	fprintf(stderr, "calls: %s: %s: %s\n", row, what, forkpool_strerror(error));
	exit(2);
}

/* There is nothing to be written to: it is but a line of the trace. */
static void mark(const char *text)
{
	if (write(-1, text, strlen(text)) >= 0 || errno != EBADF)
		give_up(text, "a mark cannot be made", -errno);
}

static void call(const struct row *row, forkpool *pool, int count)
{
	for (int i = 0; i < count; i++) {
		int error = row->map(pool);
		if (error != 0)
			give_up(row->name, "a map", error);
	}
}

static void run(const struct row *row)
{
	char begin[64];
	forkpool *pool;
	int error = forkpool_create(
	        &pool,
	        &(forkpool_config){.workers = row->workers, .initializer = initializer, .spin_us = FORKPOOL_NO_SPIN});
	if (error != 0)
		give_up(row->name, "a pool", error);
	call(row, pool, WARM_UP);
	snprintf(begin, sizeof begin, "calls of %s %d", row->name, COUNT);
	mark(begin);
	call(row, pool, COUNT);
	mark("calls end");
	forkpool_destroy(pool);
}

int main(void)
{
	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(&rows[i]);
	return 0;
}
