/*
 * bench.c - `forkpool bench`: processes or threads, and how many, for the user's own function.
 *
 * What could go wrong is found before anything is timed: a file that cannot be written, a missing gnuplot, a
 * function that crashes.  The files are written when all is done, each whole or not at all.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "race.h"

enum { MOST_COUNTED = 100 }; /* failed tasks, in the exit status; for more it is one more */
enum { DIFFERENT = 1 };      /* the exit status if answers differ */

static const char help[] =
        "Usage: forkpool bench [OPTION]... FILE.so:NAME [INPUT]...\n"
        "       forkpool bench [OPTION]... -e EXPRESSION [INPUT]...\n"
        "Runs a function on the same items serially, on threads and on worker processes, with 1 to\n"
        "N workers, in turns, and says how many times as fast each is, and whether the answers agree.\n"
        "Items are read as by `forkpool map`; where standard input is a terminal they are made up.\n"
        "\n"
        "  -e, --expression=EXPR  a C expression in x (double), compiled by $CC or cc\n"
        "  -j, --workers=N        compare 1 to N workers (default: the CPUs there are)\n"
        "      --backends=LIST    of processes, threads, serial: these only, separated by commas\n"
        "      --chunk=N          tasks handed out at once (default: chosen by their number)\n"
        "      --spin=N           microseconds for which who waits looks for work; 0: sleep at once\n"
        "      --generate=N       the items are 0 to N-1; auto: as many as keep the workers busy\n"
        "      --binary           the input is the values as they are in memory\n"
        "      --seconds=S        how long to measure, about (default: 10; 3 rounds at least)\n"
        "      --repetitions=N    how many rounds to measure, instead\n"
        "      --json=FILE        write all figures there\n"
        "      --csv=FILE         write a line for each turn there, in the order they were taken\n"
        "      --plot=FILE        draw speed-up over workers there, by gnuplot: .svg or .png\n"
        "  -q, --quiet            print the verdict only\n"
        "      --help             print this text\n"
        "      --version          print the version of the library\n"
        "\n"
        "Exit status: 0; the number of tasks that did not succeed, 101 if above 100; 1 if answers\n"
        "differ; or 255, for an error of usage, input or environment.\n"
        "\n"
        "  forkpool bench --generate=auto -e 'lgamma(x)'\n";

struct options {
	const char *expression;
	const char *json, *csv, *plot;
	unsigned long workers, chunk, spin, repetitions, generate;
	int spin_given, generate_auto;
	int backends[FORKPOOL_SERIAL + 1];
	double seconds;
	int binary, quiet;
	char **operands; /* of which the first names the function, unless there is an expression */
	int operand_count;
};

/* ---- the command line -------------------------------------------------------------------- */

static int set_backends(struct options *options, const char *list)
{
	char *copy = strdup(list), *rest = copy;
	int failed = copy == NULL, backend;

	memset(options->backends, 0, sizeof options->backends);
	while (!failed && rest) {
		failed = option_backend("--backends", strsep(&rest, ","), &backend);
		if (!failed)
			options->backends[backend] = 1;
	}
	free(copy);
	return failed ? -1 : 0;
}

static int set_spin(struct options *options, const char *text)
{
	options->spin_given = 1;
	return option_number("--spin", text, 0, 10000, &options->spin);
}

static int set_generate(struct options *options, const char *text)
{
	options->generate_auto = strcmp(text, "auto") == 0;
	options->generate = 0;
	return options->generate_auto ? 0 : option_number("--generate", text, 1, LONG_MAX, &options->generate);
}

enum { BACKENDS = OPTION_LONG, CHUNK, SPIN, GENERATE, BINARY, SECONDS, REPETITIONS, JSON, CSV, PLOT, HELP, VERSION };

