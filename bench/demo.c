/*
 * demo - the main job of the library, end to end: real work on every kind of worker.
 *
 * It runs each kernel serially, on threads and on processes, checks the answers against
 * published values and the three against each other bit for bit, and prints one table.
 * Then it lets a worker crash in the middle of a map and shows what that cost.  It leaves
 * a picture and a chart, and says how many checks passed.
 */
#include "bench.h"
#include "chart.h"
#include "kernels/mandelbrot.h"
#include "measure.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_PNG
#include "picture.h"
#endif

enum { ROUNDS = 5, MAX_ROUNDS = 99, SECONDS = 75, MAX_SECONDS = 86400 };

static const struct {
	const char *name;
	int backend;
} backends[] = {{"serial", FORKPOOL_SERIAL}, {"threads", FORKPOOL_THREADS}, {"processes", FORKPOOL_PROCESSES}};
enum { SERIAL, THREADS, PROCESSES, BACKENDS };

static const struct {
	const char *name;
	int size;
} kernels[] = {
        {"ep", KERNEL_W}, {"primes", KERNEL_W}, {"mandelbrot", KERNEL_W}, {"options", KERNEL_W}, {"skew", KERNEL_W}};
enum { KERNELS = sizeof kernels / sizeof *kernels };

struct demo {
	unsigned workers, rounds, seconds;
	const char *kernels, *output;
	unsigned passed, failed;
	bool picture, chart; /* written */
};

/* ---- Checks ------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void check(struct demo *demo, bool passed, const char *format, ...)
{
	if (passed) {
		demo->passed++;
		return;
	}
	demo->failed++;
	va_list arguments;
	va_start(arguments, format);
	fputs("FAILED: ", stdout);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
}

/* ---- The table --------------------------------------------------------------- */

/* The rounds of one kernel on one backend. */
struct row {
	struct sample samples[MAX_ROUNDS];
	unsigned rounds;
	bool right, identical; /* in every round */
};

static void show_progress(const struct demo *demo, const char *kernel, const char *backend, unsigned round)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s on %s, round %u of %u\r", kernel, backend, round + 1, demo->rounds);
}

static void hide_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static int by_time(const void *a, const void *b)
{
	double x = ((const struct sample *)a)->seconds, y = ((const struct sample *)b)->seconds;
	return (x > y) - (x < y);
}

static struct sample median(struct row *row)
{
	qsort(row->samples, row->rounds, sizeof *row->samples, by_time);
	return row->samples[(row->rounds - 1) / 2];
}

static void run_round(const struct demo *demo, const struct kernel *kernel, int size, struct row *rows, unsigned round,
                      void *reference, void *answer)
{
	for (int b = 0; b < BACKENDS; b++) {
		show_progress(demo, kernel->name, backends[b].name, round);
		forkpool_config config = {.backend = backends[b].backend, .workers = demo->workers};
		struct sample *sample = &rows[b].samples[rows[b].rounds++];
		bool first = round == 0 && b == SERIAL;
		measure(kernel, size, &config, first ? reference : answer, sample);
		bool same = first || memcmp(reference, answer, kernel->sizes[size].answer_size) == 0;
		bool right = sample->result == 0 && sample->right && sample->counted;
		if (!right && rows[b].right)
			printf("%s on %s: %s\n", kernel->name, backends[b].name, sample->text);
		rows[b].right = rows[b].right && right;
		rows[b].identical = rows[b].identical && same;
	}
}

/* Rounds go through all backends in turn, so that a busy minute of the machine hits all; there are
 * fewer if time is up.  The answer of the first serial round is the reference. */
static void run_rounds(const struct demo *demo, const struct kernel *kernel, int size, struct row *rows, double until,
                       void *reference, void *answer)
{
	for (int b = 0; b < BACKENDS; b++)
		rows[b] = (struct row){.right = true, .identical = true};
	for (unsigned round = 0; round < demo->rounds && (round == 0 || bench_now() < until); round++)
		run_round(demo, kernel, size, rows, round, reference, answer);
	hide_progress();
}

