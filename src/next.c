/*
 * The indices of a job one by one, as its chunks are noticed to be finished.
 */
#include "job.h"
#include "parent.h"

#include <errno.h>
#include <stdlib.h>

/* Workers are to ring for every chunk from now on, also if the job is opened later. */
static bool begin(forkpool_job *job)
{
	job->delivered = calloc(job->chunks / 64 + 1, sizeof *job->delivered);
	if (job->delivered == NULL)
		return false;
	if (job->state == JOB_OPEN)
		atomic_store(&job_post(job, job->pool->engine.board)->by_chunk, 1); /* B5 */
	return true;
}

/* The way goes round. */
static size_t after(const forkpool_job *job, size_t chunk)
{
	return chunk + 1 == job->chunks ? 0 : chunk + 1;
}

/* What was not run at all, or not to its end, gets its statuses when the job is finished. */
static bool is_ready(const forkpool_job *job, size_t chunk)
{
	if (job->state == JOB_FINISHED)
		return true;
	uint64_t word = ledger_read(&job->ledger[chunk]); /* L2 */
	return ledger_state(word) == LEDGER_DONE && ledger_cancelled(word) == 0;
}

static void deliver(forkpool_job *job, size_t chunk)
{
	if (job->state == JOB_OPEN)
		copies_hand_over_chunk(job, chunk);
	job->delivered[chunk / 64] |= (uint64_t)1 << chunk % 64;
	job->delivered_count++;
	job->at = chunk * job->chunk;
	job->at_end = job->at + job_chunk_length(job, chunk);
	job->next_chunk = after(job, chunk);
}

/* False: no chunk is ready. */
static bool deliver_next(forkpool_job *job)
{
	size_t chunk = job->next_chunk;
	for (size_t seen = 0; seen < job->chunks; seen++) {
		if (!job_is_delivered(job, chunk) && is_ready(job, chunk)) {
			deliver(job, chunk);
			return true;
		}
		chunk = after(job, chunk);
	}
	return false;
}

int job_next(forkpool_job *job, size_t *index)
{
	if (job->delivered == NULL && !begin(job))
		return -ENOMEM;
	if (job->at == job->at_end) {
		if (job->delivered_count == job->chunks)
			return 0;
		if (job->state == JOB_WAITING || (job->state == JOB_OPEN && job->error != 0) || !deliver_next(job))
			return -EAGAIN;
	}
	*index = job->at++;
	return 1;
}
