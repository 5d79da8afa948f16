/*
 * decimal.c - doubles to their shortest decimal form and back, fast.
 *
 * Either way is one multiplication by a 128-bit approximation of a power of ten, whose
 * error is known.  Where an answer hangs on less than that error (ties, mostly) the C
 * library is asked, so that the text is always printf()'s and the value strtod()'s; a
 * million numbers then take a tenth of the time.  The idea of deciding by an approximate
 * product and its error bound is from Florian Loitsch, "Printing Floating-Point Numbers
 * Quickly and Accurately with Integers", PLDI 2010.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

/* What there is without 128-bit integers, and in the cases left open with them. */
static size_t print_by_library(double value, char *text)
{
	int length = 0;

	for (int precision = 15; precision <= 17; precision++) {
		length = snprintf(text, NUMBER_TEXT, "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return (size_t)length;
}

static int parse_by_library(const char *text, const char *end, double *value)
{
	char *stop;

	*value = strtod(text, &stop);
	if (stop != end || stop == text)
		return EINVAL;
	return isinf(*value) && !memchr("iI", text[text[0] == '-' || text[0] == '+'], 2) ? ERANGE : 0;
}

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 wide;

enum { LOWEST = -345, HIGHEST = 345 }; /* powers of ten that doubles can need */
enum { MARGIN = 4 };                   /* more than the error of a product, in its last bit */

/* 10^k is digits * 2^exponent, and less than 2^-127 of it more; 2^127 <= digits. */
struct power {
	wide digits;
	int exponent;
};
static struct power powers[HIGHEST - LOWEST + 1];

/* Moves `limbs` (192 bits, the highest bit set, least significant first) up one power of
 * ten, rounding down; returns by how much the exponent grows. */
static int times_ten(uint64_t limbs[3])
{
	wide carry = 0;
	int shift;

	for (int i = 0; i < 3; i++) {
		carry += (wide)limbs[i] * 5;
		limbs[i] = (uint64_t)carry;
		carry >>= 64;
	}
	shift = carry < 4 ? 2 : 3;
	for (int i = 0; i < 2; i++)
		limbs[i] = limbs[i] >> shift | limbs[i + 1] << (64 - shift);
	limbs[2] = limbs[2] >> shift | (uint64_t)carry << (64 - shift);
	return shift + 1;
}

/* The same down. */
static int over_ten(uint64_t limbs[3])
{
	uint64_t rest = 0;
	int shift;

	for (int i = 2; i >= 0; i--) {
		wide part = (wide)rest << 64 | limbs[i];
		limbs[i] = (uint64_t)(part / 5);
		rest = (uint64_t)(part % 5);
	}
	shift = __builtin_clzll(limbs[2]);
	for (int i = 2; i > 0; i--)
		limbs[i] = limbs[i] << shift | limbs[i - 1] >> (64 - shift);
	limbs[0] <<= shift;
	return -shift - 1;
}

static void fill_powers(int last, int step, int (*move)(uint64_t limbs[3]))
{
	uint64_t limbs[3] = {0, 0, UINT64_C(1) << 63};
	int exponent = -127;

	for (int k = 0;; k += step) {
		powers[k - LOWEST] = (struct power){(wide)limbs[2] << 64 | limbs[1], exponent};
		if (k == last)
			break;
		exponent += move(limbs);
	}
}

static const struct power *power_of_ten(int k)
{
	if (powers[-LOWEST].digits == 0) {
		fill_powers(HIGHEST, 1, times_ten);
		fill_powers(LOWEST, -1, over_ten);
	}
	return &powers[k - LOWEST];
}

/* The upper 128 of the 192 bits of number * digits; too small by less than 2. */
static wide multiply(uint64_t number, wide digits)
{
	return (wide)number * (uint64_t)(digits >> 64) + ((wide)number * (uint64_t)digits >> 64);
}

/* ---- double to text ------------------------------------------------------------ */

/* A double, mantissa * 2^exponent > 0, times 10^power, and half the distance to the next
 * double times the same: both with 64 binary places, too small by less than 2. */
struct scaled {
	wide value, half;
	int power;
};

static void scale(uint64_t mantissa, int exponent, int k, struct scaled *scaled)
{
	const struct power *power = power_of_ten(k);
	int zeros = __builtin_clzll(mantissa);

	scaled->value = multiply(mantissa << zeros, power->digits) >> -(exponent - zeros + power->exponent + 128);
	scaled->half = power->digits >> -(exponent - 1 + power->exponent + 64);
	scaled->power = k;
}

/* Chooses the power of ten so that 17 digits stand before the point. */
static void scale_to_17(uint64_t mantissa, int exponent, struct scaled *scaled)
{
	int binary = exponent + 63 - __builtin_clzll(mantissa);
	int decimal = binary * 30103 / 100000 - (binary < 0); /* floor(log10) or one less */

	scale(mantissa, exponent, 16 - decimal, scaled);
	if (scaled->value >> 64 >= UINT64_C(100000000000000000))
		scale(mantissa, exponent, 15 - decimal, scaled);
}

static wide distance(wide a, wide b)
{
	return a > b ? a - b : b - a;
}

/* Rounds to a multiple of `unit`, and says whether the double is the nearest to that:
 * 1 yes, 0 no, -1 not to be told with this precision. */
static int round_to(uint64_t unit, const struct scaled *scaled, int lower_is_near, uint64_t *rounded)
{
	uint64_t base = (uint64_t)(scaled->value >> 64) / unit * unit;
	wide rest = scaled->value - ((wide)base << 64), middle = (wide)unit << 63, away, half;

	if (distance(rest, middle) <= MARGIN)
		return -1;
	*rounded = base + (rest > middle ? unit : 0);
	if (unit == 1) /* 17 digits are always enough */
		return 1;
	away = distance((wide)*rounded << 64, scaled->value);
	half = rest <= middle && lower_is_near ? scaled->half / 2 : scaled->half;
	if (distance(away, half) <= MARGIN)
		return -1;
	return away < half;
}

static char *print_exponent(int exponent, char *to)
{
	*to++ = 'e';
	*to++ = exponent < 0 ? '-' : '+';
	exponent = abs(exponent);
	if (exponent >= 100)
		*to++ = (char)('0' + exponent / 100);
	*to++ = (char)('0' + exponent / 10 % 10);
	*to++ = (char)('0' + exponent % 10);
	return to;
}

/* digits is a whole number of 17 digits; its first one counts 10^exponent. */
static size_t print_digits(uint64_t digits, int exponent, int precision, char *text)
{
	char figures[17], *to = text;
	int count = 17;

	for (int i = 16; i >= 0; i--, digits /= 10)
		figures[i] = (char)('0' + digits % 10);
	while (count > 1 && figures[count - 1] == '0')
		count--;
	if (exponent < -4 || exponent >= precision) {
		*to++ = figures[0];
		if (count > 1)
			*to++ = '.';
		memcpy(to, figures + 1, (size_t)count - 1);
		return (size_t)(print_exponent(exponent, to + count - 1) - text);
	}
	if (exponent < 0) {
		memcpy(to, "0.000", 5);
		to += 1 - exponent;
	}
	for (int i = 0; i < count || i <= exponent; i++) {
		if (i == exponent + 1 && i > 0)
			*to++ = '.';
		*to++ = i < count ? figures[i] : '0';
	}
	return (size_t)(to - text);
}

static size_t print_positive(double value, char *text)
{
	static const uint64_t units[] = {100, 10, 1};
	struct scaled scaled;
	uint64_t bits, mantissa, rounded = 0;
	int exponent, verdict = 0, precision = 14, lower_is_near;

	memcpy(&bits, &value, sizeof bits);
	exponent = (int)(bits >> 52);
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	lower_is_near = mantissa == 0 && exponent > 1;
	mantissa |= exponent > 0 ? UINT64_C(1) << 52 : 0;
	exponent = (exponent > 0 ? exponent : 1) - 1075;

	scale_to_17(mantissa, exponent, &scaled);
	while (verdict == 0)
		verdict = round_to(units[++precision - 15], &scaled, lower_is_near, &rounded);
	if (verdict < 0)
		return print_by_library(value, text);
	exponent = 16 - scaled.power;
	if (rounded == UINT64_C(100000000000000000)) {
		rounded /= 10;
		exponent++;
	}
	return print_digits(rounded, exponent, precision, text);
}

/* ---- text to double ------------------------------------------------------------ */

/* Reads [+-]digits[.digits][e[+-]digits] of at most 19 digits into number * 10^power.
 * Returns 0 for anything else, which may be a number none the less. */
static int scan(const char *text, const char *end, uint64_t *number, int *power)
{
	const char *point = NULL, *start = text;
	int digits = 0;

	*number = 0;
	for (; text < end && (*text == '.' || (*text >= '0' && *text <= '9')); text++) {
		if (*text == '.' && point)
			return 0;
		if (*text == '.') {
			point = text + 1;
			continue;
		}
		digits += *number > 0;
		*number = *number * 10 + (uint64_t)(*text - '0');
	}
	if (digits > 18 || text - start == (point != NULL))
		return 0;
	*power = point ? (int)(point - text) : 0;
	if (text < end && (*text == 'e' || *text == 'E')) {
		int negative = ++text < end && *text == '-', exponent = 0;
		if (text < end && (*text == '-' || *text == '+'))
			text++;
		if (end - text < 1 || end - text > 4)
			return 0;
		for (; text < end && *text >= '0' && *text <= '9'; text++)
			exponent = exponent * 10 + (*text - '0');
		*power += negative ? -exponent : exponent;
	}
	return text == end;
}

/* Returns 0 where the rounding is not to be told, or the result not a normal double. */
static int parse_product(uint64_t number, int k, double *value)
{
	const struct power *power = power_of_ten(k);
	int zeros = __builtin_clzll(number), exponent = power->exponent + 64 - zeros, drop;
	wide product = multiply(number << zeros, power->digits), rest, middle;
	uint64_t mantissa;

	drop = product >> 127 ? 75 : 74;
	rest = product & (((wide)1 << drop) - 1);
	middle = (wide)1 << (drop - 1);
	exponent += drop;
	if (distance(rest, middle) <= MARGIN || exponent < -1074 || exponent > 970)
		return 0;
	mantissa = (uint64_t)(product >> drop) + (rest > middle);
	*value = ldexp((double)mantissa, exponent);
	return 1;
}

size_t decimal_print(double value, char *text)
{
	size_t sign = 0;

	if (isnan(value)) {
		memcpy(text, "nan", 3);
		return 3;
	}
	if (signbit(value)) {
		*text = '-';
		value = -value;
		sign = 1;
	}
	if (value == 0 || isinf(value))
		return sign + print_by_library(value, text + sign);
	return sign + print_positive(value, text + sign);
}

int decimal_parse(const char *text, const char *end, double *value)
{
	const char *number_text = text + (*text == '-' || *text == '+');
	uint64_t number;
	int power;

	if (!scan(number_text, end, &number, &power))
		return parse_by_library(text, end, value);
	if (number == 0)
		*value = 0;
	else if (power < LOWEST || power > HIGHEST || !parse_product(number, power, value))
		return parse_by_library(text, end, value);
	if (*text == '-')
		*value = -*value;
	return 0;
}

#else

size_t decimal_print(double value, char *text)
{
	if (isnan(value)) {
		memcpy(text, "nan", 3);
		return 3;
	}
	return print_by_library(value, text);
}

int decimal_parse(const char *text, const char *end, double *value)
{
	return parse_by_library(text, end, value);
}

#endif
