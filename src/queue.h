/*
 * Jobs in the order in which they came, linked by their `next`.
 */
#ifndef FORKPOOL_QUEUE_H
#define FORKPOOL_QUEUE_H

#include "job.h"
#include "parent.h"

static inline void queue_init(struct job_queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

static inline void queue_append(struct job_queue *queue, forkpool_job *job)
{
	job->next = NULL;
	*queue->end = job;
	queue->end = &job->next;
}

static inline void queue_put_first(struct job_queue *queue, forkpool_job *job)
{
	if ((job->next = queue->first) == NULL)
		queue->end = &job->next;
	queue->first = job;
}

/* Takes the first one, or NULL. */
static inline forkpool_job *queue_take(struct job_queue *queue)
{
	forkpool_job *job = queue->first;
	if (job != NULL && (queue->first = job->next) == NULL)
		queue->end = &queue->first;
	return job;
}

/* Takes this one, which is in it.  Cost: a walk. */
static inline void queue_remove(struct job_queue *queue, forkpool_job *job)
{
	forkpool_job **link = &queue->first;
	while (*link != job)
		link = &(*link)->next;
	if ((*link = job->next) == NULL)
		queue->end = link;
}

#endif
