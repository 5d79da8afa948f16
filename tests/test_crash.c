/*
 * test_crash.c - what a worker's death costs: the index it was at, and nothing else.
 *
 * Deaths of all kinds, at all places of a chunk, in every call, in initializers and
 * finalizers, and between the maps; and the death of the parent, which no worker survives.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Ways to die ------------------------------------------------------------------ */

enum death { LIVE, SEGV, ABORT, QUIT, EXIT, KILL, FPE, BUS, DEATHS };

/* What the report has to say of each. */
static const struct {
	int signal;
	const char *named;
} deaths[DEATHS] = {
        [SEGV] = {SIGSEGV, ""}, [ABORT] = {SIGABRT, ""}, [QUIT] = {0, "3"},    [EXIT] = {0, "called exit"},
        [KILL] = {SIGKILL, ""}, [FPE] = {SIGFPE, ""},    [BUS] = {SIGBUS, ""},
};

/* A store that the kernel refuses.  Not to NULL, which sanitizers catch before it happens. */
static void store_nowhere(void)
{
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(volatile char *)page = 1;
}

static void die(enum death how)
{
	switch (how) {
	case SEGV:
		store_nowhere();
		break;
	case ABORT:
		abort();
	case QUIT:
		_exit(3);
	case EXIT:
		exit(0);
	default:
		if (how != LIVE)
			raise(deaths[how].signal);
	}
}

/* ---- Jobs in which some tasks die ----------------------------------------------------- */

enum { MOST = 200 };

/* Which task dies how, and how often each was run; made before the pool, apart from it. */
static struct plan {
	enum death deaths[MOST];
	_Atomic uint32_t begun[MOST], ended[MOST];
	int tells; /* of ranges: whether they call forkpool_at() */
} * plan;

static void new_plan(void)
{
	plan = evidence(sizeof *plan);
}

static void run_index(size_t index)
{
	atomic_fetch_add(&plan->begun[index], 1);
	die(plan->deaths[index]);
	atomic_fetch_add(&plan->ended[index], 1);
}

static int map_task(const void *item, void *result, void *ctx)
{
	uint32_t index = *(const uint32_t *)item;
	(void)ctx;
	memset(result, 0x11, sizeof index);
	run_index(index);
	*(uint32_t *)result = index * index;
	return 0;
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		if (plan->tells)
			forkpool_at(i);
		run_index(i);
	}
	return 0;
}

static uint64_t share(size_t index)
{
	return (uint64_t)1 << index % 50;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		if (plan->tells)
			forkpool_at(i);
		run_index(i);
		*(uint64_t *)acc += share(i);
	}
	return 0;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

/* What must be lost: the tasks that die; of ranges that do not tell, all that a chunk holds. */
static bool is_lost(size_t index, size_t count, size_t chunk, bool whole_chunk)
{
	size_t begin = whole_chunk ? index / chunk * chunk : index, end = whole_chunk ? begin + chunk : index + 1;
	for (size_t i = begin; i < end && i < count; i++)
		if (plan->deaths[i] != LIVE)
			return true;
	return false;
}

/* Compares with what must be lost; returns how many. */
static size_t check_losses(const forkpool_report *report, const int32_t *status, size_t count, size_t chunk,
                           bool whole_chunk)
{
	size_t lost = 0, first = 0;
	for (size_t i = 0; i < count; i++) {
		bool expected = is_lost(i, count, chunk, whole_chunk);
		if (expected && lost++ == 0)
			first = i;
		ck_assert_msg(status[i] == (expected ? FORKPOOL_CRASHED : 0), "status %zu is %d", i, status[i]);
	}
	assert_adds_up(report, count);
	ck_assert_uint_eq(report->crashed, lost);
	ck_assert_uint_eq(report->succeeded, count - lost);
	ck_assert_uint_eq(report->retried, 0);
	if (lost == 0)
		return 0;
	ck_assert_uint_eq(report->index, first);
	ck_assert_int_eq(report->status, FORKPOOL_CRASHED);
	ck_assert_uint_eq(report->attempt, 1);
	ck_assert_str_ne(report->message, "");
	return lost;
}

/* The signal and the words for the death that the report is about. */
static void check_cause(const forkpool_report *report, enum death how)
{
	ck_assert_int_eq(report->signal, deaths[how].signal);
	ck_assert_msg(strstr(report->message, deaths[how].named) != NULL, "the message does not say \"%s\": %s",
	              deaths[how].named, report->message);
}

