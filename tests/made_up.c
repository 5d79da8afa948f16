/*
 * made_up - results that nobody has measured: rows with everybody, with nobody, with one round and with 99, a value
 * that is not a number, series with gaps, texts that mean something to Markdown, CSV, JSON and gnuplot.
 */
#include "made_up.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 64 };

static struct row *add_row(struct results *results, const char *section, const char *id, const char *title,
                           const char *unit)
{
	struct row *row = &results->row[results->rows++];
	snprintf(row->section, sizeof(row->section), "%s", section);
	snprintf(row->id, sizeof(row->id), "%s", id);
	snprintf(row->title, sizeof(row->title), "%s", title);
	snprintf(row->unit, sizeof(row->unit), "%s", unit);
	row->entries = calloc(MAX_ENTRIES, sizeof(*row->entries));
	return row;
}

/* Values around `middle`: in odd rounds above, in even ones below, the further the later; of 9 rounds +- 4 %. */
static struct entry *add_entry(struct row *row, const char *contender, double middle, unsigned rounds)
{
	struct entry *entry = &row->entries[row->count++];
	snprintf(entry->contender, sizeof(entry->contender), "%s", contender);
	entry->is_limit = strncmp(contender, "limit", 5) == 0;
	entry->tasks = 1e6;
	entry->rounds = rounds;
	for (unsigned i = 0; i < rounds; i++)
		entry->values[i] = middle * (1 + (i % 2 ? 0.01 : -0.01) * ((i + 1) / 2));
	return entry;
}

static void add_missing(struct row *row, const char *contender, const char *reason)
{
	struct entry *entry = add_entry(row, contender, 0, 0);
	snprintf(entry->missing, sizeof(entry->missing), "%s", reason);
}

static struct comparison *compare(struct row *row, unsigned a, unsigned b, double target, const char *text,
                                  const char *because)
{
	struct comparison *comparison = &row->compared[row->comparisons++];
	*comparison = (struct comparison){.a = a, .b = b, .target = target};
	snprintf(comparison->text, sizeof(comparison->text), "%s", text);
	snprintf(comparison->because, sizeof(comparison->because), "%s", because);
	if (row->entries[a].rounds > 0 && row->entries[b].rounds > 0)
		comparison->ratio =
		        a == b ? stats_median(row->entries[a].values, row->entries[a].rounds)
		               : stats_ratio(row->entries[a].values, row->entries[b].values, row->entries[a].rounds);
	return comparison;
}

/* ---- Rows of their own ------------------------------------------------------------------ */

static void add_empty(struct results *results)
{
	struct row *row = add_row(results, "a", "empty.1", "empty task, chunk 1", "ns a task");
	add_entry(row, "threads", 12, 9);
	add_entry(row, "processes", 10, 9);
	add_entry(row, "OpenMP dynamic", 25, 9);
	add_missing(row, "multiprocessing.Pool", "python3 is not there (apt-get install python3)");
	add_entry(row, "limit", 4, 9);
	add_entry(row, "limit, spinning", 2, 9);
	add_entry(row, "joblib/loky", 123456, 9);
	compare(row, 1, 2, 0.5, "empty task / OpenMP dynamic", "Claims are local, `claim()` says how.");
	compare(row, 0, 2, 0.4, "the same on threads", "As above.");
	compare(row, 1, 3, 1.0 / 2000, "empty task / multiprocessing.Pool", "Pickles.");
	compare(row, 1, 6, 0, "", "");
}

/* The interval of the ratio is 0.95 .. 1.25, around 1.10: no verdict on "at most 1.05". */
static void add_close(struct results *results)
{
	static const double ratios[9] = {1.3, 0.9, 0.95, 1.0, 1.1, 1.2, 1.25, 1.1, 1.1};
	struct row *row = add_row(results, "a", "close", "as good as equal", "s");
	struct entry *processes = add_entry(row, "processes", 1, 9);
	add_entry(row, "best OpenMP schedule", 2, 9);
	for (unsigned i = 0; i < 9; i++)
		processes->values[i] = ratios[i] * row->entries[1].values[i];
	compare(row, 0, 1, 1.05, "as good as equal / best OpenMP schedule", "Noise.");
}

static void add_odd_rows(struct results *results)
{
	struct row *row = add_row(results, "a", "nobody", "a row without any figure", "us");
	add_missing(row, "processes", "it was interrupted");
	add_entry(row, "TBB", 0, 0);
	compare(row, 0, 1, 1, "nobody / nobody", "");
	row = add_row(results, "b", "once", "one round only", "us");
	add_entry(row, "processes", 5, 1);
	add_entry(row, "threads", 6, 1);
	compare(row, 0, 1, 0.5, "one round", "");
	row = add_row(results, "b", "many", "99 rounds, more is better", "GB/s");
	row->more_is_better = true;
	add_entry(row, "processes", 8, 99);
	add_entry(row, "threads", 4, 99);
	add_entry(row, "limit, spinning", 10, 99);
	compare(row, 1, 0, 0.6, "threads / processes", "");
	row = add_row(results, "b", "broken", "a value that is not a number", "us");
	add_entry(row, "processes", 5, 9)->values[4] = NAN;
	add_entry(row, "threads", 6, 9)->values[4] = INFINITY;
	add_entry(row, "TBB", 7, 9);
	compare(row, 0, 2, 1, "broken / TBB", "");
	row = add_row(results, "b", "private", "private memory, idle", "KiB a worker");
	snprintf(row->note, sizeof(row->note), "of smaps_rollup");
	add_entry(row, "processes", 88, 9);
	compare(row, 0, 0, 100, "private memory of an idle worker, KiB", "");
	row = add_row(results, "b", "odd/text '%s'", "a|b <i> [x] *y* \"q\", 'p' \\ _z_ {/=30 @} \xc2\xb5s",
	              "\xc2\xb5s, a \"unit\"");
	add_entry(row, "processes, asleep", 3, 6);
	add_entry(row, "a|b", 4, 6);
	add_entry(row, "c_d^{e}@f&g~h\\i 'j'", 5, 6);
}