static void print_heading(void)
{
	printf("%-11s %-10s %7s %8s %8s %10s %9s %11s %8s %9s\n", "kernel", "backend", "workers", "time", "speed-up",
	       "efficiency", "voluntary", "involuntary", "page", "peak");
	printf("%-11s %-10s %7s %8s %8s %10s %9s %11s %8s %9s\n", "", "", "", "s", "", "%", "switches", "switches",
	       "faults", "MiB");
}

/* 0 for a run that did not finish. */
static double speedup(double serial, double seconds)
{
	return seconds > 0 ? serial / seconds : 0;
}

static void print_row(const char *kernel, const char *backend, unsigned workers, double serial, struct sample s)
{
	double factor = speedup(serial, s.seconds);
	printf("%-11s %-10s %7u %8.3f %8.2f %10.0f %9ld %11ld %8ld %9.1f\n", kernel, backend, workers, s.seconds,
	       factor, 100 * factor / workers, s.voluntary_switches, s.involuntary_switches, s.page_faults,
	       (double)s.peak_kib / 1024);
}

static struct bench_spread speedups(const struct row *row, double serial)
{
	double values[MAX_ROUNDS];
	for (unsigned round = 0; round < row->rounds; round++)
		values[round] = speedup(serial, row->samples[round].seconds);
	return bench_spread(values, row->rounds);
}

/* ---- The picture --------------------------------------------------------------- */

#ifdef HAVE_PNG
static void paint(struct demo *demo, const struct kernel *kernel, int size, const float *answer)
{
	size_t rows = kernel->sizes[size].tasks - MANDELBROT_AREA_ROWS;
	int error = picture_write("mandelbrot.png", answer + (size_t)MANDELBROT_AREA_ROWS * MANDELBROT_WIDTH,
	                          MANDELBROT_WIDTH, rows, 2);
	demo->picture = error == 0;
	check(demo, demo->picture, "mandelbrot.png: %s", strerror(-error));
}
#else
static void paint(struct demo *demo, const struct kernel *kernel, int size, const float *answer)
{
	(void)demo, (void)kernel, (void)size, (void)answer;
}
#endif

/* ---- One kernel ------------------------------------------------------------------ */

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void run_kernel(struct demo *demo, const struct kernel *kernel, int size, double until, struct chart_row *chart)
{
	struct row *rows = calloc(BACKENDS, sizeof *rows);
	size_t bytes = kernel->sizes[size].answer_size;
	void *reference = shared_memory(bytes), *answer = shared_memory(bytes);
	if (!rows || !reference || !answer) {
		perror("demo");
		exit(EXIT_FAILURE);
	}
	run_rounds(demo, kernel, size, rows, until, reference, answer);

	struct sample serial = median(&rows[SERIAL]);
	for (int b = 0; b < BACKENDS; b++)
		print_row(b ? "" : kernel->name, backends[b].name, b == SERIAL ? 1 : demo->workers, serial.seconds,
		          median(&rows[b]));
	printf("            %s: %s\n\n", kernel->sizes[size].text, serial.text);
	fflush(stdout);
	for (int b = 0; b < BACKENDS; b++) {
		check(demo, rows[b].right, "%s on %s: the answer is not the published one", kernel->name,
		      backends[b].name);
		if (b != SERIAL)
			check(demo, rows[b].identical, "%s on %s: bits differ from serial", kernel->name,
			      backends[b].name);
	}
	*chart = (struct chart_row){kernel->name, speedups(&rows[THREADS], serial.seconds),
	                            speedups(&rows[PROCESSES], serial.seconds)};
	if (strcmp(kernel->name, "mandelbrot") == 0 && rows[SERIAL].right)
		paint(demo, kernel, size, reference);
	munmap(reference, bytes);
	munmap(answer, bytes);
	free(rows);
}

