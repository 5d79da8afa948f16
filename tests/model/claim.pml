/*
 * One job: ledger, announcement, positions, stealing, orphans, recovery, reuse of a worker's slot.
 *
 * src/worker.c: sweep_up(), sweep_down(), steal(), adopt(), take_chunk(), run_chunk();
 * src/task.c: RUN_TASKS; src/recover.c; src/orphan.c; src/job.c: job_cancel(), read_ledger().
 *
 * Each index must be begun exactly once, or be charged (once, and only if a position announced
 * it), or be cancelled without having been begun; the counts add up.  With LONG the first
 * task of chunk LONG ends only when all other chunks are settled, so that a worker that sleeps
 * while there is work stops the model.  With SHARED there is one range for all, and with TURNS a worker may
 * leave after any chunk, for a job that waits, and come back as a thief.
 *
 * Here the ring hands out each entry at most once, and a permit is a counter: see sleep.pml.
 * Pins: pins.pml.  How the parent learns that all is settled: bell.pml.
 */
#ifndef CHUNKS
#define CHUNKS 4
#endif
#ifndef LEN
#define LEN 1 /* tasks a chunk: at most 3 */
#endif
#ifndef SLOTS
#define SLOTS 2 /* for orphans on the board; if there is 1, then the heartbeat shows what found no place */
#endif
#ifndef PERMITS
#define PERMITS W /* beyond those that the workers have taken who are awake at the beginning */
#endif
#define ENTRIES 2 /* of the ring */
#ifdef SHARED
#define RANGES 1 /* a small job: each entry is of the whole, and claims decide */
#else
#define RANGES ENTRIES
#endif
#define N (CHUNKS * LEN)

#include "kill.inc"

/* A ledger's word: state, STOLEN, and above them the worker; or failed and cancelled; or the version. */
#define TODO      0
#define RUNNING   1
#define DONE      2
#define ORPHAN    3
#define CANCELLED 4
#define STATE(word)  ((word) & 7)
#define STOLEN       8
#define running(w)   (RUNNING | ((w) << 4))
#define orphan(v)    (ORPHAN | ((v) << 4))
#define done(failed, cancelled) (DONE | ((failed) << 4) | ((cancelled) << 6))
#define failed_of(word)    (((word) >> 4) & 3)
#define cancelled_of(word) ((word) >> 6)
#define settled(c)   (STATE(ledger[c]) == DONE || STATE(ledger[c]) == CANCELLED)
byte ledger[CHUNKS];

/* A worker's record. */
#define CLAIMING 0
#define position_running(offset, failed) (1 | ((offset) << 1) | ((failed) << 3))
#define position_offset(p) (((p) >> 1) & 3)
#define position_failed(p) ((p) >> 3)
bool pin[W];
byte chunk_of[W], position[W];

/* The board's orphan posts. */
byte post_version[SLOTS], post_chunk[SLOTS], post_start[SLOTS];

byte head;            /* of the ring */
byte permits = PERMITS;
bool stop;

/* What the tasks do; and, to be checked, what has happened to each index. */
#define FAILS(i) ((i) % 2 == 0)
#define NOTHING 0
#define FAILED  1
#define CRASHED 2
#define NOT_RUN 3
byte status[N];
bool begun[N], announced[N];
bool over; /* the parent has returned */

#define settled_too(c) (c >= CHUNKS || settled((c) % CHUNKS))
#define all_settled    (settled_too(0) && settled_too(1) && settled_too(2) && settled_too(3) && settled_too(4))

#define range_begin(r) ((r) * CHUNKS / RANGES)

/* ---- Workers ---- */

inline announce(c)
{
#ifndef MUTANT_NO_CLAIMING
	position[id] = CLAIMING;
#endif
#ifndef MUTANT_NO_ANNOUNCE
	chunk_of[id] = c
#else
	skip
#endif
}

/* A guard: whether the compare-and-swap finds what it expects, and then it is done. */
#ifdef MUTANT_CLAIM_IN_TWO_STEPS
#define CLAIM(c, expected, wanted) ledger[c] == (expected) -> ledger[c] = (wanted)
#else
#define CLAIM(c, expected, wanted) d_step { ledger[c] == (expected) -> ledger[c] = (wanted) }
#endif

