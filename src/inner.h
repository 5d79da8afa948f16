/*
 * How many threads OpenMP and the BLAS libraries may use inside one worker.
 *
 * Those that are loaded are told by their own calls, in the worker.  A forked worker also has environment variables
 * for what is loaded later and for programs that tasks start.  All is prepared before the fork: in the worker the
 * linker's lock, or that of setenv(), may be held for ever by a thread that is not there.  A worker that is a thread
 * must change nothing for the others: it only makes calls that are about the calling thread.
 */
#ifndef FORKPOOL_INNER_H
#define FORKPOOL_INNER_H

#include "api.h"

#include <stdbool.h>
#include <stddef.h>

struct library {
	const struct library_kind *kind;
	void *get, *set; /* functions */
	int *number;     /* the variable behind them; or NULL */
};

/* All copies of all kinds that were loaded when it was looked. */
enum { MOST_LIBRARIES = 32 };
struct libraries {
	struct library list[MOST_LIBRARIES];
	size_t count;
	unsigned long long loads, unloads; /* of objects, until then */
};

/* What reads the environment: OpenMP, OpenBLAS (by two names), MKL, BLIS. */
enum { VARIABLES = 5, VARIABLE_SIZE = 40 };

struct inner {
	int most;   /* threads; 0: libraries are left alone */
	bool exact; /* so many, and not at most so many */

	/* Made before a fork: what is loaded, and the environment of the worker to be, NULL: as it is. */
	struct libraries loaded;
	char texts[VARIABLES][VARIABLE_SIZE];
	char **environment;
	size_t room; /* in it, entries */
};

/* What the configuration, whose defaults are filled in, asks for. */
void inner_choose(struct inner *inner, const forkpool_config *config);

/* In the parent, before each fork. */
void inner_prepare(struct inner *inner);
void inner_free(struct inner *inner);

/* At the beginning of a worker's life, in its process or thread. */
void inner_limit_process(const struct inner *inner);
void inner_limit_thread(const struct inner *inner);

#endif
