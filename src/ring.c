/*
 * The ring of ranges.  See ring.h for who may do what, and what each ordering pairs with.
 */
#include "ring.h"

#include "killpoint.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

size_t ring_back_size(size_t capacity)
{
	return sizeof(struct ring_back) + capacity * sizeof(struct ring_slot);
}

static struct ring_pair *current_pair(const struct ring *ring)
{
	return &ring->front->pairs[atomic_load(&ring->back->generation) & 1];
}

/* Entries filled, as far as can be believed: head is in memory that workers write. */
static uint64_t filled(const struct ring *ring)
{
	uint64_t tail = ring_tail(ring), head = atomic_load_explicit(&ring->front->head, memory_order_acquire); /* R3 */
	return head <= tail && tail - head <= ring->back->capacity ? tail - head : ring->back->capacity;
}

/* ---- Semaphores in memory that workers write ---- */

/* In the 64-bit Linux libraries a semaphore begins with its value and its number of waiters; all behind that
 * is constant, and decides what sem_post() asks of the kernel: with other bytes there it may sleep, or abort. */
enum { SEM_COUNTERS = sizeof(long) == 8 ? 8 : sizeof(sem_t) };

static bool is_whole(const struct ring *ring, const sem_t *sem)
{
	return memcmp((const char *)sem + SEM_COUNTERS, (const char *)&ring->fresh + SEM_COUNTERS,
	              sizeof ring->fresh - SEM_COUNTERS) == 0;
}

static void post(const struct ring *ring, sem_t *sem, unsigned permits)
{
	for (unsigned i = 0; i < permits && is_whole(ring, sem); i++) /* if not, ring_is_possible() says so, too */
		sem_post(sem);
}

static void init_pair(struct ring_pair *pair, unsigned items, uint64_t space)
{
	memset(pair, 0, sizeof *pair);
	sem_init(&pair->items, 1, items);
	sem_init(&pair->space, 1, (unsigned)space);
}

void ring_init(struct ring *ring, struct ring_back *back, struct ring_front *front, size_t capacity)
{
	ring->back = back;
	ring->front = front;
	memset(&ring->fresh, 0, sizeof ring->fresh);
	sem_init(&ring->fresh, 1, 0);
	back->capacity = capacity;
	atomic_store(&back->tail, 0);
	atomic_store(&back->generation, 0);
	atomic_store(&front->head, 0);
	atomic_store(&front->offers, 0);
	init_pair(&front->pairs[0], 0, capacity);
	init_pair(&front->pairs[1], 0, capacity);
}

bool ring_push(struct ring *ring, struct ring_entry entry)
{
	struct ring_back *back = ring->back;
	uint64_t tail = ring_tail(ring);
	if (filled(ring) == back->capacity || sem_trywait(&current_pair(ring)->space) != 0)
		return false;
	struct ring_slot *slot = &back->entries[tail & (back->capacity - 1)];
	atomic_store_explicit(&slot->job, entry.job, memory_order_relaxed);
	atomic_store_explicit(&slot->first, entry.first, memory_order_relaxed);
	atomic_store_explicit(&slot->last, entry.last, memory_order_relaxed);
	atomic_store_explicit(&back->tail, tail + 1, memory_order_release); /* R0 */
	return true;
}

void ring_post(struct ring *ring, unsigned permits)
{
	post(ring, &current_pair(ring)->items, permits);
}

void ring_offer(struct ring *ring, unsigned offers)
{
	atomic_store_explicit(&ring->front->offers, offers, memory_order_release);
}

