/*
 * record - results as JSON and CSV.  Which members a struct has in the JSON stands in one table each, from which they
 * are written and read: what is written can be read, and nothing else can.
 */
#include "record.h"
#include "figures.h"
#include "save.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char format[] = "forkpool comparison 1";

/* ---- What is in the JSON --------------------------------------------------------- */

enum kind { END, TEXT, FLAG, COUNT, NUMBER };

struct field {
	const char *key;
	enum kind kind;
	size_t offset, size; /* size: of a text, with the '\0' */
};

#define SIZE_OF(type, member) sizeof(((struct type *)0)->member)
#define MEMBER(type, kind, member)                                                                                     \
	{                                                                                                              \
#member, kind, offsetof(struct type, member), SIZE_OF(type, member)                                    \
	}
#define NESTED(type, key, member)                                                                                      \
	{                                                                                                              \
		key, NUMBER, offsetof(struct type, member), SIZE_OF(type, member)                                      \
	}

static const struct field results_fields[] = {
        MEMBER(results, TEXT, version),   MEMBER(results, TEXT, date),
        MEMBER(results, TEXT, command),   MEMBER(results, FLAG, quick),
        MEMBER(results, COUNT, workers),  MEMBER(results, COUNT, spin_us),
        MEMBER(results, NUMBER, seconds), {NULL, END, 0, 0},
};

static const struct field machine_fields[] = {
        MEMBER(machine, TEXT, cpu),
        MEMBER(machine, TEXT, kernel),
        MEMBER(machine, TEXT, libc),
        MEMBER(machine, TEXT, compiler),
        MEMBER(machine, TEXT, system),
        MEMBER(machine, COUNT, cpus),
        MEMBER(machine, NUMBER, memory),
        MEMBER(machine, TEXT, caches),
        MEMBER(machine, TEXT, frequency),
        MEMBER(machine, NUMBER, load_before),
        MEMBER(machine, NUMBER, load_after),
        MEMBER(machine, NUMBER, steal),
        {NULL, END, 0, 0},
};

static const struct field peer_fields[] = {
        MEMBER(peer_version, TEXT, name),
        MEMBER(peer_version, TEXT, version),
        MEMBER(peer_version, TEXT, missing),
        {NULL, END, 0, 0},
};

static const struct field section_fields[] = {
        MEMBER(section, TEXT, letter),
        MEMBER(section, TEXT, title),
        MEMBER(section, TEXT, text),
        {NULL, END, 0, 0},
};

static const struct field row_fields[] = {
        MEMBER(row, TEXT, id),     MEMBER(row, TEXT, section), MEMBER(row, TEXT, title),
        MEMBER(row, TEXT, unit),   MEMBER(row, TEXT, note),    MEMBER(row, FLAG, more_is_better),
        MEMBER(row, TEXT, series), MEMBER(row, TEXT, x_name),  MEMBER(row, NUMBER, x),
        {NULL, END, 0, 0},
};

static const struct field entry_fields[] = {
        MEMBER(entry, TEXT, contender),
        MEMBER(entry, TEXT, missing),
        MEMBER(entry, FLAG, is_limit),
        MEMBER(entry, NUMBER, tasks),
        {NULL, END, 0, 0},
};

static const struct field comparison_fields[] = {
        MEMBER(comparison, COUNT, a),           MEMBER(comparison, COUNT, b),
        NESTED(comparison, "low", ratio.low),   NESTED(comparison, "median", ratio.median),
        NESTED(comparison, "high", ratio.high), NESTED(comparison, "level", ratio.level),
        MEMBER(comparison, NUMBER, target),     MEMBER(comparison, TEXT, text),
        MEMBER(comparison, TEXT, because),      {NULL, END, 0, 0},
};

/* ---- Writing JSON ------------------------------------------------------------------ */

