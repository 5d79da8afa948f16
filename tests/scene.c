/*
 * scene.c - tasks that leave traces, and what is seen of them.  What each is for stands in scene.h.
 */
#include "config.h"
#include "scene.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

struct scene *scene;

void new_scene(void)
{
	scene = evidence(sizeof *scene);
}

void scene_begin(size_t index)
{
	uint32_t ticket = atomic_fetch_add(&scene->tickets, 1);
	if (index < MOST) {
		scene->ticket[index] = ticket;
		scene->pids[index] = getpid();
		atomic_fetch_add(&scene->begun[index], 1);
	}
}

int scene_end(void)
{
	atomic_fetch_add(&scene->ended, 1);
	return 0;
}

int plain_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	return scene_end();
}

int numbered_task(size_t index, void *ctx)
{
	(void)index;
	scene_begin(*(const uint32_t *)ctx);
	return scene_end();
}

int gated_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	atomic_fetch_add(&scene->entered, 1);
	return wait_for(&scene->open, 1) ? scene_end() : 1;
}

int stubborn_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	atomic_fetch_add(&scene->entered, 1);
	for (;;)
		pause();
	return 0;
}

int obedient_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	atomic_fetch_add(&scene->entered, 1);
	for (int i = 0; i < PATIENCE * 1000; i++) {
		if (forkpool_cancelled())
			return scene->answer;
		usleep(1000);
	}
	return 77;
}

forkpool_for_fn *endless_task(int backend)
{
	return backend == FORKPOOL_PROCESSES ? stubborn_task : obedient_task;
}

int killed_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	raise(SIGKILL);
	return 0;
}

int napping_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	usleep(1000);
	return scene_end();
}

int failing_task(size_t index, void *ctx)
{
	(void)ctx;
	return index % 10 == 7 ? forkpool_fail((int)index, "no %zu", index) : 0;
}

int gate_at_zero(size_t index, void *ctx)
{
	return index == 0 ? gated_task(index, ctx) : plain_task(index, ctx);
}

struct bell new_bell(void)
{
	return (struct bell){.thread = pthread_self()};
}

void ring(forkpool_job *job, void *arg)
{
	struct bell *bell = arg;
	bell->rung++;
	bell->job = job;
	bell->ready = forkpool_job_ready(job);
	bell->returned = forkpool_job_get(job, NULL);
	bell->elsewhere |= !pthread_equal(bell->thread, pthread_self());
}

void assert_rung_once(const struct bell *bell, const forkpool_job *job, int returned)
{
	ck_assert_uint_eq(bell->rung, 1);
	ck_assert(!bell->elsewhere);
	ck_assert_int_eq(bell->ready, 1);
	ck_assert_int_eq(bell->returned, returned);
	if (job != NULL)
		ck_assert_ptr_eq(bell->job, job);
}

void open_gate(forkpool_job *job, void *arg)
{
	(void)job;
	(void)arg;
	atomic_store(&scene->open, 1);
}

forkpool_job *submit_for(forkpool *pool, forkpool_for_fn *function, size_t count, const forkpool_opts *opts)
{
	forkpool_job *job = NULL;
	int returned = forkpool_for_async(&job, pool, function, count, opts);
	ck_assert_msg(returned == 0, "forkpool_for_async: %s", forkpool_strerror(returned));
	ck_assert_ptr_nonnull(job);
	return job;
}

forkpool_job *occupy(forkpool *pool, unsigned workers)
{
	uint32_t before = atomic_load(&scene->entered);
	forkpool_job *job = submit_for(pool, gated_task, workers, &(forkpool_opts){.chunk = 1});
	ck_assert(wait_for(&scene->entered, before + workers));
	return job;
}

void finish(forkpool_job *job, int expected)
{
	ck_assert_int_eq(forkpool_job_get(job, NULL), expected);
	forkpool_job_free(job);
}

bool has_crew(int backend)
{
	return backend != FORKPOOL_SERIAL;
}

double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
