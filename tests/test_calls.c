/*
 * test_calls.c - what the maps compute: every call on every backend, bit for bit as a plain
 * loop has it, with buffers and contexts in every place they may be; and the small calls.
 */
#include "config.h"
#include "calls.h"

#include <ctype.h>
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The table --------------------------------------------------------------- */

static const struct {
	size_t count, chunk;
} table_counts[] = {{0, 0}, {0, 5}, {1, 0}, {2, 1}, {97, 10}, {97, 97}, {97, 1000}, {1000, 0}, {9000, 0}};

static const struct {
	size_t item, result;
} table_sizes[] = {{8, 8}, {1, 1}, {0, 8}, {8, 0}, {3, 5}, {65, 31}};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* The k-th of all combinations of what a job may be; false when there are no more. */
static bool table_job(size_t k, struct job *job)
{
	size_t counts = k % COUNT_OF(table_counts);
	k /= COUNT_OF(table_counts);
	size_t sizes = k % COUNT_OF(table_sizes);
	k /= COUNT_OF(table_sizes);
	*job = (struct job){
	        .call = (enum call)(k / 16),
	        .count = table_counts[counts].count,
	        .chunk = table_counts[counts].chunk,
	        .item_size = table_sizes[sizes].item,
	        .result_size = table_sizes[sizes].result,
	        .items_in_arena = k & 1,
	        .results_in_arena = k & 2,
	        .status_in_arena = k & 4,
	        .fail_one_in = k & 8 ? 7 : 0,
	        .salt = k,
	};
	return k / 16 < CALLS;
}

static void run_table(int backend, unsigned workers)
{
	struct job job;
	forkpool *pool = pool_of(backend, workers);
	for (size_t k = 0; table_job(k, &job); k += SANITIZED ? 5 : 1)
		check_job(pool, backend, &job, backend_name(backend));
	forkpool_destroy(pool);
}

START_TEST(each_call_as_a_plain_loop_one_worker)
{
	run_table(backend_id(_i), 1);
}
END_TEST

START_TEST(each_call_as_a_plain_loop_three_workers)
{
	run_table(backend_id(_i), 3);
}
END_TEST

START_TEST(items_and_results_of_a_mebibyte)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 2);
	for (unsigned places = 0; places < 4; places++)
		for (enum call call = CALL_MAP; call < CALLS; call++) {
			struct job job = {.call = call,
			                  .count = 3,
			                  .item_size = 1 << 20,
			                  .result_size = 1 << 20,
			                  .chunk = 1,
			                  .items_in_arena = places & 1,
			                  .results_in_arena = places & 2,
			                  .salt = call};
			check_job(pool, backend, &job, backend_name(backend));
		}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Large counts ------------------------------------------------------------ */

struct tally {
	_Atomic uint64_t indices, sum;
};

/* The sum of begin .. end-1, without the loop; modulo 2^64 as all sums here. */
static uint64_t sum_between(uint64_t begin, uint64_t end)
{
	uint64_t count = end - begin, twice_mean = begin + end - 1;
	return count % 2 == 0 ? count / 2 * twice_mean : count * (twice_mean / 2);
}

static int tally_range(size_t begin, size_t end, void *ctx)
{
	struct tally *tally = ctx;
	atomic_fetch_add(&tally->indices, end - begin);
	atomic_fetch_add(&tally->sum, sum_between(begin, end));
	return 0;
}

static int fold_sum(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += sum_between(begin, end);
	return 0;
}

static void add_sum(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

static void check_large(forkpool *pool, uint64_t count)
{
	forkpool_report report;
	struct tally *tally = forkpool_alloc(pool, sizeof *tally);
	ck_assert_ptr_nonnull(tally);
	ck_assert_int_eq(
	        forkpool_for_range(pool, tally_range, count, &(forkpool_opts){.ctx = tally, .report = &report}), 0);
	assert_adds_up(&report, count);
	ck_assert_uint_eq(report.succeeded, count);
	ck_assert_uint_eq(tally->indices, count);
	ck_assert_uint_eq(tally->sum, sum_between(0, count));

	uint64_t sum = 0;
	ck_assert_int_eq(
	        forkpool_reduce(pool, fold_sum, add_sum, count, &sum, sizeof sum, &(forkpool_opts){.report = &report}),
	        0);
	assert_adds_up(&report, count);
	ck_assert_uint_eq(sum, sum_between(0, count));
	forkpool_free(pool, tally);
}

START_TEST(counts_beyond_32_bits)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	check_large(pool, 1000 * 1000 * 1000);
	check_large(pool, UINT64_C(6000000000007));
	forkpool_destroy(pool);
}
END_TEST

