/*
 * map.c - `forkpool map`: applies a function to each line, or each item of a file.
 *
 * The order is what makes it fast and safe: the function is loaded and the input read
 * before the pool is created, so that the workers inherit both; and the output is opened
 * before anything runs, so that no result is computed in vain.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

enum { MOST_NAMED = 10 };    /* failed tasks that are told one by one */
enum { MOST_COUNTED = 100 }; /* the exit status for more is one more */

static const char help[] = "Usage: forkpool map [OPTION]... FILE.so:NAME [INPUT]...\n"
                           "       forkpool map [OPTION]... -e EXPRESSION [INPUT]...\n"
                           "       forkpool map --list FILE.so\n"
                           "Applies a function to each line of numbers, by a pool of worker processes, and prints\n"
                           "the results in the order of the lines.  Without INPUT, or for -, reads standard input.\n"
                           "\n"
                           "  -e, --expression=EXPR  a C expression in x (double), compiled by $CC or cc\n"
                           "  -j, --workers=N        how many workers (default: the CPUs there are)\n"
                           "      --backend=KIND     processes (default), threads or serial\n"
                           "      --chunk=N          tasks handed out at once (default: chosen by their number)\n"
                           "  -o, --output=FILE      write there instead of to standard output, all or nothing\n"
                           "      --binary           input and output are the values as they are in memory\n"
                           "      --stop-on-failure  begin no further task once one has failed\n"
                           "      --timeout=SECONDS  end a task that takes longer (processes only)\n"
                           "      --retries=N        try a task that failed, crashed or timed out again, N times\n"
                           "      --memory-limit=N   bytes a worker may allocate; K, M, G may follow (processes only)\n"
                           "      --max-tasks=N      replace a worker after N tasks\n"
                           "      --progress         tell how far it is, on stderr\n"
                           "      --report           tell how it went, on stderr\n"
                           "      --list=FILE.so     print the functions that a plugin offers\n"
                           "      --help             print this text\n"
                           "      --version          print the version of the library\n"
                           "\n"
                           "A result is nan, or - for whole numbers, where the task did not succeed.\n"
                           "Exit status: 0; the number of tasks that did not succeed, 101 if above 100; or 255,\n"
                           "for an error of usage, input or environment.  Wrong input: nothing is run or written.\n"
                           "\n"
                           "  seq 1 1000000 | forkpool map -e 'sin(x)/x' | tail -1\n";

struct options {
	const char *expression;
	const char *list;
	const char *output;
	forkpool_config config;
	forkpool_opts opts;
	int binary, progress, report;
	char **operands; /* of which the first names the function, unless there is an expression */
	int operand_count;
};

/* ---- the command line ------------------------------------------------------------ */

/* What stands on the command line counts more than what stands in the environment. */
static int set_workers(struct options *options, const char *text)
{
	unsigned long number;

	if (option_number("--workers", text, 1, FORKPOOL_MAX_WORKERS, &number))
		return -1;
	options->config.workers = (unsigned)number;
	return unsetenv("FORKPOOL_WORKERS");
}

static int set_backend(struct options *options, const char *text)
{
	if (option_backend("--backend", text, &options->config.backend))
		return -1;
	return unsetenv("FORKPOOL_BACKEND");
}

static int set_chunk(struct options *options, const char *text)
{
	unsigned long number;

	if (option_number("--chunk", text, 1, FORKPOOL_MAX_CHUNK, &number))
		return -1;
	options->opts.chunk = number;
	return 0;
}

static int set_retries(struct options *options, const char *text)
{
	unsigned long number;

	if (option_number("--retries", text, 1, FORKPOOL_MAX_RETRIES, &number))
		return -1;
	options->opts.retries = (unsigned)number;
	return 0;
}

static int set_max_tasks(struct options *options, const char *text)
{
	unsigned long number;

	if (option_number("--max-tasks", text, 1, ULONG_MAX, &number))
		return -1;
	options->config.max_tasks_per_worker = number;
	return 0;
}

enum {
	BACKEND = OPTION_LONG,
	CHUNK,
	BINARY,
	STOP,
	TIMEOUT,
	RETRIES,
	MEMORY,
	TASKS,
	PROGRESS,
	REPORT,
	LIST,
	HELP,
	VERSION
};

