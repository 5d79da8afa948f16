/*
 * bare - the distance to the limit: what no pool of processes can be better than, measured without one.
 *
 * It has works of its own, in the place of works.c, under the names of the work that they are a limit of:
 *
 *     life       fork() of so many processes that end at once, and waiting for them
 *     pair       there and back between two processes, by two semaphores, each sleeping until the other posts: on one
 *                CPU, or with the argument `apart` on two; with the argument `spin` by a cache line that both watch
 *     empty      a compare-and-swap for CHUNK tasks (0: for a process's part) and a call through a pointer for each, by
 *                all processes at once, each with a line of its own; with the argument `line` on the same line
 *     store-...  a loop that stores numbers, each process its part
 *     sum        a loop, each process its part
 *     jobs       cache lines there and back, many under way
 *
 * For the rest it is that of serial work, divided.  The processes are new for each request.  They begin together and
 * look at the clock themselves, so that neither starting nor waiting for them counts, but for `life`.  Of parts the
 * mean counts, as if they had been dealt out so that all end at once, whatever else the machine does.
 */
#include "works.h"

#include <errno.h>
#include <fnmatch.h>
#include <gnu/libc-version.h>
#include <math.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 128 /* bytes: processors fetch lines by twos */, LINES = 64, MAX_PROCESSES = FORKPOOL_MAX_WORKERS };

struct line {
	alignas(LINE) _Atomic uint64_t value;
};

/* What a process has found. */
struct report {
	alignas(LINE) double begin, end; /* its clock */
	double idle;                     /* seconds between that do not count */
	double sum;
	size_t tasks;
};

/* What all processes of a request share, in new memory.  A report is written by its process and read by the parent
 * when that has ended; the lines are used as the work says. */
struct shared {
	struct report reports[MAX_PROCESSES];
	struct line lines[MAX_PROCESSES];
	struct line arrived; /* how many stand at the start */
	sem_t there, back;
};

struct course {
	struct shared *shared;
	double *numbers;
	size_t count, chunk;
	unsigned process, processes; /* which one of how many */
};

struct work {
	const char *name;                          /* a pattern, as of files */
	unsigned processes;                        /* 0: as many as there are workers */
	bool together;                             /* on one CPU, not each on one of its own */
	bool numbers;                              /* it works on `count` numbers in shared memory */
	bool touched;                              /* by the parent, before there are processes */
	enum { A_LITTLE, NOTHING, ALL } rehearsed; /* before the clock is started */

	/* In each process. */
	void (*run)(const struct course *course, struct report *report);

	/* Whether the answer is right, afterwards in the parent. */
	bool (*check)(const struct course *course);
};

static struct {
	bool spin, line, apart;
} options;

/* Waits a moment for another process; if there are more than CPUs, that one may need ours. */
static void relax(unsigned *spins)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
	if (++*spins % 4096 == 0)
		sched_yield();
}

/* Acquire: pairs with the release by who wrote the value. */
static void await(struct line *line, uint64_t value)
{
	unsigned spins = 0;
	while (atomic_load_explicit(&line->value, memory_order_acquire) < value)
		relax(&spins);
}

/* Release: pairs with await(). */
static void publish(struct line *line, uint64_t value)
{
	atomic_store_explicit(&line->value, value, memory_order_release);
}

/* The part of 0 .. count that this process has to do. */
static size_t part_begin(const struct course *course, unsigned process)
{
	return (size_t)((unsigned __int128)course->count * process / course->processes);
}

/* Empty tasks. */

static int nothing(size_t index, void *ctx)
{
	(void)index, (void)ctx;
	return 0;
}

/* Volatile, so that the compiler does not know who is called. */
static forkpool_for_fn *volatile task = nothing;

/* Takes tasks from begin to end off a counter, until there are no more.  Relaxed: the tasks have no data. */
static size_t take_tasks(struct line *counter, size_t end, size_t chunk)
{
	forkpool_for_fn *call = task;
	size_t taken = 0;
	uint64_t next = atomic_load_explicit(&counter->value, memory_order_relaxed);
	while (next < end) {
		size_t behind = end - next < chunk ? end : next + chunk;
		if (!atomic_compare_exchange_weak_explicit(&counter->value, &next, behind, memory_order_relaxed,
		                                           memory_order_relaxed))
			continue;
		int failed = 0;
		for (size_t i = next; i < behind; i++)
			failed |= call(i, NULL);
		taken += failed ? 0 : behind - next;
		next = atomic_load_explicit(&counter->value, memory_order_relaxed);
	}
	return taken;
}

