/*
 * decimal.c - the command's own printing and reading of doubles against the C library's:
 * random doubles, random decimal texts, and the awkward ones.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../src/cli/cli.h"

static uint64_t checks;

static void fail(const char *what, const char *got, const char *wanted)
{
	fprintf(stderr, "decimal: %s: '%s', should be '%s'\n", what, got, wanted);
	exit(1);
}

static void library_text(double value, char *text)
{
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, NUMBER_TEXT, "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

/* Whatever the C library takes as a number as a whole, and nothing else, is one. */
static void check_parse(const char *text)
{
	char *stop, got[64], want[64];
	double value = 0, wanted = strtod(text, &stop);
	int error = decimal_parse(text, text + strlen(text), &value);
	int wanted_error = *stop || stop == text ? EINVAL : isinf(wanted) && !strpbrk(text, "iI") ? ERANGE : 0;

	checks++;
	snprintf(want, sizeof want, "%a, %d", wanted_error == 0 ? wanted : 0, wanted_error);
	snprintf(got, sizeof got, "%a, %d", error == 0 ? value : 0, error);
	if (strcmp(got, want) != 0)
		fail(text, got, want);
}

static void check_print(double value)
{
	char got[NUMBER_TEXT + 1], want[NUMBER_TEXT];
	size_t length = decimal_print(value, got);

	checks++;
	got[length] = '\0';
	library_text(value, want);
	if (strcmp(got, want) != 0)
		fail("printed", got, want);
	check_parse(got);
}

static void check_both(double value)
{
	check_print(value);
	check_print(-value);
	check_print(nextafter(value, INFINITY));
	check_print(nextafter(value, 0));
}

/* A text of up to 11 characters that numbers are made of. */
static void random_text(uint64_t random, char text[12])
{
	static const char characters[] = "00123459.eE+-xinf";
	size_t length = 1 + random % 11;

	random /= 11;
	for (size_t i = 0; i < length; i++, random /= 17)
		text[i] = characters[random % 17];
	text[length] = '\0';
}

static void check_random(uint64_t seed, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t bits = forkpool_seed(seed, 3 * i), other = forkpool_seed(seed, 3 * i + 1);
		char text[64];
		double value;

		memcpy(&value, &bits, sizeof value);
		if (isfinite(value))
			check_print(value);
		check_print((double)(other >> (bits & 63)));                       /* whole numbers */
		check_print((double)(other % 1000000) / 1000);                     /* prices */
		check_print(ldexp((double)(bits >> 11), -53));                     /* [0, 1) */
		check_print(ldexp(1, (int)(other % 2097) - 1074));                 /* the gap below is half */
		check_print(ldexp((double)(other % 64), (int)(bits % 200) - 100)); /* ties */
		snprintf(text, sizeof text, "%" PRIu64 "e%d", other >> (bits & 63), (int)(bits % 700) - 350);
		check_parse(text);
		random_text(forkpool_seed(seed, 3 * i + 2), text);
		check_parse(text);
		snprintf(text, sizeof text, "-%" PRIu64 ".%" PRIu64, bits >> 40, other);
		check_parse(text);
	}
}

int main(int argc, char **argv)
{
	static const char *const texts[] = {"0",
	                                    "-0",
	                                    "+1",
	                                    "1.",
	                                    ".5",
	                                    "0.1e1",
	                                    "1e23",
	                                    "9007199254740993",
	                                    "1e-400",
	                                    "1e400",
	                                    "-1e400",
	                                    "1e308",
	                                    "1.7976931348623157e308",
	                                    "1.7976931348623159e308",
	                                    "4.9e-324",
	                                    "2.4e-324",
	                                    "2.5e-324",
	                                    "2.2250738585072011e-308",
	                                    "2.2250738585072014e-308",
	                                    "0x1p-3",
	                                    "inf",
	                                    "-inf",
	                                    "infinity",
	                                    "000000000000000000000000000001",
	                                    "0.000000000000000000000000000001",
	                                    "12345678901234567890123",
	                                    "1e0000000000001",
	                                    "18446744073709551616",
	                                    "9999999999999999999",
	                                    "99999999999999999999",
	                                    "abc",
	                                    ".",
	                                    "-",
	                                    "+",
	                                    "e5",
	                                    "1e",
	                                    "1e+",
	                                    "1..2",
	                                    "1.2.3",
	                                    "--1",
	                                    "+-1",
	                                    "1x",
	                                    "0x",
	                                    "-.",
	                                    "1e5.",
	                                    "1,5",
	                                    "1e99999x",
	                                    "nano"};
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20,
	         rounds = argc > 2 ? strtoull(argv[2], NULL, 0) : 50000;

	printf("decimal: seed %" PRIu64 ", %" PRIu64 " rounds\n", seed, rounds);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check_parse(texts[i]);
	check_print(0);
	check_print(-0.0);
	check_print(INFINITY);
	check_print(-INFINITY);
	for (int k = -323; k <= 308; k++)
		check_both(pow(10, k));
	check_random(seed, rounds);
	printf("decimal: %" PRIu64 " checks passed\n", checks);
	return 0;
}
