/*
 * price - what a task costs beside itself, for callgrind to count in instructions: price.sh.
 *
 * The worker's part of the engine alone, in one process, from ring and ledger to the finished chunk: no pool,
 * no fork, no clock.  Each kind of map is run over tasks that do nothing, a short one and a longer one for each
 * size of chunks; what differs between short and longer is what the additional tasks cost, and what differs between
 * sizes of chunks is the price of claiming and finishing them.
 */
#include "../src/task.h"
#include "../src/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 8 * 4096, MANY = 24 * 4096 };

/* ---- Tasks ---- */

static int empty_map(const void *item, void *result, void *ctx)
{
	(void)item, (void)result, (void)ctx;
	return 0;
}

static int empty_starmap(const void *const *items, void *result, void *ctx)
{
	(void)items, (void)result, (void)ctx;
	return 0;
}

static int empty_for(size_t index, void *ctx)
{
	(void)index, (void)ctx;
	return 0;
}

static int empty_range(size_t begin, size_t end, void *ctx)
{
	(void)begin, (void)end, (void)ctx;
	return 0;
}

static int empty_fold(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)begin, (void)end, (void)acc, (void)ctx;
	return 0;
}

/* ---- Kinds of maps ---- */

static const struct kind {
	const char *name;
	enum job_kind kind;
	union task_function function;
	size_t columns;
	unsigned retries;
	bool timed;
} kinds[] = {
        {"for", JOB_FOR, {.loop = empty_for}, 0, 0, false},
        {"map", JOB_MAP, {.map = empty_map}, 1, 0, false},
        {"starmap-2", JOB_STARMAP, {.starmap = empty_starmap}, 2, 0, false},
        {"for-range", JOB_RANGE, {.range = empty_range}, 0, 0, false},
        {"reduce", JOB_FOLD, {.fold = empty_fold}, 0, 0, false},
        {"for-retries", JOB_FOR, {.loop = empty_for}, 0, 1, false},
        {"for-timeout", JOB_FOR, {.loop = empty_for}, 0, 0, true},
};

/* ---- An engine with one worker and one job ---- */

static void *zeroed(size_t size)
{
	void *memory = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	if (memory == NULL) {
		fputs("price: no memory\n", stderr);
		exit(2);
	}
	return memset(memory, 0, size);
}

static void make_engine(struct engine *engine)
{
	enum { CAPACITY = 16 };
	*engine = (struct engine){
	        .board = zeroed(sizeof *engine->board),
	        .tallies = zeroed(JOB_SLOTS * sizeof *engine->tallies),
	        .endings = zeroed(sizeof *engine->endings),
	        .failures = zeroed(JOB_SLOTS * sizeof *engine->failures),
	        .records = zeroed(sizeof *engine->records),
	        .workers = 1,
	        .doorbell = -1,
	};
	ring_init(&engine->ring, zeroed(ring_back_size(CAPACITY)), zeroed(sizeof(struct ring_front)), CAPACITY);
}

static void post_job(struct engine *engine, uint64_t number, const struct kind *kind, size_t count, size_t chunk)
{
	static char data[2 * MANY]; /* items, columns or results, and partial results, a byte each */
	struct job_post *post = &engine->board->posts[job_slot(number)];
	*post = (struct job_post){
	        .kind = kind->kind,
	        .timed = kind->timed,
	        .retries = kind->retries,
	        .function = kind->function,
	        .count = count,
	        .chunk = chunk,
	        .chunks = (count + chunk - 1) / chunk,
	        .ranges = 1,
	        .last_entry = ring_tail(&engine->ring) + 1,
	        .results = data,
	        .identity = data,
	        .result_size = 1,
	        .result_stride = 1,
	        .column_count = kind->columns,
	};
	for (size_t k = 0; k < kind->columns; k++)
		post->columns[k] = (forkpool_column){data + MANY, 1, 1};
	post->ledger = zeroed(post->chunks * sizeof *post->ledger);
	fegetenv(&post->float_environment);
	atomic_store(&post->number, number);
	ring_push(&engine->ring, (struct ring_entry){number, 0, post->chunks});
}

/* ---- What is counted ---- */

/* price.sh has callgrind write down what was counted, and begin anew, whenever this is called. */
void price_mark(void);
__attribute__((noinline)) void price_mark(void)
{
	__asm__ volatile("");
}

static void run(const struct kind *kind, size_t count, size_t chunk)
{
	struct engine engine;
	struct worker worker;
	uint64_t number = JOB_SLOTS;
	make_engine(&engine);
	worker_init(&worker, &engine, 0, 1);
	post_job(&engine, number, kind, count, chunk);
	price_mark();
	worker_find_work(&worker);
	price_mark();
	const struct job_post *post = &engine.board->posts[job_slot(number)];
	if (ledger_pass_settled(post->ledger, 0, post->chunks) != post->chunks ||
	    engine.tallies[job_slot(number)].finished != post->chunks) {
		fprintf(stderr, "price: %s by %zu: not all was done\n", kind->name, chunk);
		exit(2);
	}
	printf("%s %zu %zu\n", kind->name, chunk, count);
}

int main(void)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t chunk = 1; chunk <= 4096; chunk *= 4096) {
			run(&kinds[i], FEW, chunk);
			run(&kinds[i], MANY, chunk);
		}
	return 0;
}
