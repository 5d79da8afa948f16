/*
 * test_life.c - workers that die again and again, hosts that have ideas of their own about their children, several
 * threads of a host with pools, and children of a host that inherit one.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, TASKS = 60 };

static int square(const void *item, void *result, void *ctx)
{
	uint64_t x = *(const uint64_t *)item;
	(void)ctx;
	*(uint64_t *)result = x * x;
	return 0;
}

/* ---- Deaths without end ------------------------------------------------------------------ */

static struct plague {
	_Atomic uint32_t at_fork, at_start; /* whether workers die there */
	_Atomic uint32_t deaths;
} * plague;

static void die_of(bool applies)
{
	if (!applies)
		return;
	atomic_fetch_add(&plague->deaths, 1);
	raise(SIGKILL);
}

/* Run by the kernel's new child before anything of the library is. */
static void die_at_fork(void)
{
	die_of(plague != NULL && plague->at_fork);
}

static int start_or_die(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)state;
	(void)arg;
	die_of(plague->at_start);
	return 0;
}

static void kill_all(forkpool *pool)
{
	pid_t pids[WORKERS];
	worker_pids(pool, WORKERS, pids);
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
	for (int i = 0; i < WORKERS; i++)
		ck_assert(wait_dead(pids[i]));
}

/* A map that nobody can do ends with `error`, its tasks cancelled, after a bounded number of forks. */
static void assert_given_up(forkpool *pool, int error, uint32_t most)
{
	forkpool_report report;
	int32_t status[TASKS];
	uint64_t items[TASKS] = {0}, results[TASKS];
	plague->deaths = 0;
	int returned = FORKPOOL_MAP(pool, square, items, results, TASKS,
	                            &((forkpool_opts){.status = status, .report = &report}));
	ck_assert_int_eq(returned, error);
	assert_adds_up(&report, TASKS);
	ck_assert_uint_eq(report.cancelled, TASKS);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(status[i], FORKPOOL_CANCELLED);
	ck_assert_str_eq(report.message, forkpool_strerror(error));
	ck_assert_uint_ge(plague->deaths, 1);
	ck_assert_uint_le(plague->deaths, most);
}

