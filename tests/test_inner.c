/*
 * test_inner.c - how many threads OpenMP and the BLAS libraries may use inside one worker: libraries that are
 * loaded, in several copies and out of each other's sight; those that are loaded later; the environment; and
 * what must stay as it is in the program around the pool.
 *
 * OpenMP and OpenBLAS are the real ones where there are any; the others are tests/inner_blas.c.
 */
#include "config.h"
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined __SANITIZE_THREAD__
enum { KNOWS_OPENMP = 0 }; /* ThreadSanitizer does not see how OpenMP's threads wait for each other */
#else
enum { KNOWS_OPENMP = 1 };
#endif

#define BLAS_OBJECT   "tests/" LT_OBJDIR "inner_blas.so"
#define OTHER_OBJECT  "tests/" LT_OBJDIR "inner_other.so"
#define OPENMP_OBJECT "tests/" LT_OBJDIR "inner_openmp.so"

enum { PATIENCE = 60 };

/* Threads that the stand-ins would use by themselves. */
enum { BY_ITSELF = 64 };

static const char *const variables[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                        "MKL_NUM_THREADS", "BLIS_NUM_THREADS"};
enum { VARIABLES = sizeof variables / sizeof *variables };

/* ---- Loaded libraries ---------------------------------------------------------------- */

enum { OPENBLAS, OPENBLAS_2, MKL, MKL_2, BLIS, BLIS_2, OPENMP, COUNTERS };

static const char *const counter_names[] = {"OpenBLAS", "SciPy's OpenBLAS", "MKL",   "another MKL",
                                            "BLIS",     "another BLIS",     "OpenMP"};

union function {
	void *address;
	int (*number)(void);
	intptr_t (*wide)(void);
	void (*set)(int);
};

static void *blas, *other, *openmp;
static union function counters[COUNTERS], region;

static void *load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(object != NULL, "%s", dlerror());
	return object;
}

static void *name_in(void *object, const char *name)
{
	void *address = dlsym(object, name);
	ck_assert_msg(address != NULL, "%s", dlerror());
	return address;
}

static void load_blas(void)
{
	blas = load(BLAS_OBJECT);
	other = load(OTHER_OBJECT);
	counters[OPENBLAS].address = name_in(blas, "openblas_get_num_threads");
	counters[OPENBLAS_2].address = name_in(other, "scipy_openblas_get_num_threads64_");
	counters[MKL].address = name_in(blas, "MKL_Get_Max_Threads");
	counters[MKL_2].address = name_in(other, "MKL_Get_Max_Threads");
	counters[BLIS].address = name_in(blas, "bli_thread_get_num_threads");
	counters[BLIS_2].address = name_in(other, "bli_thread_get_num_threads");
}

static bool load_openmp(void)
{
	openmp = dlopen(OPENMP_OBJECT, RTLD_NOW | RTLD_LOCAL);
	if (openmp == NULL) {
		printf("skipped: no OpenMP: %s\n", dlerror());
		return false;
	}
	region.address = name_in(openmp, "inner_region");
	counters[OPENMP].address = name_in(openmp, "omp_get_max_threads");
	return true;
}

/* ---- What a worker sees ---------------------------------------------------------------- */

struct view {
	int worker;
	int threads[COUNTERS]; /* 0: not loaded */
	int region;            /* a region's threads, 0: none was entered */
	int calls;             /* of setters for the whole process, in the first stand-in */
	char environment[VARIABLES][20];
};

static void look(struct view *view)
{
	*view = (struct view){.worker = forkpool_worker()};
	for (int i = 0; i < COUNTERS; i++)
		if (counters[i].address != NULL)
			view->threads[i] = i == BLIS || i == BLIS_2 ? (int)counters[i].wide() : counters[i].number();
	if (blas != NULL)
		view->calls = *(int *)dlsym(blas, "inner_calls");
	for (int i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variables[i]);
		snprintf(view->environment[i], sizeof view->environment[i], "%s", value == NULL ? "-" : value);
	}
}

static int report_view(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	look(result);
	return 0;
}

static int report_region(const void *item, void *result, void *ctx)
{
	struct view *view = result;
	(void)item;
	(void)ctx;
	look(view);
	view->region = region.number();
	return 0;
}

