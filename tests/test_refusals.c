/*
 * test_refusals.c - what the calls refuse: with which error, naming which value, and that
 * a refused call has written nothing and the pool goes on.
 */
#include "config.h"
#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { MIB = 1 << 20 };

/* ---- Tasks: none of them may ever run, but in the calls that are in order ------- */

static int map_task(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	if (result != NULL)
		memset(result, 1, 1);
	return 0;
}

static int starmap_task(const void *const *items, void *result, void *ctx)
{
	return map_task(items[0], result, ctx);
}

static int for_task(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	(void)begin;
	(void)end;
	(void)ctx;
	return 0;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	*(unsigned char *)acc = (unsigned char)(*(unsigned char *)acc + end - begin);
	return 0;
}

static void combine_task(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(unsigned char *)acc = (unsigned char)(*(unsigned char *)acc + *(const unsigned char *)other);
}

/* ---- The table ------------------------------------------------------------------ */

enum call { MAP, STARMAP, FOR, FOR_RANGE, REDUCE, APPLY };

enum lack { LACKS_POOL = 1, LACKS_FUNCTION = 2, LACKS_ITEMS = 4, LACKS_RESULTS = 8, LACKS_COMBINE = 16 };

enum flaw {
	CTX_UNSEEN = 1,
	NEGATIVE_INTERVAL = 2,
	RESERVED_FIRST = 4,
	RESERVED_LAST = 8,
	INTERVAL_NAN = 16,
	TIMEOUT = 32,
	NEGATIVE_TIMEOUT = 64,
	TIMEOUT_NAN = 128,
	TIMEOUT_INFINITE = 256,
	MANY_RETRIES = 512,
};

/* Backends a row is about: on threads and serial every pointer can be seen, and no task be ended. */
enum { ALL = 7, WORKERS = 3, PROCESSES = 1, NO_PROCESSES = 6 };

/* For starmap, `item_size` is the first column's stride. */
struct refusal {
	enum call call;
	size_t count, item_size, result_size, chunk;
	int lacks, flaws;
	size_t columns;
	int backends, error;
	const char *named; /* stands in the report's message, if not NULL */
};

