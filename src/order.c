/*
 * The order of CPUs: sorted by what they share, and, to spread, sorted again by the turn at which each comes
 * where all that shares something is taken in turns.
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
	const struct cpu *one = a, *other = b;
	for (int level = 0; level < CPU_LEVELS; level++)
		if (one->id[level] != other->id[level])
			return one->id[level] < other->id[level] ? -1 : 1;
	return 0;
}

static int compare_turns(const void *a, const void *b)
{
	const struct cpu *one = a, *other = b;
	for (int level = CPU_LEVELS - 1; level >= 0; level--)
		if (one->turn[level] != other->turn[level])
			return one->turn[level] < other->turn[level] ? -1 : 1;
	return 0;
}

void order_compact(struct cpu *cpus, size_t count)
{
	qsort(cpus, count, sizeof *cpus, compare_ids);
}

/* One beside the other in compact order: at the first level where they differ it is the next one's turn, and below
 * that it begins anew. */
static void take_turn(const struct cpu *before, struct cpu *cpu)
{
	memset(cpu->turn, 0, sizeof cpu->turn);
	int level = 0;
	while (level < CPU_NUMBER && cpu->id[level] == before->id[level]) {
		cpu->turn[level] = before->turn[level];
		level++;
	}
	cpu->turn[level] = before->turn[level] + 1;
}

void order_spread(struct cpu *cpus, size_t count)
{
	order_compact(cpus, count);
	if (count > 0)
		memset(cpus->turn, 0, sizeof cpus->turn);
	for (size_t i = 1; i < count; i++)
		take_turn(&cpus[i - 1], &cpus[i]);
	qsort(cpus, count, sizeof *cpus, compare_turns);
}
