/*
 * Jobs in the order in which they came, linked both ways.
 */
#ifndef FORKPOOL_QUEUE_H
#define FORKPOOL_QUEUE_H

#include "job.h"
#include "parent.h"

static inline void queue_append(struct job_queue *queue, forkpool_job *job)
{
	job->next = NULL;
	job->previous = queue->last;
	*(queue->last == NULL ? &queue->first : &queue->last->next) = job;
	queue->last = job;
}

static inline void queue_put_first(struct job_queue *queue, forkpool_job *job)
{
	job->next = queue->first;
	job->previous = NULL;
	*(queue->first == NULL ? &queue->last : &queue->first->previous) = job;
	queue->first = job;
}

/* Takes this one, which is in it. */
static inline void queue_remove(struct job_queue *queue, forkpool_job *job)
{
	*(job->previous == NULL ? &queue->first : &job->previous->next) = job->next;
	*(job->next == NULL ? &queue->last : &job->next->previous) = job->previous;
}

/* Takes the first one, or NULL. */
static inline forkpool_job *queue_take(struct job_queue *queue)
{
	forkpool_job *job = queue->first;
	if (job != NULL)
		queue_remove(queue, job);
	return job;
}

#endif