static const struct refusal refusals[] = {
        /* What is not there. */
        {MAP, 3, 1, 1, 0, LACKS_POOL, 0, 0, ALL, EINVAL, "pool"},
        {MAP, 3, 1, 1, 0, LACKS_FUNCTION, 0, 0, ALL, EINVAL, "function"},
        {MAP, 3, 1, 1, 0, LACKS_ITEMS, 0, 0, ALL, EINVAL, "items"},
        {MAP, 3, 1, 1, 0, LACKS_RESULTS, 0, 0, ALL, EINVAL, "results"},
        {STARMAP, 3, 1, 1, 0, LACKS_POOL, 0, 2, ALL, EINVAL, "pool"},
        {STARMAP, 3, 1, 1, 0, LACKS_FUNCTION, 0, 2, ALL, EINVAL, "function"},
        {STARMAP, 3, 1, 1, 0, LACKS_ITEMS, 0, 2, ALL, EINVAL, "column"},
        {STARMAP, 3, 1, 1, 0, LACKS_RESULTS, 0, 2, ALL, EINVAL, "results"},
        {STARMAP, 3, 1, 1, 0, 0, 0, 0, ALL, EINVAL, "column"},
        {STARMAP, 3, 1, 1, 0, 0, 0, 65, ALL, EINVAL, "65"},
        {FOR, 3, 0, 0, 0, LACKS_POOL, 0, 0, ALL, EINVAL, "pool"},
        {FOR, 3, 0, 0, 0, LACKS_FUNCTION, 0, 0, ALL, EINVAL, "function"},
        {FOR_RANGE, 3, 0, 0, 0, LACKS_POOL, 0, 0, ALL, EINVAL, "pool"},
        {FOR_RANGE, 3, 0, 0, 0, LACKS_FUNCTION, 0, 0, ALL, EINVAL, "function"},
        {REDUCE, 3, 0, 1, 0, LACKS_POOL, 0, 0, ALL, EINVAL, "pool"},
        {REDUCE, 3, 0, 1, 0, LACKS_FUNCTION, 0, 0, ALL, EINVAL, "function"},
        {REDUCE, 3, 0, 1, 0, LACKS_COMBINE, 0, 0, ALL, EINVAL, "combine"},
        {REDUCE, 3, 0, 1, 0, LACKS_RESULTS, 0, 0, ALL, EINVAL, "result"},
        {APPLY, 1, 1, 1, 0, LACKS_POOL, 0, 0, ALL, EINVAL, "pool"},
        {APPLY, 1, 1, 1, 0, LACKS_FUNCTION, 0, 0, ALL, EINVAL, "function"},
        {APPLY, 1, 1, 1, 0, LACKS_ITEMS, 0, 0, ALL, EINVAL, "item"},
        {APPLY, 1, 1, 1, 0, LACKS_RESULTS, 0, 0, ALL, EINVAL, "result"},

        /* Sizes whose product does not fit. */
        {MAP, SIZE_MAX / 4, 8, 1, 0, 0, 0, 0, ALL, EOVERFLOW, "4611686018427387903"},
        {MAP, SIZE_MAX / 4, 1, 8, 0, 0, 0, 0, ALL, EOVERFLOW, "4611686018427387903"},
        {MAP, 3, SIZE_MAX / 2, 1, 0, 0, 0, 0, ALL, EOVERFLOW, "9223372036854775807"},
        {MAP, 3, 1, SIZE_MAX, 0, 0, 0, 0, ALL, EOVERFLOW, "18446744073709551615"},
        {MAP, SIZE_MAX, SIZE_MAX, SIZE_MAX, 0, 0, 0, 0, ALL, EOVERFLOW, "18446744073709551615"},
        {STARMAP, SIZE_MAX / 4, 8, 1, 0, 0, 0, 2, ALL, EOVERFLOW, "4611686018427387903"},
        {STARMAP, SIZE_MAX / 4, 1, 8, 0, 0, 0, 2, ALL, EOVERFLOW, "4611686018427387903"},

        /* Options. */
        {MAP, 3, 1, 1, (size_t)FORKPOOL_MAX_CHUNK + 1, 0, 0, 0, ALL, EINVAL, "1073741824"},
        {FOR, 3, 0, 0, SIZE_MAX, 0, 0, 0, ALL, EINVAL, "18446744073709551615"},
        {FOR_RANGE, 3, 0, 0, SIZE_MAX / 2, 0, 0, 0, ALL, EINVAL, "9223372036854775807"},
        {REDUCE, 3, 0, 1, (size_t)1 << 32, 0, 0, 0, ALL, EINVAL, "4294967296"},
        {STARMAP, 3, 1, 1, (size_t)1 << 32, 0, 0, 2, ALL, EINVAL, "4294967296"},
        {APPLY, 1, 1, 1, (size_t)1 << 32, 0, 0, 0, ALL, EINVAL, "4294967296"},
        {MAP, 3, 1, 1, 0, 0, RESERVED_FIRST, 0, ALL, EINVAL, "reserved"},
        {STARMAP, 3, 1, 1, 0, 0, RESERVED_LAST, 2, ALL, EINVAL, "reserved"},
        {FOR, 3, 0, 0, 0, 0, RESERVED_LAST, 0, ALL, EINVAL, "reserved"},
        {FOR_RANGE, 3, 0, 0, 0, 0, RESERVED_FIRST, 0, ALL, EINVAL, "reserved"},
        {REDUCE, 3, 0, 1, 0, 0, RESERVED_LAST, 0, ALL, EINVAL, "reserved"},
        {APPLY, 1, 1, 1, 0, 0, RESERVED_LAST, 0, ALL, EINVAL, "reserved"},
        {FOR, 3, 0, 0, 0, 0, NEGATIVE_INTERVAL, 0, ALL, EINVAL, "-2.5"},
        {MAP, 3, 1, 1, 0, 0, NEGATIVE_INTERVAL, 0, ALL, EINVAL, "-2.5"},
        {FOR, 3, 0, 0, 0, 0, INTERVAL_NAN, 0, ALL, EINVAL, "nan"},

        {FOR, 3, 0, 0, 0, 0, NEGATIVE_TIMEOUT, 0, ALL, EINVAL, "-0.5"},
        {MAP, 3, 1, 1, 0, 0, TIMEOUT_NAN, 0, ALL, EINVAL, "nan"},
        {REDUCE, 3, 0, 1, 0, 0, TIMEOUT_INFINITE, 0, ALL, EINVAL, "inf"},
        {FOR_RANGE, 3, 0, 0, 0, 0, MANY_RETRIES, 0, ALL, EINVAL, "1000001"},
        {MAP, 3, 1, 1, 0, 0, TIMEOUT, 0, NO_PROCESSES, ENOTSUP, "opts.timeout is 1.5"},
        {APPLY, 1, 1, 1, 0, 0, TIMEOUT, 0, NO_PROCESSES, ENOTSUP, "opts.timeout is 1.5"},

        /* What the workers cannot see. */
        {MAP, 3, 1, 1, 0, 0, CTX_UNSEEN, 0, PROCESSES, EINVAL, "ctx"},
        {STARMAP, 3, 1, 1, 0, 0, CTX_UNSEEN, 2, PROCESSES, EINVAL, "ctx"},
        {FOR, 3, 0, 0, 0, 0, CTX_UNSEEN, 0, PROCESSES, EINVAL, "ctx"},
        {FOR_RANGE, 3, 0, 0, 0, 0, CTX_UNSEEN, 0, PROCESSES, EINVAL, "ctx"},
        {REDUCE, 3, 0, 1, 0, 0, CTX_UNSEEN, 0, PROCESSES, EINVAL, "ctx"},
        {APPLY, 1, 1, 1, 0, 0, CTX_UNSEEN, 0, PROCESSES, EINVAL, "ctx"},

        /* What there is no memory for: copies in an arena of 16 MiB; 8 PB of book-keeping. */
        {MAP, 32 * MIB, 1, 1, 0, 0, 0, 0, PROCESSES, ENOMEM, "33554432"},
        {APPLY, 1, 64 * MIB, 1, 0, 0, 0, 0, PROCESSES, ENOMEM, "67108864"},
        {FOR, (size_t)1000000 * 1000000000, 0, 0, 1, 0, 0, 0, WORKERS, ENOMEM, "1000000000000000"},
        {FOR_RANGE, SIZE_MAX / 16, 0, 0, 1, 0, 0, 0, WORKERS, ENOMEM, "1152921504606846975"},
};

