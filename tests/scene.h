/*
 * scene.h - tasks that leave traces, callbacks that do, and the small steps of tests of jobs.
 *
 * The scene is memory that tasks and test share.  Tasks note in it that they have begun and ended, or wait
 * in it at a gate until the test opens it: so a test knows which are under way, without looking at the clock.
 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

/* Seconds; a hang, where a test waits for something that has to happen. */
enum { PATIENCE = 60 };

/* Tasks that are told apart. */
enum { MOST = 2048 };

extern struct scene {
	_Atomic uint32_t open;         /* how far tasks at the gate may go on */
	_Atomic uint32_t entered;      /* tasks that have come to a gate */
	_Atomic uint32_t tickets;      /* tasks begun */
	_Atomic uint32_t ended;        /* tasks that went to their end */
	_Atomic uint32_t begun[MOST];  /* how often each was begun */
	_Atomic uint32_t ticket[MOST]; /* the how-manieth it was */
	_Atomic uint32_t workers;
	_Atomic uint32_t spared; /* tasks that end before the others hang */
	_Atomic int32_t answer;  /* what obedient tasks return */
	_Atomic pid_t pids[MOST];
} * scene;

/* A scene for this test: before it creates the pool. */
void new_scene(void);

void scene_begin(size_t index);
int scene_end(void); /* returns 0 */

/* ---- Tasks ---- */

int plain_task(size_t index, void *ctx);
int numbered_task(size_t index, void *ctx); /* all are the number at ctx, a uint32_t */
int napping_task(size_t index, void *ctx);  /* for a millisecond */
int failing_task(size_t index, void *ctx);  /* fails at 7, 17, 27, ... */
int killed_task(size_t index, void *ctx);   /* ends its process */
int gated_task(size_t index, void *ctx);    /* waits until the gate is open */
int gate_at_zero(size_t index, void *ctx);  /* task 0 alone does */
int stubborn_task(size_t index, void *ctx); /* never ends */
int obedient_task(size_t index, void *ctx); /* ends when it is asked to, with scene->answer */

/* A task without an end that the backend can be rid of. */
forkpool_for_fn *endless_task(int backend);

/* ---- Callbacks ---- */

/* What is seen when a job is done. */
struct bell {
	unsigned rung;
	forkpool_job *job;
	int ready, returned;
	bool elsewhere; /* it was rung in another thread */
	pthread_t thread;
};

struct bell new_bell(void);
void ring(forkpool_job *job, void *bell);
void assert_rung_once(const struct bell *bell, const forkpool_job *job, int returned); /* job NULL: any */

void open_gate(forkpool_job *job, void *arg);

/* ---- Steps ---- */

forkpool_job *submit_for(forkpool *pool, forkpool_for_fn *function, size_t count, const forkpool_opts *opts);

/* As many tasks that wait at the gate as there are workers: nothing else moves until it opens. */
forkpool_job *occupy(forkpool *pool, unsigned workers);

/* Waits, asserts what the job returns, and frees it. */
void finish(forkpool_job *job, int expected);

/* Whether a gate is needed to hold a pool still: a serial one is, outside of calls. */
bool has_crew(int backend);

double seconds_now(void);

#endif
