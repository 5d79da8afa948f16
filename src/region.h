/*
 * The region: one shared mapping, made before the first fork, so that every pointer into it
 * is valid in every worker at the same address.  It has no name that could be left behind and
 * no descriptor that a host could close: a sealed memfd, closed once it is mapped; or, where that
 * cannot be had, a shared mapping of no file at all.
 */
#ifndef FORKPOOL_REGION_H
#define FORKPOOL_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct region {
	char *base;
	size_t size;
	size_t page;
};

/* Maps at least `least` bytes, at best `wanted`: a refused size is halved and tried again.
 * dump: whether core dumps may include it.  0 or -ENOMEM. */
int region_create(struct region *region, size_t least, size_t wanted, bool dump);
/* Unmaps it; owner: and gives its pages back at once, though others may have it mapped. */
void region_destroy(struct region *region, bool owner);

/* Gives the whole pages inside the piece back to the system, though other processes have
 * them mapped; they read as zero afterwards.  Returns false if that is refused. */
bool region_discard(const struct region *region, void *at, size_t size);

static inline bool region_contains(const struct region *region, const void *at, size_t size)
{
	size_t offset = (size_t)((const char *)at - region->base);
	return (const char *)at >= region->base && offset <= region->size && size <= region->size - offset;
}

#endif
