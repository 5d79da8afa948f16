/*
 * works - the work that peers are asked for, said once for all of them.
 *
 * The pool is made when it is first needed and kept, and so are a kernel's problem and the memory that the same
 * workers touch again.  What is timed is the work alone.
 */
#include "works.h"

#include "../kernels/kernel.h"
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Between turns: the peer's pool, and what is kept for the next request of the same kind. */
static bool is_started;
static double *stores; /* touched by the same workers */
static size_t stores_size;
static const struct kernel *kernel;
static struct kernel_problem problem;
static char *counts; /* the results of a kernel that has one answer */

/* ---- Tasks: behind pointers, through which no compiler may see ------------------------- */

static int nothing(size_t index, void *ctx)
{
	(void)index, (void)ctx;
	return 0;
}

/* About 0.1 us at 3 GHz: each addition waits for the one before. */
static int delay(size_t index, void *ctx)
{
	(void)ctx;
	volatile double sink;
	double sum = (double)index;
	for (int i = 0; i < 75; i++) {
		sum += 1.5;
		__asm__ volatile("" : : "r"(i));
	}
	sink = sum;
	(void)sink;
	return 0;
}

static double cpu_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int millisecond(size_t index, void *ctx)
{
	(void)index, (void)ctx;
	double end = cpu_now() + 1e-3;
	while (cpu_now() < end)
		;
	return 0;
}

static int store(size_t index, void *ctx)
{
	((double *)ctx)[index] = (double)index;
	return 0;
}

static int store_range(size_t begin, size_t end, void *ctx)
{
	double *memory = ctx;
	for (size_t i = begin; i < end; i++)
		memory[i] = (double)i;
	return 0;
}

static int sum_range(size_t begin, size_t end, void *ctx)
{
	(void)ctx;
	volatile double sink;
	double sum = 0;
	for (size_t i = begin; i < end; i++)
		sum += 1 / (double)(i + 1);
	sink = sum;
	(void)sink;
	return 0;
}

static forkpool_for_fn *volatile empty_task = nothing, *volatile delay_task = delay,
                                 *volatile millisecond_task = millisecond, *volatile store_task = store;
static forkpool_range_fn *volatile store_piece = store_range, *volatile sum_piece = sum_range;

/* ---- What peers may leave out --------------------------------------------------------------- */

