/*
 * Workers that are threads of the caller's process.  They cannot be killed, and when one
 * crashes so does the process.
 */
#include "crew.h"

#include <errno.h>
#include <signal.h>

static void *live(void *arg)
{
	struct member *member = arg;
	struct worker worker;
	crew_live(member->pool, (unsigned)(member - member->pool->members), &worker);
	return NULL;
}

/* All signals stay with the host's own threads. */
static int start(forkpool *pool, unsigned slot)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&pool->members[slot].thread, NULL, live, &pool->members[slot]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0 ? 0 : -EAGAIN;
}

static bool ended(forkpool *pool, unsigned slot, struct death *death)
{
	uint32_t stage = atomic_load(&pool->engine.records[slot].stage);
	*death = (struct death){0};
	if (stage != STAGE_ENDED && stage != STAGE_RETIRED && stage != STAGE_REFUSED)
		return false;
	pthread_join(pool->members[slot].thread, NULL);
	return true;
}

const struct backend backend_thread = {"threads", true, false, start, ended, NULL, NULL};