/* JSON is UTF-8; a peer may have said what it is in something else. */
static json_t *text_json(const char *text)
{
	char plain[4 * MAX_TEXT];
	json_t *json = json_string(text);
	if (json)
		return json;
	size_t i = 0;
	for (; text[i] && i < sizeof(plain) - 1; i++)
		plain[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	plain[i] = '\0';
	return json_string(plain);
}

static json_t *number_json(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

static json_t *field_json(const struct field *field, const char *member)
{
	switch (field->kind) {
	case TEXT:
		return text_json(member);
	case FLAG:
		return json_boolean(*(const bool *)member);
	case COUNT:
		return json_integer(*(const unsigned *)(const void *)member);
	case NUMBER:
		return number_json(*(const double *)(const void *)member);
	case END:
		break;
	}
	return NULL;
}

/* Out of memory shows as NULL somewhere; jansson hands it on, down to the end. */
static json_t *object_json(const struct field *fields, const void *data)
{
	json_t *object = json_object();
	for (const struct field *field = fields; field->key && object; field++)
		if (json_object_set_new(object, field->key, field_json(field, (const char *)data + field->offset))) {
			json_decref(object);
			object = NULL;
		}
	return object;
}

/* Puts the value into the object; both may be NULL.  Returns the object, or NULL. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
	if (object && json_object_set_new(object, key, value) == 0)
		return object;
	if (!object)
		json_decref(value);
	json_decref(object);
	return NULL;
}

static json_t *and_item(json_t *array, json_t *value)
{
	if (array && json_array_append_new(array, value) == 0)
		return array;
	if (!array)
		json_decref(value);
	json_decref(array);
	return NULL;
}

static json_t *array_json(const struct field *fields, const void *data, size_t count, size_t size)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		array = and_item(array, object_json(fields, (const char *)data + i * size));
	return array;
}

static json_t *entry_json(const struct entry *entry)
{
	json_t *values = json_array();
	for (unsigned i = 0; i < entry->rounds; i++)
		values = and_item(values, number_json(entry->values[i]));
	return with(object_json(entry_fields, entry), "values", values);
}

static json_t *row_json(const struct row *row)
{
	json_t *entries = json_array();
	for (size_t i = 0; i < row->count; i++)
		entries = and_item(entries, entry_json(&row->entries[i]));
	json_t *object = with(object_json(row_fields, row), "entries", entries);
	return with(object, "comparisons",
	            array_json(comparison_fields, row->compared, row->comparisons, sizeof(*row->compared)));
}

static json_t *results_json(const struct results *results)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < results->rows; i++)
		rows = and_item(rows, row_json(&results->row[i]));
	json_t *object = with(object_json(results_fields, results), "format", json_string(format));
	object = with(object, "machine", object_json(machine_fields, &results->machine));
	object = with(object, "peers", array_json(peer_fields, results->peer, results->peers, sizeof(*results->peer)));
	object = with(object, "sections",
	              array_json(section_fields, results->section, results->sections, sizeof(*results->section)));
	return with(object, "rows", rows);
}

static int written(int status, const char *path)
{
	if (status)
		fprintf(stderr, "compare: %s: cannot be written: %s\n", path, strerror(-status));
	return status;
}

int record_write_json(const char *path, const struct results *results)
{
	struct save save;
	json_t *json = results_json(results);
	int status = json ? save_begin(&save, path) : -ENOMEM;
	if (status == 0) {
		status = json_dumpf(json, save.file, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) ? -EIO : 0;
		putc('\n', save.file);
		status = save_end(&save, status);
	}
	json_decref(json);
	return written(status, path);
}

/* ---- Writing CSV ------------------------------------------------------------------- */

/* In quotation marks where it must be (RFC 4180). */
static void write_cell(FILE *file, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(file, "%s,", text);
		return;
	}
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	fputs("\",", file);
}

static void write_values(FILE *file, const struct row *row, const struct entry *entry)
{
	for (unsigned i = 0; i < entry->rounds; i++) {
		write_cell(file, row->id);
		write_cell(file, row->section);
		write_cell(file, row->title);
		write_cell(file, row->unit);
		write_cell(file, row->series);
		fprintf(file, "%s,", exact_text(row->x).s);
		write_cell(file, entry->contender);
		fprintf(file, "%d,%s,%u,%s\n", entry->is_limit, exact_text(entry->tasks).s, i + 1,
		        isfinite(entry->values[i]) ? exact_text(entry->values[i]).s : "");
	}
}

int record_write_csv(const char *path, const struct results *results)
{
	struct save save;
	int status = save_begin(&save, path);
	if (status == 0) {
		fputs("row,section,title,unit,series,x,contender,is_limit,tasks,round,value\n", save.file);
		for (const struct row *row = results->row; row < results->row + results->rows; row++)
			for (size_t i = 0; i < row->count; i++)
				write_values(save.file, row, &row->entries[i]);
		status = save_end(&save, 0);
	}
	return written(status, path);
}

/* ---- Reading JSON ------------------------------------------------------------------ */

/* Where the reader is, for its complaint: "rows[3].entries[1]". */
struct reader {
	const char *path;
	char place[128];
};

__attribute__((format(printf, 3, 4))) static int complain(const struct reader *reader, const char *key,
                                                          const char *text, ...)
{
	char what[256];
	va_list arguments;
	va_start(arguments, text);
	vsnprintf(what, sizeof(what), text, arguments);
	va_end(arguments);
	fprintf(stderr, "compare: %s: %s%s%s: %s\n", reader->path, reader->place, reader->place[0] && key[0] ? "." : "",
	        key, what);
	return -EINVAL;
}

static int read_text(const struct reader *reader, const struct field *field, const json_t *json, char *member)
{
	if (!json_is_string(json))
		return complain(reader, field->key, "must be a string");
	if (json_string_length(json) >= field->size)
		return complain(reader, field->key, "%zu bytes long; at most %zu", json_string_length(json),
		                field->size - 1);
	strcpy(member, json_string_value(json));
	return 0;
}

static int read_count(const struct reader *reader, const struct field *field, const json_t *json, unsigned *member)
{
	json_int_t value = json_integer_value(json);
	if (!json_is_integer(json) || value < 0 || value > UINT_MAX)
		return complain(reader, field->key, "must be a whole number from 0 to %u", UINT_MAX);
	*member = (unsigned)value;
	return 0;
}

static int read_number(const struct reader *reader, const char *key, const json_t *json, double *member)
{
	if (!json_is_number(json) && !json_is_null(json))
		return complain(reader, key, "must be a number, or null for none");
	*member = json_is_null(json) ? NAN : json_number_value(json);
	return 0;
}

static int read_field(const struct reader *reader, const struct field *field, const json_t *json, char *member)
{
	if (!json)
		return complain(reader, field->key, "is missing");
	switch (field->kind) {
	case TEXT:
		return read_text(reader, field, json, member);
	case FLAG:
		if (!json_is_boolean(json))
			return complain(reader, field->key, "must be true or false");
		*(bool *)member = json_is_true(json);
		return 0;
	case COUNT:
		return read_count(reader, field, json, (unsigned *)(void *)member);
	case NUMBER:
		return read_number(reader, field->key, json, (double *)(void *)member);
	case END:
		break;
	}
	return 0;
}

/* Whether the key is one of the fields, or of `others`, a list that NULL ends. */
static bool known(const struct field *fields, const char *const *others, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return true;
	for (; *others; others++)
		if (strcmp(*others, key) == 0)
			return true;
	return false;
}

/* The fields of an object; `others` are the keys that it has beside them, which are read elsewhere. */
static int read_object(const struct reader *reader, const struct field *fields, const char *const *others, json_t *json,
                       void *data)
{
	const char *key;
	json_t *value;
	if (!json_is_object(json))
		return complain(reader, "", "must be an object");
	json_object_foreach(json, key, value) if (!known(fields, others, key)) return complain(reader, key,
	                                                                                       "is not known here");
	for (const struct field *field = fields; field->key; field++) {
		int status = read_field(reader, field, json_object_get(json, field->key), (char *)data + field->offset);
		if (status)
			return status;
	}
	return 0;
}

/* The array of that name; *items is room for what is in it, and *count how many these are: 0 if it failed. */
static int begin_array(const struct reader *reader, const json_t *object, const char *key, size_t most, size_t size,
                       const json_t **array, void *items, size_t *count)
{
	*array = json_object_get(object, key);
	*count = 0;
	if (!json_is_array(*array))
		return complain(reader, key, *array ? "must be an array" : "is missing");
	if (json_array_size(*array) > most)
		return complain(reader, key, "%zu items; at most %zu", json_array_size(*array), most);
	if (items) {
		void *room = calloc(json_array_size(*array) + 1, size);
		if (!room) {
			complain(reader, key, "no memory for it");
			return -ENOMEM;
		}
		memcpy(items, &room, sizeof(room));
	}
	*count = json_array_size(*array);
	return 0;
}

/* Goes to place.key[index]; returns the length of the place before, to go back to. */
static size_t enter(struct reader *reader, const char *key, size_t index)
{
	size_t length = strlen(reader->place);
	snprintf(reader->place + length, sizeof(reader->place) - length, "%s%s[%zu]", length ? "." : "", key, index);
	return length;
}

static const char *const no_others[] = {NULL};

static int read_objects(struct reader *reader, const json_t *array, const char *key, const struct field *fields,
                        void *data, size_t size)
{
	int status = 0;
	for (size_t i = 0; i < json_array_size(array) && status == 0; i++) {
		size_t back = enter(reader, key, i);
		status = read_object(reader, fields, no_others, json_array_get(array, i), (char *)data + i * size);
		if (status == 0)
			reader->place[back] = '\0';
	}
	return status;
}

static int read_entry(struct reader *reader, json_t *json, struct entry *entry)
{
	static const char *const others[] = {"values", NULL};
	const json_t *values;
	size_t count;
	int status = read_object(reader, entry_fields, others, json, entry);
	if (status == 0)
		status = begin_array(reader, json, "values", MAX_ROUNDS, sizeof(double), &values, NULL, &count);
	for (size_t i = 0; status == 0 && i < count; i++) {
		char key[32];
		snprintf(key, sizeof(key), "values[%zu]", i);
		status = read_number(reader, key, json_array_get(values, i), &entry->values[i]);
		entry->rounds = (unsigned)i + 1;
	}
	return status;
}

static int read_entries(struct reader *reader, const json_t *json, struct row *row)
{
	const json_t *array;
	int status = begin_array(reader, json, "entries", MAX_ENTRIES, sizeof(*row->entries), &array, &row->entries,
	                         &row->count);
	for (size_t i = 0; status == 0 && i < row->count; i++) {
		size_t back = enter(reader, "entries", i);
		status = read_entry(reader, json_array_get(array, i), &row->entries[i]);
		if (status == 0)
			reader->place[back] = '\0';
	}
	return status;
}

static int read_comparisons(struct reader *reader, const json_t *json, struct row *row)
{
	const json_t *array;
	int status = begin_array(reader, json, "comparisons", MAX_COMPARISONS, sizeof(*row->compared), &array, NULL,
	                         &row->comparisons);
	if (status == 0)
		status = read_objects(reader, array, "comparisons", comparison_fields, row->compared,
		                      sizeof(*row->compared));
	for (size_t i = 0; status == 0 && i < row->comparisons; i++) {
		unsigned higher = row->compared[i].a > row->compared[i].b ? row->compared[i].a : row->compared[i].b;
		if (higher < row->count)
			continue;
		enter(reader, "comparisons", i);
		status = complain(reader, "", "compares entry %u, and the row has %zu, numbered from 0", higher,
		                  row->count);
	}
	return status;
}

static int read_row(struct reader *reader, json_t *json, struct row *row)
{
	static const char *const others[] = {"entries", "comparisons", NULL};
	int status = read_object(reader, row_fields, others, json, row);
	if (status == 0)
		status = read_entries(reader, json, row);
	return status ? status : read_comparisons(reader, json, row);
}

static int read_rows(struct reader *reader, const json_t *json, struct results *results)
{
	const json_t *array;
	int status =
	        begin_array(reader, json, "rows", 100000, sizeof(*results->row), &array, &results->row, &results->rows);
	for (size_t i = 0; status == 0 && i < results->rows; i++) {
		size_t back = enter(reader, "rows", i);
		status = read_row(reader, json_array_get(array, i), &results->row[i]);
		if (status == 0)
			reader->place[back] = '\0';
	}
	return status;
}

static int read_lists(struct reader *reader, const json_t *json, struct results *results)
{
	const json_t *array;
	int status = begin_array(reader, json, "peers", 1000, sizeof(*results->peer), &array, &results->peer,
	                         &results->peers);
	if (status == 0)
		status = read_objects(reader, array, "peers", peer_fields, results->peer, sizeof(*results->peer));
	if (status == 0)
		status = begin_array(reader, json, "sections", 1000, sizeof(*results->section), &array,
		                     &results->section, &results->sections);
	if (status == 0)
		status = read_objects(reader, array, "sections", section_fields, results->section,
		                      sizeof(*results->section));
	return status ? status : read_rows(reader, json, results);
}

static int read_machine(struct reader *reader, json_t *json, struct results *results)
{
	if (!json)
		return complain(reader, "machine", "is missing");
	strcpy(reader->place, "machine");
	int status = read_object(reader, machine_fields, no_others, json, &results->machine);
	if (status == 0)
		reader->place[0] = '\0';
	return status;
}

static int read_results(struct reader *reader, json_t *json, struct results *results)
{
	static const char *const others[] = {"format", "machine", "peers", "sections", "rows", NULL};
	const char *found = json_string_value(json_object_get(json, "format"));
	if (!found || strcmp(found, format) != 0)
		return complain(reader, "format", "must be \"%s\"", format);
	int status = read_object(reader, results_fields, others, json, results);
	if (status == 0)
		status = read_machine(reader, json_object_get(json, "machine"), results);
	return status ? status : read_lists(reader, json, results);
}

int record_read_json(const char *path, struct results *results)
{
	struct reader reader = {path, ""};
	json_error_t fault;
	*results = (struct results){0};
	FILE *file = fopen(path, "re");
	if (!file) {
		int status = -errno;
		fprintf(stderr, "compare: %s: cannot be read: %s\n", path, strerror(-status));
		return status;
	}
	json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &fault);
	fclose(file);
	if (!json) {
		fprintf(stderr, "compare: %s:%d:%d: %s\n", path, fault.line, fault.column, fault.text);
		return -EINVAL;
	}
	int status = read_results(&reader, json, results);
	json_decref(json);
	if (status)
		record_free(results);
	return status;
}

void record_free(struct results *results)
{
	for (size_t i = 0; i < results->rows; i++)
		free(results->row[i].entries);
	free(results->row);
	free(results->section);
	free(results->peer);
	*results = (struct results){0};
}
