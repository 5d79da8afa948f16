/*
 * What workers share with the parent: jobs as workers see them, workers as the parent sees them, and
 * where everything is.
 *
 * Contract of the shared structs: written by one side only, unless said otherwise.  The RO
 * part (board) is written by the parent and mapped read-only in worker processes.
 *
 *   B0  a job's descriptor is filled, then its number stored (seq_cst).  A worker pins the
 *       number in its record (seq_cst), then reads the descriptor's number again (seq_cst):
 *       either it sees that the job is closed, or the parent, which closes the job before
 *       it reads the pins, sees the pin and leaves the descriptor, the ledger and whatever
 *       they point to alone until the pin is gone or its worker dead.
 *   B1  a worker adds to the job's tally, and, if that is all, to the endings (seq_cst) before it reads
 *       `parent_asleep` and `by_ledger` (seq_cst); the parent stores those before it reads endings, tallies
 *       and ledger (seq_cst): either the worker rings, or the parent sees that it need not sleep.
 *   B2  between claim and finish a chunk is described by the claimer's record: `chunk` and
 *       `position`.  They are plain stores in program order: the parent acts on them only
 *       once the kernel has confirmed the worker's death, which is after everything that
 *       the worker did, so only the compiler must be kept from reordering them.
 *   B3  in a job with a time limit a task is run within a stint: the worker stores
 *       `began` and `position`, then an odd number in `stint` (release), and leaves it by a
 *       compare-and-swap to the next even one, before it stores anything of the task's
 *       outcome.  The parent reads an odd `stint` (acquire), then the pin and `began`, and
 *       dooms the task by a compare-and-swap of that very number to DOOMED.  Either swap
 *       makes the other fail: a task is over before it is doomed, or it never ends, and its
 *       worker waits to be killed.  Numbers are never used again in a worker's life, so what
 *       was read between belongs to the task that is doomed.
 *   B4  a worker takes its pin away by a compare-and-swap from the job's number.  To end what it does for
 *       that job, the parent dooms it by a compare-and-swap of the same number to that with PIN_DOOMED.
 *       Either swap makes the other fail: a worker has left the job before it is killed, and
 *       runs nobody else's task, or it never leaves, and waits to be killed.
 *   B5  where the caller waits for single chunks, a worker finishes the chunk in the ledger, passes a fence (seq_cst),
 *       and reads `by_chunk` and `parent_asleep`; the parent stores those, passes a fence, and reads the ledger: either
 *       the worker rings, or the parent sees the chunk.  A fence, and no word that all of them would write to: that
 *       would be a cache line a chunk from worker to worker.
 */
#ifndef FORKPOOL_ENGINE_H
#define FORKPOOL_ENGINE_H

#include "api.h"
#include "ledger.h"
#include "resume.h"
#include "ring.h"

#include <fenv.h>

enum { JOB_SLOTS = FORKPOOL_OPEN_JOBS, ORPHAN_SLOTS = 256, MAX_COLUMNS = 64, SLOT_SCRATCH = 4096 };

/* A job's number is its serial * JOB_SLOTS + its slot: never reused, and 0 is none. */
static inline unsigned job_slot(uint64_t number)
{
	return (unsigned)(number % JOB_SLOTS);
}

enum job_kind { JOB_MAP, JOB_STARMAP, JOB_FOR, JOB_RANGE, JOB_FOLD };

union task_function {
	forkpool_map_fn *map;
	forkpool_starmap_fn *starmap;
	forkpool_for_fn *loop;
	forkpool_range_fn *range;
	forkpool_fold_fn *fold;
	uintptr_t address;
};

/* RO: a job as workers see it. */
struct job_post {
	_Alignas(CACHE_LINE) _Atomic uint64_t number; /* 0: closed.  B0 */
	_Atomic uint32_t by_ledger; /* completion is read off the ledger: ring at every leaving.  B1 */
	_Atomic uint32_t by_chunk;  /* and for every chunk, if `attended`.  B5 */
	uint64_t last_entry;        /* ring's tail behind this job's entries */
	_Alignas(CACHE_LINE) enum job_kind kind;
	bool stop_on_failure, measured; /* measured: page faults and CPU time are wanted */
	bool timed;                     /* there is a time limit.  B3 */
	bool attended;                  /* by_chunk may be set */
	unsigned retries;
	union task_function function;
	void *ctx;
	size_t count, chunk, chunks, ranges, entries;
	ledger_word *ledger;
	int32_t *status;      /* NULL, or a zeroed entry a task */
	char *results;        /* JOB_FOLD: a partial result a chunk, result_stride apart */
	const char *identity; /* JOB_FOLD */
	size_t result_size, result_stride;
	size_t column_count;
	fenv_t float_environment;
	uint64_t float_modes; /* the same, as far as float_modes() tells */
	forkpool_column columns[MAX_COLUMNS];
};

