/*
 * openmp - the compiler's OpenMP, as one writes it: a `parallel for` with the schedule that is the program's argument.
 *
 *     openmp static | dynamic | guided
 *
 * Its threads spin after a loop, or sleep, as OMP_WAIT_POLICY says: that is left to whoever starts it.  Chunk 0 is the
 * schedule without a chunk, of which OpenMP makes equal shares (static), or 1 (dynamic and guided).
 */
#include "built.h"
#include "peer.h"
#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

static enum { STATIC, DYNAMIC, GUIDED, SCHEDULES } schedule;

static unsigned threads;

static bool argument(const char *text)
{
	static const char *const names[SCHEDULES] = {[STATIC] = "static", [DYNAMIC] = "dynamic", [GUIDED] = "guided"};
	for (int i = 0; i < SCHEDULES; i++) {
		if (strcmp(text, names[i]) == 0) {
			schedule = i;
			return true;
		}
	}
	return false;
}

/* The first parallel region makes the threads. */
static int start(unsigned workers)
{
	unsigned got = 0;
	threads = workers;
	omp_set_dynamic(0);
#pragma omp parallel num_threads(threads) reduction(+ : got)
	got = 1;
	return got == workers ? 0 : -EAGAIN;
}

static void stop(void)
{
	omp_pause_resource_all(omp_pause_hard);
}

/* ---- Tasks ------------------------------------------------------------------------------- */

static void each_static(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
	if (chunk > 0) {
#pragma omp parallel for schedule(static, chunk) num_threads(threads)
		for (size_t i = 0; i < count; i++)
			function(i, ctx);
	} else {
#pragma omp parallel for schedule(static) num_threads(threads)
		for (size_t i = 0; i < count; i++)
			function(i, ctx);
	}
}

static void each_dynamic(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
#pragma omp parallel for schedule(dynamic, chunk) num_threads(threads)
	for (size_t i = 0; i < count; i++)
		function(i, ctx);
}

static void each_guided(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
#pragma omp parallel for schedule(guided, chunk) num_threads(threads)
	for (size_t i = 0; i < count; i++)
		function(i, ctx);
}

static int each(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
	if (schedule == STATIC)
		each_static(count, chunk, function, ctx);
	else if (schedule == DYNAMIC)
		each_dynamic(count, chunk > 0 ? chunk : 1, function, ctx);
	else
		each_guided(count, chunk > 0 ? chunk : 1, function, ctx);
	return 0;
}

/* ---- Maps -------------------------------------------------------------------------------- */

static void map_static(forkpool_map_fn *function, const char *items, size_t count, size_t in, char *results, size_t out)
{
#pragma omp parallel for schedule(static) num_threads(threads)
	for (size_t i = 0; i < count; i++)
		function(items + i * in, results + i * out, NULL);
}

static void map_dynamic(forkpool_map_fn *function, const char *items, size_t count, size_t in, char *results,
                        size_t out)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
	for (size_t i = 0; i < count; i++)
		function(items + i * in, results + i * out, NULL);
}

static void map_guided(forkpool_map_fn *function, const char *items, size_t count, size_t in, char *results, size_t out)
{
#pragma omp parallel for schedule(guided) num_threads(threads)
	for (size_t i = 0; i < count; i++)
		function(items + i * in, results + i * out, NULL);
}

static int map(forkpool_map_fn *function, const void *items, size_t count, size_t item_size, void *results,
               size_t result_size)
{
	if (schedule == STATIC)
		map_static(function, items, count, item_size, results, result_size);
	else if (schedule == DYNAMIC)
		map_dynamic(function, items, count, item_size, results, result_size);
	else
		map_guided(function, items, count, item_size, results, result_size);
	return 0;
}

/* ---- Ranges ------------------------------------------------------------------------------ */

/* One range a thread, as schedule(static) shares out: the first `more` threads have one index more. */
static void share(size_t count, forkpool_range_fn *function, void *ctx)
{
#pragma omp parallel num_threads(threads)
	{
		size_t thread = (size_t)omp_get_thread_num(), all = (size_t)omp_get_num_threads();
		size_t length = count / all, more = count % all;
		size_t begin = thread * length + (thread < more ? thread : more);
		size_t end = begin + length + (thread < more);
		if (begin < end)
			function(begin, end, ctx);
	}
}

struct cut {
	forkpool_range_fn *function;
	void *ctx;
	size_t count, chunk;
};

static int piece(size_t index, void *ctx)
{
	const struct cut *cut = ctx;
	size_t begin = index * cut->chunk, left = cut->count - begin;
	return cut->function(begin, left > cut->chunk ? begin + cut->chunk : cut->count, cut->ctx);
}

static int ranges(size_t count, size_t chunk, forkpool_range_fn *function, void *ctx)
{
	if (chunk == 0) {
		share(count, function, ctx);
		return 0;
	}
	struct cut cut = {.function = function, .ctx = ctx, .count = count, .chunk = chunk};
	return each(count / chunk + (count % chunk != 0), 0, piece, &cut);
}

/* ---- Jobs -------------------------------------------------------------------------------- */

static int jobs(size_t count, forkpool_for_fn *function)
{
#pragma omp parallel num_threads(threads)
#pragma omp single
	{
		for (size_t i = 0; i < count; i++) {
#pragma omp task firstprivate(i)
			function(i, NULL);
		}
#pragma omp taskwait
	}
	return 0;
}

/* ---- The program -------------------------------------------------------------------------- */

/* The standard that the compiler claims, by the month that _OPENMP is. */
static const char *standard(void)
{
	static const struct {
		long month;
		const char *name;
	} standards[] = {{202411, "6.0"}, {202111, "5.2"}, {202011, "5.1"}, {201811, "5.0"},
	                 {201511, "4.5"}, {201307, "4.0"}, {201107, "3.1"}, {0, "3.0 or older"}};
	size_t i = 0;
	while (_OPENMP < standards[i].month)
		i++;
	return standards[i].name;
}

static void version(char *text, size_t size)
{
	snprintf(text, size, "OpenMP %s, %s", standard(), BUILT_BY);
}

int main(int argc, char **argv)
{
	static const struct peer peer = {.version = version,
	                                 .argument = argument,
	                                 .start = start,
	                                 .stop = stop,
	                                 .each = each,
	                                 .ranges = ranges,
	                                 .map = map,
	                                 .jobs = jobs};
	return peer_main(&peer, argc, argv);
}
