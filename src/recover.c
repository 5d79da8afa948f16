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

/* ---- Why ---- */

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* In words; `attempted` tasks went down with it. */
static void describe(const struct death *death, const forkpool_job *job, unsigned slot, size_t attempted, char *text)
{
	const struct member *member = &job->pool->members[slot];
	char words[FORKPOOL_MESSAGE_SIZE / 2], limit[64] = "";
	if (job->pool->config.memory_limit > 0)
		snprintf(limit, sizeof limit, ", under a memory limit of %zu bytes", job->pool->config.memory_limit);
	if (member->doomed)
		snprintf(words, sizeof words, "was ended: its task%s ran for more than %g s", plural(attempted),
		         job->opts.timeout);
	else if (death->unknown)
		snprintf(words, sizeof words, "ended; its status went to another wait()");
	else if (death->signal != 0)
		snprintf(words, sizeof words, "was killed by signal %d (%s)%s%s", death->signal,
		         strsignal(death->signal), death->out_of_memory ? ", possibly out of memory" : "", limit);
	else if (job->pool->engine.records[slot].stage == STAGE_EXITED)
		snprintf(words, sizeof words, "ended: the task called exit()");
	else
		snprintf(words, sizeof words, "ended with status %d", death->exit_status);
	snprintf(text, FORKPOOL_MESSAGE_SIZE, "worker %u (pid %d) %s", slot, (int)death->pid, words);
}

/* ---- The chunk ---- */

/* What the record says of a chunk that its worker was running: a task, or all of those it was called for. */
struct running {
	forkpool_job *job;
	const struct death *death;
	unsigned slot;
	size_t chunk, length; /* and how many tasks it has */
	size_t begin, end;    /* offsets of the tasks that go down with it */
	uint64_t stolen, position, attempt;
};

/* ---- Who is charged ---- */

/* Tasks begin .. end-1 go down with their worker, at this attempt. */
static void charge(const struct running *was, size_t begin, size_t end, uint32_t attempt)
{
	forkpool_job *job = was->job;
	bool doomed = job->pool->members[was->slot].doomed;
	int32_t status = doomed ? FORKPOOL_TIMED_OUT : FORKPOOL_CRASHED;
	char message[FORKPOOL_MESSAGE_SIZE];
	begin += was->chunk * job->chunk;
	end += was->chunk * job->chunk;
	if (job->pool->killed || job->pool->members[was->slot].dismissed) { /* through no fault of the task */
		job_count_cancelled(job, begin, end);
		return;
	}
	*(doomed ? &job->timed_out : &job->crashed) += end - begin;
	for (size_t i = begin; job->status != NULL && i < end; i++)
		job->status[i] = status;
	describe(was->death, job, was->slot, end - begin, message);
	outcome_note_first(job, &(struct first){
	                                .index = begin,
	                                .status = status,
	                                .signal = doomed ? 0 : was->death->signal,
	                                .attempt = attempt,
	                                .message = message,
	                        });
}

/* What the worker had found out since the chunk was offered to it. */
static struct resume resume_of(const struct running *was, size_t start)
{
	const struct orphan *orphan = orphan_find(was->job, was->chunk);
	struct resume resume = orphan == NULL ? RESUME_FRESH : orphan->resume;
	uint32_t attempt = (uint32_t)was->attempt;
	if (was->attempt >> 32 == start && attempt > resume_attempt(&resume, start)) {
		resume.start = start;
		resume.attempt = attempt;
	}
	return resume;
}

static uint32_t retries_left_to(const forkpool_job *job)
{
	return job->cancelled || job->pool->killed ? 0 : job->opts.retries;
}

/* ---- Maps and loops: what is before is kept ---- */

static bool is_possible(const struct running *was, const struct resume *offered)
{
	uint64_t failed = position_failed(was->position);
	size_t call_end = resume_call_end(offered, was->begin, was->length);
	bool too_long = was->begin == offered->start && was->end > call_end;
	return was->begin >= offered->start && failed <= was->begin - offered->start && !too_long;
}

/* Its worker may have given the tasks up, which are tried again all the same, and have said so. */
static void take_back(const struct running *was)
{
	const forkpool_job *job = was->job;
	size_t first = was->chunk * job->chunk;
	struct failure *noted = &job->pool->engine.failures[(size_t)was->slot * JOB_SLOTS + job_slot(job->number)];
	for (size_t i = was->begin; job->status != NULL && i < was->end; i++)
		job->status[first + i] = 0;
	if (noted->job == job->number && noted->index >= first + was->begin && noted->index < first + was->end)
		atomic_store(&noted->job, 0);
}

static int recover_tasks(const struct running *was)
{
	forkpool_job *job = was->job;
	const struct orphan *orphan = orphan_find(job, was->chunk);
	struct resume offered = orphan == NULL ? RESUME_FRESH : orphan->resume, resume = resume_of(was, was->begin);
	if (!is_possible(was, &offered))
		return -EPROTO;
	uint32_t attempt = resume_attempt(&resume, was->begin);
	bool again = resume_again(&resume, retries_left_to(job), was->begin, was->end);
	if (!again)
		resume_behind(&resume, was->end);
	if (resume.start < was->length && orphan_note(job, was->chunk) == NULL)
		return -ENOMEM;
	job->failed += position_failed(was->position);
	job->retried += again;
	if (again)
		take_back(was);
	else
		charge(was, was->begin, was->end, attempt);
	if (resume.start < was->length)
		return orphan_offer(job, was->chunk, &resume, was->stolen);
	ledger_finish(&job->ledger[was->chunk], ledger_done(0, 0) | was->stolen);
	return 0;
}

