/*
 * marked.c - the tasks of marked jobs, and the judge.  What must hold stands in marked.h.
 */
#include "marked.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const char *const kind_names[KINDS] = {
        "map", "starmap", "for", "range, told by forkpool_at", "range", "fold, told by forkpool_at", "fold"};

struct evidence *seen;
void (*task_hook)(void);

uint64_t roll(uint64_t seed, uint64_t number, uint64_t bound)
{
	return forkpool_seed(seed, number) % bound;
}

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void need_processes(void)
{
	const char *backends = getenv("FORKPOOL_TEST_BACKENDS");
	if (backends == NULL || strstr(backends, "processes") != NULL)
		return;
	puts("skipped: FORKPOOL_TEST_BACKENDS leaves processes out");
	exit(77);
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	return memory;
}

void make_evidence(void)
{
	seen = shared_memory(sizeof *seen);
}

/* ---- What an index is like: functions of the job's seed alone ---- */

/* What tasks are told; copied to the workers. */
struct orders {
	struct job job;
	uint32_t round, level;
};

struct result {
	uint64_t value, check;
};

static const uint64_t untouched = UINT64_C(0xfeedfacecafebeef);

static uint64_t value_of(const struct job *job, uint32_t index)
{
	return forkpool_seed(job->seed, index);
}

static uint64_t checksum(uint64_t value)
{
	return forkpool_seed(value, 1);
}

static bool chosen(const struct job *job, uint32_t index, uint64_t purpose, uint32_t every)
{
	return every != 0 && roll(job->seed ^ purpose << 32, index, every) == 0;
}

static bool fails(const struct job *job, uint32_t index)
{
	return chosen(job, index, 1, job->fail_every);
}

static bool is_flaky(const struct job *job, uint32_t index)
{
	return chosen(job, index, 4, job->flaky_every);
}

static bool is_weak(const struct job *job, uint32_t index)
{
	return chosen(job, index, 6, job->weak_every);
}

static bool is_stuck(const struct job *job, uint32_t index)
{
	return chosen(job, index, 5, job->stuck_every);
}

/* What its function returns where it fails. */
static int32_t code_of(uint32_t index)
{
	return (int32_t)index + 1;
}

/* ---- In the workers ---- */

int register_worker(unsigned worker, void **state, void *arg)
{
	(void)arg;
	struct record *record = &seen->record[atomic_fetch_add(&seen->records, 1) % RECORDS];
	record->inside = 0;
	record->dead = 0;
	record->slot = worker;
	record->started_ns = record->free_ns = now_ns();
	record->pid = getpid();
	*state = record;
	return 0;
}

static void spin_for(uint64_t ns)
{
	for (uint64_t until = now_ns() + ns; now_ns() < until;)
		;
}

/* Between the marks. */
static void work(const struct job *job, uint32_t index)
{
	if (task_hook != NULL && (seen->hook_always || seen->hook_at == index + 1))
		task_hook();
	while (is_stuck(job, index))
		usleep(1000);
	if (job->brink)
		spin_for(job->limit_ms * UINT64_C(1000000) - 300000 + roll(job->seed, index, 1500000));
	if (job->longest_us == 0)
		return;
	uint64_t us = roll(job->seed ^ UINT64_C(7) << 32, index, job->longest_us);
	if (chosen(job, index, 2, job->spin_every))
		spin_for(us * 1000);
	else if (chosen(job, index, 3, job->sleep_every))
		usleep((useconds_t)us);
}

