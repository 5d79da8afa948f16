/*
 * input.c - reading items, as text and binary (src/cli/input.c).
 *
 * Four bytes say how (see struct shape), the rest is what two files hold, with a '|' between them.  The reader gets it
 * in small pieces.  A second reader, written down as plainly as it goes, says how many items there are and what, or in
 * which line of which file is the first fault; and where each item stands.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the reader under test, which gets at most `piece` bytes at once, and now and then a signal ---- */

static size_t piece;
static unsigned reads;

static ssize_t read_piece(int fd, void *to, size_t size)
{
	if (++reads % 5 == 0) {
		errno = EINTR;
		return -1;
	}
	return read(fd, to, size < piece ? size : piece);
}

#define read read_piece
#include "../../src/cli/input.c"
#undef read

/* ---- how, and what ---- */

struct shape {
	uint8_t type;   /* modulo 6 */
	uint8_t length; /* of an item, modulo 4, and one */
	uint8_t mode;   /* b: binary; R: text of a few bytes is repeated until it is longer than the reader's buffer;
	                   i: the second file is standard input; else text */
	uint8_t piece;  /* how much a read() gives at most: 'a': all; else 1 and this, modulo 16 */
};

struct file {
	char name[32];
	const char *shown; /* in messages */
	char *bytes;
	size_t size, items; /* items: how many the reference found */
};

struct expected {
	struct file files[2];
	char *items;
	size_t count, room; /* room: for items */
	const char *fault;  /* what the message says; NULL: there is none */
	const struct file *faulty;
	size_t line;
};

static struct function function;

/* ---- the reference: text ---- */

static bool is_space(char c)
{
	return memchr(" \t\n\v\f\r", c, 6) != NULL;
}

/* One line into the place of an item.  Returns what is wrong with it, or NULL. */
static const char *read_line_plainly(const char *line, size_t size, char *item)
{
	size_t found = 0, length = function.plugin.item_length;

	for (size_t i = 0, begin; i < size;) {
		if (is_space(line[i])) {
			i++;
			continue;
		}
		for (begin = i; i < size && !is_space(line[i]);)
			i++;
		if (found++ == length)
			return "more than";
		int error = reference_parse(function.plugin.item_type, line + begin, i - begin, item);
		if (error != 0)
			return error == ERANGE ? "is out of range" : "is not";
		item += function.item->size;
	}
	if (found == length)
		return NULL;
	return length == 1 ? "the line is empty" : "only";
}

static void read_plainly(struct expected *expected)
{
	for (int i = 0; i < 2 && expected->fault == NULL; i++) {
		struct file *file = &expected->files[i];
		for (size_t at = 0, end; at < file->size && expected->fault == NULL; at = end + 1) {
			for (end = at; end < file->size && file->bytes[end] != '\n';)
				end++;
			require(expected->count < expected->room, "the reference has room");
			char *item = expected->items + expected->count * function.item_size;
			expected->fault = read_line_plainly(file->bytes + at, end - at, item);
			expected->line = file->items + 1;
			expected->faulty = file;
			file->items += expected->fault == NULL;
			expected->count += expected->fault == NULL;
		}
	}
}

/* ---- what must hold ---- */

static void check_items(const struct input *input, const struct expected *expected)
{
	const struct number *number = function.item;

	require(input->count == expected->count, "%zu items, should be %zu", input->count, expected->count);
	for (size_t i = 0; i < input->count * function.plugin.item_length; i++)
		require(same_value(function.plugin.item_type, input->items + i * number->size,
		                   expected->items + i * number->size),
		        "value %zu is as in the text", i);
}

static void check_places(const struct input *input, const struct expected *expected)
{
	char place[64], wanted[64];
	size_t first = 0;

	for (int i = 0; i < 2; first += expected->files[i++].items) {
		size_t items = expected->files[i].items, step = 1 + items / 16;
		for (size_t k = 0; k < items; k += step) {
			input_place(input, first + k, place, sizeof place);
			snprintf(wanted, sizeof wanted, "%s:%zu", expected->files[i].shown, k + 1);
			require(strcmp(place, wanted) == 0, "item %zu is at %s, should be %s", first + k, place,
			        wanted);
		}
	}
}

static void check_fault(const struct expected *expected)
{
	char wanted[64];

	require(complaints == 1, "%u complaints", complaints);
	snprintf(wanted, sizeof wanted, "%s:%zu: ", expected->faulty->shown, expected->line);
	require(strncmp(complaint, wanted, strlen(wanted)) == 0, "'%s' should begin with '%s'", complaint, wanted);
	require(strstr(complaint, expected->fault) != NULL, "'%s' should say '%s'", complaint, expected->fault);
}

