/*
 * marked.c - the tasks of marked jobs, and what the programs that kill have in common.
 */
#include "trial.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const char *const kind_names[KINDS] = {
        "map", "starmap", "for", "range, told by forkpool_at", "range", "fold, told by forkpool_at", "fold"};

struct evidence *seen;
void (*task_hook)(void);

uint64_t roll(uint64_t seed, uint64_t number, uint64_t bound)
{
	return forkpool_seed(seed, number) % bound;
}

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void need_processes(void)
{
	const char *backends = getenv("FORKPOOL_TEST_BACKENDS");
	if (backends == NULL || strstr(backends, "processes") != NULL)
		return;
	puts("skipped: FORKPOOL_TEST_BACKENDS leaves processes out");
	exit(77);
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	return memory;
}

void make_evidence(void)
{
	seen = shared_memory(sizeof *seen);
}

/* ---- In the workers ---- */

int register_worker(unsigned worker, void **state, void *arg)
{
	(void)arg;
	struct record *record = &seen->record[atomic_fetch_add(&seen->records, 1) % RECORDS];
	record->inside = 0;
	record->dead = 0;
	record->slot = worker;
	record->started_ns = now_ns();
	record->free_ns = record->started_ns;
	record->pid = getpid();
	*state = record;
	return 0;
}

static void spin_for(uint64_t ns)
{
	for (uint64_t until = now_ns() + ns; now_ns() < until;)
		;
}

/* Between the marks. */
static void work(const struct job *job, uint32_t index)
{
	if (task_hook != NULL && (seen->hook_always || seen->hook_at == index + 1))
		task_hook();
	while (is_stuck(job, index))
		usleep(1000);
	if (job->brink)
		spin_for(job->limit_ms * UINT64_C(1000000) - 300000 + roll(job->seed, index, 1500000));
	if (job->longest_us == 0)
		return;
	uint64_t us = roll(job->seed ^ UINT64_C(7) << 32, index, job->longest_us);
	if (chosen(job, index, 2, job->spin_every))
		spin_for(us * 1000);
	else if (chosen(job, index, 3, job->sleep_every))
		usleep((useconds_t)us);
}

static int marked_task(uint32_t index, const struct orders *orders, struct result *result)
{
	struct record *own = forkpool_worker_state();
	struct mark *mark = &seen->mark[orders->first_mark + index];
	mark->began_ns = now_ns();
	mark->attempt = forkpool_attempt();
	uint32_t times = atomic_fetch_add(&mark->begun, 1) + 1;
	atomic_store(&own->inside, (uint64_t)orders->round << 32 | (index + 1));
	work(&orders->job, index);
	result->value = value_of(&orders->job, index);
	result->check = checksum(result->value);
	mark->value = result->value;
	bool fail = fails(&orders->job, index) || (is_flaky(&orders->job, index) && mark->attempt == 1) ||
	            (is_weak(&orders->job, index) && times <= orders->job.retries + 1);
	atomic_fetch_add(&mark->ended, 1);
	atomic_store(&own->inside, 0);
	own->free_ns = now_ns();
	return fail ? forkpool_fail(code_of(index), "index %" PRIu32, index) : 0;
}

static int map_task(const void *item, void *result, void *ctx)
{
	return marked_task(*(const uint32_t *)item, ctx, result);
}

/* The second column is one item for all. */
static int starmap_task(const void *const *items, void *result, void *ctx)
{
	return marked_task(*(const uint32_t *)items[0] - *(const uint32_t *)items[1], ctx, result);
}

static int for_task(size_t index, void *ctx)
{
	struct result result;
	return marked_task((uint32_t)index, ctx, &result);
}

static int run_range(size_t begin, size_t end, struct result *sum, bool tell, void *ctx)
{
	for (size_t i = begin; i < end; i++) {
		struct result one;
		if (tell)
			forkpool_at(i);
		int code = marked_task((uint32_t)i, ctx, &one);
		if (code != 0)
			return code;
		sum->value += one.value;
		sum->check++;
	}
	return 0;
}

static int range_at_task(size_t begin, size_t end, void *ctx)
{
	struct result sum = {0, 0};
	return run_range(begin, end, &sum, true, ctx);
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	struct result sum = {0, 0};
	return run_range(begin, end, &sum, false, ctx);
}

