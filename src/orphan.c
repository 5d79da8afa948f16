/*
 * Chunks that lost their worker: the parent's list of them, and the board's table in which
 * workers find them.  The ledger's word carries the version of the offer, so an offer that was
 * overtaken by another death cannot be taken up.
 */
#include "orphan.h"

#include "parent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct orphan *orphan_find(const forkpool_job *job, size_t chunk)
{
	struct orphan *orphan = job->orphans;
	if (orphan == NULL || !(job->orphaned[chunk / 8] >> chunk % 8 & 1))
		return NULL; /* asked for each chunk */
	while (orphan != NULL && orphan->chunk != chunk)
		orphan = orphan->next;
	return orphan;
}

struct orphan *orphan_note(forkpool_job *job, size_t chunk)
{
	struct orphan *orphan = orphan_find(job, chunk);
	if (orphan != NULL)
		return orphan;
	if (job->orphaned == NULL && (job->orphaned = calloc(job->chunks / 8 + 1, 1)) == NULL)
		return NULL;
	if ((orphan = calloc(1, sizeof *orphan)) == NULL)
		return NULL;
	job->orphaned[chunk / 8] |= (unsigned char)(1u << chunk % 8);
	orphan->next = job->orphans;
	orphan->job = job;
	orphan->chunk = chunk;
	orphan->resume = RESUME_FRESH;
	orphan->slot = -1;
	job->orphans = orphan;
	return orphan;
}

/* How many of the excluded offsets are below `offset`. */
static size_t rank(const struct orphan *orphan, size_t offset)
{
	size_t low = 0, high = orphan->excluded_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (orphan->excluded[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int orphan_exclude(struct orphan *orphan, size_t begin, size_t end)
{
	struct arena *arena = &orphan->job->pool->arena;
	size_t below = rank(orphan, begin), old = orphan->excluded_count, count = old + (end - begin);
	if (rank(orphan, end) != below)
		return -EPROTO;
	uint32_t *list = malloc(count * sizeof *list), *shown = arena_alloc(arena, count * sizeof *list);
	if (list == NULL || shown == NULL) {
		free(list);
		arena_free(arena, shown);
		return -ENOMEM;
	}
	for (size_t i = 0; i < below; i++)
		list[i] = orphan->excluded[i];
	for (size_t offset = begin; offset < end; offset++)
		list[below + (offset - begin)] = (uint32_t)offset;
	for (size_t i = below; i < old; i++)
		list[i + (end - begin)] = orphan->excluded[i];
	memcpy(shown, list, count * sizeof *list);
	free(orphan->excluded);
	arena_free(arena, orphan->shown);
	orphan->excluded = list;
	orphan->shown = shown;
	orphan->excluded_count = count;
	return 0;
}

static void withdraw(struct orphan *orphan)
{
	struct forkpool *pool = orphan->job->pool;
	if (orphan->slot < 0)
		return;
	atomic_store(&pool->engine.board->orphan[orphan->slot].version, 0);
	pool->orphan_slots[orphan->slot] = NULL;
	orphan->slot = -1;
}

static void post(struct orphan *orphan, int slot)
{
	struct forkpool *pool = orphan->job->pool;
	struct board *board = pool->engine.board;
	struct orphan_post *place = &board->orphan[slot];
	orphan->slot = slot;
	pool->orphan_slots[slot] = orphan;
	atomic_store(&place->job, orphan->job->number);
	atomic_store(&place->chunk, orphan->chunk);
	atomic_store(&place->start, orphan->resume.start);
	atomic_store(&place->tried_end, orphan->resume.tried_end);
	atomic_store(&place->step, orphan->resume.step);
	atomic_store(&place->attempt, orphan->resume.attempt);
	atomic_store(&place->excluded, orphan->shown);
	atomic_store(&place->excluded_count, orphan->excluded_count);
	atomic_store(&place->version, orphan->version);
	if (board->orphans <= (uint32_t)slot)
		atomic_store(&board->orphans, (uint32_t)slot + 1);
}

/* Its word has moved on: nobody can take this offer up any more. */
static bool is_taken(const struct orphan *orphan)
{
	uint64_t word = ledger_read(&orphan->job->ledger[orphan->chunk]);
	return (word & ~LEDGER_STOLEN) != ledger_orphan(orphan->version);
}

static int free_slot(struct forkpool *pool)
{
	for (int i = 0; i < ORPHAN_SLOTS; i++) {
		struct orphan *there = pool->orphan_slots[i];
		if (there != NULL && is_taken(there))
			withdraw(there);
		if (pool->orphan_slots[i] == NULL)
			return i;
	}
	return -1;
}

int orphan_offer(forkpool_job *job, size_t chunk, const struct resume *resume, uint64_t stolen)
{
	struct forkpool *pool = job->pool;
	struct orphan *orphan = orphan_note(job, chunk);
	if (orphan == NULL)
		return -ENOMEM;
	withdraw(orphan);
	orphan->resume = *resume;
	if (job->cancelled) {
		ledger_finish(&job->ledger[chunk], LEDGER_CANCELLED | stolen);
		return 0;
	}
	orphan->version = ++pool->version;
	ledger_finish(&job->ledger[chunk], ledger_orphan(orphan->version) | stolen);
	int slot = free_slot(pool);
	if (slot >= 0)
		post(orphan, slot);
	return 0;
}

void orphan_publish(struct forkpool *pool)
{
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
		for (struct orphan *orphan = lowest_job(pool, slots)->orphans; orphan != NULL; orphan = orphan->next) {
			int slot = orphan->slot >= 0 || is_taken(orphan) ? -1 : free_slot(pool);
			if (slot >= 0) {
				post(orphan, slot);
				ring_post(&pool->engine.ring, 1);
			}
		}
}

void orphan_free_all(forkpool_job *job)
{
	while (job->orphans != NULL) {
		struct orphan *orphan = job->orphans;
		job->orphans = orphan->next;
		withdraw(orphan);
		arena_free(&job->pool->arena, orphan->shown);
		free(orphan->excluded);
		free(orphan);
	}
	free(job->orphaned);
	job->orphaned = NULL;
}