/* ---- A crash ----------------------------------------------------------------------- */

enum { CRASH_TASKS = 100000, CRASH_AT = 54321 };

/* The square root; but for one item a write to memory where nothing may be written. */
static int square_root_or_crash(const void *item, void *result, void *ctx)
{
	(void)ctx;
	double x = *(const double *)item;
	if (x == CRASH_AT) {
		char *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*(volatile char *)page = 1;
	}
	*(double *)result = sqrt(x);
	return 0;
}

struct crash {
	double items[CRASH_TASKS], results[CRASH_TASKS];
	int32_t status[CRASH_TASKS];
	forkpool_report report;
};

/* How many indices but CRASH_AT are not as they should be. */
static size_t count_damage(const struct crash *crash)
{
	size_t damaged = 0;
	for (size_t i = 0; i < CRASH_TASKS; i++)
		damaged += i != CRASH_AT && (crash->status[i] != 0 || crash->results[i] != sqrt(crash->items[i]));
	return damaged;
}

static void check_crash(struct demo *demo, int lost, const struct crash *crash)
{
	const forkpool_report *report = &crash->report;
	check(demo, lost == 1, "a crash cost %d tasks, not 1: %s", lost, forkpool_strerror(lost));
	check(demo, report->crashed == 1 && report->succeeded == CRASH_TASKS - 1,
	      "the report counts %llu crashed and %llu succeeded", (unsigned long long)report->crashed,
	      (unsigned long long)report->succeeded);
	check(demo, report->index == CRASH_AT && crash->status[CRASH_AT] == FORKPOOL_CRASHED,
	      "index %llu was charged, not %d", (unsigned long long)report->index, CRASH_AT);
	check(demo, report->signal == SIGSEGV, "signal %d was reported, not %d", (int)report->signal, SIGSEGV);
	check(demo, crash->results[CRASH_AT] == -1, "the lost task's result was overwritten");
	size_t damaged = count_damage(crash);
	check(demo, damaged == 0, "%zu other results are not right", damaged);
}

static void crash_a_worker(struct demo *demo)
{
	struct crash *crash = calloc(1, sizeof *crash);
	forkpool *pool = NULL;
	int error = crash ? forkpool_create(&pool, &(forkpool_config){.workers = demo->workers}) : -ENOMEM;
	check(demo, error == 0, "no pool for the crash: %s", forkpool_strerror(error));
	if (error == 0) {
		for (int i = 0; i < CRASH_TASKS; i++) {
			crash->items[i] = i;
			crash->results[i] = -1;
		}
		forkpool_opts opts = {.status = crash->status, .report = &crash->report};
		int lost = FORKPOOL_MAP(pool, square_root_or_crash, crash->items, crash->results, CRASH_TASKS, &opts);
		char text[1024];
		forkpool_report_format(&crash->report, text, sizeof text);
		printf("A worker crashes on purpose: a segmentation fault at index %d of %d.  The report:\n%s\n",
		       CRASH_AT, CRASH_TASKS, text);
		check_crash(demo, lost, crash);
	}
	forkpool_destroy(pool);
	free(crash);
}

/* ---- The rest ----------------------------------------------------------------------- */

static void draw_chart(struct demo *demo, const struct chart_row *rows)
{
	int error = chart_write(rows, KERNELS, demo->workers);
	demo->chart = error == 0;
	if (error == -ENOENT)
		puts("No chart: gnuplot was missing when configure ran; apt-get install gnuplot-nox, then "
		     "./bootstrap.");
	else
		check(demo, demo->chart, "the chart: gnuplot failed (%s)", strerror(-error));
}