static int marked_task(uint32_t index, const struct orders *orders, struct result *result)
{
	struct record *own = forkpool_worker_state();
	struct mark *mark = &seen->mark[orders->level][index];
	mark->began_ns = now_ns();
	mark->attempt = forkpool_attempt();
	uint32_t times = atomic_fetch_add(&mark->begun, 1) + 1;
	atomic_store(&own->inside, (uint64_t)orders->round << 32 | (index + 1));
	work(&orders->job, index);
	result->value = value_of(&orders->job, index);
	result->check = checksum(result->value);
	mark->value = result->value;
	bool fail = fails(&orders->job, index) || (is_flaky(&orders->job, index) && mark->attempt == 1) ||
	            (is_weak(&orders->job, index) && times <= orders->job.retries + 1);
	atomic_fetch_add(&mark->ended, 1);
	atomic_store(&own->inside, 0);
	own->free_ns = now_ns();
	return fail ? forkpool_fail(code_of(index), "index %" PRIu32, index) : 0;
}

static int map_task(const void *item, void *result, void *ctx)
{
	return marked_task(*(const uint32_t *)item, ctx, result);
}

/* The second column is one item for all. */
static int starmap_task(const void *const *items, void *result, void *ctx)
{
	return marked_task(*(const uint32_t *)items[0] - *(const uint32_t *)items[1], ctx, result);
}

static int for_task(size_t index, void *ctx)
{
	struct result result;
	return marked_task((uint32_t)index, ctx, &result);
}

static int run_range(size_t begin, size_t end, struct result *sum, bool tell, void *ctx)
{
	for (size_t i = begin; i < end; i++) {
		struct result one;
		if (tell)
			forkpool_at(i);
		int code = marked_task((uint32_t)i, ctx, &one);
		if (code != 0)
			return code;
		sum->value += one.value;
		sum->check++;
	}
	return 0;
}

static int range_at_task(size_t begin, size_t end, void *ctx)
{
	struct result sum = {0, 0};
	return run_range(begin, end, &sum, true, ctx);
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	struct result sum = {0, 0};
	return run_range(begin, end, &sum, false, ctx);
}

static int fold_at_task(size_t begin, size_t end, void *acc, void *ctx)
{
	return run_range(begin, end, acc, true, ctx);
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	return run_range(begin, end, acc, false, ctx);
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	((struct result *)acc)->value += ((const struct result *)other)->value;
	((struct result *)acc)->check += ((const struct result *)other)->check;
}

/* ---- Running one ---- */

/* What the pool said. */
struct outcome {
	uint32_t items[MAX_COUNT];
	int32_t own_status[MAX_COUNT], *status;
	struct result own_results[MAX_COUNT], *results, sum;
	forkpool_report report;
	int returned;
	uint32_t round, level;
	char what[sizeof((struct evidence *)0)->what];
	uint64_t shots; /* that may have hit this job */
};

static const int32_t unwritten = 123456789;
static const uint32_t offset_item = 17;

static void describe(const struct job *job, struct outcome *outcome)
{
	snprintf(outcome->what, sizeof outcome->what,
	         "round %" PRIu32 "%s: %s, %" PRIu32 " tasks, chunk %zu%s%s%s%s, fail_every %" PRIu32
	         ", spin_every %" PRIu32 ", sleep_every %" PRIu32 ", longest_us %" PRIu32
	         ", retries %u, flaky_every %" PRIu32 ", weak_every %" PRIu32 ", limit_ms %" PRIu32
	         ", stuck_every %" PRIu32 "%s%s, seed %#" PRIx64,
	         outcome->round, outcome->level > 0 ? ", inner" : "", kind_names[job->kind], job->count, job->chunk,
	         job->in_place ? ", in place" : "", job->stop_on_failure ? ", stop_on_failure" : "",
	         job->without_status ? ", no status" : "", job->without_report ? ", no report" : "", job->fail_every,
	         job->spin_every, job->sleep_every, job->longest_us, job->retries, job->flaky_every, job->weak_every,
	         job->limit_ms, job->stuck_every, job->brink ? ", brink" : "", job->terminated ? ", terminated" : "",
	         job->seed);
	memcpy(seen->what, outcome->what, sizeof seen->what);
}

