/* The lesson: the same work by one thread, by threads of which one at a time may run, as in Python, by free
 * threads, and by processes.
 *
 *     from multiprocessing import Pool
 *     from multiprocessing.dummy import Pool as ThreadPool
 *     from time import time
 *
 *     for kind in ThreadPool, Pool:
 *         with kind() as pool:
 *             start = time()
 *             pool.map(steps, range(64), chunksize=1)     # steps() computes, and waits for nothing
 *             print(kind.__name__, time() - start)
 *
 * CPython's threads share one lock, without which none may run Python code.  A thread that has waited for it for
 * 5 ms (sys.setswitchinterval) asks for it, and who holds it gives it up at its next look.  So a single one works
 * at a time, and there is no speed-up; unless they wait for something else meanwhile, which is why threads do
 * help urls.c.  C has no such lock; who needs one because the code is not thread-safe has processes. */
#include "example.h"
#include <pthread.h>
#include <stdatomic.h>

enum { TASKS = 64, NUMBERS = 20000 }; /* numbers a task */

/* The lock.  `held` and `turn` are guarded by the mutex. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t given_up, taken;
	int held;
	unsigned long turn;   /* how often it has been taken */
	atomic_int asked_for; /* somebody has waited for too long; relaxed, it is a hint */
} global_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .taken = PTHREAD_COND_INITIALIZER};

static void take_lock(void)
{
	pthread_mutex_lock(&global_lock.mutex);
	while (global_lock.held) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 5000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		unsigned long turn = global_lock.turn;
		int late = pthread_cond_timedwait(&global_lock.given_up, &global_lock.mutex, &until) != 0;
		if (late && global_lock.held && global_lock.turn == turn)
			atomic_store_explicit(&global_lock.asked_for, 1, memory_order_relaxed);
	}
	global_lock.held = 1;
	global_lock.turn++;
	atomic_store_explicit(&global_lock.asked_for, 0, memory_order_relaxed);
	pthread_cond_broadcast(&global_lock.taken);
	pthread_mutex_unlock(&global_lock.mutex);
}

static void give_up_lock(void)
{
	pthread_mutex_lock(&global_lock.mutex);
	global_lock.held = 0;
	pthread_cond_signal(&global_lock.given_up);
	pthread_mutex_unlock(&global_lock.mutex);
}

/* To whoever asked: waits until it has been taken, or this thread would have it again at once. */
static void hand_over_lock(void)
{
	pthread_mutex_lock(&global_lock.mutex);
	unsigned long turn = global_lock.turn;
	global_lock.held = 0;
	pthread_cond_signal(&global_lock.given_up);
	while (global_lock.turn == turn)
		pthread_cond_wait(&global_lock.taken, &global_lock.mutex);
	pthread_mutex_unlock(&global_lock.mutex);
	take_lock();
}

/* As first.c: how many steps it takes to reach 1, here from all the numbers of a task. */
static unsigned long count_steps(unsigned task, int locked)
{
	unsigned long count = 0;
	for (unsigned i = 1; i <= NUMBERS; i++) {
		for (unsigned long n = (unsigned long)task * NUMBERS + i; n != 1; count++)
			n = n % 2 == 0 ? n / 2 : 3 * n + 1;
		if (locked && atomic_load_explicit(&global_lock.asked_for, memory_order_relaxed))
			hand_over_lock();
	}
	return count;
}

static int steps(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(unsigned long *)result = count_steps(*(const unsigned *)item, 0);
	return 0;
}

static int locked_steps(const void *item, void *result, void *ctx)
{
	(void)ctx;
	take_lock();
	*(unsigned long *)result = count_steps(*(const unsigned *)item, 1);
	give_up_lock();
	return 0;
}

static unsigned tasks[TASKS];
static unsigned long results[TASKS], expected;
static double alone; /* seconds, of one thread */

/* A line of the table; and whether the results are those of the first line. */
static void print(const char *what, double took)
{
	unsigned long sum = 0;
	for (int i = 0; i < TASKS; i++)
		sum += results[i];
	if (expected == 0) {
		expected = sum;
		alone = took;
	}
	if (sum != expected) {
		fprintf(stderr, "%s: %lu steps, but one thread has counted %lu\n", what, sum, expected);
		exit(EXIT_FAILURE);
	}
	printf("%-24s %6.3f s %9.2f\n", what, took, alone / took);
}

static void by_one_thread(void)
{
	double begin = seconds();
	for (int i = 0; i < TASKS; i++)
		steps(&tasks[i], &results[i], NULL);
	print("one thread", seconds() - begin);
}

static void by_pool(const char *what, int backend, unsigned workers, forkpool_map_fn *function)
{
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = workers}));
	double begin = seconds();
	must("map", FORKPOOL_MAP(pool, function, tasks, results, TASKS, &(forkpool_opts){.chunk = 1}));
	print(what, seconds() - begin);
	forkpool_destroy(pool);
}

static void prepare_lock(void)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&global_lock.given_up, &attributes);
	pthread_condattr_destroy(&attributes);
}

int main(void)
{
	unsigned workers = forkpool_cpu_count() > 1 ? 0 : 2; /* 0: as many as CPUs */
	for (unsigned i = 0; i < TASKS; i++)
		tasks[i] = i;
	prepare_lock();
	printf("%-24s %8s %9s\n", "", "time", "speed-up");
	by_one_thread();
	if (compared(FORKPOOL_THREADS)) {
		by_pool("threads under one lock", FORKPOOL_THREADS, workers, locked_steps);
		by_pool("free threads", FORKPOOL_THREADS, workers, steps);
	}
	if (compared(FORKPOOL_PROCESSES))
		by_pool("processes", FORKPOOL_PROCESSES, workers, steps);
	return 0;
}
