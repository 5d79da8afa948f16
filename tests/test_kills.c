/*
 * test_kills.c - hundreds of SIGKILLs of workers that run tasks, and what must hold all the
 * same: no map hangs, each report adds up, no result is wrong, no index is run twice.
 *
 * The evidence is independent of the pool.  It stands in memory shared before the pool was
 * made: each task marks its index when it begins and when it ends, and each worker has a
 * record of its own (never used again) that says which index it is in.  A child of the test
 * chooses the victims among those records, waits until the kernel has them dead, and then
 * reads where they were.  So of each kill it is known whether it hit a task, and which.
 */
#include "config.h"
#include "child.h"
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORKERS = 4,
	TASKS = 240,
	CHUNK = 7,
	KILLS = SANITIZED ? 60 : 240, /* of each kind of job */
	RECORDS = 20000,              /* workers that a job kind may use up */
	PATIENCE_S = 200              /* then the test has hung */
};

/* One worker of the pool, written by it alone; `dead` by the killer. */
struct record {
	_Atomic pid_t pid;
	_Atomic uint32_t inside; /* index + 1 of the task it is in; 0: none */
	_Atomic uint32_t dead;   /* killed, and the kernel has said so */
	uint32_t round;          /* of the kill */
};

static struct evidence {
	_Atomic uint32_t records;
	_Atomic uint32_t round;  /* number of the map that runs, from 1; 0: none does */
	_Atomic uint32_t firing; /* the killer is between looking at `round` and its record */
	_Atomic uint32_t stop;
	_Atomic uint32_t kills, hits;
	_Atomic uint32_t begun[TASKS], ended[TASKS];
	struct record record[RECORDS];
} * seen;

/* ---- In the workers -------------------------------------------------------------- */

static int register_worker(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)arg;
	uint32_t number = atomic_fetch_add(&seen->records, 1);
	if (number >= RECORDS)
		return 1;
	*state = &seen->record[number];
	seen->record[number].pid = getpid();
	return 0;
}

static uint64_t value_of(uint64_t index)
{
	return (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Between the marks it lasts, by index, from nothing to about a millisecond. */
static uint64_t marked_task(uint32_t index)
{
	struct record *own = forkpool_worker_state();
	atomic_store(&own->inside, index + 1);
	atomic_fetch_add(&seen->begun[index], 1);
	if (index % 4 != 0)
		usleep(index % 4 * 300);
	uint64_t value = value_of(index);
	atomic_fetch_add(&seen->ended[index], 1);
	atomic_store(&own->inside, 0);
	return value;
}

static int map_task(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(uint64_t *)result = marked_task(*(const uint32_t *)item);
	return 0;
}

static int for_task(size_t index, void *ctx)
{
	((uint64_t *)ctx)[index] = marked_task((uint32_t)index);
	return 0;
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		for_task(i, ctx);
	}
	return 0;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		*(uint64_t *)acc += marked_task((uint32_t)i);
	}
	return 0;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

/* ---- The killer -------------------------------------------------------------------- */

/* By a descriptor, so that a number used again by another process cannot be hit. */
static bool kill_worker(pid_t pid, pid_t owner)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return false;
	bool killed = is_child(pid, owner) && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	close(fd);
	return killed;
}

/* Some living worker; seven times of eight, one that is in a task if there is one. */
static struct record *choose_victim(dice *d)
{
	uint32_t count = seen->records < RECORDS ? seen->records : RECORDS, newest = count < 64 ? count : 64;
	bool busy = dice_below(d, 8) != 0;
	for (int attempt = 0; newest > 0 && attempt < 64; attempt++) {
		struct record *record = &seen->record[count - 1 - dice_below(d, newest)];
		if (record->pid != 0 && !record->dead && (!busy || record->inside != 0))
			return record;
	}
	return NULL;
}

static void kill_one(dice *d, pid_t owner, uint32_t round)
{
	struct record *victim = choose_victim(d);
	if (victim == NULL)
		return;
	if (!kill_worker(victim->pid, owner) || !wait_dead(victim->pid)) {
		victim->dead = !is_child(victim->pid, owner);
		return;
	}
	victim->round = round;
	atomic_store(&victim->dead, 1);
	atomic_fetch_add(&seen->hits, victim->inside != 0);
	atomic_fetch_add(&seen->kills, 1);
}

/* Kills one worker after the other, now and then several at once, while maps run. */
_Noreturn static void be_killer(pid_t owner, uint64_t number)
{
	dice d = dice_for(test_seed(), number);
	while (!seen->stop && getppid() == owner) {
		usleep((useconds_t)dice_below(&d, 6000));
		for (uint64_t victims = dice_below(&d, 6) == 0 ? WORKERS : 1; victims > 0; victims--) {
			seen->firing = 1;
			uint32_t round = seen->round;
			if (round != 0)
				kill_one(&d, owner, round);
			seen->firing = 0;
		}
	}
	_exit(0);
}

/* ---- One map, and what must hold of it ------------------------------------------------ */

enum kind { MAP, FOR, RANGE, REDUCE, KINDS };
static const char *const kind_names[KINDS] = {"map", "for", "for_range", "reduce"};

struct job {
	enum kind kind;
	uint32_t items[TASKS];
	uint64_t outside[TASKS], *inside, sum;
	int32_t status[TASKS];
	forkpool_report report;
	int returned;
};

/* What was found wrong, over all maps. */
struct faults {
	unsigned maps, crashed, lost, doubled, wrong, innocent;
};