static void empty(const struct course *course, struct report *report)
{
	unsigned process = course->process;
	size_t begin = part_begin(course, process), end = part_begin(course, process + 1);
	size_t chunk = course->chunk ? course->chunk : course->count / course->processes + 1;
	struct line *counter = &course->shared->lines[process];
	if (options.line) {
		counter = &course->shared->lines[0];
		end = course->count;
	} else {
		atomic_store_explicit(&counter->value, begin, memory_order_relaxed);
	}
	report->tasks = take_tasks(counter, end, chunk);
}

static bool check_tasks(const struct course *course)
{
	size_t tasks = 0;
	for (unsigned i = 0; i < course->processes; i++)
		tasks += course->shared->reports[i].tasks;
	return tasks == course->count;
}

/* There and back between two processes. */

/* CHUNK microseconds of idleness. */
static void rest(const struct course *course, struct report *report)
{
	if (course->chunk == 0)
		return;
	struct timespec time = {.tv_sec = (time_t)(course->chunk / 1000000),
	                        .tv_nsec = (long)(course->chunk % 1000000) * 1000};
	double begin = peer_now();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	report->idle += peer_now() - begin;
}

static void wait_for(sem_t *post)
{
	while (sem_wait(post) != 0 && errno == EINTR)
		;
}

static void post(const struct course *course, struct report *report)
{
	struct shared *shared = course->shared;
	for (size_t i = 0; i < course->count; i++) {
		if (course->process == 0) {
			rest(course, report);
			sem_post(&shared->there);
			wait_for(&shared->back);
		} else {
			wait_for(&shared->there);
			report->tasks++;
			sem_post(&shared->back);
		}
	}
}

/* A line: an odd number is a request, the even number behind it its answer.  Several lines are used in turn, so that
 * as many requests are under way. */

static void ask(const struct course *course, struct report *report, unsigned lines)
{
	struct line *line = course->shared->lines;
	size_t count = course->count;
	for (size_t i = 0; i < count; i++) {
		if (i >= lines)
			await(&line[i % lines], 2 * (i - lines) + 2);
		rest(course, report);
		publish(&line[i % lines], 2 * i + 1);
	}
	for (size_t i = count < lines ? 0 : count - lines; i < count; i++)
		await(&line[i % lines], 2 * i + 2);
}

static void answer(const struct course *course, struct report *report, unsigned lines)
{
	struct line *line = course->shared->lines;
	forkpool_for_fn *call = task;
	for (size_t i = 0; i < course->count; i++) {
		await(&line[i % lines], 2 * i + 1);
		report->tasks += call(i, NULL) == 0;
		publish(&line[i % lines], 2 * i + 2);
	}
}

static void exchange(const struct course *course, struct report *report, unsigned lines)
{
	if (course->process == 0)
		ask(course, report, lines);
	else
		answer(course, report, lines);
}

static void ping_pong(const struct course *course, struct report *report)
{
	exchange(course, report, 1);
}

static void stream(const struct course *course, struct report *report)
{
	exchange(course, report, LINES);
}

/* Loops over numbers. */

static void store(const struct course *course, struct report *report)
{
	size_t begin = part_begin(course, course->process), end = part_begin(course, course->process + 1);
	double *numbers = course->numbers;
	for (size_t i = begin; i < end; i++)
		numbers[i] = (double)i;
	report->tasks = end - begin;
}

static bool check_stored(const struct course *course)
{
	for (size_t i = 0; i < course->count; i++)
		if (course->numbers[i] != (double)i)
			return false;
	return check_tasks(course);
}

static void sum(const struct course *course, struct report *report)
{
	size_t begin = part_begin(course, course->process), end = part_begin(course, course->process + 1);
	double found = 0;
	for (size_t i = begin; i < end; i++)
		found += 1 / (double)(i + 1);
	report->sum = found;
	report->tasks = end - begin;
}

