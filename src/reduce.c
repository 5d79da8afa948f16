/*
 * The end of a reduction: the chunks' partial results are combined pairwise, in a binary tree
 * whose shape depends on the number of chunks alone.
 */
#include "job.h"

#include <string.h>

void reduce_combine(forkpool_job *job)
{
	size_t stride = job->partial_stride;
	for (size_t distance = 1; distance < job->chunks; distance *= 2)
		for (size_t i = 0; i + distance < job->chunks; i += 2 * distance)
			job->request.combine(job->partials + i * stride, job->partials + (i + distance) * stride,
			                     job->ctx);
	if (job->chunks > 0 && job->request.result_size > 0)
		memcpy(job->request.results, job->partials, job->request.result_size);
}
