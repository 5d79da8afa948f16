/*
 * How the parent learns that the job is finished: tally, ledger, doorbell.  There is no heartbeat here.
 *
 * src/worker.c: run_chunk(), leave_job(), hand_in(), worker_ring_bell(); src/wait.c: wait_for_workers(),
 * sleep_once(); src/watch.c: watch_sleep(); src/job.c: job_check(), job_use_ledger(), job_cancel();
 * src/recover.c: clauses (a) and (b).
 *
 * The parent must not sleep for ever once the job is finished, must not return before, and must count each
 * failure once, whether it reads the tally or the ledger.  STOP: stop_on_failure.
 *
 * Here workers that look for work find it at once (sleep.pml), and a chunk that lost its worker is TODO
 * again (claim.pml).
 */
#ifndef CHUNKS
#define CHUNKS 3
#endif

#include "kill.inc"

#define TODO      0
#define DONE      1
#define FAILED    2 /* done; its one task failed */
#define CHARGED   3
#define CANCELLED 4
#define running(w) (5 + (w))
#define settled(c) (ledger[c] != TODO && ledger[c] <= CANCELLED)
byte ledger[CHUNKS];
bool in_task[W]; /* the position: a task was begun */

byte tally_finished, tally_failed;
bool stop;
bool by_ledger;     /* on the board */
bool parent_asleep; /* on the board */
bool bell;          /* the eventfd is not zero */

#define FAILS(c) (c == 0)
byte failed_in_truth; /* to be checked */
bool over;

/* ---- Workers ---- */

#define TAKE(k) d_step { k < CHUNKS && ledger[k % CHUNKS] == TODO -> ledger[k % CHUNKS] = running(id); c = k }

inline run_chunk()
{
	in_task[id] = true;
	if
	:: FAILS(c) ->
#ifdef STOP
		stop = true;
#endif
		d_step { assert(!over); ledger[c] = FAILED; in_task[id] = false; failed++; finished++; failed_in_truth++ }
	:: else -> d_step { assert(!over); ledger[c] = DONE; in_task[id] = false; finished++ }
	fi;
	c = 0
}

inline ring_the_bell()
{
#ifndef MUTANT_LOOKS_BEFORE_ADDING
	asleep = parent_asleep;
#endif
	if
	:: asleep -> atomic { bell = true; asleep = false }
	:: else
	fi
}

inline hand_in()
{
#ifdef MUTANT_LOOKS_BEFORE_ADDING
	asleep = parent_asleep;
#endif
	d_step { tally_finished = tally_finished + finished; sum = tally_finished; finished = 0 };
	if
	:: sum >= CHUNKS -> sum = 0; ring_the_bell()
	:: else ->
		sum = 0;
#ifndef MUTANT_RINGS_FOR_THE_TALLY_ONLY
		if
		:: by_ledger -> ring_the_bell()
		:: else
		fi
#else
		skip
#endif
	fi
}

inline add_failed()
{
	if
	:: failed > 0 -> d_step { tally_failed = tally_failed + failed; failed = 0 }
	:: else
	fi
}

inline leave_job()
{
#ifndef MUTANT_FAILED_AFTER_FINISHED
	add_failed();
	hand_in()
#else
	hand_in();
	add_failed()
#endif
}

proctype worker(byte id)
{
	byte c, finished, failed, sum;
	bool asleep;
born:	{
		do
		:: true ->
end_idle:		if
			:: TAKE(0)
			:: TAKE(1)
			:: TAKE(2)
			fi;
			do
			:: true ->
				run_chunk();
				if
				:: TAKE(0)
				:: TAKE(1)
				:: TAKE(2)
				:: true -> break
				fi
			od;
			leave_job()
		od
	}
	ENDS_WHEN_KILLED(c = 0; finished = 0; failed = 0; sum = 0; asleep = false)
}

/* ---- The parent ---- */

byte cursor, failures, crashed, cancelled_chunks;
bool reads_ledger; /* its own copy of by_ledger */
bool cancelled;

inline use_ledger()
{
#ifdef MUTANT_COUNTS_AFTER_A_DEATH
	skip
#else
	reads_ledger = true;
#ifndef MUTANT_TELLS_NOBODY_OF_THE_LEDGER
	by_ledger = true
#else
	skip
#endif
#endif
}

inline cancel()
{
	cancelled = true;
	use_ledger();
	stop = true;
	i = 0;
	do
	:: i < CHUNKS ->
		d_step {
			if
			:: ledger[i] == TODO -> ledger[i] = CANCELLED
			:: else
			fi;
			i++
		}
	:: else -> break
	od;
	i = 0
}

inline read_ledger()
{
	do
	:: d_step {
		cursor < CHUNKS && settled(cursor) ->
		if
		:: ledger[cursor] == FAILED -> failures++
		:: ledger[cursor] == CANCELLED -> cancelled_chunks++
		:: else
		fi;
		cursor++
	   }
	:: cursor == CHUNKS || !settled(cursor) -> break
	od
}

inline check()
{
	if
	:: reads_ledger ->
#ifdef STOP
		if
		:: stop && !cancelled -> cancel()
		:: else
		fi;
#endif
		read_ledger();
		finished = (cursor == CHUNKS)
	:: else -> finished = (tally_finished >= CHUNKS)
	fi
}

/* (a) and (b).  The chunk's word and the record are nobody else's now. */
inline recover(w)
{
	use_ledger();
	i = 0;
	do
	:: i < CHUNKS ->
		if
		:: d_step { ledger[i] == running(w) && in_task[w] -> ledger[i] = CHARGED; crashed++ }
		:: d_step { ledger[i] == running(w) && !in_task[w] && !cancelled -> ledger[i] = TODO }
		:: d_step { ledger[i] == running(w) && !in_task[w] && cancelled -> ledger[i] = CANCELLED }
		:: ledger[i] != running(w)
		fi;
		i++
	:: else -> break
	od;
	atomic { i = 0; in_task[w] = false };
	fork_replacement(w)
}

#ifdef MUTANT_DRAINS_BEFORE_SLEEPING
#define RINGS bell -> skip
#else
#define RINGS d_step { bell -> bell = false }
#endif

/* watch_sleep(): what made it end is acted upon. */
inline sleep_once()
{
#ifdef MUTANT_DRAINS_BEFORE_SLEEPING
	bell = false;
#endif
	if
	:: RINGS; parent_asleep = false
	:: dead[0] -> parent_asleep = false; recover(0)
	:: dead[1] -> parent_asleep = false; recover(1)
	fi
}

active proctype parent()
{
	byte i;
	bool finished;
#ifdef STOP
	atomic { by_ledger = true; reads_ledger = true };
#endif
	run worker(0);
	run worker(1);
	do
	:: true ->
		check();
		if
		:: finished -> break
		:: else
		fi;
		parent_asleep = true;
#ifndef MUTANT_SLEEPS_WITHOUT_A_LOOK
		check();
#endif
		if
		:: finished -> break
		:: else -> sleep_once()
		fi
	od;
	atomic {
		over = true;
		parent_asleep = false;
		i = 0;
		do
		:: i < CHUNKS -> assert(settled(i)); i++
		:: else -> break
		od;
		if
		:: !reads_ledger -> failures = tally_failed
		:: else
		fi;
		assert(failures == failed_in_truth);
		assert(crashed <= K);
		assert(cancelled_chunks == 0 || cancelled)
	}
}
