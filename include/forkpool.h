/*
 * forkpool.h - pool.map for C: a pool of worker processes that share memory.
 *
 * A pool forks its workers once; a map then hands them indices through shared
 * memory and they write the results in place.  A worker that crashes costs
 * exactly the index it was working on: the call returns, every other result is
 * there, and the report says which index was lost and why.  The same calls run
 * on threads and inline in the caller, so that the three can be compared.
 *
 * Conventions of every call:
 *   - A struct of options may be NULL, and zero in any field means the default:
 *     &(forkpool_config){ .workers = 4 }.  `reserved` must be zero (-EINVAL).
 *   - Sizes are in bytes, times in seconds.
 *   - A map returns 0 when all tasks succeeded; a number > 0, how many did not
 *     (at most INT_MAX); or a number < 0, -errno, when the call was refused or
 *     ended early.  forkpool_strerror() puts each into words, and the report's
 *     `message` names the value that was refused.
 *   - A pool belongs to one thread at a time.  Pools of different threads know
 *     nothing of each other.  A pool may be used only by the process that
 *     created it: a child that the program forks itself gets -EPERM.
 */
#ifndef FORKPOOL_H
#define FORKPOOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__ || defined __clang__
#define FORKPOOL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FORKPOOL_PRINTF(text, first)
#endif

typedef struct forkpool forkpool;         /* a pool of workers */
typedef struct forkpool_job forkpool_job; /* a map that was submitted: a future */

/* What a worker is.  FORKPOOL_MPI is reserved for libforkpool-mpi; this library
 * answers it with -ENOTSUP.  The environment variable FORKPOOL_BACKEND
 * (processes, threads, serial) overrides the choice of the program. */
enum {
	FORKPOOL_PROCESSES = 0, /* forked: own memory, may crash, needs no locks */
	FORKPOOL_THREADS,       /* in the caller's process: a crash ends everything, and
	                           nothing can be ended before its time */
	FORKPOOL_SERIAL,        /* no worker: tasks run in the caller, in order */
	FORKPOOL_MPI
};

/* What became of a task, where it is not what its function returned. */
#define FORKPOOL_CRASHED   (INT32_MIN)     /* its worker died while running it */
#define FORKPOOL_TIMED_OUT (INT32_MIN + 1) /* it was running longer than allowed */
#define FORKPOOL_CANCELLED (INT32_MIN + 2) /* it was not run, or not to its end */

enum { FORKPOOL_MAX_WORKERS = 4096 };        /* workers in one pool, at most */
enum { FORKPOOL_MAX_CHUNK = (1 << 30) - 1 }; /* tasks in one chunk, at most */
enum { FORKPOOL_MAX_RETRIES = 1000000 };     /* further attempts at a task, at most */
enum { FORKPOOL_MESSAGE_SIZE = 240 };        /* bytes of a message, with its '\0' */

/* ---- Task functions --------------------------------------------------------
 * Each returns 0 for success; any other value is a failure of that task (or, of
 * a range, of the index last told to forkpool_at()).  A function must not
 * return one of the three values above: they are recorded as -1.
 * On processes `ctx`, items and results are in memory shared with the caller,
 * everything else is the worker's own copy. */

/* One item to one result. */
typedef int forkpool_map_fn(const void *item, void *result, void *ctx);

/* One item of each column to one result: items[k] is from column k. */
typedef int forkpool_starmap_fn(const void *const *items, void *result, void *ctx);

/* The body of a loop, for one index. */
typedef int forkpool_for_fn(size_t index, void *ctx);

/* The body of a loop, for begin <= index < end. */
typedef int forkpool_range_fn(size_t begin, size_t end, void *ctx);

/* Adds begin <= index < end to *acc. */
typedef int forkpool_fold_fn(size_t begin, size_t end, void *acc, void *ctx);

/* Adds *other to *acc.  Runs in the caller. */
typedef void forkpool_combine_fn(void *acc, const void *other, void *ctx);

/* The source of a stream: fills in the next item.  Runs in the caller.  Returns 1: done; 0: there is none
 * left; or -errno: the stream ends with that once what was taken before has been handed on. */
typedef int forkpool_next_fn(void *item, void *arg);

/* Takes the result of item `index` of a stream, with its status as in forkpool_opts.status; `result` is
 * unspecified where the status is not 0, and valid during the call.  Runs in the caller.  Non-zero: stop. */
