/*
 * inner_openmp.c - a shared object that uses OpenMP, for test_inner to load.
 */
#include <omp.h>

int inner_region(void);

/* How many threads a parallel region has. */
int inner_region(void)
{
	int threads = 0;
#pragma omp parallel reduction(+ : threads)
	threads += 1;
	return threads;
}
