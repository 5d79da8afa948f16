/*
 * compare_openmp - the same work by forkpool and by the compiler's OpenMP, in one run.
 *
 * Both call the same function of the same object on the same memory.  Repetitions are
 * interleaved, so that a busy moment of the machine hits all, and what counts is the median
 * of the ratios within a repetition.  Targets are stated beside it; whether they are met is
 * for the reader to judge by the spread.  The status is 1 only if an answer is wrong.
 */
#include "bench.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_REPETITIONS = 999, MAX_CONTENDERS = 4 };

static const char size_names[KERNEL_SIZES] = {[KERNEL_S] = 'S', [KERNEL_W] = 'W', [KERNEL_A] = 'A'};

/* What is raced, and on what. */
struct arena {
	forkpool *serial, *threads, *processes;
	unsigned workers, repetitions;
	const struct kernel *kernel;
	struct kernel_problem problem;
	size_t tasks; /* of the empty loop */
	bool wrong;   /* some answer was */
};

struct contender {
	const char *name;
	void (*run)(struct arena *arena);
	double seconds[MAX_REPETITIONS]; /* in each repetition */
	struct bench_spread spread;
};

/* ---- Kernels: items to results ------------------------------------------------- */

static void run_kernel(struct arena *arena, forkpool *pool)
{
	if (arena->kernel->run(pool, &arena->problem, NULL) != 0)
		arena->wrong = true;
}

static void kernel_serial(struct arena *arena)
{
	run_kernel(arena, arena->serial);
}

static void kernel_threads(struct arena *arena)
{
	run_kernel(arena, arena->threads);
}

static void kernel_processes(struct arena *arena)
{
	run_kernel(arena, arena->processes);
}

static size_t result_size(const struct arena *arena)
{
	return arena->kernel->sizes[arena->problem.size].answer_size / arena->problem.tasks;
}

static void kernel_openmp_static(struct arena *arena)
{
	forkpool_map_fn *function = arena->kernel->plugin->function;
	const char *items = arena->problem.items;
	char *results = arena->problem.answer;
	size_t tasks = arena->problem.tasks, in = arena->kernel->item_size, out = result_size(arena);
#pragma omp parallel for schedule(static) num_threads(arena->workers)
	for (size_t i = 0; i < tasks; i++)
		function(items + i * in, results + i * out, NULL);
}

static void kernel_openmp_dynamic(struct arena *arena)
{
	forkpool_map_fn *function = arena->kernel->plugin->function;
	const char *items = arena->problem.items;
	char *results = arena->problem.answer;
	size_t tasks = arena->problem.tasks, in = arena->kernel->item_size, out = result_size(arena);
#pragma omp parallel for schedule(dynamic) num_threads(arena->workers)
	for (size_t i = 0; i < tasks; i++)
		function(items + i * in, results + i * out, NULL);
}

/* ---- The empty loop --------------------------------------------------------------- */

static int nothing(size_t index, void *ctx)
{
	(void)index, (void)ctx;
	return 0;
}

/* The compiler must not see through the call, as it cannot in the library. */
static forkpool_for_fn *volatile empty_task = nothing;

static void run_empty(struct arena *arena, forkpool *pool)
{
	if (forkpool_for(pool, empty_task, arena->tasks, &(forkpool_opts){.chunk = 1}) != 0)
		arena->wrong = true;
}

static void empty_threads(struct arena *arena)
{
	run_empty(arena, arena->threads);
}

static void empty_processes(struct arena *arena)
{
	run_empty(arena, arena->processes);
}

static void empty_openmp(struct arena *arena)
{
	forkpool_for_fn *function = empty_task;
	size_t tasks = arena->tasks;
#pragma omp parallel for schedule(dynamic, 1) num_threads(arena->workers)
	for (size_t i = 0; i < tasks; i++)
		function(i, NULL);
}

/* ---- Races ------------------------------------------------------------------------- */

