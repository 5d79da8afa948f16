/*
 * test_streams.c - forkpool_imap(): any number of items through a window.
 *
 * A source of numbered items knows what each of them must become, and the sink asserts it: each index once,
 * in order or in any, with its status and the very bytes that a plain loop has, and never more of them under
 * way than the window allows.  Then sources that fail, consumers that stop, workers that die.
 */
#include "config.h"
#include "scene.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- A stream, and what it must give --------------------------------------------------- */

enum { MOST_SIZE = 64, DEFAULT_WINDOW = 65536 };

/* What a task does with an item; shared with the workers by copy. */
struct told {
	size_t item_size, result_size;
	unsigned fail_one_in, crash_one_in, hang_one_in;
	uint64_t salt;
};

struct stream {
	struct told told;
	uint64_t count;      /* items that the source has */
	uint64_t fail_at;    /* it fails there, with `error` */
	int error;           /* 0: it does not fail */
	uint64_t stop_after; /* emits after which the consumer asks to stop; 0: it does not */
	size_t window;       /* 0: the default */
	int unordered;
	/* What happened. */
	uint64_t taken, emitted, asked_after_end, unsuccessful;
	bool ended;
	unsigned char *seen;                 /* one a item, while it runs */
	void (*also)(struct stream *stream); /* in each emit */
	forkpool *pool;
};

static uint64_t number_of(const void *item, size_t size)
{
	uint64_t number = 0;
	memcpy(&number, item, size < sizeof number ? size : sizeof number);
	return number;
}

/* The item is its number, little end first, and then bytes that follow from it. */
static void fill_item(const struct told *told, uint64_t number, void *item)
{
	unsigned char bytes[MOST_SIZE];
	dice d = dice_for(told->salt, number);
	dice_fill(&d, bytes, sizeof bytes);
	memcpy(bytes, &number, sizeof number);
	if (told->item_size > 0)
		memcpy(item, bytes, told->item_size);
}

static void fill_result(const struct told *told, const void *item, void *result)
{
	uint64_t sum = told->salt;
	for (size_t k = 0; k < told->item_size; k++)
		sum = sum * 31 + ((const unsigned char *)item)[k];
	dice d = dice_for(sum, 1);
	dice_fill(&d, result, told->result_size);
}

static bool chosen(uint64_t number, unsigned one_in, unsigned which)
{
	return one_in != 0 && number % one_in == which % one_in;
}

static int32_t expected_status(const struct told *told, uint64_t number)
{
	if (chosen(number, told->crash_one_in, 3))
		return FORKPOOL_CRASHED;
	if (chosen(number, told->hang_one_in, 5))
		return FORKPOOL_TIMED_OUT;
	return chosen(number, told->fail_one_in, 7) ? (int32_t)(number % 100) + 1 : 0;
}

static int stream_task(const void *item, void *result, void *ctx)
{
	const struct told *told = ctx;
	uint64_t number = told->item_size > 0 ? number_of(item, told->item_size) : 0;
	fill_result(told, item, result);
	int32_t status = expected_status(told, number);
	if (status == FORKPOOL_CRASHED)
		raise(SIGKILL);
	while (status == FORKPOOL_TIMED_OUT)
		pause();
	return status;
}

/* As ck_assert(), which makes a note in a file even if all is well: that is much for an item. */
#define expect(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			ck_abort_msg("item %" PRIu64 ": %s", stream->emitted, #condition);                             \
	} while (0)

static int next_item(void *item, void *arg)
{
	struct stream *stream = arg;
	stream->asked_after_end += stream->ended;
	if (stream->error != 0 && stream->taken == stream->fail_at) {
		stream->ended = true;
		return stream->error;
	}
	if (stream->taken == stream->count) {
		stream->ended = true;
		return 0;
	}
	fill_item(&stream->told, stream->taken++, item);
	expect(stream->taken - stream->emitted <= (stream->window > 0 ? stream->window : DEFAULT_WINDOW));
	return 1;
}

