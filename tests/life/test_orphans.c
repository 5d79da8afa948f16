/*
 * test_orphans.c - the parent is killed: every worker is gone soon after.
 *
 * Whatever the workers are at, and whatever the host has done to its signals and threads before.  A host is a
 * process of its own; its workers write down who they are in memory apart from the pool.  The limit is
 * generous, for a loaded machine; how long it took is printed.
 */
#include "config.h"
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3 };
#define LIMIT_S (SANITIZED ? 20.0 : 5.0)

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- What the workers are at ------------------------------------------------------------ */

enum occupation { IDLE, AWAKE, SPINS, BLOCKS_SIGNALS, IGNORES_SIGNALS, SLEEPS, STARTS, OCCUPATIONS };

static const char *const occupation_names[OCCUPATIONS] = {"are idle",
                                                          "look for work",
                                                          "spin",
                                                          "spin with all signals blocked",
                                                          "spin with all signals ignored",
                                                          "sleep in the kernel",
                                                          "are in their initializer"};

enum host { PLAIN, BLOCKING, BY_THREAD, WITHOUT_MAIN, STOPPED, HOSTS };

static const char *const host_names[HOSTS] = {"a plain host", "a host that blocks all signals",
                                              "a host whose creating thread has ended",
                                              "a host whose main thread has ended", "a stopped host"};

static struct family {
	_Atomic int32_t pids[WORKERS];
	_Atomic uint32_t started, busy, settled; /* settled: the host is as it should be when it is killed */
	enum occupation occupation;
	enum host host;
	forkpool *pool;
} * family;

static int begin_worker(unsigned worker, void **state, void *arg)
{
	(void)state;
	(void)arg;
	family->pids[worker] = getpid();
	atomic_fetch_add(&family->started, 1);
	if (family->occupation == STARTS)
		for (;;)
			;
	return 0;
}

static int never_end(size_t index, void *ctx)
{
	sigset_t all;
	(void)index;
	(void)ctx;
	sigfillset(&all);
	if (family->occupation == BLOCKS_SIGNALS)
		sigprocmask(SIG_BLOCK, &all, NULL);
	for (int number = 1; family->occupation == IGNORES_SIGNALS && number < NSIG; number++)
		signal(number, SIG_IGN);
	atomic_fetch_add(&family->busy, 1);
	for (;;)
		if (family->occupation == SLEEPS)
			usleep(100000);
	return 0;
}

/* ---- Hosts -------------------------------------------------------------------------------- */

static void *create_pool(void *arg)
{
	unsigned spin_us = family->occupation == IDLE ? FORKPOOL_NO_SPIN : family->occupation == AWAKE ? 600000000u : 0;
	(void)arg;
	forkpool_create(&family->pool,
	                &(forkpool_config){.workers = WORKERS, .initializer = begin_worker, .spin_us = spin_us});
	return NULL;
}

static void *use_pool(void *arg)
{
	(void)arg;
	atomic_fetch_add(&family->settled, 1);
	if (family->occupation >= SPINS)
		forkpool_for(family->pool, never_end, WORKERS, &(forkpool_opts){.inherited = 1, .chunk = 1});
	for (;;)
		pause();
	return NULL;
}

_Noreturn static void be_host(void)
{
	pthread_t thread;
	sigset_t all;
	sigfillset(&all);
	if (family->host == BLOCKING)
		sigprocmask(SIG_BLOCK, &all, NULL);
	if (family->host == BY_THREAD) {
		pthread_create(&thread, NULL, create_pool, NULL);
		pthread_join(thread, NULL);
	} else {
		create_pool(NULL);
	}
	if (family->host == WITHOUT_MAIN) {
		pthread_create(&thread, NULL, use_pool, NULL);
		pthread_exit(NULL);
	}
	use_pool(NULL);
	abort();
}

static bool are_gone(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (!is_dead(family->pids[i]))
			return false;
	return true;
}

/* Seconds from the kill to the last worker's end. */
static double kill_host(pid_t host)
{
	if (family->host == STOPPED) {
		ck_assert_int_eq(kill(host, SIGSTOP), 0);
		ck_assert_int_eq(waitpid(host, NULL, WUNTRACED), host);
	}
	double killed = now(), seconds = 0;
	ck_assert_int_eq(kill(host, SIGKILL), 0);
	ck_assert_int_eq(waitpid(host, NULL, 0), host);
	while (!are_gone() && seconds < LIMIT_S) {
		usleep(500);
		seconds = now() - killed;
	}
	return seconds;
}

static void kill_survivors(void)
{
	for (int i = 0; i < WORKERS; i++)
		kill(family->pids[i], SIGKILL);
}

static double check_host(enum occupation occupation, enum host host)
{
	memset(family, 0, sizeof *family);
	family->occupation = occupation;
	family->host = host;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		be_host();
	ck_assert_int_gt(pid, 0);
	ck_assert(wait_for(&family->started, WORKERS));
	if (occupation != STARTS)
		ck_assert(wait_for(&family->settled, 1));
	if (occupation >= SPINS && occupation < STARTS)
		ck_assert(wait_for(&family->busy, WORKERS));
	usleep(5000); /* for threads to end, and idle workers to fall asleep */
	for (int i = 0; i < WORKERS; i++)
		ck_assert_msg(!is_dead(family->pids[i]), "%s, workers that %s: worker %d died before its parent",
		              host_names[host], occupation_names[occupation], i);
	double seconds = kill_host(pid);
	if (seconds >= LIMIT_S)
		kill_survivors();
	ck_assert_msg(seconds < LIMIT_S, "%s, workers that %s: they outlive it", host_names[host],
	              occupation_names[occupation]);
	return seconds;
}

START_TEST(no_worker_outlives_its_parent)
{
	double longest = 0;
	family = evidence(sizeof *family);
	for (enum host host = PLAIN; host < HOSTS; host++) {
		double seconds = check_host((enum occupation)_i, host);
		longest = seconds > longest ? seconds : longest;
	}
	printf("workers that %s were gone %.0f ms after their parent, at most\n", occupation_names[_i], longest * 1000);
}
END_TEST

int main(void)
{
	need_processes();
	Suite *suite = suite_create("orphans");
	TCase *parent = test_case(suite, "the parent's death");
	tcase_add_loop_test(parent, no_worker_outlives_its_parent, 0, OCCUPATIONS);
	return run_suite(suite);
}