static void *take(const struct peer *peer, size_t size)
{
	if (peer->take)
		return peer->take(size);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void give(const struct peer *peer, void *memory, size_t size)
{
	if (memory == NULL)
		return;
	if (peer->give)
		peer->give(memory, size);
	else
		munmap(memory, size);
}

struct pieces {
	forkpool_range_fn *function;
	void *ctx;
	size_t count, pieces;
};

static int one_piece(size_t index, void *ctx)
{
	const struct pieces *pieces = ctx;
	return pieces->function(index * pieces->count / pieces->pieces, (index + 1) * pieces->count / pieces->pieces,
	                        pieces->ctx);
}

static int run_ranges(const struct peer *peer, unsigned workers, size_t count, size_t chunk,
                      forkpool_range_fn *function, void *ctx)
{
	if (peer->ranges)
		return peer->ranges(count, chunk, function, ctx);
	struct pieces pieces = {function, ctx, count, chunk ? (count + chunk - 1) / chunk : workers};
	return peer->each(pieces.pieces, 0, one_piece, &pieces);
}

struct items {
	forkpool_map_fn *function;
	const char *items;
	char *results;
	size_t item_size, result_size;
};

static int one_item(size_t index, void *ctx)
{
	const struct items *all = ctx;
	return all->function(all->items + index * all->item_size, all->results + index * all->result_size, NULL);
}

static int run_map(const struct peer *peer, forkpool_map_fn *function, const void *items, size_t count,
                   size_t item_size, void *results, size_t result_size)
{
	if (peer->map)
		return peer->map(function, items, count, item_size, results, result_size);
	struct items all = {function, items, results, item_size, result_size};
	return peer->each(count, 0, one_item, &all);
}

/* ---- The works: each returns 0 or -errno, and leaves the seconds ---------------------------- */

struct turn {
	const struct peer *peer;
	unsigned workers;
	struct request *request;
	bool wrong;
};

static int work_empty(struct turn *turn)
{
	double begun = peer_now();
	int error = turn->peer->each(turn->request->count, turn->request->chunk, empty_task, NULL);
	turn->request->seconds = peer_now() - begun;
	return error;
}

static int work_delay(struct turn *turn)
{
	double begun = peer_now();
	int error = turn->peer->each(turn->request->count, turn->request->chunk, delay_task, NULL);
	turn->request->seconds = peer_now() - begun;
	return error;
}

static int work_millisecond(struct turn *turn)
{
	double begun = peer_now();
	int error = turn->peer->each(turn->request->count, 1, millisecond_task, NULL);
	turn->request->seconds = peer_now() - begun;
	return error;
}

static int work_pair(struct turn *turn)
{
	const struct timespec idle = {0, (long)(turn->request->chunk * 1000)};
	double seconds = 0;
	int error = 0;
	if (idle.tv_nsec == 0) { /* one look at the clock for all */
		double begun = peer_now();
		for (size_t i = 0; i < turn->request->count && error == 0; i++)
			error = turn->peer->each(2, 0, empty_task, NULL);
		turn->request->seconds = peer_now() - begun;
		return error;
	}
	for (size_t i = 0; i < turn->request->count && error == 0; i++) {
		nanosleep(&idle, NULL);
		double begun = peer_now();
		error = turn->peer->each(2, 0, empty_task, NULL);
		seconds += peer_now() - begun;
	}
	turn->request->seconds = seconds;
	return error;
}

/* Makes the process so many bytes larger than it was at first, each page touched. */
static int weigh(size_t bytes)
{
	static void *ballast;
	static size_t weight;
	if (bytes == weight)
		return 0;
	if (ballast)
		munmap(ballast, weight);
	weight = 0, ballast = NULL;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memset(memory, 1, bytes);
	ballast = memory, weight = bytes;
	return 0;
}

static int live_once(struct turn *turn)
{
	double begun = peer_now();
	int error = turn->peer->start(turn->workers);
	if (error != 0)
		return error;
	error = turn->peer->each(2, 0, empty_task, NULL);
	turn->peer->stop();
	turn->request->seconds += peer_now() - begun;
	return error;
}

static void forget_kept(const struct peer *peer);

static int work_life(struct turn *turn)
{
	forget_kept(turn->peer);
	turn->peer->stop();
	is_started = false;
	int error = weigh(turn->request->count * 1000000);
	for (size_t i = 0; i < turn->request->chunk && error == 0; i++)
		error = live_once(turn);
	return error;
}

static int store_all(struct turn *turn, double *memory)
{
	size_t count = turn->request->count;
	bool by_item = strncmp(turn->request->work, "store-item", 10) == 0;
	double begun = peer_now();
	int error = by_item ? turn->peer->each(count, 0, store_task, memory)
	                    : run_ranges(turn->peer, turn->workers, count, 0, store_piece, memory);
	turn->request->seconds = peer_now() - begun;
	for (size_t i = 0; i < count && error == 0; i += 1 + count / 1000)
		if (memory[i] != (double)i) {
			snprintf(turn->request->text, sizeof turn->request->text, "element %zu is %g", i, memory[i]);
			turn->wrong = true;
		}
	return error;
}

/* The last word of the work is the state in which the memory shall be. */
static int work_store(struct turn *turn)
{
	const struct peer *peer = turn->peer;
	const char *state = strrchr(turn->request->work, '-') + 1;
	size_t size = turn->request->count * sizeof(double);
	if (strcmp(state, "same") == 0) {
		if (stores_size == size)
			return store_all(turn, stores);
		give(peer, stores, stores_size);
		stores = take(peer, size);
		stores_size = stores ? size : 0;
		for (int i = 0; i < 3 && stores; i++)
			store_all(turn, stores);
		return stores ? store_all(turn, stores) : -ENOMEM;
	}
	double *memory = take(peer, size);
	if (memory == NULL)
		return -ENOMEM;
	if (strcmp(state, "other") == 0)
		memset(memory, 1, size);
	int error = store_all(turn, memory);
	give(peer, memory, size);
	return error;
}

static int work_sum(struct turn *turn)
{
	double begun = peer_now();
	int error = run_ranges(turn->peer, turn->workers, turn->request->count, turn->request->chunk, sum_piece, NULL);
	turn->request->seconds = peer_now() - begun;
	return error;
}

static int work_jobs(struct turn *turn)
{
	if (turn->peer->jobs == NULL)
		return -ENOTSUP;
	double begun = peer_now();
	int error = turn->peer->jobs(turn->request->count, empty_task);
	turn->request->seconds = peer_now() - begun;
	return error;
}

/* ---- Kernels ----------------------------------------------------------------------------------- */

/* Where libtool leaves modules, seen from the build directory. */
#define KERNELS "bench/kernels/.libs"

/* The size of a result of one item. */
static size_t result_size(void)
{
	return counts ? sizeof(uint64_t) : kernel->sizes[problem.size].answer_size / problem.tasks;
}

static void kernel_forget(const struct peer *peer)
{
	if (kernel == NULL)
		return;
	give(peer, problem.items, problem.tasks * (kernel->item_size ? kernel->item_size : sizeof(uint64_t)));
	give(peer, problem.answer, kernel->sizes[problem.size].answer_size);
	give(peer, counts, problem.tasks * sizeof(uint64_t));
	kernel = NULL, counts = NULL;
	problem = (struct kernel_problem){0};
}

static void forget_kept(const struct peer *peer)
{
	kernel_forget(peer);
	give(peer, stores, stores_size);
	stores = NULL, stores_size = 0;
}

/* A kernel that fills in no items has the numbers of blocks for items, and one sum for an answer. */
static int kernel_fill(const struct peer *peer)
{
	size_t item_size = kernel->item_size ? kernel->item_size : sizeof(uint64_t);
	problem.items = take(peer, problem.tasks * item_size);
	problem.answer = take(peer, kernel->sizes[problem.size].answer_size);
	if (kernel->item_size == 0)
		counts = take(peer, problem.tasks * sizeof(uint64_t));
	if (!problem.items || !problem.answer || (kernel->item_size == 0 && !counts))
		return -ENOMEM;
	if (kernel->item_size > 0)
		kernel->fill(&problem);
	for (size_t i = 0; i < problem.tasks && kernel->item_size == 0; i++)
		((uint64_t *)problem.items)[i] = i;
	return 0;
}

/* All kernels that there are, once: workers must be forked after they are loaded. */
static const struct kernel *kernel_named(const char *name)
{
	static const char *const names[] = {"ep", "mandelbrot", "options", "primes", "skew", "triangle", "random"};
	enum { NAMES = sizeof names / sizeof *names };
	static const struct kernel *loaded[NAMES];
	static bool is_loaded;
	for (int i = 0; i < NAMES && !is_loaded; i++) {
		char path[256];
		snprintf(path, sizeof path, "%s/%s.so", KERNELS, names[i]);
		void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		const struct kernel *found = object ? dlsym(object, "forkpool_kernel") : NULL;
		loaded[i] = found && found->abi == KERNEL_ABI ? found : NULL;
	}
	is_loaded = true;
	for (int i = 0; i < NAMES; i++)
		if (name && strcmp(names[i], name) == 0)
			return loaded[i];
	return NULL;
}

static int kernel_prepare(struct turn *turn)
{
	const struct kernel *wanted = kernel_named(turn->request->work + strlen("kernel-"));
	if (wanted == NULL || turn->request->count >= KERNEL_SIZES)
		return -ENOENT;
	if (wanted == kernel && problem.size == (int)turn->request->count)
		return 0;
	forget_kept(turn->peer);
	kernel = wanted;
	problem.size = (int)turn->request->count;
	problem.tasks = kernel->sizes[problem.size].tasks;
	int error = kernel_fill(turn->peer);
	if (error != 0)
		kernel_forget(turn->peer);
	return error;
}

static void kernel_check(struct turn *turn)
{
	uint64_t sum = 0;
	for (size_t i = 0; counts && i < problem.tasks; i++)
		sum += ((uint64_t *)counts)[i];
	if (counts)
		*(uint64_t *)problem.answer = sum;
	turn->wrong = !kernel->check(&problem, turn->request->text, sizeof turn->request->text);
}

static int work_kernel(struct turn *turn)
{
	int error = kernel_prepare(turn);
	if (error != 0)
		return error;
	char *results = counts ? counts : problem.answer;
	size_t item_size = kernel->item_size ? kernel->item_size : sizeof(uint64_t);
	memset(results, 0, problem.tasks * result_size());
	double begun = peer_now();
	error = run_map(turn->peer, kernel->plugin->function, problem.items, problem.tasks, item_size, results,
	                result_size());
	turn->request->seconds = peer_now() - begun;
	if (error == 0)
		kernel_check(turn);
	return error;
}

/* ---- Which is which ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	bool is_prefix;
	int (*work)(struct turn *);
} works[] = {{"empty", false, work_empty},  {"delay", false, work_delay},
             {"pair", false, work_pair},    {"life", false, work_life},
             {"store-", true, work_store},  {"sum", false, work_sum},
             {"jobs", false, work_jobs},    {"millisecond", false, work_millisecond},
             {"kernel-", true, work_kernel}};

static int (*work_named(const char *name))(struct turn *)
{
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (works[i].is_prefix ? strncmp(name, works[i].name, strlen(works[i].name)) == 0
		                       : strcmp(name, works[i].name) == 0)
			return works[i].work;
	return NULL;
}

enum answer works_do(const struct peer *peer, unsigned workers, struct request *request)
{
	struct turn turn = {peer, workers, request, false};
	int (*work)(struct turn *) = work_named(request->work);
	int error = work ? 0 : -ENOSYS;
	kernel_named(NULL);
	if (error == 0 && !is_started && work != work_life)
		error = peer->start(workers);
	is_started = is_started || (error == 0 && work != work_life);
	if (error == 0)
		error = work(&turn);
	if (turn.wrong)
		return ANSWER_WRONG;
	if (error == 0)
		return ANSWER_TOOK;
	if (error == -ENOSYS)
		snprintf(request->text, sizeof request->text, "such work: %s", request->work);
	else
		snprintf(request->text, sizeof request->text, "%s: %s", request->work, strerror(-error));
	return ANSWER_NO;
}