/* What the position names, and what is recorded to be checked. */
inline set_position(c)
{
	d_step {
		position[id] = position_running(offset, failed);
		announced[c * LEN + offset] = true
	}
}

#ifdef LONG
#define other_settled(c) (c == LONG || settled_too(c))
#define rest_settled     (other_settled(0) && other_settled(1) && other_settled(2) && other_settled(3) && other_settled(4))
#define CAN_END(i)       (i != LONG * LEN || rest_settled)
#else
#define CAN_END(i) true
#endif

/* The user's function: whatever it does before it is killed is this step, or nothing. */
inline call(i)
{
	d_step {
		CAN_END(i) ->
		assert(!begun[i] && !over);
		begun[i] = true
	}
}

/* The task at `offset` has returned: on to the next. */
inline store_failure(c)
{
#ifdef MUTANT_POSITION_BEFORE_FAILURE
	if
	:: offset + 1 < LEN ->
		d_step {
			position[id] = position_running(offset + 1, failed + 1);
			announced[c * LEN + offset + 1] = true
		}
	:: else
	fi;
#endif
	atomic { status[c * LEN + offset] = FAILED; offset++ };
#ifndef MUTANT_FAILURE_NOT_IN_POSITION
	failed++
#else
	unsaid++
#endif
}

inline run_chunk(c, start, stolen)
{
	atomic { offset = start; failed = 0 };
	do
	:: true ->
		set_position(c);
		call(c * LEN + offset);
		if
		:: FAILS(c * LEN + offset) -> store_failure(c)
		:: else -> offset++
		fi;
		if
		:: offset == LEN -> break
#ifdef CANCEL
		:: offset < LEN && stop -> break
		:: offset < LEN && !stop
#else
		:: else
#endif
		fi
	od;
	atomic {
		ledger[c] = done(failed + unsaid, LEN - offset) | stolen;
		offset = 0;
		failed = 0;
		unsaid = 0
	}
}

/* turn_is_over(): after any chunk it may be another job's turn */
#ifdef MUTANT_LEAVES_FOR_GOOD
#define LEAVES_IN_TURN if :: found = false; break :: true fi
#elif defined TURNS
#define LEAVES_IN_TURN if :: break :: true fi
#else
#define LEAVES_IN_TURN skip
#endif

/* is_stopped() */
#ifdef CANCEL
#define LEAVES_WHERE_STOPPED if :: stop -> break :: else fi
#else
#define LEAVES_WHERE_STOPPED skip
#endif

/* An owner's way: up to where the thieves have come. */
inline sweep_up(first, last)
{
	c = first;
	do
	:: c < last ->
		LEAVES_WHERE_STOPPED;
		if
		:: ledger[c] == TODO ->
			announce(c);
			if
			:: CLAIM(c, TODO, running(id)); run_chunk(c, 0, 0); LEAVES_IN_TURN
			:: ledger[c] != TODO -> goto somebody_has_it
			fi
		:: else ->
somebody_has_it:	if
			:: ledger[c] & STOLEN -> break
			:: else
			fi
		fi;
		c++
	:: else -> break
	od;
	c = 0
}

#ifdef MUTANT_STOLEN_NOT_SAID
#define BY_THIEF 0
#else
#define BY_THIEF STOLEN
#endif

/* A thief's way: down to where the owner is. */
inline sweep_down(first, last)
{
	c = last;
	do
	:: c > first ->
		LEAVES_WHERE_STOPPED;
		c--;
		if
		:: ledger[c] == TODO ->
			announce(c);
			if
			:: CLAIM(c, TODO, running(id) | BY_THIEF); run_chunk(c, 0, BY_THIEF); found = true; LEAVES_IN_TURN
			:: ledger[c] != TODO -> goto another_has_it
			fi
		:: else ->
another_has_it:		if
			:: ledger[c] & STOLEN
			:: else -> break
			fi
		fi
	:: else -> break
	od;
	c = 0
}

