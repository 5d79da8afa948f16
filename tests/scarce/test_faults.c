/*
 * test_faults.c - each call that can fail fails once in turn, and from some time on always.
 *
 * A run uses a pool for everything: it is made, its arena used, maps and reductions are run in which a
 * worker dies and a task maps itself, it is refreshed, terminated and freed.  The n-th call of one kind
 * is made to fail, for every n, until a run makes no n-th call.  Every step must end with the right result
 * or with an error that the manual names, and only a step in which the call failed may end with one; in
 * the end nothing is left.  symbols.sh sees to it that no call of the library is forgotten here.
 */
#include "config.h"
#include "faults.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What fails --------------------------------------------------------------------- */

enum { ALWAYS = 1, WORKERS = 2 }; /* also from the n-th call on; also in workers */

static const struct {
	enum fault call;
	int error;          /* what the system would say */
	int ways;           /* ALWAYS | WORKERS */
	enum fault refused; /* only then the call is made */
} faults[] = {
        {FAULT_atexit, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_calloc, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_close, EINTR, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_epoll_create1, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_epoll_ctl, ENOSPC, ALWAYS, NO_FAULT},
        {FAULT_epoll_wait, EINTR, 0, NO_FAULT},
        {FAULT_eventfd, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_fclose, EIO, ALWAYS, NO_FAULT},
        {FAULT_fcntl, EPERM, ALWAYS, NO_FAULT},
        {FAULT_fflush, EIO, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_fgets, EIO, ALWAYS, NO_FAULT},
        {FAULT_fopen, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_fork, EAGAIN, ALWAYS, NO_FAULT},
        {FAULT_fork, ENOMEM, ALWAYS, NO_FAULT},
        {FAULT_ftruncate, EFBIG, ALWAYS, NO_FAULT},
        {FAULT_getrlimit, EPERM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_madvise, EINVAL, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_malloc, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_memfd_create, EMFILE, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_mmap, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_mmap, EAGAIN, 0, FAULT_memfd_create},
        {FAULT_mprotect, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_munlock, EPERM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_open, EMFILE, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_pipe2, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_pipe2, ENFILE, ALWAYS, FAULT_eventfd},
        {FAULT_pipe2, EPERM, ALWAYS, FAULT_eventfd},
        {FAULT_poll, EINTR, 0, FAULT_epoll_create1},
        {FAULT_prctl, EPERM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_pthread_atfork, ENOMEM, ALWAYS, NO_FAULT},
        {FAULT_pthread_create, EAGAIN, ALWAYS, NO_FAULT},
        {FAULT_read, EINTR, 0, NO_FAULT},
        {FAULT_read, EINTR, 0, FAULT_eventfd},
        {FAULT_realloc, ENOMEM, ALWAYS, NO_FAULT},
        {FAULT_sched_getaffinity, EPERM, ALWAYS, NO_FAULT},
        {FAULT_sched_setaffinity, EINVAL, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_sem_trywait, EAGAIN, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_sem_wait, EINTR, WORKERS, NO_FAULT},
        {FAULT_setrlimit, EPERM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_sigaction, EINVAL, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_timerfd_create, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_timerfd_settime, EINVAL, ALWAYS, NO_FAULT},
        {FAULT_write, EINTR, WORKERS, NO_FAULT},
        {FAULT___sched_cpualloc, ENOMEM, ALWAYS | WORKERS, NO_FAULT},
        {FAULT_futex, EINVAL, ALWAYS, FAULT_pidfd_open},
        {FAULT_pidfd_open, EMFILE, ALWAYS, NO_FAULT},
        {FAULT_pidfd_send_signal, EPERM, ALWAYS, NO_FAULT},
        {FAULT_waitid_pidfd, EINTR, 0, NO_FAULT},
        {FAULT_waitid_pidfd, EINVAL, ALWAYS, NO_FAULT},
        {FAULT_waitid_pid, EINTR, 0, FAULT_pidfd_open},
        {FAULT_waitid_pid, EINTR, 0, FAULT_waitid_pidfd},
        {FAULT_waitid_pid, EPERM, 0, FAULT_pidfd_open}, /* which says nothing of the worker */
};

