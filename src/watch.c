/*
 * Doorbell and epoll.  See watch.h.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BELL = UINT32_MAX };

static int open_bell(forkpool *pool)
{
	int ends[2];
	ends[0] = ends[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ends[0] < 0 && pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -ENOSYS;
	pool->bell = ends[0];
	pool->engine.doorbell = ends[1];
	return 0;
}

static bool add(const forkpool *pool, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};
	return pool->epoll >= 0 && epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void close_epoll(forkpool *pool)
{
	if (pool->epoll >= 0)
		close(pool->epoll);
	pool->epoll = -1;
}

int watch_open(forkpool *pool)
{
	if (pool->backend->runs_inline)
		return 0;
	int error = open_bell(pool);
	if (error != 0)
		return error;
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!add(pool, pool->bell, BELL))
		close_epoll(pool);
	return 0;
}

void watch_close(forkpool *pool)
{
	close_epoll(pool);
	if (pool->engine.doorbell >= 0)
		close(pool->engine.doorbell);
	if (pool->bell >= 0 && pool->bell != pool->engine.doorbell)
		close(pool->bell);
	pool->bell = pool->engine.doorbell = -1;
}

/* Where it cannot be added, the heartbeat looks instead. */
void watch_add(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	member->watched = member->pidfd >= 0 && add(pool, member->pidfd, slot);
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
	/* An eventfd is empty after one; a pipe may hold more, but a worker that rings for ever holds up nobody. */
	for (int i = 0; i < 1024 && read(pool->bell, rings, sizeof rings) == sizeof rings; i++)
		;
}

/* Where there is no epoll, deaths are left to the heartbeat. */
static int sleep_on_bell(const forkpool *pool, int milliseconds)
{
	struct pollfd bell = {.fd = pool->bell, .events = POLLIN};
	int count = poll(&bell, 1, milliseconds);
	if (count > 0)
		drain_bell(pool);
	return count < 0 ? -1 : 0;
}

int watch_sleep(forkpool *pool, double seconds, unsigned slots[WATCH_SLOTS])
{
	struct epoll_event events[WATCH_SLOTS];
	int milliseconds = (int)ceil(seconds * 1000), ended = 0;
	if (pool->epoll < 0)
		return sleep_on_bell(pool, milliseconds);
	int count = epoll_wait(pool->epoll, events, WATCH_SLOTS, milliseconds);
	for (int i = 0; i < count; i++)
		if (events[i].data.u32 == BELL)
			drain_bell(pool);
		else
			slots[ended++] = events[i].data.u32;
	return count < 0 ? -1 : ended;
}