typedef int forkpool_emit_fn(size_t index, const void *result, int32_t status, void *arg);

/* A column of starmap's input: item i is at base + i * stride, `size` bytes
 * long.  stride 0: the same item for every task (a repeated constant). */
typedef struct {
	const void *base;
	size_t size;
	size_t stride;
} forkpool_column;

/* ---- The pool -------------------------------------------------------------- */

typedef struct {
	int backend;      /* FORKPOOL_PROCESSES, _THREADS or _SERIAL */
	unsigned workers; /* 0: forkpool_cpu_count(); at most FORKPOOL_MAX_WORKERS.
	                     The environment's FORKPOOL_WORKERS overrides it */

	/* Run by each worker when it starts, with its number (0 .. workers-1); what
	 * it leaves in *state is what forkpool_worker_state() returns.  A non-zero
	 * return is a worker that cannot start: see forkpool_create(). */
	int (*initializer)(unsigned worker, void **state, void *arg);

	/* Run by each worker that ends in good order (not by one that is killed or crashes). */
	void (*finalizer)(unsigned worker, void *state, void *arg);
	void *arg; /* for both; on processes as it was at the fork */

	size_t arena_size; /* address space for forkpool_alloc() and for copies of
	                      buffers outside of it; pages cost memory only when
	                      touched.  0: twice the machine's memory */
	unsigned spin_us;  /* microseconds an idle worker (and a waiting caller, but at most
	                      10000) looks for work before it sleeps; 0: the default, 50.
	                      FORKPOOL_NO_SPIN: sleep at once */
	int core_dumps;    /* non-zero: a crashing worker may dump core, the arena
	                      included, as the limits of the process allow */

	size_t max_tasks_per_worker; /* a worker ends, finalizer and all, and another takes
	                                its place, after the chunk in which it has run so
	                                many tasks (against leaks; opts.chunk = 1: exactly
	                                so many).  0: it serves as long as the pool */
	size_t memory_limit;         /* bytes of private memory that a worker process may
	                                allocate, beyond what it has from its parent
	                                (RLIMIT_DATA): then malloc() and mmap() fail in it.
	                                The arena does not count.  0: no limit */
	unsigned inner_threads;      /* threads that OpenMP, OpenBLAS, MKL and BLIS may use inside one
	                                worker.  0: what the CPUs divided by the workers gives (1, if
	                                affinity binds the worker to one), at least 1, and never more
	                                than the library would use by itself; FORKPOOL_ALL_THREADS:
	                                they are left alone.  Threads: OpenMP and MKL only, the others
	                                have one number for the whole process.  Serial: no effect */
	int affinity;                /* FORKPOOL_AFFINITY_NONE, _COMPACT or _SPREAD */
	uint64_t reserved[3];
} forkpool_config;

#define FORKPOOL_NO_SPIN     ((unsigned)-1)
#define FORKPOOL_ALL_THREADS ((unsigned)-1)

/* Where workers run, among the CPUs that the caller may use; where there are more workers than those, several
 * share one.  As far as the system allows: otherwise they run where it puts them.  Serial: no effect. */
enum {
	FORKPOOL_AFFINITY_NONE = 0, /* where the system puts them */
	FORKPOOL_AFFINITY_COMPACT,  /* each on one CPU, neighbours side by side: they share caches */
	FORKPOOL_AFFINITY_SPREAD    /* each on one CPU, far apart: they share as little as can be */
};

/* Creates a pool and starts its workers.  `*pool` is written only on success.
 * Call it early: workers see the program's memory as it is at this moment, and
 * a fork costs less in a small process.  Inside a task the new pool is serial.
 * Returns 0, or
 *   -EINVAL     pool is NULL; unknown backend or affinity, too many workers, `reserved` not
 *               zero; an environment variable has a value that is none
 *   -ENOTSUP    backend FORKPOOL_MPI; a memory_limit for threads or serial
 *   -ENOMEM     no memory, or no address space, not even for a small arena
 *   -EMFILE, -ENFILE    no descriptor left for workers to ring at (a pool holds at most 4, and
 *               one a worker; it can do with one or two)
 *   -ENOSYS     the system refuses eventfd() and pipe2() alike
 *   -EAGAIN     not one worker could be started
 *   -ECANCELED  the initializer failed in every worker
 *   -EPROTO     an initializer overwrote the pool's book-keeping */