static void prepare(forkpool *pool, const struct job *job, struct outcome *outcome)
{
	size_t count = job->count > 0 ? job->count : 1;
	outcome->status = outcome->own_status;
	outcome->results = outcome->own_results;
	if (job->in_place) {
		outcome->status = forkpool_alloc(pool, count * sizeof *outcome->status);
		outcome->results = forkpool_alloc(pool, count * sizeof *outcome->results);
		if (outcome->status == NULL || outcome->results == NULL) {
			perror("forkpool_alloc");
			exit(EXIT_FAILURE);
		}
	}
	for (uint32_t i = 0; i < job->count; i++) {
		outcome->items[i] = i + (job->kind == STARMAP ? offset_item : 0);
		outcome->status[i] = unwritten;
		outcome->results[i] = (struct result){untouched, untouched};
	}
	outcome->sum = (struct result){0, 0};
	memset(seen->mark[outcome->level], 0, sizeof seen->mark[0]);
}

static int call(forkpool *pool, const struct job *job, struct outcome *outcome, const forkpool_opts *opts)
{
	const forkpool_column columns[2] = {{outcome->items, sizeof(uint32_t), sizeof(uint32_t)},
	                                    {&offset_item, sizeof offset_item, 0}};
	switch (job->kind) {
	case MAP:
		return FORKPOOL_MAP(pool, map_task, outcome->items, outcome->results, job->count, opts);
	case STARMAP:
		return forkpool_starmap(pool, starmap_task, columns, 2, job->count, outcome->results,
		                        sizeof *outcome->results, opts);
	case FOR:
		return forkpool_for(pool, for_task, job->count, opts);
	case RANGE_AT:
		return forkpool_for_range(pool, range_at_task, job->count, opts);
	case RANGE:
		return forkpool_for_range(pool, range_task, job->count, opts);
	case FOLD_AT:
		return forkpool_reduce(pool, fold_at_task, add, job->count, &outcome->sum, sizeof outcome->sum, opts);
	default:
		return forkpool_reduce(pool, fold_task, add, job->count, &outcome->sum, sizeof outcome->sum, opts);
	}
}

/* What a callback needs. */
struct callback {
	forkpool *pool;
	const struct job *job;
	struct verdict *verdict;
};

static void call_back(const forkpool_progress *progress, void *arg)
{
	struct callback *callback = arg;
	if (progress->finished >= progress->tasks)
		return;
	if (callback->job->inner != NULL)
		run_and_judge(callback->pool, callback->job->inner, callback->verdict);
	if (callback->job->terminated)
		forkpool_terminate(callback->pool);
}

static void run(forkpool *pool, const struct job *job, struct outcome *outcome, struct verdict *verdict)
{
	outcome->round = ++seen->round;
	struct orders orders = {.job = *job, .round = outcome->round, .level = outcome->level};
	struct callback callback = {pool, job, verdict};
	describe(job, outcome);
	prepare(pool, job, outcome);
	forkpool_opts opts = {.ctx = &orders,
	                      .ctx_size = sizeof orders,
	                      .chunk = job->chunk,
	                      .stop_on_failure = job->stop_on_failure,
	                      .retries = job->retries,
	                      .timeout = job->limit_ms / 1e3,
	                      .status = job->without_status ? NULL : outcome->status,
	                      .report = job->without_report ? NULL : &outcome->report,
	                      .progress = job->inner != NULL || job->terminated ? call_back : NULL,
	                      .progress_arg = &callback,
	                      .progress_interval = 0.005};
	uint64_t deaths = seen->deaths;
	seen->running++;
	outcome->returned = call(pool, job, outcome, &opts);
	seen->running--;
	outcome->shots = seen->shots - deaths;
}

/* ---- The judge ---- */

struct trial {
	const struct job *job;
	const struct outcome *outcome;
	const struct mark *marks;
	struct verdict *verdict;
	uint64_t succeeded, failed, crashed, timed_out, cancelled;
	uint64_t repeated; /* begins beyond the first of each index */
	uint32_t lowest;   /* that failed, crashed or timed out; count: none */
	struct result sum;
};

