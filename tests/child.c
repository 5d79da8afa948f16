/*
 * Who is whose child.
 */
#include "child.h"

#include <stdio.h>
#include <string.h>

bool is_child(pid_t pid, pid_t owner)
{
	char path[64], line[512] = "", state = 'X';
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "r");
	if (stat == NULL)
		return false;
	const char *end = fgets(line, sizeof line, stat) != NULL ? strrchr(line, ')') : NULL;
	fclose(stat);
	return end != NULL && sscanf(end + 1, " %c %d", &state, &parent) == 2 && parent == owner && state != 'Z' &&
	       state != 'X';
}
