/* What the examples share: an end with a message where a call fails that must not, a clock, and which kinds of
 * worker to compare. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <forkpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const backend_names[] = {"processes", "threads", "serial"};
enum { BACKENDS = sizeof backend_names / sizeof *backend_names };

/* Ends the program unless `code`, what a call of the pool has returned, is 0. */
static inline void must(const char *what, int code)
{
	if (code == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, forkpool_strerror(code));
	exit(EXIT_FAILURE);
}

/* Seconds of a clock that only goes forward. */
static inline double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether a program that compares the backends should run this one: processes and threads, or the one that
 * FORKPOOL_BACKEND names, since that would take the place of any other. */
static inline int compared(int backend)
{
	const char *only = getenv("FORKPOOL_BACKEND");
	for (int i = 0; only && i < BACKENDS; i++)
		if (strcmp(only, backend_names[i]) == 0)
			return i == backend;
	return backend != FORKPOOL_SERIAL;
}

#endif
