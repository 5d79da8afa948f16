/* A list of URLs, fetched by 1, 4, 8 and 13 workers: what waits gains from workers, however few the CPUs are.
 *
 *     from multiprocessing.dummy import Pool
 *     from time import time
 *     from urllib.request import urlopen
 *
 *     for workers in 1, 4, 8, 13:
 *         with Pool(workers) as pool:
 *             start = time()
 *             pages = pool.map(lambda url: urlopen(url).read(), urls, chunksize=1)
 *             print(workers, time() - start)
 *
 * Beside the times of processes and of threads stand those of a greedy schedule, computed from the same delays: the
 * worker that is free first takes the next URL of the list; and those published in the answers to
 * stackoverflow.com/q/2846653.  There 4 workers were more than 4 times as fast as one, and 8 more than 8 times, so the
 * sites must have answered sooner when they were asked again.  Ours do not.  Run as: server urls; urls --help. */
#include "example.h"
#include "fetch.h"
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <unistd.h>

/* Milliseconds in which the sites answer, 14.4 seconds in all: quantiles of a lognormal distribution (sigma 0.5), in
 * an order for which the greedy schedule comes near the published times. */
static const int delays[] = {1290, 590, 340, 1020, 660, 510, 700, 450, 320, 560, 350, 900, 410, 160,
                             810,  620, 470, 370,  200, 750, 540, 280, 490, 430, 390, 300, 260, 230};
enum { COUNT = sizeof delays / sizeof *delays };

static const struct {
	unsigned workers;
	double seconds;
} published[] = {{1, 14.4}, {4, 3.1}, {8, 1.4}, {13, 1.3}};
enum { ROWS = sizeof published / sizeof *published, MOST = 13 };

static fetch_url urls[COUNT];

/* When the last of the URLs is there, if each goes to the worker that is free first. */
static double greedy(unsigned workers, double scale)
{
	double free_at[MOST] = {0}, end = 0;
	for (int i = 0; i < COUNT; i++) {
		unsigned first = 0;
		for (unsigned w = 1; w < workers; w++)
			if (free_at[w] < free_at[first])
				first = w;
		free_at[first] += delays[i] * scale / 1000;
		end = fmax(end, free_at[first]);
	}
	return end;
}

/* All URLs, by so many workers, which stand ready.  Returns the seconds that it took. */
static double fetch_all(int backend, unsigned workers)
{
	fetch_page pages[COUNT];
	char expected[32];
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, &(forkpool_config){.backend = backend,
	                                                                  .workers = workers,
	                                                                  .initializer = fetch_open,
	                                                                  .finalizer = fetch_close}));
	double begin = seconds();
	must("map", FORKPOOL_MAP(pool, fetch, urls, pages, COUNT, &(forkpool_opts){.chunk = 1}));
	double took = seconds() - begin;
	forkpool_destroy(pool);
	for (int i = 0; i < COUNT; i++) {
		snprintf(expected, sizeof expected, "page %d\n", i);
		if (strcmp(pages[i].text, expected) != 0)
			must(urls[i], -EBADMSG);
	}
	return took;
}

static struct {
	double scale;  /* of the delays */
	double within; /* per cent by which a time may differ from the greedy schedule's */
	FILE *csv;     /* also there, or NULL */
	bool list;     /* instead of all that */
	const char *server;
} options = {.scale = 1, .within = INFINITY};

static void usage(FILE *to, const char *program)
{
	fprintf(to,
	        "usage: server %s [--scale FACTOR] [--within PERCENT] [--csv FILE] [--list]\n"
	        "  --scale FACTOR    all delays times this, 0.001 to 10 (1)\n"
	        "  --within PERCENT  exit status 1 if several workers differ by more than this from the greedy "
	        "schedule\n"
	        "  --csv FILE        the times to a file, too, in seconds\n"
	        "  --list            only say the URLs\n"
	        "`server` adds its address as the last argument.\n",
	        program);
}

static double number(const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end != '\0' || !(value >= least && value <= most)) {
		fprintf(stderr, "urls: '%s' is not a number from %g to %g\n", text, least, most);
		exit(EXIT_FAILURE);
	}
	return value;
}

