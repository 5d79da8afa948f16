/*
 * The life of a job: made, opened, finished, forgotten.  See job.h for the order of the steps.
 */
#include "job.h"

#include "clock.h"
#include "float_modes.h"
#include "orphan.h"
#include "parent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The automatic chunk is such that there are at most this many. */
enum { AUTOMATIC_CHUNKS = 8192, LEAST_CHUNKS = 64 };

/* And, where a reduction's partial results are large, such that they take about this. */
#define PARTIALS_MEMORY ((size_t)64 << 20)

/* A job of at most so many chunks a worker is worked at in the order of its indices: what is last, and how long the
 * others wait for it, depends on the order then.  Beyond that each worker has a range of its own. */
enum { CHUNKS_IN_ORDER = 16 };

/* ---- Made ---- */

/* A function of the request alone: the answer of a reduction depends on it. */
static size_t automatic_chunk(const struct job_request *request)
{
	size_t chunks = AUTOMATIC_CHUNKS;
	if (request->kind == JOB_FOLD && request->result_size > PARTIALS_MEMORY / AUTOMATIC_CHUNKS)
		chunks = PARTIALS_MEMORY / request->result_size;
	if (chunks < LEAST_CHUNKS)
		chunks = LEAST_CHUNKS;
	return request->count / chunks + (request->count % chunks != 0);
}

static void plan_chunks(forkpool_job *job)
{
	size_t count = job->request.count;
	job->chunk = job->opts.chunk;
	if (job->chunk == 0)
		job->chunk = automatic_chunk(&job->request);
	if (job->chunk == 0)
		job->chunk = 1;
	if (job->chunk > FORKPOOL_MAX_CHUNK)
		job->chunk = FORKPOOL_MAX_CHUNK;
	job->chunks = count / job->chunk + (count % job->chunk != 0);
}

static void *keep_copy(char **at, const void *from, size_t size)
{
	void *copy = *at;
	memcpy(copy, from, size);
	*at += arena_rounded(size);
	return copy;
}

/* What the caller may change as soon as the job is submitted. */
static bool keep_input(forkpool_job *job)
{
	struct job_request *request = &job->request;
	size_t columns = request->column_count > 1 ? request->column_count * sizeof *request->columns : 0;
	size_t item = request->single && !job->opts.inherited ? request->columns->size : 0;
	size_t bytes = arena_rounded(columns) + arena_rounded(job->opts.ctx_size) + arena_rounded(item);
	if (bytes == 0)
		return true;
	if (item > 0 && item <= sizeof job->small && bytes == arena_rounded(item)) { /* most often it is a number */
		job->one_column.base = memcpy(job->small, job->one_column.base, item);
		return true;
	}
	job->kept = malloc(bytes + ARENA_ALIGNMENT);
	if (job->kept == NULL)
		return false;
	char *at = job->kept + ARENA_ALIGNMENT - (uintptr_t)job->kept % ARENA_ALIGNMENT;
	if (columns > 0)
		request->columns = keep_copy(&at, request->columns, columns);
	if (job->opts.ctx_size > 0)
		job->opts.ctx = keep_copy(&at, job->opts.ctx, job->opts.ctx_size);
	if (item > 0)
		job->one_column.base = keep_copy(&at, job->one_column.base, item);
	return true;
}

forkpool_job *job_make(struct forkpool *pool, const struct job_request *request, bool keep)
{
	forkpool_job *job = malloc(sizeof *job);
	if (job == NULL)
		return NULL;
	*job = (forkpool_job){
	        .pool = pool,
	        .submitter = worker_current,
	        .owner = pool->owner,
	        .references = 1,
	        .handed_out = keep,
	        .caller_spins = !keep && pool->engine.spin_us > 0 && !pool->backend->runs_inline,
	        .request = *request,
	        .opts = *request->opts,
	        .restarts = pool->restarts,
	        .begun = clock_seconds(),
	};
	job->request.opts = &job->opts;
	job->next_progress = job->begun + job->opts.progress_interval;
	if (request->column_count == 1) {
		job->one_column = *request->columns;
		job->request.columns = &job->one_column;
	}
	plan_chunks(job);
	if (keep && !keep_input(job)) {
		free(job);
		return NULL;
	}
	return job;
}

void job_release(forkpool_job *job)
{
	if (--job->references > 0)
		return;
	free(job->first.message);
	free(job->delivered);
	free(job->kept);
	free(job);
}

/* ---- Opened ---- */

/* Modes seldom change, and are dear to read. */
static void fill_float_environment(struct forkpool *pool, struct job_post *post)
{
	uint64_t modes = float_modes();
	if (modes == FLOAT_MODES_UNKNOWN || modes != pool->float_modes)
		fegetenv(&pool->float_environment);
	pool->float_modes = modes;
	post->float_environment = pool->float_environment;
	post->float_modes = modes;
}

