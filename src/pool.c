/*
 * The pool's own calls: it is made from a configuration, closed, joined, and gone.
 */
#include "owner.h"
#include "crew.h"
#include "job.h"
#include "queue.h"
#include "schedule.h"
#include "sleep.h"
#include "wait.h"
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEFAULT_SPIN_US = 50 };

/* A pool inside a task needs address space for its book-keeping only. */
#define NESTED_ARENA ((size_t)1 << 30)
#define LEAST_ARENA  ((size_t)1 << 20)

/* ---- Configuration ---- */

static int backend_by_name(const char *name)
{
	static const char *const names[] = {"processes", "threads", "serial"};
	for (int i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static int apply_environment(forkpool_config *config)
{
	const char *backend = getenv("FORKPOOL_BACKEND"), *workers = getenv("FORKPOOL_WORKERS");
	if (backend != NULL && *backend != '\0' && (config->backend = backend_by_name(backend)) < 0)
		return -EINVAL;
	if (workers != NULL && *workers != '\0') {
		char *end;
		errno = 0;
		unsigned long count = strtoul(workers, &end, 10);
		if (errno != 0 || *end != '\0' || *workers < '0' || *workers > '9' || count > FORKPOOL_MAX_WORKERS)
			return -EINVAL;
		config->workers = (unsigned)count;
	}
	return 0;
}

/* The machine's, or a quarter of the address space that this process is limited to: the pool must not take all
 * of it from the rest of the program. */
static size_t machine_memory(void)
{
	struct rlimit limit;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	size_t memory = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)1 << 32;
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur / 4 < memory)
		memory = (size_t)limit.rlim_cur / 4;
	return memory;
}

static bool all_zero(const uint64_t *reserved, size_t count)
{
	while (count > 0)
		if (reserved[--count] != 0)
			return false;
	return true;
}

static int complete_config(forkpool_config *config)
{
	if (!all_zero(config->reserved, sizeof config->reserved / sizeof *config->reserved))
		return -EINVAL;
	int error = apply_environment(config);
	if (error != 0)
		return error;
	if (config->backend == FORKPOOL_MPI)
		return -ENOTSUP;
	if (config->backend < 0 || config->backend > FORKPOOL_MPI || config->workers > FORKPOOL_MAX_WORKERS)
		return -EINVAL;
	if (config->affinity < FORKPOOL_AFFINITY_NONE || config->affinity > FORKPOOL_AFFINITY_SPREAD)
		return -EINVAL;
	if (config->memory_limit > 0 && config->backend != FORKPOOL_PROCESSES)
		return -ENOTSUP;
	if (worker_current != NULL) {
		config->backend = FORKPOOL_SERIAL;
		if (config->arena_size == 0)
			config->arena_size = NESTED_ARENA;
	}
	if (config->backend == FORKPOOL_SERIAL)
		config->workers = 1;
	if (config->workers == 0)
		config->workers = forkpool_cpu_count();
	if (config->arena_size == 0)
		config->arena_size = machine_memory() > SIZE_MAX / 2 ? SIZE_MAX / 2 : machine_memory() * 2;
	if (config->spin_us == 0)
		config->spin_us = DEFAULT_SPIN_US;
	else if (config->spin_us == FORKPOOL_NO_SPIN)
		config->spin_us = 0;
	return 0;
}

/* ---- The region's layout ---- */

struct layout {
	size_t ring_back, records, ring_front, tallies, failures, endings, scratch, arena; /* offsets */
	size_t capacity;
};

static size_t place(size_t *at, size_t size, size_t alignment)
{
	size_t here = (*at + alignment - 1) / alignment * alignment;
	*at = here + size;
	return here;
}

/* First what workers only read, then, on pages of its own, what they write. */
static struct layout lay_out(unsigned workers)
{
	struct layout layout = {.capacity = 256};
	size_t at = sizeof(struct board), page = (size_t)sysconf(_SC_PAGESIZE);
	while (layout.capacity < 4 * (size_t)workers)
		layout.capacity *= 2;
	layout.ring_back = place(&at, ring_back_size(layout.capacity), CACHE_LINE);
	layout.records = place(&at, workers * sizeof(struct worker_record), page);
	layout.ring_front = place(&at, sizeof(struct ring_front), CACHE_LINE);
	layout.tallies = place(&at, JOB_SLOTS * sizeof(struct job_tally), CACHE_LINE);
	layout.endings = place(&at, sizeof(struct endings), CACHE_LINE);
	layout.failures = place(&at, (size_t)workers * JOB_SLOTS * sizeof(struct failure), CACHE_LINE);
	layout.scratch = place(&at, (size_t)JOB_SLOTS * SLOT_SCRATCH, page);
	layout.arena = place(&at, 0, page);
	return layout;
}

