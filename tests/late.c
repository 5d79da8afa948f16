/*
 * late.c - a shared object that test_refusals loads when the workers run already: they do
 * not have it.
 */
#include "forkpool.h"

forkpool_for_fn late_task;
forkpool_fold_fn late_fold;
forkpool_combine_fn late_combine;

int late_task(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

int late_fold(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += end - begin;
	return 0;
}

void late_combine(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}