/* ---- Calling one row -------------------------------------------------------------- */

/* What the caller has in the buffers. */
enum { BEFORE = 0x5a, SIZE = 4096 };
static unsigned char items[SIZE], results[SIZE];
static int32_t status[SIZE];

static bool untouched(const void *memory, size_t size)
{
	const unsigned char *bytes = memory;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != BEFORE)
			return false;
	return true;
}

static forkpool_opts opts_of(const struct refusal *r, forkpool_report *report)
{
	forkpool_opts opts = {.chunk = r->chunk, .status = status, .report = report};
	if (r->flaws & CTX_UNSEEN)
		opts.ctx = items;
	if (r->flaws & NEGATIVE_INTERVAL)
		opts.progress_interval = -2.5;
	if (r->flaws & INTERVAL_NAN)
		opts.progress_interval = strtod("nan", NULL);
	if (r->flaws & TIMEOUT)
		opts.timeout = 1.5;
	if (r->flaws & NEGATIVE_TIMEOUT)
		opts.timeout = -0.5;
	if (r->flaws & TIMEOUT_NAN)
		opts.timeout = strtod("nan", NULL);
	if (r->flaws & TIMEOUT_INFINITE)
		opts.timeout = strtod("inf", NULL);
	if (r->flaws & MANY_RETRIES)
		opts.retries = FORKPOOL_MAX_RETRIES + 1;
	if (r->flaws & RESERVED_FIRST)
		opts.reserved[0] = 1;
	if (r->flaws & RESERVED_LAST)
		opts.reserved[COUNT_OF(opts.reserved) - 1] = 1;
	return opts;
}

static int call_starmap(forkpool *pool, const struct refusal *r, const void *in, void *out, const forkpool_opts *opts)
{
	forkpool_column columns[65];
	for (size_t k = 0; k < COUNT_OF(columns); k++)
		columns[k] = (forkpool_column){items, 1, 0};
	columns[0] = (forkpool_column){in, 1, r->item_size};
	return forkpool_starmap(pool, r->lacks & LACKS_FUNCTION ? NULL : starmap_task, columns, r->columns, r->count,
	                        out, r->result_size, opts);
}