/* The first chunk of a range, 0 .. post->ranges.  Owners get ranges by it and thieves find them. */
static inline size_t job_range_begin(const struct job_post *post, size_t range)
{
	if (post->ranges == 1)
		return range * post->chunks;
	return (size_t)((unsigned __int128)range * post->chunks / post->ranges);
}

/* RW: what workers report of a job.  Hints: everything here can be counted again from ledger
 * and records. */
struct job_tally {
	_Alignas(CACHE_LINE) _Atomic uint64_t finished; /* chunks */
	_Atomic uint64_t failed;                        /* tasks */
	_Atomic uint64_t faults, cpu_ns;
	_Atomic uint64_t retried;                   /* attempts beyond the first */
	_Alignas(CACHE_LINE) _Atomic uint32_t stop; /* begin no further task */
};

/* RW: bit s: all chunks of the job in slot s are in its tally.  A hint: who dies before it says so is charged
 * by the parent, which then reads that job's ledger. */
struct endings {
	_Alignas(CACHE_LINE) _Atomic uint64_t jobs;
};

/* RO: a chunk that a dead worker left, to be run on as struct resume says (JOB_FOLD: from its
 * beginning, without the excluded indices). */
struct orphan_post {
	_Alignas(CACHE_LINE) _Atomic uint64_t version; /* 0: none.  Written last; also in the ledger's word */
	_Atomic uint64_t job, chunk;
	_Atomic uint64_t start, tried_end, step, attempt;
	const uint32_t *_Atomic excluded; /* offsets in the chunk, ascending */
	_Atomic uint64_t excluded_count;
};

/* RW: the failure with the lowest index that a worker saw in a job.  A worker killed while it
 * writes here was failing a lower index than the one that stood here; that index is then
 * charged by the parent, so the entry is not missed. */
struct failure {
	_Atomic uint64_t job; /* 0: being written */
	uint64_t index;
	int32_t status;
	uint32_t attempt;
	char message[FORKPOOL_MESSAGE_SIZE];
};

/* position, in 64 bits: what the worker is doing to `chunk`.
 *   CLAIMING               it may or may not have claimed it; no task is charged
 *   RUNNING, offset, failed    task first + offset; `failed` of those before it failed
 *   WHOLE                  with RUNNING: where in offset .. call_end it is, is not known */
enum { POSITION_CLAIMING = 0, POSITION_RUNNING = 1 };
#define POSITION_NEXT  ((uint64_t)1 << 2) /* to the next offset */
#define POSITION_WHOLE ((uint64_t)1 << 63)

static inline uint64_t position_running(uint64_t offset, uint64_t failed)
{
	return POSITION_RUNNING | offset << 2 | failed << (2 + LEDGER_COUNT_BITS);
}

static inline uint64_t position_offset(uint64_t position)
{
	return position >> 2 & (((uint64_t)1 << LEDGER_COUNT_BITS) - 1);
}

static inline uint64_t position_failed(uint64_t position)
{
	return position >> (2 + LEDGER_COUNT_BITS) & (((uint64_t)1 << LEDGER_COUNT_BITS) - 1);
}

