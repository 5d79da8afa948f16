/*
 * test_output.c - what is said of results: numbers, tables in the terminal, the document, the plots, and files that
 * appear as a whole.  The results are made up (made_up.c); the parts under test are compiled in.
 */
#include "made_up.h"

#include "../bench/suite/document.h"
#include "../bench/suite/figures.h"
#include "../bench/suite/plot.h"
#include "../bench/suite/save.h"
#include "../bench/suite/table.h"
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct results results;
static char folder[64];

static void begin(void)
{
	unsetenv("NO_COLOR");
	made_up(&results);
	strcpy(folder, "/tmp/forkpool-output-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

static void end(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	made_up_free(&results);
}

/* A path in the folder of the test. */
static const char *in_folder(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *read_all(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");
	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0)
		text = strdup("");
	fclose(file);
	return text;
}

/* ---- Numbers --------------------------------------------------------------------------- */

static const struct {
	double value;
	const char *figure, *ratio, *target, *exact;
} numbers[] = {
        {0, "0", "0.000", "0", "0"},
        {1, "1.00", "1.000", "1", "1"},
        {0.0123456, "0.0123", "0.012", "0.0123456", "0.0123456"},
        {0.00001, "1.00e-05", "1/100,000", "1/100,000", "1e-05"},
        {1.0 / 2000, "0.000500", "1/2,000", "1/2,000", "0.0005"},
        {0.99996, "1.00", "1.000", "0.99996", "0.99996"},
        {9.996, "10.0", "9.996", "9.996", "9.996"},
        {9.9999, "10.0", "10.0", "9.9999", "9.9999"},
        {99.96, "100", "100", "99.96", "99.96"},
        {1234.5, "1,234", "1,234", "1234.5", "1234.5"},
        {1234567, "1,234,567", "1,234,567", "1.23457e+06", "1234567"},
        {12345678, "1.23e+07", "1.23e+07", "1.23457e+07", "12345678"},
        {1e-8, "1.00e-08", "1/1.00e+08", "1/1.00e+08", "1e-08"},
        {-1234, "-1,234", "-1,234", "-1234", "-1234"},
        {1.0 / 3, "0.333", "0.333", "0.333333", "0.3333333333333333"},
        {1e300, "1.00e+300", "1.00e+300", "1e+300", "1e+300"},
        {NAN, "-", "-", "-", "-"},
        {HUGE_VAL, "-", "-", "-", "-"},
};

START_TEST(numbers_in_words)
{
	ck_assert_str_eq(value_text(numbers[_i].value).s, numbers[_i].figure);
	ck_assert_str_eq(ratio_text(numbers[_i].value).s, numbers[_i].ratio);
	ck_assert_str_eq(target_text(numbers[_i].value).s, numbers[_i].target);
	ck_assert_str_eq(exact_text(numbers[_i].value).s, numbers[_i].exact);
}
END_TEST

START_TEST(seconds_have_smaller_units)
{
	struct row row = {.unit = "s"};
	ck_assert_str_eq(figure_text(&row, 1.5).s, "1.50");
	ck_assert_str_eq(figure_text(&row, 0.0123).s, "12.3 ms");
	ck_assert_str_eq(figure_text(&row, 0.000456).s, "456 us");
	ck_assert_str_eq(figure_text(&row, 7.89e-8).s, "78.9 ns");
	ck_assert_str_eq(figure_text(&row, 0.9999e-3).s, "1.00 ms");
	ck_assert_str_eq(figure_text(&row, NAN).s, "-");
	strcpy(row.unit, "us");
	ck_assert_str_eq(figure_text(&row, 0.0123).s, "0.0123");
}
END_TEST

START_TEST(points_and_shares_in_words)
{
	ck_assert_str_eq(x_text(1024).s, "1024");
	ck_assert_str_eq(x_text(1e6).s, "10^6");
	ck_assert_str_eq(x_text(1000001).s, "1e+06");
	ck_assert_str_eq(share_text(0.0123).s, "1.2 %");
	ck_assert_str_eq(share_text(-1).s, "unknown");
}
END_TEST

/* ---- Tables ----------------------------------------------------------------------------- */

/* What table_row() prints of the row; free it. */
static char *table_of(const char *id)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	table_row(file, &results, made_up_row(&results, id));
	fclose(file);
	return text;
}

static char *all_tables(void)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	table_machine(file, &results);
	for (size_t i = 0; i < results.rows; i++)
		table_row(file, &results, &results.row[i]);
	table_summary(file, &results);
	fclose(file);
	return text;
}

