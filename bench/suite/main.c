/*
 * bench - processes or threads, and what would I have got from OpenMP, TBB or Python?  Measures the plan on this
 * machine, in one run, and says it: a table, JSON, CSV, plots, a document.
 */
#include "../bench.h"
#include "contender.h"
#include "document.h"
#include "machine.h"
#include "plan.h"
#include "plot.h"
#include "record.h"
#include "run.h"
#include "table.h"
#include "urls.h"

#include <errno.h>
#include <forkpool.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_US = 50 }; /* the library's default, which every row has that does not say otherwise */

struct settings {
	bool quick;
	unsigned workers;
	const char *sections, *peers, *json, *csv, *plots, *document, *read;
};

static void interrupt(int signal)
{
	(void)signal;
	run_interrupted = 1;
}

static void print_help(void)
{
	printf("Usage: compare [OPTION]...\n"
	       "Compares forkpool with other pools on this machine; make bench and make bench-quick run it.\n\n"
	       "  -q, --quick           less of everything: under two minutes\n"
	       "  -s, --sections LIST   letters of the sections to measure (default: " PLAN_SECTIONS URLS_SECTION ")\n"
	       "  -j, --workers N       workers and threads (default: %u, the CPUs here)\n"
	       "  -p, --peers NAMES     only these, with commas between, as the tables name them\n"
	       "      --json FILE       all figures, round by round\n"
	       "      --csv FILE        the same, a line a figure\n"
	       "      --plots DIR       plots, as SVG and PNG\n"
	       "      --document FILE   a report in Markdown; with --plots it shows the plots\n"
	       "      --read FILE       measures nothing: figures of an earlier run, written with --json\n"
	       "  -h, --help            this text\n\n"
	       "Sections: (a) handing out work, (b) latency, (c) a pool's life, (d) memory, (e) real work,\n"
	       "(f) tasks of a millisecond, (g) memory a worker, (h) workers, (i) growth, (j) URLs.\n",
	       forkpool_cpu_count());
}

static _Noreturn void refuse(const char *option, const char *text, const char *allowed)
{
	fprintf(stderr, "compare: %s '%s': %s\n", option, text, allowed);
	exit(2);
}

static const char *sections_of(const char *text)
{
	if (*text && strspn(text, PLAN_SECTIONS URLS_SECTION) == strlen(text))
		return text;
	refuse("--sections", text, "letters of " PLAN_SECTIONS URLS_SECTION " are needed");
}

/* Each must be somebody's name. */
static const char *peers_of(const char *text)
{
	char names[1024];
	snprintf(names, sizeof names, "%s", text);
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		const struct contender_kind *kind = plan_kinds;
		while (kind->name && strcmp(kind->name, name) != 0)
			kind++;
		if (!kind->name)
			refuse("--peers", name,
			       "the names are those in the tables, as in 'processes,OpenMP static,TBB'");
	}
	return text;
}

static unsigned workers_of(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);
	if (*end || end == text || number < 1 || number > FORKPOOL_MAX_WORKERS)
		refuse("--workers", text, "a number from 1 to 4096 is needed");
	return (unsigned)number;
}

