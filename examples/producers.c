/* Many producers, one consumer: workers count the primes in lots of numbers, and the caller takes each count
 * as soon as it is there, in whatever order they come.
 *
 *     from queue import Queue
 *     from threading import Thread
 *
 *     queue = Queue()
 *     for lot in range(LOTS):
 *         Thread(target=lambda lot=lot: queue.put(primes(lot))).start()
 *     print(sum(queue.get() for _ in range(LOTS)))
 *
 * There is no queue here, and no lock.  Each count has a place of its own, where one worker alone writes; that it
 * is finished is one atomic word, written after it; forkpool_job_next() looks for such words, and sleeps while
 * there are none.  So producers never wait for each other, or for the consumer, and one that is killed in the
 * middle holds nothing that the others need.  For lots without end see forkpool_imap(), in twins.c. */
#include "example.h"

enum { LOTS = 50, LOT = 20000 };

static int primes(const void *item, void *result, void *ctx)
{
	int begin = *(const int *)item * LOT, count = 0;
	(void)ctx;
	for (int n = begin < 2 ? 2 : begin; n < begin + LOT; n++) {
		int divisor = 2;
		while (divisor * divisor <= n && n % divisor != 0)
			divisor++;
		count += divisor * divisor > n;
	}
	*(int *)result = count;
	return 0;
}

int main(void)
{
	int lots[LOTS], counts[LOTS], consumed = 0, total = 0, got;
	size_t lot;
	forkpool *pool;
	forkpool_job *job;
	for (int i = 0; i < LOTS; i++)
		lots[i] = i;
	must("forkpool_create", forkpool_create(&pool, NULL));
	must("map_async", forkpool_map_async(&job, pool, primes, lots, LOTS, sizeof *lots, counts, sizeof *counts,
	                                     &(forkpool_opts){.chunk = 1}));
	while ((got = forkpool_job_next(job, &lot, -1)) == 1) { /* queue.get() */
		total += counts[lot];
		consumed++;
	}
	must("job_next", got);
	must("job_get", forkpool_job_get(job, NULL));
	printf("%d lots consumed: %d primes below %d\n", consumed, total, LOTS * LOT);
	forkpool_job_free(job);
	forkpool_destroy(pool);
	return 0;
}
