/*
 * ep - "embarrassingly parallel", a kernel of the NAS Parallel Benchmarks: pairs of
 * normally distributed numbers by Marsaglia's polar method, their sums, and how many
 * fall into each of ten square annuli.
 *
 * Written from D. Bailey et al., "The NAS Parallel Benchmarks", NASA Ames Technical
 * Report RNR-94-007 (1994), section 2.2.1.  Sizes S and W, and the verification sums
 * to more digits, are those of NASA's reference implementation (NPB 3, EP).
 *
 * The generator x' = a x mod 2^46 can skip ahead, so an item is just the number of a
 * block of 2^16 pairs: its result does not depend on who computes it.
 */
#include "kernel.h"
#include <math.h>
#include <stdio.h>

#define MULTIPLIER UINT64_C(1220703125) /* 5^13 */
#define SEED       UINT64_C(271828183)
#define MODULUS    (UINT64_C(1) << 46) /* divides 2^64: overflow does no harm */

enum { ANNULI = 10, BLOCK_PAIRS = 1 << 16, BATCH = 1024 };
enum { BLOCKS = 1 << 27 }; /* then the generator has run through its period, 2^44 */

struct sums {
	double x, y, count[ANNULI];
};

static uint64_t modular_power(uint64_t base, uint64_t exponent)
{
	uint64_t power = 1;
	for (; exponent; exponent >>= 1, base = base * base % MODULUS)
		if (exponent & 1)
			power = power * base % MODULUS;
	return power;
}

/* The numbers of a pair are every second one of the sequence: two sequences with the
 * multiplier squared do not wait for each other. */
struct generator {
	uint64_t first, second;
};

/* Draws BATCH points of the square (-1, 1)^2 and keeps those in the unit circle, with
 * t = x^2 + y^2.  A point is always stored and the end moved only if it is kept: the
 * processor could not guess a branch. */
static size_t draw(struct generator *generator, double *x, double *y, double *t)
{
	const uint64_t stride = MULTIPLIER * MULTIPLIER % MODULUS;
	const double scale = 2.0 / MODULUS;
	size_t kept = 0;
	for (int i = 0; i < BATCH; i++) {
		x[kept] = scale * (double)(int64_t)generator->first - 1;
		y[kept] = scale * (double)(int64_t)generator->second - 1;
		t[kept] = x[kept] * x[kept] + y[kept] * y[kept];
		kept += t[kept] <= 1;
		generator->first = generator->first * stride % MODULUS;
		generator->second = generator->second * stride % MODULUS;
	}
	return kept;
}

/* Turns points of the circle into pairs of normal deviates and adds them up. */
static void add(struct sums *sums, size_t kept, const double *x, const double *y, double *t)
{
	for (size_t i = 0; i < kept; i++)
		t[i] = sqrt(-2 * log(t[i]) / t[i]);
	for (size_t i = 0; i < kept; i++) {
		double gx = x[i] * t[i], gy = y[i] * t[i];
		sums->x += gx;
		sums->y += gy;
		sums->count[(int)fmax(fabs(gx), fabs(gy))]++; /* below 8.2: t >= 2^-90 */
	}
}

static int ep(const void *item, void *result, void *ctx)
{
	(void)ctx;
	uint64_t block = *(const uint64_t *)item;
	if (block >= BLOCKS)
		return forkpool_fail(1, "block %llu: blocks are 0 to %d", (unsigned long long)block, BLOCKS - 1);

	uint64_t before = block * 2 * BLOCK_PAIRS; /* numbers drawn by the blocks before */
	uint64_t first = SEED * modular_power(MULTIPLIER, before + 1) % MODULUS;
	struct generator generator = {first, first * MULTIPLIER % MODULUS};
	double x[BATCH + 1], y[BATCH + 1], t[BATCH + 1];
	struct sums sums = {0};
	for (int pairs = 0; pairs < BLOCK_PAIRS; pairs += BATCH) {
		size_t kept = draw(&generator, x, y, t);
		add(&sums, kept, x, y, t);
	}
	*(struct sums *)result = sums;
	return 0;
}

FORKPOOL_PLUGIN(ep, "NAS EP: block number -> sum x, sum y, counts in 10 annuli (of 2^16 pairs)", ep, FORKPOOL_UINT64, 1,
                FORKPOOL_DOUBLE, 2 + ANNULI);

static void fill(const struct kernel_problem *problem)
{
	uint64_t *items = problem->items;
	for (size_t i = 0; i < problem->tasks; i++)
		items[i] = i;
}

static int run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	return forkpool_map(pool, ep, problem->items, problem->tasks, sizeof(uint64_t), problem->answer,
	                    sizeof(struct sums), opts);
}

static bool check(const struct kernel_problem *problem, char *text, size_t length)
{
	static const struct {
		double x, y;
	} published[KERNEL_SIZES] = {
	        [KERNEL_S] = {-3.247834652034740e3, -6.958407078382297e3},
	        [KERNEL_W] = {-2.863319731645753e3, -6.320053679109499e3},
	        [KERNEL_A] = {-4.295875165629892e3, -1.580732573678431e4},
	};
	const struct sums *blocks = problem->answer;
	double x = 0, y = 0, px = published[problem->size].x, py = published[problem->size].y;
	for (size_t i = 0; i < problem->tasks; i++) {
		x += blocks[i].x;
		y += blocks[i].y;
	}
	snprintf(text, length, "sums %.15e %.15e, published %.15e %.15e", x, y, px, py);
	return fabs((x - px) / px) <= 1e-8 && fabs((y - py) / py) <= 1e-8;
}

#define SIZE(LOG2)                                                                                                     \
	{                                                                                                              \
		"2^" #LOG2 " pairs", (1 << LOG2) / BLOCK_PAIRS, (1 << LOG2) / BLOCK_PAIRS * sizeof(struct sums)        \
	}

const struct kernel forkpool_kernel = {
        .abi = KERNEL_ABI,
        .name = "ep",
        .summary = "NAS EP: pairs of normal deviates",
        .plugin = &forkpool_plugin_ep,
        .item_size = sizeof(uint64_t),
        .sizes = {SIZE(24), SIZE(25), SIZE(28)},
        .fill = fill,
        .run = run,
        .check = check,
};
