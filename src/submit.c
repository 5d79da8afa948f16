/*
 * From what a map asks for to a job: it is checked, and refused with the reason, or submitted.
 */
#include "owner.h"
#include "submit.h"

#include "parent.h"
#include "schedule.h"
#include "wait.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

bool refuse(struct refusal *refusal, int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(refusal->message, sizeof refusal->message, format, arguments);
	va_end(arguments);
	refusal->error = error;
	return false;
}

/* ---- Checks ---- */

static bool check_pool(const forkpool *pool, struct refusal *refusal)
{
	if (pool == NULL)
		return refuse(refusal, -EINVAL, "pool is NULL");
	if (pool->owner != process_id())
		return refuse(refusal, -EPERM, "the pool belongs to process %d, and this is %d", (int)pool->owner,
		              (int)process_id());
	if (pool->closed)
		return refuse(refusal, -ESHUTDOWN, "the pool is closed");
	return true;
}

static bool check_opts(const forkpool_opts *opts, struct refusal *refusal)
{
	for (size_t i = 0; i < sizeof opts->reserved / sizeof *opts->reserved; i++)
		if (opts->reserved[i] != 0)
			return refuse(refusal, -EINVAL, "opts.reserved[%zu] is %llu; it must be 0", i,
			              (unsigned long long)opts->reserved[i]);
	if (opts->chunk > FORKPOOL_MAX_CHUNK)
		return refuse(refusal, -EINVAL, "opts.chunk is %zu; it must be at most %d", opts->chunk,
		              FORKPOOL_MAX_CHUNK);
	if (!(opts->progress_interval >= 0) || isinf(opts->progress_interval))
		return refuse(refusal, -EINVAL, "opts.progress_interval is %g; it must be a number of seconds >= 0",
		              opts->progress_interval);
	if (!(opts->timeout >= 0) || isinf(opts->timeout))
		return refuse(refusal, -EINVAL,
		              "opts.timeout is %g; it must be a number of seconds >= 0, where 0 is none",
		              opts->timeout);
	if (opts->retries > FORKPOOL_MAX_RETRIES)
		return refuse(refusal, -EINVAL, "opts.retries is %u; it must be at most %d", opts->retries,
		              FORKPOOL_MAX_RETRIES);
	if (opts->ctx_size > SIZE_MAX / 4)
		return refuse(refusal, -EOVERFLOW, "opts.ctx_size %zu is too large", opts->ctx_size);
	if (opts->ctx == NULL && opts->ctx_size > 0)
		return refuse(refusal, -EINVAL, "opts.ctx is NULL, and opts.ctx_size %zu", opts->ctx_size);
	return true;
}

static bool check_product(size_t count, size_t size, const char *what, struct refusal *refusal)
{
	size_t product;
	if (__builtin_mul_overflow(count, size, &product) || product > SIZE_MAX / 2)
		return refuse(refusal, -EOVERFLOW, "%zu times %s %zu is too large", count, what, size);
	return true;
}

static bool check_column(const struct job_request *request, size_t k, struct refusal *refusal)
{
	const forkpool_column *column = &request->columns[k];
	size_t count = request->count;
	if (column->base == NULL && column->size > 0 && count > 0)
		return refuse(refusal, -EINVAL, "the items (column %zu) are NULL, and their size %zu", k, column->size);
	return check_product(count, column->stride, "stride", refusal) &&
	       check_product(count, column->size, "item size", refusal) &&
	       check_product(1, column->stride * count + column->size, "span", refusal);
}

static bool check_buffers(const struct job_request *request, struct refusal *refusal)
{
	for (size_t k = 0; k < request->column_count; k++)
		if (!check_column(request, k, refusal))
			return false;
	if (request->results == NULL && request->result_size > 0 && request->count > 0)
		return refuse(refusal, -EINVAL, "results is NULL, and its size %zu", request->result_size);
	size_t results = request->kind == JOB_FOLD ? 1 : request->count;
	if (!check_product(results, request->result_size, "result size", refusal))
		return false;
	return request->opts->status == NULL ||
	       check_product(request->count, sizeof(int32_t), "a status's size", refusal);
}

