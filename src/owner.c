/*
 * The process's number is kept on a page that the kernel empties in every child, however it was forked.
 */
#include "owner.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic(_Atomic pid_t *) page; /* NULL: none yet, or none to be had */
static atomic_bool is_refused;

static void make_page(void)
{
#ifdef MADV_WIPEONFORK
	_Atomic pid_t *none = NULL;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED) {
		atomic_store(&is_refused, true);
		return;
	}
	if (madvise(made, size, MADV_WIPEONFORK) == 0 && atomic_compare_exchange_strong(&page, &none, made))
		return;
	atomic_store(&is_refused, true); /* or another thread was first: then nobody asks */
	munmap(made, size);
#else
	atomic_store(&is_refused, true);
#endif
}

pid_t process_id(void)
{
	_Atomic pid_t *known = atomic_load_explicit(&page, memory_order_acquire);
	pid_t pid = known == NULL ? 0 : atomic_load_explicit(known, memory_order_relaxed);
	if (pid != 0)
		return pid;
	if (known == NULL && !atomic_load(&is_refused))
		make_page();
	pid = getpid();
	if ((known = atomic_load(&page)) != NULL)
		atomic_store(known, pid);
	return pid;
}
