/* A function over an array, by four threads.
 *
 *     from multiprocessing.dummy import Pool      # or multiprocessing, for processes
 *
 *     def square(x):
 *         return x * x
 *
 *     with Pool(4) as pool:
 *         print(*pool.map(square, [1, 2, 3, 4, 5, 6]))
 */
#include "example.h"

static int square(const void *item, void *result, void *ctx)
{
	int x = *(const int *)item;
	(void)ctx;
	*(int *)result = x * x;
	return 0;
}

int main(void)
{
	int numbers[] = {1, 2, 3, 4, 5, 6}, squares[6];
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, &(forkpool_config){.backend = FORKPOOL_THREADS, .workers = 4}));
	must("map", FORKPOOL_MAP(pool, square, numbers, squares, 6, NULL));
	for (int i = 0; i < 6; i++)
		printf("%d%c", squares[i], i < 5 ? ' ' : '\n');
	forkpool_destroy(pool);
	return 0;
}