static struct view view_of(forkpool *pool)
{
	struct view view;
	ck_assert_int_eq(forkpool_apply(pool, report_view, NULL, 0, &view, sizeof view, NULL), 0);
	return view;
}

static struct view own_view(void)
{
	struct view view;
	look(&view);
	return view;
}

static void assert_threads(const struct view *view, int counter, int expected)
{
	ck_assert_msg(view->threads[counter] == expected, "%s would use %d threads, not %d", counter_names[counter],
	              view->threads[counter], expected);
}

static void assert_environment(const struct view *view, const char *omp, const char *openblas, const char *go,
                               const char *mkl, const char *blis)
{
	const char *expected[] = {omp, openblas, go, mkl, blis};
	for (int i = 0; i < VARIABLES; i++)
		ck_assert_msg(strcmp(view->environment[i], expected[i]) == 0, "%s is %s, not %s", variables[i],
		              view->environment[i], expected[i]);
}

static void assert_unchanged(const struct view *before)
{
	struct view now = own_view();
	ck_assert_mem_eq(&now, before, sizeof now);
}

static void clear_environment(void)
{
	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
	for (int i = 0; i < VARIABLES; i++)
		unsetenv(variables[i]);
}

static forkpool *pool_with(int backend, unsigned workers, unsigned threads)
{
	return pool_from(&(forkpool_config){.backend = backend, .workers = workers, .inner_threads = threads});
}

/* So many workers that each has one CPU. */
static unsigned full(void)
{
	unsigned cpus = forkpool_cpu_count();
	return cpus < 64 ? cpus + 1 : 64;
}

/* ---- Processes -------------------------------------------------------------------------- */

START_TEST(all_that_is_loaded_is_limited)
{
	load_blas();
	struct view before = own_view();
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 2 * full(), 0);
	struct view view = view_of(pool);
	for (int i = OPENBLAS; i <= BLIS; i++)
		assert_threads(&view, i, 1);
	assert_threads(&view, BLIS_2, -1); /* by itself it uses one */
	forkpool_destroy(pool);
	assert_unchanged(&before);
}
END_TEST

START_TEST(to_just_so_many)
{
	load_blas();
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 3);
	struct view view = view_of(pool);
	for (int i = OPENBLAS; i <= BLIS_2; i++)
		assert_threads(&view, i, 3);
	assert_environment(&view, "3", "3", "3", "3", "3");
	forkpool_destroy(pool);
	pool = pool_with(FORKPOOL_PROCESSES, 1, 100); /* more than by itself */
	view = view_of(pool);
	for (int i = OPENBLAS; i <= BLIS_2; i++)
		assert_threads(&view, i, 100);
	forkpool_destroy(pool);
	pool = pool_with(FORKPOOL_PROCESSES, 1, FORKPOOL_ALL_THREADS - 1); /* there is no upper bound */
	view = view_of(pool);
	assert_threads(&view, MKL, INT32_MAX);
	forkpool_destroy(pool);
}
END_TEST

/* OpenBLAS's own call would start the threads anew that the fork has ended. */
START_TEST(openblas_is_lowered_without_its_threads)
{
	blas = load(BLAS_OBJECT);
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 3);
	ck_assert_int_eq(view_of(pool).calls, 2); /* MKL and BLIS */
	forkpool_destroy(pool);
	pool = pool_with(FORKPOOL_PROCESSES, 1, BY_ITSELF + 1);
	ck_assert_int_eq(view_of(pool).calls, 3); /* to have more, they must be there */
	forkpool_destroy(pool);
}
END_TEST

