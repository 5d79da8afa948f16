/*
 * urls - the URL table: examples/urls fetches the pages of examples/server by processes and by threads of the library,
 * peers/urls.py the same pages by Python's threads, and both say their times as CSV.  They wait nearly all of the time,
 * so that nobody needs to be stopped for others.
 */
#include "urls.h"

#include "run.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVER "examples/server"

static const unsigned workers[] = {1, 4, 8, 13};
enum { ROWS = sizeof workers / sizeof *workers, ROUNDS = 3 };

/* The rows' entries, under the names that the CSV has, too. */
enum { PROCESSES, THREADS, PYTHON, GREEDY, WAYS };
static const char *const ways[WAYS] = {"processes", "threads", "multiprocessing.dummy", "greedy"};

static void say(char *text, size_t size, const char *words)
{
	snprintf(text, size, "%s", words);
}

static void *needed(void *memory)
{
	if (memory)
		return memory;
	fputs("bench: no memory\n", stderr);
	exit(2);
}

static void add_section(struct results *results)
{
	results->section = needed(realloc(results->section, (results->sections + 1) * sizeof *results->section));
	struct section *section = &results->section[results->sections++];
	*section = (struct section){.letter = URLS_SECTION, .title = "URLs"};
	say(section->text, sizeof section->text,
	    "A list of 28 URLs, fetched by 1 to 13 workers from a server on this machine that answers each after a "
	    "delay of "
	    "its own. The limit is a greedy schedule of these delays: the worker that is free first takes the next "
	    "URL, and "
	    "nothing else takes any time.");
}

/* Processes and threads beside Python's, and beside what there is to gain. */
static void add_comparisons(struct row *row)
{
	static const struct {
		unsigned a, b;
		const char *text;
	} known[] = {{PROCESSES, PYTHON, "processes / multiprocessing.dummy"},
	             {PROCESSES, GREEDY, "processes / greedy schedule"},
	             {THREADS, GREEDY, "threads / greedy schedule"}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const struct entry *a = &row->entries[known[i].a], *b = &row->entries[known[i].b];
		if (a->rounds == 0 || a->rounds != b->rounds)
			continue;
		struct comparison *comparison = &row->compared[row->comparisons++];
		*comparison = (struct comparison){
		        .a = known[i].a, .b = known[i].b, .ratio = stats_ratio(a->values, b->values, a->rounds)};
		say(comparison->text, sizeof comparison->text, known[i].text);
	}
}

static void fill_row(struct row *row, unsigned count, double scale)
{
	*row = (struct row){.section = URLS_SECTION, .unit = "s", .series = "urls", .x_name = "workers", .x = count};
	snprintf(row->id, sizeof row->id, "urls.%u", count);
	say(row->title, sizeof row->title, "28 URLs");
	snprintf(row->note, sizeof row->note, "the delays of `make urls` times %g, %.2f s in all", scale, 14.4 * scale);
	row->entries = needed(calloc(WAYS, sizeof *row->entries));
	row->count = WAYS;
	for (int i = 0; i < WAYS; i++) {
		say(row->entries[i].contender, MAX_TEXT, i == GREEDY ? "greedy schedule" : ways[i]);
		row->entries[i].is_limit = i == GREEDY;
		row->entries[i].tasks = 28;
	}
}

static struct row *add_rows(struct results *results, double scale)
{
	results->row = needed(realloc(results->row, (results->rows + ROWS) * sizeof *results->row));
	struct row *rows = &results->row[results->rows];
	results->rows += ROWS;
	for (int i = 0; i < ROWS; i++)
		fill_row(&rows[i], workers[i], scale);
	return rows;
}

/* One line of CSV: the time of a way to fetch with so many workers. */
static void take_line(const char *line, struct row *rows, unsigned round)
{
	unsigned count;
	char way[MAX_TEXT];
	double seconds;
	if (sscanf(line, "%u,%255[^,],%lf", &count, way, &seconds) != 3)
		return;
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < WAYS; j++) {
			struct entry *entry = &rows[i].entries[j];
			if (workers[i] != count || strcmp(ways[j], way) != 0 || entry->rounds != round)
				continue;
			entry->values[round] = seconds;
			entry->rounds++;
		}
}

/* What a command prints; a failure says itself why, on stderr. */
static void take_lines(const char *command, struct row *rows, unsigned round)
{
	char line[MAX_TEXT];
	FILE *lines = popen(command, "re");
	if (!lines)
		return;
	while (fgets(line, sizeof line, lines))
		take_line(line, rows, round);
	pclose(lines);
}

static void run_round(double scale, struct row *rows, unsigned round)
{
	char command[2][4 * MAX_TEXT];
	snprintf(command[0], sizeof *command,
	         "timeout 120 " SERVER " examples/urls --scale %g --csv /dev/fd/3 3>&1 >/dev/null", scale);
	snprintf(command[1], sizeof *command,
	         "timeout 120 " SERVER " " BENCH_PYTHON " " BENCH_SOURCES "/peers/urls.py examples/urls --scale %g",
	         scale);
	take_lines(command[round % 2], rows, round);
	take_lines(command[(round + 1) % 2], rows, round);
}

static void note_missing(struct row *row)
{
	const char *why =
	        access(SERVER, X_OK) != 0
	                ? "the examples were not built: apt-get install libcurl4-openssl-dev libmicrohttpd-dev"
	                : "did not fetch them all";
	for (int i = 0; i < WAYS; i++)
		if (row->entries[i].rounds < ROUNDS) {
			row->entries[i].rounds = 0;
			say(row->entries[i].missing, MAX_TEXT, why);
		}
}

void urls_run(struct results *results, FILE *out)
{
	double scale = results->quick ? 0.02 : 0.25;
	add_section(results);
	struct row *rows = add_rows(results, scale);
	for (unsigned round = 0; round < ROUNDS && access(SERVER, X_OK) == 0 && !run_interrupted; round++)
		run_round(scale, rows, round);
	for (int i = 0; i < ROWS; i++) {
		note_missing(&rows[i]);
		add_comparisons(&rows[i]);
		table_row(out, results, &rows[i]);
	}
}
