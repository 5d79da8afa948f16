/*
 * Time limits and further attempts: the stint, and who is charged.
 *
 * src/task.c: run_carefully(), begin_stint(), end_stint(), try_again(), announce_attempt();
 * src/limit.c: enforce_one(); src/recover.c: recover_tasks(), resume_of(), charge(); src/resume.h, for calls of
 * one task.
 *
 * Any attempt of any task may succeed, fail, or never end, and it may be over its time at any moment: what the
 * parent holds to be over its time is what it has read in `began`.  Each index must end exactly once; one
 * that has timed out must be the one that was held to be over its time, in that very attempt, and must
 * not have ended; no index is begun more than RETRIES + 1 times.
 *
 * Chunks are claimed and offered in one step: claim.pml is about that.
 */
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef LEN
#define LEN 1
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#define N (CHUNKS * LEN)

#include "kill.inc"

#define TODO      0
#define DONE      1
#define running(w) (2 + (w))
byte ledger[CHUNKS]; /* TODO: offered, as `start` and `attempt` of the chunk say */
byte start[CHUNKS], first_attempt[CHUNKS];

/* The record.  `began` has, for the time, which attempt of which index it was. */
#define CLAIMING 255
byte chunk_of[W], position[W], attempt_offset[W], attempt_number[W];
byte stint[W], began[W];
#define DOOMED 255
#ifdef MUTANT_DOOM_BY_POSITION
bool position_doomed[W];
#endif
#define token(i, a) ((i) * (RETRIES + 1) + (a))

/* Outcomes, to be checked. */
#define NOTHING   0
#define FAILED    1
#define CRASHED   2
#define TIMED_OUT 3
byte status[N], begins[N];
bool succeeded[N];
bool ended[W]; /* the task that the record names has left its stint */

/* ---- Workers ---- */

/* Also the worker's last even number; a new life begins with 0 again. */
inline begin_stint()
{
	began[id] = token(chunk * LEN + offset, attempt);
	atomic { stint[id] = own_stint + 1; own_stint++ }
}

/* The user's function: it may also never return. */
inline call()
{
	atomic {
		begins[chunk * LEN + offset]++;
		assert(begins[chunk * LEN + offset] <= RETRIES + 1);
		if
		:: code = 0
		:: code = 1
		:: code = 2 /* it never returns */
		fi
	};
	code != 2
}

inline end_stint()
{
#ifdef MUTANT_STINT_NOT_ENDED
	atomic { own_stint++; ended[id] = true }
#elif defined MUTANT_STINT_STORED
	atomic { own_stint++; stint[id] = own_stint; ended[id] = true }
#elif defined MUTANT_DOOM_BY_POSITION
	own_stint++;
	if
	:: d_step { !position_doomed[id] -> ended[id] = true; stint[id] = own_stint }
	fi
#else
	own_stint++;
	if
	:: d_step { stint[id] == own_stint - 1 -> stint[id] = own_stint; ended[id] = true }
	/* else it pauses until it is killed */
	fi
#endif
}

inline set_position()
{
	d_step { position[id] = offset; ended[id] = false }
}

inline announce_attempt()
{
#ifndef MUTANT_ATTEMPT_NOT_ANNOUNCED
	d_step { attempt_offset[id] = offset; attempt_number[id] = attempt }
#else
	skip
#endif
}

inline run_chunk()
{
	announce_attempt();
	do
	:: true ->
#ifdef MUTANT_STINT_BEFORE_POSITION
		begin_stint();
		set_position();
#else
		set_position();
		begin_stint();
#endif
		call();
#ifdef MUTANT_OUTCOME_BEFORE_THE_STINT_ENDS
		if
		:: code != 0 && attempt > RETRIES -> status[chunk * LEN + offset] = FAILED
		:: else
		fi;
#endif
		end_stint();
		if
		:: code != 0 && attempt <= RETRIES ->
			d_step { attempt++; code = 0 };
			announce_attempt()
		:: code != 0 && attempt > RETRIES ->
			d_step {
#ifndef MUTANT_OUTCOME_BEFORE_THE_STINT_ENDS
				assert(status[chunk * LEN + offset] == NOTHING);
#endif
				status[chunk * LEN + offset] = FAILED;
				offset++;
				attempt = 1;
				code = 0
			}
		:: code == 0 -> d_step { succeeded[chunk * LEN + offset] = true; offset++; attempt = 1 }
		fi;
		if
		:: offset == LEN -> break
		:: else
		fi
	od;
	ledger[chunk] = DONE
}