START_TEST(workers_that_die_at_once)
{
	plague = evidence(sizeof *plague);
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
	kill_all(pool);
	plague->at_fork = 1;
	for (int round = 0; round < 2; round++)
		assert_given_up(pool, -EAGAIN, 150);
	plague->at_fork = 0;
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_pool_whose_first_workers_die_at_once)
{
	plague = evidence(sizeof *plague);
	plague->at_fork = 1;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS); /* that they die cannot be known yet */
	assert_given_up(pool, -EAGAIN, 150);
	plague->at_fork = 0;
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(workers_that_die_in_the_initializer)
{
	plague = evidence(sizeof *plague);
	forkpool *pool = pool_from(&(forkpool_config){.workers = WORKERS, .initializer = start_or_die});
	kill_all(pool);
	plague->at_start = 1;
	assert_given_up(pool, -ECANCELED, 100);
	plague->at_start = 0;
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

/* ---- Idle deaths ---------------------------------------------------------------------------- */

/* While asleep, and while looking for work. */
START_TEST(workers_killed_while_idle)
{
	unsigned spins[] = {FORKPOOL_NO_SPIN, 600 * 1000 * 1000};
	forkpool *pool = pool_from(&(forkpool_config){.workers = WORKERS, .spin_us = spins[_i]});
	pid_t before[WORKERS], after[WORKERS];
	for (int round = 0; round < 5; round++) {
		worker_pids(pool, WORKERS, before);
		usleep(2000); /* until they sleep */
		for (int i = 0; i <= round % WORKERS; i++)
			ck_assert_int_eq(kill(before[i], SIGKILL), 0);
		/* Not waited for: they may die before the map, during it, or after. */
		ck_assert(squares_are_right(pool, 1));
		for (int i = 0; i <= round % WORKERS; i++)
			ck_assert(wait_dead(before[i]));
		worker_pids(pool, WORKERS, after);
		for (int i = 0; i <= round % WORKERS; i++)
			for (int k = 0; k < WORKERS; k++)
				ck_assert_int_ne(before[i], after[k]);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Hosts and their children ------------------------------------------------------------------ */

enum reaping { IGNORED, WITHOUT_ZOMBIES, BY_HANDLER, BY_THREAD, REAPINGS };

static const char *const reaping_names[REAPINGS] = {
        "ignores SIGCHLD", "wants no zombies", "waits for any child in a handler", "waits for any child in a thread"};

enum { CHILDREN = 200, OWN_CHILD = 7 }; /* what a child of the host's own exits with */
static _Atomic uint32_t own_children_reaped, reaper_ends;

static void reap_all(void)
{
	int status, before = errno;
	while (waitpid(-1, &status, WNOHANG) > 0)
		if (WIFEXITED(status) && WEXITSTATUS(status) == OWN_CHILD)
			atomic_fetch_add(&own_children_reaped, 1);
	errno = before;
}

static void on_child(int number)
{
	(void)number;
	reap_all();
}

static void *reap_in_thread(void *arg)
{
	while (!reaper_ends) {
		reap_all();
		usleep(50);
	}
	reap_all();
	return arg;
}

static void set_reaping(enum reaping reaping, pthread_t *thread)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	if (reaping == IGNORED)
		action.sa_handler = SIG_IGN;
	if (reaping == WITHOUT_ZOMBIES)
		action.sa_flags = SA_NOCLDWAIT;
	if (reaping == BY_HANDLER)
		action = (struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART};
	ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
	if (reaping == BY_THREAD)
		ck_assert_int_eq(pthread_create(thread, NULL, reap_in_thread, NULL), 0);
}

static int die_if_odd(const void *item, void *result, void *ctx)
{
	uint64_t x = *(const uint64_t *)item;
	(void)ctx;
	*(uint64_t *)result = x * x;
	if (x % 10 == 1)
		raise(SIGKILL);
	return 0;
}

/* Which tasks die is known; nothing else may happen to the others. */
static bool losses_are_right(forkpool *pool, forkpool_report *report)
{
	uint64_t items[TASKS], results[TASKS];
	int32_t status[TASKS];
	for (uint64_t i = 0; i < TASKS; i++)
		items[i] = i;
	int returned = FORKPOOL_MAP(pool, die_if_odd, items, results, TASKS,
	                            &((forkpool_opts){.chunk = 4, .status = status, .report = report}));
	for (uint64_t i = 0; i < TASKS; i++)
		if (status[i] != (i % 10 == 1 ? FORKPOOL_CRASHED : 0) || (status[i] == 0 && results[i] != i * i))
			return false;
	return returned == TASKS / 10 && report->crashed == TASKS / 10 && report->succeeded == TASKS - TASKS / 10;
}

static void fork_own_child(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(OWN_CHILD);
	ck_assert_int_gt(child, 0);
}

START_TEST(hosts_that_reap_any_child)
{
	enum reaping reaping = (enum reaping)_i;
	pthread_t thread;
	forkpool_report report;
	set_reaping(reaping, &thread);
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
	for (int i = 0; i < CHILDREN; i++) {
		fork_own_child();
		if (i % 20 == 0)
			ck_assert_msg(losses_are_right(pool, &report), "a host that %s: %s", reaping_names[reaping],
			              report.message);
	}
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
	if (reaping == BY_THREAD) {
		reaper_ends = 1;
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
	/* The host's own children are all there for it. */
	if (reaping >= BY_HANDLER)
		for (int i = 0; i < 10000 && own_children_reaped < CHILDREN; i++) {
			reap_all();
			usleep(1000);
		}
	else
		while (waitpid(-1, NULL, 0) > 0)
			;
	ck_assert_uint_eq(own_children_reaped, reaping >= BY_HANDLER ? CHILDREN : 0);
}
END_TEST

/* ---- Threads of the host ------------------------------------------------------------------------- */

enum { USERS = 8 };
static _Atomic uint32_t users_end;

static void *create_use_destroy(void *arg)
{
	bool *right = arg;
	forkpool_report report;
	for (int round = 0; *right && round < (SANITIZED ? 4 : 12); round++) {
		forkpool *pool = NULL;
		*right = forkpool_create(&pool, &(forkpool_config){.workers = 1 + (unsigned)round % 3}) == 0 &&
		         losses_are_right(pool, &report) && squares_are_right(pool, 1);
		if (round % 4 == 3)
			forkpool_terminate(pool);
		forkpool_destroy(pool);
	}
	return NULL;
}

static void *fork_often(void *arg)
{
	uint32_t *wrong = arg;
	while (!users_end) {
		int status = -1;
		pid_t child = fork();
		if (child == 0)
			_exit(OWN_CHILD);
		*wrong += child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		          WEXITSTATUS(status) != OWN_CHILD;
	}
	return NULL;
}

START_TEST(pools_in_many_threads)
{
	pthread_t threads[USERS], forker;
	bool right[USERS];
	uint32_t wrong = 0;
	ck_assert_int_eq(pthread_create(&forker, NULL, fork_often, &wrong), 0);
	for (int i = 0; i < USERS; i++) {
		right[i] = true;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, create_use_destroy, &right[i]), 0);
	}
	for (int i = 0; i < USERS; i++)
		pthread_join(threads[i], NULL);
	users_end = 1;
	pthread_join(forker, NULL);
	for (int i = 0; i < USERS; i++)
		ck_assert_msg(right[i], "thread %d", i);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

static void *create_pool(void *arg)
{
	return forkpool_create((forkpool **)arg, &(forkpool_config){.workers = WORKERS}) == 0 ? arg : NULL;
}

struct handed_on {
	forkpool *pool;
	bool right;
};

static void *use_handed_on(void *arg)
{
	struct handed_on *handed = arg;
	forkpool_report report;
	handed->right = losses_are_right(handed->pool, &report) && squares_are_right(handed->pool, 1);
	return NULL;
}

/* Created in one thread, used in others, its dead workers replaced by them, destroyed here. */
START_TEST(a_pool_goes_from_thread_to_thread)
{
	pthread_t thread;
	struct handed_on handed = {NULL, false};
	void *created;
	ck_assert_int_eq(pthread_create(&thread, NULL, create_pool, &handed.pool), 0);
	ck_assert_int_eq(pthread_join(thread, &created), 0);
	ck_assert_ptr_nonnull(created);
	for (int i = 0; i < 5; i++) {
		handed.right = false;
		ck_assert_int_eq(pthread_create(&thread, NULL, use_handed_on, &handed), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert(handed.right);
	}
	forkpool_destroy(handed.pool);
}
END_TEST

struct departure {
	forkpool *pool;
	_Atomic uint32_t created, begun, gone;
};

static struct departure *departure;

static void *create_and_leave(void *arg)
{
	bool created = create_pool(&departure->pool) != NULL;
	atomic_store(&departure->created, 1);
	if (created)
		wait_for(&departure->begun, WORKERS);
	return arg;
}

static int work_through_a_departure(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	atomic_fetch_add(&departure->begun, 1);
	return wait_for(&departure->gone, 1) ? 0 : 1;
}

static void *join_and_tell(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
	usleep(20 * 1000); /* the kernel tells the workers that their forker has ended */
	atomic_store(&departure->gone, 1);
	return NULL;
}

/* The thread that forked the workers ends while they are in the middle of tasks. */
START_TEST(the_creating_thread_ends_during_a_map)
{
	pthread_t creator, teller;
	forkpool_report report;
	departure = evidence(sizeof *departure);
	ck_assert_int_eq(pthread_create(&creator, NULL, create_and_leave, NULL), 0);
	ck_assert(wait_for(&departure->created, 1));
	ck_assert_ptr_nonnull(departure->pool);
	ck_assert_int_eq(pthread_create(&teller, NULL, join_and_tell, &creator), 0);
	ck_assert_int_eq(forkpool_for(departure->pool, work_through_a_departure, WORKERS,
	                              &(forkpool_opts){.chunk = 1, .report = &report}),
	                 0);
	ck_assert_uint_eq(report.restarts, 0);
	pthread_join(teller, NULL);
	forkpool_destroy(departure->pool);
}
END_TEST

/* ---- Children of the host ---------------------------------------------------------------------------- */

static int do_nothing_range(size_t begin, size_t end, void *ctx)
{
	(void)begin;
	(void)end;
	(void)ctx;
	return 0;
}

static int do_nothing(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

static int fold_nothing(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)acc;
	return do_nothing_range(begin, end, ctx);
}

static void combine_nothing(void *acc, const void *other, void *ctx)
{
	(void)acc;
	(void)other;
	(void)ctx;
}

/* The line of the first call that is not refused; 0: all are. */
static int try_all_calls(forkpool *pool, void *memory)
{
	uint64_t item = 1, result = 0;
	forkpool_column column = {&item, sizeof item, 0};
	forkpool_report report;
	const forkpool_opts opts = {.report = &report};
	const void *items = &item;
	int (*const simple[])(forkpool *) = {forkpool_close, forkpool_join, forkpool_terminate, forkpool_refresh};
	for (int i = 0; i < 4; i++)
		if (simple[i](pool) != -EPERM)
			return __LINE__ + i;
	if (forkpool_map(pool, square, items, 1, sizeof item, &result, sizeof result, &opts) != -EPERM ||
	    strstr(report.message, "belongs") == NULL)
		return __LINE__;
	if (forkpool_starmap(pool, NULL, &column, 1, 1, &result, sizeof result, &opts) != -EPERM)
		return __LINE__;
	if (forkpool_for(pool, do_nothing, 1, &opts) != -EPERM)
		return __LINE__;
	if (forkpool_for_range(pool, do_nothing_range, 1, &opts) != -EPERM)
		return __LINE__;
	if (forkpool_reduce(pool, fold_nothing, combine_nothing, 1, &result, sizeof result, &opts) != -EPERM)
		return __LINE__;
	if (forkpool_apply(pool, square, &item, sizeof item, &result, sizeof result, &opts) != -EPERM)
		return __LINE__;
	errno = 0;
	if (forkpool_alloc(pool, 100) != NULL || errno != EPERM)
		return __LINE__;
	forkpool_free(pool, memory); /* is ignored */
	return result == 0 ? 0 : __LINE__;
}

/* What the child prints of the pool's in /proc/self: nothing after it has destroyed its copy. */
static bool is_mapped(void)
{
	char line[4096];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
		found |= strstr(line, "forkpool") != NULL && strstr(line, "memfd") != NULL;
	if (maps != NULL)
		fclose(maps);
	return found;
}

static int be_child(forkpool *pool, uint64_t *memory, int destroys)
{
	int wrong = try_all_calls(pool, memory);
	if (wrong == 0 && memory[0] != 4711)
		wrong = __LINE__;
	if (wrong == 0 && destroys) {
		forkpool_destroy(pool);
		wrong = is_mapped() ? __LINE__ : 0;
	}
	/* It may have a pool of its own. */
	forkpool *own = NULL;
	if (wrong == 0 && (forkpool_create(&own, &(forkpool_config){.workers = 2}) != 0 || !squares_are_right(own, 1)))
		wrong = __LINE__;
	forkpool_destroy(own);
	return wrong;
}

START_TEST(an_inherited_pool_refuses_use)
{
	pid_t before[WORKERS], after[WORKERS];
	int *wrong = evidence(sizeof *wrong);
	forkpool *pool = pool_of(backend_id(_i), WORKERS);
	uint64_t *memory = forkpool_alloc(pool, 100000);
	ck_assert_ptr_nonnull(memory);
	memory[0] = 4711;
	if (backend_id(_i) == FORKPOOL_PROCESSES)
		worker_pids(pool, WORKERS, before);
	for (int destroys = 0; destroys < 2; destroys++) {
		int status = -1;
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			alarm(60);
			*wrong = be_child(pool, memory, destroys);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		ck_assert_msg(*wrong == 0, "line %d", *wrong);
		ck_assert_uint_eq(memory[0], 4711);
		ck_assert(squares_are_right(pool, 1));
	}
	if (backend_id(_i) == FORKPOOL_PROCESSES) {
		worker_pids(pool, WORKERS, after);
		for (int i = 0, found = 0; i < WORKERS; i++, found = 0) {
			for (int k = 0; k < WORKERS; k++)
				found += before[i] == after[k];
			ck_assert_int_eq(found, 1);
		}
	}
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	need_processes();
	pthread_atfork(NULL, NULL, die_at_fork);
	Suite *suite = suite_create("life");
	TCase *deaths = test_case(suite, "deaths");
	tcase_add_test(deaths, workers_that_die_at_once);
	tcase_add_test(deaths, a_pool_whose_first_workers_die_at_once);
	tcase_add_test(deaths, workers_that_die_in_the_initializer);
	tcase_add_loop_test(deaths, workers_killed_while_idle, 0, 2);
	TCase *children = test_case(suite, "the host's children");
	tcase_add_loop_test(children, hosts_that_reap_any_child, 0, REAPINGS);
	TCase *threads = test_case(suite, "the host's threads");
	tcase_add_test(threads, pools_in_many_threads);
	tcase_add_test(threads, a_pool_goes_from_thread_to_thread);
	tcase_add_test(threads, the_creating_thread_ends_during_a_map);
	TCase *inherited = test_case(suite, "inherited");
	add_backend_test(inherited, an_inherited_pool_refuses_use);
	return run_suite(suite);
}