enum { FAULT_KINDS = sizeof faults / sizeof *faults };

/* The calls that workers make while they wait have no last one; and a worker resets 64 signals one by one. */
enum { MOST_RUNS = SANITIZED ? 25 : 150 };

/* Whether anybody sleeps, and must be woken, is a matter of moments: so often it is tried. */
enum { TRIES = 20 };

/* ---- A run ----------------------------------------------------------------------------- */

struct run {
	struct fault_plan plan;
	int backend;
	forkpool *pool;
	const char *step;
	long hits; /* before this step */
	bool asks_for_descriptor;
	const char *refused; /* the first step that ended with an error */
	bool is_wrong;       /* and what is */
	char what[400];
};

FORKPOOL_PRINTF(2, 3) static void complain(struct run *run, const char *format, ...)
{
	va_list arguments;
	if (run->is_wrong)
		return;
	va_start(arguments, format);
	vsnprintf(run->what, sizeof run->what, format, arguments);
	va_end(arguments);
	run->is_wrong = true;
}

static void begin_step(struct run *run, const char *step)
{
	run->step = step;
	run->hits = faults_hits();
	faults_arm();
}

/* Whether the step may have suffered.  When a worker's calls fail is not for the parent to say. */
static bool is_struck(const struct run *run)
{
	long hits = faults_hits();
	return hits > run->hits || (hits > 0 && (run->plan.forever || run->plan.in_workers));
}

static bool is_documented(const struct run *run, int error)
{
	bool creating = run->pool == NULL || run->asks_for_descriptor;
	return error == -ENOMEM || error == -EAGAIN ||
	       (creating && (error == -EMFILE || error == -ENFILE || error == -ENOSYS));
}

/* True if the call did what it should; an error of the manual's will do where there was a reason. */
static bool end_step(struct run *run, int result)
{
	faults_disarm();
	if (result >= 0)
		return true;
	if (run->refused == NULL)
		run->refused = run->step;
	if (run->plan.error == EINTR)
		complain(run, "%s: %d because of a signal", run->step, result);
	if (!is_struck(run))
		complain(run, "%s: %d without a reason", run->step, result);
	if (!is_documented(run, result))
		complain(run, "%s: %d is not documented", run->step, result);
	return false;
}

/* ---- Maps --------------------------------------------------------------------------------- */

enum { TASKS = 40, DYING = 5, FAILING = 7, NESTING = 11 };
enum { FOLD_DYING = 23, CHUNK = 10 }; /* of the reduction */

struct wish {
	bool die;
	bool by_exit;
};

static int square(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int *)result = *(const int *)item * *(const int *)item;
	return 0;
}

static int task(const void *item, void *result, void *ctx)
{
	const struct wish *wish = ctx;
	int index = *(const int *)item;
	if (index == FAILING)
		return forkpool_fail(3, "%d is not allowed", index);
	if (index == NESTING)
		return forkpool_map(NULL, square, item, 1, sizeof(int), result, sizeof(int), NULL);
	if (index == DYING && wish->die && wish->by_exit)
		exit(3);
	if (index == DYING && wish->die)
		raise(SIGKILL);
	return square(item, result, NULL);
}

/* What the library does about exit() in a task is to be seen where it may not be able to. */
static bool dies_by_exit(const struct run *run)
{
	return run->plan.call == FAULT_atexit;
}

static _Atomic uint32_t *host_exits; /* that ran in a worker */
static pid_t host;

static void note_host_exit(void)
{
	if (getpid() != host)
		atomic_fetch_add(host_exits, 1);
}

/* A map within a task may have no memory for itself. */
static bool may_fail(const struct run *run, int index, int32_t status)
{
	return (index == FAILING && status == 3) || (index == NESTING && status == -ENOMEM && is_struck(run));
}

static void check_task(struct run *run, int index, int32_t status, int result, bool die)
{
	bool failed = status != 0 && may_fail(run, index, status);
	if (status == 0 && (index == FAILING || result != index * index))
		complain(run, "%s: task %d succeeded with %d", run->step, index, result);
	else if (index == DYING && die ? status != FORKPOOL_CRASHED : status != 0 && !failed)
		complain(run, "%s: task %d has status %d", run->step, index, status);
}

