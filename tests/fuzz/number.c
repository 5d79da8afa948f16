/*
 * number.c - each type's text to value and back (src/cli/number.c, decimal.c).
 *
 * The first byte chooses the type; the rest is a text, and also the bytes of a value.
 *   - What is read is what the reference reads, or is refused as that refuses it, whatever
 *     stands behind the text; and a float is the nearest to the double of the same text.
 *   - What is printed reads back as the same value, fits, and is the C library's shortest.
 */
#include "fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text to value ---- */

/* Floats lie so that the point half way to the next one is a double. */
static void check_nearest(const char *text, size_t length, int error, float number)
{
	const double beyond = 0x1.ffffffp127; /* half way from FLT_MAX to what would be next */
	double exact;

	if (reference_parse(FORKPOOL_DOUBLE, text, length, &exact) == EINVAL || isnan(exact) || strpbrk(text, "iI"))
		return;
	if (error == ERANGE) {
		require(fabs(exact) >= beyond, "'%s' fits a float", text);
		return;
	}
	double below = nextafterf(number, -INFINITY), above = nextafterf(number, INFINITY);
	double low = isinf(below) ? -beyond : (below + number) / 2, high = isinf(above) ? beyond : (number + above) / 2;
	require(low <= exact && exact <= high, "'%s' is read as %a, and not as the nearest float", text,
	        (double)number);
	require(!signbit(exact) == !signbit(number), "'%s' keeps its sign", text);
}

static void check_text(forkpool_type type, const char *text, size_t length, const char *behind)
{
	const struct number *number = number_of(type);
	uint64_t wanted[1] = {0};
	int wanted_error = reference_parse(type, text, length, wanted);
	size_t more = strlen(behind) + 1;
	char *copy = malloc(length + more); /* exactly, as value */
	void *value = malloc(number->size);

	memcpy(copy, text, length);
	memcpy(copy + length, behind, more);
	int error = number->parse(copy, copy + length, value);
	require(error == wanted_error, "'%.*s' as %s: error %d, should be %d", (int)length, text, number->name, error,
	        wanted_error);
	require(error != 0 || same_value(type, value, wanted), "'%.*s' as %s is another value", (int)length, text,
	        number->name);
	if (type == FORKPOOL_FLOAT && error != EINVAL && *behind == '\0') {
		float f = 0;
		memcpy(&f, value, error == 0 ? sizeof f : 0);
		check_nearest(copy, length, error, f);
	}
	free(value);
	free(copy);
}

/* ---- value to text ---- */

/* The shortest of %.LOWg ... that reads back. */
static void library_text(forkpool_type type, const void *value, char *text)
{
	double x;
	float f;

	switch (type) {
	case FORKPOOL_DOUBLE:
		memcpy(&x, value, sizeof x);
		for (int precision = 15; precision <= 17; precision++)
			if (snprintf(text, 64, "%.*g", precision, x), strtod(text, NULL) == x)
				break;
		break;
	case FORKPOOL_FLOAT:
		memcpy(&f, value, sizeof f);
		for (int precision = 6; precision <= 9; precision++)
			if (snprintf(text, 64, "%.*g", precision, (double)f), strtof(text, NULL) == f)
				break;
		break;
	case FORKPOOL_INT64:
		snprintf(text, 64, "%" PRId64, *(const int64_t *)value);
		break;
	case FORKPOOL_UINT64:
		snprintf(text, 64, "%" PRIu64, *(const uint64_t *)value);
		break;
	case FORKPOOL_INT32:
		snprintf(text, 64, "%" PRId32, *(const int32_t *)value);
		break;
	case FORKPOOL_UINT8:
		snprintf(text, 64, "%u", (unsigned)*(const uint8_t *)value);
		break;
	}
	if (strcmp(text, "-nan") == 0)
		strcpy(text, "nan");
}

static void check_value(forkpool_type type, const uint8_t *bytes)
{
	const struct number *number = number_of(type);
	void *value = fuzz_copy(bytes, number->size, false);
	char *text = malloc(NUMBER_TEXT), wanted[64];
	uint64_t again[1] = {0};
	size_t length = number->print(value, text);

	require(length > 0 && length < NUMBER_TEXT, "a text of %zu bytes is short enough", length);
	library_text(type, value, wanted);
	require(strlen(wanted) == length && memcmp(text, wanted, length) == 0, "%s: '%.*s' should be '%s'",
	        number->name, (int)length, text, wanted);
	text[length] = '\0';
	require(number->parse(text, text + length, again) == 0 && same_value(type, value, again),
	        "'%s' is read back as the same %s", text, number->name);
	free(text);
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	forkpool_type type = (forkpool_type)(data[0] % 6);
	char *text = fuzz_copy(data + 1, size - 1, true);
	size_t length = size - 1;

	if (strpbrk(text, " \t\n\v\f\r") == NULL) { /* as input.c cuts it out */
		check_text(type, text, length, "");
		check_text(type, text, length, " 7");
	}
	if (length >= number_of(type)->size)
		check_value(type, data + 1);
	free(text);
	return 0;
}
