/*
 * input.c - all items in memory before the pool is created.
 *
 * Text is parsed into private memory and a binary file is mapped; the workers are forked
 * afterwards and inherit either, so that no item is ever copied to them.  Whatever is
 * wrong with the input is found here, before anything runs.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

static const char *const standard_input[] = {"-"};

static int open_source(struct input *input, const char *name)
{
	int is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		complain("%s cannot be opened: %s", name, strerror(errno));
		return -1;
	}
	input->sources[input->source_count++] = (struct source){is_stdin ? "standard input" : name, input->count};
	return fd;
}

static void close_source(int fd)
{
	if (fd != STDIN_FILENO)
		close(fd);
}

static const struct source *last_source(const struct input *input)
{
	return &input->sources[input->source_count - 1];
}

static int cannot_read(const struct input *input)
{
	complain("%s cannot be read: %s", last_source(input)->name, strerror(errno));
	return -1;
}

/* Makes room for `size` bytes, at least doubling what there is. */
static int grow(char **memory, size_t *capacity, size_t size)
{
	size_t wanted = *capacity > size / 2 ? *capacity * 2 : size;
	char *larger;

	if (size <= *capacity)
		return 0;
	larger = realloc(*memory, wanted);
	if (!larger) {
		complain("no memory for the input: %zu bytes are needed", wanted);
		return -1;
	}
	*memory = larger;
	*capacity = wanted;
	return 0;
}

/* ---- text ------------------------------------------------------------------------ */

struct reader {
	struct input *input;
	size_t capacity; /* of input->items, in bytes */
	int fd;
	char *buffer; /* one byte longer than size, for a '\0' behind the last line */
	size_t size, start, end;
};

/* Says what is wrong with the line that would be the next item. */
static int wrong_line(const struct input *input, const char *format, ...) FORKPOOL_PRINTF(2, 3);

static int wrong_line(const struct input *input, const char *format, ...)
{
	char place[4096], text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	input_place(input, input->count, place, sizeof place);
	complain("%s: %s", place, text);
	return -1;
}

static int wrong_value(const struct input *input, int error, const char *text, const char *end)
{
	const struct number *number = input->function->item;
	char shown[48];
	int length = 0;

	for (; text < end && length < (int)sizeof shown - 4; text++)
		shown[length++] = isprint((unsigned char)*text) || *text & 0x80 ? *text : '?';
	strcpy(shown + length, text < end ? "..." : "");
	if (error == ERANGE)
		return wrong_line(input, "'%s' is out of range (%s is needed)", shown, number->needed);
	return wrong_line(input, "'%s' is not %s (%s is needed)", shown, number->kind, number->needed);
}

static int wrong_length(const struct input *input, size_t found)
{
	size_t length = input->function->plugin.item_length;
	const char *needed = input->function->item->needed;

	if (length == 1 && found == 0)
		return wrong_line(input, "the line is empty (%s is needed)", needed);
	if (length == 1)
		return wrong_line(input, "more than one value (%s is needed)", needed);
	return wrong_line(input, "%s %zu values (%zu are needed, each %s)", found > length ? "more than" : "only",
	                  found > length ? length : found, length, needed);
}

static int is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads line .. end, where a '\0' stands, into the place of the next item. */
static int parse_line(struct input *input, const char *line, const char *end)
{
	const struct function *function = input->function;
	char *value = input->items + input->count * function->item_size;
	size_t found = 0;

	for (;;) {
		const char *text;
		int error;
		while (line < end && is_blank(*line))
			line++;
		if (line == end)
			break;
		if (++found > function->plugin.item_length)
			return wrong_length(input, found);
		for (text = line; line < end && !is_blank(*line);)
			line++;
		error = function->item->parse(text, line, value);
		if (error)
			return wrong_value(input, error, text, line);
		value += function->item->size;
	}
	return found == function->plugin.item_length ? 0 : wrong_length(input, found);
}

