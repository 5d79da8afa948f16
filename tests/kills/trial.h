/*
 * trial.h - what marked.c, errand.c and judge.c share: a marked job while it runs, and what its indices are like.
 */
#ifndef TESTS_KILLS_TRIAL_H
#define TESTS_KILLS_TRIAL_H

#include "marked.h"

/* ---- What an index is like: functions of the job's seed alone ---- */

/* What tasks are told; copied to the workers. */
struct orders {
	struct job job;
	uint32_t round, first_mark;
};

struct result {
	uint64_t value, check;
};

static const uint64_t untouched = UINT64_C(0xfeedfacecafebeef);

static inline uint64_t value_of(const struct job *job, uint32_t index)
{
	return forkpool_seed(job->seed, index);
}

static inline uint64_t checksum(uint64_t value)
{
	return forkpool_seed(value, 1);
}

static inline bool chosen(const struct job *job, uint32_t index, uint64_t purpose, uint32_t every)
{
	return every != 0 && roll(job->seed ^ purpose << 32, index, every) == 0;
}

static inline bool fails(const struct job *job, uint32_t index)
{
	return chosen(job, index, 1, job->fail_every);
}

static inline bool is_flaky(const struct job *job, uint32_t index)
{
	return chosen(job, index, 4, job->flaky_every);
}

static inline bool is_weak(const struct job *job, uint32_t index)
{
	return chosen(job, index, 6, job->weak_every);
}

static inline bool is_stuck(const struct job *job, uint32_t index)
{
	return chosen(job, index, 5, job->stuck_every);
}

/* What its function returns where it fails. */
static inline int32_t code_of(uint32_t index)
{
	return (int32_t)index + 1;
}

/* What the caller had there. */
static const int32_t unwritten = 123456789;

/* ---- One that runs, or has run ---- */

struct marked {
	struct job job;
	forkpool *pool;
	forkpool_job *handle; /* NULL: freed, or there is none */
	struct verdict *verdict;
	struct orders orders;
	struct mark *marks;
	uint32_t first_mark, round;
	char what[sizeof((struct evidence *)0)->what];

	uint32_t *items;
	int32_t *own_status, *status;
	struct result *own_results, *results, answer;

	/* What the pool said. */
	forkpool_report report;
	int returned;
	bool over;
	uint64_t over_ns, cancelled_ns; /* 0: it was not cancelled */
	uint64_t deaths, shots;         /* confirmed before it; that may have hit it */
	uint64_t done, progress_calls, finished;
	int32_t *handed; /* statuses of what was handed out one by one; or `unwritten` */
	uint32_t handed_count;
	bool exhausted; /* there is nothing left to be handed out */
	uint32_t taken; /* by a stream */
	bool source_over, source_failed, stopped;

	/* The judge's. */
	uint64_t succeeded, failed, crashed, timed_out, cancelled;
	uint64_t begun_cancelled; /* of the cancelled ones */
	uint64_t repeated;        /* begins beyond the first of each index */
	uint32_t lowest;          /* that failed, crashed or timed out; count: none */
	struct result sum;
};

static inline bool is_fold(const struct job *job)
{
	return job->kind == FOLD_AT || job->kind == FOLD;
}

static inline bool has_results(const struct job *job)
{
	return job->kind == MAP || job->kind == STARMAP;
}

static inline bool is_stream(const struct job *job)
{
	return job->manner == STREAM || job->manner == UNORDERED_STREAM;
}

/* Calls one of these functions on the job's items, as forkpool.h wants them: marked.c. */
int call_marked(struct marked *marked, const forkpool_opts *opts);
forkpool_map_fn *marked_map_task(void);

/* ---- The judge: judge.c ---- */

/* Counts a fault, and prints the first ones. */
void blame(const struct marked *marked, uint64_t *count, const char *text, uint64_t a, uint64_t b);

#define LOST(marked, text, a, b)    blame((marked), &(marked)->verdict->lost, (text), (uint64_t)(a), (uint64_t)(b))
#define DOUBLED(marked, text, a, b) blame((marked), &(marked)->verdict->doubled, (text), (uint64_t)(a), (uint64_t)(b))
#define WRONG(marked, text, a, b)   blame((marked), &(marked)->verdict->wrong, (text), (uint64_t)(a), (uint64_t)(b))

/* An index was handed out: what can be known at that moment. */
void judge_handed(struct marked *marked, size_t index, int32_t status, const struct result *result);

void judge(struct marked *marked);

#endif
