/*
 * cli.h - what the parts of the command `forkpool` share.
 *
 * The command is a user of the library like any other: it includes forkpool.h
 * and nothing else of it.  Functions that can fail return 0, or -1 after they
 * have told the user why by complain(); nothing but main() ends the process.
 */
#ifndef FORKPOOL_CLI_H
#define FORKPOOL_CLI_H

#include <stddef.h>
#include <stdint.h>
#include "forkpool.h"

enum { EXIT_TROUBLE = 255 }; /* an error of usage, input or environment */

/* ---- main.c, message.c ------------------------------------------------------ */

/* A sub-command: `forkpool NAME ...` calls run() with argv[0] the name. */
struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};
extern const struct command command_bench, command_map;

/* Says who complains from now on: "forkpool map". */
void complain_as(const char *command, const char *subcommand);

/* Prints "forkpool map: ", the text and a newline on stderr, in one piece. */
void complain(const char *format, ...) FORKPOOL_PRINTF(1, 2);

/* What was printed on standard output has to arrive there: the exit status. */
int finish_stdout(void);

/* ---- option.c: values on the command line ---------------------------------------- */

/* `option` is the name for messages. */
int option_number(const char *option, const char *text, unsigned long least, unsigned long most, unsigned long *number);
int option_size(const char *option, const char *text, size_t *size); /* bytes; K, M, G may follow */
int option_seconds(const char *option, const char *text, double *seconds);
int option_backend(const char *option, const char *text, int *backend);

/* FORKPOOL_PROCESSES is "processes". */
const char *backend_name(int backend);

enum { OPTION_LONG = 256 }; /* what getopt_long() returns for an option without a letter is from here on */

/* Says what is wrong with the word that getopt_long() stopped at, where it has returned '?' or ':'.  Returns -1. */
int option_wrong(const char *subcommand, int option, char **argv);

/* ---- decimal.c, number.c: values and their text ------------------------------- */

enum { NUMBER_TEXT = 32 }; /* bytes that are enough for the text of any value */

/* The shortest of %.15g, %.16g and %.17g that reads back as the same double, or "inf",
 * "-inf", "nan"; without '\0'.  Returns its length. */
size_t decimal_print(double value, char *text);

/* Reads text .. end, which no digit must follow, as strtod() does.  Returns 0, or
 * EINVAL (not a number as a whole), ERANGE (too large). */
int decimal_parse(const char *text, const char *end, double *value);

/* One forkpool_type: how its values are called, read and written. */
struct number {
	const char *name;
	const char *kind;    /* "a number", and */
	const char *needed;  /* "a double": for messages */
	const char *missing; /* what stands for the result of a task that failed */
	size_t size;
	int (*parse)(const char *text, const char *end, void *value); /* as decimal_parse() */
	size_t (*print)(const void *value, char *text);               /* as decimal_print() */
};

/* NULL for a type that there is not. */
const struct number *number_of(forkpool_type type);

/* ---- function.c, expression.c, list.c: what is applied ------------------------- */

struct function {
	forkpool_plugin plugin; /* checked: abi, types and lengths make sense */
	const struct number *item, *result;
	size_t item_size, result_size;
};

/* From `FILE.so:NAME`; from a C expression in x. */
int function_load(struct function *function, const char *spec);
int function_compile(struct function *function, const char *expression);

/* Fills in and checks a function from its description; `what` is for messages. */
int function_describe(struct function *function, const forkpool_plugin *plugin, const char *what);

/* Opens a shared object, as a file even where its name holds no slash. */
void *function_open(const char *file);

/* Prints what functions a shared object offers, one a line. */
int function_list(const char *file);

/* ---- input.c ------------------------------------------------------------------- */

/* Where items came from: those from `first` on, one a line in text. */
struct source {
	const char *name;
	size_t first;
};

/* All items, read or mapped before the pool is created, so that workers inherit them. */
struct input {
	const struct function *function;
	struct source *sources;
	size_t source_count;
	char *items;
	size_t count;
	size_t mapped; /* bytes of a mapping; 0: items is from malloc() */
	int binary;
	int generated;
};

/* Reads the files named (none: standard input, as does "-").  A line that is wrong is
 * named, and nothing is kept. */
int input_read(struct input *input, const struct function *function, char **names, int count, int binary);
void input_free(struct input *input);

/* Makes items: all values of item i are i (of uint8: i modulo 256). */
int input_generate(struct input *input, const struct function *function, size_t count);

/* Writes where item `index` stands, "FILE:LINE", or "item INDEX" if it was generated, as snprintf() does. */
void input_place(const struct input *input, size_t index, char *text, size_t size);

/* ---- output.c ------------------------------------------------------------------ */

struct output {
	int fd;
	const char *name; /* for messages */
	char *target;     /* NULL: written directly, to standard output or a device */
	char *temporary;
	char *buffer;
	size_t used;
};

/* Opens `file`, or standard output if it is NULL.  A file appears under its name only
 * when output_close() has made it complete; a signal removes what there is. */
int output_open(struct output *output, const char *file);
int output_close(struct output *output);
void output_discard(struct output *output);

/* Writes all results in order, marking those whose status is not 0 as missing. */
int output_text(struct output *output, const struct function *function, const char *results, size_t count,
                const int32_t *status);
int output_binary(struct output *output, const struct function *function, char *results, size_t count,
                  const int32_t *status);

int output_bytes(struct output *output, const void *bytes, size_t size);

/* ---- progress.c ---------------------------------------------------------------- */

/* A line on stderr that says how far a map is. */
struct progress {
	int wanted; /* shown from the start, and left standing at the end */
	int terminal;
	int shown;
};

/* Sets the callback in opts, where there is something to show: on a terminal once it has
 * taken a second, elsewhere only if wanted. */
void progress_begin(struct progress *progress, int wanted, forkpool_opts *opts);
void progress_end(const struct progress *progress);

#endif