int forkpool_create(forkpool **pool, const forkpool_config *config);

/* Ends the pool's intake: no further map.  What was submitted is finished, then the workers end.
 * Returns 0, or -EINVAL (pool is NULL), -EPERM (not the owner's process). */
int forkpool_close(forkpool *pool);

/* Waits until all that was submitted to a closed pool is finished and its workers have ended.
 * Returns 0, or -EINVAL (NULL, or the pool is still open), -EPERM. */
int forkpool_join(forkpool *pool);

/* Ends the workers at once; tasks that run, and those that wait, are cancelled, and the jobs end with
 * -ESHUTDOWN.  Threads cannot be killed: there each running task is waited for.
 * Returns 0, -EINVAL, -EPERM. */
int forkpool_terminate(forkpool *pool);

/* Ends the workers, in good order if no job is unfinished, else as forkpool_terminate() does, and frees
 * the pool and its arena: pointers from forkpool_alloc() are invalid afterwards; handles of jobs stay
 * valid.  NULL is allowed.  Not from a callback of this pool.  In a child of the owner's process it frees
 * only the child's copies. */
void forkpool_destroy(forkpool *pool);

/* Forks all workers anew, so that they see the program's memory, and the shared
 * objects loaded, as of now.  Threads and serial: nothing to do.
 * Returns 0, or -EINVAL, -EPERM, -ESHUTDOWN (closed), -EBUSY (jobs are
 * unfinished, or called from a callback), -EAGAIN, -ECANCELED, -EPROTO as forkpool_create(). */
int forkpool_refresh(forkpool *pool);

/* Zeroed memory, aligned to 64 bytes, that the caller and all workers, those
 * already running included, see at the same address.  NULL and errno: EINVAL
 * (NULL pool, size 0), ENOMEM, EPERM.  Cost: a list look-up, and pages when touched.
 * For the caller only; inside a task use malloc(). */
void *forkpool_alloc(forkpool *pool, size_t size);

/* Gives memory from forkpool_alloc() back, to the system where it is large.
 * NULL is allowed; any other pointer is ignored. */
void forkpool_free(forkpool *pool, void *memory);

/* ---- Maps ------------------------------------------------------------------ */

/* How a map went.  tasks = succeeded + failed + crashed + timed_out + cancelled,
 * always; and 0 tasks where the call was refused. */
typedef struct {
	uint64_t tasks;
	uint64_t succeeded;
	uint64_t failed;  /* the function returned non-zero */
	uint64_t crashed; /* the worker died */
	uint64_t timed_out;
	uint64_t cancelled;
	uint64_t retried;      /* attempts beyond the first (of a range function: calls) */
	uint64_t restarts;     /* workers replaced while the map ran */
	uint64_t bytes_copied; /* into and out of shared memory */
	uint64_t page_faults;  /* of the workers, those that did not need a disk */
	double elapsed;        /* seconds from call to return */
	double cpu_time;       /* seconds, of the workers (user and system) */

	/* Of the task with the lowest index that failed, crashed or timed out; if there is
	 * none, of the first that was cancelled: */
	uint64_t index;
	int32_t status;                      /* as in forkpool_opts.status */
	int32_t signal;                      /* that killed its worker, 0: none */
	uint32_t attempt;                    /* which it was, from 1; 0: it was not run */
	char message[FORKPOOL_MESSAGE_SIZE]; /* why; or why the call was refused */
} forkpool_report;

/* How far a map is. */
typedef struct {
	uint64_t tasks;
	uint64_t finished;     /* successful or not; never falls */
	uint64_t unsuccessful; /* of those, as far as noticed */
	unsigned workers_busy;
	double elapsed;   /* seconds since the call */
	double remaining; /* seconds, estimated; < 0: not known yet */
} forkpool_progress;