/* ---- Folds: the chunk is the unit ---- */

static int give_up_fold(const struct running *was, struct orphan *orphan, uint32_t attempt)
{
	forkpool_job *job = was->job;
	int error = orphan_exclude(orphan, was->begin, was->end);
	if (error != 0)
		return error;
	charge(was, was->begin, was->end, attempt);
	if (orphan->excluded_count < was->length)
		return orphan_offer(job, was->chunk, &RESUME_FRESH, was->stolen);
	job_clear_partial(job, was->chunk);
	ledger_finish(&job->ledger[was->chunk], ledger_done(0, 0) | was->stolen);
	return 0;
}

static int recover_fold(const struct running *was)
{
	forkpool_job *job = was->job;
	struct orphan *orphan = orphan_note(job, was->chunk);
	if (orphan == NULL)
		return -ENOMEM;
	struct resume resume = resume_of(was, 0);
	if (resume.attempt > retries_left_to(job))
		return give_up_fold(was, orphan, resume.attempt);
	resume.attempt++;
	job->retried++;
	return orphan_offer(job, was->chunk, &resume, was->stolen);
}

/* ---- From the record ---- */

static int recover_running(struct running *was, uint64_t call_end)
{
	bool is_range = was->job->request.kind >= JOB_RANGE;
	was->begin = position_offset(was->position);
	was->end = was->position & POSITION_WHOLE ? call_end : was->begin + 1;
	if ((was->position & 3) != POSITION_RUNNING || was->begin >= was->end || was->end > was->length ||
	    (!is_range && (was->position & POSITION_WHOLE)))
		return -EPROTO;
	return was->job->request.kind == JOB_FOLD ? recover_fold(was) : recover_tasks(was);
}

/* (a)  Returns 1: a task was announced, and is charged or tried again; 0: none; or -errno. */
static int recover_chunk(forkpool_job *job, unsigned slot, const struct death *death)
{
	forkpool *pool = job->pool;
	const struct worker_record *record = &pool->engine.records[slot];
	size_t chunk = record->chunk;
	if (chunk >= job->chunks)
		return 0; /* of an earlier job: it has announced nothing in this one */
	uint64_t word = ledger_read(&job->ledger[chunk]);
	if (!ledger_is_running(word, ledger_running(slot, pool->members[slot].incarnation)))
		return 0;
	struct running was = {
	        .job = job,
	        .death = death,
	        .slot = slot,
	        .chunk = chunk,
	        .length = job_chunk_length(job, chunk),
	        .stolen = word & LEDGER_STOLEN,
	        .position = record->position,
	        .attempt = job->opts.retries > 0 ? record->attempt : 0,
	};
	if (was.position == POSITION_CLAIMING) {
		const struct orphan *orphan = orphan_find(job, chunk);
		return orphan_offer(job, chunk, orphan == NULL ? &RESUME_FRESH : &orphan->resume, was.stolen);
	}
	int error = recover_running(&was, record->call_end);
	return error == 0 ? 1 : error;
}

static void add_lost_use(forkpool_job *job, const struct worker_record *record, const struct death *death)
{
	if (job->opts.report == NULL || death->unknown)
		return;
	if (death->faults >= record->faults_begin)
		job->faults += death->faults - record->faults_begin;
	if (death->cpu_ns >= record->cpu_begin)
		job->cpu_ns += death->cpu_ns - record->cpu_begin;
}

/* ---- The worker ---- */

static void clear_record(struct worker_record *record)
{
	atomic_store(&record->pin, 0);
	atomic_store(&record->chunk, 0);
	atomic_store(&record->position, POSITION_CLAIMING);
	atomic_store(&record->done, 0);
	atomic_store(&record->useful, 0);
	atomic_store(&record->attempt, 0);
	atomic_store(&record->stint, 0);
	atomic_store(&record->parked, 0);
	atomic_store(&record->stage, STAGE_STARTING);
}

void recover_worker(forkpool *pool, unsigned slot, const struct death *death)
{
	struct worker_record *record = &pool->engine.records[slot];
	forkpool_job *job = job_find(pool, pinned_job(record));
	int announced = 0;
	if (job != NULL && job->error == 0) {
		job_use_ledger(job); /* (b) */
		announced = recover_chunk(job, slot, death);
		add_lost_use(job, record, death);
		if (job->crashed + job->timed_out > 0 && job->opts.stop_on_failure)
			job_cancel(job);
		if (announced < 0)
			job_spoil(job, announced);
	}
	pool->barren = announced > 0 || record->useful || record->done > 0 ? 0 : pool->barren + 1;
	clear_record(record);
	job_let_steal(pool, open_slots(pool)); /* it may have taken an entry and not yet claimed what that names */
	ring_renew(&pool->engine.ring, &pool->engine.records->parked, sizeof *record, pool_workers(pool)); /* (c) */
}