inline steal()
{
	atomic { pin[id] = true; r = 1 };
	do
	:: r <= RANGES ->
		sweep_down(range_begin((id + r) % RANGES), range_begin((id + r) % RANGES + 1));
		r++
	:: else -> break
	od;
	atomic { pin[id] = false; r = 0 }
}

#ifdef MUTANT_VERSION_NOT_COMPARED
#define CLAIM_ORPHAN(c) d_step { STATE(ledger[c]) == ORPHAN -> ledger[c] = running(id) | stolen }
#define IS_NOT_IT(c) (STATE(ledger[c]) != ORPHAN)
#else
#define CLAIM_ORPHAN(c) CLAIM(c, orphan(version) | stolen, running(id) | stolen)
#define IS_NOT_IT(c) (ledger[c] != (orphan(version) | stolen))
#endif

inline adopt(s)
{
	version = post_version[s];
	if
	:: version != 0 ->
		pin[id] = true;
		c = post_chunk[s];
		start = post_start[s];
#ifndef WITHOUT_SECOND_LOOK
		if
		:: post_version[s] == version ->
#else
		if
		:: true ->
#endif
			stolen = ledger[c] & STOLEN;
			announce(c);
			if
			:: CLAIM_ORPHAN(c); run_chunk(c, start, stolen); found = true
			:: IS_NOT_IT(c)
			fi
		:: else
		fi;
		atomic { pin[id] = false; c = 0; start = 0; stolen = 0; version = 0 }
	:: else
	fi
}

inline adopt_any()
{
	adopt(0);
#if SLOTS > 1
	if
	:: !found -> adopt(1)
	:: else
	fi
#endif
}

proctype worker(byte id)
{
	byte c, r, entry, offset, failed, unsaid, start, stolen, version;
	bool found;
born:	{
		do
		:: d_step { head < ENTRIES -> entry = head % RANGES; head++ };
			pin[id] = true;
			sweep_up(range_begin(entry), range_begin(entry + 1));
			atomic { pin[id] = false; entry = 0 }
		:: head == ENTRIES ->
			adopt_any();
			if
			:: !found -> steal()
			:: else
			fi;
			if
			:: found -> found = false
			:: else ->
end_idle:			d_step { permits > 0 -> permits-- }
			fi
		od
	}
	ENDS_WHEN_KILLED(c = 0; r = 0; entry = 0; offset = 0; failed = 0; unsaid = 0; start = 0; stolen = 0; version = 0;
	                 found = false)
}

/* ---- The parent ---- */

/* Private: offers by chunk, and who has the board's places. */
byte next_version = 1;
byte offer_version[CHUNKS], offer_start[CHUNKS];
byte place_of[CHUNKS]; /* 0: none, else the place plus one */
byte owner_of[SLOTS];  /* of the place: chunk plus one */
byte crashed, failures;
bool cancelled;

#define is_taken(c) ((ledger[c] & ~STOLEN) != orphan(offer_version[c]))

inline vacate(p)
{
	d_step {
		post_version[p] = 0;
		place_of[owner_of[p] - 1] = 0;
		owner_of[p] = 0
	}
}

inline withdraw(c)
{
	if
	:: place_of[c] != 0 -> place = place_of[c] - 1; vacate(place); place = 0
	:: else
	fi
}

/* Shows the offer of chunk c, if there is a place for it. */
inline post_offer(c)
{
	place = 0;
	do
	:: place == SLOTS -> break
	:: place < SLOTS ->
		if
		:: owner_of[place] != 0 && is_taken(owner_of[place] - 1) -> vacate(place)
		:: else
		fi;
		if
		:: owner_of[place] == 0 -> break
		:: else -> place++
		fi
	od;
	if
	:: place < SLOTS ->
		d_step { place_of[c] = place + 1; owner_of[place] = c + 1 };
		post_chunk[place] = c;
		post_start[place] = offer_start[c];
		post_version[place] = offer_version[c]
	:: else
	fi;
	place = 0
}

