/*
 * How a chunk goes on after something has gone wrong in it: with another attempt at what went wrong, or
 * behind it.  Workers decide by this when a task fails, the parent when one takes its worker along; so it
 * makes no difference how an attempt ended.
 *
 * A range function is called for many tasks at once, and if it does not tell where it is (forkpool_at()), what
 * goes wrong goes wrong for all of them.  Where they are tried again, it is by calls half as long, so that in
 * the end single tasks fail and those beside them succeed.  The first repetition and all of the halving
 * count as the second attempt; only of a single task are there further ones.
 *
 * It ends: every step moves `start` up, or halves `step` with `start` where it was, or raises the attempt at
 * a single task, which is limited.
 *
 * This file knows offsets in a chunk and nothing else.
 */
#ifndef FORKPOOL_RESUME_H
#define FORKPOOL_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resume {
	size_t start;     /* the first task still to be run */
	size_t tried_end; /* those before it may have been begun before */
	size_t step;      /* of those, a range function is given so many at once; 0: all */
	uint32_t attempt; /* which the next one at `start` is */
};

#define RESUME_FRESH ((struct resume){.attempt = 1})

/* Which attempt it is that begins at the offset. */
static inline uint32_t resume_attempt(const struct resume *resume, size_t offset)
{
	return offset == resume->start ? resume->attempt : offset < resume->tried_end ? 2 : 1;
}

/* The end of the call that begins at `begin`, where tasks up to `end` are to be run. */
static inline size_t resume_call_end(const struct resume *resume, size_t begin, size_t end)
{
	bool whole = resume->step == 0 || begin >= resume->tried_end || end - begin <= resume->step;
	return whole ? end : begin + resume->step;
}

/* The tasks begin .. end-1 did not succeed, as far as is known.  Whether they are tried again; if so *resume
 * says how. */
static inline bool resume_again(struct resume *resume, uint32_t retries, size_t begin, size_t end)
{
	uint32_t attempt = resume_attempt(resume, begin);
	size_t tried_end = end > resume->tried_end ? end : resume->tried_end;
	if (retries == 0 || (end - begin == 1 && attempt > retries))
		return false;
	*resume = (struct resume){begin, tried_end, (end - begin + 1) / 2, end - begin == 1 ? attempt + 1 : 2};
	return true;
}

/* All before `end` is settled: go on there. */
static inline void resume_behind(struct resume *resume, size_t end)
{
	*resume = (struct resume){end, resume->tried_end, 0, end < resume->tried_end ? 2 : 1};
}

#endif
