/*
 * textbook.h - what the textbook pools have in common: any of a peer's calls becomes one work, cut into pieces of its
 * indices, and whoever gets a piece calls work_do().
 */
#ifndef TEXTBOOK_H
#define TEXTBOOK_H

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
void work_do(const struct work *work, size_t begin, size_t end);

/* How many indices a piece has if `chunk` leaves it to the pool: ranges one piece a worker, as nothing is known of them
 * but their length; tasks four a worker, which is what multiprocessing.Pool does. */
size_t work_chunk(const struct work *work, size_t count, size_t chunk, unsigned workers);

/* Does the work in pieces of `chunk` indices (0: see above), on all workers.  0 or -errno.  The pool's own. */
int textbook_run(const struct work *work, size_t count, size_t chunk);

/* The calls of struct peer, by textbook_run().  A job is a piece of one task. */
int textbook_each(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx);
int textbook_ranges(size_t count, size_t chunk, forkpool_range_fn *function, void *ctx);
int textbook_map(forkpool_map_fn *function, const void *items, size_t count, size_t item_size, void *results,
                 size_t result_size);
int textbook_jobs(size_t count, forkpool_for_fn *function);

#endif
