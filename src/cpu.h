/*
 * What is known of the machine's CPUs beyond forkpool_cpu_count().
 */
#ifndef FORKPOOL_CPU_H
#define FORKPOOL_CPU_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* The affinity mask of the calling thread, for CPU_FREE(), and its size in bytes; NULL: it cannot be told. */
cpu_set_t *cpu_allowed(size_t *size);

/* How many CPUs that mask has: at least 1, and at least forkpool_cpu_count(). */
unsigned cpu_allowed_count(void);

/* The first line of one of the system's files. */
bool cpu_read_line(const char *path, char *line, size_t size);

#endif