static const struct option long_options[] = {
        {"expression", required_argument, NULL, 'e'},
        {"workers", required_argument, NULL, 'j'},
        {"backends", required_argument, NULL, BACKENDS},
        {"chunk", required_argument, NULL, CHUNK},
        {"spin", required_argument, NULL, SPIN},
        {"generate", required_argument, NULL, GENERATE},
        {"binary", no_argument, NULL, BINARY},
        {"seconds", required_argument, NULL, SECONDS},
        {"repetitions", required_argument, NULL, REPETITIONS},
        {"json", required_argument, NULL, JSON},
        {"csv", required_argument, NULL, CSV},
        {"plot", required_argument, NULL, PLOT},
        {"quiet", no_argument, NULL, 'q'},
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
		return option_number("--workers", value, 1, FORKPOOL_MAX_WORKERS, &options->workers);
	case BACKENDS:
		return set_backends(options, value);
	case CHUNK:
		return option_number("--chunk", value, 1, FORKPOOL_MAX_CHUNK, &options->chunk);
	case SPIN:
		return set_spin(options, value);
	case GENERATE:
		return set_generate(options, value);
	case BINARY:
		return options->binary = 1, 0;
	case SECONDS:
		return option_seconds("--seconds", value, &options->seconds);
	case REPETITIONS:
		return option_number("--repetitions", value, 1, RACE_ROUNDS, &options->repetitions);
	case JSON:
		return options->json = value, 0;
	case CSV:
		return options->csv = value, 0;
	case PLOT:
		return options->plot = value, 0;
	case 'q':
		return options->quiet = 1, 0;
	case HELP:
	case VERSION:
		return option;
	}
	return -1;
}

/* The operands behind the function: the input. */
static int inputs(const struct options *options)
{
	return options->operand_count - (options->expression == NULL);
}

static int check_operands(struct options *options)
{
	int generated = options->generate_auto || options->generate > 0;

	if (inputs(options) < 0) {
		complain(
		        "what is to be compared? FILE.so:NAME or -e EXPRESSION is needed; see `forkpool bench --help`");
		return -1;
	}
	if (generated && (inputs(options) > 0 || options->binary)) {
		complain("--generate makes the items; '%s' is not wanted beside it",
		         inputs(options) > 0 ? options->operands[options->operand_count - 1] : "--binary");
		return -1;
	}
	if (!generated && inputs(options) == 0 && !options->binary && isatty(STDIN_FILENO))
		options->generate_auto = 1;
	return 0;
}

