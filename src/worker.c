/*
 * The workers' loop.  A worker takes ranges from the ring; where the ring is empty it steals
 * through the ledger.  Every chunk is announced in its record, claimed in the ledger, run,
 * and finished in the ledger, one at a time; see engine.h for why a kill between any two
 * instructions of this file costs at most the task that was running.
 */
#include "worker.h"

#include "clock.h"
#include "float_modes.h"
#include "killpoint.h"
#include "task.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void worker_init(struct worker *worker, struct engine *engine, unsigned slot, uint32_t incarnation)
{
	*worker = (struct worker){
	        .engine = engine,
	        .record = &engine->records[slot],
	        .failures = &engine->failures[(size_t)slot * JOB_SLOTS],
	        .slot = slot,
	        .number = slot,
	        .running = ledger_running(slot, incarnation),
	        .resume = RESUME_FRESH,
	};
}

void worker_ring_bell(const struct engine *engine)
{
	uint64_t one = 1;
	if (engine->doorbell < 0 || atomic_load(&engine->board->parent_asleep) == 0)
		return;
	while (write(engine->doorbell, &one, sizeof one) < 0 && errno == EINTR)
		; /* EAGAIN: it is ringing already */
}

void worker_wait_for_end(const struct engine *engine)
{
	engine->before_sleep(); /* lets in the signal that tells of the parent's death */
	pause();
}

/* ---- What a job costs ---- */

static void measure(uint64_t *faults, uint64_t *cpu_ns)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	*faults = (uint64_t)usage.ru_minflt;
	*cpu_ns = clock_cpu_ns(&usage);
}

static void measure_begin(struct worker *worker)
{
	uint64_t faults, cpu_ns;
	measure(&faults, &cpu_ns);
	atomic_store_explicit(&worker->record->faults_begin, faults, memory_order_relaxed);
	atomic_store_explicit(&worker->record->cpu_begin, cpu_ns, memory_order_relaxed);
}

static void measure_end(struct worker *worker)
{
	uint64_t faults, cpu_ns;
	measure(&faults, &cpu_ns);
	atomic_fetch_add(&worker->tally->faults, faults - worker->record->faults_begin);
	atomic_fetch_add(&worker->tally->cpu_ns, cpu_ns - worker->record->cpu_begin);
}

/* ---- Joining and leaving a job ---- */

/* Whoever is doomed never leaves.  What stands there else is an overwritten pin, which this heals. */
static void unpin(struct worker *worker)
{
	uint64_t pin = worker->job;
	if (!atomic_compare_exchange_strong(&worker->record->pin, &pin, 0)) { /* B4 */
		while (pin == (worker->job | PIN_DOOMED))
			worker_wait_for_end(worker->engine);
		atomic_store(&worker->record->pin, 0);
	}
	worker->job = 0;
}

/* Pins the job; false if it is closed by now. */
static bool join_job(struct worker *worker, uint64_t number)
{
	struct engine *engine = worker->engine;
	struct job_post *post = &engine->board->posts[job_slot(number)];
	worker->job = number;
	atomic_store(&worker->record->pin, number); /* B0 */
	KILL_POINT(PINNED);
	if (atomic_load(&post->number) != number) {
		unpin(worker);
		return false;
	}
	worker->post = post;
	worker->tally = &engine->tallies[job_slot(number)];
	worker->run = task_runner_for(post);
	worker->call = task_caller_for(post);
	worker->message[0] = '\0';
	worker->outer = worker_current;
	worker->in_task = true;
	worker_current = worker;
	worker->attentive = worker->interrupt != NULL || engine->tasks_a_worker > 0 || post->attended;
	if (post->float_modes == FLOAT_MODES_UNKNOWN || post->float_modes != float_modes())
		fesetenv(&post->float_environment);
	if (post->measured)
		measure_begin(worker);
	KILL_POINT(JOINED);
	return true;
}

/* Hands in what was done, and rings if that may complete the job. */
static void hand_in(struct worker *worker, struct job_tally *tally)
{
	const struct job_post *post = worker->post;
	atomic_store_explicit(&worker->record->useful, 1, memory_order_relaxed);
	KILL_POINT(USEFUL);
	atomic_store_explicit(&worker->record->done, 0, memory_order_relaxed);
	KILL_POINT(UNCOUNTED);
	uint64_t finished = atomic_fetch_add(&tally->finished, worker->done) + worker->done; /* B1 */
	KILL_POINT(TALLIED);
	if (finished >= post->chunks)
		atomic_fetch_or(&worker->engine->endings->jobs, (uint64_t)1 << job_slot(worker->job)); /* B1 */
	KILL_POINT(ENDED);
	if (finished >= post->chunks || atomic_load(&post->by_ledger) != 0)
		worker_ring_bell(worker->engine);
	KILL_POINT(RUNG);
}

