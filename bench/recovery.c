/*
 * recovery - how long it takes until a killed worker is made good: from its last instruction but one to the
 * first task of its replacement.
 *
 * A task of a long map notes the time and then dies, by SIGKILL or by a bad pointer; a worker that has not run
 * a task before notes when it begins.  Between those, in turn, the same parent does by itself what cannot be
 * avoided: a bare fork(), a bare fork of a child whose predecessor was killed, and that beside another busy
 * child, as workers have it.  The status is 1 only if a map was not accounted for: whether the target is met is
 * for the reader to judge by the spread.
 */
#include "bench.h"
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_REPETITIONS = 9999 };
#define TARGET 1e-3 /* seconds beyond a bare fork */
#define BUSY   5e-3 /* seconds that a child is at work before it dies, as a worker is */

struct settings {
	unsigned repetitions, megabytes, tasks;
};

/* Seen by all processes. */
struct shared {
	_Atomic double killed, begun;
	size_t victim; /* index of the task that dies */
	int signal;
};

/* ---- In the workers ---- */

static _Noreturn void die(int signal)
{
	if (signal == SIGSEGV)
		*(volatile int *)(uintptr_t)(signal - SIGSEGV) = 1;
	raise(SIGKILL);
	abort();
}

static int short_task(size_t index, void *ctx)
{
	static bool begun; /* each worker's own */
	struct shared *shared = ctx;

	if (!begun)
		atomic_store(&shared->begun, bench_now());
	begun = true;
	if (index == shared->victim) {
		atomic_store(&shared->killed, bench_now());
		die(shared->signal);
	}
	for (volatile int i = 0; i < 1000; i++)
		continue;
	return 0;
}

/* ---- What is measured: each returns seconds ---- */

static bool wrong; /* some map was not accounted for */

static double recovery(forkpool *pool, struct shared *shared, size_t tasks, int signal)
{
	forkpool_report report;
	shared->signal = signal;
	shared->victim = tasks / 4; /* half way of the first of two workers */
	shared->begun = shared->killed = 0;
	int lost = forkpool_for(pool, short_task, tasks, &(forkpool_opts){.ctx = shared, .report = &report});
	if (lost != 1 || report.crashed != 1 || report.succeeded != tasks - 1 || report.signal != signal) {
		printf("a map with one crash ended with %d: %s\n", lost, report.message);
		wrong = true;
	}
	/* None, where the other worker was through before: that counts as longer than any. */
	return shared->begun > shared->killed ? shared->begun - shared->killed : INFINITY;
}

static double recovery_from_kill(forkpool *pool, struct shared *shared, size_t tasks)
{
	return recovery(pool, shared, tasks, SIGKILL);
}

static double recovery_from_crash(forkpool *pool, struct shared *shared, size_t tasks)
{
	return recovery(pool, shared, tasks, SIGSEGV);
}