static void assert_result(const struct stream *stream, uint64_t number, const void *result)
{
	unsigned char item[MOST_SIZE], expected[MOST_SIZE];
	fill_item(&stream->told, number, item);
	fill_result(&stream->told, item, expected);
	expect(stream->told.result_size == 0 || memcmp(result, expected, stream->told.result_size) == 0);
}

static int emit_item(size_t index, const void *result, int32_t status, void *arg)
{
	struct stream *stream = arg;
	expect(index < stream->taken);
	expect(stream->seen[index]++ == 0);
	expect(stream->unordered || index == stream->emitted);
	expect(status == expected_status(&stream->told, index));
	if (status == 0)
		assert_result(stream, index, result);
	stream->unsuccessful += status != 0;
	stream->emitted++;
	if (stream->also != NULL)
		stream->also(stream);
	expect(stream->stop_after == 0 || stream->emitted <= stream->stop_after);
	return stream->emitted == stream->stop_after;
}

static int run(forkpool *pool, struct stream *stream, const forkpool_opts *given)
{
	forkpool_opts opts = given != NULL ? *given : (forkpool_opts){0};
	opts.ctx = &stream->told;
	opts.ctx_size = sizeof stream->told;
	stream->pool = pool;
	stream->seen = malloc(stream->count + 1);
	ck_assert_ptr_nonnull(stream->seen);
	memset(stream->seen, 0, stream->count + 1); /* touched now, so that memory stays flat later */
	int returned = forkpool_imap(pool, stream_task, next_item, emit_item, stream, stream->told.item_size,
	                             stream->told.result_size, stream->window, stream->unordered, &opts);
	free(stream->seen);
	return returned;
}

/* All that holds of a stream that came to its end. */
static void assert_complete(const struct stream *stream, int returned, const forkpool_report *report)
{
	ck_assert_uint_eq(stream->asked_after_end, 0);
	ck_assert_uint_eq(stream->taken, stream->error != 0 ? stream->fail_at : stream->count);
	ck_assert_uint_eq(stream->emitted, stream->taken);
	ck_assert_int_eq(returned, stream->error != 0 ? stream->error : (int)stream->unsuccessful);
	assert_adds_up(report, stream->taken);
	ck_assert_uint_eq(report->tasks - report->succeeded, stream->unsuccessful);
}

static void run_to_the_end(forkpool *pool, struct stream stream, const forkpool_opts *given)
{
	forkpool_report report;
	forkpool_opts opts = given != NULL ? *given : (forkpool_opts){0};
	opts.report = &report;
	assert_complete(&stream, run(pool, &stream, &opts), &report);
}

/* ---- To the end ---------------------------------------------------------------------------- */

START_TEST(a_stream_is_as_a_plain_loop)
{
	const size_t sizes[][2] = {{8, 8}, {0, 8}, {8, 0}, {0, 0}, {13, 5}, {MOST_SIZE, MOST_SIZE}};
	const size_t windows[] = {0, 1, 2, 7, 100, 5000};
	const uint64_t counts[] = {0, 1, 2, 100, 1000};
	forkpool *pool = pool_of(backend_id(_i), 3);
	for (unsigned k = 0; k < 6 * 6 * 5 * 2; k += SANITIZED ? 7 : 1) {
		const size_t *size = sizes[k / 60];
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = size[0],
		                                        .result_size = size[1],
		                                        .fail_one_in = size[0] > 0 && k % 3 == 0 ? 11 : 0,
		                                        .salt = k},
		                               .window = windows[k / 10 % 6],
		                               .count = counts[k / 2 % 5],
		                               .unordered = k & 1},
		               NULL);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(chunks_are_as_asked)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	const size_t chunks[] = {1, 3, 100, 10000};
	for (unsigned k = 0; k < 16; k++)
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = 8, .result_size = 8, .salt = k},
		                               .window = k & 2 ? 250 : 0,
		                               .count = 1000,
		                               .unordered = k & 1},
		               &(forkpool_opts){.chunk = chunks[k / 4]});
	forkpool_destroy(pool);
}
END_TEST

