/*
 * step.c - kills a worker after its k-th instruction, for every k (or for some, by a seed) of the way from its sleep
 * through pop, pin, announce, claim, run, finish, leave, and for others through stealing and adoption, to its sleep
 * again; and judges the job that it was killed in.
 *
 * The tracer is a child of its own: it seizes the worker, lets the owner of the pool submit the job, steps the worker k
 * times and kills it between two instructions.  A step that blocks in the kernel is the end of the way: the worker
 * sleeps again, and is killed asleep.  The length of each way is measured first.
 */
#include "marked.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED = 77, PATIENCE_S = 120, TICK_MS = 5 };
static const uint64_t all_of_it = UINT64_MAX;

/* Where the tracer takes over. */
enum start { ASLEEP, IN_INITIALIZER };

static const struct way {
	const char *name;
	enum start start; /* IN_INITIALIZER: of the replacement of a worker that died in the task `dies_at` */
	unsigned workers; /* of two, the other one waits in its first task until the traced one is done */
	uint32_t dies_at;
	struct job job;
} ways[] = {
        {"map, one task", ASLEEP, 1, 0, {.kind = MAP, .count = 1, .chunk = 1}},
        {"map, no status, no report",
         ASLEEP,
         1,
         0,
         {.kind = MAP, .count = 3, .chunk = 1, .without_status = true, .without_report = true}},
        {"map in place, some fail",
         ASLEEP,
         1,
         0,
         {.kind = MAP, .count = 4, .chunk = 2, .in_place = true, .fail_every = 2}},
        {"starmap", ASLEEP, 1, 0, {.kind = STARMAP, .count = 3, .chunk = 2}},
        {"for", ASLEEP, 1, 0, {.kind = FOR, .count = 5, .chunk = 2, .without_report = true}},
        {"for, stop on failure",
         ASLEEP,
         1,
         0,
         {.kind = FOR, .count = 4, .chunk = 3, .stop_on_failure = true, .fail_every = 3}},
        {"range, told", ASLEEP, 1, 0, {.kind = RANGE_AT, .count = 4, .chunk = 3}},
        {"range", ASLEEP, 1, 0, {.kind = RANGE, .count = 4, .chunk = 2}},
        {"fold, told", ASLEEP, 1, 0, {.kind = FOLD_AT, .count = 4, .chunk = 3}},
        {"fold, some fail", ASLEEP, 1, 0, {.kind = FOLD_AT, .count = 4, .chunk = 4, .fail_every = 3}},
        {"fold", ASLEEP, 1, 0, {.kind = FOLD, .count = 3, .chunk = 2}},
        {"map, steals", ASLEEP, 2, 0, {.kind = MAP, .count = 4, .chunk = 1}},
        {"range, told, steals", ASLEEP, 2, 0, {.kind = RANGE_AT, .count = 6, .chunk = 2}},
        {"map, retries, a limit",
         ASLEEP,
         1,
         0,
         {.kind = MAP, .count = 4, .chunk = 2, .retries = 2, .flaky_every = 2, .limit_ms = 60000}},
        {"for, a limit, stop on failure",
         ASLEEP,
         1,
         0,
         {.kind = FOR, .count = 3, .chunk = 2, .stop_on_failure = true, .fail_every = 3, .limit_ms = 60000}},
        {"range, told, retries, a limit",
         ASLEEP,
         1,
         0,
         {.kind = RANGE_AT, .count = 4, .chunk = 3, .retries = 1, .flaky_every = 3, .limit_ms = 60000}},
        {"range, retries", ASLEEP, 1, 0, {.kind = RANGE, .count = 4, .chunk = 4, .retries = 1, .flaky_every = 4}},
        {"fold, told, retries, a limit",
         ASLEEP,
         1,
         0,
         {.kind = FOLD_AT, .count = 4, .chunk = 3, .retries = 1, .fail_every = 4, .limit_ms = 60000}},
        {"map, adopts", IN_INITIALIZER, 1, 2, {.kind = MAP, .count = 4, .chunk = 4}},
        {"range, told, adopts", IN_INITIALIZER, 1, 2, {.kind = RANGE_AT, .count = 4, .chunk = 4}},
        {"map, retries, adopts", IN_INITIALIZER, 1, 2, {.kind = MAP, .count = 4, .chunk = 4, .retries = 2}},
        {"range, retries, adopts", IN_INITIALIZER, 1, 2, {.kind = RANGE, .count = 4, .chunk = 4, .retries = 1}},
        {"fold, retries, adopts", IN_INITIALIZER, 1, 2, {.kind = FOLD, .count = 4, .chunk = 4, .retries = 1}},
        {"fold, told, adopts", IN_INITIALIZER, 1, 2, {.kind = FOLD_AT, .count = 4, .chunk = 4}},
};

enum { WAYS = sizeof ways / sizeof *ways };

static struct {
	uint64_t kills, seed; /* of each way; 0: after every instruction */
	int way;              /* -1: all */
} options = {.kills = SANITIZED ? 3 : 10, .way = -1};

/* ---- Between owner, tracer and workers ---- */

enum phase { IDLE, SEIZE, SEIZED, OVER };

