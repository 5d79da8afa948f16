/*
 * Doorbell and epoll.  See watch.h.
 */
#include "watch.h"

#include <errno.h>
#include <math.h>
#include <sys/epoll.h>
#include <unistd.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#else
#include <fcntl.h>
#endif

enum { BELL = UINT32_MAX };

static int open_bell(forkpool *pool)
{
#ifdef HAVE_EVENTFD
	pool->bell = pool->engine.doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pool->bell >= 0)
		return 0;
#else
	int ends[2];
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0) {
		pool->bell = ends[0];
		pool->engine.doorbell = ends[1];
		return 0;
	}
#endif
	return -errno;
}

static int add(const forkpool *pool, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};
	return epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int watch_open(forkpool *pool)
{
	if (pool->backend->runs_inline)
		return 0;
	int error = open_bell(pool);
	if (error == 0 && (pool->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		error = -errno;
	return error == 0 ? add(pool, pool->bell, BELL) : error;
}

void watch_close(forkpool *pool)
{
	if (pool->epoll >= 0)
		close(pool->epoll);
	if (pool->engine.doorbell >= 0)
		close(pool->engine.doorbell);
	if (pool->bell >= 0 && pool->bell != pool->engine.doorbell)
		close(pool->bell);
	pool->epoll = pool->bell = pool->engine.doorbell = -1;
}

/* Where it cannot be added, the heartbeat looks instead. */
void watch_add(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	member->watched = member->pidfd >= 0 && add(pool, member->pidfd, slot) == 0;
}

/* Before it is closed: siblings of the worker may hold copies, which would keep it alive. */
void watch_remove(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	if (member->watched)
		epoll_ctl(pool->epoll, EPOLL_CTL_DEL, member->pidfd, NULL);
	member->watched = false;
}

bool watch_is_complete(const forkpool *pool)
{
	if (pool->backend->shares_memory)
		return true; /* threads ring when they end */
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive && !pool->members[slot].watched)
			return false;
	return true;
}

static void drain_bell(const forkpool *pool)
{
	uint64_t rings[8];
	while (read(pool->bell, rings, sizeof rings) == sizeof rings)
		; /* an eventfd is empty after one; a pipe may hold more */
}

int watch_sleep(forkpool *pool, double seconds, unsigned slots[WATCH_SLOTS])
{
	struct epoll_event events[WATCH_SLOTS];
	int count = epoll_wait(pool->epoll, events, WATCH_SLOTS, (int)ceil(seconds * 1000)), ended = 0;
	for (int i = 0; i < count; i++)
		if (events[i].data.u32 == BELL)
			drain_bell(pool);
		else
			slots[ended++] = events[i].data.u32;
	return count < 0 ? -1 : ended;
}
