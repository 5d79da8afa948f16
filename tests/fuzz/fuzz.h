/*
 * fuzz.h - what the fuzz targets share: a target takes any bytes, hands them to a part of the
 * project that reads bytes from outside, and compares what comes of it with a reference or a
 * property that must hold.  The same object file is driven by libFuzzer (`make fuzz`) and, as
 * a test, by replay.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../src/cli/cli.h"

/* The target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold, and aborts: for libFuzzer, and for the test, a finding. */
_Noreturn void fuzz_fail(const char *format, ...) FORKPOOL_PRINTF(1, 2);

#define require(condition, ...)                                                                                        \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fuzz_fail(__VA_ARGS__);                                                                        \
	} while (0)

/* What the command would have told its user since the count was last set to 0: complain() is here, and
 * not that of the command. */
extern unsigned complaints;
extern char complaint[8192]; /* the last one */

/* A copy of exactly `size` bytes and, if asked for, a '\0' behind them: what lies behind is not ours, and
 * AddressSanitizer sees who touches it. */
void *fuzz_copy(const void *bytes, size_t size, bool terminated);

/* A file with these bytes, to be opened under the name that *name is set to (an array of 32); the same
 * file for the same `number`, of FUZZ_FILES. */
enum { FUZZ_FILES = 4 };
int fuzz_file(unsigned number, const void *bytes, size_t size, char *name);

/* What parse() of a type's struct number should return for text[0 .. length-1] and, if that is 0,
 * store: whole numbers by exact arithmetic, the others by the C library. */
int reference_parse(forkpool_type type, const char *text, size_t length, void *value);

/* Equal, where any NaN is as good as another. */
bool same_value(forkpool_type type, const void *a, const void *b);

#endif
