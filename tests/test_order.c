/*
 * test_order.c - in which order workers take CPUs, on machines that are made up: the order itself, and the way
 * there from the system's files.  The parts of the library under test are compiled in; what they ask the
 * system for is answered here.
 */
#include "config.h"

#include "../src/cpu.h"
#include "../src/order.h"
#include "../src/place.h"
#include "forkpool.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Machines ---------------------------------------------------------------- */

enum { MOST_CPUS = 8192, UNKNOWN = INT_MIN };

/* What the system's files say of a CPU; UNKNOWN: there is no such file. */
struct described {
	int number, package, cache, core;
};

static struct described machine[MOST_CPUS];
static size_t cpus;

static void add_cpu(int number, int package, int cache, int core)
{
	machine[cpus++] = (struct described){number, package, cache, core};
}

/* As many machines number them: all first siblings, package by package, then all second ones. */
static void add_packages(int packages, int caches, int cores, int siblings)
{
	int number = 0;
	for (int sibling = 0; sibling < siblings; sibling++)
		for (int package = 0; package < packages; package++)
			for (int cache = 0; cache < caches; cache++)
				for (int core = 0; core < cores; core++)
					add_cpu(number++, package, package * caches + cache, cache * cores + core);
}

static void clear_machine(void)
{
	cpus = 0;
}

/* ---- The system, as src/place.c sees it ------------------------------------------ */

static size_t set_size;
static int bound_to;

cpu_set_t *cpu_allowed(size_t *size)
{
	int most = 0;
	for (size_t i = 0; i < cpus; i++)
		most = machine[i].number > most ? machine[i].number : most;
	cpu_set_t *set = CPU_ALLOC(most + 1);
	*size = CPU_ALLOC_SIZE(most + 1);
	CPU_ZERO_S(*size, set);
	for (size_t i = 0; i < cpus; i++)
		CPU_SET_S((size_t)machine[i].number, *size, set);
	return set;
}

bool cpu_read_line(const char *path, char *line, size_t size)
{
	int number, value = UNKNOWN;
	char what[64];
	ck_assert_int_eq(sscanf(path, "/sys/devices/system/cpu/cpu%d/%63s", &number, what), 2);
	for (size_t i = 0; i < cpus; i++)
		if (machine[i].number == number)
			value = strcmp(what, "topology/physical_package_id") == 0 ? machine[i].package
			        : strcmp(what, "topology/core_id") == 0           ? machine[i].core
			        : strcmp(what, "cache/index3/id") == 0            ? machine[i].cache
			                                                          : UNKNOWN;
	if (value != UNKNOWN)
		snprintf(line, size, "%d\n", value);
	return value != UNKNOWN;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	ck_assert_int_eq(pid, 0);
	ck_assert_int_eq(CPU_COUNT_S(size, set), 1);
	set_size = size;
	for (size_t cpu = 0; cpu < 8 * size; cpu++)
		if (CPU_ISSET_S(cpu, size, set))
			bound_to = (int)cpu;
	return 0;
}

/* ---- Tests ------------------------------------------------------------------------ */

static void assert_order(int affinity, const int *expected, size_t count)
{
	struct places places;
	places_find(&places, affinity);
	ck_assert_uint_eq(places.count, cpus);
	for (unsigned slot = 0; slot < count; slot++) {
		bound_to = -1;
		places_take(&places, slot);
		ck_assert_msg(bound_to == expected[slot], "worker %u is on CPU %d, not on %d", slot, bound_to,
		              expected[slot]);
	}
	places_free(&places);
}

#define ASSERT_ORDER(affinity, ...)                                                                                    \
	assert_order((affinity), (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

START_TEST(two_packages_of_four_cores_with_two_threads)
{
	add_packages(2, 1, 4, 2);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
}
END_TEST

START_TEST(siblings_numbered_side_by_side)
{
	for (int cpu = 0; cpu < 8; cpu++)
		add_cpu(cpu, cpu / 4, cpu / 4, cpu / 2 % 2);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 1, 2, 3, 4, 5, 6, 7);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 4, 2, 6, 1, 5, 3, 7);
}
END_TEST

/* Caches that a package has several of come between packages and cores. */
START_TEST(caches_are_spread_over_too)
{
	add_packages(2, 2, 2, 1);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 1, 2, 3, 4, 5, 6, 7);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 4, 2, 6, 1, 5, 3, 7);
}
END_TEST

