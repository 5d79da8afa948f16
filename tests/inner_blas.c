/*
 * inner_blas.c - a library that looks, by its names, like several that use threads of their own, and only notes what
 * it is told.  It is loaded by test_inner in two builds, as two copies of one library; the second one,
 * with INNER_OTHER defined, is OpenBLAS as SciPy has it, and a BLIS that nobody has told anything.
 */
#include <stdint.h>

#ifdef INNER_OTHER
#define OPENBLAS(name) scipy_openblas_##name##64_
#else
#define OPENBLAS(name) openblas_##name
int blas_cpu_number = 64; /* what OpenBLAS's calls read and write */
#endif

int OPENBLAS(get_num_threads)(void);
void OPENBLAS(set_num_threads)(int threads);
int MKL_Get_Max_Threads(void);
void MKL_Set_Num_Threads(int threads);
int MKL_Set_Num_Threads_Local(int threads);
intptr_t bli_thread_get_num_threads(void);
void bli_thread_set_num_threads(intptr_t threads);
extern int inner_calls;

int inner_calls; /* of setters that are about the whole process */

#ifdef INNER_OTHER
static int openblas = 64;
static intptr_t blis = -1;

int OPENBLAS(get_num_threads)(void)
{
	return openblas;
}

void OPENBLAS(set_num_threads)(int threads)
{
	inner_calls++;
	openblas = threads;
}
#else
static intptr_t blis = 64;

int OPENBLAS(get_num_threads)(void)
{
	return blas_cpu_number;
}

void OPENBLAS(set_num_threads)(int threads)
{
	inner_calls++;
	blas_cpu_number = threads;
}
#endif

static int mkl = 64;
static _Thread_local int mkl_here;

int MKL_Get_Max_Threads(void)
{
	return mkl_here > 0 ? mkl_here : mkl;
}

void MKL_Set_Num_Threads(int threads)
{
	inner_calls++;
	mkl = threads;
}

int MKL_Set_Num_Threads_Local(int threads)
{
	int before = mkl_here;
	mkl_here = threads;
	return before;
}

intptr_t bli_thread_get_num_threads(void)
{
	return blis;
}

void bli_thread_set_num_threads(intptr_t threads)
{
	inner_calls++;
	blis = threads;
}
