/*
 * errand.c - marked jobs are run: called, submitted and waited for in every manner, streamed; and what the pool says of
 * them meanwhile is noted for the judge.
 */
#include "trial.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const manner_names[] = {
        "",        ", got",       ", awaited", ", one by one", ", cancelled",
        ", freed", ", forgotten", ", let go",  ", a stream",   ", an unordered stream"};

/* ---- Memory ---- */

/* Marks are a stack.  What is given back below its top is free again with what is above, or when there is no job. */
static uint32_t marks_used, marks_holders;

static void take_marks(struct marked *marked)
{
	if (marks_used + marked->job.count > MARKS) {
		fprintf(stderr, "%s: too many tasks at a time\n", marked->what);
		exit(EXIT_FAILURE);
	}
	marked->first_mark = marks_used;
	marked->marks = &seen->mark[marks_used];
	marks_used += marked->job.count;
	marks_holders++;
	memset(marked->marks, 0, marked->job.count * sizeof *marked->marks);
}

static void give_marks_back(const struct marked *marked, uint32_t count)
{
	if (marked->first_mark + count == marks_used)
		marks_used = marked->first_mark;
	if (--marks_holders == 0)
		marks_used = 0;
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count + 1, size);
	if (memory == NULL) {
		perror("calloc");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static void *allocate_in_place(forkpool *pool, size_t count, size_t size)
{
	void *memory = forkpool_alloc(pool, (count + 1) * size);
	if (memory == NULL) {
		perror("forkpool_alloc");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static void describe(struct marked *marked)
{
	const struct job *job = &marked->job;
	snprintf(marked->what, sizeof marked->what,
	         "round %" PRIu32 ": %s%s%s, %" PRIu32 " tasks, chunk %zu%s%s%s%s, fail_every %" PRIu32
	         ", spin_every %" PRIu32 ", sleep_every %" PRIu32 ", longest_us %" PRIu32
	         ", retries %u, flaky_every %" PRIu32 ", weak_every %" PRIu32 ", limit_ms %" PRIu32
	         ", stuck_every %" PRIu32 "%s%s, window %zu, source_fails_at %" PRIu32 ", stops_at %" PRIu32
	         ", seed %#" PRIx64,
	         marked->round, kind_names[job->kind], job->single ? ", single" : "", manner_names[job->manner],
	         job->count, job->chunk, job->in_place ? ", in place" : "",
	         job->stop_on_failure ? ", stop_on_failure" : "", job->without_status ? ", no status" : "",
	         job->without_report ? ", no report" : "", job->fail_every, job->spin_every, job->sleep_every,
	         job->longest_us, job->retries, job->flaky_every, job->weak_every, job->limit_ms, job->stuck_every,
	         job->brink ? ", brink" : "", job->terminated ? ", terminated" : "", job->window, job->source_fails_at,
	         job->stops_at, job->seed);
	memcpy(seen->what, marked->what, sizeof seen->what);
}

static struct marked *make_marked(forkpool *pool, const struct job *job, struct verdict *verdict)
{
	struct marked *marked = allocate(1, sizeof *marked);
	*marked = (struct marked){.job = *job, .pool = pool, .verdict = verdict, .round = ++seen->round};
	describe(marked);
	take_marks(marked);
	marked->orders = (struct orders){.job = *job, .round = marked->round, .first_mark = marked->first_mark};
	marked->items = allocate(job->count, sizeof *marked->items);
	marked->handed = allocate(job->count, sizeof *marked->handed);
	marked->status = marked->own_status = allocate(job->count, sizeof *marked->status);
	marked->results = marked->own_results = allocate(job->count, sizeof *marked->results);
	if (job->in_place) {
		marked->status = allocate_in_place(pool, job->count, sizeof *marked->status);
		marked->results = allocate_in_place(pool, job->count, sizeof *marked->results);
	}
	for (uint32_t i = 0; i < job->count; i++) {
		marked->status[i] = marked->handed[i] = unwritten;
		marked->results[i] = (struct result){untouched, untouched};
	}
	return marked;
}

static void free_marked(struct marked *marked, uint32_t count)
{
	if (marked->job.in_place) {
		forkpool_free(marked->pool, marked->status);
		forkpool_free(marked->pool, marked->results);
	}
	give_marks_back(marked, count);
	free(marked->own_status);
	free(marked->own_results);
	free(marked->handed);
	free(marked->items);
	free(marked);
}

/* ---- It begins and ends ---- */

static void note_begin(struct marked *marked)
{
	marked->deaths = seen->deaths;
	seen->running++;
	seen->news++;
}

static void note_end(struct marked *marked)
{
	if (marked->over)
		return;
	marked->over = true;
	marked->over_ns = now_ns();
	marked->shots = seen->shots - marked->deaths;
	seen->running--;
	seen->news++;
}

/* ---- Callbacks ---- */

static void note_done(forkpool_job *job, void *arg)
{
	struct marked *marked = arg;
	marked->done++;
	note_end(marked);
	marked->returned = forkpool_job_get(job, marked->job.without_report ? NULL : &marked->report);
	if (marked->job.manner != CALLED)
		marked->returned = forkpool_job_get(job, &marked->report);
	if (marked->job.manner != CALLED && marked->job.inner != NULL)
		run_and_judge(marked->pool, marked->job.inner, marked->verdict);
	if (marked->job.manner == LET_GO) {
		marked->handle = NULL;
		forkpool_job_free(job);
	}
}

static void note_progress(const forkpool_progress *progress, void *arg)
{
	struct marked *marked = arg;
	marked->progress_calls++;
	if (progress->finished < marked->finished || progress->finished > progress->tasks)
		WRONG(marked, "progress fell, or is of more than there are", marked->finished, progress->finished);
	if (marked->done > 0)
		DOUBLED(marked, "progress after done", progress->finished, progress->tasks);
	marked->finished = progress->finished;
	if (progress->finished >= progress->tasks || marked->job.manner != CALLED)
		return;
	if (marked->job.inner != NULL)
		run_and_judge(marked->pool, marked->job.inner, marked->verdict);
	if (marked->job.terminated)
		forkpool_terminate(marked->pool);
}

static forkpool_opts opts_of(struct marked *marked)
{
	const struct job *job = &marked->job;
	bool tells = job->inner != NULL || job->terminated || job->seed % 2 == 0;
	return (forkpool_opts){.ctx = &marked->orders,
	                       .ctx_size = sizeof marked->orders,
	                       .chunk = job->chunk,
	                       .stop_on_failure = job->stop_on_failure,
	                       .retries = job->retries,
	                       .timeout = job->limit_ms / 1e3,
	                       .status = job->without_status || is_stream(job) ? NULL : marked->status,
	                       .report = job->without_report ? NULL : &marked->report,
	                       .done = is_stream(job) ? NULL : note_done,
	                       .done_arg = marked,
	                       .progress = tells ? note_progress : NULL,
	                       .progress_arg = marked,
	                       .progress_interval = 0.005};
}

/* ---- Called ---- */

static void run_called(struct marked *marked)
{
	forkpool_opts opts = opts_of(marked);
	int returned = call_marked(marked, &opts);
	if (marked->done > 0 && returned != marked->returned)
		WRONG(marked, "the call returned, and its job before", returned, marked->returned);
	marked->returned = returned;
}

/* ---- Streams ---- */

static int give_item(void *item, void *arg)
{
	struct marked *marked = arg;
	const struct job *job = &marked->job;
	if (marked->source_over || marked->stopped)
		DOUBLED(marked, "an item was wanted after the end", marked->taken, marked->handed_count);
	if (job->window > 0 && marked->taken - marked->handed_count >= job->window)
		WRONG(marked, "an item was wanted beyond the window, after so many taken", marked->taken, job->window);
	marked->source_failed = job->source_fails_at == marked->taken + 1;
	marked->source_over = marked->source_failed || marked->taken == job->count;
	if (marked->source_over)
		return marked->source_failed ? -EIO : 0;
	*(uint32_t *)item = marked->taken++;
	return 1;
}

static int take_result(size_t index, const void *result, int32_t status, void *arg)
{
	struct marked *marked = arg;
	const struct job *job = &marked->job;
	uint32_t position = marked->handed_count;
	seen->news++;
	if (marked->stopped)
		DOUBLED(marked, "this index was handed on after the stop", index, status);
	if (index >= marked->taken || (job->manner == STREAM && index != position))
		WRONG(marked, "this index was handed on, of so many", index, position);
	judge_handed(marked, index, status, result);
	if (index < job->count) {
		marked->status[index] = status;
		if (status == 0)
			memcpy(&marked->results[index], result, sizeof marked->results[index]);
	}
	if (job->inner != NULL && position == job->count / 3)
		run_and_judge(marked->pool, job->inner, marked->verdict);
	if (job->terminated && position == job->count / 2)
		forkpool_terminate(marked->pool);
	marked->stopped |= job->stops_at == position + 1;
	return marked->stopped;
}

static void run_stream(struct marked *marked)
{
	forkpool_opts opts = opts_of(marked);
	marked->returned =
	        forkpool_imap(marked->pool, marked_map_task(), give_item, take_result, marked, sizeof(uint32_t),
	                      sizeof(struct result), marked->job.window, marked->job.manner == UNORDERED_STREAM, &opts);
	if (!marked->stopped && !marked->source_over && marked->returned >= 0 && !marked->job.stop_on_failure)
		LOST(marked, "the stream ended before its source", marked->taken, marked->job.count);
	marked->job.count = marked->taken;
}

/* ---- Submitted ---- */

struct marked *submit_marked(forkpool *pool, const struct job *job, struct verdict *verdict)
{
	struct marked *marked = make_marked(pool, job, verdict);
	forkpool_opts opts = opts_of(marked);
	note_begin(marked);
	int error = call_marked(marked, &opts);
	if (error != 0) {
		WRONG(marked, forkpool_strerror(error), error, 0);
		note_end(marked);
	}
	return marked;
}

forkpool_job *handle_of(const struct marked *marked)
{
	return marked->handle;
}

bool is_over(const struct marked *marked)
{
	return marked->over;
}

static void must(struct marked *marked, const char *what, int error)
{
	if (error != 0)
		WRONG(marked, what, error, 0);
}

static void take_next(struct marked *marked, double seconds)
{
	size_t index = SIZE_MAX;
	int more = forkpool_job_next(marked->handle, &index, seconds);
	seen->news++;
	if (more == 1) {
		bool known = !marked->job.without_status && index < marked->job.count;
		judge_handed(marked, index, known ? marked->status[index] : 0,
		             index < marked->job.count ? &marked->results[index] : NULL);
	} else if (more != -ETIMEDOUT || seconds < 0) {
		must(marked, "forkpool_job_next", more);
		marked->exhausted = true;
	}
}

void look_at_marked(struct marked *marked, double seconds)
{
	if (marked->handle == NULL)
		return;
	if (marked->job.manner == ONE_BY_ONE && !marked->exhausted) {
		take_next(marked, seconds);
		return;
	}
	int error = forkpool_job_wait(marked->handle, seconds);
	if (error != 0 && error != -ETIMEDOUT)
		must(marked, "forkpool_job_wait", error);
	if (error == 0 && marked->handle != NULL && forkpool_job_ready(marked->handle) != 1)
		WRONG(marked, "it was waited for, and is not ready", 0, 0);
}

void cancel_marked(struct marked *marked)
{
	forkpool_job *handle = marked->handle;
	bool was_over = marked->over;
	if (marked->job.manner == CANCELLED) {
		must(marked, "forkpool_job_cancel", forkpool_job_cancel(handle));
		marked->cancelled_ns = was_over ? 0 : now_ns();
	} else if (marked->job.manner == FREED) {
		marked->cancelled_ns = was_over ? 0 : now_ns();
		marked->handle = NULL;
		forkpool_job_free(handle);
		if (!marked->over)
			LOST(marked, "it was freed, and nothing was said of its end", 0, 0);
	}
}

/* As a host with other descriptors does. */
static void await_by_dispatch(struct marked *marked)
{
	while (!marked->over) {
		struct pollfd fd = {.fd = forkpool_fd(marked->pool), .events = POLLIN};
		if (fd.fd < 0) {
			must(marked, "forkpool_fd", fd.fd);
			return;
		}
		poll(&fd, 1, -1);
		if (forkpool_dispatch(marked->pool) == 0 && !marked->over)
			return; /* nothing is unfinished, and it was not told: judge_marked() says so */
	}
}

void await_marked(struct marked *marked)
{
	if (marked->job.manner == FORGOTTEN || marked->job.manner == LET_GO) {
		await_by_dispatch(marked);
		return;
	}
	if (marked->job.manner == FREED && marked->handle != NULL)
		cancel_marked(marked);
	if (marked->handle == NULL)
		return;
	while (marked->job.manner == ONE_BY_ONE && !marked->exhausted)
		take_next(marked, -1);
	if (marked->job.manner == AWAITED)
		must(marked, "forkpool_job_wait", forkpool_job_wait(marked->handle, -1));
	forkpool_report report;
	int returned = forkpool_job_get(marked->handle, &report);
	if (marked->done == 0) /* it was cancelled before it was begun; `done` is called in the next call that waits */
		marked->report = report;
	else if (returned != marked->returned || report.succeeded != marked->report.succeeded)
		WRONG(marked, "the job returned, and before", returned, marked->returned);
	marked->returned = returned;
}

void judge_marked(struct marked *marked)
{
	uint32_t count = marked->job.count;
	forkpool_job_free(marked->handle);
	if (!marked->over)
		LOST(marked, "nothing was ever said of its end", 0, 0);
	note_end(marked);
	judge(marked);
	free_marked(marked, count);
}

void blame_wait_any(struct marked *marked, int told)
{
	WRONG(marked, "forkpool_wait_any told of this job", told, marked->over);
}

/* ---- One alone ---- */

static void run_alone(forkpool *pool, const struct job *job, struct verdict *verdict)
{
	struct marked *marked = make_marked(pool, job, verdict);
	note_begin(marked);
	if (is_stream(job))
		run_stream(marked);
	else
		run_called(marked);
	note_end(marked);
	marked->over_ns = now_ns();
	judge(marked);
	free_marked(marked, job->count);
}

void run_and_judge(forkpool *pool, const struct job *job, struct verdict *verdict)
{
	if (job->manner == CALLED || is_stream(job)) {
		run_alone(pool, job, verdict);
		return;
	}
	struct marked *marked = submit_marked(pool, job, verdict);
	look_at_marked(marked, 0.0005);
	cancel_marked(marked);
	await_marked(marked);
	forkpool_dispatch(pool); /* calls back */
	judge_marked(marked);
}
