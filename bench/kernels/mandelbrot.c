/*
 * mandelbrot - how long z' = z^2 + c, from z = 0, stays bounded.
 *
 * An item is a row of points: its left end c = re + i im, and the step to the right.  The
 * result is a smooth iteration count for each point, 0 where the orbit stays.  The
 * fraction of points that stay gives the area of the Mandelbrot set, which is known from
 * counting far more of them: 1.5065918849 (T. Foerstemann, "Numerical estimation of the
 * area of the Mandelbrot set", 2012).
 */
#include "kernel.h"
#include "mandelbrot.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = MANDELBROT_WIDTH, LANES = 8, STRIDE = 4, LIMIT = 2048 };
#define ESCAPED  1e4 /* |z|^2: the count is smooth far from the set */
#define FARTHEST 1e3 /* |c|, so that nothing overflows before it is seen to escape */

struct row {
	double re, im, step;
};

/* LANES points side by side, each at its own iteration. */
struct lanes {
	double re[LANES], im;      /* c */
	double x[LANES], y[LANES]; /* z */
	int count[LANES];          /* iterations so far */
	int column[LANES];         /* which point of the row it is; WIDTH: none */
};

/* No branch, so that the loop over lanes becomes vector instructions.  A point that escapes
 * meanwhile just goes on: |z|^2 is squared each time, and ESCAPED^(2^STRIDE) is a double. */
static void iterate(struct lanes *restrict z)
{
	for (int i = 0; i < LANES; i++) {
		double x = z->x[i], y = z->y[i];
		for (int times = 0; times < STRIDE; times++) {
			double xy = x * y;
			x = x * x - y * y + z->re[i];
			y = xy + xy + z->im;
		}
		z->x[i] = x;
		z->y[i] = y;
	}
}

/* The main cardioid and the disk of period 2, where iterating takes longest to see nothing. */
static bool stays(double re, double im)
{
	double x = re - 0.25, yy = im * im, q = x * x + yy;
	return q * (q + x) <= yy / 4 || (re + 1) * (re + 1) + yy <= 1.0 / 16;
}

/* Continuous from point to point, and the same from whichever iteration it is taken. */
static float smooth(int count, double r2)
{
	return (float)(count + 1 - log2(log(r2) / log(ESCAPED)));
}

/* Puts the first point from `column` on that needs work into a lane; returns the next column. */
static int load(struct lanes *z, int lane, struct row row, int column)
{
	while (column < WIDTH && stays(row.re + column * row.step, row.im))
		column++;
	z->column[lane] = column;
	z->re[lane] = row.re + column * row.step;
	z->x[lane] = z->y[lane] = 0;
	z->count[lane] = 0;
	return column < WIDTH ? column + 1 : WIDTH;
}

static int mandelbrot(const void *item, void *result, void *ctx)
{
	(void)ctx;
	struct row row = *(const struct row *)item;
	if (!(fabs(row.re) + fabs(row.im) + WIDTH * fabs(row.step) <= FARTHEST))
		return forkpool_fail(1, "row from %g + %g i by steps of %g: farther than %g from 0", row.re, row.im,
		                     row.step, FARTHEST);
	float *counts = memset(result, 0, WIDTH * sizeof *counts);
	struct lanes z = {.im = row.im};
	int next = 0, busy = LANES;
	for (int i = 0; i < LANES; i++)
		next = load(&z, i, row, next);
	while (busy > 0) {
		iterate(&z);
		busy = 0;
		for (int i = 0; i < LANES; i++) {
			if (z.column[i] == WIDTH)
				continue;
			double r2 = z.x[i] * z.x[i] + z.y[i] * z.y[i];
			z.count[i] += STRIDE;
			if (r2 >= ESCAPED)
				counts[z.column[i]] = smooth(z.count[i], r2);
			if (r2 >= ESCAPED || z.count[i] >= LIMIT)
				next = load(&z, i, row, next);
			busy++;
		}
	}
	return 0;
}

FORKPOOL_PLUGIN(mandelbrot, "left end re, im and step of a row -> smooth iteration counts of 3200 points", mandelbrot,
                FORKPOOL_DOUBLE, 3, FORKPOOL_FLOAT, WIDTH);

/* A rectangle of the plane: `rows` rows of WIDTH points, each in the middle of its cell. */
struct view {
	double re, im; /* the middle */
	double width, height;
};

static const struct view upper_half = {-0.75, 0.6, 2.6, 1.2}; /* of the whole set */
static const struct view picture = {-0.7436, 0.13135, 0.0026, 0.0026 * 5 / 8};

static void fill_view(struct row *items, struct view view, size_t rows)
{
	double step = view.width / WIDTH, down = view.height / (double)rows;
	for (size_t i = 0; i < rows; i++)
		items[i] = (struct row){.re = view.re - view.width / 2 + step / 2,
		                        .im = view.im + view.height / 2 - down * ((double)i + 0.5),
		                        .step = step};
}

static void fill(const struct kernel_problem *problem)
{
	struct row *items = problem->items;
	fill_view(items, upper_half, MANDELBROT_AREA_ROWS);
	fill_view(items + MANDELBROT_AREA_ROWS, picture, problem->tasks - MANDELBROT_AREA_ROWS);
}

static int run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	return forkpool_map(pool, mandelbrot, problem->items, problem->tasks, sizeof(struct row), problem->answer,
	                    WIDTH * sizeof(float), opts);
}

static bool check(const struct kernel_problem *problem, char *text, size_t length)
{
	const double published = 1.5065918849, points = (double)MANDELBROT_AREA_ROWS * WIDTH;
	const float *counts = problem->answer;
	size_t stayed = 0;
	for (size_t i = 0; i < (size_t)MANDELBROT_AREA_ROWS * WIDTH; i++)
		stayed += counts[i] == 0;
	double area = 2 * upper_half.width * upper_half.height * (double)stayed / points;
	snprintf(text, length, "area %.4f, published %.4f", area, published);
	return fabs(area - published) < 0.002;
}

#define TASKS(ROWS) (MANDELBROT_AREA_ROWS + (ROWS))
#define BYTES(ROWS) (TASKS(ROWS) * WIDTH * sizeof(float))

const struct kernel forkpool_kernel = {
        .abi = KERNEL_ABI,
        .name = "mandelbrot",
        .summary = "the Mandelbrot set, whole and a detail",
        .plugin = &forkpool_plugin_mandelbrot,
        .item_size = sizeof(struct row),
        .sizes = {{"250 rows", TASKS(250), BYTES(250)},
                  {"2000 rows", TASKS(2000), BYTES(2000)},
                  {"8000 rows", TASKS(8000), BYTES(8000)}},
        .fill = fill,
        .run = run,
        .check = check,
};