/* Forks a child that notes when it begins; or, `busy` seconds later, when it dies. */
static void fork_child(struct shared *shared, bool dies, double busy)
{
	pid_t child = fork();
	if (child == 0) {
		for (double start = bench_now(); busy > 0 && bench_now() - start < busy;)
			continue;
		atomic_store(dies ? &shared->killed : &shared->begun, bench_now());
		if (dies)
			raise(SIGKILL);
		_exit(EXIT_SUCCESS);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		wrong = true;
}

static double bare_fork(forkpool *pool, struct shared *shared, size_t tasks)
{
	(void)pool, (void)tasks;
	double start = bench_now();
	fork_child(shared, false, 0);
	return shared->begun - start;
}

static double bare_recovery(forkpool *pool, struct shared *shared, size_t tasks)
{
	(void)pool, (void)tasks;
	fork_child(shared, true, 0);
	fork_child(shared, false, 0);
	return shared->begun - shared->killed;
}

static double busy_recovery(forkpool *pool, struct shared *shared, size_t tasks)
{
	(void)pool, (void)tasks;
	pid_t busy = fork();
	if (busy == 0)
		for (alarm(60);;)
			continue;
	fork_child(shared, true, BUSY);
	fork_child(shared, false, 0);
	if (busy < 0 || kill(busy, SIGKILL) != 0 || waitpid(busy, NULL, 0) != busy)
		wrong = true;
	return shared->begun - shared->killed;
}

struct contender {
	const char *name;
	double (*run)(forkpool *pool, struct shared *shared, size_t tasks);
	double seconds[MAX_REPETITIONS];
	struct bench_spread spread;
};

static struct contender contenders[] = {
        {.name = "fork()", .run = bare_fork},
        {.name = "kill, wait, fork()", .run = bare_recovery},
        {.name = "the same, others busy", .run = busy_recovery},
        {.name = "forkpool, SIGKILL", .run = recovery_from_kill},
        {.name = "forkpool, SIGSEGV", .run = recovery_from_crash},
};
enum { CONTENDERS = sizeof contenders / sizeof *contenders };

static void print(struct contender *contender, unsigned repetitions)
{
	double *seconds = contender->seconds;
	contender->spread = bench_spread(seconds, repetitions);
	printf("  %-21s %8.3f ms  (quartiles %.3f and %.3f, lowest %.3f, highest %.3f)\n", contender->name,
	       1e3 * contender->spread.median, 1e3 * seconds[repetitions / 4], 1e3 * seconds[repetitions * 3 / 4],
	       1e3 * contender->spread.low, 1e3 * contender->spread.high);
}

static void print_difference(const struct contender *contender)
{
	double beyond = contender->spread.median - contenders[0].spread.median;
	printf("  %s takes %.3f ms more than %s; target: at most %.3f: %s\n", contender->name, 1e3 * beyond,
	       contenders[0].name, 1e3 * TARGET, beyond <= TARGET ? "met" : "missed");
}

/* Repetition -1 warms up.  The workers of the map before have gone to sleep when the next begins. */
static void measure_all(forkpool *pool, struct shared *shared, const struct settings *settings)
{
	for (int repetition = -1; repetition < (int)settings->repetitions; repetition++)
		for (int c = 0; c < CONTENDERS; c++) {
			usleep(1000);
			double seconds = contenders[c].run(pool, shared, settings->tasks);
			if (repetition >= 0)
				contenders[c].seconds[repetition] = seconds;
		}
	for (int c = 0; c < CONTENDERS; c++)
		print(&contenders[c], settings->repetitions);
	print_difference(&contenders[CONTENDERS - 2]);
	print_difference(&contenders[CONTENDERS - 1]);
}

/* ---- The command ---- */

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {
	        {"repetitions", required_argument, NULL, 'r'},
	        {"megabytes", required_argument, NULL, 'm'},
	        {"tasks", required_argument, NULL, 'n'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	struct settings settings = {200, 10, 20000};
	for (int option; (option = getopt_long(argc, argv, "r:m:n:h", options, NULL)) != -1;) {
		switch (option) {
		case 'r':
			settings.repetitions = bench_number("recovery", "--repetitions", optarg, MAX_REPETITIONS);
			break;
		case 'm':
			settings.megabytes = bench_number("recovery", "--megabytes", optarg, 1 << 20);
			break;
		case 'n':
			settings.tasks = bench_number("recovery", "--tasks", optarg, 1000000000);
			break;
		case 'h':
			printf("Usage: recovery [OPTION]...\n"
			       "From a worker's death to the first task of its replacement, and a bare fork() beside "
			       "it.\n\n"
			       "  -r, --repetitions N   of each measurement, 1 to %d (default: 200)\n"
			       "  -m, --megabytes N     that the parent has touched (default: 10)\n"
			       "  -n, --tasks N         of each map, some microseconds each (default: 20000)\n"
			       "  -h, --help            this text\n",
			       MAX_REPETITIONS);
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	}
	bench_no_arguments("recovery", argc, argv);
	return settings;
}

int main(int argc, char **argv)
{
	struct settings settings = parse(argc, argv);
	size_t bytes = (size_t)settings.megabytes * 1000000;
	char *memory = malloc(bytes);
	forkpool *pool;

	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
	if (memory == NULL) {
		fprintf(stderr, "recovery: no memory for %u megabytes\n", settings.megabytes);
		return 2;
	}
	memset(memory, 1, bytes);
	int error = forkpool_create(&pool, &(forkpool_config){.workers = 2});
	struct shared *shared = error == 0 ? forkpool_alloc(pool, sizeof *shared) : NULL;
	if (shared == NULL) {
		fprintf(stderr, "recovery: no pool: %s\n", forkpool_strerror(error));
		return 2;
	}
	printf("forkpool %s: 2 workers, a parent of %u MB, median of %u repetitions\n", forkpool_version(),
	       settings.megabytes, settings.repetitions);
	bench_note_load();
	measure_all(pool, shared, &settings);
	forkpool_destroy(pool);
	free(memory);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
