/*
 * The modes of the floating-point unit, such as its rounding: read in two instructions, where fegetenv() and
 * fesetenv() take as long as handing out a task does.
 */
#ifndef FORKPOOL_FLOAT_MODES_H
#define FORKPOOL_FLOAT_MODES_H

#include <stdint.h>

#define FLOAT_MODES_UNKNOWN UINT64_MAX

/* Equal if the modes are equal; the exception flags do not count.  FLOAT_MODES_UNKNOWN: no short way on this machine.
 */
static inline uint64_t float_modes(void)
{
#if defined __x86_64__
	uint32_t sse;
	uint16_t x87;
	__asm__ volatile("stmxcsr %0" : "=m"(sse));
	__asm__ volatile("fnstcw %0" : "=m"(x87));
	return (uint64_t)(sse & ~UINT32_C(0x3f)) << 16 | x87;
#elif defined __aarch64__
	uint64_t modes;
	__asm__ volatile("mrs %0, fpcr" : "=r"(modes));
	return modes;
#else
	return FLOAT_MODES_UNKNOWN;
#endif
}

#endif
