/*
 * family.h - a process and its descendants.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <stddef.h>
#include <sys/types.h>

/* The process itself and all its descendants, as far as they fit, parents before their children.  Returns how many. */
size_t family_of(pid_t pid, pid_t *members, size_t most);

/* Sends a signal to all of them, parents first. */
void family_signal(pid_t pid, int signal);

#endif
