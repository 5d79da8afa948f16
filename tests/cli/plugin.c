/*
 * plugin.c - functions for the tests of the command: each type, vectors, and tasks that
 * crash, fail, take their time, and do not agree with threads.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "forkpool.h"

/* Copies of the item, or twice the item, in each type. */
#define DEFINE_TWICE(NAME, TYPE)                                                                                       \
	static int NAME(const void *item, void *result, void *ctx)                                                     \
	{                                                                                                              \
		(void)ctx;                                                                                             \
		*(TYPE *)result = (TYPE)(2 * *(const TYPE *)item);                                                     \
		return 0;                                                                                              \
	}
DEFINE_TWICE(twice_double, double)
DEFINE_TWICE(twice_float, float)
DEFINE_TWICE(twice_int32, int32_t)
DEFINE_TWICE(twice_uint8, uint8_t)
FORKPOOL_PLUGIN(double, "2 x", twice_double, FORKPOOL_DOUBLE, 1, FORKPOOL_DOUBLE, 1);
FORKPOOL_PLUGIN(float, "2 x", twice_float, FORKPOOL_FLOAT, 1, FORKPOOL_FLOAT, 1);
FORKPOOL_PLUGIN(int32, "2 x", twice_int32, FORKPOOL_INT32, 1, FORKPOOL_INT32, 1);
FORKPOOL_PLUGIN(uint8, "2 x", twice_uint8, FORKPOOL_UINT8, 1, FORKPOOL_UINT8, 1);

#define DEFINE_SAME(NAME, TYPE)                                                                                        \
	static int NAME(const void *item, void *result, void *ctx)                                                     \
	{                                                                                                              \
		(void)ctx;                                                                                             \
		*(TYPE *)result = *(const TYPE *)item;                                                                 \
		return 0;                                                                                              \
	}
DEFINE_SAME(same_int64, int64_t)
DEFINE_SAME(same_uint64, uint64_t)
FORKPOOL_PLUGIN(int64, "x", same_int64, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);
FORKPOOL_PLUGIN(uint64, "x", same_uint64, FORKPOOL_UINT64, 1, FORKPOOL_UINT64, 1);

/* (x, y, z) to its length and the sum of its parts. */
static int norm(const void *item, void *result, void *ctx)
{
	const double *v = item;
	double *out = result;

	(void)ctx;
	out[0] = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
	out[1] = v[0] + v[1] + v[2];
	return 0;
}
FORKPOOL_PLUGIN(norm, "length and sum of a vector", norm, FORKPOOL_DOUBLE, 3, FORKPOOL_DOUBLE, 2);

/* Twice the item; a negative one crashes. */
static int fragile(const void *item, void *result, void *ctx)
{
	int64_t x = *(const int64_t *)item;

	(void)ctx;
	*(int64_t *)result = 2 * x;
	if (x < 0)
		abort();
	return 0;
}
FORKPOOL_PLUGIN(fragile, "2 x; crashes below 0", fragile, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

/* The same for a vector of doubles. */
static int fragile_pair(const void *item, void *result, void *ctx)
{
	const double *x = item;
	double *out = result;

	(void)ctx;
	out[0] = x[0] + x[1];
	out[1] = x[0] - x[1];
	if (x[0] < 0)
		abort();
	return 0;
}
FORKPOOL_PLUGIN(fragile_pair, "x + y, x - y; crashes below 0", fragile_pair, FORKPOOL_DOUBLE, 2, FORKPOOL_DOUBLE, 2);

/* Twice the item; a negative one is refused in words. */
static int picky(const void *item, void *result, void *ctx)
{
	int32_t x = *(const int32_t *)item;

	(void)ctx;
	*(int32_t *)result = 2 * x;
	return x < 0 ? forkpool_fail(3, "%d is below zero", (int)x) : 0;
}
FORKPOOL_PLUGIN(picky, "2 x; fails below 0", picky, FORKPOOL_INT32, 1, FORKPOOL_INT32, 1);

/* Takes as many milliseconds as the item says. */
static int wait_for(const void *item, void *result, void *ctx)
{
	int64_t ms = *(const int64_t *)item;

	(void)ctx;
	nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}, NULL);
	*(int64_t *)result = ms;
	return 0;
}
FORKPOOL_PLUGIN(wait, "waits for x ms", wait_for, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

/* Twice the item; one above 1000 is refused. */
static int bounded(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int64_t *)result = 2 * *(const int64_t *)item;
	return *(const int64_t *)item > 1000;
}
FORKPOOL_PLUGIN(bounded, "2 x; fails above 1000", bounded, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

static int in_thread(void)
{
	return syscall(SYS_gettid) != getpid();
}

/* Another answer in a thread, from the item 7 on. */
static int moody(const void *item, void *result, void *ctx)
{
	int64_t x = *(const int64_t *)item;

	(void)ctx;
	*(int64_t *)result = x >= 7 && in_thread() ? -x : x;
	return 0;
}
FORKPOOL_PLUGIN(moody, "x; from 7 on -x in a thread", moody, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

/* Crashes in a thread. */
static int lonely(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int64_t *)result = *(const int64_t *)item;
	if (in_thread())
		abort();
	return 0;
}
FORKPOOL_PLUGIN(lonely, "x; crashes in a thread", lonely, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

/* Crashes when threads have called it often. */
static int weary(const void *item, void *result, void *ctx)
{
	static atomic_int calls;

	(void)ctx;
	*(int64_t *)result = *(const int64_t *)item;
	if (in_thread() && atomic_fetch_add(&calls, 1) > 1000)
		abort();
	return 0;
}
FORKPOOL_PLUGIN(weary, "x; crashes when threads have called it often", weary, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);

/* Descriptions that are wrong. */
extern const forkpool_plugin forkpool_plugin_old;
const forkpool_plugin forkpool_plugin_old = {0, "too old", same_int64, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1};
FORKPOOL_PLUGIN(typeless, "no such type", same_int64, (forkpool_type)77, 1, FORKPOOL_DOUBLE, 1);
FORKPOOL_PLUGIN(empty, "no function", NULL, FORKPOOL_INT64, 1, FORKPOOL_INT64, 1);
FORKPOOL_PLUGIN(endless, "too long", same_int64, FORKPOOL_INT64, 1, FORKPOOL_INT64, SIZE_MAX);
