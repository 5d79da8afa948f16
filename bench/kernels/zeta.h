/*
 * zeta.h - what the uneven loads have in common: slices of the sum of 1/k^2, in which a term takes as long as any
 * other, so that a load is just how many terms each item has.  The sum of all of them is known: zeta(2) = pi^2/6
 * (Euler, 1735) less a tail, which Euler-Maclaurin gives to the last bit.
 */
#ifndef ZETA_H
#define ZETA_H

#include "kernel.h"
#include <stdint.h>

struct zeta_slice {
	uint64_t first, terms; /* terms from k = first on */
};

/* The function from a slice to its sum, a double. */
int zeta(const void *item, void *result, void *ctx);

/* Slices behind each other, the item of an index with so many terms as a load wants at a size. */
void zeta_fill(const struct kernel_problem *problem, uint64_t (*terms)(size_t index, size_t tasks, int size));

/* Those of a kernel. */
int zeta_run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts);
bool zeta_check(const struct kernel_problem *problem, char *text, size_t length);

/* What a load exports, if it is called NAME and its function for `fill` is called so, too. */
#define ZETA_SIZE(TEXT, TASKS)                                                                                         \
	{                                                                                                              \
		(TEXT), (TASKS), (TASKS) * sizeof(double)                                                              \
	}
#define ZETA_KERNEL(NAME, SUMMARY, ...)                                                                                \
	FORKPOOL_PLUGIN(NAME, "first k, number of terms -> the sum of that many terms of 1/k^2", zeta,                 \
	                FORKPOOL_UINT64, 2, FORKPOOL_DOUBLE, 1);                                                       \
	const struct kernel forkpool_kernel = {                                                                        \
	        .abi = KERNEL_ABI,                                                                                     \
	        .name = #NAME,                                                                                         \
	        .summary = (SUMMARY),                                                                                  \
	        .plugin = &forkpool_plugin_##NAME,                                                                     \
	        .item_size = sizeof(struct zeta_slice),                                                                \
	        .sizes = {__VA_ARGS__},                                                                                \
	        .fill = fill,                                                                                          \
	        .run = zeta_run,                                                                                       \
	        .check = zeta_check,                                                                                   \
	}

#endif
