/*
 * test_places.c - on which CPUs workers run: on those that the caller may use, each on one, in the order that
 * src/order.c gives (test_order.c has made-up machines for that), replacements on those of their predecessors.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORKERS = 512, MOST_CPUS = 1 << 16 };

/* ---- What a worker sees ----------------------------------------------------------- */

struct place {
	int worker, cpus, cpu; /* how many CPUs, and the first of them */
	unsigned count;        /* forkpool_cpu_count() */
	pid_t pid;
};

struct muster {
	_Atomic uint32_t arrived;
	unsigned workers;
};

static struct place find_place(void)
{
	struct place place = {forkpool_worker(), 0, -1, forkpool_cpu_count(), getpid()};
	cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
	size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
	if (set != NULL && sched_getaffinity(0, size, set) == 0)
		place.cpus = CPU_COUNT_S(size, set);
	for (size_t cpu = 0; place.cpus > 0 && place.cpu < 0; cpu++)
		if (CPU_ISSET_S(cpu, size, set))
			place.cpu = (int)cpu;
	CPU_FREE(set);
	return place;
}

static int report_place(const void *item, void *result, void *ctx)
{
	struct muster *muster = ctx;
	(void)item;
	*(struct place *)result = find_place();
	atomic_fetch_add(&muster->arrived, 1);
	return wait_for(&muster->arrived, muster->workers) ? 0 : 1;
}

/* places[w]: of worker w; each of them runs one task. */
static void find_places(forkpool *pool, unsigned workers, struct place *places)
{
	struct place found[MOST_WORKERS];
	struct muster *muster = forkpool_alloc(pool, sizeof *muster);
	ck_assert_ptr_nonnull(muster);
	muster->workers = workers;
	ck_assert_int_eq(forkpool_map(pool, report_place, NULL, workers, 0, found, sizeof *found,
	                              &(forkpool_opts){.ctx = muster, .chunk = 1}),
	                 0);
	forkpool_free(pool, muster);
	memset(places, 0xff, workers * sizeof *places);
	for (unsigned i = 0; i < workers; i++) {
		ck_assert(found[i].worker >= 0 && found[i].worker < (int)workers);
		ck_assert_int_eq(places[found[i].worker].worker, -1);
		places[found[i].worker] = found[i];
	}
}

static unsigned allowed(void)
{
	struct place place = find_place();
	ck_assert_int_gt(place.cpus, 0);
	return (unsigned)place.cpus;
}

/* Workers, that are at least two, and more than CPUs. */
static unsigned some_more(unsigned cpus)
{
	unsigned workers = cpus + 1 + cpus / 2;
	if (workers > MOST_WORKERS)
		workers = MOST_WORKERS;
	return workers;
}

/* ---- Affinity ---------------------------------------------------------------------- */

static const int kinds[] = {FORKPOOL_PROCESSES, FORKPOOL_THREADS};
static const int affinities[] = {FORKPOOL_AFFINITY_COMPACT, FORKPOOL_AFFINITY_SPREAD};

enum { CASES = 4 };

static forkpool *pool_for_case(int number, unsigned workers)
{
	return pool_from(&(forkpool_config){
	        .backend = kinds[number % 2], .workers = workers, .affinity = affinities[number / 2]});
}

static bool is_enabled(int number)
{
	return backend_enabled(kinds[number % 2]);
}

START_TEST(each_worker_is_on_one_cpu)
{
	unsigned cpus = allowed(), workers = some_more(cpus);
	struct place places[MOST_WORKERS];
	cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
	size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
	if (!is_enabled(_i))
		return;
	ck_assert_int_eq(sched_getaffinity(0, size, set), 0);
	forkpool *pool = pool_for_case(_i, workers);
	find_places(pool, workers, places);
	for (unsigned w = 0; w < workers; w++) {
		ck_assert_int_eq(places[w].cpus, 1);
		ck_assert_uint_eq(places[w].count, 1);
		if (w < cpus)
			ck_assert_msg(CPU_ISSET_S((size_t)places[w].cpu, size, set),
			              "CPU %d is not allowed, or there are two workers on it", places[w].cpu);
		else
			ck_assert_int_eq(places[w].cpu, places[w - cpus].cpu);
		CPU_CLR_S((size_t)places[w].cpu, size, set);
	}
	CPU_FREE(set);
	forkpool_destroy(pool);
	ck_assert_uint_eq(allowed(), cpus);
}
END_TEST

