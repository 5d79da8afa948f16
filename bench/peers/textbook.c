/*
 * textbook - from a peer's calls to works, and from a piece of a work to the calls of its function.
 */
#include "textbook.h"

void work_do(const struct work *work, size_t begin, size_t end)
{
	switch (work->kind) {
	case WORK_EACH:
		for (size_t i = begin; i < end; i++)
			work->function.each(i, work->ctx);
		break;
	case WORK_RANGES:
		work->function.ranges(begin, end, work->ctx);
		break;
	case WORK_MAP:
		for (size_t i = begin; i < end; i++)
			work->function.map(work->items + i * work->item_size, work->results + i * work->result_size,
			                   NULL);
		break;
	}
}

size_t work_chunk(const struct work *work, size_t count, size_t chunk, unsigned workers)
{
	size_t pieces = work->kind == WORK_RANGES ? workers : (size_t)4 * workers;
	if (chunk == 0)
		chunk = count / pieces + (count % pieces != 0);
	return chunk > 0 ? chunk : 1;
}

int textbook_each(size_t count, size_t chunk, forkpool_for_fn *function, void *ctx)
{
	return textbook_run(&(struct work){.kind = WORK_EACH, .function.each = function, .ctx = ctx}, count, chunk);
}

int textbook_ranges(size_t count, size_t chunk, forkpool_range_fn *function, void *ctx)
{
	return textbook_run(&(struct work){.kind = WORK_RANGES, .function.ranges = function, .ctx = ctx}, count, chunk);
}

int textbook_map(forkpool_map_fn *function, const void *items, size_t count, size_t item_size, void *results,
                 size_t result_size)
{
	return textbook_run(&(struct work){.kind = WORK_MAP,
	                                   .function.map = function,
	                                   .items = items,
	                                   .results = results,
	                                   .item_size = item_size,
	                                   .result_size = result_size},
	                    count, 0);
}

int textbook_jobs(size_t count, forkpool_for_fn *function)
{
	return textbook_each(count, 1, function, NULL);
}