/* Reads more behind what is left of the buffer.  Returns the bytes read, 0 at the end. */
static ssize_t refill(struct reader *reader)
{
	ssize_t got;

	memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
	reader->end -= reader->start;
	reader->start = 0;
	if (reader->end == reader->size) { /* a line as long as the buffer */
		size_t size = reader->size + 1;
		if (grow(&reader->buffer, &size, size + 1))
			return -1;
		reader->size = size - 1;
	}
	do
		got = read(reader->fd, reader->buffer + reader->end, reader->size - reader->end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return cannot_read(reader->input);
	reader->end += (size_t)got;
	return got;
}

/* Finds the next line and puts a '\0' behind it.  Returns 1, 0 at the end, or -1. */
static int next_line(struct reader *reader, char **line, char **end)
{
	size_t searched = 0;

	for (;;) {
		char *start = reader->buffer + reader->start;
		size_t length = reader->end - reader->start;
		ssize_t got;
		*end = memchr(start + searched, '\n', length - searched);
		if (!*end) {
			searched = length;
			got = refill(reader);
			if (got < 0)
				return -1;
			if (got > 0)
				continue;
			if (length == 0)
				return 0;
			start = reader->buffer;
			*end = start + length; /* the last line, without its newline */
			reader->end++;
		}
		**end = '\0';
		*line = start;
		reader->start = (size_t)(*end + 1 - reader->buffer);
		return 1;
	}
}

static int read_lines(struct reader *reader)
{
	struct input *input = reader->input;
	char *line, *end;
	int more;

	reader->start = reader->end = 0;
	while ((more = next_line(reader, &line, &end)) > 0) {
		size_t needed = (input->count + 1) * input->function->item_size;
		if (grow(&input->items, &reader->capacity, needed) || parse_line(input, line, end))
			return -1;
		input->count++;
	}
	return more;
}

static int read_text(struct input *input, const char *const *names, int count)
{
	struct reader reader = {.input = input};
	size_t size = 0;
	int failed = grow(&reader.buffer, &size, 1 << 18);

	reader.size = size - 1;
	for (int i = 0; i < count && !failed; i++) {
		reader.fd = open_source(input, names[i]);
		failed = reader.fd < 0;
		if (failed)
			break;
		failed = read_lines(&reader);
		close_source(reader.fd);
	}
	free(reader.buffer);
	return failed;
}

/* ---- binary ---------------------------------------------------------------------- */

static int read_all(struct input *input, int fd, size_t *size)
{
	size_t capacity = 0;
	ssize_t got;

	do {
		if (grow(&input->items, &capacity, *size + (1 << 16)))
			return -1;
		got = read(fd, input->items + *size, capacity - *size);
		if (got < 0 && errno != EINTR)
			return cannot_read(input);
		*size += got > 0 ? (size_t)got : 0;
	} while (got != 0);
	return 0;
}

/* A file is mapped; a pipe, or a file that was read from before, is read. */
static int read_or_map(struct input *input, int fd, size_t *size)
{
	struct stat status;
	void *mapping;

	if (fstat(fd, &status) != 0)
		return cannot_read(input);
	if (!S_ISREG(status.st_mode) || status.st_size == 0 || lseek(fd, 0, SEEK_CUR) != 0)
		return read_all(input, fd, size);
	mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapping == MAP_FAILED)
		return cannot_read(input);
	input->items = mapping;
	*size = input->mapped = (size_t)status.st_size;
	return 0;
}

static int read_binary(struct input *input, const char *name)
{
	const struct function *function = input->function;
	size_t size = 0;
	int fd = open_source(input, name), failed;

	if (fd < 0)
		return -1;
	failed = read_or_map(input, fd, &size);
	close_source(fd);
	if (failed)
		return -1;
	input->count = size / function->item_size;
	if (size % function->item_size == 0)
		return 0;
	complain("%s: %zu bytes are not a whole number of items, of %zu bytes each (%zu %s)", last_source(input)->name,
	         size, function->item_size, function->plugin.item_length, function->item->name);
	return -1;
}

/* ---- both ------------------------------------------------------------------------ */

int input_read(struct input *input, const struct function *function, char **names, int count, int binary)
{
	const char *const *given = count > 0 ? (const char *const *)names : standard_input;
	int sources = count > 0 ? count : 1;

	*input = (struct input){.function = function, .binary = binary};
	if (binary && count > 1) {
		complain("--binary maps one file into memory; %d were given", count);
		return -1;
	}
	input->sources = calloc((size_t)sources, sizeof *input->sources);
	if (!input->sources) {
		complain("no memory for the names of %d files", sources);
		return -1;
	}
	return binary ? read_binary(input, given[0]) : read_text(input, given, sources);
}

void input_free(struct input *input)
{
	if (input->mapped > 0)
		munmap(input->items, input->mapped);
	else
		free(input->items);
	free(input->sources);
}

static int generate_item(const struct function *function, size_t index, char *item)
{
	char text[NUMBER_TEXT];
	size_t number = function->item->size > 1 ? index : index & UINT8_MAX;
	int length = snprintf(text, sizeof text, "%zu", number), error = 0;

	for (size_t k = 0; k < function->plugin.item_length; k++)
		error |= function->item->parse(text, text + length, item + k * function->item->size);
	return error == 0;
}

int input_generate(struct input *input, const struct function *function, size_t count)
{
	size_t bytes;

	*input = (struct input){.function = function, .generated = 1};
	if (!__builtin_mul_overflow(count, function->item_size, &bytes))
		input->items = malloc(bytes);
	if (!input->items) {
		complain("no memory for %zu items of %zu bytes", count, function->item_size);
		return -1;
	}
	for (; input->count < count; input->count++) {
		if (!generate_item(function, input->count, input->items + input->count * function->item_size)) {
			complain("item %zu cannot be generated: %s is needed", input->count, function->item->needed);
			return -1;
		}
	}
	return 0;
}

void input_place(const struct input *input, size_t index, char *text, size_t size)
{
	const struct source *source = input->generated ? NULL : last_source(input);

	while (source && source->first > index)
		source--;
	if (!source)
		snprintf(text, size, "item %zu", index);
	else if (input->binary)
		snprintf(text, size, "%s: item %zu (at byte %zu)", source->name, index,
		         index * input->function->item_size);
	else
		snprintf(text, size, "%s:%zu", source->name, index - source->first + 1);
}