/* What this kind of worker cannot do. */
static bool check_able(const forkpool *pool, const struct job_request *request, struct refusal *refusal)
{
	if (request->opts->timeout > 0 && pool->backend->kill == NULL)
		return refuse(refusal, -ENOTSUP,
		              "opts.timeout is %g, and tasks cannot be ended on %s: use processes, outside of tasks",
		              request->opts->timeout, pool->backend->runs_inline ? "a serial pool" : "threads");
	return true;
}

/* What a worker process cannot see. */
static bool check_visible(const forkpool *pool, const struct job_request *request, struct refusal *refusal)
{
	const forkpool_opts *opts = request->opts;
	if (pool->backend->shares_memory || opts->inherited)
		return true;
	if (!objects_contain(&pool->objects, request->function.address))
		return refuse(refusal, -ENOEXEC,
		              "the function at %#lx was not loaded when the workers were forked: load it first, or "
		              "call forkpool_refresh()",
		              (unsigned long)request->function.address);
	if (opts->ctx != NULL && opts->ctx_size == 0 && !region_contains(&pool->region, opts->ctx, 0))
		return refuse(refusal, -EINVAL,
		              "opts.ctx at %p is not in the arena: set ctx_size to have it copied, or inherited",
		              opts->ctx);
	return true;
}

static bool check_request(const forkpool *pool, const struct job_request *request, struct refusal *refusal)
{
	if (!check_opts(request->opts, refusal))
		return false;
	if (request->function.address == 0)
		return refuse(refusal, -EINVAL, "function is NULL");
	if (request->kind == JOB_FOLD && request->combine == NULL)
		return refuse(refusal, -EINVAL, "combine is NULL");
	if (request->kind == JOB_STARMAP && (request->columns == NULL || request->column_count == 0))
		return refuse(refusal, -EINVAL, "there are no columns");
	if (request->column_count > MAX_COLUMNS)
		return refuse(refusal, -EINVAL, "%zu columns; there may be at most %d", request->column_count,
		              MAX_COLUMNS);
	return check_buffers(request, refusal) && check_able(pool, request, refusal) &&
	       check_visible(pool, request, refusal);
}

/* ---- Submitting ---- */

/* The pool, that runs inline, for maps of this worker's tasks; made when first needed. */
static forkpool *nested_pool(struct worker *worker)
{
	if (worker->nested == NULL && forkpool_create(&worker->nested, NULL) != 0)
		return NULL;
	worker->nested->inline_worker->number = worker->number;
	worker->nested->inline_worker->state = worker->state;
	return worker->nested;
}

/* In a task a pool that the task has created itself can serve it, any other cannot. */
static forkpool *pool_of_caller(forkpool *pool)
{
	bool is_own = worker_current == NULL ||
	              (pool != NULL && pool->owner == process_id() && pool->creator == worker_current);
	return is_own ? pool : nested_pool(worker_current);
}

forkpool *check_submission(forkpool *pool, const struct job_request *request, struct refusal *refusal)
{
	pool = pool_of_caller(pool);
	if (pool == NULL && worker_current != NULL)
		refuse(refusal, -ENOMEM, "no memory for a pool of this task's own");
	else if (check_pool(pool, refusal) && check_request(pool, request, refusal))
		return pool;
	return NULL;
}

forkpool_job *submit(forkpool *pool, const struct job_request *request, bool keep, struct refusal *refusal)
{
	pool = check_submission(pool, request, refusal);
	if (pool == NULL)
		return NULL;
	forkpool_job *job = job_make(pool, request, keep);
	if (job == NULL) {
		refuse(refusal, -ENOMEM, "no memory for a job");
		return NULL;
	}
	pool_enter(pool);
	schedule(job);
	pool_leave(pool);
	return job;
}

void report_refusal(const forkpool_opts *opts, const struct refusal *refusal)
{
	if (opts->report == NULL)
		return;
	*opts->report = (forkpool_report){0};
	snprintf(opts->report->message, sizeof opts->report->message, "%s", refusal->message);
}

forkpool_opts complete_opts(const forkpool_opts *opts)
{
	forkpool_opts complete = opts == NULL ? (forkpool_opts){0} : *opts;
	if (complete.progress_interval == 0)
		complete.progress_interval = 0.1;
	return complete;
}
