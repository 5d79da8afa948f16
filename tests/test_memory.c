/*
 * test_memory.c - what the benchmarks say of a worker's memory: of a process that touches known amounts, private and
 * shared; and of processes below it, whichever thread began them.
 */
#include "config.h"
#include "support.h"

#include "../bench/suite/memory.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1024, BYTES = 4 << 20 }; /* KiB; what is touched */

/* A page table is a page of 4 KiB that leads to 2 MiB: a byte touched in each of as many needs as many tables. */
enum { TABLES = 128, LED_TO = 2 << 20 };

/* What a parent and its child share.  Either goes on when the other has set the number of the next step. */
struct scene {
	_Atomic uint32_t parent, child;
	pid_t child_pid, grandchild_pid;
	char *shared, *private;
};

/* Of pages of the usual size, so that what is counted is known. */
static char *map(size_t bytes, int sharing)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

static struct scene *new_scene(void)
{
	struct scene *scene = evidence(sizeof *scene);
	scene->shared = map(BYTES, MAP_SHARED);
	scene->private = map(BYTES, MAP_PRIVATE);
	return scene;
}

static void clear_scene(struct scene *scene)
{
	munmap(scene->shared, BYTES);
	munmap(scene->private, BYTES);
}

/* In the child: tells that step n is done, and waits for the next. */
static void done(struct scene *scene, uint32_t n)
{
	atomic_store(&scene->child, n);
	wait_for(&scene->parent, n + 1);
}

/* In the parent. */
static void let_do(struct scene *scene, uint32_t n)
{
	atomic_store(&scene->parent, n);
	ck_assert(wait_for(&scene->child, n));
}

static struct memory_use use_of_children(void)
{
	struct memory_use use = {0};
	ck_assert_int_eq(memory_of_children(getpid(), &use), 0);
	return use;
}

/* Within a tenth of what is expected. */
static void assert_grown(const char *what, double before, double after, double expected)
{
	ck_assert_msg(after - before > 0.9 * expected && after - before < 1.1 * expected,
	              "%s from %g to %g KiB, %g more were expected", what, before, after, expected);
}

START_TEST(what_a_child_touches)
{
	struct scene *scene = new_scene();
	pid_t child = fork();
	if (child == 0) {
		done(scene, 1);
		memset(scene->private, 1, BYTES);
		done(scene, 2);
		memset(scene->shared, 1, BYTES);
		done(scene, 3);
		_exit(0);
	}
	let_do(scene, 1);
	struct memory_use before = use_of_children();
	ck_assert_uint_eq(before.processes, 1);
	let_do(scene, 2);
	struct memory_use private = use_of_children();
	assert_grown("private dirty", before.private_dirty, private.private_dirty, 4 * MIB);
	assert_grown("proportional", before.pss, private.pss, 4 * MIB);
	let_do(scene, 3);
	memset(scene->shared, 2, BYTES); /* now half of it counts for each */
	struct memory_use both = use_of_children();
	assert_grown("private dirty", before.private_dirty, both.private_dirty, 4 * MIB);
	assert_grown("proportional", before.pss, both.pss, 6 * MIB);
	atomic_store(&scene->parent, 4);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	clear_scene(scene);
}
END_TEST

/* What a sanitizer notes of each 8 bytes in one needs up to an eighth more tables. */
START_TEST(tables_of_scattered_pages)
{
	struct scene *scene = new_scene();
	char *scattered = map((size_t)TABLES * LED_TO, MAP_PRIVATE);
	pid_t child = fork();
	if (child == 0) {
		done(scene, 1);
		for (size_t i = 0; i < TABLES; i++)
			scattered[i * LED_TO] = 1;
		done(scene, 2);
		_exit(0);
	}
	let_do(scene, 1);
	struct memory_use before = use_of_children();
	let_do(scene, 2);
	double grown = use_of_children().page_tables - before.page_tables;
	ck_assert_double_ge(grown, TABLES * 4);
	ck_assert_double_le(grown, TABLES * 4 * 1.25);
	atomic_store(&scene->parent, 3);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	munmap(scattered, (size_t)TABLES * LED_TO);
	clear_scene(scene);
}
END_TEST

/* A thread that has a child, which grows, and then a grandchild; and waits for both. */
static void *begin_child(void *arg)
{
	struct scene *scene = arg;
	pid_t child = fork(), grandchild = 0;
	if (child == 0) {
		memset(scene->private, 1, BYTES);
		grandchild = fork();
		if (grandchild > 0) {
			scene->child_pid = getpid();
			scene->grandchild_pid = grandchild;
			done(scene, 1);
		}
		wait_for(&scene->parent, 2);
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return NULL;
}

START_TEST(the_mean_of_all_below)
{
	struct scene *scene = new_scene();
	struct memory_use child, grandchild;
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, begin_child, scene), 0);
	let_do(scene, 1);
	struct memory_use mean = use_of_children();
	ck_assert_int_eq(memory_of(scene->child_pid, &child), 0);
	ck_assert_int_eq(memory_of(scene->grandchild_pid, &grandchild), 0);
	ck_assert_uint_eq(mean.processes, 2);
	ck_assert_double_eq_tol(mean.pss, (child.pss + grandchild.pss) / 2, 0.1 * mean.pss);
	ck_assert_double_eq_tol(mean.page_tables, (child.page_tables + grandchild.page_tables) / 2,
	                        0.1 * mean.page_tables);
	ck_assert_double_gt(mean.pss, 4 * MIB / 2);
	atomic_store(&scene->parent, 2);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	clear_scene(scene);
}
END_TEST

START_TEST(nobody_there)
{
	struct memory_use use = {.processes = 7};
	ck_assert_int_eq(memory_of_children(getpid(), &use), -ECHILD);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	ck_assert(wait_dead(child));
	ck_assert_int_eq(memory_of(child, &use), -ESRCH); /* it is still waited for */
	ck_assert_int_eq(memory_of_children(getpid(), &use), -ECHILD);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(memory_of(child, &use), -ESRCH);
	ck_assert_int_eq(memory_of_children(child, &use), -ECHILD);
	ck_assert_uint_eq(use.processes, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = test_case(suite, "workers");
	tcase_add_test(tcase, what_a_child_touches);
	tcase_add_test(tcase, tables_of_scattered_pages);
	tcase_add_test(tcase, the_mean_of_all_below);
	tcase_add_test(tcase, nobody_there);
	return run_suite(suite);
}
