/* The sum of a large range, by subranges, compared with the closed form.
 *
 *     from multiprocessing import Pool
 *
 *     N, STEP = 1_000_000_000, 1_000_000
 *
 *     def part(begin):
 *         return sum(range(begin, begin + STEP))
 *
 *     with Pool() as pool:
 *         total = sum(pool.map(part, range(0, N, STEP)))
 *     print(total, total == N * (N - 1) // 2)
 *
 * The pool makes the subranges itself, and adds up what comes of them, here in the caller. */
#include "example.h"

static int part(size_t begin, size_t end, void *acc, void *ctx)
{
	unsigned long long sum = 0;
	(void)ctx;
	for (size_t i = begin; i < end; i++)
		sum += i;
	*(unsigned long long *)acc += sum;
	return 0;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(unsigned long long *)acc += *(const unsigned long long *)other;
}

int main(void)
{
	const unsigned long long n = 1000000000, expected = n * (n - 1) / 2;
	unsigned long long total = 0;
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, NULL));
	must("reduce", forkpool_reduce(pool, part, add, (size_t)n, &total, sizeof total, NULL));
	printf("%llu, by the closed form %llu\n", total, expected);
	forkpool_destroy(pool);
	return total != expected;
}