/* Not emptied before there is something to write. */
static FILE *open_output(const char *path)
{
	FILE *file = fopen(path, "a");
	if (!file)
		must(path, -errno);
	return file;
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
	        {"scale", required_argument, NULL, 's'}, {"within", required_argument, NULL, 'w'},
	        {"csv", required_argument, NULL, 'c'},   {"list", no_argument, NULL, 'l'},
	        {"help", no_argument, NULL, 'h'},        {0},
	};
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (option == 's') {
			options.scale = number(optarg, 0.001, 10);
		} else if (option == 'w') {
			options.within = number(optarg, 0, 1000);
		} else if (option == 'c') {
			options.csv = open_output(optarg);
		} else if (option == 'l') {
			options.list = true;
		} else {
			usage(option == 'h' ? stdout : stderr, argv[0]);
			exit(option == 'h' ? EXIT_SUCCESS : EXIT_FAILURE);
		}
	}
	if (optind != argc - 1) {
		usage(stderr, argv[0]);
		exit(EXIT_FAILURE);
	}
	options.server = argv[optind];
}

static double times[ROWS][BACKENDS];

/* A row's columns of one backend.  Returns whether the time is as near to the greedy schedule's as it should be. */
static int print_times(int backend, int row)
{
	unsigned workers = published[row].workers;
	double took = times[row][backend] = fetch_all(backend, workers);
	double off = (took / greedy(workers, options.scale) - 1) * 100;
	printf(" | %6.3f %8.2f %+5.1f %%", took, times[0][backend] / took, off);
	fflush(stdout);
	return workers == 1 || fabs(off) <= options.within;
}

static void print_head(void)
{
	printf("%7s | %-15s", "", "greedy");
	for (int backend = 0; backend < BACKENDS; backend++)
		if (compared(backend))
			printf(" | %-23s", backend_names[backend]);
	printf(" | published\n");
	printf("%7s | %6s %8s", "workers", "s", "speed-up");
	for (int backend = 0; backend < BACKENDS; backend++)
		if (compared(backend))
			printf(" | %6s %8s %7s", "s", "speed-up", "off");
	printf(" | %4s %8s\n", "s", "speed-up");
}

/* `off`: by how much the time differs from the greedy schedule's. */
static int print_table(void)
{
	int good = 1;
	print_head();
	for (int row = 0; row < ROWS; row++) {
		unsigned workers = published[row].workers;
		double plan = greedy(workers, options.scale);
		printf("%7u | %6.3f %8.2f", workers, plan, greedy(1, options.scale) / plan);
		for (int backend = 0; backend < BACKENDS; backend++)
			good &= !compared(backend) || print_times(backend, row);
		printf(" | %4.1f %8.2f\n", published[row].seconds, published[0].seconds / published[row].seconds);
	}
	return good;
}

/* A line for each number of workers and way to fetch. */
static void write_csv(FILE *file)
{
	if (ftruncate(fileno(file), 0) != 0 && errno != EINVAL) /* a pipe cannot be emptied */
		must("--csv", -errno);
	fprintf(file, "workers,way,seconds\n");
	for (int row = 0; row < ROWS; row++) {
		unsigned workers = published[row].workers;
		fprintf(file, "%u,greedy,%.6f\n", workers, greedy(workers, options.scale));
		for (int backend = 0; backend < BACKENDS; backend++)
			if (compared(backend))
				fprintf(file, "%u,%s,%.6f\n", workers, backend_names[backend], times[row][backend]);
	}
	if (fclose(file) != 0)
		must("--csv", -errno);
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	unsetenv("FORKPOOL_WORKERS"); /* the rows say how many */
	for (int i = 0; i < COUNT; i++)
		snprintf(urls[i], sizeof urls[i], "%s/%d/%.6f", options.server, i, delays[i] * options.scale / 1000);
	for (int i = 0; i < COUNT && options.list; i++)
		puts(urls[i]);
	if (options.list)
		return EXIT_SUCCESS;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return EXIT_FAILURE;
	int good = print_table();
	curl_global_cleanup();
	if (options.csv)
		write_csv(options.csv);
	if (!good)
		printf("More than %g %% off the greedy schedule.\n", options.within);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