enum { SHOWN = 30, AUTOMATIC_CHUNKS = 8192 /* at most, by forkpool.h */ };

static void blame(const struct trial *trial, uint64_t *count, const char *text, uint64_t a, uint64_t b)
{
	static unsigned shown;
	++*count;
	if (shown++ >= SHOWN)
		return;
	fprintf(stderr, "FAULT in %s:\n    ", trial->outcome->what);
	fprintf(stderr, "%s: %" PRIu64 ", %" PRIu64 "\n", text, a, b);
}

#define LOST(trial, text, a, b)    blame((trial), &(trial)->verdict->lost, (text), (uint64_t)(a), (uint64_t)(b))
#define DOUBLED(trial, text, a, b) blame((trial), &(trial)->verdict->doubled, (text), (uint64_t)(a), (uint64_t)(b))
#define WRONG(trial, text, a, b)   blame((trial), &(trial)->verdict->wrong, (text), (uint64_t)(a), (uint64_t)(b))

static bool is_fold(const struct job *job)
{
	return job->kind == FOLD_AT || job->kind == FOLD;
}

/* By the pool's end. */
static bool is_cut_short(const struct trial *trial)
{
	return trial->job->terminated && trial->outcome->returned == -ESHUTDOWN;
}

static bool has_results(const struct job *job)
{
	return job->kind == MAP || job->kind == STARMAP;
}

/* Its calls tell nothing, so what goes wrong goes wrong for all of their indices. */
static bool is_charged_whole(const struct job *job)
{
	return job->kind == RANGE || job->kind == FOLD;
}

/* The first index of its chunk that fails and that no kill took away before: that is what a call of the chunk returns.
 * count: none. */
static uint32_t first_failing(const struct trial *trial, uint32_t index)
{
	const struct job *job = trial->job;
	uint32_t i = index - index % (uint32_t)job->chunk;
	for (uint32_t end = i + (uint32_t)job->chunk; i < end && i < job->count; i++)
		if (fails(job, i) && trial->outcome->status[i] > FORKPOOL_TIMED_OUT)
			return i;
	return job->count;
}

/* The index whose failure becomes the status of this one; count: it does not fail. */
static uint32_t failing_for(const struct trial *trial, uint32_t index)
{
	const struct job *job = trial->job;
	if (job->kind == FOLD || (job->kind == RANGE && job->retries == 0))
		return first_failing(trial, index);
	return fails(job, index) ? index : job->count;
}

/* Whether the index may have failed with this status.  A job that is being stopped tries nothing again. */
static bool is_possible_failure(const struct trial *trial, uint32_t index, int32_t status)
{
	const struct job *job = trial->job;
	uint32_t failing = (uint32_t)status - 1;
	if (failing == failing_for(trial, index))
		return failing < job->count;
	bool same_call = is_charged_whole(job) ? failing / job->chunk == index / job->chunk : failing == index;
	if (failing >= job->count || !same_call)
		return false;
	bool stopped = job->stop_on_failure && job->retries > 0;
	return is_weak(job, failing) || (stopped && (fails(job, failing) || is_flaky(job, failing)));
}

static void judge_value(struct trial *trial, uint32_t i)
{
	const struct result *result = &trial->outcome->results[i];
	uint64_t value = value_of(trial->job, i);
	if (trial->marks[i].value != value)
		WRONG(trial, "index, its mark's value", i, trial->marks[i].value);
	if (has_results(trial->job) && (result->value != value || result->check != checksum(value)))
		WRONG(trial, "index, its result", i, result->value);
}

