/*
 * support.h - what the tests of the public calls share.
 *
 * The table of backends (every test that can runs on each of them), a fixture that asserts
 * that a test left nothing behind, pools, shared evidence, and random numbers from a seed.
 * A failing ck_assert ends the process it runs in, so none stands in a task: tasks leave
 * their evidence in results or in memory from evidence(), and the test looks at it.
 * Include config.h first.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "forkpool.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef FORKPOOL_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* ---- Suites ----------------------------------------------------------------- */

/* The backends to test, in a loop test's order (its _i): all, or those that
 * FORKPOOL_TEST_BACKENDS names ("threads,serial"). */
int backend_count(void);
int backend_id(int i);
const char *backend_name(int backend);
bool backend_enabled(int backend);

/* A test case whose every test starts with a clean environment and fails if it leaves
 * a process, a thread, a descriptor, a mapping or a name in /dev/shm. */
TCase *test_case(Suite *suite, const char *name);

/* The same for each enabled backend. */
#define add_backend_test(tcase, test) tcase_add_loop_test((tcase), (test), 0, backend_count())

/* The same for those of them that have workers: not for serial, where no task runs beside the test. */
int crew_backend_count(void);
#define add_crew_test(tcase, test) tcase_add_loop_test((tcase), (test), 0, crew_backend_count())

/* Runs the suite; returns the exit status of main(). */
int run_suite(Suite *suite);

/* For main(): ends the program as skipped where processes are not to be tested. */
void need_processes(void);

/* ---- Pools ------------------------------------------------------------------ */

forkpool *pool_of(int backend, unsigned workers);
forkpool *pool_from(const forkpool_config *config);

/* Everything forkpool_report promises at any time: the counts add up to `tasks`. */
void assert_adds_up(const forkpool_report *report, uint64_t tasks);

/* A map of getpid() in which every worker takes part: the processes of the pool, one entry
 * a worker.  Fails if they do not all turn up. */
void worker_pids(forkpool *pool, unsigned workers, pid_t *pids);

/* Dispatches, asleep on the pool's descriptor in between, until no job is unfinished; fails if the
 * descriptor keeps quiet for a minute. */
void dispatch_all(forkpool *pool);

/* ---- Tasks ------------------------------------------------------------------ */

/* *result = *item * *item, both uint64_t. */
int square_task(const void *item, void *result, void *ctx);

/* A map of 50 squares by the pool: whether it is right. */
bool squares_are_right(forkpool *pool, uint64_t first);

/* ---- Evidence --------------------------------------------------------------- */

/* Zeroed memory shared with processes forked later, apart from any pool.  It is
 * unmapped when the test ends. */
void *evidence(size_t size);

/* Spins politely until *word is at least `least`; false after a minute or so.  For tasks
 * and tests that wait for each other. */
bool wait_for(const _Atomic uint32_t *word, uint32_t least);

/* Whether a process is dead: a zombie, or gone. */
bool is_dead(pid_t pid);

/* Waits, without reaping it, until a process is dead (a zombie, or gone); false after a
 * minute or so. */
bool wait_dead(pid_t pid);

/* Kibibytes of shared memory, as pools have it, in this process.  Not its private memory, which a sanitizer
 * keeps for itself. */
size_t resident_kib(void);

/* ---- Random numbers --------------------------------------------------------- */

/* The seed of this run: FORKPOOL_TEST_SEED, or the clock.  Say it in every message of a
 * test that depends on it. */
uint64_t test_seed(void);

typedef struct {
	uint64_t state;
} dice;

dice dice_for(uint64_t seed, uint64_t number);
uint64_t dice_roll(dice *d);
uint64_t dice_below(dice *d, uint64_t bound); /* 0 .. bound-1 */
void dice_fill(dice *d, void *memory, size_t size);

#endif