/* Before the first run. */
static unsigned long first_oom_kills;

/* As the kernel counts them.  A worker that dies when there has been one is suspected of it. */
static unsigned long oom_kills(void)
{
	char line[128];
	unsigned long kills = 0;
	FILE *file = fopen("/proc/vmstat", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "oom_kill %lu", &kills) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kills;
}

static void check_report(struct run *run, const forkpool_report *report, bool die, int returned)
{
	uint64_t others = report->failed + report->crashed + report->timed_out + report->cancelled;
	if (report->tasks != report->succeeded + others || (report->tasks != TASKS && returned >= 0))
		complain(run, "%s: %d tasks, the report has %d", run->step, TASKS, (int)report->tasks);
	if (returned < 0)
		return;
	if (others != (uint64_t)returned || report->crashed != die || report->cancelled != 0)
		complain(run, "%s: %d returned, %d crashed, %d cancelled", run->step, returned, (int)report->crashed,
		         (int)report->cancelled);
	const char *cause = dies_by_exit(run) ? "called exit()" : "killed by signal 9 (";
	if (report->index != (die ? DYING : FAILING) || report->status != (die ? FORKPOOL_CRASHED : 3) ||
	    (strstr(report->message, die ? cause : "7 is not allowed") == NULL &&
	     !(is_struck(run) && report->message[0] == '\0')) ||
	    (strstr(report->message, "out of memory") != NULL && oom_kills() == first_oom_kills))
		complain(run, "%s: first is %d with %d: %s", run->step, (int)report->index, report->status,
		         report->message);
}

/* Outside of the arena, so that all is copied; with a death, on processes. */
static void map(struct run *run, const char *step, bool may_die)
{
	int items[TASKS], results[TASKS];
	int32_t status[TASKS];
	forkpool_report report;
	struct wish wish = {may_die && run->backend == FORKPOOL_PROCESSES, dies_by_exit(run)};
	for (int i = 0; i < TASKS; i++)
		items[i] = i;
	memset(status, 0x5a, sizeof status);
	begin_step(run, step);
	int returned = FORKPOOL_MAP(
	        run->pool, task, items, results, TASKS,
	        &((forkpool_opts){
	                .ctx = &wish, .ctx_size = sizeof wish, .chunk = 4, .status = status, .report = &report}));
	bool done = end_step(run, returned);
	check_report(run, &report, wish.die, returned);
	for (int i = 0; i < TASKS && done; i++)
		check_task(run, i, status[i], results[i], wish.die);
	for (int i = 0; i < TASKS && !done && report.tasks > 0; i++)
		if (status[i] == 0 && results[i] != i * i)
			complain(run, "%s: task %d succeeded with %d", step, i, results[i]);
}

static int add_indices(size_t begin, size_t end, void *acc, void *ctx)
{
	const struct wish *wish = ctx;
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		if (i == FAILING)
			return 3;
		if (i == FOLD_DYING && wish->die)
			raise(SIGKILL);
		*(size_t *)acc += i;
	}
	return 0;
}

static void add_sums(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(size_t *)acc += *(const size_t *)other;
}

/* Without memory for what is left out, the first chunk is left out. */
static bool is_first_chunk_lost(const struct run *run, int returned, size_t missing)
{
	return is_struck(run) && returned == CHUNK && missing == CHUNK * (CHUNK - 1) / 2;
}

static void reduce(struct run *run)
{
	struct wish wish = {.die = run->backend == FORKPOOL_PROCESSES};
	size_t sum = 0, all = TASKS * (TASKS - 1) / 2 - (wish.die ? FOLD_DYING : 0);
	begin_step(run, "reduce");
	int returned = forkpool_reduce(run->pool, add_indices, add_sums, TASKS, &sum, sizeof sum,
	                               &(forkpool_opts){.ctx = &wish, .ctx_size = sizeof wish, .chunk = CHUNK});
	if (!end_step(run, returned))
		return;
	returned -= wish.die;
	if ((sum != all - FAILING || returned != 1) && !is_first_chunk_lost(run, returned, all - sum))
		complain(run, "reduce: %d failed, %zu instead of %zu", returned, sum, all - FAILING);
}

