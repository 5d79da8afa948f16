/*
 * The ledger: one atomic word a chunk, and the truth about what has been done.
 *
 *   TODO -> RUNNING(worker) -> DONE(failed, cancelled)
 *   TODO -> CANCELLED                          by the parent
 *   RUNNING(dead worker) -> ORPHAN(version)    by the parent, once the worker is reaped
 *   ORPHAN(version) -> RUNNING(worker)         or CANCELLED, or DONE, by the parent
 *
 * Contract.  A claim is one compare-and-swap that carries the claimer's name, so no kill
 * can come between the claim and its record.  Whoever moved a word to RUNNING is the
 * only one to move it on, until it is dead; DONE and CANCELLED are final.
 *   L0  claim: acquire, so that what the parent wrote before an ORPHAN is seen;
 *   L1  finish: release, after the chunk's last result; pairs with
 *   L2  read: acquire, by the parent, before it touches the results.
 *
 * Every word has one bit, STOLEN, that says from which end its range was being swept when
 * the chunk was first claimed: upwards by the range's owner, or downwards by thieves.  As
 * owners only go up and thieves only go down, the TODO chunks of a range are always
 * contiguous: a thief who comes down through STOLEN words to one that is neither STOLEN
 * nor TODO knows that nothing below is left, and so does an owner who meets a STOLEN one.
 * The bit survives orphaning, so a death does not hide what lies behind it.
 *
 * This file knows words and nothing else: not what a chunk is, nor who a worker.
 */
#ifndef FORKPOOL_LEDGER_H
#define FORKPOOL_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(long long) == 8, "64-bit atomics must be lock-free");

typedef _Atomic uint64_t ledger_word;

/* A fresh ledger is zeroed memory. */
enum ledger_state { LEDGER_TODO = 0, LEDGER_RUNNING, LEDGER_DONE, LEDGER_ORPHAN, LEDGER_CANCELLED };

/* Bits: 0-2 state, 3 STOLEN, and from 4 on
 *   RUNNING  12 slot, 32 incarnation
 *   DONE     30 failed, 30 cancelled
 *   ORPHAN   32 version */
#define LEDGER_STATE_MASK ((uint64_t)7)
#define LEDGER_STOLEN     ((uint64_t)8)
enum { LEDGER_COUNT_BITS = 30, LEDGER_SLOT_BITS = 12 };

static inline enum ledger_state ledger_state(uint64_t word)
{
	return (enum ledger_state)(word & LEDGER_STATE_MASK);
}

static inline uint64_t ledger_running(unsigned slot, uint32_t incarnation)
{
	return LEDGER_RUNNING | (uint64_t)slot << 4 | (uint64_t)incarnation << 16;
}

static inline uint64_t ledger_orphan(uint32_t version)
{
	return LEDGER_ORPHAN | (uint64_t)version << 4;
}

static inline uint64_t ledger_done(uint64_t failed, uint64_t cancelled)
{
	return LEDGER_DONE | failed << 4 | cancelled << (4 + LEDGER_COUNT_BITS);
}

/* Of a DONE word: how many of the chunk's tasks failed, and how many were not run. */
static inline uint64_t ledger_failed(uint64_t word)
{
	return word >> 4 & (((uint64_t)1 << LEDGER_COUNT_BITS) - 1);
}

static inline uint64_t ledger_cancelled(uint64_t word)
{
	return word >> (4 + LEDGER_COUNT_BITS);
}

static inline bool ledger_settled(uint64_t word)
{
	enum ledger_state state = ledger_state(word);
	return state == LEDGER_DONE || state == LEDGER_CANCELLED;
}

/* Whether the word says RUNNING by exactly this worker, however it was claimed. */
static inline bool ledger_is_running(uint64_t word, uint64_t running)
{
	return (word & ~LEDGER_STOLEN) == running;
}

/* L2 */
static inline uint64_t ledger_read(const ledger_word *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

/* A look before a claim: the claim itself orders. */
static inline uint64_t ledger_peek(const ledger_word *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* L0: moves the word from `expected` to `running`; false: somebody else was first.
 * On failure nothing is ordered, and nothing needs to be. */
static inline bool ledger_claim(ledger_word *word, uint64_t expected, uint64_t running)
{
	return atomic_compare_exchange_strong_explicit(word, &expected, running, memory_order_acq_rel,
	                                               memory_order_relaxed);
}

/* L1 */
static inline void ledger_finish(ledger_word *word, uint64_t done)
{
	atomic_store_explicit(word, done, memory_order_release);
}

/* Moves every word of the range that is TODO or ORPHAN to CANCELLED, whatever its
 * claimers do meanwhile.  Returns how many it moved. */
size_t ledger_cancel(ledger_word *words, size_t count);

/* The first index from `cursor` on whose word is not settled; count if there is none. */
size_t ledger_pass_settled(const ledger_word *words, size_t cursor, size_t count);

#endif
