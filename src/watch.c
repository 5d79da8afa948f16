/*
 * Doorbell and epoll.  See watch.h.
 */
#include "watch.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BELL = UINT32_MAX, TIMER = UINT32_MAX - 1 };

/* A descriptor was refused. */
static int why(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -ENOSYS;
}

static int open_bell(forkpool *pool)
{
	int ends[2];
	ends[0] = ends[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ends[0] < 0 && pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return why();
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

/* With the bell, and what workers there are.  0 or -errno. */
static int open_epoll(forkpool *pool)
{
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!add(pool, pool->bell, BELL)) {
		int error = why();
		close_epoll(pool);
		return error;
	}
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive)
			watch_add(pool, slot);
	return 0;
}

static int open_watch(forkpool *pool)
{
	int error = open_bell(pool);
	if (error == 0)
		open_epoll(pool);
	return error;
}

int watch_open(forkpool *pool)
{
	return pool->backend->runs_inline ? 0 : open_watch(pool);
}

void watch_close(forkpool *pool)
{
	close_epoll(pool);
	if (pool->timer >= 0)
		close(pool->timer);
	pool->timer = -1;
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

/* ---- In a host's event loop ---- */

int watch_open_for_host(forkpool *pool)
{
	if (pool->timer >= 0)
		return 0;
	int error = pool->bell < 0 ? open_bell(pool) : 0;
	if (error != 0)
		return error;
	if (pool->epoll < 0)
		error = open_epoll(pool);
	if (error != 0)
		return error;
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer < 0)
		return why();
	if (!add(pool, timer, TIMER)) {
		error = why();
		close(timer);
		return error;
	}
	pool->timer = timer;
	return 0;
}

/* One that is set for earlier does as well: then there is a look in vain. */
void watch_set_timer(forkpool *pool, double seconds)
{
	double now = clock_seconds();
	if (isinf(seconds) || (pool->timer_at > now && pool->timer_at <= now + seconds))
		return;
	uint64_t ns = (uint64_t)(seconds * 1e9) + 1; /* 0 would be none */
	struct itimerspec time = {.it_value = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};
	pool->timer_at = timerfd_settime(pool->timer, 0, &time, NULL) == 0 ? now + seconds : 0;
}

void watch_ring(const forkpool *pool)
{
	uint64_t one = 1;
	while (write(pool->engine.doorbell, &one, sizeof one) < 0 && errno == EINTR)
		; /* EAGAIN: it is ringing already */
}

/* ---- Sleeping ---- */

void watch_drain(const forkpool *pool)
{
	uint64_t rings[8];
	/* An eventfd is empty after one; a pipe may hold more, but a worker that rings for ever holds up nobody. */
	for (int i = 0; i < 1024 && read(pool->bell, rings, sizeof rings) == sizeof rings; i++)
		;
}

/* What was due is looked up in any case. */
static void drain_timer(const forkpool *pool)
{
	uint64_t expirations;
	if (read(pool->timer, &expirations, sizeof expirations) < 0)
		return; /* it was set anew meanwhile */
}

/* Where there is no epoll, deaths are left to the heartbeat. */
static int sleep_on_bell(const forkpool *pool, int milliseconds)
{
	struct pollfd bell = {.fd = pool->bell, .events = POLLIN};
	int count = poll(&bell, 1, milliseconds);
	if (count > 0)
		watch_drain(pool);
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
			watch_drain(pool);
		else if (events[i].data.u32 == TIMER)
			drain_timer(pool);
		else
			slots[ended++] = events[i].data.u32;
	return count < 0 ? -1 : ended;
}
