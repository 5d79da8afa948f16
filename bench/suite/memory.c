/*
 * memory - reads what Linux says in /proc: proc(5) has the files, and Documentation/filesystems/proc.rst of the kernel
 * the meaning of the figures.
 */
#include "memory.h"

#include "family.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192 }; /* processes */

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

int memory_of_children(pid_t process, struct memory_use *use)
{
	struct memory_use sum = {0}, one;
	pid_t members[MOST];
	size_t count = family_of(process, members, MOST);
	for (size_t i = 1; i < count; i++) {
		int error = memory_of(members[i], &one);
		if (error == -ESRCH)
			continue;
		if (error != 0)
			return error;
		sum.processes++;
		sum.pss += one.pss;
		sum.private_dirty += one.private_dirty;
		sum.private_clean += one.private_clean;
		sum.page_tables += one.page_tables;
	}
	if (sum.processes == 0)
		return -ECHILD;
	sum.pss /= sum.processes;
	sum.private_dirty /= sum.processes;
	sum.private_clean /= sum.processes;
	sum.page_tables /= sum.processes;
	*use = sum;
	return 0;
}