/* The harmonic number by Euler-Maclaurin, beyond the first ones. */
static double harmonic(size_t count)
{
	double sum = 0, n = (double)count;
	if (count > 100)
		return log(n) + 0.57721566490153286 + 1 / (2 * n) - 1 / (12 * n * n);
	for (size_t i = 0; i < count; i++)
		sum += 1 / (double)(i + 1);
	return sum;
}

static bool check_sum(const struct course *course)
{
	double found = 0, expected = harmonic(course->count);
	for (unsigned i = 0; i < course->processes; i++)
		found += course->shared->reports[i].sum;
	return fabs(found - expected) <= 1e-9 * expected && check_tasks(course);
}

/* Processes. */

/* Each has a CPU of its own, as long as there are any. */
static void bind(unsigned process)
{
	cpu_set_t allowed, own;
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		return;
	unsigned skip = process % (unsigned)CPU_COUNT(&allowed), cpu = 0;
	while (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
		cpu++;
	CPU_ZERO(&own);
	CPU_SET(cpu, &own);
	sched_setaffinity(0, sizeof own, &own);
}

/* Waits until all processes have come so far, the n-th time. */
static void meet(const struct course *course, unsigned n)
{
	struct line *arrived = &course->shared->arrived;
	atomic_fetch_add_explicit(&arrived->value, 1, memory_order_acq_rel);
	await(arrived, (uint64_t)n * course->processes);
}

/* So that code and memory are there when the clock is started. */
static void rehearse(const struct work *work, struct course course, struct report *report)
{
	if (work->rehearsed == A_LITTLE)
		course.count = LINES;
	course.chunk = 0;
	if (work->rehearsed != NOTHING)
		work->run(&course, report);
	*report = (struct report){0};
	meet(&course, 1);
	for (unsigned i = 0; i < MAX_PROCESSES && course.process == 0; i++)
		publish(&course.shared->lines[i], 0);
	meet(&course, 2);
}

static _Noreturn void live(const struct work *work, const struct course *course, pid_t parent)
{
	struct report *report = &course->shared->reports[course->process];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	bind(work->together && !options.apart ? 0 : course->process);
	rehearse(work, *course, report);
	report->begin = peer_now();
	work->run(course, report);
	report->end = peer_now();
	_exit(EXIT_SUCCESS);
}

/* Of who asks, if there is somebody who answers; else the mean of all. */
static double time_of(const struct work *work, const struct course *course)
{
	const struct report *reports = course->shared->reports;
	unsigned count = work->processes ? 1 : course->processes;
	double sum = 0;
	for (unsigned i = 0; i < count; i++)
		sum += reports[i].end - reports[i].begin - reports[i].idle;
	return sum / count;
}

/* Waits for the processes.  Returns whether all of them ended well; where one does not, the others need not either. */
static bool reap(pid_t *children, unsigned count)
{
	bool good = true;
	int status;
	pid_t child;
	while ((child = wait(&status)) > 0)
		for (unsigned i = 0; i < count; i++) {
			if (children[i] == child)
				children[i] = 0;
			else if (status != 0 && children[i] > 0)
				kill(children[i], SIGKILL);
			good &= status == 0;
		}
	return good;
}

static bool run_in_processes(const struct work *work, struct course *course)
{
	pid_t children[MAX_PROCESSES], parent = getpid();
	for (course->process = 0; course->process < course->processes; course->process++) {
		pid_t child = children[course->process] = fork();
		if (child == 0)
			live(work, course, parent);
		if (child > 0)
			continue;
		for (unsigned i = 0; i < course->process; i++)
			kill(children[i], SIGKILL);
		break;
	}
	return reap(children, course->process) && course->process == course->processes;
}

/* Memory that parent and children share, or the parent's own; touched, if so. */
static void *take(size_t size, int sharing, bool touched)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	return touched ? memset(memory, 1, size) : memory;
}

