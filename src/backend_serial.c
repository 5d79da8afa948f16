/*
 * No workers: the caller runs the engine's loop itself while it waits.
 */
#include "backend.h"

#include <errno.h>

static int start(forkpool *pool, unsigned slot)
{
	(void)pool;
	(void)slot;
	return -ENOTSUP; /* there is nothing to be started */
}

static bool ended(forkpool *pool, unsigned slot, struct death *death)
{
	(void)pool;
	(void)slot;
	*death = (struct death){0};
	return true;
}

const struct backend backend_serial = {"serial", true, true, start, ended, NULL, NULL};
