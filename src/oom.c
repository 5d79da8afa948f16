/*
 * The kernel's counter of processes that it has ended for want of memory: "oom_kill" in /proc/vmstat, since
 * Linux 4.13.
 */
#include "api.h"
#include "oom.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t oom_kills(void)
{
	uint64_t kills = OOM_KILLS_UNKNOWN;
	char line[128];
	FILE *file = fopen("/proc/vmstat", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "oom_kill %" SCNu64, &kills) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kills;
}