static const struct option long_options[] = {
        {"expression", required_argument, NULL, 'e'},
        {"workers", required_argument, NULL, 'j'},
        {"output", required_argument, NULL, 'o'},
        {"backend", required_argument, NULL, BACKEND},
        {"chunk", required_argument, NULL, CHUNK},
        {"binary", no_argument, NULL, BINARY},
        {"stop-on-failure", no_argument, NULL, STOP},
        {"timeout", required_argument, NULL, TIMEOUT},
        {"retries", required_argument, NULL, RETRIES},
        {"memory-limit", required_argument, NULL, MEMORY},
        {"max-tasks", required_argument, NULL, TASKS},
        {"progress", no_argument, NULL, PROGRESS},
        {"report", no_argument, NULL, REPORT},
        {"list", required_argument, NULL, LIST},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
};

/* Returns 0, or -1 after a complaint, or HELP or VERSION. */
static int take_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'e':
		options->expression = value;
		return 0;
	case 'j':
		return set_workers(options, value);
	case 'o':
		options->output = value;
		return 0;
	case BACKEND:
		return set_backend(options, value);
	case CHUNK:
		return set_chunk(options, value);
	case BINARY:
		return options->binary = 1, 0;
	case STOP:
		return options->opts.stop_on_failure = 1, 0;
	case TIMEOUT:
		return option_seconds("--timeout", value, &options->opts.timeout);
	case RETRIES:
		return set_retries(options, value);
	case MEMORY:
		return option_size("--memory-limit", value, &options->config.memory_limit);
	case TASKS:
		return set_max_tasks(options, value);
	case PROGRESS:
		return options->progress = 1, 0;
	case REPORT:
		return options->report = 1, 0;
	case LIST:
		options->list = value;
		return 0;
	case HELP:
	case VERSION:
		return option;
	}
	return -1;
}

