/*
 * jobs - what asynchronous jobs and streams cost, as ratios to what cannot be avoided, or to a map of the same work.
 *
 *   latency   one job at a time, submitted and waited for, beside a bare ping-pong over two semaphores between two
 *             processes;
 *   flood     many jobs submitted before the first is waited for;
 *   stream    forkpool_imap() beside forkpool_map() over the same numbers in pieces, a task of about 1 us;
 *   memory    resident memory of the caller and its workers while a long stream goes by.
 *
 * Rounds of the things compared alternate; printed is the median with the spread.  The status is 1 only if a result
 * was wrong.
 */
#include "bench.h"

#include <getopt.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ROUNDS = 99, PIECE = 65536 };

struct settings {
	unsigned rounds, workers, trips;
	size_t jobs, items, long_items;
};

static bool is_wrong;

static void complain_if(bool wrong, const char *what)
{
	if (wrong)
		printf("WRONG: %s\n", what);
	is_wrong |= wrong;
}

static forkpool *pool_of(int backend, unsigned workers)
{
	forkpool *pool;
	int error = forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = workers});
	if (error != 0) {
		fprintf(stderr, "jobs: no pool: %s\n", forkpool_strerror(error));
		exit(2);
	}
	return pool;
}

static const char *const backends[] = {"processes", "threads", "serial"};

static int successor(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(uint64_t *)result = *(const uint64_t *)item + 1;
	return 0;
}

/* ---- Latency --------------------------------------------------------------------------- */

struct table {
	sem_t ping, pong;
};

static _Noreturn void answer(struct table *table, unsigned trips)
{
	for (unsigned i = 0; i < trips; i++) {
		sem_wait(&table->ping);
		sem_post(&table->pong);
	}
	_exit(0);
}

/* Seconds a round trip. */
static double ping_pong(unsigned trips)
{
	struct table *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED || sem_init(&table->ping, 1, 0) != 0 || sem_init(&table->pong, 1, 0) != 0)
		return 0;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		answer(table, trips);
	double begun = bench_now();
	for (unsigned i = 0; child > 0 && i < trips; i++) {
		sem_post(&table->ping);
		sem_wait(&table->pong);
	}
	double seconds = bench_now() - begun;
	if (child > 0)
		waitpid(child, NULL, 0);
	munmap(table, sizeof *table);
	return seconds / trips;
}

static double one_at_a_time(forkpool *pool, unsigned trips)
{
	double begun = bench_now();
	for (uint64_t i = 0; i < trips; i++) {
		uint64_t result = 0;
		forkpool_job *job;
		int error = forkpool_apply_async(&job, pool, successor, &i, sizeof i, &result, sizeof result, NULL);
		if (error == 0)
			error = forkpool_job_get(job, NULL);
		complain_if(error != 0 || result != i + 1, "a job, one at a time");
		forkpool_job_free(job);
	}
	return (bench_now() - begun) / trips;
}

static void print_spread(const char *name, double *values, unsigned count, double scale, const char *unit)
{
	struct bench_spread spread = bench_spread(values, count);
	printf("  %-34s %10.3f %s   (%.3f to %.3f)\n", name, spread.median * scale, unit, spread.low * scale,
	       spread.high * scale);
}

static void latency(const struct settings *settings)
{
	double bare[MAX_ROUNDS], ours[2][MAX_ROUNDS], ratio[2][MAX_ROUNDS];
	for (unsigned round = 0; round < settings->rounds; round++) {
		bare[round] = ping_pong(settings->trips);
		for (int backend = 0; backend < 2; backend++) {
			forkpool *pool = pool_of(backend, settings->workers);
			ours[backend][round] = one_at_a_time(pool, settings->trips);
			ratio[backend][round] = ours[backend][round] / bare[round];
			forkpool_destroy(pool);
		}
	}
	printf("latency: %u round trips, one at a time\n", settings->trips);
	print_spread("two semaphores, two processes", bare, settings->rounds, 1e6, "us");
	for (int backend = 0; backend < 2; backend++) {
		print_spread(backends[backend], ours[backend], settings->rounds, 1e6, "us");
		print_spread("  ratio (target: at most 3)", ratio[backend], settings->rounds, 1, "  ");
	}
}

/* ---- Flood ------------------------------------------------------------------------------- */

