/*
 * calls.h - one description of a job, run by any call of the library and by a plain loop.
 *
 * check_job() runs the job on a pool and asserts that everything the call promises came
 * out as the plain loop has it: return value, report, statuses, and each byte of the
 * results of the tasks that succeeded.  The plain loop knows nothing of the library.
 */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include "support.h"

enum call { CALL_MAP, CALL_STARMAP, CALL_FOR, CALL_FOR_RANGE, CALL_REDUCE, CALL_APPLY, CALLS };

struct job {
	enum call call;
	size_t count;
	size_t item_size, result_size; /* of reduce, result_size is that of the accumulator */
	size_t chunk;
	bool items_in_arena, results_in_arena; /* of `for`s, items and results always are */
	bool status_in_arena;
	unsigned fail_one_in; /* about one task in so many fails; 0: none does */
	uint64_t salt;        /* what the items hold, and so everything else, follows from it */
};

const char *call_name(enum call call);

/* The job in words, for messages. */
const char *job_text(const struct job *job);

/* `where` goes into each message: the seed, for one. */
void check_job(forkpool *pool, int backend, const struct job *job, const char *where);

/* The same by the call's asynchronous twin, in two steps: take_off() submits the job and overwrites what the
 * submission has to have copied; land() waits for it, asserts all that, and frees it.  Any number may be in
 * flight; `where` and the pool must stay until they have landed. */
struct flight;
struct flight *take_off(forkpool *pool, int backend, const struct job *job, const char *where);
forkpool_job *flight_handle(const struct flight *flight);
void land(struct flight *flight);

/* A job of less than 2^bits tasks, rolled. */
struct job random_job(dice *d, unsigned bits);

#endif
