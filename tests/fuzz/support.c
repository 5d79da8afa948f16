/*
 * support.c - see fuzz.h.
 */
#include "fuzz.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned complaints;
char complaint[8192];

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, sizeof complaint, format, args);
	va_end(args);
	complaints++;
}

_Noreturn void fuzz_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("does not hold: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void *fuzz_copy(const void *bytes, size_t size, bool terminated)
{
	char *copy = malloc(size + terminated);

	if (copy == NULL && size + terminated > 0)
		fuzz_fail("memory is there");
	if (size > 0)
		memcpy(copy, bytes, size);
	if (terminated)
		copy[size] = '\0';
	return copy;
}

int fuzz_file(unsigned number, const void *bytes, size_t size, char *name)
{
	static int files[FUZZ_FILES]; /* plus one; 0: not yet there */

	if (files[number] == 0)
		files[number] = memfd_create("fuzz", MFD_CLOEXEC) + 1;
	int fd = files[number] - 1;
	require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size && lseek(fd, 0, 0) == 0,
	        "a file of %zu bytes can be made: %s", size, strerror(errno));
	snprintf(name, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* ---- the reference --------------------------------------------------------------- */

__extension__ typedef __int128 exact;

struct range {
	exact lowest, highest;
};

static const struct range ranges[] = {
        [FORKPOOL_INT64] = {INT64_MIN, INT64_MAX},
        [FORKPOOL_UINT64] = {0, UINT64_MAX},
        [FORKPOOL_INT32] = {INT32_MIN, INT32_MAX},
        [FORKPOOL_UINT8] = {0, UINT8_MAX},
};

/* [+-]digits, and no further than where it is certain to be out of any range. */
static int exact_integer(const char *text, size_t length, const struct range *range, exact *value)
{
	size_t i = length > 0 && (*text == '-' || *text == '+');
	exact magnitude = 0;

	if (i == length)
		return EINVAL;
	for (; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return EINVAL;
		if (magnitude <= UINT64_MAX)
			magnitude = magnitude * 10 + (text[i] - '0');
	}
	*value = *text == '-' ? -magnitude : magnitude;
	return *value < range->lowest || *value > range->highest ? ERANGE : 0;
}

static int check_library(const char *text, const char *stop, size_t length, bool infinite)
{
	if (length == 0 || stop != text + length)
		return EINVAL;
	return infinite && strpbrk(text, "iI") == NULL ? ERANGE : 0;
}

int reference_parse(forkpool_type type, const char *text, size_t length, void *value)
{
	char small[64], *copy = length < sizeof small ? small : malloc(length + 1), *stop;
	exact whole = 0;
	int error;

	memcpy(copy, text, length);
	copy[length] = '\0';
	if (type == FORKPOOL_DOUBLE) {
		double number = strtod(copy, &stop);
		error = check_library(copy, stop, length, isinf(number));
		memcpy(value, &number, sizeof number);
	} else if (type == FORKPOOL_FLOAT) {
		float number = strtof(copy, &stop);
		error = check_library(copy, stop, length, isinf(number));
		memcpy(value, &number, sizeof number);
	} else {
		error = exact_integer(copy, length, &ranges[type], &whole);
		if (type == FORKPOOL_INT32)
			*(int32_t *)value = (int32_t)whole;
		else if (type == FORKPOOL_UINT8)
			*(uint8_t *)value = (uint8_t)whole;
		else
			*(uint64_t *)value = (uint64_t)whole;
	}
	if (copy != small)
		free(copy);
	return error;
}

bool same_value(forkpool_type type, const void *a, const void *b)
{
	double x, y;
	float f, g;

	if (type == FORKPOOL_DOUBLE) {
		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return (isnan(x) && isnan(y)) || memcmp(a, b, sizeof x) == 0;
	}
	if (type == FORKPOOL_FLOAT) {
		memcpy(&f, a, sizeof f);
		memcpy(&g, b, sizeof g);
		return (isnan(f) && isnan(g)) || memcmp(a, b, sizeof f) == 0;
	}
	return memcmp(a, b, number_of(type)->size) == 0;
}