static void leave_job(struct worker *worker)
{
	const struct job_post *post = worker->post;
	struct job_tally *tally = worker->tally;
	worker_current = worker->outer;
	worker->in_task = false;
	KILL_POINT(LEAVING);
	if (post->measured)
		measure_end(worker);
	KILL_POINT(USE_ADDED);
	if (worker->failed > 0)
		atomic_fetch_add(&tally->failed, worker->failed);
	KILL_POINT(FAILED_ADDED);
	if (worker->done > 0)
		hand_in(worker, tally);
	worker->failed = worker->done = 0;
	unpin(worker);
	KILL_POINT(UNPINNED);
}

/* Nanoseconds after which a worker goes on to the next open job, if there is one: long enough that going is cheap. */
enum { TURN_NS = 100000 };

/* What a sweep looks at between two chunks, kept in registers. */
struct watch {
	const _Atomic uint32_t *stop;
	const struct ring *ring;
	const _Atomic uint64_t *tail;
	uint64_t last_entry;
	uint64_t turn_end; /* clock_ns(); 0: no other job is open */
};

static inline struct watch watch_job(const struct worker *worker)
{
	const struct ring *ring = &worker->engine->ring;
	uint64_t open = atomic_load_explicit(&worker->engine->board->stealable, memory_order_relaxed);
	uint64_t turn_end = (open & (open - 1)) == 0 || worker->is_parent ? 0 : clock_ns() + TURN_NS;
	return (struct watch){&worker->tally->stop, ring, &ring->back->tail, worker->post->last_entry, turn_end};
}

static inline bool is_stopped(const struct watch *watch)
{
	return atomic_load_explicit(watch->stop, memory_order_relaxed) != 0;
}

/* Whether it is another job's turn: one that waits in the ring, or any, after a while. */
static inline bool turn_is_over(const struct watch *watch)
{
	return (atomic_load_explicit(watch->tail, memory_order_relaxed) != watch->last_entry &&
	        ring_waits_beyond(watch->ring, watch->last_entry)) ||
	       (watch->turn_end != 0 && clock_ns() >= watch->turn_end);
}

/* ---- One chunk ---- */

