/*
 * save.h - a file that appears as a whole or not at all: written beside its place, and put there when it is complete.
 * What is no regular file (a terminal, /dev/null, a pipe) is written to directly.
 */
#ifndef SAVE_H
#define SAVE_H

#include <stdio.h>

struct save {
	FILE *file; /* to write to */
	char *path, *temporary;
};

/* Begins.  0, or -errno; then there is nothing to end. */
int save_begin(struct save *save, const char *path);

/* Puts the file into its place if `status` is 0 and all could be written, else leaves what was there.  0, or -errno. */
int save_end(struct save *save, int status);

#endif
