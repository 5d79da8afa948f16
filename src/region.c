/*
 * The shared mapping.  See region.h.
 */
#include "api.h"
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* ftruncate() beyond RLIMIT_FSIZE would send the host a SIGXFSZ. */
static size_t file_size_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > SIZE_MAX)
		return SIZE_MAX;
	return (size_t)limit.rlim_cur;
}

static int open_memfd(void)
{
#ifdef HAVE_MEMFD_CREATE
	return memfd_create("forkpool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int open_named(void)
{
	for (int tries = 0; tries < 16; tries++) {
		uint64_t random;
		char name[40];
		if (getrandom(&random, sizeof random, 0) != sizeof random)
			return -1;
		snprintf(name, sizeof name, "/forkpool-%016llx", (unsigned long long)random);
		int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0) {
			shm_unlink(name);
			return fd;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int map_size(struct region *region, int fd, size_t size)
{
	if (ftruncate(fd, (off_t)size) != 0)
		return -errno;
	/* Not accessible at first: a host that has called mlockall(MCL_FUTURE) would get all of it at once. */
	void *base = mmap(NULL, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	munlock(base, size);
	if (mprotect(base, size, PROT_READ | PROT_WRITE) != 0) {
		int error = -errno;
		munmap(base, size);
		return error;
	}
	region->base = base;
	region->size = size;
	return 0;
}

static int map_largest(struct region *region, int fd, size_t least, size_t wanted)
{
	size_t limit = file_size_limit();
	for (size_t size = wanted; size > least; size = size / 2 / region->page * region->page)
		if (size <= limit && map_size(region, fd, size) == 0)
			return 0;
	return least <= limit && map_size(region, fd, least) == 0 ? 0 : -ENOMEM;
}

int region_create(struct region *region, size_t least, size_t wanted, bool dump)
{
	*region = (struct region){.page = (size_t)sysconf(_SC_PAGESIZE), .fd = -1};
	int fd = open_memfd();
	bool named = fd < 0 && errno != EMFILE && errno != ENFILE;
	if (named)
		fd = open_named();
	if (fd < 0)
		return -errno;
	int error = map_largest(region, fd, least, wanted);
	if (error == 0 && !dump)
		madvise(region->base, region->size, MADV_DONTDUMP);
	if (error == 0 && named) {
		region->fd = fd;
		return 0;
	}
#ifdef F_ADD_SEALS
	if (error == 0)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
#endif
	close(fd); /* the mapping is enough */
	return error;
}

void region_destroy(struct region *region, bool owner)
{
	if (region->base != NULL && owner)
		region_discard(region, region->base, region->size);
	if (region->base != NULL)
		munmap(region->base, region->size);
	if (region->fd >= 0)
		close(region->fd);
	*region = (struct region){.fd = -1};
}

int region_reserve(const struct region *region, const void *at, size_t size)
{
	if (region->fd < 0)
		return 0;
	off_t offset = (off_t)((const char *)at - region->base);
	int error;
	do
		error = posix_fallocate(region->fd, offset, (off_t)size);
	while (error == EINTR);
	return error == 0 ? 0 : -ENOMEM;
}

bool region_discard(const struct region *region, void *at, size_t size)
{
	uintptr_t from = ((uintptr_t)at + region->page - 1) / region->page * region->page;
	uintptr_t to = ((uintptr_t)at + size) / region->page * region->page;
	return to <= from || madvise((void *)from, to - from, MADV_REMOVE) == 0;
}
