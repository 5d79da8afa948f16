/*
 * machine - what a run was measured on, as /proc, /sys and the C library tell.
 */
#include "machine.h"

#include <forkpool.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What the hypervisor took, and all, in ticks since the machine's start; when the run began. */
static unsigned long long stolen_before, ticks_before;

/* The rest of the file's first line that begins so, without quotes; "unknown" if there is none. */
static void line_of(const char *path, const char *beginning, char *text, size_t size)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	snprintf(text, size, "unknown");
	while (file && fgets(line, sizeof line, file)) {
		if (strncmp(line, beginning, strlen(beginning)) != 0)
			continue;
		char *begin = line + strlen(beginning);
		begin += strspn(begin, " \t:=\"");
		begin[strcspn(begin, "\"\n")] = '\0';
		snprintf(text, size, "%.*s", (int)size - 1, begin);
		break;
	}
	if (file)
		fclose(file);
}

static void count_ticks(unsigned long long *stolen, unsigned long long *ticks)
{
	unsigned long long field[8] = {0};
	FILE *file = fopen("/proc/stat", "r");
	if (file && fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &field[0], &field[1], &field[2],
	                   &field[3], &field[4], &field[5], &field[6], &field[7]) != 8)
		memset(field, 0, sizeof field);
	if (file)
		fclose(file);
	*stolen = field[7];
	*ticks = 0;
	for (int i = 0; i < 8; i++)
		*ticks += field[i];
}

static void describe_caches(char *text, size_t size)
{
	size_t length = 0;
	text[0] = '\0';
	for (int index = 0; index < 8; index++) {
		char path[128], level[16], kind[32], amount[32];
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
		line_of(path, "", level, sizeof level);
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", index);
		line_of(path, "", kind, sizeof kind);
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
		line_of(path, "", amount, sizeof amount);
		if (strcmp(level, "unknown") == 0 || strcmp(kind, "Instruction") == 0 || length >= size)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%sL%s %s", length ? ", " : "", level, amount);
	}
	if (length == 0)
		snprintf(text, size, "unknown");
}

void machine_begin(struct machine *machine)
{
	struct utsname name;
	*machine = (struct machine){.cpus = forkpool_cpu_count()};
	line_of("/proc/cpuinfo", "model name", machine->cpu, sizeof machine->cpu);
	line_of("/etc/os-release", "PRETTY_NAME=", machine->system, sizeof machine->system);
	line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", machine->frequency,
	        sizeof machine->frequency);
	describe_caches(machine->caches, sizeof machine->caches);
	if (uname(&name) == 0)
		snprintf(machine->kernel, sizeof machine->kernel, "%.20s %.100s, %.20s", name.sysname, name.release,
		         name.machine);
	snprintf(machine->libc, sizeof machine->libc, "glibc %s", gnu_get_libc_version());
#ifdef __clang__
	snprintf(machine->compiler, sizeof machine->compiler, "clang %s", __clang_version__);
#else
	snprintf(machine->compiler, sizeof machine->compiler, "gcc %s", __VERSION__);
#endif
	machine->memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30);
	if (getloadavg(&machine->load_before, 1) != 1)
		machine->load_before = 0;
	count_ticks(&stolen_before, &ticks_before);
}

void machine_end(struct machine *machine)
{
	unsigned long long stolen, ticks;
	count_ticks(&stolen, &ticks);
	machine->steal = ticks > ticks_before ? (double)(stolen - stolen_before) / (double)(ticks - ticks_before) : -1;
	if (getloadavg(&machine->load_after, 1) != 1)
		machine->load_after = 0;
}
