/*
 * marked.h - jobs that leave marks, for the programs that kill workers.
 *
 * A marked job is one call of forkpool_map(), _for(), ... whose tasks note in memory of their own, shared before any
 * pool was made, when they begin and end, in which attempt, and what they computed.  So what the pool says of a job
 * can be compared with what happened, at whatever instructions its workers were killed: judge() does that.
 *
 * It may be waited for in the call, or submitted and waited for, looked at, cancelled or freed later, or be a stream.
 *
 * What must hold of index i, by what the pool says of it; `attempts` is 1 + retries:
 *
 *   any        begun at most `attempts` times in a map, a starmap, a loop, or a range that tells where it is by
 *              forkpool_at().  A plain range: once without retries; with them its calls are halved, and indices are
 *              run again on the way.  Folds: any number of times, for a chunk is folded again when it lost an index.
 *              forkpool_attempt() was from 1 to `attempts`, and where one call is one task not below the times begun.
 *              Never begun after its job was told to be finished.
 *   succeeded  it has ended, its value is right, and so is the checksum; it is none of those that fail or never end.
 *              A weak index that succeeded was begun often enough.
 *   failed     with the very status that the function returned for it; or, where a call is charged whole, returned for
 *              the first of its indices that fails.  It has ended.
 *   crashed    begun and not ended, or ended in the last instant, or not even begun, where the kill came between the
 *              announcement and the task's first mark.  All in all one index a kill, or one call's where the call had
 *              not told yet where it was; workers that are ended on purpose, because another job was cancelled, are
 *              no kills: what they were in is cancelled, and nobody else is charged.
 *   timed out  only in jobs with a limit, and not before the limit was over: its worker was free, and its successor
 *              started.
 *   cancelled  only in jobs that stop on failure, that were cancelled, or freed unfinished.  Never begun, without
 *              retries, but for folds and for what was running when the job was cancelled, which is one call a worker;
 *              and after the cancel no further chunk is begun than one a worker.
 *
 * A result that would have been copied, of an index that did not succeed, is what the caller had there.  Whoever died
 * inside an index of a job, that index is charged, or was begun again.  A job whose pool was terminated meanwhile ends
 * with -ESHUTDOWN, and what was not run to its end is cancelled.  The report's counts are those of the statuses, its
 * first index is the lowest and its message that index's own, the return value is the number of those that did not
 * succeed, the sum of a fold is that of those that did.
 *
 * `done` is called once, whatever becomes of the job.  Progress never falls, is told last when all is finished, and
 * never after `done`.  forkpool_job_next() hands out each index once, with its final status and result there.  A stream
 * takes no item beyond its window, none after the source has ended or the consumer has stopped, and hands on each that
 * it took, once, in order if it is to be, unless it was stopped; then nothing more.
 */
#ifndef TESTS_KILLS_MARKED_H
#define TESTS_KILLS_MARKED_H

#include "../child.h"
#include "config.h"
#include "forkpool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef FORKPOOL_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { MAX_COUNT = 20000, MARKS = 5 * MAX_COUNT /* of all jobs that are unfinished */, RECORDS = 1 << 14 };

enum kind { MAP, STARMAP, FOR, RANGE_AT, RANGE, FOLD_AT, FOLD, KINDS };
extern const char *const kind_names[KINDS];

/* How its end is awaited. */
enum manner {
	CALLED,     /* the call itself waits */
	GOT,        /* forkpool_job_get() */
	AWAITED,    /* forkpool_job_wait(), and some may be found by forkpool_wait_any() */
	ONE_BY_ONE, /* forkpool_job_next(); not for folds */
	CANCELLED,  /* it is cancelled by cancel_marked() */
	FREED,      /* freed by that */
	FORGOTTEN,  /* nobody has the handle */
	LET_GO,     /* its `done` frees the handle */
	STREAM,     /* MAP only: forkpool_imap() */
	UNORDERED_STREAM
};

/* What to run.  Zero in any field is the plain job. */
struct job {
	enum kind kind;
	enum manner manner;
	bool single;      /* MAP of one index: forkpool_apply() */
	unsigned workers; /* of its pool; 0: not said */
	uint32_t count;
	size_t chunk; /* not 0 where calls are charged whole and some fail */
	bool in_place, stop_on_failure, without_status, without_report;
	uint32_t fail_every;  /* about one of so many fails; 0: none */
	uint32_t spin_every;  /* about one of so many spins for a while, */
	uint32_t sleep_every; /* sleeps, */
	uint32_t longest_us;  /* for at most so long */
	unsigned retries;
	uint32_t flaky_every; /* about one of so many fails in its first attempt only (with retries) */
	uint32_t weak_every;  /* about one of so many fails until it was begun more often than it has attempts */
	uint32_t limit_ms;    /* the time limit; 0: none */
	uint32_t stuck_every; /* about one of so many never ends (with a limit) */
	bool brink;           /* all end a little before or after the limit */
	bool terminated;      /* the pool is, from a callback of the job, or by the caller meanwhile */
	/* Of streams: */
	size_t window;
	uint32_t source_fails_at; /* the call of the source, from 1; 0: it does not */
	uint32_t stops_at;        /* the item, from 1, at which the consumer asks to stop; 0: it does not */
	uint64_t seed;            /* even: with progress */
	const struct job *inner;  /* runs on the same pool, from a callback of this one, and is judged, too */
};

