/*
 * contender.h - a peer as the driver sees it: a process that is asked for work by lines (see ../peers/peer.h), and
 * stopped, with all its descendants, while others are asked.
 */
#ifndef CONTENDER_H
#define CONTENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* What can be started. */
struct contender_kind {
	const char *name;        /* "OpenMP dynamic" */
	const char *command;     /* words, split at spaces; the first is a program, the build directory's or in PATH */
	const char *environment; /* "NAME=value", or NULL */
	const char *package;     /* Debian's, that it needs */
};

struct contender {
	const struct contender_kind *kind;
	unsigned workers;
	pid_t pid; /* 0: it is not running */
	FILE *to, *from;
	char version[256];
	char missing[256]; /* "", or why it cannot run: what to install */
	bool is_stopped;
};

/* Starts it, and waits until it is ready; then it is stopped.  False: `missing` says why. */
bool contender_start(struct contender *contender, const struct contender_kind *kind, unsigned workers);

/* Lets it work; and no more. */
void contender_wake(struct contender *contender);
void contender_stop(struct contender *contender);

/* One request; it must be awake.  Returns the seconds, or a number < 0: why, in `text`.  Who does not answer within a
 * minute, or dies, is ended. */
double contender_ask(struct contender *contender, const char *work, size_t count, size_t chunk, char *text,
                     size_t size);

/* Ends it and all its descendants. */
void contender_end(struct contender *contender);

#endif
