/*
 * The pool in a host's event loop: a descriptor to wait for, and what is to be done then.
 */
#include "owner.h"
#include "parent.h"
#include "wait.h"
#include "watch.h"

#include <errno.h>
#include <limits.h>

static int check_user(const forkpool *pool)
{
	if (pool == NULL)
		return -EINVAL;
	return pool->owner == process_id() && pool->creator == worker_current ? 0 : -EPERM;
}

int forkpool_fd(const forkpool *pool)
{
	int error = check_user(pool);
	if (error != 0)
		return error;
	forkpool *mutable = (forkpool *)(uintptr_t)pool; /* nobody has a pool that is const */
	error = watch_open_for_host(mutable);
	if (error != 0)
		return error;
	pool_enter(mutable);
	pool_leave(mutable); /* from now on the descriptor tells */
	return pool->epoll;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

int forkpool_dispatch(forkpool *pool)
{
	int error = check_user(pool);
	if (error != 0)
		return error;
	pool_wait(pool, never, NULL, 0);
	return pool->unfinished > INT_MAX ? INT_MAX : (int)pool->unfinished;
}