static void run_map(forkpool *pool, struct job *job, uint32_t round)
{
	forkpool_opts opts = {.chunk = CHUNK, .status = job->status, .report = &job->report, .ctx = job->inside};
	for (uint32_t i = 0; i < TASKS; i++) {
		seen->begun[i] = seen->ended[i] = 0;
		job->items[i] = i;
		job->outside[i] = job->inside[i] = 1;
		job->status[i] = 12345;
	}
	job->sum = 0;
	seen->round = round;
	if (job->kind == MAP)
		job->returned = FORKPOOL_MAP(pool, map_task, job->items, job->outside, TASKS, &opts);
	else if (job->kind == FOR)
		job->returned = forkpool_for(pool, for_task, TASKS, &opts);
	else if (job->kind == RANGE)
		job->returned = forkpool_for_range(pool, range_task, TASKS, &opts);
	else
		job->returned = forkpool_reduce(pool, fold_task, add, TASKS, &job->sum, sizeof job->sum, &opts);
	/* A death is on record a moment later than the map may end. */
	seen->round = 0;
	while (seen->firing)
		usleep(100);
}

/* The fold of a chunk is begun again without the index that was lost: there, and only
 * there, others are run more than once. */
static void judge_index(const struct job *job, uint32_t i, struct faults *faults)
{
	bool crashed = job->status[i] == FORKPOOL_CRASHED;
	uint64_t value = job->kind == MAP ? job->outside[i] : job->inside[i];
	faults->crashed += crashed;
	faults->wrong += !crashed && job->status[i] != 0;
	faults->lost += !crashed && seen->ended[i] == 0;
	if (job->kind != REDUCE) {
		faults->doubled += seen->begun[i] > 1;
		faults->wrong += !crashed && value != value_of(i);
		faults->wrong += crashed && job->kind == MAP && value != 1;
	}
}

/* Each worker that was killed inside a task of this map has its index charged.  Returns how many may be
 * charged in all: one a death; but a whole call where a range function had not told yet where it was. */
static unsigned judge_victims(const struct job *job, uint32_t round, struct faults *faults)
{
	unsigned chargeable = 0;
	for (uint32_t k = 0; k < seen->records; k++) {
		const struct record *record = &seen->record[k];
		if (!record->dead || record->round != round)
			continue;
		chargeable += record->inside == 0 && job->kind >= RANGE ? CHUNK : 1;
		if (record->inside != 0)
			faults->lost += job->status[record->inside - 1] != FORKPOOL_CRASHED;
	}
	return chargeable;
}

static void judge(const struct job *job, uint32_t round, struct faults *faults)
{
	unsigned crashed = faults->crashed;
	uint64_t sum = 0;
	assert_adds_up(&job->report, TASKS);
	ck_assert_msg(job->returned >= 0, "%d: %s", job->returned, job->report.message);
	for (uint32_t i = 0; i < TASKS; i++) {
		judge_index(job, i, faults);
		sum += job->status[i] == 0 ? value_of(i) : 0;
	}
	crashed = faults->crashed - crashed;
	faults->wrong += job->kind == REDUCE && job->sum != sum;
	ck_assert_uint_eq(job->report.crashed, crashed);
	ck_assert_int_eq(job->returned, (int)crashed);
	unsigned chargeable = judge_victims(job, round, faults);
	faults->innocent += crashed > chargeable ? crashed - chargeable : 0;
	faults->maps++;
}

/* ---- The test ---------------------------------------------------------------------------- */

static void run_under_fire(forkpool *pool, struct job *job, struct faults *faults)
{
	job->inside = forkpool_alloc(pool, TASKS * sizeof *job->inside);
	ck_assert_ptr_nonnull(job->inside);
	for (uint32_t round = 1; seen->kills < KILLS; round++) {
		run_map(pool, job, round);
		judge(job, round, faults);
	}
	forkpool_free(pool, job->inside);
}

START_TEST(workers_killed_during_maps)
{
	static struct job job;
	struct faults faults = {0};
	pid_t owner = getpid();
	alarm(PATIENCE_S);
	job.kind = (enum kind)_i;
	seen = evidence(sizeof *seen);
	pid_t killer = fork();
	if (killer == 0)
		be_killer(owner, (uint64_t)_i);
	ck_assert_int_gt(killer, 0);

	forkpool *pool = pool_from(&(forkpool_config){.workers = WORKERS, .initializer = register_worker});
	run_under_fire(pool, &job, &faults);
	seen->stop = 1;
	ck_assert_int_eq(waitpid(killer, NULL, 0), killer);
	forkpool_destroy(pool);
	alarm(0);

	printf("%s: %u kills, %u inside a task, %u maps of %d tasks: %u crashed, %u lost, %u doubled, %u wrong, "
	       "%u charged without a death\n",
	       kind_names[job.kind], seen->kills, seen->hits, faults.maps, TASKS, faults.crashed, faults.lost,
	       faults.doubled, faults.wrong, faults.innocent);
	ck_assert_msg(faults.lost + faults.doubled + faults.wrong + faults.innocent == 0,
	              "FORKPOOL_TEST_SEED=%" PRIu64 ": see the line above", test_seed());
	ck_assert_uint_ge(seen->hits * 2, seen->kills);
}
END_TEST

int main(void)
{
	need_processes();
	Suite *suite = suite_create("kills");
	TCase *kills = test_case(suite, "kills");
	tcase_add_loop_test(kills, workers_killed_during_maps, 0, KINDS);
	return run_suite(suite);
}
