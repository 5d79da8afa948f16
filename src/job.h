/*
 * One map, as the parent sees it: what to run, on what, its ledger, how far it is, what deaths have left of it.
 *
 *   waiting -> open -> finished
 *
 * A job waits until there is a slot for it on the board and memory for its copies; it is opened (workers see
 * it), checked until each chunk is settled, and finished: its results are the caller's, and it is closed, that
 * is, workers see it no more.  The slot is free again once no worker pins the job.  Everything but the last
 * happens in wait.c; nothing here waits.
 *
 * Whoever has the job's handle, and the pool until the job's callbacks have been called, and every call that
 * waits for it, hold a reference: the last one to go frees it.
 */
#ifndef FORKPOOL_JOB_H
#define FORKPOOL_JOB_H

#include "engine.h"

struct slot;

/* What a map call asks for. */
struct job_request {
	enum job_kind kind;
	bool single; /* apply: the item is copied when it is submitted */
	union task_function function;
	size_t count;
	const forkpool_column *columns;
	size_t column_count;
	void *results; /* JOB_FOLD: the identity, and where the answer goes */
	size_t result_size;
	forkpool_combine_fn *combine; /* JOB_FOLD */
	const forkpool_opts *opts;    /* never NULL */
};

/* The lowest index that failed, crashed or timed out. */
struct first {
	bool known;
	int32_t status, signal;
	uint32_t attempt;
	uint64_t index;
	char *message; /* or why the job was refused; or NULL */
};

enum job_state { JOB_WAITING, JOB_OPEN, JOB_FINISHED };

struct forkpool_job {
	forkpool_job *next, *previous; /* in a queue */
	struct forkpool *pool;
	const struct worker *submitter; /* in whose task; or NULL */
	pid_t owner;                    /* the pool's, which may be gone before the job is */
	enum job_state state;
	bool told; /* it is finished, and its callbacks have been called, or are being */
	unsigned references;
	bool handed_out;   /* somebody may ask for more than its end */
	bool has_handle;   /* that may be freed */
	bool caller_spins; /* if it is opened at once */

	struct job_request request; /* its pointers are to what follows */
	forkpool_opts opts;
	forkpool_column one_column;
	_Alignas(16) char small[16];
	char *kept;     /* copies made when it was submitted: of columns, ctx, the item; or NULL */
	size_t wanted;  /* bytes that the arena did not have for it; 0: it has not tried, or it is open */
	uint64_t tried; /* the pool's `returns` then */

	/* As workers see them. */
	uint64_t number; /* 0: not open yet */
	size_t chunk, chunks;
	ledger_word *ledger;
	char *results;
	int32_t *status;
	char *partials; /* JOB_FOLD */
	size_t partial_stride;
	void *ctx;

	bool by_ledger, cancelled;
	int error;      /* ended early, -errno */
	size_t audited; /* chunks before it are settled, as job_audit() saw */
	size_t cursor;  /* chunks before it are settled and counted */
	uint64_t failed, crashed, timed_out, cancelled_tasks;
	uint64_t retried;       /* of attempts that took their worker along; at the end: all */
	size_t first_cancelled; /* lowest index of those */
	struct orphan *orphans;
	unsigned char *orphaned; /* a bit a chunk that is in the list; NULL: there are none */
	struct first first;      /* charged by the parent; at the end: of all */

	uint64_t restarts; /* of the pool when it was submitted; at the end: since then */
	uint64_t bytes_copied, faults, cpu_ns;
	double begun, elapsed, next_progress;
	uint64_t progress_shown;

	uint64_t finish; /* how many jobs of the pool were finished before it, plus one */
	int result;      /* what the map returns */

	/* For forkpool_job_next(); NULL: nobody has asked. */
	uint64_t *delivered;    /* a bit a chunk that was taken up */
	size_t next_chunk;      /* where to look on */
	size_t at, at_end;      /* indices of the chunk taken up last that are still to be handed out */
	size_t delivered_count; /* chunks */
};

/* ---- Life: job.c ---- */

/* A job for the request; one reference.  keep: what the caller may change at once is copied.  NULL: no memory. */
forkpool_job *job_make(struct forkpool *pool, const struct job_request *request, bool keep);
void job_release(forkpool_job *job);

