/*
 * The clock that everything is timed by, and the time that a worker has used.
 */
#ifndef FORKPOOL_CLOCK_H
#define FORKPOOL_CLOCK_H

#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double clock_seconds(void)
{
	return (double)clock_ns() / 1e9;
}

/* User and system. */
static inline uint64_t clock_cpu_ns(const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime, *system = &usage->ru_stime;
	return (uint64_t)(user->tv_sec + system->tv_sec) * 1000000000u +
	       (uint64_t)(user->tv_usec + system->tv_usec) * 1000u;
}

#endif
