/*
 * peer.h - what a pool must offer to be compared, and the protocol by which it is asked.
 *
 * A peer is a program of its own that keeps one pool, so that libraries do not meet in one process.  It is started
 * as
 *
 *     PEER [ARGUMENT]... --workers N
 *
 * and speaks lines, on standard input and output.  It begins with one of
 *
 *     ready VERSION...             what it is, in words: "OpenMP 4.5, gcc 12.2.0"
 *     missing PACKAGE TEXT...      it cannot run here; Debian's package that it needs
 *
 * and ends when its input does.  A request is `run WORK N CHUNK`, the answer one of
 *
 *     took SECONDS                 of the work alone, by a clock that only goes forward
 *     no TEXT...                   that work cannot be said to this pool
 *     wrong TEXT...                it was done, and the answer is wrong
 *
 * Nothing else goes to standard output.  Pools stay up between requests, but for the work `life`; between its turns
 * a peer is stopped (SIGSTOP), so that idle workers that spin take nothing from the others.
 *
 * Work, for C in works.c:
 *
 *     empty        N tasks that do nothing, each a call of the same function through a pointer; CHUNK tasks at a time
 *                  (0: as the pool likes best)
 *     delay        N tasks of 0.1 us each, busy (the schedules of the EPCC OpenMP micro-benchmarks)
 *     pair         N times a map of 2 empty tasks, CHUNK microseconds of idleness before each, which do not count
 *     life         in a process that has touched N million bytes: create, map 2 empty tasks, destroy; CHUNK times
 *     store-item   N tasks, each a function call that stores one double; and
 *     store-range  the same by a function that takes a range; each of the two in three states of the
 *                  memory: store-item-fresh  nobody has touched it since it was allocated
 *                          store-item-other  touched by the caller, not by the workers
 *                          store-item-same   touched by the same workers, in the same way
 *     sum          N tasks, a range function that adds up 1/(i+1) (growth)
 *     jobs         N empty tasks as N jobs, all submitted before the first is waited for
 *     millisecond  N tasks that take 1 ms of CPU time each
 *     kernel-NAME  the kernel of bench/kernels at size N (0, 1, 2: S, W, A), its function once for each item
 *
 * This header is the C side: a peer fills in a struct peer and calls peer_main().
 */
#ifndef PEER_H
#define PEER_H

#include <forkpool.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer {
	/* Writes what it is, at most `size` bytes with the '\0'. */
	void (*version)(char *text, size_t size);

	/* Takes one argument of the command line other than --workers: false, if it knows no such.  NULL: it has none.
	 */
	bool (*argument)(const char *text);

	/* Makes the pool, with so many workers; and ends it, without anything left.  0, or -errno. */
	int (*start)(unsigned workers);
	void (*stop)(void);

	/* function(i, ctx) for 0 <= i < count, `chunk` tasks at a time; 0: as the pool likes best.  Returns 0, or
	 * -errno. */
	int (*each)(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx);

	/* function(begin, end, ctx) for pieces of 0 .. count.  NULL: pieces are made of `each`, one a worker. */
	int (*ranges)(size_t count, size_t chunk, forkpool_range_fn *function, void *ctx);

	/* results[i] = function(items[i]).  NULL: by `each`. */
	int (*map)(forkpool_map_fn *function, const void *items, size_t count, size_t item_size, void *results,
	           size_t result_size);

	/* `count` jobs of one empty task each, all submitted, then all waited for.  NULL: it has no jobs. */
	int (*jobs)(size_t count, forkpool_for_fn *function);

	/* Zeroed memory that caller and workers share, fresh from the system.  NULL: mmap(), private, for threads. */
	void *(*take)(size_t size);
	void (*give)(void *memory, size_t size);
};

/* Answers requests until there are no more.  Returns the exit status. */
int peer_main(const struct peer *peer, int argc, char **argv);

/* Seconds on a clock that only goes forward. */
double peer_now(void);

#ifdef __cplusplus
}
#endif

#endif