START_TEST(failures_are_tried_again_in_streams)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	forkpool_report report;
	struct stream stream = {
	        .told = {.item_size = 8, .result_size = 8, .fail_one_in = 10}, .window = 30, .count = 200};
	int returned = run(pool, &stream, &(forkpool_opts){.retries = 2, .report = &report});
	assert_complete(&stream, returned, &report);
	ck_assert_int_eq(returned, 20);
	ck_assert_uint_eq(report.failed, 20);
	ck_assert_uint_eq(report.retried, 40);
	ck_assert_uint_eq(report.index, 7);
	ck_assert_int_eq(report.status, 8);
	forkpool_destroy(pool);
}
END_TEST

static size_t resident_of_all_kib(void)
{
	size_t pages = 0, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	ck_assert_ptr_nonnull(statm);
	ck_assert_int_eq(fscanf(statm, "%zu %zu", &pages, &resident), 2);
	fclose(statm);
	return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Memory early in the stream, and at its end. */
static uint64_t look_at;
static size_t resident_early, resident_late, heap_early, heap_late;

static void look_at_memory(struct stream *stream)
{
	bool early = stream->emitted == look_at;
	if (!early && stream->emitted != stream->count)
		return;
	*(early ? &resident_early : &resident_late) = SANITIZED ? resident_kib() : resident_of_all_kib();
	*(early ? &heap_early : &heap_late) = mallinfo2().uordblks;
}

/* They would take 24 MB if they all were kept, even without what belongs to them. */
START_TEST(a_million_items_in_flat_memory)
{
	enum { COUNT = SANITIZED ? 100000 : 1000000 };
	for (int unordered = 0; unordered < 2; unordered++) {
		forkpool *pool = pool_of(backend_id(_i), 2);
		look_at = COUNT / 10;
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = 16, .result_size = 8},
		                               .window = 5000,
		                               .count = COUNT,
		                               .unordered = unordered,
		                               .also = look_at_memory},
		               NULL);
		ck_assert_msg(resident_late <= resident_early + 1024, "%zu KiB resident at a tenth, %zu at the end",
		              resident_early, resident_late);
		ck_assert_msg(heap_late <= heap_early + 65536, "%zu bytes in use at a tenth, %zu at the end",
		              heap_early, heap_late);
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- Ends before the end --------------------------------------------------------------------- */

/* All that was taken before is handed on; and it works again afterwards. */
START_TEST(a_source_may_fail_at_any_item)
{
	const uint64_t at[] = {0, 1, 3, 7, 50, 99};
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (unsigned k = 0; k < 6 * 3 * 2; k++) {
		const size_t chunks[] = {0, 1, 4};
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = 8, .result_size = 8, .fail_one_in = 9},
		                               .count = 100,
		                               .error = -EREMOTEIO,
		                               .fail_at = at[k / 6],
		                               .window = k % 6 < 3 ? 0 : 5,
		                               .unordered = k & 1},
		               &(forkpool_opts){.chunk = chunks[k % 3]});
	}
	run_to_the_end(pool, (struct stream){.told = {.item_size = 8, .result_size = 8}, .count = 100}, NULL);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_consumer_may_stop_at_any_item)
{
	enum { COUNT = 100 };
	const uint64_t stops[] = {1, 2, 50, COUNT};
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (unsigned k = 0; k < 4 * 3 * 2; k++) {
		const size_t windows[] = {0, 1, 7};
		forkpool_report report;
		struct stream stream = {.told = {.item_size = 8, .result_size = 8},
		                        .count = COUNT,
		                        .stop_after = stops[k / 6],
		                        .window = windows[k % 3],
		                        .unordered = k & 1};
		ck_assert_int_eq(run(pool, &stream, &(forkpool_opts){.report = &report}), -ECANCELED);
		ck_assert_uint_eq(stream.emitted, stops[k / 6]);
		assert_adds_up(&report, stream.taken);
		ck_assert_uint_ge(report.succeeded, stream.emitted);
		ck_assert(squares_are_right(pool, k));
	}
	forkpool_destroy(pool);
}
END_TEST

