/*
 * The shared objects that were loaded at some moment: whether a function is in one of them, and
 * so in every process forked since.
 */
#ifndef FORKPOOL_OBJECTS_H
#define FORKPOOL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct objects {
	struct object_range {
		uintptr_t begin, end;
	} * ranges;
	size_t count;
};

/* 0 or -ENOMEM. */
int objects_snapshot(struct objects *objects);
void objects_free(struct objects *objects);
bool objects_contain(const struct objects *objects, uintptr_t address);

#endif