static struct control {
	_Atomic uint32_t phase;
	_Atomic pid_t victim;
	_Atomic uint64_t k, steps;  /* steps: made */
	_Atomic uint32_t asleep;    /* the way ended before k */
	_Atomic uint32_t die, trap; /* armed: the next task at `dies_at`, the next initializer */
	_Atomic uint32_t refused;   /* errno of the seizure */
} * control;

/* Waits until the tracer has come so far. */
static void await(enum phase phase)
{
	while (control->phase < (uint32_t)phase)
		usleep(20);
}

static char process_state(pid_t pid)
{
	char path[64], line[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "r");
	const char *end = stat != NULL && fgets(line, sizeof line, stat) != NULL ? strrchr(line, ')') : NULL;
	if (stat != NULL)
		fclose(stat);
	return end != NULL && end[1] != '\0' ? end[2] : 'X';
}

/* ---- The tracer ---- */

static void on_tick(int signal)
{
	(void)signal;
}

/* Waits until the worker has stopped again; false: it is dead.  Sets *asleep, and leaves it alone, if it sleeps.  The
 * first step may have to wait for the job. */
static bool await_stop(pid_t pid, bool first, bool *asleep)
{
	for (int ticks = 0;; ticks++) {
		int status;
		pid_t ended = waitpid(pid, &status, __WALL);
		if (ended == pid)
			return WIFSTOPPED(status);
		if (ended < 0 && errno != EINTR)
			return false;
		if (ticks >= (first ? 2000 : 4) / TICK_MS + 2 && process_state(pid) == 'S') {
			*asleep = true;
			return true;
		}
	}
}

static void step_and_kill(pid_t pid)
{
	bool asleep = false, alive = true;
	uint64_t steps = 0;
	while (alive && !asleep && steps < control->k && ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0) {
		alive = await_stop(pid, steps == 0, &asleep);
		steps += alive && !asleep;
	}
	control->steps = steps;
	control->asleep = asleep;
	seen->shots++;
	kill(pid, SIGKILL);
	for (int status; waitpid(pid, &status, __WALL) != pid || WIFSTOPPED(status);)
		if (errno == ECHILD)
			break;
	seen->deaths++;
}

static bool seize(pid_t pid)
{
	bool asleep = false;
	control->refused = 0;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
	    await_stop(pid, true, &asleep))
		return true;
	control->refused = errno == 0 ? ESRCH : (uint32_t)errno;
	return false;
}

_Noreturn static void be_tracer(pid_t owner)
{
	struct sigaction action = {.sa_handler = on_tick}; /* not SA_RESTART: it ends a wait */
	struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	while (getppid() == owner) {
		if (control->phase != SEIZE) {
			usleep(20);
			continue;
		}
		pid_t pid = control->victim;
		bool seized = seize(pid);
		control->phase = SEIZED;
		if (seized)
			step_and_kill(pid);
		control->phase = OVER;
	}
	_exit(EXIT_SUCCESS);
}

/* ---- In the workers ---- */

/* Where the system lets only parents trace. */
static void allow_tracing(void)
{
#ifdef PR_SET_PTRACER
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
}

static int start_worker(unsigned worker, void **state, void *arg)
{
	uint32_t armed = 1;
	register_worker(worker, state, arg);
	allow_tracing();
	if (atomic_compare_exchange_strong(&control->trap, &armed, 0)) {
		control->victim = getpid();
		control->phase = SEIZE;
		while (control->phase == SEIZE)
			;
	}
	return 0;
}

/* The task dies, or the worker that is not traced waits. */
static void die_or_wait(void)
{
	uint32_t armed = 1;
	if (atomic_compare_exchange_strong(&control->die, &armed, 0)) {
		control->trap = 1;
		seen->shots++;
		raise(SIGKILL);
	}
	while (control->victim != getpid() && (control->phase == SEIZE || control->phase == SEIZED))
		usleep(100);
}

/* ---- One kill ---- */

static struct verdict verdict;

static bool is_asleep(pid_t pid)
{
	for (int i = 0; i < 5000; i++) {
		if (process_state(pid) == 'S')
			return true;
		usleep(100);
	}
	return false;
}

/* The youngest worker, asleep.  The death of the last one may not have been noticed yet, if its job had ended
 * before: then small jobs, which are judged as any, make the pool look. */
static pid_t sleeping_worker(forkpool *pool)
{
	static const struct job small = {.kind = FOR, .count = 1};
	for (;;) {
		pid_t pid = seen->record[(seen->records - 1) % RECORDS].pid;
		if (is_child(pid, getpid()) && is_asleep(pid))
			return pid;
		run_and_judge(pool, &small, &verdict);
	}
}