static inline void cpu_relax(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

/* RW: a worker's record.  Written by its worker; the parent clears it after recovery. */
struct worker_record {
	_Alignas(CACHE_LINE) _Atomic uint64_t pin; /* the job it may look at; 0: none.  B0, B4 */
	_Atomic uint64_t call_end;                 /* of a range, as an offset: written before position.  B2 */
	_Atomic uint64_t chunk, position;          /* B2 */
	_Atomic uint64_t done;                     /* chunks finished, not yet in the tally */
	_Atomic uint32_t useful;                   /* it has handed in a finished chunk */
	_Atomic uint64_t faults_begin, cpu_begin;  /* its use when it pinned the job, if measured */
	_Atomic uint64_t attempt;                  /* in jobs with retries: see attempt_word() */
	_Atomic uint64_t stint, began;             /* in jobs with a time limit; began: clock_ns().  B3 */
	_Atomic uint32_t parked;                   /* see ring_sleep() */
	_Atomic uint32_t stage;                    /* enum worker_stage */
};

/* pin: the worker never leaves this job.  B4 */
#define PIN_DOOMED ((uint64_t)1 << 63)

static inline uint64_t pinned_job(const struct worker_record *record)
{
	return atomic_load(&record->pin) & ~PIN_DOOMED;
}

/* stint: odd in a task, even between two. */
#define STINT_DOOMED ((uint64_t)1 << 63)

/* Which attempt a worker makes at the task with this offset (JOB_FOLD: at the chunk, offset 0); that at any
 * other offset follows from the chunk's struct resume. */
static inline uint64_t attempt_word(uint64_t offset, uint32_t attempt)
{
	return offset << 32 | attempt;
}

enum worker_stage { STAGE_STARTING, STAGE_READY, STAGE_REFUSED, STAGE_EXITED, STAGE_RETIRED, STAGE_ENDED };

/* RO: the board. */
struct board {
	_Atomic uint32_t closing;       /* finish what there is and end */
	_Atomic uint32_t parent_asleep; /* B1, B5 */
	_Atomic uint32_t orphans;       /* slots in use, at most */
	/* Bit s: the job in slot s may have chunks that nobody finds through the ring: it has several, or one whose
	 * entry found no place, or somebody has died since, who may have had it. */
	_Alignas(CACHE_LINE) _Atomic uint64_t stealable;
	struct orphan_post orphan[ORPHAN_SLOTS];
	struct job_post posts[JOB_SLOTS];
};

/* Where everything is: private memory, the same in parent and workers. */
struct engine {
	struct board *board;
	struct ring ring;
	struct job_tally *tallies; /* JOB_SLOTS */
	struct endings *endings;
	struct failure *failures;      /* [workers][JOB_SLOTS] */
	struct worker_record *records; /* [workers] */
	unsigned workers;
	unsigned spin_us;
	size_t tasks_a_worker;      /* that it ends after; 0: it does not */
	int doorbell;               /* non-blocking; -1: nobody sleeps (serial) */
	void (*before_sleep)(void); /* what a worker does before; or NULL */
};

struct worker;

/* Runs the tasks begin .. end-1 of the claimed chunk, which begins at worker->first; folds begin
 * there, too, and leave out the excluded offsets.  Returns the index up to which tasks were run:
 * end, or less where the job was stopped. */
typedef size_t task_runner(struct worker *worker, const struct job_post *post, size_t begin, size_t end);

/* Calls the function for one task.  Returns what that returns. */
typedef int task_caller(const struct job_post *post, size_t index);

/* One worker's private state. */
struct worker {
	struct engine *engine;
	struct worker_record *record;
	struct failure *failures; /* [JOB_SLOTS] */
	unsigned slot;
	unsigned number;              /* what forkpool_worker() says */
	uint64_t running;             /* the RUNNING word with its name */
	void *state;                  /* the initializer's */
	forkpool *nested;             /* for maps inside its tasks; or NULL */
	struct worker *outer;         /* whose task this worker runs in; or NULL */
	bool attentive;               /* something is done after each chunk */
	bool is_parent;               /* it runs inline */
	bool (*interrupt)(void *arg); /* inline: whether to come back after this chunk; or NULL */
	void *interrupt_arg;
	uint64_t stint;   /* the last even one.  B3 */
	size_t served;    /* tasks, in a pool whose workers end after so many */
	bool retired;     /* they were enough */
	bool left;        /* it has left a job before its end */
	bool owes;        /* and it is such a job's turn */
	unsigned visited; /* the slot of the job that it stole from last */

	const struct job_post *post; /* the pinned job */
	struct job_tally *tally;
	task_runner *run;         /* for its kind */
	task_caller *call;        /* where a chunk is but one such call; else NULL */
	uint64_t job;             /* its number */
	uint64_t done, failed;    /* chunks and tasks, not yet in the tally */
	size_t first;             /* of the chunk, as an index */
	uint64_t chunk_failed;    /* of its tasks so far */
	const uint32_t *excluded; /* offsets in the chunk that a fold leaves out */
	size_t excluded_count;
	struct resume resume; /* how the chunk goes on; RESUME_FRESH between chunks */
	bool in_task;
	size_t call_begin, call_end; /* of the range its function was last called for */
	size_t message_first;        /* chunk and position for which `message` was left */
	uint64_t message_position;
	char message[FORKPOOL_MESSAGE_SIZE];
};

/* The worker whose task this thread runs, or NULL. */
extern _Thread_local struct worker *worker_current __attribute__((tls_model("initial-exec")));

#endif