/* Takes memory, copies the input, and shows the job to the workers; there is a free slot.  0, or -ENOMEM: nothing
 * is kept. */
int job_open(forkpool_job *job);

/* Wakes those whom a job could do without so far. */
void job_wake_rest(struct forkpool *pool);

/* Lets workers look there for what they do not find through the ring. */
void job_let_steal(struct forkpool *pool, uint64_t slots);

/* Ends it: results, statuses and report are handed over, and workers see it no more. */
void job_finish(forkpool_job *job);

/* Begins no further chunk, where a worker looks; job_cancel() is to follow. */
void job_stop(forkpool_job *job);

/* Begins no further task; what is not begun ends as cancelled. */
void job_cancel(forkpool_job *job);

/* Ends it with the error.  No worker may be able to work at it any more. */
void job_fail(forkpool_job *job, int error);

/* What is known of it cannot be believed, or not be kept: it is to be ended with the error. */
void job_spoil(forkpool_job *job, int error);

/* The open job of that number, or NULL. */
forkpool_job *job_find(const struct forkpool *pool, uint64_t number);

static inline struct job_post *job_post(const forkpool_job *job, struct board *board)
{
	return &board->posts[job_slot(job->number)];
}

/* Whether one more job can be open. */
bool slot_is_free(const struct forkpool *pool);

/* Frees the slots of closed jobs that no worker pins any more. */
void slots_sweep(struct forkpool *pool);

/* ---- Memory and copies: copies.c ---- */

/* Of a job that is to have this slot; *columns become those that workers see.  False: the arena has no space
 * for job->wanted bytes. */
bool copies_make(forkpool_job *job, struct slot *slot, forkpool_column *columns);
void copies_free(struct forkpool *pool, struct slot *slot);

/* Hands results and statuses over to the caller; all: all tasks succeeded. */
void copies_hand_over(forkpool_job *job, bool all);

/* The same for one chunk, before the job is finished. */
void copies_hand_over_chunk(forkpool_job *job, size_t chunk);

/* The partial result of a chunk that was not folded. */
void job_clear_partial(forkpool_job *job, size_t chunk);

/* ---- How far it is: count.c ---- */

size_t job_chunk_length(const forkpool_job *job, size_t chunk);

/* Whether it is finished: each chunk settled, or ended by an error. */
bool job_check(forkpool_job *job);

/* Of those that may be, by their slots. */
uint64_t jobs_to_check(const struct forkpool *pool);

/* Looks at the first chunk that is not settled.  A word there that no worker can have written by the
 * rules, and that would therefore never change, ends the job with -EPROTO; a chunk that should have
 * been found by somebody is handed out again. */
void job_audit(forkpool_job *job);

/* From now on completion is read off the ledger. */
void job_use_ledger(forkpool_job *job);

/* The tasks begin .. end-1 were not run, or not to their end. */
void job_count_cancelled(forkpool_job *job, size_t begin, size_t end);

/* At the end: what is not settled was not run. */
void job_count_rest(forkpool_job *job);

/* How many of its tasks are finished, by the tallies: about, never more than there are. */
void job_progress(const forkpool_job *job, forkpool_progress *progress);

/* ---- What it says at the end: outcome.c ---- */

/* Notes that a task ended so, if it has the lowest index so far. */
void outcome_note_first(forkpool_job *job, const struct first *first);

/* Counts up, finds the first that did not succeed, hands over; job->result and what job_report() needs. */
void outcome_settle(forkpool_job *job);

/* The report of a finished job. */
void job_report(const forkpool_job *job, forkpool_report *report);

/* reduce.c: combines the partial results into the answer. */
void reduce_combine(forkpool_job *job);

/* ---- Its indices one by one: next.c ---- */

/* Somebody has asked, and the chunk was taken up. */
static inline bool job_is_delivered(const forkpool_job *job, size_t chunk)
{
	return job->delivered != NULL && job->delivered[chunk / 64] >> chunk % 64 & 1;
}

/* Takes up an index that is finished and was not taken up before; its result is handed over.  1; 0: there are no more
 * at all; -EAGAIN: none at the moment; -ENOMEM. */
int job_next(forkpool_job *job, size_t *index);

#endif
