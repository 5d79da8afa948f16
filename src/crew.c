/*
 * The crew: which slots have workers, and what is done about those that have not.
 */
#include "crew.h"

#include "job.h"
#include "recover.h"
#include "watch.h"
#include "worker.h"

#include <errno.h>
#include <string.h>

/* Deaths in a row that neither charged nor finished anything, before replacing stops: then it
 * is not the tasks that kill the workers. */
static unsigned barren_limit(const forkpool *pool)
{
	return 100 + 4 * pool_workers(pool);
}

/* Deaths in the initializer, one after the other, before the slot is given up. */
enum { FAILED_STARTS = 8 };

/* ---- A worker's life ---- */

/* Before anything of the user's runs in the worker. */
static void settle(const forkpool *pool, unsigned slot)
{
	places_take(&pool->places, slot);
	if (pool->backend->shares_memory)
		inner_limit_thread(&pool->inner);
	else
		inner_limit_process(&pool->inner);
}

static bool begin_life(forkpool *pool, unsigned slot, struct worker *worker)
{
	struct worker_record *record = &pool->engine.records[slot];
	worker_init(worker, &pool->engine, slot, pool->members[slot].incarnation);
	worker->is_parent = pool->backend->runs_inline;
	struct worker *outer = worker_current;
	worker_current = worker; /* a pool or a map in the initializer is as one in a task */
	settle(pool, slot);
	bool ready = pool->config.initializer == NULL ||
	             pool->config.initializer(slot, &worker->state, pool->config.arg) == 0;
	worker_current = outer;
	atomic_store(&record->stage, ready ? STAGE_READY : STAGE_REFUSED);
	worker_ring_bell(&pool->engine);
	return ready;
}

static void end_life(forkpool *pool, struct worker *worker)
{
	struct worker *outer = worker_current;
	worker_current = worker;
	if (pool->config.finalizer != NULL)
		pool->config.finalizer(worker->slot, worker->state, pool->config.arg);
	worker_current = outer;
	forkpool_destroy(worker->nested);
	worker->nested = NULL;
	atomic_store(&worker->record->stage, worker->retired ? STAGE_RETIRED : STAGE_ENDED);
	worker_ring_bell(&pool->engine);
}

void crew_live(forkpool *pool, unsigned slot, struct worker *worker)
{
	if (!begin_life(pool, slot, worker))
		return;
	worker_run(worker);
	end_life(pool, worker);
}

/* ---- Starting ---- */

static bool is_missing(const struct member *member)
{
	return !member->alive && !member->finished && !member->given_up;
}

static void start_one(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	member->incarnation++;
	member->finished = member->doomed = member->dismissed = false;
	if (!pool->backend->shares_memory)
		inner_prepare(&pool->inner);
	int error = pool->backend->start(pool, slot);
	member->alive = error == 0;
	if (error != 0)
		pool->start_error = error;
}

/* A pool that is closed still needs workers for the jobs that are open. */
static bool may_start(const forkpool *pool)
{
	return !pool->killed && (atomic_load(&pool->engine.board->closing) == 0 || open_slots(pool) != 0);
}

void crew_refill(forkpool *pool, bool finished_too)
{
	if (!may_start(pool))
		return;
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (is_missing(&pool->members[slot]) || (finished_too && pool->members[slot].finished))
			start_one(pool, slot);
}

/* The caller works: its one worker lives between the calls. */
static int start_inline(forkpool *pool)
{
	return begin_life(pool, 0, pool->inline_worker) ? 0 : -ECANCELED;
}

int crew_renew_inline(forkpool *pool)
{
	struct worker *worker = pool->inline_worker;
	if (worker->retired) {
		end_life(pool, worker);
		worker->retired = false;
	} else if (worker->record->stage == STAGE_READY) {
		return 0;
	}
	pool->restarts++;
	return start_inline(pool);
}

void crew_revive(forkpool *pool, int error)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->start_error == -EAGAIN || pool->start_error == error) {
			pool->members[slot].given_up = false;
			pool->members[slot].failed_starts = 0;
		}
	pool->barren = 0;
}

bool crew_started(const forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive && pool->engine.records[slot].stage != STAGE_READY)
			return false;
	return true;
}

int crew_start(forkpool *pool)
{
	if (pool->backend->runs_inline)
		return start_inline(pool);
	crew_revive(pool, -ECANCELED);
	crew_refill(pool, true);
	return crew_gone(pool) ? pool->start_error : 0;
}