static void forget_runs(void)
{
	for (size_t i = 0; i < MOST; i++)
		plan->begun[i] = plan->ended[i] = 0;
}

/* A map with results outside of the arena: exactly the planned ones are lost, and no task is
 * run twice. */
static size_t check_map(forkpool *pool, size_t count, size_t chunk, forkpool_report *report)
{
	uint32_t items[MOST], results[MOST];
	int32_t status[MOST];
	forget_runs();
	memset(results, 0x5a, sizeof results);
	memset(status, 0x5a, sizeof status);
	for (uint32_t i = 0; i < count; i++)
		items[i] = i;
	int returned = FORKPOOL_MAP(pool, map_task, items, results, count,
	                            &((forkpool_opts){.chunk = chunk, .status = status, .report = report}));
	size_t lost = check_losses(report, status, count, chunk, false);
	ck_assert_int_eq(returned, (int)lost);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t expected = status[i] == 0 ? i * i : 0x5a5a5a5a;
		ck_assert_msg(results[i] == expected, "result %u is %x", i, results[i]);
		ck_assert_msg(plan->begun[i] == 1, "task %u was begun %u times", i, plan->begun[i]);
		ck_assert_uint_eq(plan->ended[i], status[i] == 0);
	}
	return lost;
}

static void plan_nothing(void)
{
	memset(plan->deaths, 0, sizeof plan->deaths);
}

/* ---- Maps ----------------------------------------------------------------------------- */