START_TEST(by_default_they_are_where_the_caller_is)
{
	unsigned cpus = allowed(), count = forkpool_cpu_count();
	struct place places[3];
	forkpool *pool = pool_of(backend_id(_i), 3);
	unsigned workers = backend_id(_i) == FORKPOOL_SERIAL ? 1 : 3;
	find_places(pool, workers, places);
	for (unsigned w = 0; w < workers; w++) {
		ck_assert_int_eq(places[w].cpus, (int)cpus);
		ck_assert_uint_eq(places[w].count, count);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(serial_stays_where_it_is)
{
	unsigned cpus = allowed();
	struct place place;
	forkpool *pool =
	        pool_from(&(forkpool_config){.backend = FORKPOOL_SERIAL, .affinity = FORKPOOL_AFFINITY_COMPACT});
	find_places(pool, 1, &place);
	ck_assert_int_eq(place.cpus, (int)cpus);
	forkpool_destroy(pool);
	ck_assert_uint_eq(allowed(), cpus);
}
END_TEST

/* What the caller may use counts when the pool is created: the last of its CPUs only. */
static int restrict_caller(void)
{
	cpu_set_t *set = CPU_ALLOC(MOST_CPUS);
	size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
	int last = -1;
	ck_assert_int_eq(sched_getaffinity(0, size, set), 0);
	for (size_t cpu = 0; cpu < MOST_CPUS; cpu++)
		if (CPU_ISSET_S(cpu, size, set))
			last = (int)cpu;
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)last, size, set);
	ck_assert_int_eq(sched_setaffinity(0, size, set), 0);
	CPU_FREE(set);
	return last;
}

START_TEST(what_the_caller_may_not_use_they_do_not)
{
	struct place places[3];
	if (!is_enabled(_i))
		return;
	int last = restrict_caller();
	forkpool *pool = pool_for_case(_i, 3);
	find_places(pool, 3, places);
	for (unsigned w = 0; w < 3; w++) {
		ck_assert_int_eq(places[w].cpus, 1);
		ck_assert_int_eq(places[w].cpu, last);
	}
	forkpool_destroy(pool);
}
END_TEST

static int die(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return raise(SIGKILL);
}

static void assert_same_places(const struct place *before, const struct place *after, unsigned workers)
{
	unsigned replaced = 0;
	for (unsigned w = 0; w < workers; w++) {
		ck_assert_int_eq(after[w].cpus, 1);
		ck_assert_int_eq(after[w].cpu, before[w].cpu);
		replaced += before[w].pid != after[w].pid;
	}
	ck_assert_uint_gt(replaced, 0);
}

/* Also where the caller may use fewer by then. */
START_TEST(a_replacement_takes_the_same_cpu)
{
	unsigned workers = some_more(allowed());
	struct place before[MOST_WORKERS], after[MOST_WORKERS];
	forkpool *pool = pool_from(&(forkpool_config){.workers = workers, .affinity = affinities[_i]});
	find_places(pool, workers, before);
	restrict_caller();
	ck_assert_int_eq(forkpool_for(pool, die, 4 * workers, &(forkpool_opts){.chunk = 1}), (int)(4 * workers));
	find_places(pool, workers, after);
	assert_same_places(before, after, workers);
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	find_places(pool, workers, before);
	assert_same_places(after, before, workers);
	forkpool_destroy(pool);
}
END_TEST

static int where_am_i(unsigned worker, void **state, void *arg)
{
	struct place *places = arg;
	places[worker] = find_place();
	*state = NULL;
	return 0;
}

START_TEST(an_initializer_is_there_already)
{
	struct place *places = evidence(2 * sizeof *places);
	if (!is_enabled(_i))
		return;
	forkpool *pool = pool_from(&(forkpool_config){.backend = kinds[_i % 2],
	                                              .workers = 2,
	                                              .initializer = where_am_i,
	                                              .arg = places,
	                                              .affinity = affinities[_i / 2]});
	for (int w = 0; w < 2; w++)
		ck_assert_int_eq(places[w].cpus, 1);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(other_values_are_refused)
{
	static const int wrong[] = {-1, FORKPOOL_AFFINITY_SPREAD + 1, 1000, INT32_MIN};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		forkpool *pool = NULL;
		ck_assert_int_eq(
		        forkpool_create(&pool, &(forkpool_config){.backend = backend_id(_i), .affinity = wrong[i]}),
		        -EINVAL);
		ck_assert_ptr_null(pool);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("places");
	TCase *tcase = test_case(suite, "places");
	tcase_add_loop_test(tcase, each_worker_is_on_one_cpu, 0, CASES);
	tcase_add_loop_test(tcase, what_the_caller_may_not_use_they_do_not, 0, CASES);
	tcase_add_loop_test(tcase, an_initializer_is_there_already, 0, CASES);
	add_backend_test(tcase, by_default_they_are_where_the_caller_is);
	add_backend_test(tcase, other_values_are_refused);
	if (backend_enabled(FORKPOOL_SERIAL))
		tcase_add_test(tcase, serial_stays_where_it_is);
	if (backend_enabled(FORKPOOL_PROCESSES))
		tcase_add_loop_test(tcase, a_replacement_takes_the_same_cpu, 0, 2);
	return run_suite(suite);
}