typedef struct {
	void *ctx;               /* handed to each call of the function */
	size_t ctx_size;         /* > 0: this many bytes of ctx are copied to the workers.
	                            0: ctx itself is handed on; on processes it must be in
	                            the arena, or `inherited` be set (else -EINVAL) */
	int inherited;           /* non-zero: function, ctx and items were where they are
	                            when the workers were forked, and unchanged since, and
	                            are used as inherited; nothing of them is copied */
	size_t chunk;            /* tasks handed out at once, at most FORKPOOL_MAX_CHUNK.
	                            0: such that there are at most 8192 chunks; it depends
	                            on the number of tasks alone (of a reduction with a
	                            large result_size on that, too) */
	int stop_on_failure;     /* non-zero: once a task does not succeed no further one
	                            is begun; those left end as FORKPOOL_CANCELLED */
	unsigned retries;        /* further attempts at a task that failed, crashed or timed
	                            out, at most FORKPOOL_MAX_RETRIES; the last one counts */
	double timeout;          /* seconds (of the clock on the wall) that an attempt at a
	                            task may take, then its worker is ended and the task is
	                            FORKPOOL_TIMED_OUT; 0: no limit.  Processes only */
	int32_t *status;         /* NULL, or count entries: 0 for each task that succeeded,
	                            what the function returned, or FORKPOOL_CRASHED, ... */
	forkpool_report *report; /* NULL, or where to put the report */

	/* Called in the caller's thread every `progress_interval` seconds (0: 0.1) while the map
	 * runs and the caller waits in a call of the pool, or dispatches; and once at its end. */
	void (*progress)(const forkpool_progress *progress, void *arg);
	void *progress_arg;
	double progress_interval;

	/* Called once in the caller's thread when the job is finished and its buffers are the
	 * caller's again: from whatever call of the pool waits, or dispatches, then.  It may submit
	 * and wait for further jobs, and free this one (a map that is waited for has no
	 * handle to be freed).  Not for streams. */
	void (*done)(forkpool_job *job, void *arg);
	void *done_arg;
	uint64_t reserved[4];
} forkpool_opts;

/* All maps run `count` tasks on the pool's workers and wait for the last one.
 *
 * Buffers: those inside the arena are used in place.  Of those outside, on
 * processes, items are copied in before and results out afterwards (one copy each;
 * the report counts the bytes); threads and serial use every buffer in place.
 * The result of a task that did not succeed is what the caller had there, where the
 * buffer is outside the arena and the workers are processes, else unspecified.  A task
 * that succeeds has to write its whole result: bytes that it leaves are unspecified, too.
 * items and results must not overlap, except that they may be the same.
 *
 * Cost: tens of nanoseconds a chunk and some microseconds a map, while the workers are awake;
 * `make bench` measures it.
 *
 * Retries: a task that failed is tried again at once by the same worker; one that crashed or
 * timed out, by any.  What an attempt has done stays done: with retries, tasks whose effects
 * go beyond their result should be able to bear repetition (forkpool_attempt() tells).
 *
 * Time limits act while the caller waits in a call of this pool, to about a millisecond.  Of a
 * task that ends in the instant in which it would be ended, what it returned counts.  They cost
 * a look at the clock a task.  A range function is limited from one forkpool_at() to
 * the next, or, where it does not call that, for the whole of its call.
 *
 * A map called inside a task runs in that worker, one task after the other.  There `pool` may be
 * NULL, as a global variable is that forkpool_create() has filled after the workers were forked.
 *
 * Return: 0; the number of tasks that did not succeed; or
 *   -EINVAL     pool or function NULL; a buffer NULL whose size and count are not
 *               zero; chunk too large; interval negative; `reserved` not zero; a ctx
 *               that the workers cannot see; retries too large, timeout negative
 *   -ENOTSUP    a timeout on threads, on a serial pool, or inside a task
 *   -EOVERFLOW  count times a size does not fit
 *   -ENOEXEC    the function was not loaded when the workers were forked: dlopen()
 *               first, or call forkpool_refresh(), or set `inherited`
 *   -ENOMEM     the arena, or the caller, has no memory for copies and book-keeping
 *   -ESHUTDOWN  the pool was closed or terminated
 *   -EPERM      the pool belongs to another process
 *   -EAGAIN     no worker is left and none could be started; tasks not run are
 *               cancelled
 *   -ECANCELED  workers could not be replaced because the initializer fails
 *   -EPROTO     a worker overwrote the pool's book-keeping: results are void, the
 *               workers were replaced and the pool can be used */

/* results[i] = function(items[i]), each item item_size and each result
 * result_size bytes.  items may be NULL if item_size is 0 (the function then gets
 * NULL), results likewise. */
int forkpool_map(forkpool *pool, forkpool_map_fn *function, const void *items, size_t count, size_t item_size,
                 void *results, size_t result_size, const forkpool_opts *opts);

/* FORKPOOL_MAP(pool, function, items, results, count, opts): the sizes are taken from the arrays'
 * element types. */
