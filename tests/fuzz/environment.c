/*
 * environment.c - FORKPOOL_BACKEND and FORKPOOL_WORKERS (src/pool.c).
 *
 * The input is the one, a newline, and the other.  A pool can be created if both are empty or allowed, and is
 * refused with -EINVAL otherwise; that it has as many workers as asked for is seen on small pools of
 * threads.  The others are created inside a task, where the environment is read as everywhere but a
 * pool is always serial, because a process or 4096 threads for each input would take too long.
 */
#include "fuzz.h"
#include "../../src/parent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool backend_is_allowed(const char *name)
{
	return *name == '\0' || strcmp(name, "processes") == 0 || strcmp(name, "threads") == 0 ||
	       strcmp(name, "serial") == 0;
}

/* Digits only, at most FORKPOOL_MAX_WORKERS; 0, as nothing, is the number of CPUs. */
static bool workers_are_allowed(const char *text, unsigned *workers)
{
	*workers = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		if (*workers <= FORKPOOL_MAX_WORKERS)
			*workers = *workers * 10 + (unsigned)(*text - '0');
	return *text == '\0' && *workers <= FORKPOOL_MAX_WORKERS;
}

static int create(unsigned *workers, int backend)
{
	forkpool *pool;
	int error = forkpool_create(&pool, &(forkpool_config){.arena_size = 1 << 20, .backend = backend});

	if (error == 0) {
		*workers = pool->config.workers;
		forkpool_destroy(pool);
	}
	return error;
}

static int create_in_task(const void *item, void *result, void *ctx)
{
	unsigned workers;

	(void)item, (void)ctx;
	*(int *)result = create(&workers, FORKPOOL_PROCESSES);
	return 0;
}

static void check(const char *backend, const char *text)
{
	static forkpool *outer;
	unsigned wanted, workers = 0;
	bool allowed = workers_are_allowed(text, &wanted) && backend_is_allowed(backend);
	int error = 1;

	if (outer == NULL)
		require(forkpool_create(&outer, &(forkpool_config){.backend = FORKPOOL_SERIAL}) == 0, "a serial pool");
	setenv("FORKPOOL_BACKEND", backend, 1);
	setenv("FORKPOOL_WORKERS", text, 1);
	forkpool_apply(outer, create_in_task, NULL, 0, &error, sizeof error, NULL);
	require(error == (allowed ? 0 : -EINVAL), "'%s', '%s': %d", backend, text, error);
	if (allowed && wanted > 0 && wanted < 4 && (*backend == '\0' || strcmp(backend, "threads") == 0))
		require(create(&workers, FORKPOOL_THREADS) == 0 && workers == wanted, "'%s' is %u workers", text,
		        workers);
	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size, true), *newline = strchr(text, '\n');

	if (newline != NULL) {
		*newline = '\0';
		check(text, newline + 1);
	}
	free(text);
	return 0;
}
