/*
 * cpu.c - reading CPU quotas out of /proc/self/cgroup and cgroup files (src/cpu.c).
 *
 * The input is a small file system: parts with a line "--" between them; the first line of a part is a
 * path, what follows is the file.  Of the machine itself only the number of CPUs is asked for, and
 * that is 48 here.  The reference asks the same files, in exact arithmetic.
 */
#include "fuzz.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS = 48, MOST_FILES = 32 };

struct file {
	const char *path;
	char *text;
};

static struct file files[MOST_FILES];
static size_t file_count;

static char *text_of(const char *path)
{
	for (size_t i = 0; i < file_count; i++)
		if (strcmp(files[i].path, path) == 0)
			return files[i].text;
	return NULL;
}

/* ---- the code under test, which sees these files only ---- */

static FILE *open_file(const char *path, const char *mode)
{
	char *text = text_of(path);

	require(strcmp(path, "/proc/self/cgroup") == 0 || strncmp(path, "/sys/fs/cgroup/", 15) == 0,
	        "only the system's files are read, and not '%s'", path);
	require(strcmp(mode, "re") == 0, "files are only read");
	return text == NULL ? NULL : fmemopen(text, strlen(text), "r");
}

static int affinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	CPU_ZERO_S(size, set);
	for (int cpu = 0; cpu < CPUS; cpu++)
		CPU_SET_S(cpu, size, set);
	return 0;
}

#define fopen             open_file
#define sched_getaffinity affinity
#include "../../src/cpu.c"
#undef fopen

/* ---- the reference ---- */

__extension__ typedef __int128 exact;

/* CPUs, rounded up, of quota and period; `most` where there is no limit. */
static unsigned limit_by(long long quota, long long period, unsigned most)
{
	if (quota <= 0 || period <= 0)
		return most;
	exact cpus = ((exact)quota + period - 1) / period;
	return cpus < most ? (unsigned)cpus : most;
}

/* Up to `count` numbers that the file begins with: how many there are. */
static int numbers_in(const char *path, const char *root, long long *numbers, int count)
{
	char whole[8192], *end;

	snprintf(whole, sizeof whole, "%s%s", root, path);
	char *text = text_of(whole), *line = text == NULL ? NULL : strndup(text, strcspn(text, "\n"));
	const char *at = line;
	int found = 0;
	for (; at != NULL && found < count; found++, at = end) {
		numbers[found] = strtoll(at, &end, 10);
		if (end == at)
			break;
	}
	free(line);
	return found;
}

static unsigned limit_of_group(const char *group, bool v2, unsigned most)
{
	char quota_file[8192], period_file[8192];
	long long numbers[2];

	snprintf(quota_file, sizeof quota_file, "%s/%s", group, v2 ? "cpu.max" : "cpu.cfs_quota_us");
	snprintf(period_file, sizeof period_file, "%s/cpu.cfs_period_us", group);
	if (v2 ? numbers_in(quota_file, "/sys/fs/cgroup", numbers, 2) < 2
	       : numbers_in(quota_file, "/sys/fs/cgroup/cpu", numbers, 1) < 1 ||
	                    numbers_in(period_file, "/sys/fs/cgroup/cpu", numbers + 1, 1) < 1)
		return most;
	return limit_by(numbers[0], numbers[1], most);
}

/* The group, and all above it. */
static unsigned limit_of_groups(const char *path, bool v2, unsigned most)
{
	char *group = strdup(path), *slash;

	if (strcmp(group, "/") == 0)
		*group = '\0';
	for (;;) {
		most = limit_of_group(group, v2, most);
		slash = strrchr(group, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	free(group);
	return most;
}

/* Lines are ID:CONTROLLER,...:PATH; version 2 is the one without controllers. */
static unsigned limit_by_files(void)
{
	unsigned most = CPUS;
	char *text = text_of("/proc/self/cgroup"), *copy = text == NULL ? NULL : strdup(text), *rest = copy, *line;

	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		char *id = strsep(&line, ":"), *controllers = strsep(&line, ":"), *one;
		bool cpu = false, v2 = controllers != NULL && *controllers == '\0';
		(void)id;
		if (line == NULL || *line != '/')
			continue;
		while ((one = strsep(&controllers, ",")) != NULL)
			cpu |= strcmp(one, "cpu") == 0;
		if (v2 || cpu)
			most = limit_of_groups(line, v2, most);
	}
	free(copy);
	return most;
}

static void split(char *text)
{
	file_count = 0;
	while (text != NULL && file_count < MOST_FILES) {
		char *part = text, *next = strstr(text, "\n--\n");
		text = next == NULL ? NULL : next + 4;
		if (next != NULL)
			*next = '\0';
		char *line = strchr(part, '\n');
		files[file_count].path = part;
		files[file_count++].text = line == NULL ? strchr(part, '\0') : line + 1;
		if (line != NULL)
			*line = '\0';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size, true);

	split(text);
	unsigned count = forkpool_cpu_count(), wanted = limit_by_files();
	require(count == wanted, "%u CPUs, should be %u", count, wanted);
	require(count >= 1 && count <= CPUS, "%u CPUs", count);
	free(text);
	return 0;
}
