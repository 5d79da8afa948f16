/*
 * price - what a task and a job cost beside the work itself, for callgrind to count in instructions: price.sh.
 *
 * All in one process, without a clock.  Of a task it is the worker's part of the engine alone, from ring and ledger to
 * the finished chunk.  Of a job it is the whole way in three parts, each of which is counted in a run of its own: the
 * caller submits it, a worker takes and finishes it, the caller gets its result and frees it.  Each run is made in a
 * short and a longer form; what differs between them is what the additional tasks or jobs cost.
 */
#include "../src/parent.h"
#include "../src/task.h"
#include "../src/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is counted ---- */

/* callgrind counts in the first one alone, and writes down what it has counted, and begins anew, at each call of the
 * second. */
void price_counted(void (*part)(void *), void *arg);
void price_mark(void);

__attribute__((noinline)) void price_counted(void (*part)(void *), void *arg)
{
	part(arg);
	__asm__ volatile(""); /* or the call would be a jump */
}

__attribute__((noinline)) void price_mark(void)
{
	__asm__ volatile("");
}

_Noreturn static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "price: %s: %s\n", what, why);
	exit(2);
}

/* ---- Tasks ---- */

enum { FEW = 8 * 4096, MANY = 24 * 4096 };

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
	if (memory == NULL)
		give_up("an engine", "no memory");
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

static void find_work(void *worker)
{
	worker_find_work(worker);
}

static void run_tasks(const struct kind *kind, size_t count, size_t chunk)
{
	struct engine engine;
	struct worker worker;
	uint64_t number = JOB_SLOTS;
	make_engine(&engine);
	worker_init(&worker, &engine, 0, 1);
	post_job(&engine, number, kind, count, chunk);
	price_counted(find_work, &worker);
	price_mark();
	const struct job_post *post = &engine.board->posts[job_slot(number)];
	if (ledger_pass_settled(post->ledger, 0, post->chunks) != post->chunks ||
	    engine.tallies[job_slot(number)].finished != post->chunks)
		give_up(kind->name, "not all was done");
	printf("tasks %s chunk-%zu %zu\n", kind->name, chunk, count);
}

/* ---- Jobs, on a pool of processes whose one worker is this process ---- */

/* What the caller sees of it is a pool of processes: memory is not shared, and others work. */
static const struct backend one_process = {.name = "one process"};

static forkpool *make_pool(void)
{
	forkpool *pool;
	unsetenv("FORKPOOL_BACKEND");
	if (forkpool_create(&pool, &(forkpool_config){.backend = FORKPOOL_SERIAL, .arena_size = 1 << 24}) != 0)
		give_up("a pool", "cannot be made");
	pool->backend = &one_process;
	pool->members[0].alive = true;
	pool->inline_worker->is_parent = false;
	return pool;
}

static void unmake_pool(forkpool *pool)
{
	pool->members[0].alive = false;
	pool->backend = &backend_serial;
	forkpool_destroy(pool);
}

/* A job on its way. */
struct trip {
	forkpool *pool;
	forkpool_job *job;
	double items[2], results[2];
	int error; /* of any that failed */
};

static int twice(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(double *)result = 2 * *(const double *)item;
	return 0;
}

static void submit_apply(void *arg)
{
	struct trip *t = arg;
	t->error |= forkpool_apply_async(&t->job, t->pool, twice, t->items, sizeof *t->items, t->results,
	                                 sizeof *t->results, NULL);
}

static void submit_map(void *arg)
{
	struct trip *t = arg;
	t->error |= forkpool_map_async(&t->job, t->pool, twice, t->items, 2, sizeof *t->items, t->results,
	                               sizeof *t->results, NULL);
}

static void submit_for(void *arg)
{
	struct trip *t = arg;
	t->error |= forkpool_for_async(&t->job, t->pool, empty_for, 2, NULL);
}

/* What a worker does from the permit that wakes it until it would sleep again. */
static void work(void *arg)
{
	struct trip *t = arg;
	if (ring_try(&t->pool->engine.ring))
		while (worker_find_work(t->pool->inline_worker))
			;
}

static void end(void *arg)
{
	struct trip *t = arg;
	t->error |= forkpool_job_get(t->job, NULL);
	forkpool_job_free(t->job);
}

static const struct errand {
	const char *name;
	void (*submit)(void *);
} errands[] = {{"apply", submit_apply}, {"map-of-2", submit_map}, {"for-of-2", submit_for}};

enum part { SUBMIT, WORK, END, PARTS };
static const char *const part_names[PARTS] = {"submit", "work", "end"};

/* Makes so many round trips, of which that part is counted. */
static void run_jobs(const struct errand *errand, enum part counted, int jobs)
{
	void (*const parts[PARTS])(void *) = {errand->submit, work, end};
	struct trip trip = {.pool = make_pool(), .items = {1, 2}};
	for (int i = 0; i < jobs && trip.error == 0; i++)
		for (enum part part = SUBMIT; part < PARTS; part++)
			if (part == counted)
				price_counted(parts[part], &trip);
			else
				parts[part](&trip);
	price_mark();
	unmake_pool(trip.pool);
	if (trip.error != 0 || (errand->submit != submit_for && trip.results[0] != 2))
		give_up(errand->name, "not all was done");
	printf("jobs %s %s %d\n", errand->name, part_names[counted], jobs);
}

/* A job's slot on the board is not the next one's: the difference is a whole number of rounds. */
enum { FEW_JOBS = JOB_SLOTS, MANY_JOBS = 11 * JOB_SLOTS };

int main(void)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t chunk = 1; chunk <= 4096; chunk *= 4096) {
			run_tasks(&kinds[i], FEW, chunk);
			run_tasks(&kinds[i], MANY, chunk);
		}
	for (size_t i = 0; i < sizeof errands / sizeof *errands; i++)
		for (enum part part = SUBMIT; part < PARTS; part++) {
			run_jobs(&errands[i], part, FEW_JOBS);
			run_jobs(&errands[i], part, MANY_JOBS);
		}
	return 0;
}