static int parse_options(struct options *options, int argc, char **argv)
{
	int option, taken;

	while ((option = getopt_long(argc, argv, ":e:j:q", long_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return option_wrong("bench", option, argv);
		taken = take_option(options, option, optarg);
		if (taken != 0)
			return taken;
	}
	options->operands = argv + optind;
	options->operand_count = argc - optind;
	return check_operands(options);
}

/* ---- what is run ------------------------------------------------------------------------- */

struct bench {
	struct options *options;
	struct function function;
	struct input input;
	struct race race;
	struct reason reason;
	struct trial trial;
	char left_out[128]; /* why, where it has to be composed */
};

/* Tenfold more items, until they take a while, some do not succeed, or memory gets short. */
static int generate_enough(struct bench *bench)
{
	const size_t largest = 10000000, bytes = (size_t)32 << 20;
	size_t size = bench->function.item_size + bench->function.result_size, good = 0;

	for (size_t count = 8 * (size_t)bench->race.work.workers;; count *= 10) {
		input_free(&bench->input);
		if (input_generate(&bench->input, &bench->function, count) ||
		    trial_processes(&bench->trial, &bench->race.work))
			return -1;
		if (bench->trial.report.succeeded < count)
			break;
		if (bench->trial.seconds > 0.02 || count > largest / 10 || count > bytes / size / 10)
			return 0;
		good = count;
	}
	if (good == 0)
		return 0;
	input_free(&bench->input);
	return input_generate(&bench->input, &bench->function, good) ||
	       trial_processes(&bench->trial, &bench->race.work);
}

static int get_items(struct bench *bench)
{
	const struct options *options = bench->options;
	char **names = options->operands + (options->expression == NULL);

	if (options->generate_auto)
		return generate_enough(bench);
	if (options->generate > 0
	            ? input_generate(&bench->input, &bench->function, options->generate)
	            : input_read(&bench->input, &bench->function, names, inputs(options), options->binary))
		return -1;
	if (bench->input.count > 0)
		return trial_processes(&bench->trial, &bench->race.work);
	complain("there are no items; --generate=N makes N of them");
	return -1;
}

/* ---- who may take part --------------------------------------------------------------------- */

static void leave_out(struct bench *bench, int backend, const char *why)
{
	if (!bench->race.backends[backend])
		return;
	bench->race.backends[backend] = 0;
	bench->reason.left_out[backend] = why;
	complain("%s: left out: %s", backend_name(backend), why);
}

static void tell_crash(const struct bench *bench)
{
	const forkpool_report *report = &bench->trial.report;
	char place[4096];

	input_place(&bench->input, (size_t)report->index, place, sizeof place);
	complain("%s: your function crashed at index %llu on processes%s%s%s, where it costs that result%s", place,
	         (unsigned long long)report->index, report->message[0] ? " (" : "", report->message,
	         report->message[0] ? ")" : "", report->crashed > 1 ? "; others did, too" : "");
}

static void tell_failure(const struct bench *bench)
{
	const forkpool_report *report = &bench->trial.report;
	char place[4096];

	input_place(&bench->input, (size_t)report->index, place, sizeof place);
	complain("%s: task failed with %d%s%s; %llu of %llu did not succeed", place, report->status,
	         report->message[0] ? ": " : "", report->message,
	         (unsigned long long)(report->tasks - report->succeeded), (unsigned long long)report->tasks);
}

static int try_threads(struct bench *bench)
{
	char why[64];
	int survived;

	if (!bench->race.backends[FORKPOOL_THREADS])
		return 0;
	survived = trial_threads(&bench->race.work, why, sizeof why);
	if (survived != 0)
		return survived < 0 ? -1 : 0;
	snprintf(bench->left_out, sizeof bench->left_out,
	         "your function crashed there (%s), and would have ended the program", why);
	leave_out(bench, FORKPOOL_THREADS, bench->left_out);
	return 0;
}

/* After the trial on processes. */
static int choose_backends(struct bench *bench)
{
	static const char would_end[] = "the crash would end the program";
	const forkpool_report *report = &bench->trial.report;

	if (report->crashed > 0) {
		tell_crash(bench);
		leave_out(bench, FORKPOOL_THREADS, would_end);
		leave_out(bench, FORKPOOL_SERIAL, would_end);
	} else if (report->failed > 0) {
		tell_failure(bench);
	}
	return try_threads(bench);
}

/* ---- files --------------------------------------------------------------------------------- */

/* Whether a file can be written is found out before anything runs. */
static int can_write(const char *file)
{
	struct output output = {.fd = -1};
	int failed;

	if (!file)
		return 1;
	failed = output_open(&output, file);
	output_discard(&output);
	return !failed;
}

static int write_text(const struct bench *bench, struct output *output, const char *file)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	int failed;

	if (!stream) {
		complain("no memory for what is written to %s", file);
		return -1;
	}
	if (file == bench->options->json)
		record_json(&bench->race, &bench->reason, stream);
	else
		record_csv(&bench->race, stream);
	failed = fclose(stream) != 0 || output_bytes(output, text, size);
	free(text);
	return failed ? -1 : 0;
}

static int write_file(const struct bench *bench, const char *file)
{
	struct output output = {.fd = -1};
	int failed;

	if (!file)
		return 0;
	failed = output_open(&output, file);
	if (!failed && file == bench->options->plot)
		failed = plot_draw(&bench->race, bench->reason.what, &output);
	else if (!failed)
		failed = write_text(bench, &output, file);
	failed = failed || output_close(&output);
	output_discard(&output);
	return failed ? -1 : 0;
}

static int write_files(const struct bench *bench)
{
	return write_file(bench, bench->options->json) || write_file(bench, bench->options->csv) ||
	       write_file(bench, bench->options->plot);
}

/* ---- from end to end ------------------------------------------------------------------------ */

static void note_load(struct bench *bench)
{
	if (getloadavg(&bench->reason.load, 1) == 1 && bench->reason.load > 0.5)
		complain("note: the machine is, or was a moment ago, at work for others (load average %.2f): what runs "
		         "on all CPUs seems slower than it is",
		         bench->reason.load);
}

static void print_head(const struct bench *bench)
{
	const struct work *work = &bench->race.work;
	char chunk[32] = "automatic";

	if (work->chunk > 0)
		snprintf(chunk, sizeof chunk, "%zu", work->chunk);
	printf("%s: %zu items%s, chunk %s, %u CPUs\n\n", bench->reason.what, work->input->count,
	       bench->input.generated ? " (0, 1, 2, ...)" : "", chunk, bench->race.cpus);
}

static int print_verdict(const struct bench *bench)
{
	if (!bench->options->quiet) {
		print_head(bench);
		verdict_table(&bench->race);
	}
	verdict_words(&bench->race);
	return finish_stdout();
}

static int prepare(struct bench *bench)
{
	const struct options *options = bench->options;

	if (options->expression ? function_compile(&bench->function, options->expression)
	                        : function_load(&bench->function, options->operands[0]))
		return -1;
	if (!can_write(options->json) || !can_write(options->csv) || !can_write(options->plot) ||
	    (options->plot && plot_possible(options->plot)))
		return -1;
	note_load(bench);
	return get_items(bench) || choose_backends(bench);
}

static int exit_status(const struct race *race)
{
	int most = 0, different = 0;

	for (size_t i = 0; i < race->count; i++) {
		most = race->contenders[i].unsuccessful > most ? race->contenders[i].unsuccessful : most;
		different |= race->contenders[i].differs;
	}
	if (most == 0)
		return different ? DIFFERENT : 0;
	return most > MOST_COUNTED ? MOST_COUNTED + 1 : most;
}

static int nobody_left(const struct bench *bench)
{
	uint64_t crashed = bench->trial.report.tasks - bench->trial.report.succeeded;

	complain("nothing is left to compare");
	if (crashed == 0)
		return DIFFERENT; /* threads crashed where processes did not */
	return crashed > MOST_COUNTED ? MOST_COUNTED + 1 : (int)crashed;
}

static int compare(struct bench *bench)
{
	const int *backends = bench->race.backends;

	if (prepare(bench))
		return EXIT_TROUBLE;
	if (!backends[FORKPOOL_PROCESSES] && !backends[FORKPOOL_THREADS] && !backends[FORKPOOL_SERIAL])
		return nobody_left(bench);
	if (race_run(&bench->race))
		return EXIT_TROUBLE;
	race_judge(&bench->race);
	if (print_verdict(bench) || write_files(bench))
		return EXIT_TROUBLE;
	return exit_status(&bench->race);
}

static struct race race_of(const struct options *options, struct bench *bench)
{
	struct race race = {.seconds = options->seconds,
	                    .repetitions = (unsigned)options->repetitions,
	                    .cpus = forkpool_cpu_count()};

	race.work = (struct work){.function = &bench->function,
	                          .input = &bench->input,
	                          .chunk = options->chunk,
	                          .quiet = options->quiet,
	                          .workers = options->workers > 0 ? (unsigned)options->workers : race.cpus};
	if (options->spin_given)
		race.work.spin_us = options->spin > 0 ? (unsigned)options->spin : FORKPOOL_NO_SPIN;
	memcpy(race.backends, options->backends, sizeof race.backends);
	return race;
}

static int run_bench(int argc, char **argv)
{
	struct options options = {.seconds = 10, .backends = {1, 1, 1}};
	struct bench bench = {.options = &options};
	int parsed = parse_options(&options, argc, argv), status;

	if (parsed == HELP)
		fputs(help, stdout);
	if (parsed == VERSION)
		printf("forkpool %s\n", forkpool_version());
	if (parsed != 0)
		return parsed < 0 ? EXIT_TROUBLE : finish_stdout();
	unsetenv("FORKPOOL_BACKEND"); /* all of them are compared */
	unsetenv("FORKPOOL_WORKERS");
	bench.race = race_of(&options, &bench);
	bench.reason.what = options.expression ? options.expression : options.operands[0];
	status = compare(&bench);
	race_free(&bench.race);
	input_free(&bench.input);
	return status;
}

const struct command command_bench = {"bench", "compare processes, threads and one CPU on your function", help,
                                      run_bench};
