/*
 * tbb - Intel's oneAPI Threading Building Blocks: parallel_for in an arena of its own.
 *
 * A chunk is the grain of a simple_partitioner, which cuts until pieces are no longer than that; chunk 0 leaves it to
 * the auto_partitioner.  Threads are made when there is first work for them, as TBB does, and ended by finalize().
 */
#include "built.h"
#include "peer.h"
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <tbb/version.h>

namespace
{

/* More threads than CPUs are allowed, if that many are wanted; the caller is one of them. */
struct pool {
	tbb::task_scheduler_handle scheduler{tbb::attach{}};
	tbb::global_control limit;
	tbb::task_arena arena;

	explicit pool(unsigned workers)
	    : limit(tbb::global_control::max_allowed_parallelism, workers), arena(static_cast<int>(workers))
	{
		arena.initialize();
	}
};

std::unique_ptr<pool> the_pool;

/* No exception gets into what is written in C. */
template <typename Body> int guarded(const Body &body)
{
	try {
		body();
		return 0;
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	} catch (...) {
		return -EIO;
	}
}

using range = tbb::blocked_range<std::size_t>;

template <typename Body> int for_pieces(std::size_t count, std::size_t chunk, const Body &body)
{
	return guarded([&] {
		the_pool->arena.execute([&] {
			if (chunk > 0)
				tbb::parallel_for(range(0, count, chunk), body, tbb::simple_partitioner());
			else
				tbb::parallel_for(range(0, count), body, tbb::auto_partitioner());
		});
	});
}

int start(unsigned workers)
{
	return guarded([&] { the_pool.reset(new pool(workers)); });
}

/* The scheduler ends its threads only when no arena and no limit is left. */
void stop(void)
{
	if (!the_pool)
		return;
	tbb::task_scheduler_handle scheduler = std::move(the_pool->scheduler);
	the_pool.reset();
	if (!tbb::finalize(scheduler, std::nothrow))
		std::fputs("tbb: its threads could not be ended\n", stderr);
}

int each(std::size_t count, std::size_t chunk, forkpool_for_fn *function, void *ctx)
{
	return for_pieces(count, chunk, [=](const range &piece) {
		for (std::size_t i = piece.begin(); i < piece.end(); i++)
			function(i, ctx);
	});
}

int ranges(std::size_t count, std::size_t chunk, forkpool_range_fn *function, void *ctx)
{
	return for_pieces(count, chunk, [=](const range &piece) { function(piece.begin(), piece.end(), ctx); });
}

int map(forkpool_map_fn *function, const void *items, std::size_t count, std::size_t item_size, void *results,
        std::size_t result_size)
{
	const char *in = static_cast<const char *>(items);
	char *out = static_cast<char *>(results);
	return for_pieces(count, 0, [=](const range &piece) {
		for (std::size_t i = piece.begin(); i < piece.end(); i++)
			function(in + i * item_size, out + i * result_size, nullptr);
	});
}

int jobs(std::size_t count, forkpool_for_fn *function)
{
	return guarded([&] {
		the_pool->arena.execute([&] {
			tbb::task_group group;
			for (std::size_t i = 0; i < count; i++)
				group.run([=] { function(i, nullptr); });
			group.wait();
		});
	});
}

void version(char *text, std::size_t size)
{
	std::snprintf(text, size, "TBB %s, %s", TBB_runtime_version(), BUILT_BY);
}

} // namespace

int main(int argc, char **argv)
{
	static const struct peer peer = {version, nullptr, start, stop, each, ranges, map, jobs, nullptr, nullptr};
	return peer_main(&peer, argc, argv);
}
