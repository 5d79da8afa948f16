/*
 * How many CPUs this process may use: its affinity mask, and its cgroup's quota, v2 (cpu.max)
 * or v1 (cpu.cfs_quota_us), of the group itself and of every group above it.
 */
#include "api.h"
#include "cpu.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cpu_set_t *cpu_allowed(size_t *size)
{
	for (size_t cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC(cpus);
		if (set == NULL)
			break;
		*size = CPU_ALLOC_SIZE(cpus);
		if (sched_getaffinity(0, *size, set) == 0 && CPU_COUNT_S(*size, set) > 0)
			return set;
		CPU_FREE(set);
	}
	return NULL;
}

unsigned cpu_allowed_count(void)
{
	size_t size;
	cpu_set_t *set = cpu_allowed(&size);
	long online = set == NULL ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return online > 0 ? (unsigned)online : 1;
}

bool cpu_read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	bool read = fgets(line, (int)size, file) != NULL;
	fclose(file);
	return read;
}

/* CPUs by quota of one group, 0: no limit. */
static unsigned group_quota(const char *root, const char *group, bool v2)
{
	char path[4200], line[128];
	long long quota = 0, period = 0;
	if (v2) {
		snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
		if (!cpu_read_line(path, line, sizeof line) || sscanf(line, "%lld %lld", &quota, &period) != 2)
			return 0;
	} else {
		snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", root, group);
		if (!cpu_read_line(path, line, sizeof line) || sscanf(line, "%lld", &quota) != 1)
			return 0;
		snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", root, group);
		if (!cpu_read_line(path, line, sizeof line) || sscanf(line, "%lld", &period) != 1)
			return 0;
	}
	if (quota <= 0 || period <= 0)
		return 0;
	quota = quota / period + (quota % period != 0);
	return quota < UINT_MAX ? (unsigned)quota : UINT_MAX;
}

/* The tightest quota from the group up to the root. */
static unsigned tightest_quota(const char *root, char *group, bool v2, unsigned least)
{
	for (;;) {
		unsigned quota = group_quota(root, group, v2);
		if (quota > 0 && quota < least)
			least = quota;
		char *slash = strrchr(group, '/');
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

static bool lists_cpu(const char *controllers)
{
	for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
			return true;
	}
	return false;
}

/* A line is ID:CONTROLLERS:GROUP, as long as a path may be.  Anything else is no limit. */
static unsigned line_quota(char *line, unsigned least)
{
	char *controllers = strchr(line, ':'), *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
	if (group == NULL || group[1] != '/')
		return least;
	line[strcspn(line, "\n")] = '\0';
	*controllers++ = '\0';
	*group++ = '\0';
	if (strcmp(group, "/") == 0)
		*group = '\0';
	if (*controllers == '\0')
		return tightest_quota("/sys/fs/cgroup", group, true, least);
	return lists_cpu(controllers) ? tightest_quota("/sys/fs/cgroup/cpu", group, false, least) : least;
}

unsigned forkpool_cpu_count(void)
{
	unsigned count = cpu_allowed_count();
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[2 * PATH_MAX];
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		count = line_quota(line, count);
	if (file != NULL)
		fclose(file);
	return count;
}