START_TEST(all_threads_are_left_alone)
{
	load_blas();
	setenv("MKL_NUM_THREADS", "77", 1);
	struct view before = own_view();
	forkpool *pool = pool_with(backend_id(_i), 2 * full(), FORKPOOL_ALL_THREADS);
	struct view view = view_of(pool);
	view.worker = before.worker;
	ck_assert_mem_eq(&view, &before, sizeof view);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(never_more_than_by_itself)
{
	load_blas();
	union function set = {name_in(blas, "openblas_set_num_threads")};
	set.set(1);
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 0);
	struct view view = view_of(pool);
	unsigned cpus = forkpool_cpu_count();
	assert_threads(&view, OPENBLAS, 1);
	assert_threads(&view, MKL, cpus < BY_ITSELF ? (int)cpus : BY_ITSELF);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_worker_on_one_cpu_has_one)
{
	load_blas();
	forkpool *pool = pool_from(
	        &(forkpool_config){.backend = FORKPOOL_PROCESSES, .workers = 1, .affinity = FORKPOOL_AFFINITY_COMPACT});
	struct view view = view_of(pool);
	assert_threads(&view, OPENBLAS, 1);
	forkpool_destroy(pool);
	pool = pool_from(&(forkpool_config){.backend = FORKPOOL_PROCESSES,
	                                    .workers = 1,
	                                    .inner_threads = 5,
	                                    .affinity = FORKPOOL_AFFINITY_COMPACT});
	view = view_of(pool);
	assert_threads(&view, OPENBLAS, 5);
	forkpool_destroy(pool);
}
END_TEST

static int look_at_start(unsigned worker, void **state, void *arg)
{
	(void)worker;
	*state = NULL;
	look(arg);
	return 0;
}

START_TEST(an_initializer_finds_them_limited)
{
	load_blas();
	struct view *view = evidence(sizeof *view);
	forkpool *pool = pool_from(&(forkpool_config){.backend = FORKPOOL_PROCESSES,
	                                              .workers = 1,
	                                              .initializer = look_at_start,
	                                              .arg = view,
	                                              .inner_threads = 2});
	assert_threads(view, OPENBLAS, 2);
	assert_environment(view, "2", "2", "2", "2", "2");
	forkpool_destroy(pool);
}
END_TEST

static int die(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return raise(SIGKILL);
}

/* What has been unloaded is not called; what has been loaded since is. */
START_TEST(a_replacement_tells_what_is_loaded_then)
{
	load_blas();
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 2);
	ck_assert_int_eq(dlclose(other), 0);
	counters[OPENBLAS_2].address = counters[MKL_2].address = counters[BLIS_2].address = NULL;
	ck_assert_int_eq(forkpool_for(pool, die, 1, NULL), 1);
	struct view view = view_of(pool);
	assert_threads(&view, OPENBLAS, 2);
	load_blas();
	ck_assert_int_eq(forkpool_for(pool, die, 1, NULL), 1);
	view = view_of(pool);
	assert_threads(&view, OPENBLAS_2, 2);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(refreshed_workers_too)
{
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 2, 2);
	view_of(pool);
	load_blas();
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	struct view view = view_of(pool);
	for (int i = OPENBLAS; i <= BLIS_2; i++)
		assert_threads(&view, i, 2);
	forkpool_destroy(pool);
}
END_TEST

/* ---- The environment ---------------------------------------------------------------------- */

START_TEST(the_environment_says_so)
{
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, full(), 0);
	struct view view = view_of(pool);
	/* The others look at OpenMP's if their own is not set; BLIS would use one thread. */
	assert_environment(&view, "1", "-", "-", "-", "1");
	forkpool_destroy(pool);
}
END_TEST

START_TEST(what_the_user_has_set_is_only_lowered)
{
	char cpus[20];
	snprintf(cpus, sizeof cpus, "%u", forkpool_cpu_count());
	setenv("OMP_NUM_THREADS", "1,2", 1);
	setenv("OPENBLAS_NUM_THREADS", "100000", 1);
	setenv("MKL_NUM_THREADS", "1", 1);
	struct view before = own_view();
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 0);
	struct view view = view_of(pool);
	assert_environment(&view, "1,2", cpus, "-", "1", "-");
	setenv("OMP_NUM_THREADS", "100000,2", 1); /* replacements see the program's environment of their fork */
	setenv("GOTO_NUM_THREADS", "nonsense", 1);
	setenv("BLIS_NUM_THREADS", "99999999999999999999", 1);
	ck_assert_int_eq(forkpool_for(pool, die, 1, NULL), 1);
	view = view_of(pool);
	assert_environment(&view, cpus, cpus, "nonsense", "1", cpus);
	forkpool_destroy(pool);
	ck_assert_str_eq(getenv("OPENBLAS_NUM_THREADS"), before.environment[1]);
	ck_assert_str_eq(getenv("OMP_NUM_THREADS"), "100000,2");
}
END_TEST