#define FORKPOOL_MAP(pool, function, items, results, count, /* opts */...)                                             \
	forkpool_map((pool), (function), (items), (count), sizeof *(items), (results), sizeof *(results), __VA_ARGS__)

/* results[i] = function(columns[0][i], columns[1][i], ...): 1 to 64 columns (else
 * -EINVAL).  Repeated constants have stride 0. */
int forkpool_starmap(forkpool *pool, forkpool_starmap_fn *function, const forkpool_column *columns, size_t column_count,
                     size_t count, void *results, size_t result_size, const forkpool_opts *opts);

/* function(i) for i < count. */
int forkpool_for(forkpool *pool, forkpool_for_fn *function, size_t count, const forkpool_opts *opts);

/* The same by ranges of at most `chunk` indices: no call per index.  The function
 * may tell where it is by forkpool_at().  If it then crashes or fails, that index is
 * charged, those before it count as done, and the range goes on behind it; if it
 * never told, the whole range is charged.  With `retries` such a range is called again
 * in halves, and those in halves, as long as they do not succeed, so that in the end
 * single indices are charged; those beside them are then run more than once. */
int forkpool_for_range(forkpool *pool, forkpool_range_fn *function, size_t count, const forkpool_opts *opts);

/* Folds 0 <= i < count into *result, which holds the identity (0 for a sum) on
 * entry and the answer on return; result_size bytes, copied with memcpy.  Each chunk
 * is folded by one worker into a copy of the identity, and the chunks' partial
 * results are combined in the caller, in a fixed binary tree: the answer has the same
 * bits on any backend and with any number of workers, for a given chunk, if the fold
 * depends on its arguments alone.  A chunk in which an index crashed or failed is
 * folded again from its beginning, without that index; with `retries` first with it, so
 * many times.  *result is written only if the return value is >= 0. */
int forkpool_reduce(forkpool *pool, forkpool_fold_fn *fold, forkpool_combine_fn *combine, size_t count, void *result,
                    size_t result_size, const forkpool_opts *opts);

/* One task: *result = function(item). */
int forkpool_apply(forkpool *pool, forkpool_map_fn *function, const void *item, size_t item_size, void *result,
                   size_t result_size, const forkpool_opts *opts);

/* ---- Jobs: maps that are not waited for ----------------------------------------
 * Each map has a twin that submits it and returns: AsyncResult in Python's multiprocessing.  Any number may be
 * unfinished at a time; FORKPOOL_OPEN_JOBS of them are worked on side by side, in turns of a chunk or of what
 * takes a tenth of a millisecond, so that a short one does not wait for the long ones before it, nor they for
 * ever; the others wait in line.
 *
 * The handle is written to *job before the call returns.  `job` may be NULL if nobody will ask: then the job
 * frees itself.  Copied in the call are opts, what ctx_size says of ctx, the array of columns, and apply's
 * item; all else (items, results, status, report) belongs to the job until it is finished, which is when a
 * call below, or `done`, says so.
 *
 * Nothing here runs in a hidden thread: the workers work on by themselves, but deaths, time limits, copies of
 * results, callbacks, and jobs that wait in line are seen to while the caller is in a call of the pool or of
 * one of its jobs.  A serial pool works only there.  Callbacks may call all of it again.
 *
 * A handle belongs to the pool's thread.  It outlives its pool.  In a task a job is best waited for in that
 * task: it runs there.
 *
 * The submitting calls return 0, or < 0 as the map does that is refused (then there is no job, *job is NULL,
 * and `done` is not called).  What only turns out later, as -ENOMEM for copies, is what forkpool_job_get()
 * returns.  Cost: about a microsecond. */
enum { FORKPOOL_OPEN_JOBS = 64 };

int forkpool_map_async(forkpool_job **job, forkpool *pool, forkpool_map_fn *function, const void *items, size_t count,
                       size_t item_size, void *results, size_t result_size, const forkpool_opts *opts);
int forkpool_starmap_async(forkpool_job **job, forkpool *pool, forkpool_starmap_fn *function,
                           const forkpool_column *columns, size_t column_count, size_t count, void *results,
                           size_t result_size, const forkpool_opts *opts);
int forkpool_for_async(forkpool_job **job, forkpool *pool, forkpool_for_fn *function, size_t count,
                       const forkpool_opts *opts);