static int call(forkpool *pool, const struct refusal *r, const forkpool_opts *opts)
{
	bool whole = !(r->lacks & LACKS_FUNCTION);
	const void *in = r->lacks & LACKS_ITEMS ? NULL : items;
	void *out = r->lacks & LACKS_RESULTS ? NULL : results;
	if (r->lacks & LACKS_POOL)
		pool = NULL;
	switch (r->call) {
	case STARMAP:
		return call_starmap(pool, r, in, out, opts);
	case FOR:
		return forkpool_for(pool, whole ? for_task : NULL, r->count, opts);
	case FOR_RANGE:
		return forkpool_for_range(pool, whole ? range_task : NULL, r->count, opts);
	case REDUCE:
		return forkpool_reduce(pool, whole ? fold_task : NULL, r->lacks & LACKS_COMBINE ? NULL : combine_task,
		                       r->count, out, r->result_size, opts);
	case APPLY:
		return forkpool_apply(pool, whole ? map_task : NULL, in, r->item_size, out, r->result_size, opts);
	default:
		return forkpool_map(pool, whole ? map_task : NULL, in, r->count, r->item_size, out, r->result_size,
		                    opts);
	}
}

static void assert_refused(int returned, const forkpool_report *report, int error, const char *named, const char *what)
{
	ck_assert_msg(returned == -error, "%s: returned %d (%s), not -%d (%s): %s", what, returned,
	              forkpool_strerror(returned), error, strerror(error), report->message);
	ck_assert_msg(report->tasks == 0, "%s: %llu tasks", what, (unsigned long long)report->tasks);
	assert_adds_up(report, 0);
	ck_assert_msg(named == NULL || strstr(report->message, named) != NULL,
	              "%s: the message does not name %s: \"%s\"", what, named, report->message);
	ck_assert_msg(report->message[0] != '\0', "%s: no message", what);
	ck_assert_msg(untouched(results, sizeof results), "%s: results were written", what);
	ck_assert_msg(untouched(status, sizeof status), "%s: statuses were written", what);
}

static void prepare(forkpool_report *report)
{
	memset(items, BEFORE, sizeof items);
	memset(results, BEFORE, sizeof results);
	memset(status, BEFORE, sizeof status);
	memset(report, BEFORE, sizeof *report);
}

START_TEST(each_refusal_names_its_value)
{
	int backend = backend_id(_i);
	forkpool *pool =
	        pool_from(&(forkpool_config){.backend = backend, .workers = 2, .arena_size = (size_t)16 * MIB});
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		const struct refusal *r = &refusals[i];
		if (!(r->backends & 1 << backend))
			continue;
		char what[100];
		snprintf(what, sizeof what, "row %zu of the table, on %s", i, backend_name(backend));
		forkpool_report report;
		prepare(&report);
		forkpool_opts opts = opts_of(r, &report);
		assert_refused(call(pool, r, &opts), &report, r->error, r->named, what);
	}
	ck_assert_int_eq(forkpool_for(pool, for_task, 100, NULL), 0);
	forkpool_destroy(pool);
}
END_TEST

/* The same shapes in order are no refusals: zero sizes need no buffers, zero counts none. */
START_TEST(what_is_not_needed_may_be_missing)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	unsigned char one = 0;
	ck_assert_int_eq(forkpool_map(pool, map_task, NULL, 10, 0, NULL, 0, NULL), 0);
	ck_assert_int_eq(forkpool_map(pool, map_task, NULL, 0, 8, NULL, 8, NULL), 0);
	ck_assert_int_eq(forkpool_for(pool, for_task, 0, NULL), 0);
	ck_assert_int_eq(forkpool_reduce(pool, fold_task, combine_task, 10, &one, 1, NULL), 0);
	ck_assert_uint_eq(one, 10);
	ck_assert_int_eq(forkpool_for(pool, for_task, 10, &(forkpool_opts){.chunk = FORKPOOL_MAX_CHUNK}), 0);
	ck_assert_int_eq(forkpool_for(pool, for_task, 10, &(forkpool_opts){.inherited = 1}), 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- create ------------------------------------------------------------------------ */

START_TEST(create_refuses)
{
	forkpool_config bad[20] = {
	        {.backend = -1},       {.backend = 4}, {.backend = INT_MAX}, {.workers = FORKPOOL_MAX_WORKERS + 1},
	        {.workers = UINT_MAX},
	};
	size_t count = 5;
	for (size_t k = 0; k < COUNT_OF(bad->reserved); k++)
		bad[count++].reserved[k] = 1;
	forkpool *before = (forkpool *)(void *)items, *pool = before;
	for (size_t i = 0; i < count; i++) {
		int error = forkpool_create(&pool, &bad[i]);
		ck_assert_msg(error == -EINVAL, "configuration %zu: %d", i, error);
		ck_assert_ptr_eq(pool, before);
	}
	ck_assert_int_eq(forkpool_create(NULL, NULL), -EINVAL);
	ck_assert_int_eq(forkpool_create(&pool, &(forkpool_config){.backend = FORKPOOL_MPI}), -ENOTSUP);
	ck_assert_ptr_eq(pool, before);
}
END_TEST

/* With any number of descriptors left that is too few, nothing stays behind (the fixture looks). */
START_TEST(create_without_descriptors)
{
	int backend = backend_id(_i), refused = 0, error = -1;
	struct rlimit old, few;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (rlim_t left = 0; left < 20 && error != 0; left++) {
		forkpool *pool = NULL;
		/* Descriptors are taken from below: those in use are counted by the first free one. */
		int first_free = dup(0);
		close(first_free);
		few = (struct rlimit){(rlim_t)first_free + left, old.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
		error = forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = 2});
		int maps = error == 0 ? forkpool_for(pool, for_task, 100, NULL) : 0;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
		ck_assert_msg(error == 0 || error == -EMFILE, "%d left: %d, %s", (int)left, error,
		              forkpool_strerror(error));
		ck_assert_msg((error == 0) == (pool != NULL), "%d left", (int)left);
		ck_assert_int_eq(maps, 0);
		refused += error != 0;
		forkpool_destroy(pool);
	}
	ck_assert_int_eq(error, 0);
	/* At least one is needed for workers to ring at. */
	ck_assert_int_ge(refused, backend == FORKPOOL_SERIAL ? 0 : 1);
}
END_TEST

