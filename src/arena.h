/*
 * The arena: pieces of the region, handed out by the parent and visible to all workers, those
 * already running included.  The allocator's state is in the parent's private memory, so a
 * worker that scribbles cannot disturb it.  One thread at a time, as the pool.
 */
#ifndef FORKPOOL_ARENA_H
#define FORKPOOL_ARENA_H

#include "region.h"

#include <stdint.h>

enum { ARENA_ALIGNMENT = 64, ARENA_BINS = 64 };

struct arena_segment; /* a piece in use, or free */

struct arena {
	const struct region *region;
	char *base;                             /* where it begins */
	struct arena_segment *first;            /* all, by address */
	struct arena_segment *bins[ARENA_BINS]; /* the free ones, by log2 of their size */
	uint64_t bins_in_use;                   /* bit b: bins[b] is not empty */
	struct arena_segment **table;           /* the used ones, hashed by address */
	size_t table_size, used;                /* table_size: a power of two */
};

/* As much as a piece of that size takes. */
static inline size_t arena_rounded(size_t size)
{
	return (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

/* Manages the region from `offset` to its end.  0 or -ENOMEM. */
int arena_init(struct arena *arena, const struct region *region, size_t offset);
void arena_destroy(struct arena *arena);

/* A piece of `size` bytes (more than 0), aligned to ARENA_ALIGNMENT, or NULL: no space, or no
 * memory.  Cost: a look into one bin, of pieces of about this size. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, zeroed.  sparse: most of it will never be touched, so that large pieces are
 * zeroed by giving their pages back and not by writing to them. */
void *arena_alloc_zeroed(struct arena *arena, size_t size, bool sparse);

/* Gives a piece back; what is not the beginning of one (NULL included) is ignored. */
void arena_free(struct arena *arena, void *piece);

/* The same, and its pages back to the system. */
void arena_release(struct arena *arena, void *piece);

/* Somebody may have written to what is free: nothing of it counts as zeroed any more, but what the system
 * takes back. */
void arena_distrust(struct arena *arena);

#endif
