/*
 * test_record.c - results as JSON and CSV: what is written can be read and is the same when written again, and what
 * cannot be read is told with its place.  The results are made up (made_up.c); the parts under test are compiled in.
 */
#include "made_up.h"

#include "../bench/suite/record.h"
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct results results;
static char path[64];

static void begin(void)
{
	made_up(&results);
	strcpy(path, "/tmp/forkpool-record-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void end(void)
{
	unlink(path);
	made_up_free(&results);
}

static char *written(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	return text;
}

static char *as_json(const struct results *of)
{
	ck_assert_int_eq(record_write_json(path, of), 0);
	return written();
}

static void write_text(const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* Reads the file, and fills in what is said of it on standard error. */
static int read_file(struct results *found, char *said, size_t size)
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	int status = record_read_json(path, found);
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = '\0';
	fclose(file);
	return status;
}

/* ---- There and back ----------------------------------------------------------------- */

START_TEST(written_again_it_is_the_same)
{
	struct results found;
	char *once = as_json(&results);
	ck_assert_int_eq(record_read_json(path, &found), 0);
	char *again = as_json(&found);
	ck_assert_str_eq(once, again);
	record_free(&found);
	free(again);
	free(once);
}
END_TEST

START_TEST(read_it_is_what_was_written)
{
	struct results found;
	free(as_json(&results));
	ck_assert_int_eq(record_read_json(path, &found), 0);
	ck_assert_str_eq(found.command, "make bench");
	ck_assert_uint_eq(found.spin_us, 50);
	ck_assert_double_eq(found.machine.steal, 0.003);
	ck_assert_str_eq(found.peer[1].missing, "python3-joblib");
	ck_assert_str_eq(found.section[2].text, "Curves, `n` of them.");
	ck_assert_uint_eq(found.rows, results.rows);
	const struct row *many = made_up_row(&found, "many"), *delay = made_up_row(&found, "delay.16");
	ck_assert(many->more_is_better && many->entries[2].is_limit && !many->entries[1].is_limit);
	ck_assert_uint_eq(many->entries[1].rounds, 99);
	ck_assert_mem_eq(many->entries[1].values, made_up_row(&results, "many")->entries[1].values,
	                 99 * sizeof(double));
	ck_assert_double_eq(delay->x, 16);
	ck_assert_str_eq(delay->series, "delay");
	const struct comparison *comparison = &made_up_row(&found, "empty.1")->compared[2];
	ck_assert_uint_eq(comparison->b, 3);
	ck_assert_double_eq(comparison->target, 1.0 / 2000);
	ck_assert_double_eq(made_up_row(&found, "close")->compared[0].ratio.high, 1.25);
	record_free(&found);
}
END_TEST

START_TEST(not_a_number_is_null)
{
	struct results found;
	char *text = as_json(&results);
	ck_assert_ptr_null(strcasestr(text, "nan"));
	ck_assert_ptr_nonnull(strstr(text, "null"));
	ck_assert_int_eq(record_read_json(path, &found), 0);
	ck_assert_double_nan(made_up_row(&found, "broken")->entries[0].values[4]);
	record_free(&found);
	free(text);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_written_all_the_same)
{
	struct results found;
	strcpy(results.peer[0].version, "caf\xe9 1");
	free(as_json(&results));
	ck_assert_int_eq(record_read_json(path, &found), 0);
	ck_assert_str_eq(found.peer[0].version, "caf? 1");
	record_free(&found);
}
END_TEST

/* ---- What cannot be read -------------------------------------------------------------- */

/* In the JSON `from` becomes `to`, where it stands first; and then this is said, after the file's name. */
static const struct {
	const char *from, *to, *said;
} faults[] = {
        {"forkpool comparison 1", "another", "format: must be \"forkpool comparison 1\""},
        {"\"quick\": false", "\"quick\": 0", "quick: must be true or false"},
        {"\"workers\": 2", "\"workers\": -1", "workers: must be a whole number from 0 to 4294967295"},
        {"\"workers\": 2", "\"workers\": 2.5", "workers: must be a whole number from 0 to 4294967295"},
        {"\"seconds\": 321.0", "\"seconds\": \"321\"", "seconds: must be a number, or null for none"},
        {"\"date\": \"2001-02-03\"", "\"date\": 2001", "date: must be a string"},
        {"\"date\": \"2001-02-03\",", "", "date: is missing"},
        {"\"date\"", "\"data\"", "data: is not known here"},
        {"\"steal\"", "\"stolen\"", "machine.stolen: is not known here"},
        {"\"version\": \"OpenMP 4.5, gcc 12.2.0\",", "", "peers[0].version: is missing"},
        {"\"letter\": \"a\"", "\"letter\": \"too long\"", "sections[0].letter: 8 bytes long; at most 7"},
        {"\"more_is_better\": false", "\"more_is_better\": null", "rows[0].more_is_better: must be true or false"},
        {"\"contender\": \"processes\"", "\"contender\": []", "rows[0].entries[1].contender: must be a string"},
        {"\"values\": [", "\"values\": [\"x\", ", "rows[0].entries[0].values[0]: must be a number, or null for none"},
        {"\"a\": 1,", "\"a\": 7,", "rows[0].comparisons[0]: compares entry 7, and the row has 7, numbered from 0"},
        {"\"machine\": {", "\"machine\": 1, \"x\": {", "x: is not known here"},
        {"\"rows\": [", "\"rows\": 3, \"row\": [", "row: is not known here"},
};

START_TEST(fault_is_told_with_its_place)
{
	char said[512], expected[512];
	struct results found;
	char *text = as_json(&results), *changed;
	char *at = strstr(text, faults[_i].from);
	ck_assert_ptr_nonnull(at);
	ck_assert_int_gt(
	        asprintf(&changed, "%.*s%s%s", (int)(at - text), text, faults[_i].to, at + strlen(faults[_i].from)), 0);
	write_text(changed);
	ck_assert_int_eq(read_file(&found, said, sizeof(said)), -EINVAL);
	snprintf(expected, sizeof(expected), "compare: %s: %s\n", path, faults[_i].said);
	ck_assert_str_eq(said, expected);
	ck_assert_uint_eq(found.rows, 0);
	ck_assert_ptr_null(found.row);
	free(changed);
	free(text);
}
END_TEST

START_TEST(too_many_are_refused)
{
	char said[512], *text = as_json(&results);
	struct results found;
	char *at = strstr(text, "\"values\": [") + strlen("\"values\": [");
	FILE *file = fopen(path, "w");
	fwrite(text, 1, (size_t)(at - text), file);
	for (int i = 0; i < MAX_ROUNDS; i++)
		fputs("1.5, ", file);
	fputs(at, file);
	fclose(file);
	ck_assert_int_eq(read_file(&found, said, sizeof(said)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(said, ": rows[0].entries[0].values: 108 items; at most 99\n"));
	free(text);
}
END_TEST

/* Cut off anywhere, it is told where; nothing is read half. */
START_TEST(cut_off_it_is_refused)
{
	char said[512], *text = as_json(&results);
	struct results found;
	size_t length = strlen(text) - 3;
	for (size_t at = 0; at < length; at += length / 50) {
		text[length - at] = '\0';
		write_text(text);
		ck_assert_int_eq(read_file(&found, said, sizeof(said)), -EINVAL);
		ck_assert_ptr_nonnull(strstr(said, path));
		ck_assert_ptr_null(found.row);
	}
	free(text);
}
END_TEST

START_TEST(missing_file_is_told)
{
	char said[512];
	struct results found;
	unlink(path);
	ck_assert_int_eq(read_file(&found, said, sizeof(said)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(said, ": cannot be read: No such file or directory\n"));
}
END_TEST

START_TEST(what_cannot_be_written_is_told)
{
	ck_assert_int_eq(record_write_json("/dev/full", &results), -EIO);
	ck_assert_int_eq(record_write_csv("/dev/full", &results), -EIO);
	ck_assert_int_eq(record_write_json("/nowhere/at/all", &results), -ENOENT);
	ck_assert_int_eq(record_write_csv("/nowhere/at/all", &results), -ENOENT);
}
END_TEST

/* ---- CSV --------------------------------------------------------------------------------- */

START_TEST(csv_has_a_line_for_each_value)
{
	size_t values = 0, lines = 0;
	ck_assert_int_eq(record_write_csv(path, &results), 0);
	char *text = written();
	for (size_t i = 0; i < results.rows; i++)
		for (size_t k = 0; k < results.row[i].count; k++)
			values += results.row[i].entries[k].rounds;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_uint_eq(lines, values + 1);
	static const char heading[] = "row,section,title,unit,series,x,contender,is_limit,tasks,round,value\n";
	ck_assert_int_eq(strncmp(text, heading, strlen(heading)), 0);
	static const char *const expected[] = {
	        "\nempty.1,a,\"empty task, chunk 1\",ns a task,,0,processes,0,1000000,2,10.1\n",
	        "\ndelay.16,c,tasks of 0.1 us,ns a task,delay,16,limit: serial / 2,1,1000000,1,50\n",
	        "\nbroken,b,a value that is not a number,us,,0,processes,0,1000000,5,\n",
	        ",\"a|b <i> [x] *y* \"\"q\"\", 'p' \\ _z_ {/=30 @} \xc2\xb5s\",\"\xc2\xb5s, a \"\"unit\"\"\",",
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		ck_assert_msg(strstr(text, expected[i]) != NULL, "not in the CSV: %s", expected[i]);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, written_again_it_is_the_same);
	tcase_add_test(tcase, read_it_is_what_was_written);
	tcase_add_test(tcase, not_a_number_is_null);
	tcase_add_test(tcase, text_that_is_not_utf8_is_written_all_the_same);
	tcase_add_loop_test(tcase, fault_is_told_with_its_place, 0, sizeof(faults) / sizeof(*faults));
	tcase_add_test(tcase, too_many_are_refused);
	tcase_add_test(tcase, cut_off_it_is_refused);
	tcase_add_test(tcase, missing_file_is_told);
	tcase_add_test(tcase, what_cannot_be_written_is_told);
	tcase_add_test(tcase, csv_has_a_line_for_each_value);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