/* orphan_publish(): with one place an offer may have to wait for it. */
#define can_be_shown(c) \
	(offer_version[c] != 0 && place_of[c] == 0 && !is_taken(c) && (owner_of[0] == 0 || is_taken(owner_of[0] - 1)))

inline offer(c, start, stolen)
{
	withdraw(c);
	offer_start[c] = start;
	if
	:: cancelled -> ledger[c] = CANCELLED | stolen
	:: else ->
		d_step { offer_version[c] = next_version; next_version++ };
		ledger[c] = orphan(offer_version[c]) | stolen;
		post_offer(c)
	fi
}

inline recover(w)
{
#ifdef MUTANT_FORK_BEFORE_RECOVERY
	fork_replacement(w);
#endif
	if
	:: pin[w] && (ledger[chunk_of[w]] & ~STOLEN) == running(w) ->
		/* Nobody else writes these now. */
		d_step {
			c = chunk_of[w];
			p = position[w];
#ifdef MUTANT_STOLEN_LOST
			stolen = 0
#else
			stolen = ledger[c] & STOLEN
#endif
		};
		if
		:: p == CLAIMING -> offer(c, offer_start[c], stolen)
		:: else ->
			d_step {
				i = c * LEN + position_offset(p);
				assert(announced[i]);
				assert(status[i] != CRASHED);
				status[i] = CRASHED;
				crashed++;
				failures = failures + position_failed(p);
				i = position_offset(p) + 1
			};
			if
			:: i < LEN -> offer(c, i, stolen)
			:: else -> ledger[c] = done(0, 0) | stolen
			fi
		fi
	:: else
	fi;
	d_step { pin[w] = false; chunk_of[w] = 0; position[w] = CLAIMING; c = 0; p = 0; stolen = 0; i = 0 };
	permits = permits + W;
#ifndef MUTANT_FORK_BEFORE_RECOVERY
	fork_replacement(w)
#else
	skip
#endif
}

inline cancel()
{
	cancelled = true;
	stop = true;
	c = 0;
	do
	:: c == CHUNKS -> break
	:: else ->
		d_step {
			if
			:: STATE(ledger[c]) == TODO || STATE(ledger[c]) == ORPHAN ->
				ledger[c] = CANCELLED | (ledger[c] & STOLEN)
			:: else
			fi;
			c++
		}
	od;
	c = 0
}

/* job_settle(): what the ledger says, and what became of each index. */
inline settle()
{
	d_step {
		over = true;
		c = 0;
		do
		:: c == CHUNKS -> break
		:: else ->
			assert(settled(c));
			if
			:: STATE(ledger[c]) == DONE ->
				failures = failures + failed_of(ledger[c]);
				i = LEN - cancelled_of(ledger[c])
			:: else -> i = offer_start[c]
			fi;
			do
			:: i == LEN -> break
			:: else ->
				assert(cancelled && !begun[c * LEN + i] && status[c * LEN + i] == NOTHING);
				status[c * LEN + i] = NOT_RUN;
				i++
			od;
			c++
		od;
		i = 0; c = 0; p = 0;
		do
		:: i == N -> break
		:: else ->
			if
			:: status[i] == NOTHING -> assert(begun[i] && !FAILS(i))
			:: status[i] == FAILED -> assert(begun[i]); p++
			:: status[i] == CRASHED -> c++
			:: status[i] == NOT_RUN
			fi;
			i++
		od;
		assert(p == failures && c == crashed && crashed <= K)
	}
}

active proctype parent()
{
	byte c, p, i, stolen, place;
	run worker(0);
	run worker(1);
	do
	:: all_settled -> break
	:: dead[0] -> recover(0)
	:: dead[1] -> recover(1)
#ifdef CANCEL
	:: !cancelled -> cancel()
#endif
#if SLOTS == 1 && !defined MUTANT_NOT_SHOWN_LATER
	:: can_be_shown(0) -> c = 0; post_offer(c); permits++
	:: can_be_shown(CHUNKS - 1) -> c = CHUNKS - 1; post_offer(c); permits++; c = 0
#endif
	od;
	settle()
}