static void assert_table(const char *id, const char *expected)
{
	char *text = table_of(id);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(row_from_best_to_missing)
{
	assert_table("empty.1",
	             "\n"
	             "empty.1  empty task, chunk 1\n"
	             "  ns a task, less is better; 9 rounds, 95 % interval\n"
	             "                           median               interval    x best  x processes   x limit\n"
	             "  processes                  10.0           9.70 .. 10.3     1.000        1.000     2.500\n"
	             "  threads                    12.0           11.6 .. 12.4     1.200        1.200     3.000\n"
	             "  OpenMP dynamic             25.0           24.2 .. 25.8     2.500        2.500     6.250\n"
	             "  joblib/loky             123,456     119,752 .. 127,160    12,346       12,346    30,864\n"
	             "  limit, spinning            2.00           1.94 .. 2.06\n"
	             "  limit                      4.00           3.88 .. 4.12\n"
	             "  multiprocessing.Pool  missing: python3 is not there (apt-get install python3)\n"
	             "  processes / OpenMP dynamic: 0.400 (0.400 .. 0.400); at most 0.5: met\n"
	             "  threads / OpenMP dynamic: 0.480 (0.480 .. 0.480); at most 0.4: missed\n"
	             "  processes / multiprocessing.Pool:\n"
	             "      not measured, for want of multiprocessing.Pool; at most 1/2,000: not decided\n"
	             "  processes / joblib/loky: 1/12,346 (1/12,346 .. 1/12,346)\n");
}
END_TEST

START_TEST(row_without_figures)
{
	assert_table("nobody", "\n"
	                       "nobody  a row without any figure\n"
	                       "  us, less is better; not measured\n"
	                       "  processes   missing: it was interrupted\n"
	                       "  TBB         missing: not measured\n"
	                       "  processes / TBB: not measured, for want of processes; at most 1: not decided\n");
}
END_TEST

START_TEST(row_of_one_round_has_no_interval)
{
	assert_table("once", "\n"
	                     "once  one round only\n"
	                     "  us, less is better; 1 round\n"
	                     "                 median               interval    x best  x processes\n"
	                     "  processes        5.00                      -     1.000        1.000\n"
	                     "  threads          6.00                      -     1.200        1.200\n"
	                     "  processes / threads: 0.833 (1 round); at most 0.5: not decided\n");
}
END_TEST

START_TEST(row_of_99_rounds_where_more_is_better)
{
	assert_table("many", "\n"
	                     "many  99 rounds, more is better\n"
	                     "  GB/s, more is better; 99 rounds, 95 % interval\n"
	                     "                      median               interval    x best  x processes   x limit\n"
	                     "  processes             8.00           7.20 .. 8.80     1.000        1.000     1.250\n"
	                     "  threads               4.00           3.60 .. 4.40     2.000        2.000     2.500\n"
	                     "  limit, spinning       10.0           9.00 .. 11.0\n"
	                     "  threads / processes: 0.500 (0.500 .. 0.500); at most 0.6: met\n");
}
END_TEST

START_TEST(row_with_values_that_are_no_numbers)
{
	assert_table("broken", "\n"
	                       "broken  a value that is not a number\n"
	                       "  us, less is better; 9 rounds, 95 % interval\n"
	                       "                 median               interval    x best\n"
	                       "  TBB              7.00           6.79 .. 7.21     1.000\n"
	                       "  processes   missing: a value is not a number\n"
	                       "  threads     missing: a value is not a number\n"
	                       "  processes / TBB: not measured, for want of processes; at most 1: not decided\n");
}
END_TEST

START_TEST(ratio_that_is_no_number_is_not_measured)
{
	struct row *row = made_up_row(&results, "close");
	ck_assert(comparison_measured(row, &row->compared[0]));
	row->compared[0].ratio.low = NAN;
	ck_assert(!comparison_measured(row, &row->compared[0]));
}
END_TEST

START_TEST(six_rounds_have_an_interval_and_five_have_not)
{
	char text[64];
	ck_assert_str_eq(rounds_say((struct rounds){6, 6}, text, sizeof(text)), "6 rounds, 95 % interval");
	ck_assert_str_eq(rounds_say((struct rounds){5, 9}, text, sizeof(text)),
	                 "5 to 9 rounds, from the lowest to the highest");
}
END_TEST

START_TEST(target_in_the_unit_of_the_row)
{
	assert_table("private", "\n"
	                        "private  private memory, idle\n"
	                        "  KiB a worker, less is better; 9 rounds, 95 % interval\n"
	                        "  of smaps_rollup\n"
	                        "                 median               interval    x best  x processes\n"
	                        "  processes        88.0           85.4 .. 90.6     1.000        1.000\n"
	                        "  processes, KiB a worker: 88.0 (85.4 .. 90.6); at most 100: met\n");
}
END_TEST

START_TEST(series_is_one_table_after_its_last_row)
{
	assert_table("delay.1", "");
	assert_table("delay.256", "");
	assert_table(
	        "delay.1024",
	        "\n"
	        "delay  tasks of 0.1 us\n"
	        "  ns a task, less is better; 9 rounds, 95 % interval\n"
	        "        chunk   processes     threads      OpenMP      OpenMP      OpenMP         TBB    textbook\n"
	        "                                           static     dynamic      guided                 threads\n"
	        "                                                                                      with a mute\n"
	        "            1        59.0        60.0        52.0        82.0        54.0         110         260\n"
	        "            4        52.2        53.2        52.0        59.5        54.0        72.5         110\n"
	        "           16        50.6        51.6        52.0        53.9        54.0        63.1        72.5\n"
	        "           64        50.1        51.1        52.0        52.5        54.0        60.8        63.1\n"
	        "          256        50.0        51.0        52.0        52.1        54.0        60.2        60.8\n"
	        "         1024        50.0        51.0        52.0        52.0        54.0        60.0        60.2\n"
	        "        chunk      serial      limit:\n"
	        "                           serial / 2\n"
	        "            1         100        50.0\n"
	        "            4           -        50.0\n"
	        "           16         100        50.0\n"
	        "           64         100        50.0\n"
	        "          256         100        50.0\n"
	        "         1024         100        50.0\n"
	        "  GNU parallel                    missing: no chunks\n"
	        "  chunk 1:\n"
	        "  processes / OpenMP dynamic: 0.720 (0.720 .. 0.720); at most 1: met\n");
}
END_TEST

START_TEST(summary_has_all_targets_and_counts_them)
{
	char *text = all_tables();
	ck_assert_ptr_nonnull(strstr(text, "\n  empty.1: processes / multiprocessing.Pool            -"
	                                   "                      - 1/2,000  not decided\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n  close: processes / best OpenMP schedule          1.100"
	                                   "         0.950 .. 1.250    1.05  not decided\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n  delay.1: processes / OpenMP dynamic              0.720"
	                                   "         0.720 .. 0.720       1  met\n"));
	ck_assert_ptr_null(strstr(text, "empty.1: processes / joblib"));
	ck_assert_ptr_nonnull(strstr(text, "\n  4 met, 1 missed, 5 not decided\n"));
	free(text);
}
END_TEST

START_TEST(machine_and_peers)
{
	char *text = all_tables();
	ck_assert_ptr_nonnull(strstr(text, "\n  CPUs        Made-up CPU at 3 GHz; 2 may be used\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n  frequency   unknown\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n  forkpool    0.1.0, 2 workers, spin_us = 50\n"));
	ck_assert_ptr_nonnull(
	        strstr(text, "\n  load        0.10 before, 2.00 after; taken by the hypervisor: 0.3 %\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n              joblib/loky: missing, python3-joblib\n"));
	free(text);
}
END_TEST

/* Long texts everywhere, and still no line of more than 100 columns, none that ends in a blank. */
START_TEST(lines_are_of_at_most_100_columns)
{
	struct row *row = made_up_row(&results, "empty.1");
	memset(row->entries[0].contender, 'w', 200);
	memset(row->entries[3].contender, 'm', 200);
	for (int i = 0; i < 240; i++)
		row->entries[3].missing[i] = row->title[i] = row->note[i] = i % 10 == 9 ? ' ' : 'x';
	char *text = all_tables();
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, " / ") && !strstr(line, "for want of"))
			ck_assert_msg(text_width(line) <= 100, "%zu columns: %s", text_width(line), line);
		ck_assert_msg(line[strlen(line) - 1] != ' ', "ends in a blank: '%s'", line);
	}
	free(text);
}
END_TEST

