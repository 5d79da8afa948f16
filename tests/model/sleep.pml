/*
 * The ring, `space`, and sleeping on two pairs of semaphores.  There is no heartbeat here.
 *
 * src/ring.c, all of it but what the heartbeat calls; src/worker.c: worker_run(), wait_for_permit(); src/job.c: push_ranges(),
 * post_permits(), job_wake_rest();
 * src/recover.c: clause (c).
 *
 * A semaphore is what it is in glibc 2.21 and later on 64-bit machines (nptl/sem_waitcommon.c,
 * sem_post.c): value and number of waiters in one word, moved by compare-and-swap, and a queue
 * in the kernel on which one sleeps only if the value is still 0.  A post adds to the value and
 * then, if there were waiters, wakes one of the queue: who was woken may find the value taken and
 * sleep again; who was killed has left the queue, but still counts as a waiter; who is being
 * killed may be the one woken, and then the post's wake-up is gone.  A sleeper may wake for no
 * reason (as by a signal): SPURIOUS times.
 *
 * A permit may be held back, and offered to those who spin: it is posted at any time later, but before another is
 * held back, or forgotten if the work is done.
 *
 * ITEMS rounds of work are submitted one after the other, each seen by all (the ledger) and hinted at by
 * an entry of the ring.  With LONG the first item of all ends only when all the others are done: a worker
 * that sleeps for ever while there is work stops the model.  With FORKS_MAY_FAIL it may be that the dead are
 * not replaced, and one worker must do it all.
 */
#ifndef ITEMS
#define ITEMS 2
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef SPURIOUS
#define SPURIOUS 0
#endif

#include "kill.inc"

/* ---- Semaphores: `items` of either pair ---- */

byte value[2], waiters[2];
byte queued[W]; /* in the kernel: on which pair, plus one */
byte spurious;

/* futex_wake(1): any one of the queue, also one that is about to die. */
inline futex_wake(pair)
{
	if
	:: d_step { queued[0] == (pair) + 1 -> queued[0] = 0 }
	:: d_step { queued[1] == (pair) + 1 -> queued[1] = 0 }
#if W > 2
	:: d_step { queued[2] == (pair) + 1 -> queued[2] = 0 }
	:: d_step { queued[0] != (pair) + 1 && queued[1] != (pair) + 1 && queued[2] != (pair) + 1 }
#else
	:: queued[0] != (pair) + 1 && queued[1] != (pair) + 1
#endif
	fi
}

inline sem_post(pair, had_waiters)
{
	d_step { value[pair]++; had_waiters = (waiters[pair] > 0) };
	if
	:: had_waiters -> futex_wake(pair)
	:: else
	fi;
	had_waiters = false
}

inline sem_wait(pair)
{
	if
	:: d_step { value[pair] > 0 -> value[pair]-- }
	:: d_step { value[pair] == 0 -> skip };
		waiters[pair]++;
		do
		:: d_step { value[pair] > 0 -> value[pair]--; assert(waiters[pair] > 0); waiters[pair]-- }; break
		:: d_step { value[pair] == 0 -> queued[id] = (pair) + 1 };
end_asleep:		if
			:: queued[id] == 0
			:: d_step { queued[id] != 0 && spurious < SPURIOUS -> spurious++; queued[id] = 0 }
			fi
		od
	fi
}

/* ---- The ring ---- */

byte head, tail, generation, offers;
byte first[CAPACITY], last[CAPACITY]; /* entries, of more words than one */
byte space[2];
byte parked[W];
byte bound_for[W]; /* to be checked: the pair, plus one, that a worker has decided for */

/* ---- The work: what the ledger says of each item ---- */

#define NOT_YET 0
#define TODO    1
#define DONE    2
#define running(w) (3 + (w))
byte ledger[ITEMS];
#define done_or_none(i) (i >= ITEMS || i == 0 || ledger[(i) % ITEMS] == DONE)
#define can_end(i)      (i != 0 || (done_or_none(1) && done_or_none(2) && done_or_none(3)))
#define all_done        (ledger[0] == DONE && can_end(0))

/* ---- Workers ---- */

inline run_item()
{
#ifdef LONG
	d_step { can_end(item) -> ledger[item] = DONE; item = 0 }
#else
	d_step { ledger[item] = DONE; item = 0 }
#endif
}

inline claim(i)
{
	if
	:: d_step { ledger[i] == TODO -> ledger[i] = running(id); item = i }; run_item(); found = true
	:: ledger[i] != TODO
	fi
}

inline ring_pop()
{
	at = head;
	do
	:: at >= tail -> break
	:: at < tail ->
		copied = first[at % CAPACITY];
		copied_too = last[at % CAPACITY];
		if
		:: d_step { head == at -> head++ };
			/* R2: the copy is the entry that was put there, and is not torn */
			assert(copied == at && copied_too == at);
			g = generation;
			space[g % 2]++;
			found = true;
			claim(copied);
			break
		:: d_step { head != at -> at = head }
		fi
	od;
	atomic { at = 0; copied = 0; copied_too = 0; g = 0 }
}

inline steal()
{
	claim(0);
	if
	:: ITEMS > 1 && !found -> claim(1 % ITEMS)
	:: else
	fi;
	if
	:: ITEMS > 2 && !found -> claim(2 % ITEMS)
	:: else
	fi;
	if
	:: ITEMS > 3 && !found -> claim(3 % ITEMS)
	:: else
	fi
}