static void print_places(const struct demo *demo)
{
	char directory[PATH_MAX];
	if (!getcwd(directory, sizeof directory))
		directory[0] = '\0';
#ifndef HAVE_PNG
	puts("No picture: libpng was missing when configure ran; apt-get install libpng-dev, then ./bootstrap.");
#endif
	if (demo->picture)
		printf("Picture: %s/mandelbrot.png\n", directory);
	if (demo->chart)
		printf("Chart:   %s/speedup.png, speedup.svg\n", directory);
}

static void print_help(void)
{
	printf("Usage: demo [OPTION]...\n"
	       "Runs real work serially, on threads and on processes, and checks the answers.\n\n"
	       "  -j, --workers N     workers on threads and processes (default: %u, the CPUs here)\n"
	       "  -r, --rounds N      runs of each kernel on each backend, 1 to %d (default: %d)\n"
	       "  -s, --seconds N     no further round once its share of these is used (default: %d)\n"
	       "  -o, --output DIR    where the picture and the chart go (default: demo-output)\n"
	       "  -k, --kernels DIR   where the kernels are (default: " BENCH_KERNELS ")\n"
	       "  -h, --help          this text\n\n"
	       "Ends with status 1 if a check failed.\n",
	       forkpool_cpu_count(), MAX_ROUNDS, ROUNDS, SECONDS);
}

static void parse(struct demo *demo, int argc, char **argv)
{
	static const struct option options[] = {
	        {"workers", required_argument, NULL, 'j'},
	        {"rounds", required_argument, NULL, 'r'},
	        {"seconds", required_argument, NULL, 's'},
	        {"output", required_argument, NULL, 'o'},
	        {"kernels", required_argument, NULL, 'k'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	for (int option; (option = getopt_long(argc, argv, "j:r:s:o:k:h", options, NULL)) != -1;) {
		switch (option) {
		case 'j':
			demo->workers = bench_number("demo", "--workers", optarg, FORKPOOL_MAX_WORKERS);
			break;
		case 'r':
			demo->rounds = bench_number("demo", "--rounds", optarg, MAX_ROUNDS);
			break;
		case 's':
			demo->seconds = bench_number("demo", "--seconds", optarg, MAX_SECONDS);
			break;
		case 'o':
			demo->output = optarg;
			break;
		case 'k':
			demo->kernels = optarg;
			break;
		case 'h':
			print_help();
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	}
	bench_no_arguments("demo", argc, argv);
}

static void load_kernels(const struct demo *demo, const struct kernel **loaded)
{
	for (int k = 0; k < KERNELS; k++) {
		loaded[k] = bench_load(demo->kernels, kernels[k].name);
		if (!loaded[k])
			exit(2);
	}
}

static void enter_output(const struct demo *demo)
{
	if ((mkdir(demo->output, 0777) != 0 && errno != EEXIST) || chdir(demo->output) != 0) {
		fprintf(stderr, "demo: %s: %s\n", demo->output, strerror(errno));
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct demo demo = {.workers = forkpool_cpu_count(),
	                    .rounds = ROUNDS,
	                    .seconds = SECONDS,
	                    .kernels = BENCH_KERNELS,
	                    .output = "demo-output"};
	parse(&demo, argc, argv);
	unsetenv("FORKPOOL_BACKEND"); /* the table needs all three */
	unsetenv("FORKPOOL_WORKERS");
	const struct kernel *loaded[KERNELS];
	load_kernels(&demo, loaded);
	enter_output(&demo);

	printf("forkpool %s: %u workers, medians of up to %u rounds\n", forkpool_version(), demo.workers, demo.rounds);
	bench_note_load();
	putchar('\n');
	print_heading();
	struct chart_row chart[KERNELS];
	double start = bench_now();
	for (int k = 0; k < KERNELS; k++)
		run_kernel(&demo, loaded[k], kernels[k].size, start + demo.seconds * (k + 1.0) / KERNELS, &chart[k]);
	crash_a_worker(&demo);
	draw_chart(&demo, chart);
	print_places(&demo);
	printf("demo: %u checks passed, %u failed\n", demo.passed, demo.failed);
	return demo.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