bool crew_gone(const forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive)
			return false;
	return true;
}

/* ---- What cannot be, where workers have written what they should not ---- */

/* A worker may pin a job that has long been closed, for a moment, but none that never was. */
static bool record_is_possible(const forkpool *pool, const struct worker_record *record)
{
	const struct member *member = &pool->members[record - pool->engine.records];
	uint64_t pin = atomic_load(&record->pin), serial = pinned_job(record) / JOB_SLOTS;
	return serial <= pool->serial && (!(pin & PIN_DOOMED) || member->dismissed) &&
	       atomic_load(&record->useful) <= 1 && atomic_load(&record->stage) <= STAGE_ENDED;
}

bool crew_audit(forkpool *pool)
{
	const struct worker_record *records = pool->engine.records;
	bool possible = ring_is_possible(&pool->engine.ring, &records->parked, sizeof *records, pool_workers(pool));
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		possible &= record_is_possible(pool, &records[slot]);
	for (uint64_t slots = possible ? 0 : open_slots(pool); slots != 0; slots &= slots - 1)
		job_spoil(lowest_job(pool, slots), -EPROTO);
	return possible;
}

void crew_reset(forkpool *pool)
{
	struct engine *engine = &pool->engine;
	struct failure *end = engine->failures + (size_t)pool_workers(pool) * JOB_SLOTS;
	memset(engine->records, 0, (size_t)((char *)end - (char *)engine->records));
	ring_init(&engine->ring, engine->ring.back, engine->ring.front, engine->ring.back->capacity);
	arena_distrust(&pool->arena);
	for (unsigned slot = 0; slot < pool_workers(pool); slot++) {
		struct member *member = &pool->members[slot];
		member->given_up = member->finished = false;
		member->failed_starts = 0;
	}
	pool->barren = 0;
}

/* ---- Ends ---- */

static void give_up(forkpool *pool, struct member *member, int error)
{
	member->given_up = true;
	pool->start_error = error;
}

static void note_end(forkpool *pool, unsigned slot, const struct death *death)
{
	struct member *member = &pool->members[slot];
	enum worker_stage stage = pool->engine.records[slot].stage;
	member->alive = false;
	member->finished = stage == STAGE_ENDED && atomic_load(&pool->engine.board->closing) != 0;
	crew_audit(pool);
	recover_worker(pool, slot, death);
	if (stage == STAGE_READY || stage == STAGE_EXITED || stage == STAGE_RETIRED)
		member->failed_starts = 0;
	else if (stage == STAGE_STARTING && pool->config.initializer != NULL)
		member->failed_starts++;
	if ((stage == STAGE_REFUSED && pool->config.initializer != NULL) || member->failed_starts >= FAILED_STARTS)
		give_up(pool, member, -ECANCELED);
	else if (pool->barren >= barren_limit(pool))
		give_up(pool, member, -EAGAIN);
}

void crew_check(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	struct death death = {0};
	if (!member->alive || !pool->backend->ended(pool, slot, &death))
		return;
	note_end(pool, slot, &death);
	if (is_missing(member) && may_start(pool)) {
		start_one(pool, slot);
		pool->restarts += member->alive;
	}
}

void crew_close(forkpool *pool)
{
	atomic_store(&pool->engine.board->closing, 1);
	ring_post(&pool->engine.ring, pool_workers(pool));
	crew_end_inline(pool);
}

void crew_end_inline(forkpool *pool)
{
	if (pool->backend->runs_inline && open_slots(pool) == 0 && pool->inline_worker->record->stage == STAGE_READY)
		end_life(pool, pool->inline_worker);
}

void crew_kill(forkpool *pool)
{
	pool->killed = true;
	atomic_store(&pool->engine.board->closing, 1);
	if (pool->backend->kill == NULL) {
		for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
			job_stop(lowest_job(pool, slots)); /* all, before a worker comes from one to the next */
		for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
			job_cancel(lowest_job(pool, slots));
		ring_post(&pool->engine.ring, pool_workers(pool));
		return;
	}
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive)
			pool->backend->kill(pool, slot);
}

void crew_open(forkpool *pool)
{
	pool->killed = false;
	atomic_store(&pool->engine.board->closing, 0);
}
