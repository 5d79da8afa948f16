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
	forkpool_job *job;
	size_t chunk;
	struct resume resume;
	uint32_t version;
	int slot;           /* in the board's table; -1: waiting for a place */
	uint32_t *excluded; /* offsets that a fold leaves out */
	size_t excluded_count;
	uint32_t *shown; /* the same in the arena, for workers: there it can be overwritten */
};

/* Notes how the chunk goes on, and offers it to the workers.  0 or -ENOMEM. */
int orphan_offer(forkpool_job *job, size_t chunk, const struct resume *resume, uint64_t stolen);

struct orphan *orphan_find(const forkpool_job *job, size_t chunk);

/* Found or made; NULL: no memory. */
struct orphan *orphan_note(forkpool_job *job, size_t chunk);

/* The chunk's next fold leaves out begin .. end-1, too.  0; -ENOMEM; or -EPROTO: some are excluded already. */
int orphan_exclude(struct orphan *orphan, size_t begin, size_t end);

/* Gives places that have become free to orphans that wait for one. */
void orphan_publish(struct forkpool *pool);
void orphan_free_all(forkpool_job *job);

#endif