/* ---- The other calls ------------------------------------------------------------------ */

START_TEST(the_other_calls_refuse)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_close(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_join(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_terminate(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_refresh(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_join(pool), -EINVAL);

	errno = 0;
	ck_assert_ptr_null(forkpool_alloc(NULL, 1));
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_ptr_null(forkpool_alloc(pool, 0));
	ck_assert_int_eq(errno, EINVAL);
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2 + 1, (size_t)1 << 62};
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		errno = 0;
		ck_assert_ptr_null(forkpool_alloc(pool, sizes[i]));
		ck_assert_int_eq(errno, ENOMEM);
	}
	ck_assert_int_eq(forkpool_for(pool, for_task, 100, NULL), 0);
	forkpool_destroy(pool);
}
END_TEST

static void check_shut(forkpool *pool)
{
	static const struct refusal calls[] = {
	        {MAP, 3, 1, 1, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	        {STARMAP, 3, 1, 1, 0, 0, 0, 2, ALL, ESHUTDOWN, NULL},
	        {FOR, 3, 0, 0, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	        {FOR_RANGE, 3, 0, 0, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	        {REDUCE, 3, 0, 1, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	        {APPLY, 1, 1, 1, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	        {FOR, 0, 0, 0, 0, 0, 0, 0, ALL, ESHUTDOWN, NULL},
	};
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		char what[100];
		snprintf(what, sizeof what, "call %zu of a closed pool", i);
		forkpool_report report;
		prepare(&report);
		forkpool_opts opts = opts_of(&calls[i], &report);
		assert_refused(call(pool, &calls[i], &opts), &report, ESHUTDOWN, NULL, what);
	}
	ck_assert_int_eq(forkpool_refresh(pool), -ESHUTDOWN);
}

START_TEST(a_closed_pool_refuses_every_call)
{
	for (int terminated = 0; terminated < 2; terminated++) {
		forkpool *pool = pool_of(backend_id(_i), 2);
		ck_assert_int_eq(terminated ? forkpool_terminate(pool) : forkpool_close(pool), 0);
		check_shut(pool);
		ck_assert_int_eq(forkpool_join(pool), 0);
		check_shut(pool);
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- In a child of the program ----------------------------------------------------------- */

/* The number of the first check that fails, from 1; 0: none does. */
static int calls_in_a_child(forkpool *pool, void *memory)
{
	static const struct refusal calls[] = {
	        {MAP, 3, 1, 1, 0, 0, 0, 0, ALL, EPERM, NULL},    {STARMAP, 3, 1, 1, 0, 0, 0, 2, ALL, EPERM, NULL},
	        {FOR, 3, 0, 0, 0, 0, 0, 0, ALL, EPERM, NULL},    {FOR_RANGE, 3, 0, 0, 0, 0, 0, 0, ALL, EPERM, NULL},
	        {REDUCE, 3, 0, 1, 0, 0, 0, 0, ALL, EPERM, NULL}, {APPLY, 1, 1, 1, 0, 0, 0, 0, ALL, EPERM, NULL},
	};
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		forkpool_report report;
		prepare(&report);
		forkpool_opts opts = opts_of(&calls[i], &report);
		if (call(pool, &calls[i], &opts) != -EPERM || report.tasks != 0 || !untouched(results, sizeof results))
			return (int)i + 1;
	}
	if (forkpool_close(pool) != -EPERM || forkpool_join(pool) != -EPERM)
		return 11;
	if (forkpool_terminate(pool) != -EPERM || forkpool_refresh(pool) != -EPERM)
		return 12;
	errno = 0;
	if (forkpool_alloc(pool, 10) != NULL || errno != EPERM)
		return 13;
	forkpool_free(pool, memory);
	return 0;
}

START_TEST(a_forked_child_is_refused)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	unsigned char *memory = forkpool_alloc(pool, 1000);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 7, 1000);
	int ended = -1;
	pid_t child = fork();
	if (child == 0)
		_exit(calls_in_a_child(pool, memory));
	ck_assert_int_eq(waitpid(child, &ended, 0), child);
	ck_assert(WIFEXITED(ended));
	ck_assert_int_eq(WEXITSTATUS(ended), 0);
	/* And the pool and its memory are as they were. */
	ck_assert_int_eq(forkpool_for(pool, for_task, 100, NULL), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(memory[i], 7);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Functions that the workers do not have ------------------------------------------------ */

#define LATE_OBJECT "tests/" LT_OBJDIR "late.so"

union symbol {
	void *object;
	forkpool_for_fn *task;
	forkpool_fold_fn *fold;
	forkpool_combine_fn *combine;
};

START_TEST(a_function_loaded_later_is_refused)
{
	int backend = backend_id(_i);
	if (access(LATE_OBJECT, R_OK) != 0) {
		puts("skipped: shared objects are not built (" LATE_OBJECT ")");
		return;
	}
	forkpool *pool = pool_of(backend, 2);
	void *object = dlopen(LATE_OBJECT, RTLD_NOW);
	ck_assert_msg(object != NULL, "%s", dlerror());
	union symbol task = {dlsym(object, "late_task")}, fold = {dlsym(object, "late_fold")},
	             combine = {dlsym(object, "late_combine")};
	ck_assert(task.object != NULL && fold.object != NULL && combine.object != NULL);

	forkpool_report report;
	uint64_t sum = 0;
	prepare(&report);
	const forkpool_opts opts = {.report = &report, .status = status};
	if (backend == FORKPOOL_PROCESSES) {
		assert_refused(forkpool_for(pool, task.task, 100, &opts), &report, ENOEXEC, NULL, "a late task");
		prepare(&report);
		assert_refused(forkpool_reduce(pool, fold.fold, combine.combine, 100, &sum, sizeof sum, &opts), &report,
		               ENOEXEC, NULL, "a late fold");
		ck_assert_uint_eq(sum, 0);
		/* What runs in the caller may be new to the workers. */
		unsigned char bytes[8] = {0};
		ck_assert_int_eq(forkpool_reduce(pool, fold_task, combine.combine, 100, bytes, 8, &opts), 0);
		ck_assert_uint_eq(bytes[0], 100);
		ck_assert_int_eq(forkpool_refresh(pool), 0);
	}
	ck_assert_int_eq(forkpool_for(pool, task.task, 100, &opts), 0);
	assert_adds_up(&report, 100);
	ck_assert_int_eq(forkpool_reduce(pool, fold.fold, combine.combine, 100, &sum, sizeof sum, &opts), 0);
	ck_assert_uint_eq(sum, 100);
	forkpool_destroy(pool);
	dlclose(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusals");
	TCase *maps = test_case(suite, "maps");
	add_backend_test(maps, each_refusal_names_its_value);
	add_backend_test(maps, what_is_not_needed_may_be_missing);
	TCase *others = test_case(suite, "other calls");
	tcase_add_test(others, create_refuses);
	add_backend_test(others, create_without_descriptors);
	add_backend_test(others, the_other_calls_refuse);
	add_backend_test(others, a_closed_pool_refuses_every_call);
	TCase *owner = test_case(suite, "not the owner's");
	add_backend_test(owner, a_forked_child_is_refused);
	add_backend_test(owner, a_function_loaded_later_is_refused);
	return run_suite(suite);
}
