/*
 * memory.h - how much memory a process takes, and its workers, as the kernel accounts for it.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <sys/types.h>

/* In KiB; the mean of `processes`. */
struct memory_use {
	unsigned processes;
	double pss;           /* resident, where what n processes share counts as 1/n for each */
	double private_dirty; /* written by this process, and nobody else sees it: what one more worker takes */
	double private_clean; /* of files, mapped by nobody else */
	double page_tables;   /* not in any of these */
};

/* Of one process.  Returns 0, or -errno: -ESRCH, if there is no such process, or it has ended. */
int memory_of(pid_t process, struct memory_use *use);

/* Of all its descendants.  One that ends meanwhile may be left out, and its children with it; so it is best that they
 * rest.  Returns 0, or -errno: -ECHILD, if there are none. */
int memory_of_children(pid_t process, struct memory_use *use);

#endif
