/*
 * bench.h - what the demo and the comparison share: kernels loaded from their shared
 * objects, a clock, medians, and the reading of options.
 */
#ifndef BENCH_H
#define BENCH_H

#include "kernels/kernel.h"

/* Where libtool leaves modules, seen from the build directory. */
#define BENCH_KERNELS "bench/kernels/.libs"

/* Loads DIRECTORY/NAME.so: before a pool is created, whose workers shall know it.
 * NULL, after a message on stderr, if that fails. */
const struct kernel *bench_load(const char *directory, const char *name);

/* Allocates and fills a problem in the pool's arena.  Returns 0 or -errno. */
int bench_prepare(forkpool *pool, const struct kernel *kernel, int size, struct kernel_problem *problem);
void bench_release(forkpool *pool, struct kernel_problem *problem);

/* Seconds on a clock that only goes forward. */
double bench_now(void);

/* Says so on stdout if others are at work on this machine: it is in every figure. */
void bench_note_load(void);

struct bench_spread {
	double low, median, high;
};

/* Sorts the values; count >= 1. */
struct bench_spread bench_spread(double *values, size_t count);

/* For a program's options: a number from 1 to `most`; and that behind the options there is nothing.
 * Otherwise they say on stderr what is wrong, and end the program with status 2. */
unsigned bench_number(const char *program, const char *option, const char *text, long most);
void bench_no_arguments(const char *program, int argc, char **argv);

#endif
