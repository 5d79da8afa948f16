/*
 * Chunks that lost their worker: the parent's list of them, and the places on the board in which
 * workers find them.
 */
#ifndef FORKPOOL_ORPHAN_H
#define FORKPOOL_ORPHAN_H

#include "job.h"

/* A chunk that lost its worker. */
struct orphan {
	struct orphan *next;
	struct job *job;
	size_t chunk, start; /* start: offset of the first task still to be run */
	uint32_t version;
	int slot;           /* in the board's table; -1: waiting for a place */
	uint32_t *excluded; /* in the arena: offsets that a fold leaves out */
	size_t excluded_count;
};

/* Notes that the chunk goes on from `start`, and offers it to the workers.  0 or -ENOMEM. */
int orphan_offer(struct job *job, size_t chunk, size_t start, uint64_t stolen);

struct orphan *orphan_find(const struct job *job, size_t chunk);

/* Found or made; NULL: no memory. */
struct orphan *orphan_note(struct job *job, size_t chunk);

/* What the chunk's next fold leaves out: the first such offset of from .. end-1, else end; how many there are with
 * begin .. end-1; room for so many (NULL: no memory); and adds begin .. end-1, moving to that room. */
size_t orphan_next_excluded(const struct orphan *orphan, size_t from, size_t end);
size_t orphan_count_with(const struct orphan *orphan, size_t begin, size_t end);
uint32_t *orphan_room(const struct orphan *orphan, size_t count);
void orphan_exclude(struct orphan *orphan, size_t begin, size_t end, uint32_t *list);

/* Gives places that have become free to orphans that wait for one. */
void orphan_publish(struct forkpool *pool);
void orphan_free_all(struct job *job);

#endif