static void check_text(struct expected *expected)
{
	char *names[2] = {expected->files[0].name, expected->files[1].name};
	struct input input;
	size_t lines = 2;

	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < expected->files[i].size; k++)
			lines += expected->files[i].bytes[k] == '\n';
	expected->room = lines;
	expected->items = calloc(lines, function.item_size);
	read_plainly(expected);
	int failed = input_read(&input, &function, names, 2, 0);
	require(!failed == (expected->fault == NULL), "%s, and should %s (%s)", failed ? "refused" : "accepted",
	        expected->fault == NULL ? "not be" : "be refused", failed ? complaint : expected->fault);
	if (failed) {
		check_fault(expected);
	} else {
		require(complaints == 0, "no complaint: %s", complaint);
		check_items(&input, expected);
		check_places(&input, expected);
	}
	input_free(&input);
	free(expected->items);
}

/* A file that can be mapped is, and one that cannot is read. */
static void check_binary(const struct file *file, bool from_start)
{
	char standard[] = "-", place[64], wanted[64], *names[1] = {standard};
	struct input input;

	lseek(STDIN_FILENO, from_start ? 0 : 1, SEEK_SET);
	size_t skipped = from_start || file->size == 0 ? 0 : 1, size = file->size - skipped;
	int failed = input_read(&input, &function, names, 1, 1);

	require(!failed == (size % function.item_size == 0), "%zu bytes are items of %zu bytes", size,
	        function.item_size);
	require(complaints == (failed ? 1 : 0), "a complaint, or success: %s", complaint);
	if (!failed) {
		require(input.count == size / function.item_size, "%zu items in %zu bytes", input.count, size);
		require(size == 0 || memcmp(input.items, file->bytes + skipped, size) == 0, "items are the bytes");
	}
	if (!failed && input.count > 0) {
		input_place(&input, input.count - 1, place, sizeof place);
		snprintf(wanted, sizeof wanted, "standard input: item %zu (at byte %zu)", input.count - 1,
		         (input.count - 1) * function.item_size);
		require(strcmp(place, wanted) == 0, "the last item is at '%s', should be '%s'", place, wanted);
	}
	input_free(&input);
}

enum { FEW = 12 };

/* Many times the same, longer than any buffer; a text without newline becomes one long line. */
static void repeat(struct file *file)
{
	const size_t enough = (1 << 18) + 100;

	if (file->size == 0)
		return;
	char *longer = malloc(enough + file->size);
	size_t size = 0;
	for (; size < enough; size += file->size)
		memcpy(longer + size, file->bytes, file->size);
	free(file->bytes);
	file->bytes = longer;
	file->size = size;
}

static void use_as_standard_input(struct file *file, int fd)
{
	require(dup2(fd, STDIN_FILENO) == STDIN_FILENO, "a file can be standard input");
	strcpy(file->name, "-");
	file->shown = "standard input";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shape shape;
	struct expected expected = {0};
	struct file *files = expected.files;
	forkpool_plugin plugin = {.abi = FORKPOOL_PLUGIN_ABI, .result_length = 1};

	if (size < sizeof shape)
		return 0;
	memcpy(&shape, data, sizeof shape);
	data += sizeof shape;
	size -= sizeof shape;
	plugin.item_type = (forkpool_type)(shape.type % 6);
	plugin.item_length = 1 + shape.length % 4;
	function = (struct function){.plugin = plugin, .item = number_of(plugin.item_type)};
	function.item_size = plugin.item_length * function.item->size;
	piece = shape.piece == 'a' ? SIZE_MAX : 1 + (size_t)shape.piece % 16;
	reads = complaints = 0;

	const uint8_t *bar = size > 0 && shape.mode != 'b' ? memchr(data, '|', size) : NULL;
	size_t first = bar == NULL ? size : (size_t)(bar - data);
	files[0] = (struct file){.size = first, .bytes = fuzz_copy(data, first, true)};
	files[1].size = bar == NULL ? 0 : size - first - 1;
	files[1].bytes = fuzz_copy(bar == NULL ? data : bar + 1, files[1].size, true);
	if (shape.mode == 'R' && size <= FEW) {
		repeat(&files[0]);
		piece = SIZE_MAX;
	}
	for (unsigned i = 0; i < 2; i++) {
		int fd = fuzz_file(i, files[i].bytes, files[i].size, files[i].name);
		files[i].shown = files[i].name;
		if (shape.mode == (i == 0 ? 'b' : 'i'))
			use_as_standard_input(&files[i], fd);
	}
	if (shape.mode == 'b') {
		check_binary(&files[0], true);
		complaints = 0;
		check_binary(&files[0], false);
	} else {
		check_text(&expected);
	}
	free(files[0].bytes);
	free(files[1].bytes);
	return 0;
}