/* ---- Jobs and streams ------------------------------------------------------------------------ */

enum { JOBS = FORKPOOL_OPEN_JOBS + 6, STREAM = 100 };

/* Jobs that are submitted, and what they do. */
struct bunch {
	forkpool_job *jobs[JOBS];
	int results[JOBS], calls[JOBS]; /* of `done` */
	bool is_there[JOBS];
	long hits; /* before they were submitted: what was refused then may show at the end */
};

static void count_call(forkpool_job *job, void *arg)
{
	(void)job;
	++*(int *)arg;
}

static void submit(struct run *run, struct bunch *bunch)
{
	memset(bunch, 0, sizeof *bunch);
	bunch->hits = faults_hits();
	for (int i = 0; i < JOBS; i++) {
		begin_step(run, "submit");
		bunch->is_there[i] = end_step(
		        run, forkpool_apply_async(&bunch->jobs[i], run->pool, square, &i, sizeof i, &bunch->results[i],
		                                  sizeof(int),
		                                  &(forkpool_opts){.done = count_call, .done_arg = &bunch->calls[i]}));
		if (bunch->is_there[i] != (bunch->jobs[i] != NULL))
			complain(run, "submit: job %d is at %p", i, (void *)bunch->jobs[i]);
	}
}

/* Each job ends, and says so once. */
static void check_bunch(struct run *run, struct bunch *bunch)
{
	for (int i = 0; i < JOBS; i++) {
		begin_step(run, "get");
		run->hits = bunch->hits;
		int returned = bunch->is_there[i] ? forkpool_job_get(bunch->jobs[i], NULL) : -ENOMEM;
		if (end_step(run, returned) && (returned != 0 || bunch->results[i] != i * i))
			complain(run, "job %d returned %d, its result is %d", i, returned, bunch->results[i]);
		if (bunch->calls[i] != bunch->is_there[i])
			complain(run, "job %d was told of %d times", i, bunch->calls[i]);
		faults_arm();
		forkpool_job_free(bunch->jobs[i]);
		faults_disarm();
	}
}

static void get_jobs(struct run *run)
{
	struct bunch bunch;
	submit(run, &bunch);
	check_bunch(run, &bunch);
}

/* The host's loop: it waits for the descriptor, a moment at most, and dispatches. */
static void loop(struct run *run)
{
	struct bunch bunch;
	if (run->plan.refused == FAULT_epoll_create1)
		return; /* then there is none */
	begin_step(run, "descriptor");
	run->asks_for_descriptor = true;
	int fd = forkpool_fd(run->pool), unfinished;
	bool done = end_step(run, fd);
	run->asks_for_descriptor = false;
	if (!done)
		return;
	submit(run, &bunch);
	do {
		begin_step(run, "dispatch");
		unfinished = forkpool_dispatch(run->pool);
		end_step(run, unfinished);
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		poll(&readable, unfinished > 0, 5);
	} while (unfinished > 0);
	check_bunch(run, &bunch);
}

/* Indices one by one, of a job that is copied in and out. */
static void take_one_by_one(struct run *run)
{
	int items[TASKS], results[TASKS], found, count = 0;
	int32_t status[TASKS];
	forkpool_job *job;
	size_t index;
	for (int i = 0; i < TASKS; i++)
		items[i] = i;
	begin_step(run, "map_async");
	if (!end_step(run, forkpool_map_async(&job, run->pool, square, items, TASKS, sizeof *items, results,
	                                      sizeof *results, &(forkpool_opts){.chunk = 3, .status = status})))
		return;
	for (;; count++) {
		begin_step(run, "next");
		found = forkpool_job_next(job, &index, -1);
		if (!end_step(run, found) || found == 0)
			break;
		if (status[index] == 0 && results[index] != (int)(index * index))
			complain(run, "next: the result of %zu is %d", index, results[index]);
	}
	if (found == 0 && count != TASKS && forkpool_job_get(job, NULL) >= 0)
		complain(run, "next: %d indices", count);
	begin_step(run, "free");
	forkpool_job_free(job);
	faults_disarm();
}

struct stream {
	int taken, emitted, wrong;
};