static bool take_offer(struct ring *ring)
{
	uint32_t offers = atomic_load_explicit(&ring->front->offers, memory_order_relaxed);
	while (offers > 0)
		if (atomic_compare_exchange_weak_explicit(&ring->front->offers, &offers, offers - 1,
		                                          memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

void ring_rouse(struct ring *ring)
{
	for (int i = 0; i < 2; i++)
		for (int word = 0; word < 2; word++) /* the value is in one of them */
			syscall(SYS_futex, (uint32_t *)(void *)&ring->front->pairs[i].items + word, FUTEX_WAKE, INT_MAX,
			        NULL, NULL, 0);
}

bool ring_is_possible(const struct ring *ring, const _Atomic uint32_t *parked, size_t stride, unsigned workers)
{
	uint64_t head = atomic_load(&ring->front->head), tail = ring_tail(ring);
	uint32_t here = atomic_load(&ring->back->generation) + 1;
	if (head > tail || tail - head > ring->back->capacity)
		return false;
	for (int i = 0; i < 2; i++)
		if (!is_whole(ring, &ring->front->pairs[i].items) || !is_whole(ring, &ring->front->pairs[i].space))
			return false;
	for (unsigned i = 0; i < workers; i++)
		if (atomic_load((const _Atomic uint32_t *)((uintptr_t)parked + i * stride)) > here)
			return false;
	return true;
}

bool ring_pop(struct ring *ring, struct ring_entry *entry)
{
	struct ring_back *back = ring->back;
	uint64_t head = atomic_load_explicit(&ring->front->head, memory_order_relaxed);
	do {
		uint64_t tail = atomic_load_explicit(&back->tail, memory_order_acquire); /* R1 */
		if (head >= tail)
			return false;
		const struct ring_slot *slot = &back->entries[head & (back->capacity - 1)];
		entry->job = atomic_load_explicit(&slot->job, memory_order_relaxed);
		entry->first = atomic_load_explicit(&slot->first, memory_order_relaxed);
		entry->last = atomic_load_explicit(&slot->last, memory_order_relaxed);
		KILL_POINT(POP_COPIED);
		/* R2 */
	} while (!atomic_compare_exchange_weak_explicit(&ring->front->head, &head, head + 1, memory_order_acq_rel,
	                                                memory_order_relaxed));
	KILL_POINT(POP_TAKEN);
	sem_post(&current_pair(ring)->space);
	KILL_POINT(POP_DONE);
	return true;
}

bool ring_try(struct ring *ring)
{
	return take_offer(ring) || sem_trywait(&current_pair(ring)->items) == 0;
}

void ring_sleep(struct ring *ring, _Atomic uint32_t *parked)
{
	/* Announce the generation, then look whether it is still the one: either this worker
	 * sees the parent's move, or the parent sees where it is parked (both seq_cst). */
	uint32_t generation;
	do {
		generation = atomic_load(&ring->back->generation);
		atomic_store(parked, generation + 1);
	} while (atomic_load(&ring->back->generation) != generation);
	KILL_POINT(PARKED);
	while (sem_wait(&ring->front->pairs[generation & 1].items) != 0 && errno == EINTR)
		;
	KILL_POINT(WOKEN);
	atomic_store(parked, 0);
}

static bool anyone_on_other_pair(const struct ring *ring, uintptr_t parked, size_t stride, unsigned workers)
{
	uint32_t here = atomic_load(&ring->back->generation) + 1;
	for (unsigned i = 0; i < workers; i++, parked += stride) {
		uint32_t on = atomic_load((const _Atomic uint32_t *)parked);
		if (on != 0 && on != here)
			return true;
	}
	return false;
}

void ring_renew(struct ring *ring, const _Atomic uint32_t *parked, size_t stride, unsigned workers)
{
	struct ring_pair *old = current_pair(ring);
	if (!anyone_on_other_pair(ring, (uintptr_t)parked, stride, workers)) {
		uint32_t generation = atomic_load(&ring->back->generation) + 1;
		init_pair(&ring->front->pairs[generation & 1], workers, ring->back->capacity - filled(ring));
		atomic_store(&ring->back->generation, generation);
	}
	/* After the move, so that nobody but those still on the old pair takes these. */
	post(ring, &old->items, workers);
}