/* The rest of the environment is there, in a shell that a task starts, too, and can be changed. */
static int use_environment(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	const char *inner = getenv("INNER_TEST"), *openmp_alike = getenv("OMP_NUM_THREADS_");
	if (inner == NULL || strcmp(inner, "kept") != 0 || openmp_alike == NULL || strcmp(openmp_alike, "kept") != 0)
		return 1;
	if (system("test \"$OMP_NUM_THREADS\" = 4 && test \"$INNER_TEST\" = kept") != 0)
		return 2;
	if (setenv("INNER_TEST", "changed", 1) != 0 || setenv("OMP_NUM_THREADS", "5", 1) != 0)
		return 3;
	if (system("test \"$OMP_NUM_THREADS\" = 5 && test \"$INNER_TEST\" = changed") != 0)
		return 4;
	return unsetenv("OMP_NUM_THREADS") != 0 || getenv("OMP_NUM_THREADS") != NULL ? 5 : 0;
}

START_TEST(the_rest_of_the_environment_is_kept)
{
	setenv("INNER_TEST", "kept", 1);
	setenv("OMP_NUM_THREADS", "9", 1);
	setenv("OMP_NUM_THREADS_", "kept", 1);
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 4);
	int32_t status = -1;
	forkpool_for(pool, use_environment, 1, &(forkpool_opts){.status = &status});
	ck_assert_int_eq(status, 0);
	forkpool_destroy(pool);
	ck_assert_str_eq(getenv("INNER_TEST"), "kept");
	ck_assert_str_eq(getenv("OMP_NUM_THREADS"), "9");
}
END_TEST

START_TEST(without_any_environment)
{
	clearenv();
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 1, 4);
	struct view view = view_of(pool);
	assert_environment(&view, "4", "4", "4", "4", "4");
	forkpool_destroy(pool);
}
END_TEST

/* ---- Threads, and the caller ------------------------------------------------------------------ */

/* Only what is about the calling thread may be called. */
START_TEST(threads_change_nothing_for_others)
{
	load_blas();
	load_openmp();
	struct view before = own_view();
	forkpool *pool = pool_with(FORKPOOL_THREADS, 2, 3);
	struct view view = view_of(pool);
	assert_threads(&view, MKL, 3);
	assert_threads(&view, MKL_2, 3);
	if (openmp != NULL)
		assert_threads(&view, OPENMP, 3);
	assert_unchanged(&before);
	for (int i = 0; i < COUNTERS; i++)
		if (i != MKL && i != MKL_2 && i != OPENMP)
			assert_threads(&view, i, before.threads[i]);
	ck_assert_mem_eq(view.environment, before.environment, sizeof view.environment);
	forkpool_destroy(pool);
	assert_unchanged(&before);
}
END_TEST

START_TEST(serial_has_what_the_caller_has)
{
	load_blas();
	load_openmp();
	struct view before = own_view();
	forkpool *pool = pool_with(FORKPOOL_SERIAL, 1, 3);
	struct view view = view_of(pool);
	view.worker = before.worker;
	ck_assert_mem_eq(&view, &before, sizeof view);
	forkpool_destroy(pool);
	assert_unchanged(&before);
}
END_TEST

/* ---- OpenMP ----------------------------------------------------------------------------------- */

/* A region that hangs, in a process, is ended. */
static void assert_regions(forkpool *pool, unsigned count, int max, int threads, double timeout)
{
	struct view views[64];
	int32_t status[64];
	forkpool_map(pool, report_region, NULL, count, 0, views, sizeof *views,
	             &(forkpool_opts){.chunk = 1, .status = status, .timeout = timeout});
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(status[i], 0);
		assert_threads(&views[i], OPENMP, max);
		ck_assert_int_eq(views[i].region, threads);
	}
}

START_TEST(openmp_uses_so_many_threads)
{
	if (!load_openmp() || !KNOWS_OPENMP)
		return;
	int backend = backend_id(_i);
	if (backend == FORKPOOL_SERIAL)
		return;
	forkpool *pool = pool_with(backend, 2, 3);
	assert_regions(pool, 6, 3, 3, 0);
	forkpool_destroy(pool);
	pool = pool_with(backend, full(), 0);
	assert_regions(pool, 6, 1, 1, 0);
	forkpool_destroy(pool);
}
END_TEST

