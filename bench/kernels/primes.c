/*
 * primes - counting primes with a segmented sieve of Eratosthenes.
 *
 * An item is the number of a block of 10^5 integers, its result how many of them are
 * prime; the whole problem is a sum over blocks, by forkpool_reduce().  Published
 * values: pi(10^k), OEIS A006880.
 *
 * The small primes are found when the object is loaded, so workers inherit them.
 */
#include "kernel.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	BLOCK = 100000,     /* integers in a block: the odd ones fit into a level 2 cache */
	ROOT = 65536,       /* small primes are below it, so integers are below 2^32 */
	SMALL_PRIMES = 6541 /* odd primes below ROOT */
};
#define BLOCKS (UINT64_C(4294967296) / BLOCK)

static uint32_t small_primes[SMALL_PRIMES];

__attribute__((constructor)) static void find_small_primes(void)
{
	uint8_t composite[ROOT] = {0};
	size_t found = 0;
	for (uint32_t n = 3; n < ROOT; n += 2) {
		if (composite[n])
			continue;
		small_primes[found++] = n;
		for (uint64_t multiple = (uint64_t)n * n; multiple < ROOT; multiple += 2 * n)
			composite[multiple] = 1;
	}
}

/* The primes among begin <= n < begin + BLOCK; begin is even. */
static uint64_t count_block(uint64_t block)
{
	uint64_t begin = block * BLOCK, end = begin + BLOCK;
	uint8_t prime[BLOCK / 2]; /* prime[i]: of begin + 2 i + 1 */
	memset(prime, 1, sizeof prime);
	for (size_t k = 0; k < SMALL_PRIMES; k++) {
		uint64_t p = small_primes[k], multiple = p * p;
		if (multiple >= end)
			break;
		if (multiple < begin)
			multiple = (begin + p - 1) / p * p;
		if (multiple % 2 == 0)
			multiple += p;
		for (size_t i = (size_t)(multiple - begin) / 2; i < sizeof prime; i += p)
			prime[i] = 0;
	}
	uint64_t count = 0; /* in block 0, 1 is counted in place of 2 */
	for (size_t i = 0; i < sizeof prime; i++)
		count += prime[i];
	return count;
}

static int primes(const void *item, void *result, void *ctx)
{
	(void)ctx;
	uint64_t block = *(const uint64_t *)item;
	if (block >= BLOCKS)
		return forkpool_fail(1, "block %" PRIu64 ": blocks are 0 to %" PRIu64, block, BLOCKS - 1);
	*(uint64_t *)result = count_block(block);
	return 0;
}

FORKPOOL_PLUGIN(primes, "block number k -> how many primes p with k * 10^5 <= p < (k + 1) * 10^5", primes,
                FORKPOOL_UINT64, 1, FORKPOOL_UINT64, 1);

static int fold(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t block = begin; block < end; block++) {
		forkpool_at(block);
		*(uint64_t *)acc += count_block(block);
	}
	return 0;
}

static void combine(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

static int run(forkpool *pool, const struct kernel_problem *problem, const forkpool_opts *opts)
{
	*(uint64_t *)problem->answer = 0;
	return forkpool_reduce(pool, fold, combine, problem->tasks, problem->answer, sizeof(uint64_t), opts);
}

static bool check(const struct kernel_problem *problem, char *text, size_t length)
{
	static const uint64_t published[KERNEL_SIZES] = {664579, 5761455, 50847534};
	uint64_t found = *(const uint64_t *)problem->answer;
	snprintf(text, length, "pi(10^%d) = %" PRIu64 ", published %" PRIu64, 7 + problem->size, found,
	         published[problem->size]);
	return found == published[problem->size];
}

const struct kernel forkpool_kernel = {
        .abi = KERNEL_ABI,
        .name = "primes",
        .summary = "counting primes with a segmented sieve",
        .plugin = &forkpool_plugin_primes,
        .sizes = {{"n < 10^7", 10000000 / BLOCK, sizeof(uint64_t)},
                  {"n < 10^8", 100000000 / BLOCK, sizeof(uint64_t)},
                  {"n < 10^9", 1000000000 / BLOCK, sizeof(uint64_t)}},
        .run = run,
        .check = check,
};