static void judge_success(struct trial *trial, uint32_t i)
{
	trial->succeeded++;
	trial->sum.value += value_of(trial->job, i);
	trial->sum.check++;
	if (failing_for(trial, i) < trial->job->count || is_stuck(trial->job, i))
		WRONG(trial, "this index cannot succeed", i, 0);
	if (is_weak(trial->job, i) && trial->marks[i].begun <= trial->job->retries + 1)
		WRONG(trial, "this weak index cannot have succeeded yet", i, trial->marks[i].begun);
	if (trial->marks[i].ended == 0)
		LOST(trial, "this index succeeded and never ended", i, trial->marks[i].begun);
	judge_value(trial, i);
}

static void judge_untouched(struct trial *trial, uint32_t i)
{
	const struct job *job = trial->job;
	if (has_results(job) && !job->in_place && trial->outcome->results[i].value != untouched)
		WRONG(trial, "this index did not succeed, and the caller's result was touched", i, 0);
}

/* At most how long the worker that died inside the index can have been at it: from its last task to the start of the
 * next worker in its place.  UINT64_MAX: nobody knows. */
static uint64_t longest_stay(const struct trial *trial, uint32_t index)
{
	uint64_t inside = (uint64_t)trial->outcome->round << 32 | (index + 1);
	uint32_t count = seen->records, k = count > RECORDS ? count - RECORDS : 0;
	while (k < count && seen->record[k % RECORDS].inside != inside)
		k++;
	if (k == count)
		return UINT64_MAX;
	const struct record *dead = &seen->record[k % RECORDS];
	for (k++; k < count; k++)
		if (seen->record[k % RECORDS].slot == dead->slot)
			return seen->record[k % RECORDS].started_ns - dead->free_ns;
	return UINT64_MAX;
}

static void judge_timeout(struct trial *trial, uint32_t i)
{
	uint64_t limit = trial->job->limit_ms * UINT64_C(1000000);
	trial->timed_out++;
	if (limit == 0)
		WRONG(trial, "this index timed out, without a limit", i, 0);
	if (is_charged_whole(trial->job) || trial->marks[i].begun != 1)
		return;
	uint64_t stay = longest_stay(trial, i);
	if (stay < limit)
		WRONG(trial, "this index timed out too early, after ns", i, stay);
}

static void judge_failure(struct trial *trial, uint32_t i, int32_t status)
{
	trial->failed++;
	if (status == unwritten)
		LOST(trial, "this index has no status", i, 0);
	else if (!is_possible_failure(trial, i, status))
		WRONG(trial, "index, its status", i, status);
	else if (status == code_of(i) && trial->marks[i].ended == 0)
		LOST(trial, "this index failed and never ended", i, trial->marks[i].begun);
}

static void judge_cancelled(struct trial *trial, uint32_t i)
{
	trial->cancelled++;
	if (is_cut_short(trial))
		return;
	if (!trial->job->stop_on_failure)
		WRONG(trial, "this index was cancelled by nobody", i, 0);
	if (!is_fold(trial->job) && trial->job->retries == 0 && trial->marks[i].begun != 0)
		DOUBLED(trial, "this index was cancelled, and begun", i, trial->marks[i].begun);
}

/* How often it was begun, whatever came of it. */
static void judge_begins(struct trial *trial, uint32_t i)
{
	const struct job *job = trial->job;
	const struct mark *mark = &trial->marks[i];
	bool limited = !is_fold(job) && (job->kind != RANGE || job->retries == 0);
	if (limited && mark->begun > job->retries + 1)
		DOUBLED(trial, "index, times begun", i, mark->begun);
	if (mark->begun == 0)
		return;
	if (mark->attempt < 1 || mark->attempt > job->retries + 1 ||
	    (job->kind < RANGE_AT && mark->attempt < mark->begun))
		WRONG(trial, "index, its attempt", i, mark->attempt);
	trial->repeated += mark->begun - 1;
}

