/*
 * A segregated-fit allocator with boundary merging over address space, all of whose state is
 * outside of that space.  A segment is `dirty` if it may hold something else than zeros.
 */
#include "arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct arena_segment {
	char *at;
	size_t size;
	bool free, dirty;
	struct arena_segment *before, *after;      /* by address */
	struct arena_segment *bin_prev, *bin_next; /* in its bin, if free */
	struct arena_segment *hash_next;           /* in its hash chain, if used */
};

/* Freed pieces from this size on go back to the system even where warm pages would be
 * welcome to the next user; smaller ones are kept. */
#define KEEP_WARM ((size_t)256 << 20)

/* Zeroing more than this by writing costs more than by giving pages back. */
#define WORTH_DISCARDING ((size_t)64 << 10)

static unsigned bin_of(size_t size)
{
	return 63u - (unsigned)__builtin_clzll(size);
}

static void bin_insert(struct arena *arena, struct arena_segment *segment)
{
	unsigned bin = bin_of(segment->size);
	segment->free = true;
	segment->bin_prev = NULL;
	segment->bin_next = arena->bins[bin];
	if (segment->bin_next != NULL)
		segment->bin_next->bin_prev = segment;
	arena->bins[bin] = segment;
	arena->bins_in_use |= (uint64_t)1 << bin;
}

static void bin_remove(struct arena *arena, struct arena_segment *segment)
{
	unsigned bin = bin_of(segment->size);
	segment->free = false;
	if (segment->bin_next != NULL)
		segment->bin_next->bin_prev = segment->bin_prev;
	if (segment->bin_prev != NULL)
		segment->bin_prev->bin_next = segment->bin_next;
	else if ((arena->bins[bin] = segment->bin_next) == NULL)
		arena->bins_in_use &= ~((uint64_t)1 << bin);
}

static struct arena_segment **chain_of(struct arena *arena, const void *at)
{
	uint64_t hash = (uint64_t)(uintptr_t)at / ARENA_ALIGNMENT * UINT64_C(0x9E3779B97F4A7C15);
	return &arena->table[hash >> 32 & (arena->table_size - 1)];
}

static void table_insert(struct arena *arena, struct arena_segment *segment)
{
	struct arena_segment **chain = chain_of(arena, segment->at);
	segment->hash_next = *chain;
	*chain = segment;
	arena->used++;
}

static struct arena_segment *table_remove(struct arena *arena, const void *at)
{
	for (struct arena_segment **link = chain_of(arena, at); *link != NULL; link = &(*link)->hash_next)
		if ((*link)->at == at) {
			struct arena_segment *found = *link;
			*link = found->hash_next;
			arena->used--;
			return found;
		}
	return NULL;
}

/* Doubles the table once there is a segment a chain. */
static bool table_grow(struct arena *arena)
{
	if (arena->used < arena->table_size)
		return true;
	struct arena_segment **old = arena->table;
	size_t old_size = arena->table_size;
	struct arena_segment **table = calloc(old_size * 2, sizeof(struct arena_segment *));
	if (table == NULL)
		return false;
	arena->table = table;
	arena->table_size = old_size * 2;
	arena->used = 0;
	for (size_t i = 0; i < old_size; i++)
		for (struct arena_segment *segment = old[i], *next; segment != NULL; segment = next) {
			next = segment->hash_next;
			table_insert(arena, segment);
		}
	free(old);
	return true;
}

int arena_init(struct arena *arena, const struct region *region, size_t offset)
{
	*arena = (struct arena){.region = region, .table_size = 64};
	arena->table = calloc(arena->table_size, sizeof(struct arena_segment *));
	struct arena_segment *all = calloc(1, sizeof *all);
	if (arena->table == NULL || all == NULL) {
		free(all);
		arena_destroy(arena);
		return -ENOMEM;
	}
	all->at = arena->base = region->base + offset;
	all->size = region->size - offset;
	arena->first = all;
	bin_insert(arena, all);
	return 0;
}

void arena_destroy(struct arena *arena)
{
	for (struct arena_segment *segment = arena->first, *next; segment != NULL; segment = next) {
		next = segment->after;
		free(segment);
	}
	free(arena->table);
	*arena = (struct arena){0};
}

/* A free segment of at least this size: the first that fits in the size's own bin, else any of a
 * larger bin. */