/* Returns what is wrong, or NULL; and the seconds. */
static const char *measure(const struct work *work, struct course *course, double *seconds)
{
	sem_init(&course->shared->there, 1, 0);
	sem_init(&course->shared->back, 1, 0);
	if (!run_in_processes(work, course))
		return "not all processes ran and ended";
	*seconds = time_of(work, course);
	return work->check(course) ? NULL : "a part is missing";
}

static const char *do_work(const struct work *work, unsigned workers, struct request *request)
{
	size_t size = work->numbers ? request->count * sizeof(double) : 0;
	struct course course = {
	        .shared = take(sizeof(struct shared), MAP_SHARED, false),
	        .numbers = size ? take(size, MAP_SHARED, work->touched) : NULL,
	        .count = request->count,
	        .chunk = request->chunk,
	        .processes = work->processes ? work->processes : workers,
	};
	const char *wrong = "no memory";
	if (course.shared && (size == 0 || course.numbers))
		wrong = measure(work, &course, &request->seconds);
	if (course.numbers)
		munmap(course.numbers, size);
	if (course.shared)
		munmap(course.shared, sizeof *course.shared);
	return wrong;
}

/* In a process that has touched `count` million bytes. */
static const char *do_life(unsigned workers, struct request *request)
{
	size_t size = request->count * 1000000, lives = 0;
	void *memory = take(size, MAP_PRIVATE, true);
	if (!memory)
		return "no memory";
	double begin = peer_now();
	for (size_t i = 0; i < request->chunk; i++) {
		for (unsigned w = 0; w < workers; w++)
			if (fork() == 0)
				_exit(EXIT_SUCCESS);
		while (wait(NULL) > 0)
			lives++;
	}
	request->seconds = peer_now() - begin;
	munmap(memory, size);
	return lives == request->chunk * workers ? NULL : "not all processes ran and ended";
}

static const struct work works[] = {
        {.name = "pair", .processes = 2, .together = true, .run = post, .check = check_tasks},
        {.name = "pair spin", .processes = 2, .run = ping_pong, .check = check_tasks},
        {.name = "empty", .run = empty, .check = check_tasks},
        {.name = "jobs", .processes = 2, .run = stream, .check = check_tasks},
        {.name = "sum", .run = sum, .check = check_sum},
        {.name = "store-*-fresh", .numbers = true, .rehearsed = NOTHING, .run = store, .check = check_stored},
        {.name = "store-*-other",
         .numbers = true,
         .touched = true,
         .rehearsed = NOTHING,
         .run = store,
         .check = check_stored},
        {.name = "store-*-same", .numbers = true, .rehearsed = ALL, .run = store, .check = check_stored},
};

static const struct work *find(const char *name)
{
	if (options.spin && strcmp(name, "pair") == 0)
		name = "pair spin";
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (fnmatch(works[i].name, name, 0) == 0)
			return &works[i];
	return NULL;
}

enum answer works_do(const struct peer *peer, unsigned workers, struct request *request)
{
	(void)peer;
	bool life = strcmp(request->work, "life") == 0;
	const struct work *work = find(request->work);
	if (request->count == 0 || (!work && !life)) {
		snprintf(request->text, sizeof request->text, "bare %s of %zu: it has a limit in serial work only",
		         request->work, request->count);
		return ANSWER_NO;
	}
	const char *wrong = life ? do_life(workers, request) : do_work(work, workers, request);
	if (wrong)
		snprintf(request->text, sizeof request->text, "%s: %s", request->work, wrong);
	return wrong ? ANSWER_WRONG : ANSWER_TOOK;
}

static void version(char *text, size_t size)
{
	struct utsname system;
	uname(&system);
	snprintf(text, size, "bare processes and memory, %s %s, glibc %s", system.sysname, system.release,
	         gnu_get_libc_version());
}

static bool argument(const char *text)
{
	options.spin |= strcmp(text, "spin") == 0;
	options.line |= strcmp(text, "line") == 0;
	options.apart |= strcmp(text, "apart") == 0;
	return strcmp(text, "spin") == 0 || strcmp(text, "line") == 0 || strcmp(text, "apart") == 0;
}

int main(int argc, char **argv)
{
	return peer_main(&(struct peer){.version = version, .argument = argument}, argc, argv);
}
