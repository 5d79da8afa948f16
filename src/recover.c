/*
 * Recovery.  See recover.h for the rule; each function here is a clause of it.
 */
#include "recover.h"

#include "job.h"
#include "orphan.h"
#include "task.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- Who is charged, and why ---- */

static void describe(const struct death *death, unsigned slot, bool exited, char *text)
{
	if (death->unknown)
		snprintf(text, FORKPOOL_MESSAGE_SIZE, "worker %u (pid %d) ended; its status went to another wait()",
		         slot, (int)death->pid);
	else if (death->signal != 0)
		snprintf(text, FORKPOOL_MESSAGE_SIZE, "worker %u (pid %d) was killed by signal %d (%s)", slot,
		         (int)death->pid, death->signal, strsignal(death->signal));
	else if (exited)
		snprintf(text, FORKPOOL_MESSAGE_SIZE, "worker %u (pid %d): the task called exit()", slot,
		         (int)death->pid);
	else
		snprintf(text, FORKPOOL_MESSAGE_SIZE, "worker %u (pid %d) ended with status %d", slot, (int)death->pid,
		         death->exit_status);
}

/* Tasks begin .. end-1 go down with their worker. */
static void charge(struct job *job, size_t begin, size_t end, const struct death *death, const char *message)
{
	if (job->pool->killed) { /* by the parent, and through no fault of the task */
		job_count_cancelled(job, begin, end);
		return;
	}
	job->crashed += end - begin;
	for (size_t i = begin; job->status != NULL && i < end; i++)
		job->status[i] = FORKPOOL_CRASHED;
	if (job->first.job == 0 || begin < job->first.index)
		job->first_signal = death->signal;
	task_note_failure(&job->first, job->number, begin, FORKPOOL_CRASHED, message);
}

/* ---- The chunk ---- */

/* What the record says of a chunk that its worker was running. */
struct running {
	struct job *job;
	const struct death *death;
	size_t chunk, length; /* and how many tasks it has */
	uint64_t stolen, position, call_end;
	const char *message;
};

/* Maps and loops: keep what is before, charge begin .. end, offer the rest. */
static int recover_tasks(const struct running *was, size_t begin, size_t end)
{
	const struct orphan *orphan = orphan_find(was->job, was->chunk);
	uint64_t failed = position_failed(was->position);
	size_t start = orphan == NULL ? 0 : orphan->start;
	if (begin < start || failed > begin - start)
		return -EPROTO;
	if (end < was->length && orphan_note(was->job, was->chunk) == NULL)
		return -ENOMEM;
	size_t first = was->chunk * was->job->chunk;
	charge(was->job, first + begin, first + end, was->death, was->message);
	was->job->failed += failed;
	if (end < was->length)
		return orphan_offer(was->job, was->chunk, end, was->stolen);
	ledger_finish(&was->job->ledger[was->chunk], ledger_done(0, 0) | was->stolen);
	return 0;
}

/* What is excluded already has been charged. */
static void charge_piece(const struct running *was, const struct orphan *orphan, size_t begin, size_t end)
{
	size_t first = was->chunk * was->job->chunk;
	for (size_t from = begin, to; from < end; from = to + 1) {
		to = orphan_next_excluded(orphan, from, end);
		if (from < to)
			charge(was->job, first + from, first + to, was->death, was->message);
	}
}

/* Folds: charge begin .. end, offer the chunk from its beginning without them. */
static int recover_fold(const struct running *was, size_t begin, size_t end)
{
	struct job *job = was->job;
	struct orphan *orphan = orphan_note(job, was->chunk);
	if (orphan == NULL)
		return -ENOMEM;
	size_t excluded = orphan_count_with(orphan, begin, end);
	uint32_t *list = excluded < was->length ? orphan_room(orphan, excluded) : NULL;
	if (list == NULL && excluded < was->length)
		return -ENOMEM;
	charge_piece(was, orphan, begin, end);
	if (list != NULL) {
		orphan_exclude(orphan, begin, end, list);
		return orphan_offer(job, was->chunk, 0, was->stolen);
	}
	job_clear_partial(job, was->chunk);
	ledger_finish(&job->ledger[was->chunk], ledger_done(0, 0) | was->stolen);
	return 0;
}

static int recover_running(const struct running *was)
{
	size_t begin = position_offset(was->position), end = begin + 1;
	bool is_range = was->job->request.kind >= JOB_RANGE;
	if (was->position & POSITION_WHOLE)
		end = was->call_end;
	if ((was->position & 3) != POSITION_RUNNING || begin >= end || end > was->length ||
	    (!is_range && (was->position & POSITION_WHOLE)))
		return -EPROTO;
	return was->job->request.kind == JOB_FOLD ? recover_fold(was, begin, end) : recover_tasks(was, begin, end);
}

/* (a)  Returns 1: somebody was charged, 0: nobody, or -errno. */
static int recover_chunk(struct job *job, unsigned slot, const struct death *death)
{
	forkpool *pool = job->pool;
	const struct worker_record *record = &pool->engine.records[slot];
	char message[FORKPOOL_MESSAGE_SIZE];
	size_t chunk = record->chunk;
	if (chunk >= job->chunks)
		return 0; /* of an earlier job: it has announced nothing in this one */
	uint64_t word = ledger_read(&job->ledger[chunk]);
	if (!ledger_is_running(word, ledger_running(slot, pool->members[slot].incarnation)))
		return 0;
	struct running was = {
	        .job = job,
	        .death = death,
	        .chunk = chunk,
	        .length = job_chunk_length(job, chunk),
	        .stolen = word & LEDGER_STOLEN,
	        .position = record->position,
	        .call_end = record->call_end,
	        .message = message,
	};
	if (was.position == POSITION_CLAIMING) {
		const struct orphan *orphan = orphan_find(job, chunk);
		return orphan_offer(job, chunk, orphan == NULL ? 0 : orphan->start, was.stolen);
	}
	describe(death, slot, record->stage == STAGE_EXITED, message);
	int error = recover_running(&was);
	return error == 0 ? 1 : error;
}

static void add_lost_use(struct job *job, const struct worker_record *record, const struct death *death)
{
	if (job->opts.report == NULL || death->unknown)
		return;
	if (death->faults >= record->faults_begin)
		job->lost_faults += death->faults - record->faults_begin;
	if (death->cpu_ns >= record->cpu_begin)
		job->lost_cpu_ns += death->cpu_ns - record->cpu_begin;
}

/* ---- The worker ---- */

static void clear_record(struct worker_record *record)
{
	atomic_store(&record->pin, 0);
	atomic_store(&record->chunk, 0);
	atomic_store(&record->position, POSITION_CLAIMING);
	atomic_store(&record->done, 0);
	atomic_store(&record->useful, 0);
	atomic_store(&record->parked, 0);
	atomic_store(&record->stage, STAGE_STARTING);
}

void recover_worker(forkpool *pool, unsigned slot, const struct death *death)
{
	struct worker_record *record = &pool->engine.records[slot];
	struct job *job = job_find(pool, record->pin);
	int charged = 0;
	if (job != NULL && job->error == 0) {
		job_use_ledger(job); /* (b) */
		charged = recover_chunk(job, slot, death);
		add_lost_use(job, record, death);
		if (charged > 0 && job->opts.stop_on_failure)
			job_cancel(job);
		if (charged < 0)
			job->error = charged;
	}
	pool->barren = charged > 0 || record->useful || record->done > 0 ? 0 : pool->barren + 1;
	clear_record(record);
	ring_renew(&pool->engine.ring, &pool->engine.records->parked, sizeof *record, pool_workers(pool)); /* (c) */
}