static struct arena_segment *find_free(struct arena *arena, size_t size)
{
	unsigned bin = bin_of(size);
	for (struct arena_segment *segment = arena->bins[bin]; segment != NULL; segment = segment->bin_next)
		if (segment->size >= size)
			return segment;
	uint64_t larger = bin == 63 ? 0 : arena->bins_in_use >> (bin + 1) << (bin + 1);
	return larger == 0 ? NULL : arena->bins[__builtin_ctzll(larger)];
}

/* Cuts what is beyond `size` off as a free segment of its own. */
static bool split(struct arena *arena, struct arena_segment *segment, size_t size)
{
	if (segment->size == size)
		return true;
	struct arena_segment *rest = calloc(1, sizeof *rest);
	if (rest == NULL)
		return false;
	rest->at = segment->at + size;
	rest->size = segment->size - size;
	rest->dirty = segment->dirty;
	rest->before = segment;
	rest->after = segment->after;
	if (rest->after != NULL)
		rest->after->before = rest;
	segment->after = rest;
	segment->size = size;
	bin_insert(arena, rest);
	return true;
}

static struct arena_segment *take(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX - ARENA_ALIGNMENT || !table_grow(arena))
		return NULL;
	size = arena_rounded(size);
	struct arena_segment *segment = find_free(arena, size);
	if (segment == NULL)
		return NULL;
	bin_remove(arena, segment);
	if (!split(arena, segment, size)) {
		bin_insert(arena, segment);
		return NULL;
	}
	table_insert(arena, segment);
	return segment;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_segment *segment = take(arena, size);
	if (segment == NULL)
		return NULL;
	segment->dirty = true;
	return segment->at;
}

/* Gives the segment's pages back.  The bytes on pages shared with neighbours are written. */
static bool discard(const struct arena *arena, struct arena_segment *segment)
{
	size_t page = arena->region->page;
	uintptr_t from = (uintptr_t)segment->at, to = from + segment->size;
	uintptr_t first_page = (from + page - 1) / page * page, last_page = to / page * page;
	if (first_page >= last_page || !region_discard(arena->region, segment->at, segment->size))
		return false;
	memset(segment->at, 0, first_page - from);
	memset((void *)last_page, 0, to - last_page);
	return true;
}

void *arena_alloc_zeroed(struct arena *arena, size_t size, bool sparse)
{
	struct arena_segment *segment = take(arena, size);
	if (segment == NULL)
		return NULL;
	/* Small pieces are written in any case: a task may have written where it should not. */
	bool large = size >= (sparse ? WORTH_DISCARDING : KEEP_WARM);
	bool discarded = segment->dirty && large && discard(arena, segment);
	if (!discarded && (segment->dirty || !large))
		memset(segment->at, 0, segment->size);
	segment->dirty = true;
	return segment->at;
}

/* Makes one segment of two neighbours; `segment` is the lower one. */
static void merge_after(struct arena_segment *segment)
{
	struct arena_segment *gone = segment->after;
	segment->size += gone->size;
	segment->dirty |= gone->dirty;
	segment->after = gone->after;
	if (segment->after != NULL)
		segment->after->before = segment;
	free(gone);
}

static void put_back(struct arena *arena, struct arena_segment *segment)
{
	if (segment->after != NULL && segment->after->free) {
		bin_remove(arena, segment->after);
		merge_after(segment);
	}
	if (segment->before != NULL && segment->before->free) {
		segment = segment->before;
		bin_remove(arena, segment);
		merge_after(segment);
	}
	bin_insert(arena, segment);
}

static void give_back(struct arena *arena, void *piece, size_t keep)
{
	struct arena_segment *segment = piece == NULL ? NULL : table_remove(arena, piece);
	if (segment == NULL)
		return;
	if (segment->size >= keep && discard(arena, segment))
		segment->dirty = false;
	put_back(arena, segment);
}

void arena_free(struct arena *arena, void *piece)
{
	give_back(arena, piece, KEEP_WARM);
}

void arena_release(struct arena *arena, void *piece)
{
	give_back(arena, piece, WORTH_DISCARDING);
}

void arena_distrust(struct arena *arena)
{
	for (struct arena_segment *segment = arena->first; segment != NULL; segment = segment->after)
		if (segment->free)
			segment->dirty = !discard(arena, segment);
}
