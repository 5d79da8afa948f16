/*
 * From what a map asks for to a job.
 */
#ifndef FORKPOOL_SUBMIT_H
#define FORKPOOL_SUBMIT_H

#include "job.h"

/* Why a call is refused, for the report. */
struct refusal {
	int error;
	char message[FORKPOOL_MESSAGE_SIZE];
};

/* Notes it; returns false. */
FORKPOOL_PRINTF(3, 4) bool refuse(struct refusal *refusal, int error, const char *format, ...);
void report_refusal(const forkpool_opts *opts, const struct refusal *refusal);

/* With the defaults filled in; NULL is allowed. */
forkpool_opts complete_opts(const forkpool_opts *opts);

/* The pool that is to serve the caller: the given one, or, in a task, one of that task's own.  NULL and why: the
 * request is refused. */
forkpool *check_submission(forkpool *pool, const struct job_request *request, struct refusal *refusal);

/* The job, submitted; a reference is the caller's.  NULL and why: it is refused.  keep: see job_make(). */
forkpool_job *submit(forkpool *pool, const struct job_request *request, bool keep, struct refusal *refusal);

#endif