/* ---- Colours ------------------------------------------------------------------------------ */

/* What the tables of a row and of the summary are on a terminal; free it. */
static char *on_terminal(const char *id)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
	FILE *terminal = fopen(ptsname(master), "r+");
	ck_assert_ptr_nonnull(terminal);
	table_row(terminal, &results, made_up_row(&results, id));
	fflush(terminal);
	char *text = calloc(1, 16384);
	for (size_t length = 0; !strstr(text, "joblib/loky: ");) {
		ssize_t got = read(master, text + length, 16000 - length);
		ck_assert_int_gt(got, 0);
		length += (size_t)got;
	}
	fclose(terminal);
	close(master);
	return text;
}

START_TEST(terminal_has_colours)
{
	char *text = on_terminal("empty.1");
	ck_assert_ptr_nonnull(strstr(text, "  \033[1mprocesses "));
	ck_assert_ptr_nonnull(strstr(text, "  threads  "));
	ck_assert_ptr_nonnull(strstr(text, "at most 0.5: \033[32mmet\033[0m"));
	ck_assert_ptr_nonnull(strstr(text, "at most 0.4: \033[31mmissed\033[0m"));
	free(text);
}
END_TEST

START_TEST(no_color_is_heard)
{
	setenv("NO_COLOR", "1", 1);
	char *text = on_terminal("empty.1");
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
}
END_TEST

