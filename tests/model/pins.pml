/*
 * JOBS jobs one after the other in the same memory: pins, and when the memory is used again.
 *
 * src/worker.c: join_job(), leave_job(), unpin(), steal(), adopt(), run_entry(); src/job.c: job_open(), fill_post(),
 * clear_tally(), close_job(), slots_sweep(); src/wait.c: wait_for_slot(); src/recover.c: recover_worker(),
 * clear_record().
 *
 * There is one place for a job: its post on the board, its ledger, its tally.  Each word of them has the
 * number of the job that it belongs to; whatever a worker does to one must be of the job that it has
 * joined.  Numbers of jobs come from the board, or, stale ones of any age, from the ring or an offer to adopt.
 *
 * A worker's pin is nobody's but its own here, so it is as good as stored; the parent's swap is in cancel.pml.
 *
 * Completion is read off the ledger (bell.pml), and a permit is a counter (sleep.pml).
 */
#ifndef JOBS
#define JOBS 2
#endif
#ifndef CHUNKS
#define CHUNKS 2 /* of one task each: 1 or 2 */
#endif

#include "kill.inc"

#define TODO    0
#define DONE    1
#define ORPHAN  2
#define running(w) (3 + (w))
byte ledger[CHUNKS];

byte number;      /* on the board; 0: closed */
byte post_of;     /* whose the rest of the post is */
byte memory_of;   /* whose the ledger is */
byte tally_of;    /* whose the tally is */
byte tally;       /* chunks */
byte orphan_job;  /* the board's place for an orphan */
byte orphan_version, orphan_chunk, version[CHUNKS]; /* version: in the ledger's word */
byte issued;      /* jobs so far */
byte permits;

byte pin[W], chunk_of[W];
bool in_task[W];

bool begun[JOBS * CHUNKS]; /* to be checked */

/* ---- Workers ---- */

#ifdef MUTANT_NUMBER_READ_BEFORE_THE_PIN
#define STILL_OPEN seen == job
#else
#define STILL_OPEN number == job
#endif

inline unpin()
{
	atomic { pin[id] = 0; job = 0 }
}

/* Pins `job`, and then looks whether it is still open. */
inline join_job()
{
#ifdef MUTANT_NUMBER_READ_BEFORE_THE_PIN
	seen = number;
#endif
	pin[id] = job;
#ifndef MUTANT_NO_SECOND_LOOK
	if
	:: !(STILL_OPEN) -> unpin()
	:: STILL_OPEN
	fi
#else
	skip
#endif
}

inline run_chunk()
{
	in_task[id] = true;
	d_step {
		assert(memory_of == job && !begun[(job - 1) * CHUNKS + c]);
		begun[(job - 1) * CHUNKS + c] = true
	};
	d_step { assert(memory_of == job); ledger[c] = DONE; in_task[id] = false };
	finished++
}

inline leave_job()
{
#ifdef MUTANT_UNPINS_BEFORE_HANDING_IN
	pin[id] = 0;
#endif
	if
	:: finished > 0 ->
		d_step { assert(tally_of == job); tally = tally + finished };
		d_step { assert(post_of == job); finished = 0 } /* chunks, by_ledger */
	:: else
	fi;
	unpin()
}

inline announce()
{
	in_task[id] = false;
	chunk_of[id] = c
}

inline sweep()
{
	d_step { assert(post_of == job); c = 0 }; /* where the ledger is, and the function */
	do
	:: d_step { c < CHUNKS && ledger[c] == TODO -> assert(memory_of == job) };
		announce();
		if
		:: d_step { ledger[c] == TODO -> assert(memory_of == job); ledger[c] = running(id) }; run_chunk(); found = true
		:: ledger[c] != TODO
		fi;
		c++
	:: d_step { c < CHUNKS && ledger[c] != TODO -> assert(memory_of == job); c++ }
	:: c == CHUNKS -> break
	od;
	c = 0;
	leave_job()
}

inline take_orphan()
{
	d_step { assert(post_of == job); c = orphan_chunk };
	if
	:: orphan_version == v ->
		announce();
		if
		:: d_step {
			ledger[c] == ORPHAN && version[c] == v ->
			assert(memory_of == job);
			ledger[c] = running(id)
		   };
			run_chunk();
			found = true
		:: !(ledger[c] == ORPHAN && version[c] == v)
		fi
	:: else
	fi;
	c = 0;
	leave_job()
}

