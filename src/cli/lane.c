/*
 * lane.c - one pool of a race, with its own memory for results, where its workers write in place.
 */
#include <time.h>
#include "race.h"

double lane_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int no_memory(size_t count, size_t size)
{
	complain("no memory for %zu results of %zu bytes", count, size);
	return -1;
}

static int allocate(struct lane *lane, const struct work *work)
{
	size_t count = work->input->count, size = work->function->result_size, bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return no_memory(count, size);
	lane->results = forkpool_alloc(lane->pool, bytes);
	lane->status = forkpool_alloc(lane->pool, count * sizeof *lane->status);
	return lane->results && lane->status ? 0 : no_memory(count, size);
}

int lane_open(struct lane *lane, const struct work *work, int backend, unsigned workers)
{
	const forkpool_config config = {.backend = backend, .workers = workers, .spin_us = work->spin_us};
	int error = forkpool_create(&lane->pool, &config);

	if (error == 0)
		return allocate(lane, work);
	complain("a pool of %u workers (%s) cannot be created: %s", workers, backend_name(backend),
	         forkpool_strerror(error));
	return -1;
}

void lane_close(struct lane *lane)
{
	forkpool_destroy(lane->pool);
	lane->pool = NULL;
}

int lane_run(struct lane *lane, const struct work *work, forkpool_report *report)
{
	const struct function *function = work->function;
	forkpool_opts opts = {.inherited = 1, .chunk = work->chunk, .report = report};
	struct progress progress = {0};
	int outcome;

	opts.status = report ? lane->status : NULL;
	if (report && !work->quiet)
		progress_begin(&progress, 0, &opts);
	outcome = forkpool_map(lane->pool, function->plugin.function, work->input->items, work->input->count,
	                       function->item_size, lane->results, function->result_size, &opts);
	progress_end(&progress);
	if (outcome >= 0)
		return outcome;
	complain("%s", report && report->message[0] ? report->message : forkpool_strerror(outcome));
	return -1;
}
