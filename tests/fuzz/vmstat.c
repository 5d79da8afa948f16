/*
 * vmstat.c - the kernel's counter of processes ended for want of memory (src/oom.c).
 *
 * The input is /proc/vmstat.  Lines there are short; longer ones are not tried.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *vmstat;

static FILE *open_file(const char *path, const char *mode)
{
	require(strcmp(path, "/proc/vmstat") == 0 && strcmp(mode, "re") == 0, "only /proc/vmstat is read, and not %s",
	        path);
	return fmemopen(vmstat, strlen(vmstat), "r");
}

#define fopen open_file
#include "../../src/oom.c"
#undef fopen

static uint64_t read_plainly(char *text)
{
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		char *end = line;
		uint64_t number = strncmp(line, "oom_kill", 8) == 0 ? strtoull(line + 8, &end, 10) : 0;
		if (end > line + 8)
			return number;
	}
	return OOM_KILLS_UNKNOWN;
}

static bool has_long_line(const char *text)
{
	for (; strcspn(text, "\n") < 120; text = strchr(text, '\n') + 1)
		if (strchr(text, '\n') == NULL)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vmstat = fuzz_copy(data, size, true);
	if (!has_long_line(vmstat)) {
		uint64_t kills = oom_kills(), wanted = read_plainly(vmstat);
		require(kills == wanted, "%llu kills, should be %llu", (unsigned long long)kills,
		        (unsigned long long)wanted);
	}
	free(vmstat);
	return 0;
}