/* The tasks that are under way when the consumer stops need not come to an end. */
static int hang_behind_zero(const void *item, void *result, void *ctx)
{
	uint64_t number = number_of(item, 8);
	square_task(item, result, ctx);
	return number == 0 ? plain_task(0, ctx) : endless_task(*(const int *)ctx)(number, ctx);
}

static int emit_and_stop(size_t index, const void *result, int32_t status, void *arg)
{
	struct stream *stream = arg;
	(void)result;
	ck_assert_uint_eq(index, 0);
	ck_assert_int_eq(status, 0);
	stream->emitted++;
	return 1;
}

START_TEST(stopping_cancels_what_is_under_way)
{
	int backend = backend_id(_i);
	for (int unordered = 0; unordered < 2; unordered++) {
		new_scene();
		struct stream stream = {.told = {.item_size = 8, .result_size = 8}, .count = 1000};
		forkpool *pool = pool_of(backend, 2);
		forkpool_opts opts = {.ctx = &backend, .ctx_size = sizeof backend, .chunk = 1};
		ck_assert_int_eq(forkpool_imap(pool, hang_behind_zero, next_item, emit_and_stop, &stream, 8, 8, 50,
		                               unordered, &opts),
		                 -ECANCELED);
		ck_assert_uint_eq(stream.emitted, 1);
		ck_assert_uint_le(scene->tickets, 1 + 2);
		ck_assert(squares_are_right(pool, 1));
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- Under adversity -------------------------------------------------------------------------- */

START_TEST(crashes_and_time_outs_are_statuses)
{
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (unsigned k = 0; k < 4; k++)
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = 8,
		                                        .result_size = 8,
		                                        .fail_one_in = 13,
		                                        .crash_one_in = 41,
		                                        .hang_one_in = 150},
		                               .window = k & 2 ? 40 : 0,
		                               .count = 300,
		                               .unordered = k & 1},
		               &(forkpool_opts){.timeout = 0.25});
	forkpool_destroy(pool);
}
END_TEST

/* Every so many items one of the workers, whichever it is, is killed. */
static pid_t victims[3];

static void kill_one(struct stream *stream)
{
	if (stream->emitted % 100 == 50) {
		worker_pids(stream->pool, 3, victims);
		kill(victims[stream->emitted / 100 % 3], SIGKILL);
	}
}

START_TEST(workers_killed_during_a_stream)
{
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (int unordered = 0; unordered < 2; unordered++)
		run_to_the_end(pool,
		               (struct stream){.told = {.item_size = 8, .result_size = 8, .fail_one_in = 17},
		                               .window = 64,
		                               .count = 1500,
		                               .unordered = unordered,
		                               .also = kill_one},
		               &(forkpool_opts){.retries = 1000});
	forkpool_destroy(pool);
}
END_TEST

static void terminate_at_ten(struct stream *stream)
{
	if (stream->emitted == 10)
		ck_assert_int_eq(forkpool_terminate(stream->pool), 0);
}

static int emit_until_terminated(size_t index, const void *result, int32_t status, void *arg)
{
	struct stream *stream = arg;
	(void)index;
	(void)result;
	ck_assert(status == 0 || status == FORKPOOL_CANCELLED);
	stream->emitted++;
	terminate_at_ten(stream);
	return 0;
}