static int make_region(forkpool *pool)
{
	struct layout layout = lay_out(pool->config.workers);
	struct engine *engine = &pool->engine;
	size_t wanted = pool->config.arena_size > SIZE_MAX / 2 ? SIZE_MAX / 2 : pool->config.arena_size;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	wanted = (wanted + layout.arena + page - 1) / page * page;
	int error = region_create(&pool->region, layout.arena + LEAST_ARENA, wanted, pool->config.core_dumps != 0);
	if (error == 0)
		error = arena_init(&pool->arena, &pool->region, layout.arena);
	if (error != 0)
		return error;
	char *base = pool->region.base;
	engine->board = (struct board *)(void *)base;
	engine->records = (struct worker_record *)(void *)(base + layout.records);
	engine->tallies = (struct job_tally *)(void *)(base + layout.tallies);
	engine->endings = (struct endings *)(void *)(base + layout.endings);
	engine->failures = (struct failure *)(void *)(base + layout.failures);
	for (unsigned slot = 0; slot < JOB_SLOTS; slot++)
		pool->slots[slot].scratch = base + layout.scratch + (size_t)slot * SLOT_SCRATCH;
	engine->workers = pool->config.workers;
	engine->spin_us = pool->config.spin_us;
	engine->tasks_a_worker = pool->config.max_tasks_per_worker;
	engine->before_sleep = pool->backend->before_sleep;
	ring_init(&engine->ring, (struct ring_back *)(void *)(base + layout.ring_back),
	          (struct ring_front *)(void *)(base + layout.ring_front), layout.capacity);
	return 0;
}

/* ---- Making and unmaking ---- */

static const struct backend *const backends[] = {
        [FORKPOOL_PROCESSES] = &backend_process,
        [FORKPOOL_THREADS] = &backend_thread,
        [FORKPOOL_SERIAL] = &backend_serial,
};

static int make_members(forkpool *pool)
{
	unsigned workers = pool->config.workers;
	pool->members = calloc(workers, sizeof *pool->members);
	if (pool->members == NULL)
		return -ENOMEM;
	for (unsigned slot = 0; slot < workers; slot++)
		pool->members[slot] = (struct member){.pool = pool, .pidfd = -1};
	if (!pool->backend->runs_inline)
		return 0;
	pool->inline_worker = calloc(1, sizeof *pool->inline_worker);
	return pool->inline_worker == NULL ? -ENOMEM : 0;
}

static bool is_process_pool(const forkpool *pool)
{
	return pool->backend == &backend_process;
}

/* In a child that the program has forked: nobody will ever finish the child's copies of the jobs. */
static void forget_jobs(struct job_queue *queue)
{
	forkpool_job *job;
	while ((job = queue_take(queue)) != NULL) {
		job->state = JOB_FINISHED;
		job->result = -EPERM;
		job->told = true;
		job_release(job);
	}
}

/* Frees what this process has of the pool; its workers are gone, or never were. */
static void unmake(forkpool *pool)
{
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
		queue_append(&pool->waiting, lowest_job(pool, slots));
	forget_jobs(&pool->waiting);
	forget_jobs(&pool->finished);
	process_delist(pool);
	if (pool->inline_worker != NULL)
		forkpool_destroy(pool->inline_worker->nested);
	watch_close(pool);
	for (unsigned slot = 0; pool->members != NULL && slot < pool->config.workers; slot++)
		if (pool->members[slot].pidfd >= 0)
			close(pool->members[slot].pidfd); /* a forked child's copy */
	objects_free(&pool->objects);
	inner_free(&pool->inner);
	places_free(&pool->places);
	arena_destroy(&pool->arena);
	region_destroy(&pool->region, pool->owner == process_id());
	free(pool->inline_worker);
	free(pool->members);
	free(pool);
}

/* Starts the workers, and waits for their initializers' verdict. */
static int start_crew(forkpool *pool)
{
	int error = crew_start(pool);
	if (error != 0 || pool->config.initializer == NULL || pool->backend->runs_inline)
		return error;
	wait_for_starts(pool);
	return crew_gone(pool) ? pool->start_error : 0;
}

