/*
 * threads - the pool of threads that textbooks have: a linked list of tasks under one mutex, a condition for "there is
 * work", one for "all is done", and a task is allocated for each piece.
 *
 * It is the baseline of what one gets who writes a pool in an afternoon, and is written as well as that allows: a task
 * is allocated and freed outside the mutex, and a waiter is signalled only when there is something new for it.
 */
#include "built.h"
#include "textbook.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

struct task {
	struct task *next;
	const struct work *work;
	size_t begin, end;
};

static struct {
	pthread_t *threads;
	unsigned workers;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t filled, finished;
	struct task *first, **last;
	size_t unfinished; /* tasks, queued or running */
	bool ending;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .filled = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER,
          .last = &pool.first};

/* ---- Workers ---------------------------------------------------------------------------- */

/* The mutex is held.  NULL: the pool ends. */
static struct task *next_task(void)
{
	while (!pool.first && !pool.ending)
		pthread_cond_wait(&pool.filled, &pool.mutex);
	struct task *task = pool.first;
	if (task) {
		pool.first = task->next;
		if (!pool.first)
			pool.last = &pool.first;
	}
	return task;
}

static void *work_on(void *unused)
{
	struct task *task;
	pthread_mutex_lock(&pool.mutex);
	while ((task = next_task())) {
		pthread_mutex_unlock(&pool.mutex);
		work_do(task->work, task->begin, task->end);
		free(task);
		pthread_mutex_lock(&pool.mutex);
		if (--pool.unfinished == 0)
			pthread_cond_signal(&pool.finished);
	}
	pthread_mutex_unlock(&pool.mutex);
	return unused;
}

static void stop(void)
{
	pthread_mutex_lock(&pool.mutex);
	pool.ending = true;
	pthread_cond_broadcast(&pool.filled);
	pthread_mutex_unlock(&pool.mutex);
	while (pool.workers > 0)
		pthread_join(pool.threads[--pool.workers], NULL);
	free(pool.threads);
	pool.threads = NULL;
}

static int start(unsigned workers)
{
	pool.threads = malloc(workers * sizeof *pool.threads);
	if (!pool.threads)
		return -ENOMEM;
	pool.ending = false;
	while (pool.workers < workers) {
		int error = pthread_create(&pool.threads[pool.workers], NULL, work_on, NULL);
		if (error) {
			stop();
			return -error;
		}
		pool.workers++;
	}
	return 0;
}

/* ---- The caller --------------------------------------------------------------------------- */

static int submit(const struct work *work, size_t begin, size_t end)
{
	struct task *task = malloc(sizeof *task);
	if (!task)
		return -ENOMEM;
	*task = (struct task){.work = work, .begin = begin, .end = end};
	pthread_mutex_lock(&pool.mutex);
	*pool.last = task;
	pool.last = &task->next;
	pool.unfinished++;
	pthread_cond_signal(&pool.filled);
	pthread_mutex_unlock(&pool.mutex);
	return 0;
}

static void wait_for_all(void)
{
	pthread_mutex_lock(&pool.mutex);
	while (pool.unfinished > 0)
		pthread_cond_wait(&pool.finished, &pool.mutex);
	pthread_mutex_unlock(&pool.mutex);
}

/* The work is the caller's, and stays until all is done: a job, too, can be waited for only with the others. */
int textbook_run(const struct work *work, size_t count, size_t chunk)
{
	int error = 0;
	chunk = work_chunk(work, count, chunk, pool.workers);
	for (size_t begin = 0; begin < count && error == 0; begin += chunk)
		error = submit(work, begin, count - begin > chunk ? begin + chunk : count);
	wait_for_all();
	return error;
}

static void version(char *text, size_t size)
{
#ifdef __GLIBC__
	snprintf(text, size, "mutex and conditions, glibc %s, %s", gnu_get_libc_version(), BUILT_BY);
#else
	snprintf(text, size, "mutex and conditions, %s", BUILT_BY);
#endif
}

int main(int argc, char **argv)
{
	static const struct peer peer = {.version = version,
	                                 .start = start,
	                                 .stop = stop,
	                                 .each = textbook_each,
	                                 .ranges = textbook_ranges,
	                                 .map = textbook_map,
	                                 .jobs = textbook_jobs};
	return peer_main(&peer, argc, argv);
}