/* ring_try(): an offer; or the pair, then the permit. */
inline ring_try()
{
	if
	:: d_step { offers > 0 -> offers--; found = true }
	:: offers == 0 ->
		g = generation;
		if
		:: d_step { value[g % 2] > 0 -> value[g % 2]--; found = true }
		:: value[g % 2] == 0
		fi
	fi;
	g = 0
}

inline ring_sleep()
{
	do
	:: true ->
		g = generation;
		parked[id] = g + 1;
#ifdef MUTANT_GENERATION_NOT_LOOKED_AT_AGAIN
		bound_for[id] = g % 2 + 1;
		break
#else
		if
		:: d_step { generation == g -> bound_for[id] = g % 2 + 1 }; break
		:: generation != g
		fi
#endif
	od;
	sem_wait(g % 2);
	atomic { parked[id] = 0; bound_for[id] = 0; g = 0 }
}

proctype worker(byte id)
{
	byte at, copied, copied_too, item, g;
	bool found;
born:	{
		do
		:: true ->
			ring_pop();
			if
			:: !found -> steal()
			:: else
			fi;
			if
			:: found -> found = false
			:: else ->
				/* While it spins; it may try often, and finds out no more than at once. */
				ring_try();
				if
				:: found -> found = false
				:: else -> ring_sleep()
				fi
			fi
		od
	}
	ENDS_WHEN_KILLED(queued[id] = 0; bound_for[id] = 0; at = 0; copied = 0; copied_too = 0; item = 0; g = 0; found = false)
}

/* ---- The parent ---- */

#define filled (tail - head) /* R3; see ring.c for what it makes of impossible words */

inline ring_push()
{
#ifdef MUTANT_HEAD_NOT_LOOKED_AT
	if
	:: d_step { space[generation % 2] > 0 -> space[generation % 2]-- };
#else
	room = (filled < CAPACITY);
	if
	:: d_step { room && space[generation % 2] > 0 -> space[generation % 2]-- };
#endif
		first[tail % CAPACITY] = tail;
		last[tail % CAPACITY] = tail;
		tail++
	:: else
	fi;
	room = false
}

/* push_ranges(): the post's number makes the item visible, then comes the hint, then the permits. */
inline submit()
{
#ifdef MUTANT_PERMIT_BEFORE_WORK
	sem_post(generation % 2, had);
#endif
	ledger[n] = TODO;
	ring_push();
	wake_rest();
	if
	:: offers = 1; held = true
#ifndef MUTANT_PERMIT_BEFORE_WORK
	:: sem_post(generation % 2, had)
#else
	:: skip
#endif
	fi;
	n++
}

inline wake_rest()
{
	if
	:: held -> held = false; sem_post(generation % 2, had)
	:: else
	fi
}

inline post_all(pair)
{
	i = 0;
	do
	:: i < W -> sem_post(pair, had); i++
	:: else -> break
	od;
	i = 0
}

inline look_for_parked(w)
{
#ifdef MUTANT_PARKED_NOT_LOOKED_AT
	skip
#else
	if
	:: parked[w] != 0 && parked[w] != generation + 1 -> other = true
	:: else
	fi
#endif
}

inline ring_renew()
{
	old = generation % 2;
	look_for_parked(0);
	look_for_parked(1);
#if W > 2
	look_for_parked(2);
#endif
#ifdef MUTANT_OLD_POSTED_BEFORE_THE_MOVE
	post_all(old);
#endif
	if
	:: !other ->
		/* what ring_sleep() says of it: nobody who lives is about to sleep on the pair, or does */
		assert(bound_for[0] != 2 - old && bound_for[1] != 2 - old && bound_for[W - 1] != 2 - old);
#ifdef MUTANT_NEW_PAIR_WITHOUT_PERMITS
		d_step { value[1 - old] = 0; waiters[1 - old] = 0 };
#else
		d_step { value[1 - old] = W; waiters[1 - old] = 0 };
#endif
		space[1 - old] = CAPACITY - filled;
		generation++
	:: else
	fi;
#if !defined MUTANT_OLD_POSTED_BEFORE_THE_MOVE && !defined MUTANT_OLD_NOT_POSTED
	post_all(old);
#endif
	atomic { other = false; old = 0 }
}

inline hand_back(w)
{
	d_step {
		i = 0;
		do
		:: i < ITEMS ->
			if
			:: ledger[i] == running(w) -> ledger[i] = TODO
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

inline recover(w)
{
#ifdef MUTANT_WOKEN_BEFORE_THE_OFFER
	parked[w] = 0;
	ring_renew();
	hand_back(w);
#else
	hand_back(w);
	parked[w] = 0;
	ring_renew();
#endif
#ifdef FORKS_MAY_FAIL
	if
	:: fork_replacement(w)
	:: d_step { !killed[1 - (w)] -> dead[w] = false }
	fi
#else
	fork_replacement(w)
#endif
}

active proctype parent()
{
	byte n, i, old;
	bool had, room, other, held;
	space[0] = CAPACITY;
	space[1] = CAPACITY;
	run worker(0);
	run worker(1);
#if W > 2
	run worker(2);
#endif
	do
	:: n < ITEMS -> submit()
	:: held -> wake_rest()
#ifdef MUTANT_HELD_BACK_FOR_GOOD
	:: held -> held = false
#else
	:: d_step { held && ledger[n - 1] == DONE -> held = false }
#endif
	:: all_done -> break
	:: dead[0] -> recover(0)
	:: dead[1] -> recover(1)
#if W > 2
	:: dead[2] -> recover(2)
#endif
	od
}