static int parse_options(struct options *options, int argc, char **argv)
{
	int option, taken;

	while ((option = getopt_long(argc, argv, ":e:j:o:", long_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return option_wrong("map", option, argv);
		taken = take_option(options, option, optarg);
		if (taken != 0)
			return taken;
	}
	options->operands = argv + optind;
	options->operand_count = argc - optind;
	if (options->list || options->expression || options->operand_count > 0)
		return 0;
	complain("what is to be applied? FILE.so:NAME or -e EXPRESSION is needed; see `forkpool map --help`");
	return -1;
}

/* ---- the map --------------------------------------------------------------------- */

struct map {
	struct options *options;
	struct function function;
	struct input input;
	struct output output;
	struct forkpool *pool;
	char *results;
	int32_t *status;
	forkpool_report report;
};

static int cannot_create(int error)
{
	const char *backend = getenv("FORKPOOL_BACKEND"), *workers = getenv("FORKPOOL_WORKERS");

	if (error == -EINVAL && (backend || workers))
		complain(
		        "the environment asks for FORKPOOL_BACKEND='%s', FORKPOOL_WORKERS='%s'; allowed are processes, "
		        "threads or serial, and 1 to %d",
		        backend ? backend : "", workers ? workers : "", FORKPOOL_MAX_WORKERS);
	else
		complain("the pool cannot be created: %s", forkpool_strerror(error));
	return -1;
}

static int no_memory(size_t count, size_t size)
{
	complain("no memory for %zu results of %zu bytes", count, size);
	return -1;
}

/* The pool, and shared memory for what it will compute. */
static int create_pool(struct map *map)
{
	size_t count = map->input.count, size = map->function.result_size, bytes;
	int error = forkpool_create(&map->pool, &map->options->config);

	if (error == -ENOTSUP && map->options->config.memory_limit > 0) {
		complain("--memory-limit needs worker processes, and /proc; this pool has neither, or not both");
		return -1;
	}
	if (error)
		return cannot_create(error);
	if (__builtin_mul_overflow(count, size, &bytes))
		return no_memory(count, size);
	map->results = forkpool_alloc(map->pool, bytes > 0 ? bytes : 1);
	map->status = forkpool_alloc(map->pool, (count > 0 ? count : 1) * sizeof *map->status);
	return map->results && map->status ? 0 : no_memory(count, size);
}

/* Returns how many tasks did not succeed, or -1. */
static int run(struct map *map)
{
	const struct function *function = &map->function;
	forkpool_opts opts = map->options->opts;
	struct progress progress;
	int outcome;

	opts.inherited = 1;
	opts.status = map->status;
	opts.report = &map->report;
	progress_begin(&progress, map->options->progress, &opts);
	outcome = forkpool_map(map->pool, function->plugin.function, map->input.items, map->input.count,
	                       function->item_size, map->results, function->result_size, &opts);
	progress_end(&progress);
	if (outcome >= 0)
		return outcome;
	complain("%s", map->report.message[0] ? map->report.message : forkpool_strerror(outcome));
	return -1;
}

/* ---- what is told afterwards ------------------------------------------------------- */

/* Of the first failure the report knows the circumstances. */
static void tell_failure(const struct map *map, size_t index)
{
	const forkpool_report *report = &map->report;
	int first = report->index == index;
	char place[4096];

	input_place(&map->input, index, place, sizeof place);
	if (map->status[index] == FORKPOOL_CRASHED && first && report->signal > 0)
		complain("%s: task crashed (signal %d: %s)", place, report->signal, strsignal(report->signal));
	else if (map->status[index] == FORKPOOL_TIMED_OUT)
		complain("%s: task timed out, after %g s", place, map->options->opts.timeout);
	else if (map->status[index] == FORKPOOL_CRASHED)
		complain("%s: task crashed%s%s%s", place, first && report->message[0] ? " (" : "",
		         first ? report->message : "", first && report->message[0] ? ")" : "");
	else
		complain("%s: task failed with %d%s%s", place, map->status[index],
		         first && report->message[0] ? ": " : "", first ? report->message : "");
}

static void tell_failures(const struct map *map)
{
	const forkpool_report *report = &map->report;
	uint64_t failed = report->failed + report->crashed + report->timed_out;
	int told = 0;

	for (size_t i = 0; told < MOST_NAMED && i < map->input.count; i++) {
		if (map->status[i] == 0 || map->status[i] == FORKPOOL_CANCELLED)
			continue;
		tell_failure(map, i);
		told++;
	}
	if (failed > MOST_NAMED)
		complain("and %llu more tasks failed, crashed or timed out", (unsigned long long)(failed - MOST_NAMED));
	if (report->cancelled > 0)
		complain("%llu tasks were not run", (unsigned long long)report->cancelled);
}

static void tell_report(const forkpool_report *report)
{
	size_t length = forkpool_report_format(report, NULL, 0);
	char *text = malloc(length + 1);

	if (!text)
		return;
	forkpool_report_format(report, text, length + 1);
	fprintf(stderr, "%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
	free(text);
}

/* ---- from end to end --------------------------------------------------------------- */

static int prepare(struct map *map)
{
	struct options *options = map->options;
	int named = options->expression == NULL;

	if (named ? function_load(&map->function, options->operands[0])
	          : function_compile(&map->function, options->expression))
		return -1;
	if (input_read(&map->input, &map->function, options->operands + named, options->operand_count - named,
	               options->binary))
		return -1;
	if (output_open(&map->output, options->output))
		return -1;
	if (options->binary && isatty(map->output.fd)) {
		complain("binary results are not for a terminal; -o FILE or a redirection is needed");
		return -1;
	}
	return create_pool(map);
}

static int write_results(struct map *map)
{
	int failed = map->options->binary
	                     ? output_binary(&map->output, &map->function, map->results, map->input.count, map->status)
	                     : output_text(&map->output, &map->function, map->results, map->input.count, map->status);

	return failed ? -1 : output_close(&map->output);
}

static int map_all(struct map *map)
{
	int unsuccessful = prepare(map) ? -1 : run(map);

	if (unsuccessful < 0)
		return EXIT_TROUBLE;
	if (unsuccessful > 0)
		tell_failures(map);
	if (write_results(map))
		return EXIT_TROUBLE;
	if (map->options->report)
		tell_report(&map->report);
	return unsuccessful > MOST_COUNTED ? MOST_COUNTED + 1 : unsuccessful;
}

static int list(const char *file)
{
	if (function_list(file))
		return EXIT_TROUBLE;
	return finish_stdout();
}

static int run_map(int argc, char **argv)
{
	struct options options = {0};
	struct map map = {.options = &options, .output.fd = -1};
	int parsed = parse_options(&options, argc, argv), status;

	if (parsed == HELP)
		fputs(help, stdout);
	if (parsed == VERSION)
		printf("forkpool %s\n", forkpool_version());
	if (parsed != 0)
		return parsed < 0 ? EXIT_TROUBLE : finish_stdout();
	if (options.list)
		return list(options.list);
	status = map_all(&map);
	output_discard(&map.output);
	forkpool_destroy(map.pool);
	input_free(&map.input);
	return status;
}

const struct command command_map = {"map", "apply a function to each line, or each item of a file", help, run_map};