int forkpool_for_range_async(forkpool_job **job, forkpool *pool, forkpool_range_fn *function, size_t count,
                             const forkpool_opts *opts);
int forkpool_reduce_async(forkpool_job **job, forkpool *pool, forkpool_fold_fn *fold, forkpool_combine_fn *combine,
                          size_t count, void *result, size_t result_size, const forkpool_opts *opts);
int forkpool_apply_async(forkpool_job **job, forkpool *pool, forkpool_map_fn *function, const void *item,
                         size_t item_size, void *result, size_t result_size, const forkpool_opts *opts);

/* Waits until the job is finished, at most `seconds` (< 0: no limit; 0: looks once).
 * Returns 0, -ETIMEDOUT, or -EINVAL (NULL; not a number), -EPERM (another process, or inside a task that did
 * not submit it). */
int forkpool_job_wait(forkpool_job *job, double seconds);

/* Whether the job is finished: 1 or 0; or -EINVAL, -EPERM.  Looks as forkpool_job_wait(job, 0) does. */
int forkpool_job_ready(const forkpool_job *job);

/* Waits, and returns what the map would have returned.  The report, if not NULL, is filled in; page_faults and
 * cpu_time only if opts.report was given, too.  May be called again.  Returns -EINVAL, -EPERM as above. */
int forkpool_job_get(forkpool_job *job, forkpool_report *report);

/* Hands out the indices of the job one by one, as they are noticed to be finished, each once, whatever became
 * of them (opts.status tells); the result of *index is the caller's from then on.  Waits at most `seconds` for
 * the next (< 0: no limit; 0: looks once).  Not for reductions.
 * Returns 1: *index was written; 0: there are no more; -ETIMEDOUT; -EINVAL; -EPERM; -ENOMEM.
 * Cost: a look at each unfinished chunk whenever there is nothing new. */
int forkpool_job_next(forkpool_job *job, size_t *index, double seconds);

/* Ends the job early: tasks not begun never are; those that run are ended with their worker on processes, and
 * asked to end (forkpool_cancelled()) elsewhere.  Does not wait.  What is finished stays so; the rest is
 * FORKPOOL_CANCELLED.  Of a job that is finished: no effect.  Returns 0, -EINVAL, -EPERM. */
int forkpool_job_cancel(forkpool_job *job);

/* Frees the handle; of an unfinished job: cancels it and waits for its end first (`done` is called then, too).
 * NULL is allowed. */
void forkpool_job_free(forkpool_job *job);

/* Waits until one of the jobs, all of the same pool, is finished.  NULLs among them are left out.
 * Returns which: of several that which was noticed first; or -ETIMEDOUT; -EINVAL (no job, of different pools);
 * -EPERM; -ENOMEM. */
int forkpool_wait_any(forkpool_job *const *jobs, size_t count, double seconds);

/* ---- Streams ------------------------------------------------------------------- */

/* Applies the function to items from `next` and hands the results to `emit`, with `arg` for both: any number
 * of them in constant memory.  At most `window` items (0: as many as take 16 MiB, at most 65536) are between
 * next and emit at a time.  In the order of the items, or, if `unordered`, as they are noticed to be finished.
 * The work is handed out in small blocks first, then in blocks of as many as take about a millisecond.
 * opts: as for a map, but no `status` and no `done`; in `progress`, tasks are those taken so far.
 * Returns 0; how many tasks did not succeed; what `next` returned, if < 0; -ECANCELED: `emit` asked to stop,
 * or as forkpool_map(), -EINVAL also where item_size, result_size and window do not fit together. */
int forkpool_imap(forkpool *pool, forkpool_map_fn *function, forkpool_next_fn *next, forkpool_emit_fn *emit, void *arg,
                  size_t item_size, size_t result_size, size_t window, int unordered, const forkpool_opts *opts);

/* ---- In an event loop ------------------------------------------------------------ */

/* A descriptor that becomes readable whenever forkpool_dispatch() has something to do: a job has ended, a
 * worker has died, a task is over its time, progress is due.  It is the pool's: do not read or close it.
 * Returns -EINVAL, -EPERM, -EMFILE, -ENFILE, -ENOMEM, or -ENOSYS: the system has no epoll or no timers for it. */
int forkpool_fd(const forkpool *pool);