static double submit_and_get(forkpool *pool, size_t count, forkpool_job **jobs, uint64_t *results)
{
	double begun = bench_now();
	for (uint64_t i = 0; i < count; i++)
		complain_if(forkpool_apply_async(&jobs[i], pool, successor, &i, sizeof i, &results[i], sizeof *results,
		                                 NULL) != 0,
		            "a submission");
	for (uint64_t i = 0; i < count; i++) {
		complain_if(forkpool_job_get(jobs[i], NULL) != 0 || results[i] != i + 1, "a job of many");
		forkpool_job_free(jobs[i]);
	}
	return (bench_now() - begun) / (double)count;
}

static void flood(const struct settings *settings)
{
	forkpool_job **jobs = calloc(settings->jobs, sizeof(forkpool_job *));
	uint64_t *results = calloc(settings->jobs, sizeof *results);
	if (jobs == NULL || results == NULL)
		exit(2);
	printf("flood: %zu jobs submitted, then waited for and freed; time of one\n", settings->jobs);
	for (int backend = 0; backend < 3; backend++) {
		double each[MAX_ROUNDS];
		forkpool *pool = pool_of(backend, settings->workers);
		for (unsigned round = 0; round < settings->rounds; round++)
			each[round] = submit_and_get(pool, settings->jobs, jobs, results);
		forkpool_destroy(pool);
		print_spread(backends[backend], each, settings->rounds, 1e9, "ns");
	}
	printf("  (target: under 1000 ns)\n");
	free(jobs);
	free(results);
}

/* ---- Streams ----------------------------------------------------------------------------- */

static unsigned steps; /* that take about 1 us; workers inherit it */

static uint64_t mix(uint64_t x, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return x;
}

static int work(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(uint64_t *)result = mix(*(const uint64_t *)item, steps);
	return 0;
}

static void calibrate(void)
{
	enum { TRIAL = 10000000 };
	double begun = bench_now();
	volatile uint64_t sink = mix(1, TRIAL);
	(void)sink;
	steps = (unsigned)(TRIAL * 1e-6 / (bench_now() - begun)) + 1;
}

struct numbers {
	uint64_t next, end, sum;
	size_t emitted;
	void (*on_mark)(size_t emitted, void *arg);
	void *arg;
	size_t mark;
};

static int next_number(void *item, void *arg)
{
	struct numbers *numbers = arg;
	*(uint64_t *)item = numbers->next;
	return numbers->next < numbers->end ? numbers->next++, 1 : 0;
}

static int add_result(size_t index, const void *result, int32_t status, void *arg)
{
	struct numbers *numbers = arg;
	complain_if(index != numbers->emitted || status != 0, "the order of a stream");
	numbers->sum += *(const uint64_t *)result;
	if (++numbers->emitted % numbers->mark == 0 && numbers->on_mark != NULL)
		numbers->on_mark(numbers->emitted, numbers->arg);
	return 0;
}

static double by_stream(forkpool *pool, size_t count, uint64_t *sum)
{
	struct numbers numbers = {.end = count, .mark = count};
	double begun = bench_now();
	complain_if(forkpool_imap(pool, work, next_number, add_result, &numbers, 8, 8, 0, 0, NULL) != 0, "a stream");
	*sum = numbers.sum;
	return bench_now() - begun;
}

static double by_pieces(forkpool *pool, size_t count, uint64_t *sum)
{
	static uint64_t items[PIECE], results[PIECE];
	double begun = bench_now();
	*sum = 0;
	for (size_t first = 0; first < count; first += PIECE) {
		size_t length = count - first < PIECE ? count - first : PIECE;
		for (size_t i = 0; i < length; i++)
			items[i] = first + i;
		complain_if(FORKPOOL_MAP(pool, work, items, results, length, NULL) != 0, "a map");
		for (size_t i = 0; i < length; i++)
			*sum += results[i];
	}
	return bench_now() - begun;
}

