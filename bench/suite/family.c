/*
 * family - a process and its descendants, as /proc/PID/task/TID/children lists them.
 */
#include "family.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>

enum { MOST = 8192 };

/* Adds the children that one thread of the process has forked. */
static size_t add_children(pid_t pid, const char *thread, pid_t *members, size_t count, size_t most)
{
	char path[320];
	snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread);
	FILE *file = fopen(path, "r");
	int child;
	while (file && count < most && fscanf(file, "%d", &child) == 1)
		members[count++] = child;
	if (file)
		fclose(file);
	return count;
}

size_t family_of(pid_t pid, pid_t *members, size_t most)
{
	size_t count = 0;
	if (most > 0)
		members[count++] = pid;
	for (size_t i = 0; i < count; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/task", (int)members[i]);
		DIR *threads = opendir(path);
		for (struct dirent *entry; threads && (entry = readdir(threads)) != NULL;)
			if (entry->d_name[0] != '.')
				count = add_children(members[i], entry->d_name, members, count, most);
		if (threads)
			closedir(threads);
	}
	return count;
}

void family_signal(pid_t pid, int signal)
{
	pid_t members[MOST];
	size_t count = family_of(pid, members, MOST);
	for (size_t i = 0; i < count; i++)
		kill(members[i], signal);
}