static int next_item(void *item, void *arg)
{
	struct stream *stream = arg;
	*(int *)item = stream->taken;
	return stream->taken < STREAM ? stream->taken++, 1 : 0;
}

static int take_result(size_t index, const void *result, int32_t status, void *arg)
{
	struct stream *stream = arg;
	stream->wrong += index != (size_t)stream->emitted++;
	stream->wrong += status == 0 && *(const int *)result != (int)(index * index);
	return 0;
}

static void stream(struct run *run)
{
	struct stream stream = {0};
	begin_step(run, "imap");
	bool done = end_step(run, forkpool_imap(run->pool, square, next_item, take_result, &stream, sizeof(int),
	                                        sizeof(int), 50, 0, NULL));
	if (stream.wrong > 0 || (done && stream.emitted != STREAM))
		complain(run, "imap: %d taken, %d handed on, %d wrong", stream.taken, stream.emitted, stream.wrong);
}

/* ---- The other steps -------------------------------------------------------------------------- */

static void count_cpus(struct run *run)
{
	begin_step(run, "cpu_count");
	unsigned count = forkpool_cpu_count();
	faults_disarm();
	if (count < 1)
		complain(run, "no CPU");
}

static bool create(struct run *run)
{
	forkpool *pool = NULL;
	begin_step(run, "create");
	int error = forkpool_create(
	        &pool, &(forkpool_config){.backend = run->backend,
	                                  .workers = 2,
	                                  .arena_size = (size_t)64 << 20,
	                                  .spin_us = FORKPOOL_NO_SPIN,
	                                  .affinity = FORKPOOL_AFFINITY_SPREAD,
	                                  .memory_limit = run->backend == FORKPOOL_PROCESSES ? (size_t)1 << 30 : 0});
	end_step(run, error);
	if ((error == 0) != (pool != NULL))
		complain(run, "create: %d, and a pool at %p", error, (void *)pool);
	run->pool = pool;
	return pool != NULL;
}

/* Twice, because what has been used must be zeroed, or given back, before it is used again. */
static void use_arena(struct run *run)
{
	enum { BYTES = 200000 };
	for (int time = 0; time < 2; time++) {
		begin_step(run, "alloc");
		char *piece = forkpool_alloc(run->pool, BYTES);
		end_step(run, piece == NULL ? -errno : 0);
		for (int i = 0; i < BYTES && piece != NULL; i++)
			if (piece[i] != 0)
				complain(run, "byte %d of %d is not zero", i, BYTES);
		if (piece != NULL)
			memset(piece, 0x5a, BYTES);
		faults_arm();
		forkpool_free(run->pool, piece);
		faults_disarm();
	}
}

static void refresh(struct run *run)
{
	begin_step(run, "refresh");
	end_step(run, forkpool_refresh(run->pool));
}

static void end(struct run *run)
{
	begin_step(run, "end");
	if (forkpool_terminate(run->pool) != 0)
		complain(run, "terminate");
	forkpool_destroy(run->pool);
	faults_disarm();
}

