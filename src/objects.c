/*
 * Which code is loaded, by dl_iterate_phdr().
 */
#include "api.h"
#include "objects.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>

static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct objects *objects = arg;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		struct object_range *ranges = realloc(objects->ranges, (objects->count + 1) * sizeof *ranges);
		if (ranges == NULL)
			return -ENOMEM;
		uintptr_t begin = (uintptr_t)(info->dlpi_addr + segment->p_vaddr);
		ranges[objects->count++] = (struct object_range){begin, begin + (uintptr_t)segment->p_memsz};
		objects->ranges = ranges;
	}
	return 0;
}

int objects_snapshot(struct objects *objects)
{
	*objects = (struct objects){0};
	int error = dl_iterate_phdr(add_object, objects);
	if (error != 0)
		objects_free(objects);
	return error;
}

void objects_free(struct objects *objects)
{
	free(objects->ranges);
	*objects = (struct objects){0};
}

bool objects_contain(const struct objects *objects, uintptr_t address)
{
	for (size_t i = 0; i < objects->count; i++)
		if (address >= objects->ranges[i].begin && address < objects->ranges[i].end)
			return true;
	return false;
}