START_TEST(each_kind_of_death)
{
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	for (enum death how = SEGV; how < DEATHS; how++) {
		plan_nothing();
		plan->deaths[17] = how;
		ck_assert_uint_eq(check_map(pool, 50, 5, &report), 1);
		check_cause(&report, how);
		plan_nothing();
		ck_assert_uint_eq(check_map(pool, 50, 5, &report), 0);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(each_place_of_a_chunk)
{
	enum { COUNT = 23 };
	forkpool_report report;
	new_plan();
	for (unsigned workers = 1; workers <= 3; workers++) {
		forkpool *pool = pool_of(FORKPOOL_PROCESSES, workers);
		for (size_t chunk = 1; chunk <= 25; chunk += 4)
			for (size_t index = 0; index < COUNT; index++) {
				plan_nothing();
				plan->deaths[index] = KILL;
				ck_assert_uint_eq(check_map(pool, COUNT, chunk, &report), 1);
			}
		forkpool_destroy(pool);
	}
}
END_TEST

START_TEST(several_deaths)
{
	forkpool_report report;
	dice d = dice_for(test_seed(), 2);
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (int round = 0; round < 50; round++) {
		size_t count = 1 + dice_below(&d, MOST), chunk = 1 + dice_below(&d, 20);
		plan_nothing();
		for (uint64_t k = dice_below(&d, 8); k > 0; k--)
			plan->deaths[dice_below(&d, count)] = (enum death)dice_below(&d, DEATHS);
		check_map(pool, count, chunk, &report);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(every_task_dies)
{
	enum { COUNT = 50 };
	forkpool_report report;
	new_plan();
	for (unsigned workers = 1; workers <= 3; workers++) {
		forkpool *pool = pool_of(FORKPOOL_PROCESSES, workers);
		for (size_t chunk = 1; chunk <= 25; chunk += 8) {
			for (size_t i = 0; i < COUNT; i++)
				plan->deaths[i] = (enum death)(1 + i % (DEATHS - 1));
			ck_assert_uint_eq(check_map(pool, COUNT, chunk, &report), COUNT);
			check_cause(&report, SEGV);
			plan_nothing();
			ck_assert_uint_eq(check_map(pool, COUNT, chunk, &report), 0);
		}
		forkpool_destroy(pool);
	}
}
END_TEST

/* One of the dead had left a message of its own before; the one that counts is the last word. */
static int complain_and_die(size_t index, void *ctx)
{
	(void)ctx;
	if (index != 3)
		return 0;
	forkpool_fail(9, "going to be fine");
	raise(SIGKILL);
	return 0;
}

START_TEST(a_death_is_not_a_failure)
{
	forkpool_report report;
	int32_t status[10];
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 1);
	ck_assert_int_eq(
	        forkpool_for(pool, complain_and_die, 10, &(forkpool_opts){.status = status, .report = &report}), 1);
	ck_assert_int_eq(status[3], FORKPOOL_CRASHED);
	ck_assert_uint_eq(report.failed, 0);
	ck_assert_uint_eq(report.crashed, 1);
	ck_assert_ptr_null(strstr(report.message, "going to be fine"));
	forkpool_destroy(pool);
}
END_TEST

/* ---- The other calls ---------------------------------------------------------------------- */

static const size_t few_deaths[] = {0, 19, 42, 43, 47, 94};
enum { LONG = 95, PART = 10 };

static void plan_few_deaths(int tells)
{
	plan_nothing();
	forget_runs();
	plan->tells = tells;
	for (size_t k = 0; k < sizeof few_deaths / sizeof *few_deaths; k++)
		plan->deaths[few_deaths[k]] = (enum death)(1 + k);
}

START_TEST(deaths_in_ranges)
{
	int32_t status[LONG];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (int tells = 0; tells < 2; tells++) {
		plan_few_deaths(tells);
		int returned = forkpool_for_range(pool, range_task, LONG,
		                                  &(forkpool_opts){.chunk = PART, .status = status, .report = &report});
		ck_assert_int_eq(returned, (int)check_losses(&report, status, LONG, PART, !tells));
		check_cause(&report, SEGV);
		for (size_t i = 0; i < LONG; i++)
			if (tells || status[i] == 0)
				ck_assert_msg(plan->begun[i] == 1, "index %zu was begun %u times", i, plan->begun[i]);
			else
				ck_assert_uint_le(plan->begun[i], 1);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(deaths_in_folds)
{
	int32_t status[LONG];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (int tells = 0; tells < 2; tells++) {
		uint64_t sum = 0, expected = 0;
		plan_few_deaths(tells);
		int returned = forkpool_reduce(pool, fold_task, add, LONG, &sum, sizeof sum,
		                               &(forkpool_opts){.chunk = PART, .status = status, .report = &report});
		ck_assert_int_eq(returned, (int)check_losses(&report, status, LONG, PART, !tells));
		for (size_t i = 0; i < LONG; i++)
			expected += is_lost(i, LONG, PART, !tells) ? 0 : share(i);
		ck_assert_uint_eq(sum, expected);
	}
	forkpool_destroy(pool);
}
END_TEST

static int apply_task(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int *)result = 1;
	die(*(const enum death *)item);
	return 0;
}

START_TEST(a_death_in_apply)
{
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	for (enum death how = SEGV; how < DEATHS; how++) {
		int result = -1;
		ck_assert_int_eq(forkpool_apply(pool, apply_task, &how, sizeof how, &result, sizeof result,
		                                &(forkpool_opts){.report = &report}),
		                 1);
		assert_adds_up(&report, 1);
		ck_assert_uint_eq(report.crashed, 1);
		check_cause(&report, how);
		ck_assert_int_eq(result, -1);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- stop_on_failure ------------------------------------------------------------------------ */

struct stopping {
	_Atomic uint32_t begun, told;
};

/* The first index dies once another one runs; the others end when they are told to. */
static int die_or_wait(size_t index, void *ctx)
{
	struct stopping *stopping = ctx;
	atomic_fetch_add(&stopping->begun, 1);
	if (index == 0 && wait_for(&stopping->begun, 2))
		raise(SIGKILL);
	for (int i = 0; i < 60000 && !forkpool_cancelled(); i++)
		usleep(1000);
	atomic_fetch_add(&stopping->told, forkpool_cancelled() != 0);
	return 0;
}

START_TEST(a_death_stops_the_map_if_asked)
{
	enum { MANY = 1000 };
	int32_t status[MANY];
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	struct stopping *stopping = forkpool_alloc(pool, sizeof *stopping);
	ck_assert_ptr_nonnull(stopping);
	int returned = forkpool_for(
	        pool, die_or_wait, MANY,
	        &(forkpool_opts){
	                .ctx = stopping, .chunk = 1, .stop_on_failure = 1, .status = status, .report = &report});
	ck_assert_int_eq(returned, MANY - 1);
	assert_adds_up(&report, MANY);
	ck_assert_uint_eq(report.crashed, 1);
	ck_assert_uint_eq(report.succeeded, 1);
	ck_assert_uint_eq(report.cancelled, MANY - 2);
	ck_assert_uint_eq(report.index, 0);
	ck_assert_int_eq(report.signal, SIGKILL);
	ck_assert_uint_eq(stopping->begun, 2);
	ck_assert_uint_eq(stopping->told, 1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Initializers and finalizers -------------------------------------------------------------- */

struct hooks {
	_Atomic uint32_t started, dies_at_start, dies_at_end;
};

static int start_worker(unsigned worker, void **state, void *arg)
{
	struct hooks *hooks = arg;
	(void)worker;
	(void)state;
	atomic_fetch_add(&hooks->started, 1);
	die((enum death)hooks->dies_at_start);
	return 0;
}

static void end_worker(unsigned worker, void *state, void *arg)
{
	(void)worker;
	(void)state;
	die((enum death)((struct hooks *)arg)->dies_at_end);
}

static forkpool_config config_of(struct hooks *hooks, unsigned workers)
{
	return (forkpool_config){
	        .workers = workers, .initializer = start_worker, .finalizer = end_worker, .arg = hooks};
}

START_TEST(a_death_in_the_initializer)
{
	struct hooks *hooks = evidence(sizeof *hooks);
	forkpool_config config = config_of(hooks, 3);
	for (enum death how = SEGV; how < DEATHS; how++) {
		forkpool *pool = NULL;
		hooks->dies_at_start = how;
		hooks->started = 0;
		ck_assert_int_eq(forkpool_create(&pool, &config), -ECANCELED);
		ck_assert_ptr_null(pool);
		ck_assert_uint_ge(hooks->started, 1);
		ck_assert_uint_lt(hooks->started, 100);
	}
}
END_TEST

/* The worker that dies in a task cannot be replaced: the map ends, and says so. */
START_TEST(a_death_in_the_initializer_of_a_replacement)
{
	enum { COUNT = 30 };
	struct hooks *hooks = evidence(sizeof *hooks);
	uint32_t items[COUNT], results[COUNT];
	int32_t status[COUNT];
	forkpool_report report;
	new_plan();
	forkpool_config config = config_of(hooks, 1);
	forkpool *pool = pool_from(&config);
	for (uint32_t i = 0; i < COUNT; i++)
		items[i] = i;
	hooks->dies_at_start = ABORT;
	plan->deaths[12] = KILL;
	int returned = FORKPOOL_MAP(pool, map_task, items, results, COUNT,
	                            &((forkpool_opts){.chunk = 5, .status = status, .report = &report}));
	ck_assert_int_eq(returned, -ECANCELED);
	assert_adds_up(&report, COUNT);
	ck_assert_uint_eq(report.crashed, 1);
	ck_assert_uint_ge(report.cancelled, 1);
	ck_assert_str_ne(report.message, "");
	ck_assert_uint_lt(hooks->started, 100);
	for (uint32_t i = 0; i < COUNT; i++) {
		int32_t expected = i == 12 ? FORKPOOL_CRASHED : plan->ended[i] ? 0 : FORKPOOL_CANCELLED;
		ck_assert_msg(status[i] == expected, "status %u is %d", i, status[i]);
		if (status[i] == 0)
			ck_assert_uint_eq(results[i], i * i);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_death_in_the_finalizer)
{
	struct hooks *hooks = evidence(sizeof *hooks);
	forkpool_report report;
	new_plan();
	for (enum death how = SEGV; how < DEATHS; how++) {
		forkpool_config config = config_of(hooks, 3);
		forkpool *pool = pool_from(&config);
		hooks->dies_at_end = how;
		ck_assert_uint_eq(check_map(pool, 20, 2, &report), 0);
		ck_assert_int_eq(forkpool_refresh(pool), 0);
		ck_assert_uint_eq(check_map(pool, 20, 2, &report), 0);
		ck_assert_int_eq(forkpool_close(pool), 0);
		ck_assert_int_eq(forkpool_join(pool), 0);
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- Between the maps -------------------------------------------------------------------------- */

START_TEST(idle_workers_that_die_are_replaced)
{
	enum { WORKERS = 3 };
	pid_t before[WORKERS], after[WORKERS];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
	for (int killed = 1; killed <= WORKERS; killed++) {
		worker_pids(pool, WORKERS, before);
		for (int i = 0; i < killed; i++)
			ck_assert_int_eq(kill(before[i], SIGKILL), 0);
		for (int i = 0; i < killed; i++)
			ck_assert(wait_dead(before[i]));
		ck_assert_uint_eq(check_map(pool, 100, 3, &report), 0);
		worker_pids(pool, WORKERS, after);
		for (int i = 0; i < killed; i++)
			for (int k = 0; k < WORKERS; k++)
				ck_assert_int_ne(before[i], after[k]);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(dead_workers_are_no_trouble_at_the_end)
{
	pid_t pids[3];
	for (int way = 0; way < 4; way++) {
		forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
		worker_pids(pool, 3, pids);
		for (int i = 0; i <= way % 3; i++)
			ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		if (way == 1)
			ck_assert_int_eq(forkpool_refresh(pool), 0);
		if (way == 2) {
			ck_assert_int_eq(forkpool_close(pool), 0);
			ck_assert_int_eq(forkpool_join(pool), 0);
		}
		if (way == 3)
			ck_assert_int_eq(forkpool_terminate(pool), 0);
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- The death of the parent ---------------------------------------------------------------------- */

enum parent_end { PARENT_KILLED, PARENT_QUITS, PARENT_EXITS };

struct family {
	_Atomic int32_t pids[3];
	_Atomic uint32_t started, busy;
	int idle; /* the workers have nothing to do when the parent ends */
};

static int register_worker(unsigned worker, void **state, void *arg)
{
	struct family *family = arg;
	(void)state;
	family->pids[worker] = getpid();
	atomic_fetch_add(&family->started, 1);
	return 0;
}

/* One task sleeps, one computes and never enters the kernel, one works in stdio. */
static int never_end(size_t index, void *ctx)
{
	struct family *family = ctx;
	atomic_fetch_add(&family->busy, 1);
	for (volatile uint64_t turns = 0;; turns++)
		if (index % 3 == 0)
			usleep(1000);
		else if (index % 3 == 1)
			fflush(stdout);
	return 0;
}

/* The program that owns a pool and goes without saying so. */
_Noreturn static void be_parent(struct family *family, enum parent_end end)
{
	forkpool *pool = NULL;
	if (forkpool_create(&pool, &(forkpool_config){.workers = 3, .initializer = register_worker, .arg = family}) !=
	            0 ||
	    !wait_for(&family->started, 3))
		_exit(1);
	if (end == PARENT_QUITS)
		_exit(0);
	if (end == PARENT_EXITS)
		exit(0);
	if (!family->idle)
		forkpool_for(pool, never_end, 3, &(forkpool_opts){.ctx = family, .inherited = 1, .chunk = 1});
	for (;;)
		pause();
}

static void check_orphans(enum parent_end end, int idle)
{
	struct family *family = evidence(sizeof *family);
	family->idle = idle;
	fflush(stdout);
	pid_t parent = fork();
	if (parent == 0)
		be_parent(family, end);
	ck_assert_int_gt(parent, 0);
	ck_assert(wait_for(&family->started, 3));
	if (end == PARENT_KILLED) {
		ck_assert(idle || wait_for(&family->busy, 3));
		ck_assert_int_eq(kill(parent, SIGKILL), 0);
	}
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(wait_dead(family->pids[i]), "worker %d outlives its parent", i);
}

START_TEST(no_worker_outlives_a_killed_parent)
{
	check_orphans(PARENT_KILLED, 0);
	check_orphans(PARENT_KILLED, 1);
}
END_TEST

START_TEST(no_worker_outlives_a_parent_that_ends)
{
	check_orphans(PARENT_QUITS, 1);
	check_orphans(PARENT_EXITS, 1);
}
END_TEST

int main(void)
{
	need_processes();
	Suite *suite = suite_create("crash");
	TCase *maps = test_case(suite, "maps");
	tcase_add_test(maps, each_kind_of_death);
	tcase_add_test(maps, each_place_of_a_chunk);
	tcase_add_test(maps, several_deaths);
	tcase_add_test(maps, every_task_dies);
	tcase_add_test(maps, a_death_is_not_a_failure);
	TCase *calls = test_case(suite, "other calls");
	tcase_add_test(calls, deaths_in_ranges);
	tcase_add_test(calls, deaths_in_folds);
	tcase_add_test(calls, a_death_in_apply);
	tcase_add_test(calls, a_death_stops_the_map_if_asked);
	TCase *hooks = test_case(suite, "initializers and finalizers");
	tcase_add_test(hooks, a_death_in_the_initializer);
	tcase_add_test(hooks, a_death_in_the_initializer_of_a_replacement);
	tcase_add_test(hooks, a_death_in_the_finalizer);
	TCase *between = test_case(suite, "between the maps");
	tcase_add_test(between, idle_workers_that_die_are_replaced);
	tcase_add_test(between, dead_workers_are_no_trouble_at_the_end);
	TCase *parent = test_case(suite, "the parent");
	tcase_add_test(parent, no_worker_outlives_a_killed_parent);
	tcase_add_test(parent, no_worker_outlives_a_parent_that_ends);
	return run_suite(suite);
}
