/*
 * Seeds by index: the output function of SplitMix64, applied to the index-th state of the
 * generator that `seed` starts (Steele, Lea and Flood, OOPSLA 2014).
 */
#include "api.h"

uint64_t forkpool_seed(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}