static void stream(const struct settings *settings)
{
	calibrate();
	printf("stream: %zu numbers, a task of about 1 us (%u steps); map: in pieces of %d\n", settings->items, steps,
	       PIECE);
	for (int backend = 0; backend < 2; backend++) {
		double streamed[MAX_ROUNDS], mapped[MAX_ROUNDS], ratio[MAX_ROUNDS];
		forkpool *pool = pool_of(backend, settings->workers);
		for (unsigned round = 0; round < settings->rounds; round++) {
			uint64_t sums[2];
			streamed[round] = by_stream(pool, settings->items, &sums[0]) / (double)settings->items;
			mapped[round] = by_pieces(pool, settings->items, &sums[1]) / (double)settings->items;
			ratio[round] = streamed[round] / mapped[round];
			complain_if(sums[0] != sums[1], "the sum of a stream");
		}
		forkpool_destroy(pool);
		printf("  %s\n", backends[backend]);
		print_spread("  imap, an item", streamed, settings->rounds, 1e9, "ns");
		print_spread("  map in pieces, an item", mapped, settings->rounds, 1e9, "ns");
		print_spread("  ratio (target: at most 1.05)", ratio, settings->rounds, 1, "  ");
	}
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* Of this process, in KiB. */
static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void print_resident(size_t emitted, void *arg)
{
	double begun = *(const double *)arg;
	printf("  after %11zu items: %6ld KiB resident, %.1f ns an item\n", emitted, resident(),
	       (bench_now() - begun) / (double)emitted * 1e9);
	fflush(stdout);
}

static void memory(const struct settings *settings)
{
	double begun = bench_now();
	struct numbers numbers = {.end = settings->long_items, .on_mark = print_resident, .arg = &begun};
	numbers.mark = settings->long_items < 10 ? 1 : settings->long_items / 10;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, settings->workers);
	printf("memory: a stream of %zu numbers, empty tasks\n", settings->long_items);
	complain_if(forkpool_imap(pool, successor, next_number, add_result, &numbers, 8, 8, 0, 0, NULL) != 0,
	            "a long stream");
	complain_if(numbers.sum != (uint64_t)((unsigned __int128)numbers.end * (numbers.end + 1) / 2),
	            "the sum of a long stream");
	forkpool_destroy(pool);
}

/* ---- The program ------------------------------------------------------------------------------ */

static const char usage[] = "Usage: jobs [OPTION]... [latency|flood|stream|memory]...\n"
                            "Measures what asynchronous jobs and streams cost; without a name all four.\n\n"
                            "  -r, --rounds N     rounds of each (default 7, at most 99)\n"
                            "  -w, --workers N    workers of each pool (default 2)\n"
                            "  -t, --trips N      round trips of a round of `latency` (default 10000)\n"
                            "  -j, --jobs N       jobs of a round of `flood` (default 100000)\n"
                            "  -i, --items N      items of a round of `stream` (default 1000000)\n"
                            "  -l, --long N       items of `memory` (default 100000000)\n"
                            "  -h, --help         this text\n";

static size_t number_of(const char *name, const char *text, size_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > most) {
		fprintf(stderr, "jobs: --%s is \"%s\"; it must be a number from 1 to %zu\n", name, text, most);
		exit(2);
	}
	return value;
}

static void read_options(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
	        {"rounds", required_argument, NULL, 'r'}, {"workers", required_argument, NULL, 'w'},
	        {"trips", required_argument, NULL, 't'},  {"jobs", required_argument, NULL, 'j'},
	        {"items", required_argument, NULL, 'i'},  {"long", required_argument, NULL, 'l'},
	        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
	for (int option; (option = getopt_long(argc, argv, "r:w:t:j:i:l:h", options, NULL)) != -1;)
		switch (option) {
		case 'r':
			settings->rounds = (unsigned)number_of("rounds", optarg, MAX_ROUNDS);
			break;
		case 'w':
			settings->workers = (unsigned)number_of("workers", optarg, FORKPOOL_MAX_WORKERS);
			break;
		case 't':
			settings->trips = (unsigned)number_of("trips", optarg, 100000000);
			break;
		case 'j':
			settings->jobs = number_of("jobs", optarg, 100000000);
			break;
		case 'i':
			settings->items = number_of("items", optarg, (size_t)1 << 40);
			break;
		case 'l':
			settings->long_items = number_of("long", optarg, (size_t)1 << 40);
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? 0 : 2);
		}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct settings *);
	} parts[] = {{"latency", latency}, {"flood", flood}, {"stream", stream}, {"memory", memory}};
	struct settings settings = {7, 2, 10000, 100000, 1000000, 100000000};
	read_options(argc, argv, &settings);
	bench_note_load();
	for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
		bool wanted = optind == argc;
		for (int i = optind; i < argc; i++)
			wanted |= strcmp(argv[i], parts[part].name) == 0;
		if (wanted)
			parts[part].run(&settings);
		fflush(stdout);
	}
	return is_wrong;
}