/* Does what is due and returns without waiting (a serial pool: works at one chunk).  Returns how many jobs are
 * unfinished (at most INT_MAX), or -EINVAL, -EPERM. */
int forkpool_dispatch(forkpool *pool);

/* Puts a report into words, one line for each thing there is to say, as snprintf()
 * does: at most size bytes with the '\0'; returns the length of the whole text. */
size_t forkpool_report_format(const forkpool_report *report, char *text, size_t size);

/* ---- Inside a task --------------------------------------------------------- */

/* The number of the worker that runs the task, from 0; -1 outside of tasks. */
int forkpool_worker(void);

/* What the initializer left for this worker; NULL outside of tasks. */
void *forkpool_worker_state(void);

/* Which attempt at this task it is, from 1; 0 outside of tasks.  Of a range function that was
 * called for several indices: 2 if some of them have been begun before.  Of a fold: which
 * attempt at its chunk. */
unsigned forkpool_attempt(void);

/* Non-zero: the map is being cancelled; a long task may return early (its
 * return value counts as ever). */
int forkpool_cancelled(void);

/* In a range or fold function: `index` is begun, all before it in the range are done.
 * An index outside of the range, or below one told before, is ignored.  Costs a store. */
void forkpool_at(size_t index);

/* Leaves a message (cut to FORKPOOL_MESSAGE_SIZE) for the report and returns `code`:
 * return forkpool_fail(3, "row %zu is singular", row); */
int forkpool_fail(int code, const char *format, ...) FORKPOOL_PRINTF(2, 3);
int forkpool_fail_text(int code, const char *text);

/* ---- Anywhere -------------------------------------------------------------- */

/* CPUs this process may use: the smaller of its affinity mask and its cgroup's quota
 * (v1 or v2, rounded up); at least 1.  In a worker that `affinity` binds to one CPU: 1. */
unsigned forkpool_cpu_count(void);

/* A seed for task `index` of an experiment `seed`: distinct and well mixed for all
 * indices, and independent of workers and chunks.  SplitMix64: Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators", OOPSLA 2014. */
uint64_t forkpool_seed(uint64_t seed, uint64_t index);

/* What a return value (0, > 0, < 0) or one of the three FORKPOOL_ statuses means,
 * in words.  Never NULL; valid until the thread's next call. */
const char *forkpool_strerror(int code);

/* "MAJOR.MINOR.PATCH" of the library that is linked. */
const char *forkpool_version(void);

/* ---- Plugins: functions that `forkpool map FILE.so:NAME` can apply ---------- */

enum { FORKPOOL_PLUGIN_ABI = 1 };

typedef enum {
	FORKPOOL_DOUBLE = 0, /* double                  */
	FORKPOOL_INT64,      /* int64_t                 */
	FORKPOOL_UINT64,     /* uint64_t                */
	FORKPOOL_FLOAT,      /* float                   */
	FORKPOOL_INT32,      /* int32_t                 */
	FORKPOOL_UINT8       /* uint8_t, opaque bytes   */
} forkpool_type;

/* Describes one function: an item is item_length values of item_type, a result
 * result_length values of result_type.  In text, a line holds an item's or a
 * result's values, separated by white space. */
typedef struct {
	int abi;             /* FORKPOOL_PLUGIN_ABI */
	const char *summary; /* one line: what the function computes */
	forkpool_map_fn *function;
	forkpool_type item_type;
	size_t item_length; /* >= 1 */
	forkpool_type result_type;
	size_t result_length; /* >= 1 */
} forkpool_plugin;

/* Exports `forkpool_plugin_NAME`, which describes a map function:
 *   FORKPOOL_PLUGIN(sinc, "sin(x)/x", sinc, FORKPOOL_DOUBLE, 1, FORKPOOL_DOUBLE, 1);
 */
#define FORKPOOL_PLUGIN(NAME, SUMMARY, FUNCTION, ITEM_TYPE, ITEM_LENGTH, RESULT_TYPE, RESULT_LENGTH)                   \
	extern const forkpool_plugin forkpool_plugin_##NAME;                                                           \
	const forkpool_plugin                                                                                          \
	        forkpool_plugin_##NAME = {FORKPOOL_PLUGIN_ABI, (SUMMARY),     (FUNCTION),     (ITEM_TYPE),             \
	                                  (ITEM_LENGTH),       (RESULT_TYPE), (RESULT_LENGTH)}

#ifdef __cplusplus
}
#endif

#endif
