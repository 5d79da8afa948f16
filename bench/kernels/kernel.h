/*
 * kernel.h - what a kernel offers, so that a program can run it and check its answer.
 *
 * A kernel is a shared object that exports
 *   - `forkpool_plugin_NAME`, its function from one item to one result, for
 *     `forkpool map FILE.so:NAME` (see forkpool.h), and
 *   - `forkpool_kernel`, a whole problem made of such items, in three sizes, with an answer
 *     that is compared with published values.
 * It keeps no state: tables that never change are made when the object is loaded,
 * which must be before the pool is created.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <forkpool.h>
#include <stdbool.h>
#include <stddef.h>

enum { KERNEL_ABI = 1 };

/* Sizes, named as the NAS Parallel Benchmarks name theirs. */
enum { KERNEL_S, KERNEL_W, KERNEL_A, KERNEL_SIZES };

/* One problem.  The program fills this in and allocates `items` and `answer`, zeroed,
 * where the workers see them (forkpool_alloc). */
struct kernel_problem {
	int size;     /* KERNEL_S, ... */
	size_t tasks; /* of sizes[size] */
	void *items;  /* tasks * item_size bytes; NULL if item_size is 0 */
	void *answer; /* answer_size bytes */
};

struct kernel {
	int abi; /* KERNEL_ABI */
	const char *name;
	const char *summary;           /* one line */
	const forkpool_plugin *plugin; /* its function from an item to a result */
	size_t item_size;
	struct {
		const char *text; /* the size in words: "2^24 pairs" */
		size_t tasks;
		size_t answer_size;
	} sizes[KERNEL_SIZES];

	/* Writes the items; NULL if there are none. */
	void (*fill)(const struct kernel_problem *problem);

	/* Computes the answer from the items on a pool: one map.  Returns what the map
	 * returns.  The answer has the same bits on every pool. */
	int (*run)(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts);

	/* Whether the answer is right; in `text` (at most `length` bytes with the '\0')
	 * what was found, beside what is published. */
	bool (*check)(const struct kernel_problem *problem, char *text, size_t length);
};

extern const struct kernel forkpool_kernel;

#endif
