/*
 * One map, as the parent sees it: what to run, on what, its ledger, how far it is, what deaths
 * have left of it.  A job is prepared (memory, copies), opened (workers see it), checked until
 * it is finished, settled (results and report handed over), and retired (its memory is free
 * once no worker pins it any more).
 */
#ifndef FORKPOOL_JOB_H
#define FORKPOOL_JOB_H

#include "engine.h"

/* What a map call asks for. */
struct job_request {
	enum job_kind kind;
	union task_function function;
	size_t count;
	const forkpool_column *columns;
	size_t column_count;
	void *results; /* JOB_FOLD: the identity, and where the answer goes */
	size_t result_size;
	forkpool_combine_fn *combine; /* JOB_FOLD */
	const forkpool_opts *opts;    /* never NULL */
};

struct job {
	struct job *next;
	struct forkpool *pool;
	uint64_t number;
	struct job_request request;
	forkpool_opts opts;
	size_t chunk, chunks;
	ledger_word *ledger;
	forkpool_column columns[MAX_COLUMNS]; /* as workers see them */
	char *results;                        /* as workers see them */
	int32_t *status;                      /* as workers see them, or NULL */
	char *partials;                       /* JOB_FOLD */
	size_t partial_stride;
	void *ctx;
	void *pieces[MAX_COLUMNS + 8]; /* of the arena, to be freed with the job */
	size_t piece_count;
	size_t wanting; /* bytes of the piece that was not to be had */

	bool by_ledger, cancelled;
	int error;      /* ended early, -errno */
	size_t audited; /* chunks before it are settled, as job_audit() saw */
	size_t cursor;  /* chunks before it are settled and counted */
	uint64_t failed, crashed, timed_out, cancelled_tasks;
	uint64_t retried;       /* of attempts that took their worker along */
	size_t first_cancelled; /* lowest index of those */
	struct orphan *orphans;
	unsigned char *orphaned; /* a bit a chunk that is in the list; NULL: there are none */
	struct failure first;    /* lowest index charged by the parent; job == 0: none */
	int32_t first_signal;

	uint64_t restarts_before, bytes_copied, lost_faults, lost_cpu_ns;
	double begun, next_progress;
	uint64_t progress_shown;
};

/* Takes memory for the job and copies its input.  On failure nothing is kept and `message` says
 * why.  0 or -errno. */
int job_prepare(struct job *job, struct forkpool *pool, const struct job_request *request, char *message);

/* Whether one more job can be open. */
bool job_has_slot(const struct forkpool *pool);

/* Shows the job to the workers; there is a slot. */
void job_open(struct job *job);

/* Whether it is finished: each chunk settled, or ended by an error. */
bool job_check(struct job *job);

/* The partial result of a chunk that was not folded. */
void job_clear_partial(struct job *job, size_t chunk);

/* Looks at the first chunk that is not settled.  A word there that no worker can have written by the
 * rules, and that would therefore never change, ends the job with -EPROTO; a chunk that should have
 * been found by somebody is handed out again. */
void job_audit(struct job *job);

/* From now on completion is read off the ledger. */
void job_use_ledger(struct job *job);

/* The tasks begin .. end-1 were not run, or not to their end. */
void job_count_cancelled(struct job *job, size_t begin, size_t end);

/* Begins no further task; what is not begun ends as cancelled. */
void job_cancel(struct job *job);

/* Ends it with the error.  No worker may be able to work at it any more. */
void job_fail(struct job *job, int error);

/* Hands results, statuses and report over; returns what the call returns. */
int job_settle(struct job *job);

/* Hides the job from workers, and frees its memory as soon as nobody pins it. */
void job_retire(struct job *job);
void job_free_retired(struct forkpool *pool);

/* The open job of that number, or NULL. */
struct job *job_find(const struct forkpool *pool, uint64_t number);

size_t job_chunk_length(const struct job *job, size_t chunk);

/* How many of its tasks are finished, by the tallies: about, never more than there are. */
void job_progress(const struct job *job, forkpool_progress *progress);

/* reduce.c: combines the partial results into the answer. */
void reduce_combine(struct job *job);

#endif
