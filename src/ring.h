/*
 * The ring: a bounded queue of ranges of chunks, one producer (the parent), many
 * consumers (the workers), any of which may be killed at any instruction.  It is a hint:
 * it gets work to workers quickly and puts idle ones to sleep.  Entries and permits may
 * be lost, doubled or stale without any effect on what is computed, because the ledger
 * decides.
 *
 * Contract.
 *   struct ring_back   written by the parent only; read by all
 *     tail        R0: release, after the entry is filled; pairs with
 *                 R1: acquire, by a consumer, before it copies the entry
 *     entries     relaxed: an entry is refilled only while tail - head < capacity, so never
 *                 while a consumer whose compare-and-swap of `head` can still succeed
 *                 looks at it; a torn copy belongs to a swap that fails
 *     generation  which pair of semaphores is in use
 *   struct ring_front  written by all
 *     head        R2: moved by a consumer's compare-and-swap, which makes the copied entry
 *                 its own; pairs with the producer's acquire of head (R3)
 *     pairs       `items` counts permits and wakes sleepers; `space` counts free
 *                 entries.  Workers wait for items and post space; the parent posts items and
 *                 tries space, and never waits for either.
 *     offers      permits for those who are awake: the parent stores how many (release, after the
 *                 entries), and whoever spins takes them by compare-and-swap (acquire).  To post
 *                 one costs a call if anybody sleeps; an offer wakes nobody, so who makes it
 *                 posts permits later, if the work is still there
 * A worker killed in any of this holds nothing: its entry is in the ledger, its permits are
 * made good by ring_renew().
 *
 * The ring takes memory; it never allocates, forks or prints.
 */
#ifndef FORKPOOL_RING_H
#define FORKPOOL_RING_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

/* Chunks first <= c < last of a job. */
struct ring_entry {
	uint64_t job, first, last;
};

struct ring_slot {
	_Atomic uint64_t job, first, last;
};

struct ring_back {
	_Alignas(CACHE_LINE) _Atomic uint64_t tail;
	_Atomic uint32_t generation;
	uint64_t capacity; /* a power of two */
	_Alignas(CACHE_LINE) struct ring_slot entries[];
};

struct ring_pair {
	_Alignas(CACHE_LINE) sem_t items;
	_Alignas(CACHE_LINE) sem_t space;
};

struct ring_front {
	_Alignas(CACHE_LINE) _Atomic uint64_t head;
	_Alignas(CACHE_LINE) _Atomic uint32_t offers;
	struct ring_pair pairs[2];
};

struct ring {
	struct ring_back *back;
	struct ring_front *front;
	sem_t fresh; /* what all semaphores look like but for their counters */
};

size_t ring_back_size(size_t capacity);

/* Makes an empty ring of both parts.  capacity: a power of two. */
void ring_init(struct ring *ring, struct ring_back *back, struct ring_front *front, size_t capacity);

/* Parent: appends the entry; false if the ring is full. */
bool ring_push(struct ring *ring, struct ring_entry entry);

/* Parent: lets `permits` workers look. */
void ring_post(struct ring *ring, unsigned permits);

/* Parent: lets so many workers look that are awake; instead of what was left of earlier offers. */
void ring_offer(struct ring *ring, unsigned offers);

/* Worker: takes the oldest entry; false if there is none. */
bool ring_pop(struct ring *ring, struct ring_entry *entry);

/* Whether entries wait beyond `tail`. */
static inline bool ring_waits_beyond(const struct ring *ring, uint64_t tail)
{
	uint64_t now = atomic_load_explicit(&ring->back->tail, memory_order_relaxed);
	return now > tail && atomic_load_explicit(&ring->front->head, memory_order_relaxed) < now;
}

static inline uint64_t ring_tail(const struct ring *ring)
{
	return atomic_load_explicit(&ring->back->tail, memory_order_relaxed);
}

/* Worker: takes a permit or an offer if there is one. */
bool ring_try(struct ring *ring);

/* Worker: sleeps until there is a permit, and takes it.  *parked, in memory that the
 * parent reads, says meanwhile on which generation (plus one) it sleeps. */
void ring_sleep(struct ring *ring, _Atomic uint32_t *parked);

/* Parent, after a death: a killed sleeper leaves its semaphore counting a waiter for ever,
 * so the ring moves to a fresh pair, unless a living worker is still on that (*parked[i]
 * for each); in any case every sleeper is woken, and the next `workers` looks are free. */
void ring_renew(struct ring *ring, const _Atomic uint32_t *parked, size_t stride, unsigned workers);

/* Parent: wakes every sleeper, also where the number of them was overwritten.  Who finds no permit sleeps on. */
void ring_rouse(struct ring *ring);

/* Parent: whether what workers write of the ring, and *parked of each, can be their honest work. */
bool ring_is_possible(const struct ring *ring, const _Atomic uint32_t *parked, size_t stride, unsigned workers);

#endif