/* Cores of two dies may have the same number; the cache tells them apart. */
START_TEST(cores_of_one_number_under_two_caches)
{
	add_cpu(0, 0, 0, 0);
	add_cpu(1, 0, 1, 0);
	add_cpu(2, 0, 0, 1);
	add_cpu(3, 0, 1, 1);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 2, 1, 3);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 1, 2, 3);
}
END_TEST

/* Some CPUs are not allowed, ids are in no sequence, packages are unlike. */
START_TEST(holes_in_all_numbers)
{
	add_cpu(3, 7, 70, 12);
	add_cpu(5, 2, 20, 40);
	add_cpu(6, 7, 70, 4);
	add_cpu(11, 7, 70, 12);
	add_cpu(12, 7, 70, 9);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 5, 6, 12, 3, 11);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 5, 6, 12, 3, 11);
	clear_machine();
	add_cpu(20, 1, 1, 5);
	add_cpu(30, 1, 1, 5);
	add_cpu(40, 0, 0, 5);
	add_cpu(50, 0, 0, 5);
	add_cpu(60, 1, 1, 1);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 40, 50, 60, 20, 30);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 40, 60, 20, 50, 30);
}
END_TEST

START_TEST(without_files_by_number)
{
	for (int cpu = 30; cpu >= 0; cpu -= 3)
		add_cpu(cpu, UNKNOWN, UNKNOWN, UNKNOWN);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30);
}
END_TEST

/* No package and no cache is known, but cores are. */
START_TEST(with_some_of_the_files)
{
	for (int cpu = 0; cpu < 6; cpu++)
		add_cpu(cpu, UNKNOWN, UNKNOWN, cpu / 2);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 1, 2, 3, 4, 5);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 2, 4, 1, 3, 5);
}
END_TEST

START_TEST(more_workers_than_cpus_wrap_around)
{
	add_packages(2, 1, 1, 1);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 0, 1, 0, 1, 0);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 0, 1, 0, 1, 0);
	clear_machine();
	add_cpu(17, 0, 0, 0);
	ASSERT_ORDER(FORKPOOL_AFFINITY_SPREAD, 17, 17, 17);
}
END_TEST

START_TEST(thousands_of_cpus)
{
	struct places places;
	static bool seen[MOST_CPUS];
	add_packages(16, 4, 64, 2);
	ck_assert_uint_eq(cpus, MOST_CPUS);
	places_find(&places, FORKPOOL_AFFINITY_SPREAD);
	for (unsigned slot = 0; slot < MOST_CPUS; slot++) {
		places_take(&places, slot);
		ck_assert(bound_to >= 0 && bound_to < MOST_CPUS && !seen[bound_to]);
		ck_assert_uint_ge(8 * set_size, (unsigned)bound_to);
		ck_assert_int_eq(machine[bound_to].package, (int)slot % 16);
		ck_assert_int_eq(bound_to / (MOST_CPUS / 2), slot >= MOST_CPUS / 2);
		seen[bound_to] = true;
	}
	places_free(&places);
	clear_machine();
	add_cpu(100000, 0, 0, 0);
	ASSERT_ORDER(FORKPOOL_AFFINITY_COMPACT, 100000);
}
END_TEST

START_TEST(none_binds_nobody)
{
	struct places places;
	add_packages(2, 1, 2, 1);
	places_find(&places, FORKPOOL_AFFINITY_NONE);
	ck_assert_uint_eq(places.count, 0);
	bound_to = -1;
	places_take(&places, 0);
	ck_assert_int_eq(bound_to, -1);
	places_free(&places);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *tcase = tcase_create("machines");
	tcase_add_checked_fixture(tcase, clear_machine, NULL);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, two_packages_of_four_cores_with_two_threads);
	tcase_add_test(tcase, siblings_numbered_side_by_side);
	tcase_add_test(tcase, caches_are_spread_over_too);
	tcase_add_test(tcase, cores_of_one_number_under_two_caches);
	tcase_add_test(tcase, holes_in_all_numbers);
	tcase_add_test(tcase, without_files_by_number);
	tcase_add_test(tcase, with_some_of_the_files);
	tcase_add_test(tcase, more_workers_than_cpus_wrap_around);
	tcase_add_test(tcase, thousands_of_cpus);
	tcase_add_test(tcase, none_binds_nobody);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