static int fold_at_task(size_t begin, size_t end, void *acc, void *ctx)
{
	return run_range(begin, end, acc, true, ctx);
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	return run_range(begin, end, acc, false, ctx);
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	((struct result *)acc)->value += ((const struct result *)other)->value;
	((struct result *)acc)->check += ((const struct result *)other)->check;
}

/* ---- Calls ---- */

static const uint32_t offset_item = 17;

forkpool_map_fn *marked_map_task(void)
{
	return map_task;
}

static int call_and_wait(struct marked *marked, const forkpool_column *columns, const forkpool_opts *opts)
{
	forkpool *pool = marked->pool;
	size_t count = marked->job.count, size = sizeof(struct result);
	switch (marked->job.kind) {
	case MAP:
		if (marked->job.single)
			return forkpool_apply(pool, map_task, marked->items, sizeof(uint32_t), marked->results, size,
			                      opts);
		return FORKPOOL_MAP(pool, map_task, marked->items, marked->results, count, opts);
	case STARMAP:
		return forkpool_starmap(pool, starmap_task, columns, 2, count, marked->results, size, opts);
	case FOR:
		return forkpool_for(pool, for_task, count, opts);
	case RANGE_AT:
		return forkpool_for_range(pool, range_at_task, count, opts);
	case RANGE:
		return forkpool_for_range(pool, range_task, count, opts);
	case FOLD_AT:
		return forkpool_reduce(pool, fold_at_task, add, count, &marked->answer, size, opts);
	default:
		return forkpool_reduce(pool, fold_task, add, count, &marked->answer, size, opts);
	}
}

static int call_async(struct marked *marked, const forkpool_column *columns, const forkpool_opts *opts)
{
	forkpool *pool = marked->pool;
	forkpool_job **job = marked->job.manner == FORGOTTEN ? NULL : &marked->handle;
	size_t count = marked->job.count, size = sizeof(struct result);
	switch (marked->job.kind) {
	case MAP:
		if (marked->job.single)
			return forkpool_apply_async(job, pool, map_task, marked->items, sizeof(uint32_t),
			                            marked->results, size, opts);
		return forkpool_map_async(job, pool, map_task, marked->items, count, sizeof(uint32_t), marked->results,
		                          size, opts);
	case STARMAP:
		return forkpool_starmap_async(job, pool, starmap_task, columns, 2, count, marked->results, size, opts);
	case FOR:
		return forkpool_for_async(job, pool, for_task, count, opts);
	case RANGE_AT:
		return forkpool_for_range_async(job, pool, range_at_task, count, opts);
	case RANGE:
		return forkpool_for_range_async(job, pool, range_task, count, opts);
	case FOLD_AT:
		return forkpool_reduce_async(job, pool, fold_at_task, add, count, &marked->answer, size, opts);
	default:
		return forkpool_reduce_async(job, pool, fold_task, add, count, &marked->answer, size, opts);
	}
}

int call_marked(struct marked *marked, const forkpool_opts *opts)
{
	const forkpool_column columns[2] = {{marked->items, sizeof(uint32_t), sizeof(uint32_t)},
	                                    {&offset_item, sizeof offset_item, 0}};
	for (uint32_t i = 0; i < marked->job.count; i++)
		marked->items[i] = i + (marked->job.kind == STARMAP ? offset_item : 0);
	return marked->job.manner == CALLED ? call_and_wait(marked, columns, opts) : call_async(marked, columns, opts);
}

/* ---- What else they need ---- */

char current[256];

void tell_hang(int signal)
{
	static const char text[] = "HANG in ";
	(void)signal;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0 || write(STDERR_FILENO, current, strlen(current)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(EXIT_FAILURE + 1);
	_exit(EXIT_FAILURE);
}

uint64_t number_option(const char *program, const char *name, const char *text, uint64_t least, uint64_t most)
{
	char *end;
	errno = 0;
	uint64_t number = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || number < least || number > most) {
		fprintf(stderr, "%s: --%s %s: a number from %" PRIu64 " to %" PRIu64 " is wanted\n", program, name,
		        text, least, most);
		exit(2);
	}
	return number;
}