static int make(forkpool *pool)
{
	inner_choose(&pool->inner, &pool->config);
	if (!pool->backend->runs_inline) /* the caller as a worker stays where, and as, it is */
		places_find(&pool->places, pool->config.affinity);
	int error = make_members(pool);
	if (error == 0)
		error = make_region(pool);
	if (error == 0)
		error = watch_open(pool);
	if (error == 0)
		error = objects_snapshot(&pool->objects);
	if (error == 0)
		error = process_enlist(pool);
	return error == 0 ? start_crew(pool) : error;
}

int forkpool_create(forkpool **created, const forkpool_config *config)
{
	forkpool_config complete = config == NULL ? (forkpool_config){0} : *config;
	int error = created == NULL ? -EINVAL : complete_config(&complete);
	if (error != 0)
		return error;
	forkpool *pool = calloc(1, sizeof *pool);
	if (pool == NULL)
		return -ENOMEM;
	pool->config = complete;
	pool->owner = process_id();
	pool->creator = worker_current;
	pool->backend = backends[complete.backend];
	pool->epoll = pool->timer = pool->bell = pool->engine.doorbell = pool->lifeline = -1;
	error = make(pool);
	if (error != 0) {
		unmake(pool);
		return error;
	}
	*created = pool;
	return 0;
}

/* ---- Ending ---- */

static int check_owner(const forkpool *pool)
{
	if (pool == NULL)
		return -EINVAL;
	return pool->owner == process_id() ? 0 : -EPERM;
}

int forkpool_close(forkpool *pool)
{
	int error = check_owner(pool);
	if (error != 0 || pool->closed)
		return error;
	pool->closed = true;
	if (pool->unfinished == 0)
		crew_close(pool);
	return 0;
}

int forkpool_join(forkpool *pool)
{
	int error = check_owner(pool);
	if (error == 0 && !pool->closed)
		error = -EINVAL;
	if (error != 0)
		return error;
	pool_enter(pool);
	pool_wait(pool, is_unoccupied, pool, -1);
	crew_end_inline(pool);
	wait_for_ends(pool);
	pool_leave(pool);
	return 0;
}

int forkpool_terminate(forkpool *pool)
{
	int error = check_owner(pool);
	if (error != 0)
		return error;
	pool->closed = true;
	pool_enter(pool);
	crew_kill(pool);
	wait_for_ends(pool);
	schedule_end_all(pool, -ESHUTDOWN);
	pool_wait(pool, is_unoccupied, pool, -1); /* calls back */
	pool_leave(pool);
	return 0;
}

void forkpool_destroy(forkpool *pool)
{
	if (pool == NULL)
		return;
	if (pool->owner == process_id()) {
		if (pool->unfinished > 0)
			forkpool_terminate(pool);
		forkpool_close(pool);
		forkpool_join(pool);
	}
	unmake(pool);
}

static int renew_crew(forkpool *pool)
{
	crew_close(pool);
	wait_for_ends(pool);
	if (pool->killed)
		crew_reset(pool); /* what the old workers have left could not be believed */
	crew_open(pool);
	return start_crew(pool);
}

int forkpool_refresh(forkpool *pool)
{
	struct objects objects;
	int error = check_owner(pool);
	if (error == 0 && pool->closed)
		error = -ESHUTDOWN;
	if (error == 0 && (pool->unfinished > 0 || pool->depth > 0))
		error = -EBUSY;
	if (error != 0 || !is_process_pool(pool))
		return error;
	error = objects_snapshot(&objects);
	if (error != 0)
		return error;
	objects_free(&pool->objects);
	pool->objects = objects;
	pool_enter(pool);
	error = renew_crew(pool);
	pool_leave(pool);
	return error;
}

/* ---- The arena's calls ---- */

/* Space may be short only because a worker still looks at the last job: it will not for long. */
static void *alloc_patiently(forkpool *pool, size_t size)
{
	void *memory;
	pool_enter(pool);
	for (int patience = WAIT_PATIENCE;; patience--) {
		slots_sweep(pool);
		memory = arena_alloc_zeroed(&pool->arena, size, true);
		if (memory != NULL || pool->slots_closing == 0 || patience == 0)
			break;
		wait_for_slot(pool);
	}
	pool_leave(pool);
	return memory;
}

void *forkpool_alloc(forkpool *pool, size_t size)
{
	int error = check_owner(pool);
	if (error == 0 && size == 0)
		error = -EINVAL;
	void *memory = error == 0 ? alloc_patiently(pool, size) : NULL;
	if (memory == NULL)
		errno = error == 0 ? ENOMEM : -error;
	return memory;
}

void forkpool_free(forkpool *pool, void *memory)
{
	if (check_owner(pool) != 0)
		return;
	arena_release(&pool->arena, memory);
	pool->returns++;
}