START_TEST(terminating_the_pool_ends_its_stream)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct stream stream = {.told = {.item_size = 8, .result_size = 8}, .count = UINT64_MAX, .pool = pool};
	forkpool_opts opts = {.ctx = &stream.told, .ctx_size = sizeof stream.told};
	ck_assert_int_eq(
	        forkpool_imap(pool, stream_task, next_item, emit_until_terminated, &stream, 8, 8, 20, 0, &opts),
	        -ESHUTDOWN);
	ck_assert_uint_lt(stream.taken, 1000);
	forkpool_destroy(pool);
}
END_TEST

/* ---- In company ---------------------------------------------------------------------------------- */

/* An emit that uses the pool itself: a map, a job, and now and then a stream. */
static void use_the_pool(struct stream *stream)
{
	ck_assert(squares_are_right(stream->pool, stream->emitted));
	finish(submit_for(stream->pool, failing_task, 20, NULL), 2);
	if (stream->emitted % 10 == 0)
		run_to_the_end(stream->pool,
		               (struct stream){.told = {.item_size = 3, .result_size = 9, .fail_one_in = 5},
		                               .window = 7,
		                               .count = 30,
		                               .unordered = stream->emitted % 20 == 0},
		               NULL);
}

START_TEST(the_pool_is_used_from_a_stream)
{
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(
	        forkpool_for_async(NULL, pool, failing_task, 100, &(forkpool_opts){.done = ring, .done_arg = &bell}),
	        0);
	run_to_the_end(
	        pool,
	        (struct stream){
	                .told = {.item_size = 8, .result_size = 8}, .window = 11, .count = 60, .also = use_the_pool},
	        NULL);
	dispatch_all(pool);
	assert_rung_once(&bell, NULL, 10);
	forkpool_destroy(pool);
}
END_TEST

struct pace {
	unsigned calls;
	bool wrong;
	uint64_t finished, tasks;
	struct stream *stream;
};

static void note_progress(const forkpool_progress *progress, void *arg)
{
	struct pace *pace = arg;
	pace->calls++;
	pace->wrong |= progress->finished < pace->finished || progress->tasks > pace->stream->taken ||
	               progress->finished > progress->tasks;
	pace->finished = progress->finished;
	pace->tasks = progress->tasks;
}

START_TEST(progress_counts_what_was_taken)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct stream stream = {.told = {.item_size = 8, .result_size = 8}, .window = 20, .count = 3000};
	struct pace pace = {.stream = &stream};
	ck_assert_int_eq(
	        run(pool, &stream,
	            &(forkpool_opts){.progress = note_progress, .progress_arg = &pace, .progress_interval = 1e-4}),
	        0);
	ck_assert(!pace.wrong);
	ck_assert_uint_gt(pace.calls, 0);
	ck_assert_uint_eq(pace.finished, 3000);
	ck_assert_uint_eq(pace.tasks, 3000);
	forkpool_destroy(pool);
}
END_TEST

/* Without assertions, for tasks. */
struct sums {
	uint64_t next, sum;
	int returned;
};

static int next_number(void *item, void *arg)
{
	struct sums *sums = arg;
	*(uint64_t *)item = sums->next;
	return sums->next++ < 50;
}

static int add_square(size_t index, const void *result, int32_t status, void *arg)
{
	struct sums *sums = arg;
	(void)index;
	sums->sum += *(const uint64_t *)result;
	return status;
}

static int stream_inside(size_t index, void *ctx)
{
	struct sums *sums = &((struct sums *)ctx)[index];
	sums->returned = forkpool_imap(NULL, square_task, next_number, add_square, sums, 8, 8, index, 0, NULL);
	return 0;
}