/* Returns how many steps there were; *asleep: it was killed asleep. */
static uint64_t kill_after(forkpool *pool, const struct way *way, uint64_t k, bool *asleep)
{
	struct job job = way->job;
	job.seed = 7 + k % 3; /* which indices fail */
	snprintf(current, sizeof current, "%s, after instruction %" PRIu64, way->name, k);
	alarm(PATIENCE_S);
	control->k = k;
	pid_t pid = sleeping_worker(pool);
	control->die = way->start == IN_INITIALIZER;
	seen->hook_at = way->start == IN_INITIALIZER ? way->dies_at : 0;
	seen->hook_always = way->workers > 1;
	if (way->start == ASLEEP) {
		control->victim = pid;
		control->phase = SEIZE;
		await(SEIZED);
	}
	run_and_judge(pool, &job, &verdict);
	await(OVER);
	control->phase = IDLE;
	seen->hook_at = seen->hook_always = 0;
	alarm(0);
	*asleep = control->asleep;
	return control->steps;
}

/* ---- One way ---- */

static uint64_t kills;

static bool faultless(void)
{
	return verdict.lost + verdict.doubled + verdict.wrong == 0;
}

/* The number of instructions of the way, 0 if it never ended: the job's tasks may differ by those that fail. */
static uint64_t measure(forkpool *pool, const struct way *way)
{
	uint64_t longest = 0;
	for (int i = 0; i < 2; i++) {
		bool asleep;
		uint64_t steps = kill_after(pool, way, all_of_it - (uint64_t)i, &asleep);
		kills++;
		if (!asleep)
			return 0;
		if (steps > longest)
			longest = steps;
	}
	return longest;
}

static bool walk(const struct way *way, uint64_t number)
{
	forkpool *pool;
	int error = forkpool_create(
	        &pool,
	        &(forkpool_config){.workers = way->workers, .spin_us = FORKPOOL_NO_SPIN, .initializer = start_worker});
	if (error != 0) {
		printf("forkpool_create: %s\n", forkpool_strerror(error));
		return false;
	}
	uint64_t length = measure(pool, way), before = kills;
	uint64_t stride = options.kills == 0 ? 1 : length / options.kills + 1;
	uint64_t asleep = 0;
	for (uint64_t k = roll(options.seed, number, stride); k < length && faultless(); k += stride) {
		bool slept;
		kill_after(pool, way, k, &slept);
		asleep += slept;
		kills++;
	}
	forkpool_destroy(pool);
	printf("%-28s %8" PRIu64 " instructions, killed after each %4" PRIu64 "th: %6" PRIu64 " kills, %" PRIu64
	       " of them asleep\n",
	       way->name, length, stride, kills - before, asleep);
	return length > 0 && faultless();
}

/* ---- The program ---- */

/* Whether this process may trace its children's siblings at all. */
static void need_tracing(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		allow_tracing();
		control->die = 1;
		for (;;)
			pause();
	}
	while (!control->die)
		usleep(20);
	control->die = 0;
	control->k = 0;
	control->victim = pid;
	control->phase = SEIZE;
	await(OVER);
	control->phase = IDLE;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (control->refused == 0)
		return;
	printf("skipped: a worker cannot be traced: %s\n", strerror((int)control->refused));
	exit(SKIPPED);
}

static const char help[] = "step - kills a worker after its k-th instruction, and judges the job\n"
                           "  --kills N   for so many k of each way (default 10, 3 under sanitizers; 0: for all)\n"
                           "  --way N     only this one (default: all)\n"
                           "  --seed N    which k, where not all (default: the clock)\n";

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {{"kills", required_argument, NULL, 'k'},
	                                      {"way", required_argument, NULL, 'w'},
	                                      {"seed", required_argument, NULL, 's'},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {NULL, 0, NULL, 0}};
	options.seed = (uint64_t)time(NULL);
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (option == 'k') {
			options.kills = number_option("step", "kills", optarg, 0, 1000000);
		} else if (option == 'w') {
			options.way = (int)number_option("step", "way", optarg, 0, WAYS - 1);
		} else if (option == 's') {
			options.seed = number_option("step", "seed", optarg, 0, UINT64_MAX);
		} else {
			fputs(help, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? EXIT_SUCCESS : 2);
		}
	}
}

/* Starts the program again with all functions bound: the dynamic linker's own way is long, and of no interest. */
static void bind_now(char **argv)
{
	if (getenv("LD_BIND_NOW") != NULL)
		return;
	setenv("LD_BIND_NOW", "1", 1);
	execv("/proc/self/exe", argv);
	perror("/proc/self/exe");
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	bool well = true;
	uint64_t begun = now_ns();
	read_options(argc, argv);
	need_processes();
	bind_now(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("step --kills %" PRIu64 " --seed %" PRIu64 "\n", options.kills, options.seed);
	make_evidence();
	control = shared_memory(sizeof *control);
	task_hook = die_or_wait;
	signal(SIGALRM, tell_hang);
	pid_t owner = getpid(), tracer = fork();
	if (tracer == 0)
		be_tracer(owner);
	need_tracing();
	for (int i = 0; i < WAYS && well; i++)
		if (options.way < 0 || options.way == i)
			well = walk(&ways[i], (uint64_t)i);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	printf("%" PRIu64 " kills in %.1f s: lost %" PRIu64 ", doubled %" PRIu64 ", wrong %" PRIu64 "\n", kills,
	       (double)(now_ns() - begun) / 1e9, verdict.lost, verdict.doubled, verdict.wrong);
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
