/*
 * Two jobs open side by side, the first of which is cancelled at any time: dooming by the pin (B4 in src/engine.h).
 *
 * src/wait.c: cancel_open(), doom(); src/worker.c: join_job(), unpin(), sweep_up(); src/job.c: job_cancel();
 * src/recover.c: recover_worker(), charge().
 *
 * Any task of the first job may never end; those of the second all do.  The parent returns when both jobs are
 * settled, so it must have ended whoever never ends.  Once it has doomed, nobody but who is doomed begins anything of the
 * first job.
 * Who was ended on purpose was in the first job, and what it ran there is cancelled; nothing of the second job is; and
 * no more tasks are charged than the killer has killed workers.
 *
 * A worker that has nothing to do sleeps until there is something (sleep.pml); the memory of a job is not used again
 * (pins.pml).
 */
#ifndef CHUNKS
#define CHUNKS 2 /* of one task each, of each job */
#endif

#include "kill.inc"

#define TODO      0
#define DONE      1
#define CANCELLED 2
#define running(w) (3 + (w))
#define at(job, c) (((job) - 1) * CHUNKS + (c))
byte ledger[2 * CHUNKS];

/* The record.  PIN_DOOMED is a bit of the pin. */
#define PIN_DOOMED 4
byte pin[W], chunk_of[W];
bool in_task[W];

/* To be checked. */
bool begun[2 * CHUNKS], doomed_all;
bool not_run[2 * CHUNKS]; /* charged as cancelled, though it may have been begun */
byte crashed;

#define todo(job) (ledger[at(job, 0)] == TODO || ledger[at(job, CHUNKS - 1)] == TODO)

/* The parent's. */
bool cancelled, dismissed[W];

/* A signal is on its way for a while, in which its victim goes on. */
bool signalled[W];

active proctype kernel()
{
end:	do
	:: d_step { signalled[0] && !killed[0] -> killed[0] = true }
	:: d_step { signalled[1] && !killed[1] -> killed[1] = true }
	od
}

/* ---- Workers ---- */

inline unpin()
{
#ifdef MUTANT_UNPIN_STORED
	atomic { pin[id] = 0; job = 0 }
#else
	if
	:: d_step { pin[id] == job -> pin[id] = 0; job = 0 }
	/* else it pauses until it is killed */
	fi
#endif
}

/* The user's function: one of the first job may never return. */
inline call()
{
	atomic {
		assert(!begun[at(job, c)] && !(job == 1 && doomed_all && !dismissed[id]));
		begun[at(job, c)] = true;
		if
		:: job == 1 -> endless = true
		:: true
		fi
	};
	!endless
}

/* After each chunk it may be another job's turn. */
inline sweep()
{
	c = 0;
	do
	:: c < CHUNKS && ledger[at(job, c)] == TODO ->
		in_task[id] = false;
		chunk_of[id] = c;
		if
		:: d_step { ledger[at(job, c)] == TODO -> ledger[at(job, c)] = running(id) };
			in_task[id] = true;
			call();
			ledger[at(job, c)] = DONE;
			if
			:: break
			:: true
			fi
		:: ledger[at(job, c)] != TODO
		fi;
		c++
	:: c < CHUNKS && ledger[at(job, c)] != TODO -> c++
	:: c == CHUNKS -> break
	od;
	c = 0
}

proctype worker(byte id)
{
	byte job, c;
	bool endless;
born:	{
		do
		:: true ->
end_idle:		if
			:: todo(1) -> job = 1
			:: todo(2) -> job = 2
			fi;
			pin[id] = job;
			sweep();
			unpin()
		od
	}
	ENDS_WHEN_KILLED(job = 0; c = 0; endless = false)
}

/* ---- The parent ---- */

/* recover_worker(), and charge() */
inline recover(w)
{
	d_step {
		j = pin[w] & ~PIN_DOOMED;
		assert(!dismissed[w] || j == 1);
		if
		:: j != 0 && ledger[at(j, chunk_of[w])] == running(w) ->
			c = at(j, chunk_of[w]);
			if
			:: in_task[w] && dismissed[w] -> not_run[c] = true; ledger[c] = DONE
			:: in_task[w] && !dismissed[w] -> crashed++; ledger[c] = DONE
			:: !in_task[w] && j == 1 && cancelled -> ledger[c] = CANCELLED
			:: else -> ledger[c] = TODO
			fi
		:: else
		fi;
		pin[w] = 0; chunk_of[w] = 0; in_task[w] = false; dismissed[w] = false; signalled[w] = false;
		j = 0; c = 0
	};
	fork_replacement(w)
}

inline cancel_chunk(c)
{
	d_step {
		if
		:: ledger[at(1, c)] == TODO -> ledger[at(1, c)] = CANCELLED
		:: else
		fi
	}
}

inline cancel_ledger()
{
	cancel_chunk(0);
	cancel_chunk(CHUNKS - 1)
}

inline doom(w)
{
	c = chunk_of[w];
	if
	:: ledger[at(1, c)] == running(w) ->
#ifdef MUTANT_DOOMS_WITHOUT_A_SWAP
		dismissed[w] = true;
		signalled[w] = true
#else
		if
		:: d_step { pin[w] == 1 -> pin[w] = 1 | PIN_DOOMED };
#ifndef MUTANT_NOT_DISMISSED
			dismissed[w] = true;
#endif
#ifndef MUTANT_NOT_KILLED
			signalled[w] = true
#else
			skip
#endif
		:: pin[w] != 1
		fi
#endif
	:: else
	fi;
	c = 0
}

inline cancel()
{
	cancelled = true;
#ifdef MUTANT_DOOMS_BEFORE_THE_LEDGER
	doom(0);
	doom(1);
	cancel_ledger();
#elif defined MUTANT_LEDGER_LEFT
	doom(0);
	doom(1);
#else
	cancel_ledger();
	doom(0);
	doom(1);
#endif
	doomed_all = true
}

#define settled(i)     (ledger[i] == DONE || ledger[i] == CANCELLED)
#define both_settled   (settled(at(1, 0)) && settled(at(1, CHUNKS - 1)) && settled(at(2, 0)) && settled(at(2, CHUNKS - 1)))

active proctype parent()
{
	byte j, c;
	run worker(0);
	run worker(1);
	do
	:: both_settled -> break
	:: dead[0] -> recover(0)
	:: dead[1] -> recover(1)
	:: !cancelled -> cancel()
	od;
	atomic {
		assert(crashed <= K);
		c = 0;
		do
		:: c < 2 * CHUNKS ->
			/* ended, or charged: at most the killer's */
			assert(ledger[c] != CANCELLED || (c < CHUNKS && cancelled && !begun[c]));
			assert(!not_run[c] || (c < CHUNKS && cancelled));
			j = j + (ledger[c] == DONE && !begun[c] && !not_run[c]);
			c++
		:: else -> break
		od;
		assert(j <= crashed)
	}
}
