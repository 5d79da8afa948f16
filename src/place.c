/*
 * CPUs, as /sys/devices/system/cpu describes them, and sched_setaffinity().
 */
#include "api.h"
#include "cpu.h"
#include "place.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* A number that the system tells about a CPU, or -1. */
static int ask(int cpu, const char *what)
{
	char path[96], line[32];
	int number;
	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, what);
	return cpu_read_line(path, line, sizeof line) && sscanf(line, "%d", &number) == 1 ? number : -1;
}

/* Those of which nothing is known are in the order of their numbers. */
static struct cpu describe(int number)
{
	return (struct cpu){.id = {
	                            [CPU_PACKAGE] = ask(number, "topology/physical_package_id"),
	                            [CPU_CACHE] = ask(number, "cache/index3/id"),
	                            [CPU_CORE] = ask(number, "topology/core_id"),
	                            [CPU_NUMBER] = number,
	                    }};
}

void places_find(struct places *places, int affinity)
{
	size_t size;
	*places = (struct places){0};
	cpu_set_t *allowed = affinity == FORKPOOL_AFFINITY_NONE ? NULL : cpu_allowed(&size);
	if (allowed == NULL)
		return;
	size_t count = (size_t)CPU_COUNT_S(size, allowed);
	places->cpus = calloc(count, sizeof *places->cpus);
	for (int cpu = 0; places->cpus != NULL && places->count < count; cpu++)
		if (CPU_ISSET_S((size_t)cpu, size, allowed))
			places->cpus[places->count++] = describe(cpu);
	CPU_FREE(allowed);
	if (places->count == 0)
		return;
	if (affinity == FORKPOOL_AFFINITY_COMPACT)
		order_compact(places->cpus, places->count);
	else
		order_spread(places->cpus, places->count);
}

void places_free(struct places *places)
{
	free(places->cpus);
	*places = (struct places){0};
}

void places_take(const struct places *places, unsigned slot)
{
	if (places->count == 0)
		return;
	int cpu = places->cpus[slot % places->count].id[CPU_NUMBER];
	size_t size = CPU_ALLOC_SIZE(cpu + 1);
	cpu_set_t *set = CPU_ALLOC(cpu + 1);
	if (set == NULL)
		return;
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	sched_setaffinity(0, size, set);
	CPU_FREE(set);
}