/* ---- The document --------------------------------------------------------------------------- */

/* Writes it; free it. */
static char *document(const char *plots)
{
	ck_assert_int_eq(document_write(in_folder("doc.md"), plots, &results), 0);
	char *text = read_all(in_folder("doc.md"));
	ck_assert_ptr_nonnull(text);
	return text;
}

static void assert_has(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line) != NULL, "not in the document: %s", line);
}

START_TEST(document_says_what_was_won_and_lost)
{
	char *text = document(NULL);
	assert_has(text, "# Performance\n");
	assert_has(text, "`make bench` has written it.\n");
	assert_has(text, "\n| forkpool | 0.1.0, 2 workers, spin_us = 50 |\n");
	assert_has(text, "\n| load | 0.10 before, 2.00 after; taken by the hypervisor: 0.3 % |\n");
	assert_has(text, "\n4 won, 1 lost, 5 not decided.\n");
	assert_has(text, "\n### Won: 4\n");
	assert_has(text,
	           "\n| empty task / OpenMP dynamic | processes / OpenMP dynamic | 0.400 | 0.400 to 0.400 | 0.5 | "
	           "`empty.1` | Claims are local, `claim()` says how. |\n");
	assert_has(text, "\n### Lost: 1\n");
	assert_has(text,
	           "\n| empty task / OpenMP dynamic; the same on threads | threads / OpenMP dynamic | 0.480 | 0.480 "
	           "to 0.480 | 0.4 | `empty.1` | Claims are local, `claim()` says how. |\n");
	assert_has(text, "\n### Not decided: 5\n");
	assert_has(text,
	           "\n| empty task / multiprocessing.Pool | processes / multiprocessing.Pool | not measured, for want "
	           "of multiprocessing.Pool | - | 1/2,000 | `empty.1` | Pickles. |\n");
	free(text);
}
END_TEST

