/*
 * Which jobs are open: they are submitted, opened when there is a slot and memory, and ended when their chunks are
 * settled, when they are cancelled, or when nobody can go on with them.  Nobody is called back here.
 */
#include "schedule.h"

#include "crew.h"
#include "killpoint.h"
#include "queue.h"
#include "sleep.h"

#include <errno.h>

/* ---- Jobs end ---- */

static void end_job(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	job_finish(job);
	pool->unfinished--;
	pool->tellers -= job->opts.progress != NULL;
	queue_append(&pool->finished, job);
	if (pool->closed && pool->unfinished == 0)
		crew_close(pool);
}

static void end_open_jobs(forkpool *pool, int error)
{
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1) {
		forkpool_job *job = lowest_job(pool, slots);
		job_fail(job, error);
		end_job(job);
	}
}

void schedule_end_all(forkpool *pool, int error)
{
	forkpool_job *job;
	end_open_jobs(pool, error);
	while ((job = queue_take(&pool->waiting)) != NULL) {
		job->error = error;
		end_job(job);
	}
}

/* The book-keeping cannot be believed, or not be kept: ends all workers and all open jobs, and
 * makes the shared control words anew. */
static void void_pool(forkpool *pool, int error)
{
	crew_kill(pool);
	wait_for_ends(pool);
	end_open_jobs(pool, error);
	if (error == -EPROTO)
		crew_reset(pool);
	if (!pool->closed || pool->unfinished > 0)
		crew_open(pool);
}

bool has_ended(forkpool *pool)
{
	for (uint64_t slots = jobs_to_check(pool); slots != 0; slots &= slots - 1)
		if (job_check(lowest_job(pool, slots)))
			return true;
	return false;
}

void end_jobs(forkpool *pool)
{
	if (!has_ended(pool))
		return;
	/* What is noted from here on is seen the next time.  A note that comes late makes one look in vain. */
	uint64_t noted = atomic_exchange(&pool->engine.endings->jobs, 0);
	if (!pool->backend->runs_inline)
		crew_audit(pool);
	for (uint64_t slots = open_slots(pool) & (noted | pool->slots_suspect); slots != 0; slots &= slots - 1) {
		forkpool_job *job = lowest_job(pool, slots);
		if (!job_check(job))
			continue;
		if (job->error == -EPROTO || job->error == -ENOMEM) {
			void_pool(pool, job->error);
			return;
		}
		end_job(job);
	}
}

/* ---- Jobs begin ---- */

/* False: it has to wait for another one's slot or memory. */
static bool try_to_open(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	if (!slot_is_free(pool))
		return false;
	if (job->wanted > 0 && job->tried == pool->returns) {
		slots_sweep(pool);
		if (pool->slots_used != 0)
			return false;
	}
	int error = job_open(job);
	if (error != 0 && pool->slots_closing != 0) {
		slots_sweep(pool);
		error = job_open(job);
	}
	if (error == 0)
		return true;
	job->tried = pool->returns; /* not again before memory has come back */
	if (pool->slots_used != 0)
		return false;
	job->error = error;
	end_job(job);
	return true;
}

void open_waiting(forkpool *pool)
{
	forkpool_job *job;
	if (pool->slots_heavy != 0 || !slot_is_free(pool))
		slots_sweep(pool);
	while ((job = queue_take(&pool->waiting)) != NULL)
		if (!try_to_open(job)) {
			queue_put_first(&pool->waiting, job);
			return;
		}
}

/* Where many jobs wait, so many submissions are made from one look at the others' ends to the next. */
enum { LOOK_EVERY = 32 };

void schedule(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	job->references++;
	pool->tellers += job->opts.progress != NULL;
	if (pool->unfinished++ == 0)
		plan_beat(pool);
	if (!pool->backend->runs_inline && crew_gone(pool))
		crew_revive(pool, -EAGAIN);
	queue_append(&pool->waiting, job);
	if (pool->unfinished <= JOB_SLOTS || pool->unfinished % LOOK_EVERY == 0) {
		if (!slot_is_free(pool))
			end_jobs(pool);
		open_waiting(pool);
	}
	job->caller_spins = false; /* if it is still to be opened, by whatever call */
}

/* ---- Jobs end early ---- */

/* B4: ends the worker if it runs a task of the job.  No further one can be claimed there. */
static void doom(forkpool_job *job, unsigned slot)
{
	struct forkpool *pool = job->pool;
	struct worker_record *record = &pool->engine.records[slot];
	struct member *member = &pool->members[slot];
	size_t chunk = atomic_load(&record->chunk);
	uint64_t pin = job->number;
	if (!member->alive || member->doomed || chunk >= job->chunks ||
	    !ledger_is_running(ledger_read(&job->ledger[chunk]), ledger_running(slot, member->incarnation)))
		return;
	DOOM_POINT();
	if (!atomic_compare_exchange_strong(&record->pin, &pin, job->number | PIN_DOOMED))
		return;
	member->dismissed = true;
	pool->backend->kill(pool, slot);
}

static void cancel_open(forkpool_job *job)
{
	job_cancel(job);
	if (job->pool->backend->kill != NULL)
		for (unsigned slot = 0; slot < pool_workers(job->pool); slot++)
			doom(job, slot);
}

void schedule_cancel(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	if (job->state == JOB_FINISHED)
		return;
	if (job->state == JOB_OPEN) {
		cancel_open(job);
	} else {
		queue_remove(&pool->waiting, job);
		end_job(job);
	}
}