/* How often each went wrong, and of what there was. */
struct verdict {
	uint64_t tasks, crashed, timed_out, retried;
	uint64_t cancelled; /* jobs, before their end was known */
	uint64_t callbacks; /* calls of `done` */
	uint64_t handed;    /* indices handed out one by one */
	uint64_t lost, doubled, wrong;
};

/* One index of a job that runs, written by its tasks. */
struct mark {
	_Atomic uint32_t begun, ended, attempt; /* attempt: what forkpool_attempt() said last */
	_Atomic uint64_t began_ns, value;
};

/* One worker, written by it alone but for `dead`, which is the killer's. */
struct record {
	_Alignas(64) _Atomic pid_t pid;
	_Atomic uint64_t inside; /* round << 32 | index + 1 of the task it is in; 0: none */
	_Atomic uint32_t dead;
	unsigned slot; /* number of the worker in its pool */
	uint64_t started_ns;
	_Atomic uint64_t free_ns; /* since when it has been in no task; it may be in one now */
};

struct evidence {
	_Atomic uint32_t records; /* that there have been; each has record[its number % RECORDS] */
	_Atomic uint32_t round;   /* of jobs, from 1 */
	_Atomic uint32_t running; /* jobs that are */
	_Atomic uint64_t news;    /* begins and ends of jobs, items handed out: it changes as long as nothing hangs */
	_Atomic uint64_t shots, deaths; /* counted before a kill, and after the kernel has confirmed it */
	_Atomic uint32_t hook_at;       /* index + 1 of a task that calls the hook; 0: none */
	_Atomic uint32_t hook_always;   /* all of them do */
	char what[384];                 /* the job begun last, in words */
	struct mark mark[MARKS];
	struct record record[RECORDS];
};

/* Shared with every process that is forked later. */
extern struct evidence *seen;

/* Called by the tasks that `hook_at` and `hook_always` say, between their marks.  NULL: nothing. */
extern void (*task_hook)(void);

/* For main(): ends the program as skipped where FORKPOOL_TEST_BACKENDS leaves processes out. */
void need_processes(void);

/* Zeroed memory, shared with every process that is forked later; exits where there is none. */
void *shared_memory(size_t size);

/* Makes `seen`. */
void make_evidence(void);

/* The pool's initializer: gives the worker its record. */
int register_worker(unsigned worker, void **state, void *arg);

/* Runs the job on the pool, and adds what it finds to the verdict.  The first faults are printed. */
void run_and_judge(forkpool *pool, const struct job *job, struct verdict *verdict);

/* ---- Several at a time: submitted, looked at, cancelled, awaited, judged, in this order ---- */

struct marked;

/* The job's manner is not CALLED, and no stream. */
struct marked *submit_marked(forkpool *pool, const struct job *job, struct verdict *verdict);

/* NULL: it is freed, or nobody has it. */
forkpool_job *handle_of(const struct marked *marked);

/* Whether it was told to be finished. */
bool is_over(const struct marked *marked);

/* Does something with the handle, for at most so many seconds. */
void look_at_marked(struct marked *marked, double seconds);

/* Cancels or frees it, if that is its manner. */
void cancel_marked(struct marked *marked);

/* Waits for its end; the pool may have ended. */
void await_marked(struct marked *marked);

/* All callbacks have been called.  Frees it; of a job in place while the pool is still there. */
void judge_marked(struct marked *marked);

/* Something was wrong with what forkpool_wait_any() told of the job. */
void blame_wait_any(struct marked *marked, int told);

/* What is being tried, in words; and, for SIGALRM, the end of the program with these words. */
extern char current[256];
void tell_hang(int signal);

/* A number below `bound`, from the `number`th roll of `seed`. */
uint64_t roll(uint64_t seed, uint64_t number, uint64_t bound);

uint64_t now_ns(void);

/* The value of a program's option; exits with 2, and says what is allowed, where it is none. */
uint64_t number_option(const char *program, const char *name, const char *text, uint64_t least, uint64_t most);

#endif