/* Where the parent has used OpenMP before the fork, GNU's would wait for ever for threads that are not there, but not
 * in a region of one thread, which is what a pool with a worker a CPU has by default. */
START_TEST(one_thread_is_safe_where_the_parent_used_openmp)
{
	if (!load_openmp())
		return;
	union function set = {name_in(openmp, "omp_set_num_threads")};
	set.set(3);
	ck_assert_int_eq(region.number(), 3);
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, full(), 0);
	assert_regions(pool, 6, 1, 1, PATIENCE);
	forkpool_destroy(pool);
}
END_TEST

/* As the manual advises: the parent ends its threads before the fork. */
START_TEST(several_are_if_the_parent_has_paused_openmp)
{
	if (!load_openmp())
		return;
	void *pause_all = dlsym(openmp, "omp_pause_resource_all");
	if (pause_all == NULL) {
		puts("skipped: OpenMP before 5.0");
		return;
	}
	union function set = {name_in(openmp, "omp_set_num_threads")};
	union {
		void *address;
		int (*call)(int kind);
	} pause = {pause_all};
	set.set(3);
	ck_assert_int_eq(region.number(), 3);
	ck_assert_int_eq(pause.call(1), 0); /* omp_pause_soft */
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 2, 2);
	assert_regions(pool, 4, 2, 2, PATIENCE);
	forkpool_destroy(pool);
	ck_assert_int_eq(region.number(), 3);
}
END_TEST

/* ---- OpenBLAS, where there is one ------------------------------------------------------------ */

START_TEST(openblas_is_limited)
{
	void *openblas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	if (openblas == NULL) {
		printf("skipped: no OpenBLAS: %s\n", dlerror());
		return;
	}
	union function set = {name_in(openblas, "openblas_set_num_threads")};
	counters[OPENBLAS].address = name_in(openblas, "openblas_get_num_threads");
	set.set(3);
	int own = counters[OPENBLAS].number(); /* 1, if it was built without threads */
	forkpool *pool = pool_with(FORKPOOL_PROCESSES, 2, 2);
	struct view view = view_of(pool);
	assert_threads(&view, OPENBLAS, own < 2 ? own : 2);
	forkpool_destroy(pool);
	pool = pool_with(FORKPOOL_PROCESSES, full(), 0);
	view = view_of(pool);
	assert_threads(&view, OPENBLAS, 1);
	forkpool_destroy(pool);
	ck_assert_int_eq(counters[OPENBLAS].number(), own);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inner threads");
	TCase *tcase = test_case(suite, "inner threads");
	tcase_add_checked_fixture(tcase, clear_environment, NULL);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_test(tcase, all_that_is_loaded_is_limited);
		tcase_add_test(tcase, to_just_so_many);
		tcase_add_test(tcase, openblas_is_lowered_without_its_threads);
		tcase_add_test(tcase, never_more_than_by_itself);
		tcase_add_test(tcase, a_worker_on_one_cpu_has_one);
		tcase_add_test(tcase, an_initializer_finds_them_limited);
		tcase_add_test(tcase, a_replacement_tells_what_is_loaded_then);
		tcase_add_test(tcase, refreshed_workers_too);
		tcase_add_test(tcase, the_environment_says_so);
		tcase_add_test(tcase, what_the_user_has_set_is_only_lowered);
		tcase_add_test(tcase, the_rest_of_the_environment_is_kept);
		tcase_add_test(tcase, without_any_environment);
		tcase_add_test(tcase, openblas_is_limited);
	}
	TCase *user = tcase_create("OpenMP"); /* its threads are left in this process: not for test_case() */
	tcase_add_checked_fixture(user, clear_environment, NULL);
	tcase_set_timeout(user, 10 * PATIENCE);
	add_backend_test(user, openmp_uses_so_many_threads);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_test(user, one_thread_is_safe_where_the_parent_used_openmp);
		tcase_add_test(user, several_are_if_the_parent_has_paused_openmp);
	}
	suite_add_tcase(suite, user);
	if (backend_enabled(FORKPOOL_THREADS))
		tcase_add_test(tcase, threads_change_nothing_for_others);
	if (backend_enabled(FORKPOOL_SERIAL))
		tcase_add_test(tcase, serial_has_what_the_caller_has);
	add_backend_test(tcase, all_threads_are_left_alone);
	return run_suite(suite);
}