/* Announces the chunk; a claim may follow. */
static inline void announce(struct worker *worker, size_t chunk)
{
	struct worker_record *record = worker->record;
	atomic_store_explicit(&record->position, POSITION_CLAIMING, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT(CLAIMING);
	atomic_store_explicit(&record->chunk, chunk, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT(ANNOUNCED);
}

/* Rings if the parent sleeps and wants to know of every chunk. */
static void tell_of_chunk(const struct worker *worker)
{
	atomic_thread_fence(memory_order_seq_cst); /* B5 */
	if (atomic_load(&worker->post->by_chunk) != 0)
		worker_ring_bell(worker->engine);
}

/* What is done after a chunk, where anything is.  Returns whether to leave the job. */
static bool look_up(struct worker *worker)
{
	size_t enough = worker->engine->tasks_a_worker;
	worker->retired = enough > 0 && worker->served >= enough;
	if (worker->post->attended)
		tell_of_chunk(worker);
	return worker->retired || (worker->interrupt != NULL && worker->interrupt(worker->interrupt_arg));
}

/* Runs the tasks of a claimed chunk from offset `start`.  Returns its word when that is done.  On its own, so that
 * what run_task() needs is in registers. */
__attribute__((noinline)) static uint64_t run_tasks(struct worker *worker, const struct job_post *post, size_t chunk,
                                                    size_t start)
{
	size_t first = chunk * post->chunk, left = post->count - first;
	size_t end = left < post->chunk ? post->count : first + post->chunk;
	worker->first = first;
	worker->chunk_failed = 0;
	size_t reached = worker->run(worker, post, first + start, end);
	worker->served += reached - first - start;
	if (post->retries > 0)
		worker->resume = RESUME_FRESH;
	return ledger_done(worker->chunk_failed, end - reached);
}

/* The same for a chunk of one task, where that is but a call: here every instruction is one a task. */
static inline uint64_t run_task(struct worker *worker, const struct job_post *post, size_t index)
{
	worker->first = index;
	set_position(worker->record, position_running(0, 0));
	int code = worker->call(post, index);
	KILL_POINT(RETURNED);
	worker->served++;
	if (__builtin_expect(code == 0, 1))
		return ledger_done(0, 0);
	task_failed(worker, index, code);
	return ledger_done(1, 0);
}

/* What became of a chunk that was to be claimed. */
enum taken { TAKEN_BY_OTHERS, TAKEN, TAKEN_AS_LAST };

/* Runs a claimed chunk from offset `start`, and finishes it. */
static inline enum taken run_chunk(struct worker *worker, const struct job_post *post, ledger_word *word, size_t chunk,
                                   size_t start, uint64_t stolen)
{
	uint64_t done = worker->call != NULL ? run_task(worker, post, chunk) : run_tasks(worker, post, chunk, start);
	KILL_POINT(CHUNK_RUN);
	ledger_finish(word, done | stolen);
	KILL_POINT(FINISHED);
	if (done != ledger_done(0, 0))
		worker->failed += ledger_failed(done);
	atomic_store_explicit(&worker->record->done, ++worker->done, memory_order_relaxed);
	KILL_POINT(COUNTED);
	return worker->attentive && look_up(worker) ? TAKEN_AS_LAST : TAKEN;
}

/* Claims and runs the chunk if it is TODO.  Inline, as it is what a chunk costs. */
__attribute__((always_inline)) static inline enum taken take_chunk(struct worker *worker, const struct job_post *post,
                                                                   ledger_word *word, size_t chunk, uint64_t stolen)
{
	if (ledger_peek(word) != LEDGER_TODO)
		return TAKEN_BY_OTHERS;
	announce(worker, chunk);
	if (!ledger_claim(word, LEDGER_TODO, worker->running | stolen))
		return TAKEN_BY_OTHERS;
	KILL_POINT(CLAIMED);
	return run_chunk(worker, post, word, chunk, 0, stolen);
}

/* ---- Ranges ---- */

/* An owner's way: up from `first` to where the thieves have come, or to the end of its turn; one chunk at least.
 * Returns where somebody may have to go on. */
static size_t sweep_up(struct worker *worker, size_t first, size_t last)
{
	const struct job_post *post = worker->post;
	struct watch watch = watch_job(worker);
	ledger_word *word = &post->ledger[first];
	for (size_t chunk = first; chunk < last && !is_stopped(&watch); chunk++, word++) {
		enum taken taken = take_chunk(worker, post, word, chunk, 0);
		if (taken == TAKEN_BY_OTHERS && (ledger_peek(word) & LEDGER_STOLEN))
			return last;
		if (taken == TAKEN_AS_LAST || (taken == TAKEN && turn_is_over(&watch)))
			return chunk + 1;
	}
	return last;
}

/* What came of a visit to a range. */
enum visit { VISIT_IN_VAIN, VISIT_DONE, VISIT_LEFT_EARLY };

/* A thief's way: down from `last` to where the owner is, or to the end of its turn; one chunk at least, if there is. */
static enum visit sweep_down(struct worker *worker, const struct watch *turn, size_t first, size_t last)
{
	const struct job_post *post = worker->post;
	struct watch watch = *turn;
	enum visit visit = VISIT_IN_VAIN;
	for (size_t chunk = last; chunk-- > first && !is_stopped(&watch);) {
		ledger_word *word = &post->ledger[chunk];
		KILL_POINT(STEAL_STEP);
		enum taken taken = take_chunk(worker, post, word, chunk, LEDGER_STOLEN);
		if (taken == TAKEN_BY_OTHERS && !(ledger_peek(word) & LEDGER_STOLEN))
			return visit;
		if (taken == TAKEN_AS_LAST || (taken == TAKEN && turn_is_over(&watch)))
			return VISIT_LEFT_EARLY;
		if (taken == TAKEN)
			visit = VISIT_DONE;
	}
	return visit;
}

static void run_entry(struct worker *worker, const struct ring_entry *entry)
{
	if (!join_job(worker, entry->job))
		return;
	size_t last = entry->last < worker->post->chunks ? entry->last : worker->post->chunks;
	size_t next = sweep_up(worker, entry->first, last);
	if (next < last && worker->is_parent) /* the rest comes in its turn, in order */
		ring_push(&worker->engine->ring, (struct ring_entry){entry->job, next, last});
	worker->left |= next < last;
	leave_job(worker);
}

/* Steals from every range of the job, its own neighbour's first.  Returns whether it found work. */
static bool steal_from_job(struct worker *worker, uint64_t number)
{
	KILL_POINT(STEAL_LOOK);
	if (!join_job(worker, number))
		return false;
	const struct job_post *post = worker->post;
	struct watch turn = watch_job(worker); /* the visit's, however many ranges it looks at */
	bool found = false;
	for (size_t i = 1; i <= post->ranges; i++) {
		size_t range = (worker->slot + i) % post->ranges;
		size_t begin = job_range_begin(post, range), end = job_range_begin(post, range + 1);
		enum visit visit = sweep_down(worker, &turn, begin, end);
		found |= visit != VISIT_IN_VAIN;
		if (visit == VISIT_LEFT_EARLY)
			break;
	}
	worker->left |= found;
	worker->visited = job_slot(number);
	leave_job(worker);
	return found;
}

static bool steal_from_slots(struct worker *worker, uint64_t slots)
{
	for (; slots != 0; slots &= slots - 1) {
		unsigned slot = (unsigned)__builtin_ctzll(slots);
		uint64_t number = atomic_load(&worker->engine->board->posts[slot].number);
		if (number != 0 && steal_from_job(worker, number))
			return true;
	}
	return false;
}

/* From each job in turn that may have more than what waits in the ring. */
static bool steal(struct worker *worker)
{
	uint64_t open = atomic_load_explicit(&worker->engine->board->stealable, memory_order_acquire);
	uint64_t before = ((uint64_t)2 << worker->visited) - 1; /* and the last one itself */
	if (steal_from_slots(worker, open & ~before) || steal_from_slots(worker, open & before))
		return true;
	worker->left = false;
	return false;
}

/* ---- Orphans ---- */

/* Runs the orphan if it is still one.  The copy is good if the ledger's word still has its
 * version when it is claimed: the parent reuses a slot only after the word has moved on. */
static bool adopt(struct worker *worker, const struct orphan_post *orphan)
{
	uint64_t version = atomic_load_explicit(&orphan->version, memory_order_acquire);
	if (version == 0)
		return false;
	KILL_POINT(ADOPT_SEEN);
	if (!join_job(worker, atomic_load(&orphan->job)))
		return false;
	size_t chunk = atomic_load(&orphan->chunk);
	worker->resume = (struct resume){
	        .start = atomic_load(&orphan->start),
	        .tried_end = atomic_load(&orphan->tried_end),
	        .step = atomic_load(&orphan->step),
	        .attempt = (uint32_t)atomic_load(&orphan->attempt),
	};
	worker->excluded = atomic_load(&orphan->excluded);
	worker->excluded_count = atomic_load(&orphan->excluded_count);
	bool adopted = false;
	KILL_POINT(ADOPT_COPIED);
	if (atomic_load(&orphan->version) == version && chunk < worker->post->chunks) {
		ledger_word *word = &worker->post->ledger[chunk];
		uint64_t stolen = ledger_peek(word) & LEDGER_STOLEN;
		announce(worker, chunk);
		adopted = ledger_claim(word, ledger_orphan((uint32_t)version) | stolen, worker->running | stolen);
		if (adopted) {
			KILL_POINT(ADOPTED);
			run_chunk(worker, worker->post, word, chunk, worker->resume.start, stolen);
		}
	}
	worker->resume = RESUME_FRESH;
	worker->excluded_count = 0;
	leave_job(worker);
	return adopted;
}

static bool adopt_any(struct worker *worker)
{
	const struct board *board = worker->engine->board;
	uint32_t orphans = atomic_load_explicit(&board->orphans, memory_order_acquire);
	for (uint32_t i = 0; i < orphans; i++)
		if (adopt(worker, &board->orphan[i]))
			return true;
	return false;
}

/* ---- The loop ---- */

/* New jobs come first, and after each of them one that was left for others: else that would have to wait until no
 * more come. */
bool worker_find_work(struct worker *worker)
{
	struct ring_entry entry;
	if (worker->owes) {
		worker->owes = false;
		if (steal(worker))
			return true;
	}
	if (ring_pop(&worker->engine->ring, &entry)) {
		worker->owes = worker->left;
		run_entry(worker, &entry);
		return true;
	}
	return adopt_any(worker) || steal(worker);
}

/* Gets a permit: spinning first, asleep then. */
static void wait_for_permit(struct worker *worker)
{
	struct ring *ring = &worker->engine->ring;
	uint64_t until = 0, spin_ns = (uint64_t)worker->engine->spin_us * 1000;
	while (spin_ns > 0) {
		for (int i = 0; i < 64; i++) {
			if (ring_try(ring)) {
				KILL_POINT(PERMIT);
				return;
			}
			cpu_relax();
		}
		sched_yield(); /* the caller, or another worker, may wait for this very CPU */
		uint64_t now = clock_ns();
		if (until == 0)
			until = now + spin_ns;
		else if (now > until)
			break;
	}
	if (worker->engine->before_sleep != NULL)
		worker->engine->before_sleep();
	atomic_store(&worker->record->stage, STAGE_READY); /* whatever an initializer has made of it */
	ring_sleep(ring, &worker->record->parked);
}

void worker_run(struct worker *worker)
{
	for (;;) {
		while (!worker->retired && worker_find_work(worker))
			;
		KILL_POINT(IDLE);
		if (worker->retired)
			return;
		if (atomic_load_explicit(&worker->engine->board->closing, memory_order_acquire))
			return;
		wait_for_permit(worker);
	}
}