/* All but the columns, and what is stored at the end. */
static void fill_post(forkpool_job *job, struct job_post *post)
{
	const struct job_request *request = &job->request;
	unsigned workers = pool_workers(job->pool);
	size_t sharers = job->chunks < workers ? job->chunks : workers;
	bool in_order = job->chunks <= (size_t)CHUNKS_IN_ORDER * workers;
	post->kind = request->kind;
	post->stop_on_failure = job->opts.stop_on_failure != 0;
	post->measured = job->opts.report != NULL;
	post->timed = job->opts.timeout > 0;
	post->attended = job->handed_out;
	post->retries = job->opts.retries;
	post->function = request->function;
	post->ctx = job->ctx;
	post->count = request->count;
	post->chunk = job->chunk;
	post->chunks = job->chunks;
	post->ranges = in_order && sharers > 0 ? 1 : sharers;
	post->entries = sharers;
	post->ledger = job->ledger;
	post->status = job->status;
	post->results = request->kind == JOB_FOLD ? job->partials : job->results;
	post->identity = job->partials == NULL ? NULL : job->partials - job->partial_stride;
	post->result_size = request->result_size;
	post->result_stride = job->partial_stride;
	post->column_count = request->column_count;
	fill_float_environment(job->pool, post);
}

/* As much of a post as the job uses, in whole cache lines. */
static size_t post_bytes(const forkpool_job *job)
{
	size_t bytes = offsetof(struct job_post, columns) + job->request.column_count * sizeof(forkpool_column);
	return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Jobs that follow each other are often alike: what has not changed stays in the workers' caches. */
static void write_post(struct job_post *post, const struct job_post *fresh, size_t bytes)
{
	for (size_t at = offsetof(struct job_post, kind); at < bytes; at += CACHE_LINE)
		if (memcmp((char *)post + at, (const char *)fresh + at, CACHE_LINE) != 0)
			memcpy((char *)post + at, (const char *)fresh + at, CACHE_LINE);
}

/* Nobody adds to it before the number is stored. */
static void clear_tally(struct job_tally *tally)
{
	atomic_store_explicit(&tally->finished, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->failed, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->faults, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->cpu_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->retried, 0, memory_order_relaxed);
	if (atomic_load_explicit(&tally->stop, memory_order_relaxed) != 0)
		atomic_store_explicit(&tally->stop, 0, memory_order_relaxed);
}

/* A range an entry, or, of a job that is worked at in order, the same one for each who is to come.  Returns whether
 * all found a place in the ring. */
static bool push_ranges(forkpool_job *job, const struct job_post *post)
{
	struct ring *ring = &job->pool->engine.ring;
	for (size_t entry = 0; entry < post->entries; entry++) {
		size_t range = entry % post->ranges;
		size_t begin = job_range_begin(post, range), end = job_range_begin(post, range + 1);
		if (!ring_push(ring, (struct ring_entry){job->number, begin, end}))
			return false;
	}
	return true;
}

/* To wake a worker costs both sides microseconds, in which a small job is done by who is awake.  So a job for which its
 * caller is about to spin is offered to those, or one worker is woken if all sleep; its permits are held back until
 * the caller has spun for about as long as waking takes (wait.c).  At worst the others come so much later: that is the
 * rule of the ski rental problem.  Whoever is awake may be busy, or stopped: that costs no more, either.
 *
 * Only the call that submits a job holds it back, and only if there is nothing else that it would have to do before it
 * spins: no other job that may end, or be opened, or called back for, and no memory to be given back.  Permits are
 * posted before it sleeps, or leaves; they are forgotten only if the job is over. */
enum { MOST_OFFERS = 16 }; /* more who come at the same moment would but be in each other's way */

static bool is_anyone_awake(const struct forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive &&
		    atomic_load_explicit(&pool->engine.records[slot].parked, memory_order_relaxed) == 0)
			return true;
	return false;
}

static bool may_hold_back(const forkpool_job *job)
{
	const struct forkpool *pool = job->pool;
	bool alone = open_slots(pool) == (uint64_t)1 << job_slot(job->number);
	return job->caller_spins && alone && pool->slots_heavy == 0 && pool->waiting.first == NULL &&
	       pool->finished.first == NULL;
}

static void post_permits(const forkpool_job *job, unsigned permits)
{
	struct forkpool *pool = job->pool;
	struct ring *ring = &pool->engine.ring;
	job_wake_rest(pool);
	if (permits == 0 || !may_hold_back(job)) {
		ring_post(ring, permits);
		return;
	}
	pool->held_for = job->number;
	if (is_anyone_awake(pool)) {
		ring_offer(ring, permits < MOST_OFFERS ? permits : MOST_OFFERS);
		pool->held_back = permits;
	} else {
		ring_post(ring, 1);
		pool->held_back = permits - 1;
	}
}

