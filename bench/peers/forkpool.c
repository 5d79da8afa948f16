/*
 * forkpool - the library itself, as a peer: processes, threads or serial; `sleep`: nobody spins.
 */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static forkpool *pool;
static forkpool_config config;

static void version(char *text, size_t size)
{
	snprintf(text, size, "forkpool %s", forkpool_version());
}

static bool argument(const char *text)
{
	static const char *const backends[] = {
	        [FORKPOOL_PROCESSES] = "processes", [FORKPOOL_THREADS] = "threads", [FORKPOOL_SERIAL] = "serial"};
	if (strcmp(text, "sleep") == 0) {
		config.spin_us = FORKPOOL_NO_SPIN;
		return true;
	}
	for (int i = 0; i < 3; i++)
		if (strcmp(text, backends[i]) == 0) {
			config.backend = i;
			return true;
		}
	return false;
}

static int start(unsigned workers)
{
	config.workers = workers;
	return forkpool_create(&pool, &config);
}

static void stop(void)
{
	forkpool_destroy(pool);
	pool = NULL;
}

/* A map returns how many tasks did not succeed. */
static int whole(int result)
{
	return result > 0 ? -EIO : result;
}

static int each(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
	return whole(forkpool_for(pool, function, count, &(forkpool_opts){.chunk = chunk, .ctx = ctx}));
}

static int ranges(size_t count, size_t chunk, forkpool_range_fn *function, void *ctx)
{
	return whole(forkpool_for_range(pool, function, count, &(forkpool_opts){.chunk = chunk, .ctx = ctx}));
}

static int map(forkpool_map_fn *function, const void *items, size_t count, size_t item_size, void *results,
               size_t result_size)
{
	return whole(forkpool_map(pool, function, items, count, item_size, results, result_size, NULL));
}

static int jobs(size_t count, forkpool_for_fn *function)
{
	forkpool_job **job = malloc(count * sizeof *job);
	size_t submitted = 0;
	int error = job ? 0 : -ENOMEM;
	while (error == 0 && submitted < count)
		error = forkpool_for_async(&job[submitted++], pool, function, 1, NULL);
	for (size_t i = 0; i < submitted - (error != 0); i++) {
		int result = whole(forkpool_job_get(job[i], NULL));
		error = error ? error : result;
		forkpool_job_free(job[i]);
	}
	free(job);
	return error;
}

static void *take(size_t size)
{
	return forkpool_alloc(pool, size);
}

static void give(void *memory, size_t size)
{
	(void)size;
	forkpool_free(pool, memory);
}

int main(int argc, char **argv)
{
	static const struct peer peer = {version, argument, start, stop, each, ranges, map, jobs, take, give};
	return peer_main(&peer, argc, argv);
}
