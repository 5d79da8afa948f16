/*
 * picture - paints iteration counts and writes them as a PNG file.
 *
 * The logarithm of the smooth count picks the colour from a closed ring of colours, so
 * there are no bands; it is also taken for a height and lit from the upper left.  Each
 * pixel is the mean of factor^2 counts, taken in linear light.
 */
#include "picture.h"
#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

struct colour {
	double red, green, blue; /* linear, 0 to 1 */
};

/* Midnight, blue, ice, gold, ember: at even distances on the ring. */
static const struct colour ring[] = {
        {0.001, 0.002, 0.020}, {0.005, 0.060, 0.350}, {0.100, 0.450, 0.850}, {0.930, 0.980, 0.950},
        {1.000, 0.620, 0.080}, {0.450, 0.090, 0.010}, {0.040, 0.005, 0.015},
};
enum { RING = sizeof ring / sizeof *ring };

/* How many times round the ring while the count grows by a factor of e, and where to begin. */
#define TURNS 0.62
#define PHASE 0.05

static double blend(double a, double b, double at)
{
	double smooth = at * at * (3 - 2 * at);
	return a + (b - a) * smooth;
}

static struct colour ring_colour(double position)
{
	double at = (position - floor(position)) * RING;
	size_t i = (size_t)at % RING, next = (i + 1) % RING;
	at -= floor(at);
	return (struct colour){blend(ring[i].red, ring[next].red, at), blend(ring[i].green, ring[next].green, at),
	                       blend(ring[i].blue, ring[next].blue, at)};
}

struct field {
	const float *counts;
	size_t width, rows;
	double base; /* log of the lowest count: where the ring begins */
};

static double height(const struct field *field, size_t column, size_t row)
{
	return log(field->counts[row * field->width + column]);
}

/* 0.5 to 1.5: how bright a slope facing (-1, -1) is, flat ground being 1.  A neighbour that
 * stays for ever has no height: flat. */
static double light(const struct field *field, size_t column, size_t row)
{
	size_t left = column > 0 ? column - 1 : column, up = row > 0 ? row - 1 : row;
	double slope = 2 * height(field, column, row) - height(field, left, row) - height(field, column, up);
	return isfinite(slope) ? 1 + 0.5 * tanh(slope * 8) : 1;
}

static struct colour point_colour(const struct field *field, size_t column, size_t row)
{
	if (field->counts[row * field->width + column] <= 0)
		return (struct colour){0, 0, 0};
	struct colour colour = ring_colour(PHASE + TURNS * (height(field, column, row) - field->base));
	double brightness = light(field, column, row);
	return (struct colour){colour.red * brightness, colour.green * brightness, colour.blue * brightness};
}

/* The sRGB transfer function, IEC 61966-2-1. */
static png_byte encode(double linear)
{
	linear = fmin(linear, 1);
	double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
	return (png_byte)lround(255 * value);
}

static void paint_row(const struct field *field, size_t row, size_t factor, png_byte *pixels)
{
	double samples = (double)(factor * factor);
	for (size_t column = 0; column + factor <= field->width; column += factor) {
		struct colour sum = {0};
		for (size_t i = 0; i < factor * factor; i++) {
			struct colour c = point_colour(field, column + i % factor, row + i / factor);
			sum.red += c.red;
			sum.green += c.green;
			sum.blue += c.blue;
		}
		*pixels++ = encode(sum.red / samples);
		*pixels++ = encode(sum.green / samples);
		*pixels++ = encode(sum.blue / samples);
	}
}

static double lowest(const float *counts, size_t n)
{
	float low = INFINITY;
	for (size_t i = 0; i < n; i++)
		if (counts[i] > 0 && counts[i] < low)
			low = counts[i];
	return isfinite(low) ? low : 1;
}

int picture_write(const char *path, const float *counts, size_t width, size_t rows, size_t factor)
{
	struct field field = {counts, width, rows, log(lowest(counts, width * rows))};
	png_image image = {.version = PNG_IMAGE_VERSION,
	                   .width = (png_uint_32)(width / factor),
	                   .height = (png_uint_32)(rows / factor),
	                   .format = PNG_FORMAT_RGB};
	png_byte *pixels = malloc(PNG_IMAGE_SIZE(image));
	if (!pixels)
		return -ENOMEM;
	for (size_t y = 0; y < image.height; y++)
		paint_row(&field, y * factor, factor, pixels + y * PNG_IMAGE_ROW_STRIDE(image));
	errno = 0;
	int written = png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
	free(pixels);
	return written ? 0 : errno ? -errno : -EIO;
}