void job_wake_rest(struct forkpool *pool)
{
	if (pool->held_back > 0)
		ring_post(&pool->engine.ring, pool->held_back);
	pool->held_back = 0;
}

static void show(forkpool_job *job, struct job_post *post)
{
	struct ring *ring = &job->pool->engine.ring;
	post->last_entry = ring_tail(ring) + post->entries;
	atomic_store(&post->number, job->number); /* B0 */
	if (!push_ranges(job, post) || job->chunks > 1)
		job_let_steal(job->pool, (uint64_t)1 << job_slot(job->number));
	post_permits(job, (unsigned)post->entries);
}

void job_let_steal(struct forkpool *pool, uint64_t slots)
{
	atomic_fetch_or(&pool->engine.board->stealable, slots);
}

int job_open(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	unsigned slot = (unsigned)__builtin_ctzll(~pool->slots_used);
	struct job_post *post = &pool->engine.board->posts[slot], fresh;
	memset(&fresh, 0, post_bytes(job));
	if (!copies_make(job, &pool->slots[slot], fresh.columns)) {
		copies_free(pool, &pool->slots[slot]);
		return -ENOMEM;
	}
	pool->slots_used |= (uint64_t)1 << slot;
	job->number = ++pool->serial * JOB_SLOTS + slot;
	pool->slots[slot].number = job->number;
	pool->slots[slot].job = job;
	job->state = JOB_OPEN;
	job->wanted = 0;
	job->by_ledger = job->opts.stop_on_failure != 0;
	if (job->by_ledger || job->chunks == 0) /* nobody will note the end of nothing */
		pool->slots_suspect |= (uint64_t)1 << slot;
	fill_post(job, &fresh);
	write_post(post, &fresh, post_bytes(job));
	atomic_store_explicit(&post->by_ledger, job->by_ledger, memory_order_relaxed);
	atomic_store_explicit(&post->by_chunk, job->delivered != NULL, memory_order_relaxed);
	clear_tally(&pool->engine.tallies[slot]);
	show(job, post);
	return 0;
}

forkpool_job *job_find(const struct forkpool *pool, uint64_t number)
{
	const struct slot *slot = &pool->slots[job_slot(number)];
	return slot->number == number ? slot->job : NULL;
}

/* ---- Ended ---- */

void job_stop(forkpool_job *job)
{
	atomic_store(&job->pool->engine.tallies[job_slot(job->number)].stop, 1);
}

void job_cancel(forkpool_job *job)
{
	job->cancelled = true;
	if (job->state != JOB_OPEN)
		return;
	job_use_ledger(job);
	job_stop(job);
	ledger_cancel(job->ledger, job->chunks);
}

void job_fail(forkpool_job *job, int error)
{
	job_cancel(job);
	job_spoil(job, error);
}

void job_spoil(forkpool_job *job, int error)
{
	if (job->error == 0)
		job->error = error;
	if (job->state == JOB_OPEN)
		job->pool->slots_suspect |= (uint64_t)1 << job_slot(job->number);
}

/* Workers see it no more; its slot stays its own until nobody pins it. */
static void close_job(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	uint64_t bit = (uint64_t)1 << job_slot(job->number);
	if (atomic_load_explicit(&pool->engine.board->stealable, memory_order_relaxed) & bit)
		atomic_fetch_and(&pool->engine.board->stealable, ~bit);
	atomic_store(&job_post(job, pool->engine.board)->number, 0); /* B0 */
	if (pool->held_for == job->number)
		pool->held_back = 0;
	orphan_free_all(job);
	struct slot *slot = &pool->slots[job_slot(job->number)];
	slot->job = NULL;
	pool->slots_suspect &= ~bit;
	pool->slots_closing |= bit;
	if (slot->piece_count > 0)
		pool->slots_heavy |= bit;
}

void job_finish(forkpool_job *job)
{
	outcome_settle(job);
	if (job->state == JOB_OPEN)
		close_job(job);
	job->state = JOB_FINISHED;
	job->finish = ++job->pool->finish;
}

/* ---- Slots ---- */

bool slot_is_free(const struct forkpool *pool)
{
	return ~pool->slots_used != 0;
}

void slots_sweep(struct forkpool *pool)
{
	uint64_t unpinned = pool->slots_closing;
	for (unsigned i = 0; i < pool_workers(pool) && unpinned != 0; i++) {
		uint64_t pin = pinned_job(&pool->engine.records[i]); /* B0 */
		if (pin != 0 && pool->slots[job_slot(pin)].number == pin)
			unpinned &= ~((uint64_t)1 << job_slot(pin));
	}
	pool->slots_used &= ~unpinned;
	pool->slots_closing &= ~unpinned;
	pool->slots_heavy &= ~unpinned;
	for (; unpinned != 0; unpinned &= unpinned - 1)
		copies_free(pool, &pool->slots[__builtin_ctzll(unpinned)]);
}