static int count_descriptors(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (dir != NULL && readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void check_nothing_left(struct run *run, int descriptors)
{
	if (atomic_load(host_exits) != 0)
		complain(run, "a worker has run the host's handlers of exit()");
	int now = count_descriptors();
	if (now != descriptors)
		complain(run, "%d descriptors, %d at the start", now, descriptors);
	if (faults_blocks() != 0)
		complain(run, "%ld blocks of memory are left", faults_blocks());
	if (faults_mappings() != 0)
		complain(run, "%ld mappings are left", faults_mappings());
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		complain(run, "a child is left");
}

/* ---- All runs of one kind ------------------------------------------------------------------------ */

static const struct run *current;

static void name_run(const struct run *run, char *text, size_t size)
{
	snprintf(text, size, "%s in %s, %s call %ld%s, %s, %s%s", strerror(run->plan.error), backend_name(run->backend),
	         fault_name(run->plan.call), run->plan.nth, run->plan.forever ? " and later" : "",
	         run->plan.in_workers ? "workers" : "parent", fault_name(run->plan.refused), " refused");
}

static void on_hang(int number)
{
	char text[200];
	(void)number;
	name_run(current, text, sizeof text);
	fprintf(stderr, "hangs: %s, at %s\n", text, current->step);
	abort();
}

/* Returns whether the planned call was made. */
static bool do_run(const struct fault_plan *plan, int backend)
{
	struct run run = {.plan = *plan, .backend = backend};
	int descriptors = count_descriptors();
	current = &run;
	alarm(SANITIZED ? 120 : 60);
	faults_plan(plan);
	count_cpus(&run);
	if (create(&run)) {
		use_arena(&run);
		map(&run, "map", true);
		reduce(&run);
		get_jobs(&run);
		take_one_by_one(&run);
		stream(&run);
		refresh(&run);
		loop(&run);
		map(&run, "second map", false);
		end(&run);
	}
	check_nothing_left(&run, descriptors);
	alarm(0);
	if (run.is_wrong) {
		char text[200];
		name_run(&run, text, sizeof text);
		ck_abort_msg("%s: %s", text, run.what);
	}
	if (getenv("FORKPOOL_TEST_VERBOSE") != NULL && run.refused != NULL)
		printf("%s %ld %d: refused at %s\n", fault_name(plan->call), plan->nth, plan->forever, run.refused);
	return faults_hits() > 0;
}

static long fail_each(const struct fault_plan *kind, int backend)
{
	struct fault_plan plan = *kind;
	for (plan.nth = 1; do_run(&plan, backend) && plan.nth < MOST_RUNS; plan.nth++)
		;
	return plan.nth - 1;
}

static long fail_in_all_ways(int kind, int backend, bool in_workers)
{
	struct fault_plan plan = {faults[kind].refused, faults[kind].call, faults[kind].error, 0, false, in_workers};
	long runs = fail_each(&plan, backend);
	plan.forever = true;
	if (faults[kind].ways & ALWAYS)
		fail_each(&plan, backend);
	return runs;
}

START_TEST(none_is_left_out)
{
	for (enum fault call = NO_FAULT + 1; call < FAULT_COUNT; call++) {
		int kind = 0;
		while (kind < FAULT_KINDS && faults[kind].call != call)
			kind++;
		ck_assert_msg(kind < FAULT_KINDS, "%s is wrapped, and never fails", fault_name(call));
	}
}
END_TEST

START_TEST(each_call_fails)
{
	int kind = _i % FAULT_KINDS, backend = backend_id(_i / FAULT_KINDS);
	bool of_threads = faults[kind].call == FAULT_pthread_create;
	bool is_called = backend == (of_threads ? FORKPOOL_THREADS : FORKPOOL_PROCESSES);
	long runs = 0;
	signal(SIGALRM, on_hang);
	host = getpid();
	host_exits = evidence(sizeof *host_exits);
	ck_assert_int_eq(atexit(note_host_exit), 0);
	first_oom_kills = oom_kills();
	for (int tries = 0; runs == 0 && tries < (is_called ? TRIES : 1); tries++) {
		runs = fail_in_all_ways(kind, backend, false);
		if (backend == FORKPOOL_PROCESSES && (faults[kind].ways & WORKERS))
			runs += fail_in_all_ways(kind, backend, true);
	}
	if (getenv("FORKPOOL_TEST_VERBOSE") != NULL)
		printf("%s: %s %d, %ld\n", backend_name(backend), fault_name(faults[kind].call), faults[kind].error,
		       runs);
	ck_assert_msg(runs > 0 || !is_called, "%s is never called: is it wrapped?", fault_name(faults[kind].call));
}
END_TEST

static bool is_wrapped(void)
{
	faults_plan(&(struct fault_plan){.call = NO_FAULT});
	faults_arm();
	forkpool_cpu_count();
	faults_disarm();
	return faults_calls(FAULT_fopen) > 0;
}

int main(void)
{
	if (!is_wrapped()) {
		puts("skipped: the library is not linked statically");
		return 77;
	}
	Suite *suite = suite_create("faults");
	TCase *tcase = test_case(suite, "faults");
	tcase_add_test(tcase, none_is_left_out);
	tcase_add_loop_test(tcase, each_call_fails, 0, FAULT_KINDS * backend_count());
	return run_suite(suite);
}
