/*
 * Time limits.  The contract is B3 in engine.h: what is doomed is the very task that was over its time, and
 * who has finished meanwhile is left alone.
 */
#include "limit.h"

#include "clock.h"
#include "crew.h"
#include "job.h"
#include "killpoint.h"

#include <math.h>

/* Seconds until the worker's task is over its time; <= 0: it is. */
static double time_left(const struct worker_record *record, const forkpool_job *job)
{
	uint64_t began = atomic_load_explicit(&record->began, memory_order_relaxed), now = clock_ns();
	double run = now > began ? (double)(now - began) / 1e9 : 0;
	return job->opts.timeout - run;
}

static double enforce_one(forkpool *pool, unsigned slot)
{
	struct worker_record *record = &pool->engine.records[slot];
	struct member *member = &pool->members[slot];
	uint64_t stint = atomic_load_explicit(&record->stint, memory_order_acquire); /* B3: first */
	const forkpool_job *job = job_find(pool, pinned_job(record));
	if (job == NULL || job->opts.timeout <= 0 || !member->alive || member->doomed)
		return INFINITY;
	double left = stint % 2 == 0 ? job->opts.timeout : time_left(record, job);
	if (left > 0)
		return left;
	uint32_t incarnation = member->incarnation;
	crew_check(pool, slot);
	if (!member->alive || member->incarnation != incarnation)
		return 0; /* it had died before; its successor counts its stints from the beginning, too */
	DOOM_POINT();
	if (!atomic_compare_exchange_strong(&record->stint, &stint, STINT_DOOMED))
		return 0; /* the job may be finished by now: look before sleeping */
	member->doomed = true;
	pool->backend->kill(pool, slot);
	return job->opts.timeout;
}

double limit_enforce(forkpool *pool)
{
	double seconds = INFINITY;
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1) {
		double timeout = lowest_job(pool, slots)->opts.timeout;
		if (timeout > 0 && timeout < seconds)
			seconds = timeout; /* a worker may be about to begin at it */
	}
	if (isinf(seconds))
		return seconds;
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		seconds = fmin(seconds, enforce_one(pool, slot));
	return seconds;
}