/* After a quarter of an hour it is late to be told that there is no such folder. */
static void check_folder(const char *option, const char *path)
{
	char folder[4096];
	if (path == NULL)
		return;
	snprintf(folder, sizeof folder, "%s", path);
	if (access(dirname(folder), W_OK) != 0)
		refuse(option, path, strerror(errno));
}

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {
	        {"quick", no_argument, NULL, 'q'},
	        {"sections", required_argument, NULL, 's'},
	        {"workers", required_argument, NULL, 'j'},
	        {"peers", required_argument, NULL, 'p'},
	        {"json", required_argument, NULL, 'J'},
	        {"csv", required_argument, NULL, 'C'},
	        {"plots", required_argument, NULL, 'P'},
	        {"document", required_argument, NULL, 'D'},
	        {"read", required_argument, NULL, 'R'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	struct settings settings = {.workers = forkpool_cpu_count(), .sections = PLAN_SECTIONS URLS_SECTION};
	for (int option; (option = getopt_long(argc, argv, "qs:j:p:h", options, NULL)) != -1;) {
		switch (option) {
		case 'q':
			settings.quick = true;
			break;
		case 's':
			settings.sections = sections_of(optarg);
			break;
		case 'j':
			settings.workers = workers_of(optarg);
			break;
		case 'p':
			settings.peers = peers_of(optarg);
			break;
		case 'J':
			settings.json = optarg;
			break;
		case 'C':
			settings.csv = optarg;
			break;
		case 'P':
			settings.plots = optarg;
			break;
		case 'D':
			settings.document = optarg;
			break;
		case 'R':
			settings.read = optarg;
			break;
		case 'h':
			print_help();
			exit(0);
		default:
			fputs("Try 'compare --help'.\n", stderr);
			exit(2);
		}
	}
	if (optind < argc)
		refuse("argument", argv[optind], "there are none but options; see --help");
	check_folder("--json", settings.json);
	check_folder("--csv", settings.csv);
	check_folder("--plots", settings.plots);
	check_folder("--document", settings.document);
	return settings;
}

/* On a terminal: what is being measured, over the line that was there. */
static void show_progress(const struct plan *plan, size_t at, double begun)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K(%zu of %zu, %.0f s) %s", at + 1, plan->rows, bench_now() - begun,
		        plan->row[at].row->title);
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* What measures the same again. */
static void note_command(const struct settings *settings, char *text, size_t size)
{
	char flags[MAX_TEXT] = "";
	size_t length = 0;
	if (strcmp(settings->sections, PLAN_SECTIONS URLS_SECTION) != 0)
		length += (size_t)snprintf(flags, sizeof flags, " --sections %s", settings->sections);
	if (settings->workers != forkpool_cpu_count())
		length += (size_t)snprintf(flags + length, sizeof flags - length, " --workers %u", settings->workers);
	if (settings->peers)
		snprintf(flags + length, sizeof flags - length, " --peers '%.120s'", settings->peers);
	snprintf(text, size, "make %s%s%.200s%s", settings->quick ? "bench-quick" : "bench",
	         flags[0] ? " BENCH_FLAGS=\"" : "", flags + (flags[0] != 0), flags[0] ? "\"" : "");
}

static void measure(const struct settings *settings, struct results *results)
{
	struct plan plan;
	time_t today = time(NULL);
	double begun = bench_now();
	results->quick = settings->quick;
	results->workers = settings->workers;
	results->spin_us = SPIN_US;
	snprintf(results->version, sizeof results->version, "%s", forkpool_version());
	note_command(settings, results->command, sizeof results->command);
	strftime(results->date, sizeof results->date, "%Y-%m-%d", gmtime(&today));
	run_restrict(settings->peers);
	machine_begin(&results->machine);
	table_machine(stdout, results);
	plan_make(&plan, results, settings->sections);
	size_t measured = 0;
	for (; measured < plan.rows && !run_interrupted; measured++) {
		show_progress(&plan, measured, begun);
		run_row(&plan, &plan.row[measured]);
		clear_progress();
		table_row(stdout, results, plan.row[measured].row);
		fflush(stdout);
	}
	run_note_peers(results);
	run_end();
	for (size_t i = measured; i < results->rows; i++)
		free(results->row[i].entries);
	results->rows = measured;
	plan_free(&plan);
	if (!run_interrupted && strpbrk(settings->sections, URLS_SECTION))
		urls_run(results, stdout);
	machine_end(&results->machine);
	results->seconds = bench_now() - begun;
}

/* What was asked for, out of the results.  Returns the exit status. */
static int write_all(const struct settings *settings, const struct results *results)
{
	int failed = 0;
	if (settings->json)
		failed |= record_write_json(settings->json, results) != 0;
	if (settings->csv)
		failed |= record_write_csv(settings->csv, results) != 0;
	if (settings->plots)
		failed |= plot_all(settings->plots, results) != 0;
	if (settings->document)
		failed |= document_write(settings->document, settings->plots, results) != 0;
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct settings settings = parse(argc, argv);
	struct results results = {0};
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt, .sa_flags = SA_RESETHAND}, NULL);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = interrupt, .sa_flags = SA_RESETHAND}, NULL);
	if (settings.read) {
		if (record_read_json(settings.read, &results) != 0)
			return 2;
		table_machine(stdout, &results);
		for (size_t i = 0; i < results.rows; i++)
			table_row(stdout, &results, &results.row[i]);
	} else
		measure(&settings, &results);
	table_summary(stdout, &results);
	int status = 130;
	if (run_interrupted)
		fputs("compare: interrupted: no files were written\n", stderr);
	else
		status = write_all(&settings, &results);
	record_free(&results);
	return status;
}
