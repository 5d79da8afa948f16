/*
 * The maps: each call says what it asks for, and waits for it or hands out the job.
 */
#include "parent.h"
#include "submit.h"
#include "wait.h"

static int run(forkpool *pool, struct job_request request, const forkpool_opts *opts)
{
	forkpool_opts complete = complete_opts(opts);
	struct refusal refusal;
	request.opts = &complete;
	forkpool_job *job = submit(pool, &request, false, &refusal);
	if (job == NULL) {
		report_refusal(&complete, &refusal);
		return refusal.error;
	}
	pool_wait(job->pool, is_finished, job, -1);
	int result = job->result;
	job_release(job);
	return result;
}

static int run_async(forkpool_job **handle, forkpool *pool, struct job_request request, const forkpool_opts *opts)
{
	forkpool_opts complete = complete_opts(opts);
	struct refusal refusal;
	request.opts = &complete;
	forkpool_job *job = submit(pool, &request, true, &refusal);
	if (handle != NULL)
		*handle = job;
	if (job == NULL) {
		report_refusal(&complete, &refusal);
		return refusal.error;
	}
	job->has_handle = handle != NULL;
	if (handle == NULL)
		job_release(job);
	return 0;
}

/* ---- The calls ---- */

static struct job_request map_request(forkpool_map_fn *function, const forkpool_column *column, size_t count,
                                      void *results, size_t result_size)
{
	return (struct job_request){
	        .kind = JOB_MAP,
	        .function.map = function,
	        .count = count,
	        .columns = column,
	        .column_count = 1,
	        .results = results,
	        .result_size = result_size,
	};
}

static struct job_request apply_request(forkpool_map_fn *function, const forkpool_column *column, void *result,
                                        size_t result_size)
{
	struct job_request request = map_request(function, column, 1, result, result_size);
	request.single = true;
	return request;
}

static struct job_request starmap_request(forkpool_starmap_fn *function, const forkpool_column *columns,
                                          size_t column_count, size_t count, void *results, size_t result_size)
{
	return (struct job_request){
	        .kind = JOB_STARMAP,
	        .function.starmap = function,
	        .count = count,
	        .columns = columns,
	        .column_count = column_count,
	        .results = results,
	        .result_size = result_size,
	};
}

static struct job_request for_request(forkpool_for_fn *function, size_t count)
{
	return (struct job_request){.kind = JOB_FOR, .function.loop = function, .count = count};
}

static struct job_request range_request(forkpool_range_fn *function, size_t count)
{
	return (struct job_request){.kind = JOB_RANGE, .function.range = function, .count = count};
}

static struct job_request fold_request(forkpool_fold_fn *fold, forkpool_combine_fn *combine, size_t count, void *result,
                                       size_t result_size)
{
	return (struct job_request){
	        .kind = JOB_FOLD,
	        .function.fold = fold,
	        .count = count,
	        .results = result,
	        .result_size = result_size,
	        .combine = combine,
	};
}

int forkpool_map(forkpool *pool, forkpool_map_fn *function, const void *items, size_t count, size_t item_size,
                 void *results, size_t result_size, const forkpool_opts *opts)
{
	forkpool_column column = {items, item_size, item_size};
	return run(pool, map_request(function, &column, count, results, result_size), opts);
}

int forkpool_starmap(forkpool *pool, forkpool_starmap_fn *function, const forkpool_column *columns, size_t column_count,
                     size_t count, void *results, size_t result_size, const forkpool_opts *opts)
{
	return run(pool, starmap_request(function, columns, column_count, count, results, result_size), opts);
}

int forkpool_for(forkpool *pool, forkpool_for_fn *function, size_t count, const forkpool_opts *opts)
{
	return run(pool, for_request(function, count), opts);
}

int forkpool_for_range(forkpool *pool, forkpool_range_fn *function, size_t count, const forkpool_opts *opts)
{
	return run(pool, range_request(function, count), opts);
}

int forkpool_reduce(forkpool *pool, forkpool_fold_fn *fold, forkpool_combine_fn *combine, size_t count, void *result,
                    size_t result_size, const forkpool_opts *opts)
{
	return run(pool, fold_request(fold, combine, count, result, result_size), opts);
}

int forkpool_apply(forkpool *pool, forkpool_map_fn *function, const void *item, size_t item_size, void *result,
                   size_t result_size, const forkpool_opts *opts)
{
	forkpool_column column = {item, item_size, item_size};
	return run(pool, apply_request(function, &column, result, result_size), opts);
}

int forkpool_map_async(forkpool_job **job, forkpool *pool, forkpool_map_fn *function, const void *items, size_t count,
                       size_t item_size, void *results, size_t result_size, const forkpool_opts *opts)
{
	forkpool_column column = {items, item_size, item_size};
	return run_async(job, pool, map_request(function, &column, count, results, result_size), opts);
}

int forkpool_starmap_async(forkpool_job **job, forkpool *pool, forkpool_starmap_fn *function,
                           const forkpool_column *columns, size_t column_count, size_t count, void *results,
                           size_t result_size, const forkpool_opts *opts)
{
	return run_async(job, pool, starmap_request(function, columns, column_count, count, results, result_size),
	                 opts);
}

int forkpool_for_async(forkpool_job **job, forkpool *pool, forkpool_for_fn *function, size_t count,
                       const forkpool_opts *opts)
{
	return run_async(job, pool, for_request(function, count), opts);
}

int forkpool_for_range_async(forkpool_job **job, forkpool *pool, forkpool_range_fn *function, size_t count,
                             const forkpool_opts *opts)
{
	return run_async(job, pool, range_request(function, count), opts);
}

int forkpool_reduce_async(forkpool_job **job, forkpool *pool, forkpool_fold_fn *fold, forkpool_combine_fn *combine,
                          size_t count, void *result, size_t result_size, const forkpool_opts *opts)
{
	return run_async(job, pool, fold_request(fold, combine, count, result, result_size), opts);
}

int forkpool_apply_async(forkpool_job **job, forkpool *pool, forkpool_map_fn *function, const void *item,
                         size_t item_size, void *result, size_t result_size, const forkpool_opts *opts)
{
	forkpool_column column = {item, item_size, item_size};
	return run_async(job, pool, apply_request(function, &column, result, result_size), opts);
}
