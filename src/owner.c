/*
 * The process's number is kept on a page that the kernel empties in every child, however it was forked.
 */
#include "owner.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Nothing else is on it. */
static union {
	_Alignas(PAGE) char bytes[PAGE];
	_Atomic pid_t pid; /* 0: not known, or this process is a child */
} page;

enum { UNTRIED, WIPED, REFUSED };
static atomic_int state; /* of the page */

/* Where pages are larger, the kernel refuses, and the system is asked each time. */
static void try_to_wipe(void)
{
#ifdef MADV_WIPEONFORK
	atomic_store(&state, madvise(&page, PAGE, MADV_WIPEONFORK) == 0 ? WIPED : REFUSED);
#else
	atomic_store(&state, REFUSED);
#endif
}

pid_t process_id(void)
{
	pid_t pid = atomic_load_explicit(&page.pid, memory_order_relaxed);
	if (pid != 0)
		return pid;
	pid = getpid();
	if (atomic_load(&state) == UNTRIED)
		try_to_wipe();
	if (atomic_load(&state) == WIPED)
		atomic_store(&page.pid, pid);
	return pid;
}
