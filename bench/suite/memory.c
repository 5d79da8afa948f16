/*
 * memory - reads what Linux says in /proc: proc(5) has the files, and Documentation/filesystems/proc.rst of the kernel
 * the meaning of the figures.
 */
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
	const char *name; /* up to the colon */
	double *kib;
};

/* Reads the fields of a file in /proc/PROCESS.  One that ends meanwhile has none. */
static int read_fields(pid_t process, const char *file, const struct field *fields, unsigned count)
{
	char path[64], line[256];
	unsigned found = 0;
	snprintf(path, sizeof path, "/proc/%d/%s", (int)process, file);
	FILE *stream = fopen(path, "re");
	if (stream == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof line, stream))
		for (unsigned i = 0; i < count; i++) {
			size_t length = strlen(fields[i].name);
			if (strncmp(line, fields[i].name, length) != 0 || line[length] != ':')
				continue;
			*fields[i].kib = strtod(line + length + 1, NULL);
			found++;
		}
	fclose(stream);
	return found == count ? 0 : -ESRCH;
}

int memory_of(pid_t process, struct memory_use *use)
{
	struct memory_use one = {.processes = 1};
	const struct field rollup[] = {
	        {"Pss", &one.pss}, {"Private_Dirty", &one.private_dirty}, {"Private_Clean", &one.private_clean}};
	const struct field status[] = {{"VmPTE", &one.page_tables}};
	int error = read_fields(process, "smaps_rollup", rollup, 3);
	if (error == 0)
		error = read_fields(process, "status", status, 1);
	if (error == 0)
		*use = one;
	return error;
}

static int add_children_of(pid_t process, struct memory_use *sum);

static int add(pid_t process, struct memory_use *sum)
{
	struct memory_use one;
	int error = memory_of(process, &one);
	if (error == 0) {
		sum->processes++;
		sum->pss += one.pss;
		sum->private_dirty += one.private_dirty;
		sum->private_clean += one.private_clean;
		sum->page_tables += one.page_tables;
		error = add_children_of(process, sum);
	}
	return error == -ESRCH ? 0 : error;
}

/* The children that a thread has begun. */
static int add_children_of_thread(pid_t process, const char *thread, struct memory_use *sum)
{
	char path[64];
	int error = 0, child;
	snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)process, thread);
	FILE *stream = fopen(path, "re");
	if (stream == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	while (error == 0 && fscanf(stream, "%d", &child) == 1)
		error = add(child, sum);
	fclose(stream);
	return error;
}

static int add_children_of(pid_t process, struct memory_use *sum)
{
	char path[64];
	int error = 0;
	snprintf(path, sizeof path, "/proc/%d/task", (int)process);
	DIR *threads = opendir(path);
	if (threads == NULL)
		return errno == ENOENT ? -ESRCH : -errno;
	for (struct dirent *thread; error == 0 && (thread = readdir(threads));) {
		if (thread->d_name[0] != '.')
			error = add_children_of_thread(process, thread->d_name, sum);
		if (error == -ESRCH)
			error = 0;
	}
	closedir(threads);
	return error;
}

int memory_of_children(pid_t process, struct memory_use *use)
{
	struct memory_use sum = {0};
	int error = add_children_of(process, &sum);
	if (error == 0 && sum.processes == 0)
		error = -ECHILD;
	if (error != 0)
		return error;
	sum.pss /= sum.processes;
	sum.private_dirty /= sum.processes;
	sum.private_clean /= sum.processes;
	sum.page_tables /= sum.processes;
	*use = sum;
	return 0;
}