/* ---- reduce ------------------------------------------------------------------ */

static int fold_series(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++)
		*(double *)acc += 1.0 / (double)(i + 1);
	return 0;
}

static void add_series(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(double *)acc += *(const double *)other;
}

static double series(int backend, unsigned workers, size_t chunk)
{
	forkpool *pool = pool_of(backend, workers);
	double sum = 0;
	ck_assert_int_eq(forkpool_reduce(pool, fold_series, add_series, 100003, &sum, sizeof sum,
	                                 &(forkpool_opts){.chunk = chunk}),
	                 0);
	forkpool_destroy(pool);
	return sum;
}

/* Floating-point addition is not associative: the bits show where the tree was cut. */
START_TEST(reduce_has_the_same_bits_everywhere)
{
	int backend = backend_id(_i);
	for (size_t chunk = 0; chunk <= 1000; chunk += 500) {
		double alone = series(FORKPOOL_SERIAL, 1, chunk);
		ck_assert_double_eq_tol(alone, 12.0901761, 1e-6); /* ln(n) + 0.5772157 + 1/(2n) */
		for (unsigned workers = 1; workers <= 8; workers++) {
			double sum = series(backend, workers, chunk);
			ck_assert_msg(memcmp(&sum, &alone, sizeof sum) == 0, "%u workers, chunk %zu: %a, not %a",
			              workers, chunk, sum, alone);
		}
	}
}
END_TEST

/* The identity is what the caller says, and goes into each chunk: here, a minimum. */
static int fold_minimum(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		int64_t value = (int64_t)(i * 7919 % 10007) - 5000;
		if (value < *(int64_t *)acc)
			*(int64_t *)acc = value;
	}
	return 0;
}

static void keep_minimum(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	if (*(const int64_t *)other < *(int64_t *)acc)
		*(int64_t *)acc = *(const int64_t *)other;
}

START_TEST(reduce_starts_from_the_identity_given)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	int64_t least = INT64_MAX;
	ck_assert_int_eq(forkpool_reduce(pool, fold_minimum, keep_minimum, 10007, &least, sizeof least, NULL), 0);
	ck_assert_int_eq(least, -5000);
	least = 42;
	ck_assert_int_eq(forkpool_reduce(pool, fold_minimum, keep_minimum, 0, &least, sizeof least, NULL), 0);
	ck_assert_int_eq(least, 42);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Buffers ----------------------------------------------------------------- */

static int half(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(float *)result = (float)*(const int64_t *)item / 2;
	return 0;
}

START_TEST(the_macro_takes_sizes_from_types)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	int64_t items[100];
	float results[100];
	for (int i = 0; i < 100; i++)
		items[i] = i;
	ck_assert_int_eq(FORKPOOL_MAP(pool, half, items, results, 100, NULL), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_float_eq(results[i], (float)i / 2);
	float one = 0;
	ck_assert_int_eq(forkpool_apply(pool, half, &items[7], sizeof *items, &one, sizeof one, NULL), 0);
	ck_assert_float_eq(one, 3.5F);
	forkpool_destroy(pool);
}
END_TEST

static int cube(const void *item, void *result, void *ctx)
{
	(void)ctx;
	uint64_t x = *(const uint64_t *)item;
	*(uint64_t *)result = x * x * x;
	return 0;
}

static void check_cubes(uint64_t *values)
{
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(values[i], i * i * i);
}