/* ---- Series ------------------------------------------------------------------------------ */

static struct row *add_point(struct results *results, const char *section, const char *series, const char *title,
                             const char *unit, const char *x_name, double x)
{
	char id[64];
	snprintf(id, sizeof(id), "%s.%.0f", series, x);
	struct row *row = add_row(results, section, id, title, unit);
	snprintf(row->series, sizeof(row->series), "%s", series);
	snprintf(row->x_name, sizeof(row->x_name), "%s", x_name);
	row->x = x;
	return row;
}

static void add_delay(struct results *results)
{
	for (double chunk = 1; chunk <= 1024; chunk *= 4) {
		struct row *row = add_point(results, "c", "delay", "tasks of 0.1 us", "ns a task", "chunk", chunk);
		add_entry(row, "processes", 50 + 9 / chunk, 9);
		add_entry(row, "threads", 51 + 9 / chunk, 9);
		add_entry(row, "OpenMP static", 52, 9);
		add_entry(row, "OpenMP dynamic", 52 + 30 / chunk, 9);
		add_entry(row, "OpenMP guided", 54, 9);
		add_entry(row, "TBB", 60 + 50 / chunk, 9);
		add_entry(row, "textbook threads with a mutex", 60 + 200 / chunk, 9);
		if (chunk == 4)
			add_missing(row, "serial", "lost");
		else
			add_entry(row, "serial", 100, 9);
		add_missing(row, "GNU parallel", "no chunks");
		add_entry(row, "limit: serial / 2", 50, 9);
		if (chunk == 1)
			compare(row, 0, 3, 1, "delay, chunk 1", "");
	}
}

static void add_workers(struct results *results)
{
	for (double workers = 1; workers <= 64; workers *= 2) {
		struct row *row =
		        add_point(results, "c", "workers.ep", "NAS EP", "times as fast as serial", "workers", workers);
		row->more_is_better = true;
		add_entry(row, "processes", workers < 2 ? 0.99 : 1.96, 9);
		add_entry(row, "threads", workers < 2 ? 0.98 : 1.9, 9);
		add_entry(row, "OpenMP dynamic", workers < 2 ? 0.97 : 1.9 - workers / 100, 9);
		add_entry(row, "serial", 1, 9);
	}
}

static void add_growth(struct results *results)
{
	for (double tasks = 1e3; tasks <= 1e9; tasks *= 10) {
		struct row *row = add_point(results, "c", "growth.tasks", "a range function", "s", "tasks", tasks);
		add_entry(row, "processes", 5e-6 + tasks * 1e-9, 9);
		add_entry(row, "threads", 6e-6 + tasks * 1e-9, 9);
		add_entry(row, "TBB", 2e-6 + tasks * 1.1e-9, 9);
		add_entry(row, "limit", tasks * 0.9e-9, 9);
	}
}

/* ---- All --------------------------------------------------------------------------------- */

static void fill_machine(struct machine *machine)
{
	*machine = (struct machine){
	        .cpu = "Made-up CPU at 3 GHz",
	        .kernel = "Linux 6.1",
	        .libc = "glibc 2.36",
	        .compiler = "gcc 12.2.0",
	        .system = "Debian 12",
	        .cpus = 2,
	        .memory = 7.8,
	        .caches = "32 KiB L1d, 1 MiB L2",
	        .frequency = "",
	        .load_before = 0.1,
	        .load_after = 2,
	        .steal = 0.003,
	};
}

static void add_lists(struct results *results)
{
	static const struct section sections[] = {{"a", "Handing out work", "Empty tasks."},
	                                          {"b", "Odd ones", ""},
	                                          {"c", "Series", "Curves, `n` of them."}};
	static const struct peer_version peers[] = {{"OpenMP", "OpenMP 4.5, gcc 12.2.0", ""},
	                                            {"joblib/loky", "", "python3-joblib"}};
	results->section = calloc(3, sizeof(*results->section));
	memcpy(results->section, sections, sizeof(sections));
	results->sections = 3;
	results->peer = calloc(2, sizeof(*results->peer));
	memcpy(results->peer, peers, sizeof(peers));
	results->peers = 2;
}

void made_up(struct results *results)
{
	*results = (struct results){
	        .version = "0.1.0",
	        .date = "2001-02-03",
	        .command = "make bench",
	        .workers = 2,
	        .spin_us = 50,
	        .seconds = 321,
	};
	results->row = calloc(MOST_ROWS, sizeof(*results->row));
	fill_machine(&results->machine);
	add_lists(results);
	add_empty(results);
	add_close(results);
	add_odd_rows(results);
	add_delay(results);
	add_workers(results);
	add_growth(results);
}

void made_up_free(struct results *results)
{
	for (size_t i = 0; i < results->rows; i++)
		free(results->row[i].entries);
	free(results->row);
	free(results->section);
	free(results->peer);
}

struct row *made_up_row(struct results *results, const char *id)
{
	for (size_t i = 0; i < results->rows; i++)
		if (strcmp(results->row[i].id, id) == 0)
			return &results->row[i];
	return NULL;
}