/* Idle workers, and idle threads of OpenMP, go on spinning for some milliseconds. */
static void let_spinners_sleep(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

static void check_answer(struct arena *arena, const char *who)
{
	char text[200];
	if (arena->kernel->check(&arena->problem, text, sizeof text))
		return;
	printf("  %s: WRONG: %s\n", who, text);
	arena->wrong = true;
}

/* Repetition -1 warms up.  Answers are checked if a kernel is raced. */
static void race(struct arena *arena, struct contender *contenders, int count, bool is_kernel)
{
	for (int repetition = -1; repetition < (int)arena->repetitions; repetition++) {
		for (int c = 0; c < count; c++) {
			if (is_kernel)
				memset(arena->problem.answer, 0, arena->kernel->sizes[arena->problem.size].answer_size);
			let_spinners_sleep();
			double start = bench_now();
			contenders[c].run(arena);
			double seconds = bench_now() - start;
			if (repetition >= 0)
				contenders[c].seconds[repetition] = seconds;
			if (is_kernel)
				check_answer(arena, contenders[c].name);
		}
	}
	for (int c = 0; c < count; c++) {
		double sorted[MAX_REPETITIONS];
		memcpy(sorted, contenders[c].seconds, sizeof sorted);
		contenders[c].spread = bench_spread(sorted, arena->repetitions);
	}
}

static void print_times(const struct contender *contenders, int count, double scale, const char *unit)
{
	for (int c = 0; c < count; c++)
		printf("  %-22s %9.3f %s  (%.3f to %.3f)\n", contenders[c].name, scale * contenders[c].spread.median,
		       unit, scale * contenders[c].spread.low, scale * contenders[c].spread.high);
}

/* How `a` compares with `b`, repetition by repetition; and the best of `a` with the best of `b`, which
 * says more where others disturb every repetition. */
static void print_ratio(const struct arena *arena, const struct contender *a, const struct contender *b, bool at_most,
                        double target)
{
	double ratios[MAX_REPETITIONS];
	for (unsigned i = 0; i < arena->repetitions; i++)
		ratios[i] = a->seconds[i] / b->seconds[i];
	struct bench_spread ratio = bench_spread(ratios, arena->repetitions);
	bool met = at_most ? ratio.median <= target : ratio.median >= target;
	printf("  %s / %s: %.3f  (%.3f to %.3f; of the lowest times %.3f)\n", a->name, b->name, ratio.median, ratio.low,
	       ratio.high, a->spread.low / b->spread.low);
	printf("  target: %s %.2f: %s\n\n", at_most ? "at most" : "at least", target, met ? "met" : "missed");
	fflush(stdout);
}

static const struct contender *faster(const struct contender *a, const struct contender *b)
{
	return a->spread.median <= b->spread.median ? a : b;
}

/* Whether the kernel and its problem are there; the problem is in the arena of the processes,
 * and everybody works on it. */
static bool set_up(struct arena *arena, const struct kernel *kernel, int size)
{
	arena->kernel = kernel;
	int error = bench_prepare(arena->processes, kernel, size, &arena->problem);
	if (error == 0)
		return true;
	fprintf(stderr, "compare_openmp: %s: %s\n", kernel->name, forkpool_strerror(error));
	return false;
}

static bool compare_ep(struct arena *arena, const struct kernel *kernel, int size)
{
	struct contender contenders[] = {{.name = "forkpool processes", .run = kernel_processes},
	                                 {.name = "forkpool threads", .run = kernel_threads},
	                                 {.name = "OpenMP static", .run = kernel_openmp_static},
	                                 {.name = "OpenMP dynamic", .run = kernel_openmp_dynamic}};
	if (!set_up(arena, kernel, size))
		return false;
	printf("NAS EP class %c, %s in %zu tasks\n", size_names[size], kernel->sizes[size].text, arena->problem.tasks);
	race(arena, contenders, 4, true);
	print_times(contenders, 4, 1, "s");
	print_ratio(arena, &contenders[0], faster(&contenders[2], &contenders[3]), true, 1.02);
	bench_release(arena->processes, &arena->problem);
	return true;
}

static bool compare_skew(struct arena *arena, const struct kernel *kernel)
{
	struct contender contenders[] = {{.name = "serial", .run = kernel_serial},
	                                 {.name = "forkpool processes", .run = kernel_processes},
	                                 {.name = "OpenMP dynamic", .run = kernel_openmp_dynamic}};
	if (!set_up(arena, kernel, KERNEL_W))
		return false;
	printf("Skewed load, %s, %s\n", kernel->sizes[KERNEL_W].text, kernel->summary);
	race(arena, contenders, 3, true);
	print_times(contenders, 3, 1, "s");
	print_ratio(arena, &contenders[0], &contenders[1], false, 0.95 * arena->workers);
	bench_release(arena->processes, &arena->problem);
	return true;
}

static void compare_empty(struct arena *arena)
{
	struct contender contenders[] = {{.name = "forkpool processes", .run = empty_processes},
	                                 {.name = "forkpool threads", .run = empty_threads},
	                                 {.name = "OpenMP dynamic,1", .run = empty_openmp}};
	printf("%zu empty tasks, chunk 1: nanoseconds a task\n", arena->tasks);
	race(arena, contenders, 3, false);
	print_times(contenders, 3, 1e9 / (double)arena->tasks, "ns");
	print_ratio(arena, &contenders[0], &contenders[2], true, 1);
}

/* ---- The command ---------------------------------------------------------------------- */

struct settings {
	unsigned workers, repetitions;
	size_t tasks;
	const char *sizes, *kernels;
};

static void print_help(void)
{
	printf("Usage: compare_openmp [OPTION]...\n"
	       "The same work by forkpool and by OpenMP: medians, ratios, and their spread.\n\n"
	       "  -j, --workers N       workers and threads (default: %u, the CPUs here)\n"
	       "  -r, --repetitions N   of each measurement, 1 to %d (default: 11)\n"
	       "  -s, --sizes LETTERS   classes of NAS EP, of S, W, A (default: SW)\n"
	       "  -n, --tasks N         tasks of the empty loop (default: 10000000)\n"
	       "  -k, --kernels DIR     where the kernels are (default: " BENCH_KERNELS ")\n"
	       "  -h, --help            this text\n",
	       forkpool_cpu_count(), MAX_REPETITIONS);
}

static const char *parse_sizes(const char *text)
{
	if (*text && strspn(text, "SWA") == strlen(text))
		return text;
	fprintf(stderr, "compare_openmp: --sizes '%s': letters of S, W and A are needed\n", text);
	exit(2);
}

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {
	        {"workers", required_argument, NULL, 'j'},
	        {"repetitions", required_argument, NULL, 'r'},
	        {"sizes", required_argument, NULL, 's'},
	        {"tasks", required_argument, NULL, 'n'},
	        {"kernels", required_argument, NULL, 'k'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	struct settings settings = {forkpool_cpu_count(), 11, 10000000, "SW", BENCH_KERNELS};
	for (int option; (option = getopt_long(argc, argv, "j:r:s:n:k:h", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			settings.workers = bench_number("compare_openmp", "--workers", optarg, FORKPOOL_MAX_WORKERS);
			break;
		case 'r':
			settings.repetitions = bench_number("compare_openmp", "--repetitions", optarg, MAX_REPETITIONS);
			break;
		case 's':
			settings.sizes = parse_sizes(optarg);
			break;
		case 'n':
			settings.tasks = bench_number("compare_openmp", "--tasks", optarg, 1000000000);
			break;
		case 'k':
			settings.kernels = optarg;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	}
	bench_no_arguments("compare_openmp", argc, argv);
	return settings;
}

static int open_pool(forkpool **pool, int backend, unsigned workers)
{
	int error = forkpool_create(pool, &(forkpool_config){.backend = backend, .workers = workers});
	if (error)
		fprintf(stderr, "compare_openmp: no pool: %s\n", forkpool_strerror(error));
	return error;
}

/* The processes first: a fork is best done before there are threads. */
static bool open_pools(struct arena *arena)
{
	return open_pool(&arena->processes, FORKPOOL_PROCESSES, arena->workers) == 0 &&
	       open_pool(&arena->threads, FORKPOOL_THREADS, arena->workers) == 0 &&
	       open_pool(&arena->serial, FORKPOOL_SERIAL, 1) == 0;
}

static bool compare_all(struct arena *arena, const struct kernel *ep, const struct kernel *skew, const char *sizes)
{
	for (; *sizes; sizes++) {
		const char *size = memchr(size_names, *sizes, KERNEL_SIZES);
		if (!compare_ep(arena, ep, (int)(size - size_names)))
			return false;
	}
	if (!compare_skew(arena, skew))
		return false;
	compare_empty(arena);
	return !arena->wrong;
}

int main(int argc, char **argv)
{
	struct settings settings = parse(argc, argv);
	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
	const struct kernel *ep = bench_load(settings.kernels, "ep"), *skew = bench_load(settings.kernels, "skew");
	struct arena arena = {
	        .workers = settings.workers, .repetitions = settings.repetitions, .tasks = settings.tasks};
	bool good = ep && skew && open_pools(&arena);
	if (good) {
		printf("forkpool %s and OpenMP: %u workers, median (lowest to highest) of %u repetitions\n",
		       forkpool_version(), arena.workers, arena.repetitions);
		bench_note_load();
		putchar('\n');
		good = compare_all(&arena, ep, skew, settings.sizes);
	}
	forkpool_destroy(arena.serial);
	forkpool_destroy(arena.threads);
	forkpool_destroy(arena.processes);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
