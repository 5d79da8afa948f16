/* How many steps each number takes to reach 1, if an even n becomes n / 2 and an odd one 3n + 1. */
#include <forkpool.h>
#include <stdio.h>

enum { COUNT = 1000000 };
static unsigned long numbers[COUNT], steps[COUNT];

static int count_steps(const void *item, void *result, void *ctx)
{
	unsigned long n = *(const unsigned long *)item, *count = result;
	(void)ctx;
	for (*count = 0; n != 1; ++*count)
		n = n % 2 == 0 ? n / 2 : 3 * n + 1;
	return 0;
}

int main(void)
{
	forkpool *pool;
	if (forkpool_create(&pool, NULL) != 0) /* as many workers as CPUs */
		return 1;
	for (unsigned long i = 0; i < COUNT; i++)
		numbers[i] = i + 1;
	int lost = FORKPOOL_MAP(pool, count_steps, numbers, steps, COUNT, NULL);
	printf("%s: %lu takes %lu steps\n", forkpool_strerror(lost), numbers[837798], steps[837798]);
	forkpool_destroy(pool);
	return lost != 0;
}