START_TEST(document_has_all_rows)
{
	char *text = document(NULL);
	assert_has(text, "\n## a) Handing out work\n\nEmpty tasks.\n\n### empty task, chunk 1\n");
	assert_has(text, "\n| **processes** | **10.0** | 9.70 to 10.3 | 1.000 | 1.000 | 2.500 |\n");
	assert_has(text, "\n| limit | 4.00 | 3.88 to 4.12 | | | |\n");
	assert_has(text, "\n- Missing: multiprocessing.Pool: python3 is not there (apt-get install python3).\n");
	assert_has(text, "\n- processes / OpenMP dynamic: 0.400 (0.400 to 0.400); at most 0.5: **met**.\n");
	assert_has(text,
	           "\n`private`: KiB a worker, less is better; 9 rounds, 95 % interval. Note: of smaps_rollup.\n");
	assert_has(text,
	           "\n| chunk | processes | threads | OpenMP static | OpenMP dynamic | OpenMP guided | TBB | textbook "
	           "threads with a mutex | serial | limit: serial / 2 |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
	assert_has(text, "\n| 4 | 52.2 | 53.2 | **52.0** | 59.5 | 54.0 | 72.5 | 110 | - | 50.0 |\n");
	assert_has(text, "\n| 10^6 | **1.01 ms** | 1.01 ms | 1.10 ms | 900 us |\n");
	assert_has(text, "\n### a\\|b \\<i> \\[x\\] \\*y\\* \"q\", 'p' \\\\ \\_z\\_ {/=30 @} \xc2\xb5s\n");
	assert_has(text, "\n| joblib/loky | missing: python3-joblib |\n");
	free(text);
}
END_TEST

/* Cells of a table's line: bars that no backslash precedes. */
static int bars_in(const char *line)
{
	int bars = 0;
	for (size_t i = 0; line[i]; i++)
		bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
	return bars;
}

START_TEST(document_is_well_formed)
{
	char *text = document(NULL), *rest = text;
	const char *before = "";
	for (char *line; (line = strsep(&rest, "\n")); before = line) {
		if (line[0] == '#' || (line[0] == '|' && before[0] != '|'))
			ck_assert_msg(before[0] == '\0', "no empty line before: %s", line);
		if (line[0] == '|' && before[0] == '|')
			ck_assert_msg(bars_in(line) == bars_in(before), "other columns than the line before: %s", line);
		ck_assert_msg(rest || line[0] == '\0', "no end of line at the end");
	}
	free(text);
}
END_TEST

START_TEST(document_is_the_same_each_time)
{
	char *once = document(NULL), *again = document(NULL);
	ck_assert_str_eq(once, again);
	free(again);
	free(once);
}
END_TEST

static void make_file(const char *name)
{
	FILE *file = fopen(in_folder(name), "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

START_TEST(document_shows_the_plots_that_are_there)
{
	char inside[128];
	mkdir(in_folder("plots here"), 0777);
	make_file("plots here/empty.1.svg");
	snprintf(inside, sizeof(inside), "%s", in_folder("plots here"));
	char *text = document(inside);
	assert_has(text, "\n![empty task, chunk 1](plots%20here/empty.1.svg)\n");
	ck_assert_ptr_null(strstr(text, "delay.svg"));
	free(text);
	text = document("/nowhere/at/all");
	ck_assert_ptr_null(strstr(text, "!["));
	free(text);
	mkdir(in_folder("doc"), 0777);
	ck_assert_int_eq(document_write(in_folder("doc/doc.md"), inside, &results), 0);
	text = read_all(in_folder("doc/doc.md"));
	assert_has(text, "\n![empty task, chunk 1](../plots%20here/empty.1.svg)\n");
	free(text);
}
END_TEST

/* ---- What is not a number --------------------------------------------------------------------- */

START_TEST(nan_is_never_printed)
{
	struct row *row = made_up_row(&results, "broken");
	row->compared[0].ratio = (struct interval){NAN, NAN, NAN, 0.96};
	row->entries[2].values[0] = 0; /* as a divisor it makes infinity */
	row->entries[2].values[1] = row->entries[2].values[2] = row->entries[2].values[3] = row->entries[2].values[4] =
	        0;
	made_up_row(&results, "many")->entries[1].values[0] = 0;
	results.machine.steal = -1;
	char *texts[] = {all_tables(), document(NULL)};
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_null(strcasestr(texts[i], "nan"));
		ck_assert_ptr_null(strcasestr(texts[i], "inf"));
		free(texts[i]);
	}
}
END_TEST

/* ---- Plots -------------------------------------------------------------------------------------- */

static bool drawn(const char *name, const char *beginning)
{
	char text[16] = "";
	FILE *file = fopen(in_folder(name), "r");
	size_t got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	return got > 0 && memcmp(text, beginning, strlen(beginning)) == 0;
}

START_TEST(plots_are_drawn)
{
	static const char *const names[] = {"empty.1",      "many", "odd_text___s_", "delay", "workers.ep",
	                                    "growth.tasks", NULL};
	char name[MAX_TEXT];
	bool there_is_gnuplot = strcmp(GNUPLOT, "no") != 0;
	ck_assert_int_eq(plot_all(in_folder("plots"), &results), 0);
	for (int i = 0; names[i]; i++) {
		snprintf(name, sizeof(name), "plots/%s.png", names[i]);
		ck_assert_int_eq(drawn(name, "\x89PNG"), there_is_gnuplot);
		snprintf(name, sizeof(name), "plots/%s.svg", names[i]);
		ck_assert_int_eq(drawn(name, "<?xml"), there_is_gnuplot);
	}
	ck_assert(!drawn("plots/once.svg", "<?xml"));
	ck_assert(!drawn("plots/nobody.svg", "<?xml"));
}
END_TEST

START_TEST(plots_have_names_that_are_file_names)
{
	char name[MAX_TEXT];
	ck_assert(plot_name(&results, made_up_row(&results, "odd/text '%s'"), name, sizeof(name)));
	ck_assert_str_eq(name, "odd_text___s_");
	ck_assert(plot_name(&results, made_up_row(&results, "delay.16"), name, sizeof(name)));
	ck_assert_str_eq(name, "delay");
	ck_assert(!plot_name(&results, made_up_row(&results, "nobody"), name, sizeof(name)));
	ck_assert(!plot_name(&results, made_up_row(&results, "once"), name, sizeof(name)));
}
END_TEST

/* ---- Files ---------------------------------------------------------------------------------------- */

static int files_in_folder(void)
{
	DIR *directory = opendir(folder);
	int files = 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		files += entry->d_name[0] != '.';
	closedir(directory);
	return files;
}

START_TEST(file_appears_at_the_end)
{
	struct save save;
	ck_assert_int_eq(save_begin(&save, in_folder("file")), 0);
	fputs("all of it", save.file);
	ck_assert_int_ne(access(in_folder("file"), F_OK), 0);
	ck_assert_int_eq(save_end(&save, 0), 0);
	char *text = read_all(in_folder("file"));
	ck_assert_str_eq(text, "all of it");
	ck_assert_int_eq(files_in_folder(), 1);
	free(text);
}
END_TEST

START_TEST(failure_leaves_the_file_that_was_there)
{
	struct save save;
	FILE *file = fopen(in_folder("file"), "w");
	fputs("old", file);
	fclose(file);
	ck_assert_int_eq(save_begin(&save, in_folder("file")), 0);
	fputs("new", save.file);
	ck_assert_int_eq(save_end(&save, -EIO), -EIO);
	char *text = read_all(in_folder("file"));
	ck_assert_str_eq(text, "old");
	ck_assert_int_eq(files_in_folder(), 1);
	free(text);
}
END_TEST

START_TEST(full_device_and_missing_folder_are_told)
{
	struct save save;
	ck_assert_int_eq(save_begin(&save, "/dev/full"), 0);
	fputs("x", save.file);
	ck_assert_int_eq(save_end(&save, 0), -ENOSPC);
	ck_assert_int_eq(save_begin(&save, in_folder("not/there")), -ENOENT);
	ck_assert_int_eq(document_write(in_folder("not/there"), NULL, &results), -ENOENT);
}
END_TEST

START_TEST(links_stay)
{
	struct save save;
	struct stat status;
	char target[128];
	make_file("file");
	snprintf(target, sizeof(target), "%s", in_folder("file"));
	ck_assert_int_eq(symlink(target, in_folder("link")), 0);
	ck_assert_int_eq(save_begin(&save, in_folder("link")), 0);
	fputs("through", save.file);
	ck_assert_int_eq(save_end(&save, 0), 0);
	ck_assert_int_eq(lstat(in_folder("link"), &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	char *text = read_all(target);
	ck_assert_str_eq(text, "through");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *tcase = tcase_create("output");
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, numbers_in_words, 0, sizeof(numbers) / sizeof(*numbers));
	tcase_add_test(tcase, seconds_have_smaller_units);
	tcase_add_test(tcase, points_and_shares_in_words);
	tcase_add_test(tcase, row_from_best_to_missing);
	tcase_add_test(tcase, row_without_figures);
	tcase_add_test(tcase, row_of_one_round_has_no_interval);
	tcase_add_test(tcase, row_of_99_rounds_where_more_is_better);
	tcase_add_test(tcase, row_with_values_that_are_no_numbers);
	tcase_add_test(tcase, ratio_that_is_no_number_is_not_measured);
	tcase_add_test(tcase, six_rounds_have_an_interval_and_five_have_not);
	tcase_add_test(tcase, target_in_the_unit_of_the_row);
	tcase_add_test(tcase, series_is_one_table_after_its_last_row);
	tcase_add_test(tcase, summary_has_all_targets_and_counts_them);
	tcase_add_test(tcase, machine_and_peers);
	tcase_add_test(tcase, lines_are_of_at_most_100_columns);
	tcase_add_test(tcase, terminal_has_colours);
	tcase_add_test(tcase, no_color_is_heard);
	tcase_add_test(tcase, document_says_what_was_won_and_lost);
	tcase_add_test(tcase, document_has_all_rows);
	tcase_add_test(tcase, document_is_well_formed);
	tcase_add_test(tcase, document_is_the_same_each_time);
	tcase_add_test(tcase, document_shows_the_plots_that_are_there);
	tcase_add_test(tcase, nan_is_never_printed);
	tcase_add_test(tcase, plots_are_drawn);
	tcase_add_test(tcase, plots_have_names_that_are_file_names);
	tcase_add_test(tcase, file_appears_at_the_end);
	tcase_add_test(tcase, failure_leaves_the_file_that_was_there);
	tcase_add_test(tcase, full_device_and_missing_folder_are_told);
	tcase_add_test(tcase, links_stay);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