#define CLAIM(k)                                                                                   \
	d_step {                                                                                   \
		k < CHUNKS && ledger[k % CHUNKS] == TODO ->                                        \
		position[id] = CLAIMING;                                                           \
		chunk_of[id] = k;                                                                  \
		ledger[k % CHUNKS] = running(id);                                                  \
		chunk = k;                                                                         \
		offset = start[k % CHUNKS];                                                        \
		attempt = first_attempt[k % CHUNKS]                                                \
	}

proctype worker(byte id)
{
	byte chunk, offset, attempt, own_stint, code;
born:	{
		do
		:: true ->
end_idle:		if
			:: CLAIM(0)
			:: CLAIM(1)
			fi;
			run_chunk();
			atomic { chunk = 0; offset = 0; attempt = 0 }
		od
	}
	ENDS_WHEN_KILLED(chunk = 0; offset = 0; attempt = 0; own_stint = 0; code = 0)
}

/* ---- The parent ---- */

bool doomed[W];
byte judged[W]; /* to be checked: what was held to be over its time */

/* enforce_one(), where it comes to the conclusion that the time is over.  Where it does not, nothing happens. */
inline enforce(w)
{
#ifdef MUTANT_BEGAN_READ_FIRST
	t = began[w];
	s = stint[w];
#elif defined MUTANT_DOOM_BY_POSITION
	s = position[w];
	t = began[w];
#else
	s = stint[w];
	t = began[w];
#endif
	if
#ifdef MUTANT_DOOM_BY_POSITION
	:: d_step { s < LEN && position[w] == s -> position_doomed[w] = true };
#elif defined MUTANT_KILLS_WITHOUT_DOOMING
	:: s % 2 == 1 ->
#else
	:: d_step { s % 2 == 1 && s != DOOMED && stint[w] == s -> stint[w] = DOOMED };
#endif
		d_step { doomed[w] = true; judged[w] = t };
		killed[w] = true
	:: else
	fi;
	atomic { s = 0; t = 0 }
}

/* resume_of(): which attempt it was that died. */
inline find_attempt(w)
{
	if
	:: offset == start[chunk] -> attempt = first_attempt[chunk]
	:: else -> attempt = 1
	fi;
	if
	:: attempt_offset[w] == offset && attempt_number[w] > attempt -> attempt = attempt_number[w]
	:: else
	fi
}

inline charge(w)
{
	/* A worker may have died after it had stored FAILED, and before its position moved on. */
	assert(status[chunk * LEN + offset] == NOTHING || (status[chunk * LEN + offset] == FAILED && !doomed[w]));
	if
	:: doomed[w] -> status[chunk * LEN + offset] = TIMED_OUT
	:: else -> status[chunk * LEN + offset] = CRASHED
	fi
}

/* recover_tasks() */
inline recover(w)
{
	d_step {
		chunk = chunk_of[w];
		if
		:: ledger[chunk] == running(w) && position[w] == CLAIMING -> assert(!doomed[w]); ledger[chunk] = TODO
		:: ledger[chunk] == running(w) && position[w] != CLAIMING ->
			offset = position[w];
			find_attempt(w);
			assert(!doomed[w] || (judged[w] == token(chunk * LEN + offset, attempt) && !ended[w]));
			if
			:: attempt <= RETRIES -> start[chunk] = offset; first_attempt[chunk] = attempt + 1
			:: else -> charge(w); start[chunk] = offset + 1; first_attempt[chunk] = 1
			fi;
			if
			:: start[chunk] < LEN -> ledger[chunk] = TODO
			:: else -> ledger[chunk] = DONE
			fi
		:: else -> assert(!doomed[w])
		fi;
		chunk = 0; offset = 0; attempt = 0;
		chunk_of[w] = 0; position[w] = CLAIMING; attempt_offset[w] = 0; attempt_number[w] = 0;
		stint[w] = 0; began[w] = 0; ended[w] = false;
#ifdef MUTANT_DOOM_BY_POSITION
		position_doomed[w] = false;
#endif
		doomed[w] = false; judged[w] = 0
	};
	fork_replacement(w)
}

#define all_settled (ledger[0] == DONE && ledger[CHUNKS - 1] == DONE)

active proctype parent()
{
	byte s, t, chunk, offset, attempt;
	d_step {
		position[0] = CLAIMING;
		position[1] = CLAIMING;
		first_attempt[0] = 1;
		first_attempt[CHUNKS - 1] = 1
	};
	run worker(0);
	run worker(1);
	do
	:: all_settled -> break
	:: dead[0] -> recover(0)
	:: dead[1] -> recover(1)
	:: stint[0] % 2 == 1 && !killed[0] -> enforce(0)
	:: stint[1] % 2 == 1 && !killed[1] -> enforce(1)
	od;
	atomic {
		chunk = 0;
		do
		:: chunk < N -> assert(status[chunk] != NOTHING || succeeded[chunk]); chunk++
		:: else -> break
		od
	}
}