static void judge_index(struct trial *trial, uint32_t i)
{
	int32_t status = trial->outcome->status[i];
	if (status == 0) {
		judge_success(trial, i);
		return;
	}
	judge_untouched(trial, i);
	if (status == FORKPOOL_CRASHED)
		trial->crashed++;
	else if (status == FORKPOOL_TIMED_OUT)
		judge_timeout(trial, i);
	else if (status == FORKPOOL_CANCELLED)
		judge_cancelled(trial, i);
	else
		judge_failure(trial, i, status);
	if (status != FORKPOOL_CANCELLED && i < trial->lowest)
		trial->lowest = i;
}

/* Without statuses: what the marks alone can tell. */
static void judge_ends(struct trial *trial)
{
	uint64_t ended = 0;
	if (is_cut_short(trial))
		return;
	for (uint32_t i = 0; i < trial->job->count; i++)
		ended += trial->marks[i].ended > 0;
	trial->succeeded = trial->job->count - (uint64_t)trial->outcome->returned;
	if (ended < trial->succeeded)
		LOST(trial, "so many ended, so many are said to have succeeded", ended, trial->succeeded);
}

/* Whoever still stands inside a task of this job died there. */
static void judge_dead(struct trial *trial)
{
	for (uint32_t k = 0; k < RECORDS; k++) {
		uint64_t inside = seen->record[k].inside;
		uint32_t index = (uint32_t)inside - 1;
		if (inside >> 32 != trial->outcome->round)
			continue;
		int32_t status = trial->outcome->status[index];
		bool charged = status == FORKPOOL_CRASHED || status == FORKPOOL_TIMED_OUT;
		bool again = trial->job->retries > 0 && (status != 0 || trial->marks[index].begun > 1);
		bool cut_short = is_cut_short(trial) && status == FORKPOOL_CANCELLED;
		if (!charged && !again && !cut_short)
			LOST(trial, "index in which a worker died, its status", index, status);
	}
}

static void judge_kills(struct trial *trial)
{
	const struct job *job = trial->job;
	uint64_t unit = job->kind < RANGE_AT ? 1 : job->chunk;
	if (unit == 0)
		unit = job->count / AUTOMATIC_CHUNKS + 1;
	if (trial->crashed > trial->outcome->shots * unit)
		WRONG(trial, "so many crashed, of so many kills", trial->crashed, trial->outcome->shots);
}

/* What the report says of the lowest index that did not succeed. */
static void judge_first(struct trial *trial)
{
	const forkpool_report *report = &trial->outcome->report;
	char message[32];
	/* A fold that is killed after it noted a failure, and then does not fail there again, has overwritten a note.
	 */
	bool may_be_lost = is_fold(trial->job) && trial->job->weak_every > 0;
	snprintf(message, sizeof message, "index %" PRIu32, (uint32_t)report->status - 1);
	if (report->index != trial->lowest)
		WRONG(trial, "the report's first index, the lowest", report->index, trial->lowest);
	else if (report->status != trial->outcome->status[trial->lowest])
		WRONG(trial, "the report's status of its first index", report->index, report->status);
	else if (report->status > 0 && strcmp(report->message, message) != 0 &&
	         !(may_be_lost && *report->message == '\0'))
		WRONG(trial, report->message, report->index, report->status);
	if (report->signal != (report->status == FORKPOOL_CRASHED ? SIGKILL : 0))
		WRONG(trial, "the report's signal", report->index, report->signal);
	if (report->attempt < 1 || report->attempt > trial->job->retries + 1)
		WRONG(trial, "the report's attempt", report->index, report->attempt);
}

