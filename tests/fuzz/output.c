/*
 * output.c - results to text, and back (src/cli/output.c, input.c).
 *
 * Four bytes say how (see struct shape), the rest are the results' values.  What output_text() writes
 * is a line a result, with the words for missing values where a status is not 0; input_read() of
 * that text gives the same values again, or names the first line with a missing whole number.
 * output_binary() writes the bytes, and zeros for what is missing.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shape {
	uint8_t type;    /* modulo 6 */
	uint8_t length;  /* of a result, modulo 4, and one */
	uint8_t missing; /* bit i % 8, counted from '0': task i failed */
	uint8_t repeat;  /* 'R': a few values are repeated until they are longer than the writer's buffer */
};

struct results {
	struct function function;
	char *bytes;
	size_t count;
	int32_t *status;
	size_t first_missing; /* count: none */
};

/* What went to the file of that number. */
static char *written(int fd, size_t *size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char *text = malloc((size_t)end + 1);

	require(end >= 0 && pread(fd, text, (size_t)end, 0) == end, "what was written can be read");
	text[end] = '\0';
	*size = (size_t)end;
	return text;
}

static void check_line(const struct results *results, size_t index, char **next)
{
	const struct number *number = results->function.result;
	const char *values = results->bytes + index * results->function.result_size;

	for (size_t k = 0; k < results->function.plugin.result_length; k++) {
		char text[NUMBER_TEXT], *end = *next + strcspn(*next, " \n");
		bool last = k + 1 == results->function.plugin.result_length;
		const char *wanted = number->missing;
		size_t length = strlen(wanted);
		if (results->status[index] == 0) {
			length = number->print(values + k * number->size, text);
			wanted = text;
		}
		require((size_t)(end - *next) == length && memcmp(*next, wanted, length) == 0,
		        "result %zu: '%.*s' should be '%.*s'", index, (int)(end - *next), *next, (int)length, wanted);
		require(*end == (last ? '\n' : ' '), "result %zu: value %zu ends as it should", index, k);
		*next = end + 1;
	}
}

/* What was printed is read as items of the results' type. */
static void check_read_back(const struct results *results, char *name)
{
	struct function function = results->function;
	const struct number *number = function.result;
	bool readable = strcmp(number->missing, "nan") == 0 || results->first_missing == results->count;
	struct input input;
	char wanted[64];

	function.item = number;
	function.item_size = function.result_size;
	function.plugin.item_type = function.plugin.result_type;
	function.plugin.item_length = function.plugin.result_length;
	int failed = input_read(&input, &function, &name, 1, 0);
	require(!failed == readable, "what was written is read again: %s", complaint);
	if (failed) {
		snprintf(wanted, sizeof wanted, "%s:%zu: '-' ", name, results->first_missing + 1);
		require(strncmp(complaint, wanted, strlen(wanted)) == 0, "'%s' should begin with '%s'", complaint,
		        wanted);
	}
	require(failed || input.count == results->count, "%zu results, and %zu are read again", results->count,
	        input.count);
	for (size_t i = 0; !failed && i < input.count * function.plugin.item_length; i++)
		require(results->status[i / function.plugin.item_length] != 0 ||
		                same_value(function.plugin.item_type, input.items + i * number->size,
		                           results->bytes + i * number->size),
		        "value %zu is read back", i);
	input_free(&input);
}

static struct output open_output(int fd)
{
	struct output output;

	require(output_open(&output, NULL) == 0, "an output");
	output.fd = dup(fd);
	return output;
}

static void check_text(const struct results *results)
{
	char name[32], *next;
	int fd = fuzz_file(0, "", 0, name);
	struct output output = open_output(fd);
	size_t size;

	require(output_text(&output, &results->function, results->bytes, results->count, results->status) == 0 &&
	                output_close(&output) == 0,
	        "results can be written: %s", complaint);
	output_discard(&output);
	char *text = written(fd, &size);
	next = text;
	for (size_t i = 0; i < results->count; i++)
		check_line(results, i, &next);
	require(next == text + size, "nothing but results is written");
	free(text);
	check_read_back(results, name);
}

static void check_binary(const struct results *results)
{
	char name[32];
	int fd = fuzz_file(1, "", 0, name);
	struct output output = open_output(fd);
	size_t item = results->function.result_size, size;
	char *copy = fuzz_copy(results->bytes, results->count * item, false);

	require(output_binary(&output, &results->function, copy, results->count, results->status) == 0 &&
	                output_close(&output) == 0,
	        "results can be written: %s", complaint);
	output_discard(&output);
	char *bytes = written(fd, &size);
	require(size == results->count * item, "%zu bytes for %zu results", size, results->count);
	for (size_t i = 0; i < size; i++)
		require(bytes[i] == (results->status[i / item] != 0 ? 0 : results->bytes[i]), "byte %zu", i);
	free(bytes);
	free(copy);
}

enum { FEW = 12, ENOUGH = 40000 }; /* bytes */

static void fill(struct results *results, const uint8_t *data, size_t size, const struct shape *shape)
{
	size_t item = results->function.result_size, given = size / item;

	results->count = shape->repeat == 'R' && size <= FEW && given > 0 ? ENOUGH / item + given : given;
	results->bytes = malloc(results->count * item + 1);
	results->status = calloc(results->count + 1, sizeof *results->status);
	results->first_missing = results->count;
	for (size_t i = results->count; i-- > 0;) {
		memcpy(results->bytes + i * item, data + i % given * item, item);
		results->status[i] = (shape->missing ^ '0') >> i % 8 & 1 ? FORKPOOL_CRASHED : 0;
		if (results->status[i] != 0)
			results->first_missing = i;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shape shape;
	struct results results = {0};
	struct function *function = &results.function;

	if (size < sizeof shape)
		return 0;
	memcpy(&shape, data, sizeof shape);
	complaints = 0;
	function->plugin = (forkpool_plugin){.abi = FORKPOOL_PLUGIN_ABI,
	                                     .result_type = (forkpool_type)(shape.type % 6),
	                                     .result_length = 1 + shape.length % 4};
	function->result = number_of(function->plugin.result_type);
	function->result_size = function->plugin.result_length * function->result->size;
	fill(&results, data + sizeof shape, size - sizeof shape, &shape);
	check_text(&results);
	check_binary(&results);
	free(results.bytes);
	free(results.status);
	return 0;
}
