/*
 * Who is whose child: tests kill no process that is not a worker of their own pools.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether `pid` is a living child of `owner`. */
bool is_child(pid_t pid, pid_t owner);

#endif
