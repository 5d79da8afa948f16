/*
 * reality - the library's figures beside the simulation's.  See reality.h.
 */
#include "reality.h"

#include "../bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7 };

static struct reality table[] = {
        {.what = "tasks of nothing, chunk 1, a range a worker",
         .load = {.workers = 2, .tasks = 500000, .chunk = 1, .jobs = 2, .open = 1, .spin_us = 50}},
        {.what = "the same, asynchronous",
         .load = {.workers = 2, .tasks = 500000, .chunk = 1, .jobs = 2, .open = 1, .spin_us = 50, .attended = true}},
        {.what = "32 tasks of nothing, in order",
         .load = {.workers = 2, .tasks = 32, .chunk = 1, .jobs = 500, .open = 1, .spin_us = 50}},
        {.what = "map of 2 tasks of nothing, 1 worker",
         .load = {.workers = 1, .tasks = 2, .chunk = 1, .jobs = 2000, .open = 1, .spin_us = 50}},
        {.what = "map of 2 tasks of nothing, 2 workers",
         .load = {.workers = 2, .tasks = 2, .chunk = 1, .jobs = 2000, .open = 1, .spin_us = 50}},
        {.what = "the same, without spinning",
         .load = {.workers = 2, .tasks = 2, .chunk = 1, .jobs = 500, .open = 1, .spin_us = 0}},
        {.what = "single calls, 64 open, 1 worker",
         .load = {.workers = 1, .tasks = 1, .chunk = 1, .jobs = 5000, .open = 64, .spin_us = 50, .attended = true},
         .apply = true},
        {.what = "single calls, 64 open, 2 workers",
         .load = {.workers = 2, .tasks = 1, .chunk = 1, .jobs = 5000, .open = 64, .spin_us = 50, .attended = true},
         .apply = true},
};

static int no_task(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

static int no_result(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)result;
	(void)ctx;
	return 0;
}

static void insist(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "study: %s: %s\n", what, forkpool_strerror(error));
	exit(2);
}

static void run_maps(forkpool *pool, const struct load *load)
{
	forkpool_opts opts = {.chunk = load->chunk};
	for (unsigned i = 0; i < load->jobs; i++) {
		forkpool_job *job;
		if (!load->attended) {
			insist(forkpool_for(pool, no_task, load->tasks, &opts), "a map");
			continue;
		}
		insist(forkpool_for_async(&job, pool, no_task, load->tasks, &opts), "a job");
		insist(forkpool_job_wait(job, -1), "a job's end");
		forkpool_job_free(job);
	}
}

static void run_calls(forkpool *pool, const struct load *load)
{
	forkpool_job **jobs = calloc(load->jobs, sizeof *jobs);
	for (unsigned i = 0; i < load->jobs; i++)
		insist(forkpool_apply_async(&jobs[i], pool, no_result, NULL, 0, NULL, 0, NULL), "a job");
	for (unsigned i = 0; i < load->jobs; i++) {
		insist(forkpool_job_wait(jobs[i], -1), "a job's end");
		forkpool_job_free(jobs[i]);
	}
	free(jobs);
}

static double ns_a_task(forkpool *pool, const struct reality *row)
{
	double begin = bench_now();
	if (row->apply)
		run_calls(pool, &row->load);
	else
		run_maps(pool, &row->load);
	return (bench_now() - begin) * 1e9 / ((double)row->load.tasks * row->load.jobs);
}

static double measure(const struct reality *row)
{
	double values[ROUNDS];
	forkpool *pool;
	forkpool_config config = {.workers = row->load.workers,
	                          .spin_us = row->load.spin_us == 0 ? FORKPOOL_NO_SPIN : (unsigned)row->load.spin_us};
	insist(forkpool_create(&pool, &config), "a pool");
	ns_a_task(pool, row);
	for (int i = 0; i < ROUNDS; i++)
		values[i] = ns_a_task(pool, row);
	forkpool_destroy(pool);
	return bench_spread(values, ROUNDS).median;
}

static double foretell(const struct reality *row, const struct costs *costs)
{
	struct outcome outcome;
	struct load load = row->load;
	load.distance = 1;
	model_run(&load, costs, &outcome);
	return outcome.ns / ((double)load.tasks * load.jobs);
}

size_t reality_measure(const struct costs *costs, struct reality **rows)
{
	size_t count = sizeof table / sizeof *table;
	for (size_t i = 0; i < count; i++) {
		table[i].measured = measure(&table[i]);
		table[i].foretold = foretell(&table[i], costs);
	}
	*rows = table;
	return count;
}
