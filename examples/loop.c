/*
 * A server that computes: its event loop, libuv's, goes on while a pool of processes works.
 *
 * Three jobs, of which one loses a worker and one a task to its time limit; meanwhile a timer ticks, as requests
 * would come in.  The loop waits for the pool's descriptor among its own, and dispatches when that is readable.
 * In Python it is asyncio with an executor, where the second job breaks the pool and the third never ends:
 *
 *     async def main():
 *         loop = asyncio.get_running_loop()
 *         with ProcessPoolExecutor() as pool:
 *             jobs = [loop.run_in_executor(pool, f, n) for f in (count_primes, crash, hang) for n in range(100)]
 *             ticker = asyncio.create_task(tick())
 *             print(await asyncio.gather(*jobs, return_exceptions=True))
 */
#include <forkpool.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

enum { TASKS = 100, BLOCK = 1000 };

static unsigned ticks, jobs;
static uv_timer_t timer;
static uv_poll_t watch;

/* How many primes there are among the numbers of a block. */
static int count_primes(const void *item, void *result, void *ctx)
{
	unsigned block = *(const unsigned *)item, *count = result;
	(void)ctx;
	*count = 0;
	for (unsigned n = block * BLOCK; n < (block + 1) * BLOCK; n++) {
		unsigned d = 2;
		while (d * d <= n && n % d != 0)
			d++;
		*count += n > 1 && d * d > n;
	}
	return 0;
}

static int crash_at_17(size_t index, void *ctx)
{
	(void)ctx;
	return index == 17 ? raise(SIGKILL) : 0;
}

static int hang_at_42(size_t index, void *ctx)
{
	(void)ctx;
	while (index == 42)
		pause();
	return 0;
}

/* When a job is finished. */
static void tell(forkpool_job *job, void *name)
{
	forkpool_report report;
	char text[1000];
	forkpool_job_get(job, &report);
	forkpool_report_format(&report, text, sizeof text);
	printf("%s, while the timer ticked %s:\n%s", (const char *)name, ticks > 0 ? "on" : "not", text);
	if (--jobs > 0)
		return;
	uv_close((uv_handle_t *)&timer, NULL); /* without handles the loop ends */
	uv_close((uv_handle_t *)&watch, NULL);
}

static void tick(uv_timer_t *handle)
{
	(void)handle;
	ticks++;
}

static void dispatch(uv_poll_t *handle, int status, int events)
{
	(void)status;
	(void)events;
	forkpool_dispatch(handle->data);
}

int main(void)
{
	static unsigned blocks[TASKS], primes[TASKS];
	static char first[] = "counting primes", second[] = "crashing", third[] = "hanging";
	forkpool *pool;
	uv_loop_t *loop = uv_default_loop();
	if (forkpool_create(&pool, &(forkpool_config){.workers = 2}) != 0 || uv_timer_init(loop, &timer) != 0 ||
	    uv_poll_init(loop, &watch, forkpool_fd(pool)) != 0)
		return 1;
	watch.data = pool;
	uv_timer_start(&timer, tick, 0, 1);
	uv_poll_start(&watch, UV_READABLE, dispatch);

	for (unsigned i = 0; i < TASKS; i++)
		blocks[i] = i;
	forkpool_opts opts = {.done = tell, .done_arg = first};
	jobs += forkpool_map_async(NULL, pool, count_primes, blocks, TASKS, sizeof *blocks, primes, sizeof *primes,
	                           &opts) == 0;
	opts = (forkpool_opts){.done = tell, .done_arg = second};
	jobs += forkpool_for_async(NULL, pool, crash_at_17, TASKS, &opts) == 0;
	opts = (forkpool_opts){.done = tell, .done_arg = third, .timeout = 0.2};
	jobs += forkpool_for_async(NULL, pool, hang_at_42, TASKS, &opts) == 0;
	unsigned submitted = jobs;
	uv_run(loop, UV_RUN_DEFAULT);

	unsigned sum = 0;
	for (unsigned i = 0; i < TASKS; i++)
		sum += primes[i];
	printf("%u primes below %u; the timer ticked %s meanwhile\n", sum, TASKS * BLOCK,
	       ticks >= 10 ? "ten times and more" : "less than ten times");
	forkpool_destroy(pool);
	uv_loop_close(loop);
	return submitted != 3 || jobs != 0 || sum != 9592 || ticks < 10;
}
