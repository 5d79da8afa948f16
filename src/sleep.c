/*
 * Sleeping, on an epoll descriptor that holds the doorbell and a pidfd a worker, and acting upon what woke the parent.
 * A slow heartbeat looks at everything, so that whatever went unnoticed costs a moment and never a hang.
 */
#include "sleep.h"

#include "clock.h"
#include "crew.h"
#include "job.h"
#include "limit.h"
#include "orphan.h"
#include "watch.h"

#include <errno.h>
#include <math.h>

/* Seconds between two heartbeats; the second where a death cannot be seen in another way. */
#define HEARTBEAT          0.5
#define HEARTBEAT_NO_PIDFD 0.02

/* ---- One sleep ---- */

void plan_beat(forkpool *pool)
{
	pool->next_beat = clock_seconds() + (watch_is_complete(pool) ? HEARTBEAT : HEARTBEAT_NO_PIDFD);
}

static void check_crew(forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		crew_check(pool, slot);
}

static void beat(forkpool *pool)
{
	check_crew(pool);
	crew_refill(pool, false);
	crew_audit(pool);
	orphan_publish(pool);
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
		job_audit(lowest_job(pool, slots));
	ring_offer(&pool->engine.ring, 0); /* whatever somebody may have made of their number */
	ring_post(&pool->engine.ring, pool_workers(pool));
	ring_rouse(&pool->engine.ring);
	plan_beat(pool);
}

/* Until something happens, at most `seconds`, and acts upon it.  Returns at once if `seconds` is 0. */
void sleep_once(forkpool *pool, double seconds)
{
	unsigned slots[WATCH_SLOTS];
	job_wake_rest(pool);
	double until_beat = pool->next_beat - clock_seconds(), until_limit = limit_enforce(pool);
	if (seconds > until_limit)
		seconds = until_limit;
	if (seconds > until_beat)
		seconds = until_beat > 0 ? until_beat : 0;
	if (pool->backend->shares_memory)
		check_crew(pool); /* B1, with `stage` for the tally: a thread that ends later rings the bell */
	orphan_publish(pool);     /* B1: who takes an orphan up later, and so gives a place away, rings */
	int ended = watch_sleep(pool, seconds, slots);
	atomic_store(&pool->engine.board->parent_asleep, 0);
	for (int i = 0; i < ended; i++)
		crew_check(pool, slots[i]);
	if (clock_seconds() >= pool->next_beat)
		beat(pool);
}

void wait_for_slot(forkpool *pool)
{
	sleep_once(pool, PIN_MOMENT);
}

/* Workers that have overwritten what they are told things by. */
static void kill_if_spoilt(forkpool *pool)
{
	if (!pool->killed && !crew_audit(pool))
		crew_kill(pool);
}

static void wait_for_crew(forkpool *pool, bool (*condition)(const forkpool *pool))
{
	plan_beat(pool);
	while (!condition(pool)) {
		atomic_store(&pool->engine.board->parent_asleep, 1); /* B1, likewise */
		check_crew(pool);
		kill_if_spoilt(pool);
		if (!condition(pool))
			sleep_once(pool, INFINITY);
	}
	atomic_store(&pool->engine.board->parent_asleep, 0);
}

void wait_for_starts(forkpool *pool)
{
	wait_for_crew(pool, crew_started);
	kill_if_spoilt(pool);
	if (pool->killed) {
		wait_for_crew(pool, crew_gone);
		crew_reset(pool);
		crew_open(pool);
		pool->start_error = -EPROTO;
	}
}

void wait_for_ends(forkpool *pool)
{
	wait_for_crew(pool, crew_gone);
}
