/*
 * report.c - a report into words (src/error.c).
 *
 * A report is written by the library, but messages in it come out of memory that workers write.  Any
 * bytes make a text of the length that is told, cut as snprintf() cuts it; and any code has words.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_cut(const forkpool_report *report, const char *whole, size_t length, size_t size)
{
	char *text = malloc(size); /* exactly */
	size_t kept = length < size ? length : size - 1;

	require(forkpool_report_format(report, text, size) == length, "the length does not depend on the room");
	require(memcmp(text, whole, kept) == 0 && text[kept] == '\0', "%zu bytes are what fits into %zu", kept, size);
	free(text);
}

static void check_count(const char *text, uint64_t count, const char *word)
{
	char wanted[64];

	snprintf(wanted, sizeof wanted, "%llu %s", (unsigned long long)count, word);
	require(count == 0 || strstr(text, wanted) != NULL, "'%s' should say '%s'", text, wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	forkpool_report *report = calloc(1, sizeof *report);

	memcpy(report, data, size < sizeof *report ? size : sizeof *report);
	size_t length = forkpool_report_format(report, NULL, 0);
	char *whole = malloc(length + 1);
	forkpool_report_format(report, whole, length + 1);
	require(strlen(whole) == length && length > 0 && whole[length - 1] == '\n', "a text of whole lines");
	check_count(whole, report->failed, "failed");
	check_count(whole, report->crashed, "crashed");
	check_count(whole, report->timed_out, "timed out");
	check_count(whole, report->cancelled, "cancelled");
	for (size_t room = 1; room <= length + 1; room += 1 + length / 7)
		check_cut(report, whole, length, room);
	const char *words = forkpool_strerror(report->status);
	require(words != NULL && *words != '\0', "%d has words", (int)report->status);
	free(whole);
	free(report);
	return 0;
}