START_TEST(a_stream_inside_a_task)
{
	enum { COUNT = 10 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct sums *sums = forkpool_alloc(pool, COUNT * sizeof *sums);
	ck_assert_ptr_nonnull(sums);
	ck_assert_int_eq(forkpool_for(pool, stream_inside, COUNT, &(forkpool_opts){.ctx = sums}), 0);
	for (int k = 0; k < COUNT; k++) {
		ck_assert_int_eq(sums[k].returned, 0);
		ck_assert_uint_eq(sums[k].sum, 49 * 50 * 99 / 6);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Refusals --------------------------------------------------------------------------------------- */

static int never_next(void *item, void *arg)
{
	(void)item;
	(void)arg;
	ck_abort_msg("a refused stream asks for an item");
	return 0;
}

static int never_emit(size_t index, const void *result, int32_t status, void *arg)
{
	(void)result;
	(void)arg;
	ck_abort_msg("a refused stream hands on %zu, %d", index, (int)status);
	return 0;
}

static void assert_refused(forkpool *pool, size_t item_size, size_t result_size, size_t window, forkpool_opts opts,
                           int error)
{
	forkpool_report report;
	opts.report = &report;
	ck_assert_int_eq(forkpool_imap(pool, square_task, never_next, never_emit, NULL, item_size, result_size, window,
	                               0, &opts),
	                 error);
	ck_assert_uint_eq(report.tasks, 0);
	ck_assert_str_ne(report.message, "");
}

START_TEST(a_stream_may_be_refused)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 1);
	struct bell bell = new_bell();
	int32_t status;
	ck_assert_int_eq(forkpool_imap(pool, NULL, never_next, never_emit, NULL, 8, 8, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(forkpool_imap(pool, square_task, NULL, never_emit, NULL, 8, 8, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(forkpool_imap(pool, square_task, never_next, NULL, NULL, 8, 8, 0, 0, NULL), -EINVAL);
	assert_refused(NULL, 8, 8, 0, (forkpool_opts){0}, -EINVAL);
	assert_refused(pool, SIZE_MAX / 2, 8, 3, (forkpool_opts){0}, -EINVAL);
	assert_refused(pool, 8, SIZE_MAX / 2, 3, (forkpool_opts){0}, -EINVAL);
	assert_refused(pool, 8, 8, SIZE_MAX / 2, (forkpool_opts){0}, -EINVAL);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){.status = &status}, -EINVAL);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){.done = ring, .done_arg = &bell}, -EINVAL);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){.chunk = (size_t)FORKPOOL_MAX_CHUNK + 1}, -EINVAL);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){.timeout = -1}, -EINVAL);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){.reserved = {1}}, -EINVAL);
	if (backend != FORKPOOL_PROCESSES)
		assert_refused(pool, 8, 8, 0, (forkpool_opts){.timeout = 1}, -ENOTSUP);
	else
		assert_refused(pool, 8, 8, 0, (forkpool_opts){.ctx = &bell}, -EINVAL);
	ck_assert_uint_eq(bell.rung, 0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	assert_refused(pool, 8, 8, 0, (forkpool_opts){0}, -ESHUTDOWN);
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams");
	TCase *whole = test_case(suite, "to the end");
	add_backend_test(whole, a_stream_is_as_a_plain_loop);
	add_backend_test(whole, chunks_are_as_asked);
	add_backend_test(whole, failures_are_tried_again_in_streams);
	add_backend_test(whole, a_million_items_in_flat_memory);
	TCase *early = test_case(suite, "ends before the end");
	add_backend_test(early, a_source_may_fail_at_any_item);
	add_backend_test(early, a_consumer_may_stop_at_any_item);
	add_crew_test(early, stopping_cancels_what_is_under_way);
	add_backend_test(early, terminating_the_pool_ends_its_stream);
	TCase *company = test_case(suite, "in company");
	add_backend_test(company, the_pool_is_used_from_a_stream);
	add_backend_test(company, progress_counts_what_was_taken);
	add_backend_test(company, a_stream_inside_a_task);
	TCase *refusals = test_case(suite, "refusals");
	add_backend_test(refusals, a_stream_may_be_refused);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		TCase *adversity = test_case(suite, "under adversity");
		tcase_add_test(adversity, crashes_and_time_outs_are_statuses);
		tcase_add_test(adversity, workers_killed_during_a_stream);
	}
	return run_suite(suite);
}
