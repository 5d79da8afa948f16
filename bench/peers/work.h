/*
 * work.h - what the textbook pools hand to their workers: any of a peer's calls, and a piece of its indices.
 *
 * Whether it was each(), ranges() or map(): a pool cuts 0 .. count into pieces, and whoever gets one calls work_do().
 */
#ifndef WORK_H
#define WORK_H

#include "peer.h"

struct work {
	enum { WORK_EACH, WORK_RANGES, WORK_MAP } kind;
	union {
		forkpool_for_fn *each;
		forkpool_range_fn *ranges;
		forkpool_map_fn *map;
	} function;
	void *ctx;         /* of each and ranges */
	const char *items; /* of map, and what follows */
	char *results;
	size_t item_size, result_size;
};

/* What functions return is dropped: these pools have nowhere to put it. */
static inline void work_do(const struct work *work, size_t begin, size_t end)
{
	switch (work->kind) {
	case WORK_EACH:
		for (size_t i = begin; i < end; i++)
			work->function.each(i, work->ctx);
		break;
	case WORK_RANGES:
		work->function.ranges(begin, end, work->ctx);
		break;
	case WORK_MAP:
		for (size_t i = begin; i < end; i++)
			work->function.map(work->items + i * work->item_size, work->results + i * work->result_size,
			                   NULL);
		break;
	}
}

/* How many indices a piece has if `chunk` leaves it to the pool: ranges one piece a worker, as nothing is known of them
 * but their length; tasks four a worker, which is what multiprocessing.Pool does. */
static inline size_t work_chunk(const struct work *work, size_t count, size_t chunk, unsigned workers)
{
	size_t pieces = work->kind == WORK_RANGES ? workers : (size_t)4 * workers;
	if (chunk == 0)
		chunk = count / pieces + (count % pieces != 0);
	return chunk > 0 ? chunk : 1;
}

#endif
