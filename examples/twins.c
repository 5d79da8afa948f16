/* A pool of processes and its twin of threads: the same calls, and a word in the configuration.
 *
 *     from multiprocessing import Pool
 *     from multiprocessing.dummy import Pool as ThreadPool
 *
 *     for kind in Pool, ThreadPool:
 *         pool = kind(4)
 *         job = pool.map_async(half, range(10), callback=lambda halves: print("done:", sum(halves)))
 *         job.get()
 *         print(*pool.imap(half, range(10)))
 *         pool.close()
 *         pool.join()
 */
#include "example.h"

enum { COUNT = 10 };

static int half(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(double *)result = *(const int *)item / 2.0;
	return 0;
}

/* Runs in the caller's thread, while that waits in a call of the pool: so it needs no lock either. */
static void told(forkpool_job *job, void *arg)
{
	const double *halves = arg;
	double sum = 0;
	(void)job;
	for (int i = 0; i < COUNT; i++)
		sum += halves[i];
	printf("done: %g\n", sum);
}

/* The stream's two ends: Python's are an iterator and a for loop. */
static int next_number(void *item, void *arg)
{
	int *next = arg;
	if (*next == COUNT)
		return 0;
	*(int *)item = (*next)++;
	return 1;
}

static int print_half(size_t index, const void *result, int32_t status, void *arg)
{
	(void)arg;
	(void)status; /* half() never fails */
	printf("%g%c", *(const double *)result, index + 1 < COUNT ? ' ' : '\n');
	return 0;
}

static void show(int backend)
{
	int numbers[COUNT], next = 0;
	double halves[COUNT];
	forkpool *pool;
	forkpool_job *job;
	for (int i = 0; i < COUNT; i++)
		numbers[i] = i;
	printf("%s\n", backend_names[backend]);
	must("forkpool_create", forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = 4}));
	must("map_async", forkpool_map_async(&job, pool, half, numbers, COUNT, sizeof *numbers, halves, sizeof *halves,
	                                     &(forkpool_opts){.done = told, .done_arg = halves}));
	must("job_get", forkpool_job_get(job, NULL));
	forkpool_job_free(job);
	must("imap",
	     forkpool_imap(pool, half, next_number, print_half, &next, sizeof(int), sizeof(double), 0, 0, NULL));
	must("close", forkpool_close(pool));
	must("join", forkpool_join(pool));
	forkpool_destroy(pool);
}

int main(void)
{
	for (int backend = 0; backend < BACKENDS; backend++)
		if (compared(backend))
			show(backend);
	return 0;
}