START_TEST(results_may_replace_the_items)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	uint64_t outside[1000], *inside = forkpool_alloc(pool, sizeof outside);
	ck_assert_ptr_nonnull(inside);
	for (uint64_t i = 0; i < 1000; i++)
		inside[i] = outside[i] = i;
	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, outside, outside, 1000, NULL), 0);
	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, inside, inside, 1000, NULL), 0);
	check_cubes(outside);
	check_cubes(inside);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(the_report_counts_what_was_copied)
{
	int backend = backend_id(_i);
	bool copies = backend == FORKPOOL_PROCESSES;
	forkpool *pool = pool_of(backend, 2);
	uint64_t outside[1000] = {0}, *inside = forkpool_alloc(pool, sizeof outside);
	ck_assert_ptr_nonnull(inside);
	forkpool_report report;
	const forkpool_opts opts = {.report = &report};

	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, inside, inside, 1000, &opts), 0);
	ck_assert_uint_eq(report.bytes_copied, 0);
	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, outside, inside, 1000, &opts), 0);
	ck_assert_uint_eq(report.bytes_copied, copies ? sizeof outside : 0);
	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, inside, outside, 1000, &opts), 0);
	ck_assert_uint_eq(report.bytes_copied, copies ? sizeof outside : 0);
	ck_assert_int_eq(FORKPOOL_MAP(pool, cube, outside, outside, 1000, &opts), 0);
	ck_assert_uint_eq(report.bytes_copied, copies ? 2 * sizeof outside : 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- starmap ----------------------------------------------------------------- */

static int weigh(const void *const *items, void *result, void *ctx)
{
	uint64_t sum = 0;
	for (size_t k = 0; k < *(const size_t *)ctx; k++)
		sum += (k + 1) * *(const uint32_t *)items[k];
	*(uint64_t *)result = sum;
	return 0;
}

/* Column k has a stride of its own; the last one is a constant. */
START_TEST(starmap_takes_up_to_64_columns)
{
	enum { COLUMNS = 64, ROWS = 50 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_column columns[COLUMNS];
	uint32_t *values = calloc(COLUMNS * ROWS * COLUMNS, sizeof *values);
	uint64_t sums[ROWS], expected[ROWS] = {0};
	ck_assert_ptr_nonnull(values);
	for (size_t k = 0; k < COLUMNS; k++) {
		uint32_t *base = values + k * ROWS * COLUMNS;
		size_t stride = k + 1 == COLUMNS ? 0 : k + 1;
		columns[k] = (forkpool_column){base, sizeof *base, stride * sizeof *base};
		for (size_t i = 0; i < ROWS; i++) {
			base[i * stride] = stride == 0 ? 1234567 : (uint32_t)(i * 31 + k);
			expected[i] += (k + 1) * base[i * stride];
		}
	}
	size_t count = COLUMNS;
	ck_assert_int_eq(forkpool_starmap(pool, weigh, columns, COLUMNS, ROWS, sums, sizeof *sums,
	                                  &(forkpool_opts){.ctx = &count, .ctx_size = sizeof count}),
	                 0);
	ck_assert_mem_eq(sums, expected, sizeof sums);
	free(values);
	forkpool_destroy(pool);
}
END_TEST

static int misaligned(const void *const *items, void *result, void *ctx)
{
	(void)ctx;
	*(int *)result = (uintptr_t)items[0] % 16 != 0 || (uintptr_t)items[1] % 4 != 0;
	return *(const char *)items[0] != 'a' || *(const char *)items[1] != 'b';
}

/* Also where the copy closes the gaps between them. */
START_TEST(items_stay_as_aligned_as_they_were)
{
	enum { ROWS = 20 };
	static _Alignas(64) char wide[ROWS * 48], narrow[ROWS * 12];
	int wrong[ROWS];
	forkpool *pool = pool_of(backend_id(_i), 2);
	memset(wide, 'a', sizeof wide);
	memset(narrow, 'b', sizeof narrow);
	const forkpool_column columns[2] = {{wide, 17, 48}, {narrow, 5, 12}};
	ck_assert_int_eq(forkpool_starmap(pool, misaligned, columns, 2, ROWS, wrong, sizeof *wrong, NULL), 0);
	for (int i = 0; i < ROWS; i++)
		ck_assert_int_eq(wrong[i], 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- ctx --------------------------------------------------------------------- */

static int context_is_null(size_t index, void *ctx)
{
	(void)index;
	return ctx != NULL;
}

enum { LONG_CONTEXT = 1 << 20 };

static int last_byte(const void *item, void *result, void *ctx)
{
	(void)item;
	memcpy(result, (const unsigned char *)ctx + LONG_CONTEXT - 1, 1);
	return 0;
}

static int raise_flag(size_t index, void *ctx)
{
	((_Atomic uint32_t *)ctx)[index] = 1;
	return 0;
}

static int shared_at_fork[16];

static int read_inherited(const void *item, void *result, void *ctx)
{
	*(int *)result = *(const int *)item + *(const int *)ctx;
	return 0;
}

START_TEST(a_context_is_null_copied_shared_or_inherited)
{
	for (int i = 0; i < 16; i++)
		shared_at_fork[i] = i;
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_for(pool, context_is_null, 10, NULL), 0);

	unsigned char *context = calloc(LONG_CONTEXT, 1), bytes[10];
	ck_assert_ptr_nonnull(context);
	for (unsigned char byte = 1; byte < 4; byte++) {
		context[LONG_CONTEXT - 1] = byte;
		ck_assert_int_eq(forkpool_map(pool, last_byte, NULL, 10, 0, bytes, 1,
		                              &(forkpool_opts){.ctx = context, .ctx_size = LONG_CONTEXT}),
		                 0);
		for (int i = 0; i < 10; i++)
			ck_assert_uint_eq(bytes[i], byte);
	}
	free(context);

	_Atomic uint32_t *flags = forkpool_alloc(pool, 10 * sizeof *flags);
	ck_assert_ptr_nonnull(flags);
	ck_assert_int_eq(forkpool_for(pool, raise_flag, 10, &(forkpool_opts){.ctx = flags}), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(flags[i], 1);

	int results[15];
	forkpool_report report;
	ck_assert_int_eq(
	        FORKPOOL_MAP(pool, read_inherited, shared_at_fork, results, 15,
	                     &((forkpool_opts){.ctx = &shared_at_fork[15], .inherited = 1, .report = &report})),
	        0);
	for (int i = 0; i < 15; i++)
		ck_assert_int_eq(results[i], i + 15);
	ck_assert_uint_eq(report.bytes_copied, backend_id(_i) == FORKPOOL_PROCESSES ? sizeof results : 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- A map inside a task ------------------------------------------------------ */

struct nested {
	forkpool *pool;
	int fresh; /* non-zero: on a pool created in the task, not on the outer one */
};

static int inner(const void *item, void *result, void *ctx)
{
	(void)ctx;
	const int *base = item;
	int *seen = result;
	seen[0] = *base * 2;
	seen[1] = forkpool_worker();
	return 0;
}

static int run_inner(forkpool *pool, int start, int (*results)[2])
{
	int items[5];
	for (int i = 0; i < 5; i++)
		items[i] = start + i;
	return forkpool_map(pool, inner, items, 5, sizeof *items, results, sizeof *results, NULL);
}

/* result: what went wrong, from 1; 0: nothing. */
static int outer(const void *item, void *result, void *ctx)
{
	const struct nested *nested = ctx;
	forkpool *pool = nested->pool;
	int start = *(const int *)item, results[5][2], worker = forkpool_worker();
	*(int *)result = 1;
	if (nested->fresh && forkpool_create(&pool, NULL) != 0)
		return 0;
	*(int *)result = run_inner(pool, start, results) != 0 ? 2 : 0;
	for (int i = 0; i < 5; i++) {
		if (results[i][0] != (start + i) * 2)
			*(int *)result = 3;
		if (!nested->fresh && results[i][1] != worker)
			*(int *)result = 4;
	}
	if (nested->fresh)
		forkpool_destroy(pool);
	if (forkpool_worker() != worker)
		*(int *)result = 5;
	return 0;
}

static void check_nested(int backend, int fresh)
{
	forkpool *pool = pool_of(backend, 3);
	struct nested nested = {pool, fresh};
	int items[60], results[60];
	for (int i = 0; i < 60; i++)
		items[i] = i * 100;
	ck_assert_int_eq(FORKPOOL_MAP(pool, outer, items, results, 60,
	                              &((forkpool_opts){.ctx = &nested, .ctx_size = sizeof nested, .chunk = 1})),
	                 0);
	for (int i = 0; i < 60; i++)
		ck_assert_msg(results[i] == 0, "task %d: evidence %d", i, results[i]);
	forkpool_destroy(pool);
}

START_TEST(a_map_inside_a_task)
{
	check_nested(backend_id(_i), 0);
}
END_TEST

START_TEST(a_pool_inside_a_task)
{
	check_nested(backend_id(_i), 1);
}
END_TEST

/* ---- What a task can ask ------------------------------------------------------ */

struct surroundings {
	int worker, cancelled;
	unsigned attempt;
	void *state;
};

static struct surroundings look_around(void)
{
	return (struct surroundings){forkpool_worker(), forkpool_cancelled(), forkpool_attempt(),
	                             forkpool_worker_state()};
}

static int look(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	*(struct surroundings *)result = look_around();
	return 0;
}

static void assert_outside_of_tasks(void)
{
	struct surroundings outside = look_around();
	ck_assert_int_eq(outside.worker, -1);
	ck_assert_int_eq(outside.cancelled, 0);
	ck_assert_uint_eq(outside.attempt, 0);
	ck_assert_ptr_null(outside.state);
	forkpool_at(3); /* does nothing */
	ck_assert_int_eq(forkpool_fail(9, "outside of %s", "tasks"), 9);
	ck_assert_int_eq(forkpool_fail_text(-9, "outside"), -9);
}

START_TEST(a_task_knows_its_worker_and_attempt)
{
	assert_outside_of_tasks();
	forkpool *pool = pool_of(backend_id(_i), 3);
	assert_outside_of_tasks();
	struct surroundings seen[200];
	ck_assert_int_eq(forkpool_map(pool, look, NULL, 200, 0, seen, sizeof *seen, &(forkpool_opts){.chunk = 1}), 0);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_ge(seen[i].worker, 0);
		ck_assert_int_lt(seen[i].worker, 3);
		ck_assert_int_eq(seen[i].cancelled, 0);
		ck_assert_uint_eq(seen[i].attempt, 1);
		ck_assert_ptr_null(seen[i].state);
	}
	assert_outside_of_tasks();
	forkpool_destroy(pool);
}
END_TEST

/* ---- The submitter's rounding mode -------------------------------------------- */

static int third(const void *item, void *result, void *ctx)
{
	(void)ctx;
	volatile double one = *(const double *)item, three = 3;
	*(double *)result = one / three;
	return 0;
}

static void check_rounding(forkpool *pool, int mode)
{
	double items[100], results[100], here;
	for (int i = 0; i < 100; i++)
		items[i] = i + 1;
	ck_assert_int_eq(fesetround(mode), 0);
	int returned = FORKPOOL_MAP(pool, third, items, results, 100, NULL);
	int mode_after = fegetround();
	bool same = true;
	for (int i = 0; i < 100; i++) {
		third(&items[i], &here, NULL);
		same = same && memcmp(&here, &results[i], sizeof here) == 0;
	}
	fesetround(FE_TONEAREST);
	ck_assert_int_eq(returned, 0);
	ck_assert_int_eq(mode_after, mode);
	ck_assert_msg(same, "the workers did not round as the submitter does in mode %d", mode);
}

START_TEST(the_rounding_mode_travels_with_the_map)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		check_rounding(pool, modes[i]);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Calls that need no pool --------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

START_TEST(seeds_are_distinct_and_well_mixed)
{
	enum { SEEDS = 100000 };
	uint64_t *seeds = malloc(SEEDS * sizeof *seeds), bits = 0;
	ck_assert_ptr_nonnull(seeds);
	for (uint64_t i = 0; i < SEEDS; i++) {
		seeds[i] = forkpool_seed(i % 2, i / 2);
		ck_assert_uint_eq(seeds[i], forkpool_seed(i % 2, i / 2));
		bits += (uint64_t)__builtin_popcountll(seeds[i]);
	}
	qsort(seeds, SEEDS, sizeof *seeds, compare_words);
	for (int i = 1; i < SEEDS; i++)
		ck_assert_uint_ne(seeds[i - 1], seeds[i]);
	/* 32 ones a word on average; the mean of 10^5 words has a deviation of 4/sqrt(10^5). */
	ck_assert_double_eq_tol((double)bits / SEEDS, 32, 0.1);
	free(seeds);
}
END_TEST

START_TEST(cpus_are_those_of_the_affinity_mask)
{
	unsigned all = forkpool_cpu_count();
	ck_assert_uint_ge(all, 1);
	cpu_set_t mask, one;
	ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
	ck_assert_uint_le(all, (unsigned)CPU_COUNT(&mask));
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &mask))
			CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
	ck_assert_uint_eq(forkpool_cpu_count(), 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof mask, &mask), 0);
}
END_TEST

START_TEST(every_code_has_words)
{
	static const int codes[] = {0,
	                            1,
	                            2,
	                            INT32_MAX,
	                            -EINVAL,
	                            -EOVERFLOW,
	                            -ENOEXEC,
	                            -ENOMEM,
	                            -ESHUTDOWN,
	                            FORKPOOL_CRASHED,
	                            FORKPOOL_TIMED_OUT,
	                            FORKPOOL_CANCELLED,
	                            -EPERM,
	                            -EAGAIN,
	                            -ECANCELED,
	                            -EPROTO,
	                            -99999};
	char texts[COUNT_OF(codes)][200];
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		const char *text = forkpool_strerror(codes[i]);
		ck_assert_ptr_nonnull(text);
		snprintf(texts[i], sizeof texts[i], "%s", text);
		ck_assert_str_ne(texts[i], "");
	}
	/* Counts may share their words; each error and status has its own. */
	for (size_t i = 4; i < COUNT_OF(codes); i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(strcmp(texts[i], texts[k]) != 0, "%d and %d: both \"%s\"", codes[i], codes[k],
			              texts[i]);
}
END_TEST

START_TEST(the_version_is_the_one_built)
{
	int parts[3], length = 0;
	const char *version = forkpool_version();
	ck_assert_int_eq(sscanf(version, "%d.%d.%d%n", &parts[0], &parts[1], &parts[2], &length), 3);
	ck_assert_int_eq((int)strlen(version), length);
	ck_assert_str_eq(version, PACKAGE_VERSION);
}
END_TEST

START_TEST(a_report_in_words)
{
	forkpool_report report = {.tasks = 1234,
	                          .succeeded = 1200,
	                          .failed = 33,
	                          .crashed = 1,
	                          .index = 567,
	                          .status = 89,
	                          .attempt = 1,
	                          .message = "row 567 is singular"};
	char text[4000], cut[10];
	memset(cut, 'x', sizeof cut);
	size_t length = forkpool_report_format(&report, text, sizeof text);
	ck_assert_uint_lt(length, sizeof text);
	ck_assert_uint_eq(strlen(text), length);
	static const char *const said[] = {"1234", "33", "567", "row 567 is singular"};
	for (size_t i = 0; i < COUNT_OF(said); i++)
		ck_assert_msg(strstr(text, said[i]) != NULL, "%s is not in: %s", said[i], text);

	ck_assert_uint_eq(forkpool_report_format(&report, cut, 8), length);
	ck_assert_mem_eq(cut, text, 7);
	ck_assert_int_eq(cut[7], '\0');
	ck_assert_int_eq(cut[8], 'x');
	ck_assert_uint_eq(forkpool_report_format(&report, NULL, 0), length);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("calls");
	TCase *values = test_case(suite, "values");
	add_backend_test(values, each_call_as_a_plain_loop_one_worker);
	add_backend_test(values, each_call_as_a_plain_loop_three_workers);
	add_backend_test(values, items_and_results_of_a_mebibyte);
	add_backend_test(values, counts_beyond_32_bits);
	add_backend_test(values, reduce_has_the_same_bits_everywhere);
	add_backend_test(values, reduce_starts_from_the_identity_given);
	TCase *memory = test_case(suite, "buffers and contexts");
	add_backend_test(memory, the_macro_takes_sizes_from_types);
	add_backend_test(memory, results_may_replace_the_items);
	add_backend_test(memory, the_report_counts_what_was_copied);
	add_backend_test(memory, starmap_takes_up_to_64_columns);
	add_backend_test(memory, items_stay_as_aligned_as_they_were);
	add_backend_test(memory, a_context_is_null_copied_shared_or_inherited);
	TCase *inside = test_case(suite, "inside tasks");
	add_backend_test(inside, a_map_inside_a_task);
	add_backend_test(inside, a_pool_inside_a_task);
	add_backend_test(inside, a_task_knows_its_worker_and_attempt);
	add_backend_test(inside, the_rounding_mode_travels_with_the_map);
	TCase *anywhere = test_case(suite, "anywhere");
	tcase_add_test(anywhere, seeds_are_distinct_and_well_mixed);
	tcase_add_test(anywhere, cpus_are_those_of_the_affinity_mask);
	tcase_add_test(anywhere, every_code_has_words);
	tcase_add_test(anywhere, the_version_is_the_one_built);
	tcase_add_test(anywhere, a_report_in_words);
	return run_suite(suite);
}
