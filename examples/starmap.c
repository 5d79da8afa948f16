/* A function of two arguments: both from arrays, as zip() pairs them; then one of them the same for all.
 *
 *     from itertools import repeat
 *     from multiprocessing import Pool
 *
 *     bases, exponents = [2, 3, 5, 7], [10, 4, 3, 2]
 *     with Pool() as pool:
 *         print(*pool.starmap(pow, zip(bases, exponents)))
 *         print(*pool.starmap(pow, zip(repeat(2), exponents)))
 */
#include "example.h"

enum { COUNT = 4 };

static int power(const void *const *items, void *result, void *ctx)
{
	long base = *(const long *)items[0], exponent = *(const long *)items[1], product = 1;
	(void)ctx;
	while (exponent-- > 0)
		product *= base;
	*(long *)result = product;
	return 0;
}

static void print(const long *numbers)
{
	for (int i = 0; i < COUNT; i++)
		printf("%ld%c", numbers[i], i + 1 < COUNT ? ' ' : '\n');
}

int main(void)
{
	const long bases[COUNT] = {2, 3, 5, 7}, exponents[COUNT] = {10, 4, 3, 2}, two = 2;
	const size_t size = sizeof(long);
	const forkpool_column zipped[] = {{bases, size, size}, {exponents, size, size}};
	const forkpool_column repeated[] = {{&two, size, 0}, {exponents, size, size}}; /* stride 0: never moves on */
	long powers[COUNT];
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, NULL));
	must("starmap", forkpool_starmap(pool, power, zipped, 2, COUNT, powers, size, NULL));
	print(powers);
	must("starmap", forkpool_starmap(pool, power, repeated, 2, COUNT, powers, size, NULL));
	print(powers);
	forkpool_destroy(pool);
	return 0;
}
