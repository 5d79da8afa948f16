/*
 * bench - what the demo and the comparison share: kernels loaded from their shared
 * objects, a clock, medians, and the reading of options.
 */
#include "bench.h"
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct kernel *bench_load(const char *directory, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s.so", directory, name);
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct kernel *kernel = object ? dlsym(object, "forkpool_kernel") : NULL;
	if (!kernel)
		fprintf(stderr, "%s\n", dlerror());
	else if (kernel->abi != KERNEL_ABI)
		fprintf(stderr, "%s: kernel of version %d, %d is needed\n", path, kernel->abi, KERNEL_ABI);
	else
		return kernel;
	return NULL;
}

int bench_prepare(forkpool *pool, const struct kernel *kernel, int size, struct kernel_problem *problem)
{
	*problem = (struct kernel_problem){.size = size, .tasks = kernel->sizes[size].tasks};
	problem->answer = forkpool_alloc(pool, kernel->sizes[size].answer_size);
	if (!problem->answer)
		return -errno;
	if (kernel->item_size == 0)
		return 0;
	problem->items = forkpool_alloc(pool, problem->tasks * kernel->item_size);
	if (!problem->items) {
		int error = -errno;
		bench_release(pool, problem);
		return error;
	}
	kernel->fill(problem);
	return 0;
}

void bench_release(forkpool *pool, struct kernel_problem *problem)
{
	forkpool_free(pool, problem->items);
	forkpool_free(pool, problem->answer);
}

double bench_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void bench_note_load(void)
{
	double load = 0;
	if (getloadavg(&load, 1) == 1 && load > 0.5)
		printf("Others are at work here (load average %.1f): expect less speed-up and a wide spread.\n", load);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct bench_spread bench_spread(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare);
	double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
	return (struct bench_spread){values[0], median, values[count - 1]};
}

unsigned bench_number(const char *program, const char *option, const char *text, long most)
{
	char *end;
	long number = strtol(text, &end, 10);
	if (*end || end == text || number < 1 || number > most) {
		fprintf(stderr, "%s: %s '%s': a number from 1 to %ld is needed\n", program, option, text, most);
		exit(2);
	}
	return (unsigned)number;
}

void bench_no_arguments(const char *program, int argc, char **argv)
{
	if (optind < argc) {
		fprintf(stderr, "%s: '%s': there are no arguments but options; see --help\n", program, argv[optind]);
		exit(2);
	}
}