static void judge_report(struct trial *trial)
{
	const forkpool_report *report = &trial->outcome->report;
	const struct job *job = trial->job;
	uint64_t unsuccessful = report->failed + report->crashed + report->timed_out + report->cancelled;
	if (report->tasks != job->count || report->succeeded + unsuccessful != report->tasks)
		LOST(trial, "the report does not add up: tasks, succeeded", report->tasks, report->succeeded);
	if (!is_cut_short(trial) && unsuccessful != (uint64_t)trial->outcome->returned)
		WRONG(trial, "succeeded, returned", report->succeeded, trial->outcome->returned);
	if (job->kind < RANGE_AT && report->retried < trial->repeated)
		WRONG(trial, "retried, indices begun again", report->retried, trial->repeated);
	trial->verdict->retried += report->retried;
	if (job->without_status)
		return;
	if (report->failed != trial->failed || report->crashed != trial->crashed ||
	    report->timed_out != trial->timed_out || report->cancelled != trial->cancelled)
		WRONG(trial, "the report's counts are not those of the statuses: crashed", report->crashed,
		      trial->crashed);
	if (trial->lowest < job->count && !is_cut_short(trial))
		judge_first(trial);
}

/* What the call as a whole handed over. */
static void judge_whole(struct trial *trial)
{
	const struct job *job = trial->job;
	const struct outcome *outcome = trial->outcome;
	if (is_cut_short(trial))
		return;
	if (job->count - trial->succeeded != (uint64_t)outcome->returned)
		WRONG(trial, "returned, unsuccessful", outcome->returned, job->count - trial->succeeded);
	if (is_fold(job) && !job->without_status &&
	    (outcome->sum.value != trial->sum.value || outcome->sum.check != trial->sum.check))
		WRONG(trial, "the sum is of so many, and should be of so many", outcome->sum.check, trial->sum.check);
}

static void judge(struct trial *trial)
{
	const struct job *job = trial->job;
	const struct outcome *outcome = trial->outcome;
	trial->verdict->tasks += job->count;
	if (outcome->returned < 0 && !is_cut_short(trial)) {
		WRONG(trial, forkpool_strerror(outcome->returned), outcome->returned, 0);
		return;
	}
	for (uint32_t i = 0; i < job->count; i++)
		judge_begins(trial, i);
	for (uint32_t i = 0; i < job->count && !job->without_status; i++)
		judge_index(trial, i);
	if (job->without_status) {
		judge_ends(trial);
	} else {
		judge_dead(trial);
		judge_kills(trial);
	}
	judge_whole(trial);
	if (!job->without_report)
		judge_report(trial);
	trial->verdict->crashed += trial->crashed;
	trial->verdict->timed_out += trial->timed_out;
}

void run_and_judge(forkpool *pool, const struct job *job, struct verdict *verdict)
{
	static struct outcome outcomes[LEVELS];
	static uint32_t level;
	struct outcome *outcome = &outcomes[level];
	outcome->level = level++;
	run(pool, job, outcome, verdict);
	level--;
	judge(&(struct trial){
	        .job = job, .outcome = outcome, .marks = seen->mark[level], .verdict = verdict, .lowest = job->count});
	if (job->in_place) {
		forkpool_free(pool, outcome->status);
		forkpool_free(pool, outcome->results);
	}
}

char current[256];

void tell_hang(int signal)
{
	static const char text[] = "HANG in ";
	(void)signal;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0 || write(STDERR_FILENO, current, strlen(current)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(EXIT_FAILURE + 1);
	_exit(EXIT_FAILURE);
}

bool is_child(pid_t pid, pid_t owner)
{
	char path[64], line[512] = "", state = 'X';
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "r");
	if (stat == NULL)
		return false;
	const char *end = fgets(line, sizeof line, stat) != NULL ? strrchr(line, ')') : NULL;
	fclose(stat);
	return end != NULL && sscanf(end + 1, " %c %d", &state, &parent) == 2 && parent == owner && state != 'Z' &&
	       state != 'X';
}

uint64_t number_option(const char *program, const char *name, const char *text, uint64_t least, uint64_t most)
{
	char *end;
	errno = 0;
	uint64_t number = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || number < least || number > most) {
		fprintf(stderr, "%s: --%s %s: a number from %" PRIu64 " to %" PRIu64 " is wanted\n", program, name,
		        text, least, most);
		exit(2);
	}
	return number;
}