/* An entry of the ring may be of any job so far. */
inline stale_entry()
{
	if
	:: true
	:: issued >= 1 -> job = 1
#if JOBS > 1
	:: issued >= 2 -> job = 2
#endif
	fi;
	if
	:: job != 0 ->
		join_job();
		if
		:: job != 0 -> sweep()
		:: else
		fi
	:: else
	fi
}

inline adopt()
{
	v = orphan_version;
	if
	:: v != 0 ->
		job = orphan_job;
		join_job();
		if
		:: job != 0 -> take_orphan()
		:: else
		fi
	:: else
	fi;
	v = 0
}

inline steal()
{
	job = number;
	if
	:: job != 0 ->
		join_job();
		if
		:: job != 0 -> sweep()
		:: else
		fi
	:: else
	fi
}

proctype worker(byte id)
{
	byte job, c, v, finished, seen;
	bool found;
born:	{
		do
		:: true ->
			stale_entry();
			if
			:: !found -> adopt()
			:: else
			fi;
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
	ENDS_WHEN_KILLED(job = 0; c = 0; v = 0; finished = 0; seen = 0; found = false)
}

/* ---- The parent ---- */

byte next_version = 1;
byte crashed[JOBS];

#define settled(c) (ledger[c] == DONE)

/* The record's pin says which job; of a job that is not open any more nothing is to be recovered. */
inline recover(w)
{
	if
	:: open_job != 0 && pin[w] == open_job && ledger[chunk_of[w]] == running(w) ->
		if
		:: in_task[w] -> d_step { crashed[open_job - 1]++; ledger[chunk_of[w]] = DONE }
		:: else ->
			orphan_version = 0;
			d_step {
				ledger[chunk_of[w]] = ORPHAN;
				version[chunk_of[w]] = next_version
			};
			orphan_job = open_job;
			orphan_chunk = chunk_of[w];
			d_step { orphan_version = next_version; next_version++ }
		fi
	:: else
	fi;
#ifndef MUTANT_PIN_NOT_CLEARED
	pin[w] = 0;
#endif
	d_step { chunk_of[w] = 0; in_task[w] = false; permits = permits + W };
	fork_replacement(w)
}

inline open()
{
	/* job_open(): a ledger of zeroes, in memory that is free */
	d_step { memory_of = j; ledger[0] = TODO; ledger[CHUNKS - 1] = TODO; version[0] = 0; version[CHUNKS - 1] = 0 };
	post_of = j;
	d_step { tally_of = j; tally = 0 };
#ifdef MUTANT_NUMBER_STORED_FIRST
	skip
#else
	number = j;
#endif
	d_step { issued = j; open_job = j; permits = permits + W }
}

inline close()
{
	open_job = 0;
#ifndef MUTANT_CLOSED_AFTER_THE_PINS
	number = 0;
#endif
	orphan_version = 0;
#ifndef MUTANT_PINS_NOT_LOOKED_AT
	await_unpinned(0);
	await_unpinned(1);
#endif
#ifdef MUTANT_CLOSED_AFTER_THE_PINS
	number = 0;
#endif
	/* its memory is anybody's now */
	atomic { memory_of = 0; post_of = 0; tally_of = 0 }
}

/* slots_sweep() and wait_for_slot(): again and again, until the pin is gone or its worker was found dead. */
inline await_unpinned(w)
{
	do
	:: pin[w] != j -> break
	:: dead[0] -> recover(0)
	:: dead[1] -> recover(1)
	od
}

active proctype parent()
{
	byte j, open_job;
	run worker(0);
	run worker(1);
	j = 1;
	do
	:: j <= JOBS ->
#ifdef MUTANT_NUMBER_STORED_FIRST
		number = j;
#endif
		open();
		do
		:: settled(0) && settled(CHUNKS - 1) -> break
		:: dead[0] -> recover(0)
		:: dead[1] -> recover(1)
		od;
		close();
		atomic {
			assert(crashed[j - 1] <= K);
			assert(begun[(j - 1) * CHUNKS] + begun[j * CHUNKS - 1] + (3 - CHUNKS) * crashed[j - 1] >= 2);
			j++
		}
	:: else -> break
	od
}
