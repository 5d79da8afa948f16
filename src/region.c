/*
 * The shared mapping.  See region.h.
 */
#include "api.h"
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_MEMFD_CREATE

/* ftruncate() beyond RLIMIT_FSIZE would send the host a SIGXFSZ. */
static bool may_be_file(size_t size)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && size <= limit.rlim_cur && size <= INT64_MAX;
}

/* A sparse file without a name, or -1: none is to be had. */
static int open_memfd(size_t size)
{
	int fd = may_be_file(size) ? memfd_create("forkpool", MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;
	if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return fd;
}

#else

static int open_memfd(size_t size)
{
	(void)size;
	return -1;
}

#endif

/* A memfd is preferred, because where memory must not be promised twice (overcommit_memory 2) it counts only
 * what is touched; a mapping of no file counts as a whole. */
static bool map_size(struct region *region, int fd, size_t size)
{
	int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
	/* Not accessible at first: a host that has called mlockall(MCL_FUTURE) would get all of it at once. */
	void *base = mmap(NULL, size, PROT_NONE, flags, fd, 0);
	if (base == MAP_FAILED)
		return false;
	munlock(base, size);
	if (mprotect(base, size, PROT_READ | PROT_WRITE) != 0) {
		munmap(base, size);
		return false;
	}
	region->base = base;
	region->size = size;
	return true;
}

static bool map_largest(struct region *region, int fd, size_t least, size_t wanted)
{
	for (size_t size = wanted; size > least; size = size / 2 / region->page * region->page)
		if (map_size(region, fd, size))
			return true;
	return map_size(region, fd, least);
}

int region_create(struct region *region, size_t least, size_t wanted, bool dump)
{
	*region = (struct region){.page = (size_t)sysconf(_SC_PAGESIZE)};
	int fd = open_memfd(wanted);
	bool mapped = map_largest(region, fd, least, wanted);
	if (fd >= 0)
		close(fd); /* the mapping is enough */
	if (mapped && !dump)
		madvise(region->base, region->size, MADV_DONTDUMP);
	return mapped ? 0 : -ENOMEM;
}

void region_destroy(struct region *region, bool owner)
{
	if (region->base != NULL && owner)
		region_discard(region, region->base, region->size);
	if (region->base != NULL)
		munmap(region->base, region->size);
	*region = (struct region){0};
}

bool region_discard(const struct region *region, void *at, size_t size)
{
	uintptr_t from = ((uintptr_t)at + region->page - 1) / region->page * region->page;
	uintptr_t to = ((uintptr_t)at + size) / region->page * region->page;
	return to <= from || madvise((void *)from, to - from, MADV_REMOVE) == 0;
}
