/*
 * number.c - the types of values that items and results are made of, and their text.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

/* ---- text to value --------------------------------------------------------------- */

static int parse_double(const char *text, const char *end, void *value)
{
	return decimal_parse(text, end, value);
}

static int parse_float(const char *text, const char *end, void *value)
{
	char *stop;
	float number = strtof(text, &stop);

	if (stop != end || stop == text)
		return EINVAL;
	if (isinf(number) && !memchr("iI", text[text[0] == '-' || text[0] == '+'], 2))
		return ERANGE;
	memcpy(value, &number, sizeof number);
	return 0;
}

static int parse_signed(const char *text, const char *end, int64_t lowest, int64_t highest, int64_t *value)
{
	char *stop;

	errno = 0;
	*value = strtoll(text, &stop, 10);
	if (stop != end || stop == text)
		return EINVAL;
	return errno == ERANGE || *value < lowest || *value > highest ? ERANGE : 0;
}

static int parse_unsigned(const char *text, const char *end, uint64_t highest, uint64_t *value)
{
	char *stop;

	errno = 0;
	*value = strtoull(text, &stop, 10);
	if (stop != end || stop == text)
		return EINVAL;
	return errno == ERANGE || *value > highest || (*text == '-' && *value != 0) ? ERANGE : 0;
}

static int parse_int64(const char *text, const char *end, void *value)
{
	return parse_signed(text, end, INT64_MIN, INT64_MAX, value);
}

static int parse_uint64(const char *text, const char *end, void *value)
{
	return parse_unsigned(text, end, UINT64_MAX, value);
}

static int parse_int32(const char *text, const char *end, void *value)
{
	int64_t wide = 0;
	int error = parse_signed(text, end, INT32_MIN, INT32_MAX, &wide);

	*(int32_t *)value = (int32_t)wide;
	return error;
}

static int parse_uint8(const char *text, const char *end, void *value)
{
	uint64_t wide = 0;
	int error = parse_unsigned(text, end, UINT8_MAX, &wide);

	*(uint8_t *)value = (uint8_t)wide;
	return error;
}

/* ---- value to text --------------------------------------------------------------- */

static size_t print_double(const void *value, char *text)
{
	return decimal_print(*(const double *)value, text);
}

/* The shortest of %.6g ... %.9g that reads back as the same float. */
static size_t print_float(const void *value, char *text)
{
	float number = *(const float *)value;
	int length = 0;

	if (isnan(number) || isinf(number))
		return decimal_print((double)number, text);
	for (int precision = 6; precision <= 9; precision++) {
		length = snprintf(text, NUMBER_TEXT, "%.*g", precision, (double)number);
		if (strtof(text, NULL) == number)
			break;
	}
	return (size_t)length;
}

static size_t print_magnitude(uint64_t number, int negative, char *text)
{
	char figures[21], *to = figures + sizeof figures;

	do
		*--to = (char)('0' + number % 10);
	while (number /= 10);
	if (negative)
		*--to = '-';
	memcpy(text, to, (size_t)(figures + sizeof figures - to));
	return (size_t)(figures + sizeof figures - to);
}

static size_t print_signed(int64_t number, char *text)
{
	return print_magnitude(number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0, text);
}

static size_t print_int64(const void *value, char *text)
{
	return print_signed(*(const int64_t *)value, text);
}

static size_t print_uint64(const void *value, char *text)
{
	return print_magnitude(*(const uint64_t *)value, 0, text);
}

static size_t print_int32(const void *value, char *text)
{
	return print_signed(*(const int32_t *)value, text);
}

static size_t print_uint8(const void *value, char *text)
{
	return print_magnitude(*(const uint8_t *)value, 0, text);
}

/* ---- the types ------------------------------------------------------------------- */

static const struct number numbers[] = {
        [FORKPOOL_DOUBLE] = {"double", "a number", "a double", "nan", sizeof(double), parse_double, print_double},
        [FORKPOOL_INT64] = {"int64", "a whole number", "a whole number of 64 bits", "-", sizeof(int64_t), parse_int64,
                            print_int64},
        [FORKPOOL_UINT64] = {"uint64", "a whole number", "a whole number from 0 to 18446744073709551615", "-",
                             sizeof(uint64_t), parse_uint64, print_uint64},
        [FORKPOOL_FLOAT] = {"float", "a number", "a float", "nan", sizeof(float), parse_float, print_float},
        [FORKPOOL_INT32] = {"int32", "a whole number", "a whole number from -2147483648 to 2147483647", "-",
                            sizeof(int32_t), parse_int32, print_int32},
        [FORKPOOL_UINT8] = {"uint8", "a whole number", "a whole number from 0 to 255", "-", sizeof(uint8_t),
                            parse_uint8, print_uint8},
};

const struct number *number_of(forkpool_type type)
{
	return (size_t)type < sizeof numbers / sizeof *numbers ? &numbers[type] : NULL;
}
