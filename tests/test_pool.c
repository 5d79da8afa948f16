/*
 * test_pool.c - the life of a pool: workers and their states, closing, refreshing, its
 * memory, its settings from the environment, several pools at a time, and what the
 * program around it must not notice: its signals, its children, its threads.
 */
#include "config.h"
#include "calls.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int who(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	*(pid_t *)result = getpid();
	return 0;
}

static void assert_shut_down(forkpool *pool)
{
	pid_t pid = -1;
	forkpool_report report;
	int returned = forkpool_map(pool, who, NULL, 1, 0, &pid, sizeof pid, &(forkpool_opts){.report = &report});
	ck_assert_int_eq(returned, -ESHUTDOWN);
	ck_assert_uint_eq(report.tasks, 0);
	ck_assert_int_eq(pid, -1);
	ck_assert_int_eq(forkpool_refresh(pool), -ESHUTDOWN);
}

/* ---- Ends --------------------------------------------------------------------- */

START_TEST(close_and_join)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	ck_assert(squares_are_right(pool, 1));
	ck_assert_int_eq(forkpool_join(pool), -EINVAL);
	ck_assert(squares_are_right(pool, 2));
	ck_assert_int_eq(forkpool_close(pool), 0);
	assert_shut_down(pool);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(forkpool_join(pool), 0);
	assert_shut_down(pool);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(terminate_and_join)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	ck_assert(squares_are_right(pool, 1));
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	assert_shut_down(pool);
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(terminate_after_close)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(destroy_at_any_moment)
{
	int backend = backend_id(_i);
	forkpool_destroy(NULL);
	for (int i = 0; i < 50; i++)
		forkpool_destroy(pool_of(backend, 1 + (unsigned)i % 4));
	forkpool *pool = pool_of(backend, 2);
	ck_assert(squares_are_right(pool, 3));
	forkpool_destroy(pool);
	pool = pool_of(backend, 2);
	ck_assert_int_eq(forkpool_close(pool), 0);
	forkpool_destroy(pool);
	pool = pool_of(backend, 2);
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	forkpool_destroy(pool);
}
END_TEST

/* The arena is the caller's until the pool is destroyed. */
START_TEST(memory_outlives_the_workers)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	uint64_t *memory = forkpool_alloc(pool, 100 * sizeof *memory);
	ck_assert_ptr_nonnull(memory);
	for (uint64_t i = 0; i < 100; i++)
		memory[i] = i;
	ck_assert_int_eq(FORKPOOL_MAP(pool, square_task, memory, memory, 100, NULL), 0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_uint_eq(memory[i], i * i);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(ten_thousand_small_maps)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	for (uint64_t i = 0; i < (SANITIZED ? 1000 : 10000); i++)
		ck_assert_msg(squares_are_right(pool, i), "map %u", (unsigned)i);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Workers ------------------------------------------------------------------- */

enum { CREW = 3 };

/* What initializers and finalizers leave behind, in memory that is shared. */
struct crew {
	_Atomic uint32_t started[CREW], ended[CREW], strangers;
	_Atomic uint32_t refuses; /* the worker that refuses to start, from 1 */
	_Atomic uint32_t refused;
	uint64_t goodbye[CREW];
};

struct state {
	unsigned worker;
	uint64_t tasks;
};

static int start_worker(unsigned worker, void **state, void *arg)
{
	struct crew *crew = arg;
	if (worker >= CREW) {
		atomic_fetch_add(&crew->strangers, 1);
		return 0;
	}
	if (crew->refuses == worker + 1) {
		atomic_fetch_add(&crew->refused, 1);
		return 7;
	}
	struct state *own = calloc(1, sizeof *own);
	if (own == NULL)
		return 1;
	own->worker = worker;
	*state = own;
	atomic_fetch_add(&crew->started[worker], 1);
	return 0;
}

static void end_worker(unsigned worker, void *state, void *arg)
{
	struct crew *crew = arg;
	struct state *own = state;
	if (worker >= CREW || own == NULL || own->worker != worker) {
		atomic_fetch_add(&crew->strangers, 1);
		return;
	}
	crew->goodbye[worker] = own->tasks;
	atomic_fetch_add(&crew->ended[worker], 1);
	free(own);
}

/* result: whether the state is that of the worker. */
static int count_task(const void *item, void *result, void *ctx)
{
	struct state *own = forkpool_worker_state();
	(void)item;
	(void)ctx;
	*(char *)result = own != NULL && own->worker == (unsigned)forkpool_worker();
	if (own != NULL)
		own->tasks++;
	return 0;
}

static forkpool *pool_of_crew(int backend, struct crew *crew)
{
	return pool_from(&(forkpool_config){.backend = backend,
	                                    .workers = CREW,
	                                    .initializer = start_worker,
	                                    .finalizer = end_worker,
	                                    .arg = crew});
}

static void assert_counted(forkpool *pool)
{
	char right[1000];
	ck_assert_int_eq(forkpool_map(pool, count_task, NULL, 1000, 0, right, 1, &(forkpool_opts){.chunk = 1}), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_msg(right[i] == 1, "task %d did not see the state of its worker", i);
}

START_TEST(each_worker_has_its_state)
{
	int backend = backend_id(_i);
	struct crew *crew = evidence(sizeof *crew);
	forkpool *pool = pool_of_crew(backend, crew);
	assert_counted(pool);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	unsigned workers = backend == FORKPOOL_SERIAL ? 1 : CREW;
	uint64_t tasks = 0;
	for (unsigned i = 0; i < workers; i++) {
		ck_assert_uint_eq(crew->started[i], 1);
		ck_assert_uint_eq(crew->ended[i], 1);
		tasks += crew->goodbye[i];
	}
	ck_assert_uint_eq(tasks, 1000);
	ck_assert_uint_eq(crew->strangers, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(destroy_lets_workers_finish)
{
	int backend = backend_id(_i);
	struct crew *crew = evidence(sizeof *crew);
	forkpool *pool = pool_of_crew(backend, crew);
	assert_counted(pool);
	forkpool_destroy(pool);
	unsigned ended = crew->ended[0] + crew->ended[1] + crew->ended[2];
	ck_assert_uint_eq(ended, backend == FORKPOOL_SERIAL ? 1 : CREW);
}
END_TEST

START_TEST(a_worker_that_cannot_start_is_done_without)
{
	int backend = backend_id(_i);
	if (backend == FORKPOOL_SERIAL)
		return; /* it has but one: see the next test */
	struct crew *crew = evidence(sizeof *crew);
	crew->refuses = 2;
	forkpool *pool = pool_of_crew(backend, crew);
	assert_counted(pool);
	assert_counted(pool);
	forkpool_destroy(pool);
	ck_assert_uint_eq(crew->started[1], 0);
	ck_assert_uint_ge(crew->refused, 1);
	ck_assert_uint_lt(crew->refused, 100);
}
END_TEST

static int refuse_to_start(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)state;
	atomic_fetch_add(&((struct crew *)arg)->refused, 1);
	return 7;
}

START_TEST(a_pool_without_workers_is_not_created)
{
	struct crew *crew = evidence(sizeof *crew);
	forkpool *before = (forkpool *)(void *)crew, *pool = before;
	int error = forkpool_create(&pool, &(forkpool_config){.backend = backend_id(_i),
	                                                      .workers = CREW,
	                                                      .initializer = refuse_to_start,
	                                                      .finalizer = end_worker,
	                                                      .arg = crew});
	ck_assert_int_eq(error, -ECANCELED);
	ck_assert_ptr_eq(pool, before);
	ck_assert_uint_ge(crew->refused, 1);
	ck_assert_uint_lt(crew->refused, 100);
	ck_assert_uint_eq(crew->strangers, 0);
}
END_TEST

static int count_start(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)state;
	atomic_fetch_add((_Atomic uint32_t *)arg, 1);
	return 0;
}

START_TEST(by_default_a_worker_a_cpu)
{
	int backend = backend_id(_i);
	void *started = evidence(sizeof(uint32_t));
	forkpool *pool = pool_from(&(forkpool_config){.backend = backend, .initializer = count_start, .arg = started});
	forkpool_destroy(pool);
	ck_assert_uint_eq(*(uint32_t *)started, backend == FORKPOOL_SERIAL ? 1 : forkpool_cpu_count());
}
END_TEST

/* ---- refresh --------------------------------------------------------------------- */

static volatile int knob;

static int read_knob(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	*(int *)result = knob;
	return 0;
}

static void assert_knob(forkpool *pool, int expected)
{
	int seen[100];
	ck_assert_int_eq(forkpool_map(pool, read_knob, NULL, 100, 0, seen, sizeof *seen, NULL), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(seen[i], expected);
}

START_TEST(refresh_shows_the_present)
{
	int backend = backend_id(_i);
	bool forked = backend == FORKPOOL_PROCESSES;
	pid_t before[CREW], after[CREW];
	struct crew *crew = evidence(sizeof *crew);
	knob = 1;
	forkpool *pool = pool_of_crew(backend, crew);
	int *kept = forkpool_alloc(pool, sizeof *kept);
	ck_assert_ptr_nonnull(kept);
	*kept = 4711;
	if (forked)
		worker_pids(pool, CREW, before);
	assert_knob(pool, 1);
	knob = 2;
	assert_knob(pool, forked ? 1 : 2);
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	assert_knob(pool, 2);
	ck_assert_int_eq(*kept, 4711);
	if (forked) {
		worker_pids(pool, CREW, after);
		for (int i = 0; i < CREW; i++)
			for (int k = 0; k < CREW; k++)
				ck_assert_int_ne(before[i], after[k]);
		for (int i = 0; i < CREW; i++) {
			ck_assert_uint_eq(crew->started[i], 2);
			ck_assert_uint_eq(crew->ended[i], 1);
		}
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Memory ----------------------------------------------------------------------- */

enum { MIB = 1 << 20 };

static bool all_equal(const unsigned char *bytes, size_t size, unsigned char value)
{
	return bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static bool all_zero(const void *memory, size_t size)
{
	return all_equal(memory, size, 0);
}

START_TEST(memory_is_zeroed_and_aligned)
{
	forkpool *pool = pool_of(backend_id(_i), 1);
	for (int round = 0; round < 3; round++)
		for (size_t size = 1; size < 3 * MIB; size = size * 5 / 2 + 1) {
			unsigned char *memory = forkpool_alloc(pool, size);
			ck_assert_ptr_nonnull(memory);
			ck_assert_uint_eq((uintptr_t)memory % 64, 0);
			ck_assert_msg(all_zero(memory, size), "round %d: %zu bytes are not zero", round, size);
			memset(memory, 0xff, size);
			if (round % 2 == 0)
				forkpool_free(pool, memory);
		}
	forkpool_destroy(pool);
}
END_TEST

/* Random pieces, each filled with a byte of its own: none may overlap another. */
START_TEST(pieces_do_not_overlap)
{
	enum { SLOTS = 50, STEPS = 10000 };
	struct {
		unsigned char *memory, fill;
		size_t size;
	} slots[SLOTS] = {0};
	dice d = dice_for(test_seed(), 1);
	forkpool *pool =
	        pool_from(&(forkpool_config){.backend = backend_id(_i), .workers = 1, .arena_size = (size_t)64 * MIB});
	for (int step = 0; step < STEPS; step++) {
		size_t i = dice_below(&d, SLOTS);
		if (slots[i].memory != NULL) {
			ck_assert_msg(all_equal(slots[i].memory, slots[i].size, slots[i].fill),
			              "FORKPOOL_TEST_SEED=%" PRIu64 " step %d: a piece was overwritten", test_seed(),
			              step);
			forkpool_free(pool, slots[i].memory);
			slots[i].memory = NULL;
			continue;
		}
		slots[i].size = 1 + dice_below(&d, dice_below(&d, 10) == 0 ? MIB : 5000);
		slots[i].fill = (unsigned char)(1 + dice_below(&d, 255));
		slots[i].memory = forkpool_alloc(pool, slots[i].size);
		ck_assert_ptr_nonnull(slots[i].memory);
		ck_assert(all_zero(slots[i].memory, slots[i].size));
		memset(slots[i].memory, slots[i].fill, slots[i].size);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(freed_memory_is_used_again)
{
	forkpool *pool =
	        pool_from(&(forkpool_config){.backend = backend_id(_i), .workers = 1, .arena_size = (size_t)64 * MIB});
	for (int i = 0; i < 1000; i++) {
		void *memory = forkpool_alloc(pool, MIB);
		ck_assert_msg(memory != NULL, "piece %d", i);
		forkpool_free(pool, memory);
	}
	/* Until none is left; then, back in one piece. */
	void *pieces[100];
	int count = 0;
	errno = 0;
	while (count < 100 && (pieces[count] = forkpool_alloc(pool, MIB)) != NULL)
		count++;
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_ge(count, 32);
	ck_assert_int_lt(count, 65);
	for (int i = 0; i < count; i += 2)
		forkpool_free(pool, pieces[i]);
	for (int i = 1; i < count; i += 2)
		forkpool_free(pool, pieces[i]);
	ck_assert_ptr_nonnull(forkpool_alloc(pool, (size_t)count * MIB));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(foreign_pointers_are_not_freed)
{
	forkpool *pool = pool_of(backend_id(_i), 1), *other = pool_of(backend_id(_i), 1);
	unsigned char here[64] = {1}, *memory = forkpool_alloc(pool, 1000), *theirs = forkpool_alloc(other, 1000);
	ck_assert_ptr_nonnull(memory);
	ck_assert_ptr_nonnull(theirs);
	memset(memory, 7, 1000);
	memset(theirs, 8, 1000);
	forkpool_free(pool, NULL);
	forkpool_free(pool, here);
	forkpool_free(pool, memory + 64);
	forkpool_free(pool, theirs);
	unsigned char *next = forkpool_alloc(pool, 1000);
	ck_assert_ptr_nonnull(next);
	ck_assert(next + 1000 <= memory || memory + 1000 <= next);
	for (int i = 0; i < 1000; i++) {
		ck_assert_uint_eq(memory[i], 7);
		ck_assert_uint_eq(theirs[i], 8);
	}
	/* Nor is a piece freed twice. */
	forkpool_free(pool, memory);
	forkpool_free(pool, memory);
	unsigned char *a = forkpool_alloc(pool, 1000), *b = forkpool_alloc(pool, 1000);
	ck_assert_ptr_ne(a, b);
	forkpool_destroy(pool);
	forkpool_destroy(other);
}
END_TEST

static int fill_word(size_t index, void *ctx)
{
	((uint32_t *)ctx)[index] = (uint32_t)index + 1;
	return 0;
}

START_TEST(living_workers_see_new_memory)
{
	enum { WORDS = 8 * MIB / 4 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert(squares_are_right(pool, 1));
	for (int round = 0; round < 3; round++) {
		uint32_t *words = forkpool_alloc(pool, WORDS * sizeof *words);
		ck_assert_ptr_nonnull(words);
		ck_assert(all_zero(words, WORDS * sizeof *words));
		ck_assert_int_eq(forkpool_for(pool, fill_word, WORDS, &(forkpool_opts){.ctx = words}), 0);
		uint32_t right = 0;
		while (right < WORDS && words[right] == right + 1)
			right++;
		ck_assert_msg(right == WORDS, "round %d, word %u", round, right);
		forkpool_free(pool, words);
	}
	forkpool_destroy(pool);
}
END_TEST

/* A large piece that is freed goes back to the system, and all that is left with the pool.
 * In between, copies of buffers outside of the arena are kept for the next map, not piled up. */
START_TEST(memory_is_returned)
{
	enum { LARGE = 32 * MIB, SLACK_KIB = 12 * 1024 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	size_t start = resident_kib();
	unsigned char *memory = forkpool_alloc(pool, LARGE);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 1, LARGE);
	ck_assert_uint_ge(resident_kib(), start + LARGE / 1024 - SLACK_KIB);
	forkpool_free(pool, memory);
	ck_assert_uint_le(resident_kib(), start + SLACK_KIB);

	uint64_t *items = calloc(LARGE, 1);
	ck_assert_ptr_nonnull(items);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(FORKPOOL_MAP(pool, square_task, items, items, LARGE / sizeof *items - i * 5000, NULL),
		                 0);
	free(items);
	/* Those of two maps, where a worker still looks at the one before. */
	ck_assert_uint_le(resident_kib(), start + 4 * LARGE / 1024 + SLACK_KIB);
	forkpool_destroy(pool);
	ck_assert_uint_le(resident_kib(), start + SLACK_KIB);
}
END_TEST

/* SIGXFSZ would end the program: the size of the region is a file's size. */
START_TEST(a_file_size_limit_is_no_signal)
{
	struct rlimit old, small;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){8 * MIB, old.rlim_max};
	forkpool *pool = NULL;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	int error = forkpool_create(&pool, &(forkpool_config){.backend = backend_id(_i), .workers = 2});
	bool right = error != 0 || squares_are_right(pool, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_msg(error == 0 || error == -ENOMEM, "%d, %s", error, forkpool_strerror(error));
	ck_assert(right);
	if (error == 0)
		forkpool_destroy(pool);
}
END_TEST

/* ---- The environment ---------------------------------------------------------------- */

struct place {
	pid_t process, thread;
};

static int where(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)ctx;
	*(struct place *)result = (struct place){getpid(), gettid()};
	return 0;
}

START_TEST(the_environment_chooses_the_backend)
{
	static const char *const names[] = {"processes", "threads", "serial"};
	for (size_t i = 0; i < 3; i++) {
		if (!backend_enabled((int)i))
			continue;
		setenv("FORKPOOL_BACKEND", names[i], 1);
		forkpool *pool = pool_of(backend_id(_i), 2);
		struct place place = {0, 0};
		ck_assert_int_eq(forkpool_map(pool, where, NULL, 1, 0, &place, sizeof place, NULL), 0);
		ck_assert_msg((place.process == getpid()) == (i != FORKPOOL_PROCESSES), "%s", names[i]);
		ck_assert_msg((place.thread == gettid()) == (i == FORKPOOL_SERIAL), "%s", names[i]);
		forkpool_destroy(pool);
	}
}
END_TEST

START_TEST(the_environment_chooses_the_number_of_workers)
{
	int backend = backend_id(_i);
	struct crew *crew = evidence(sizeof *crew);
	setenv("FORKPOOL_WORKERS", "3", 1);
	forkpool *pool = pool_from(&(forkpool_config){
	        .backend = backend, .workers = 8, .initializer = start_worker, .finalizer = end_worker, .arg = crew});
	assert_counted(pool);
	forkpool_destroy(pool);
	for (unsigned i = 0; i < (backend == FORKPOOL_SERIAL ? 1 : 3); i++)
		ck_assert_uint_eq(crew->started[i], 1);
	ck_assert_uint_eq(crew->strangers, 0);
}
END_TEST

START_TEST(the_environment_is_refused_where_it_makes_no_sense)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
	        {"FORKPOOL_BACKEND", "fibers"}, {"FORKPOOL_BACKEND", "Threads "},
	        {"FORKPOOL_BACKEND", "1"},      {"FORKPOOL_WORKERS", "many"},
	        {"FORKPOOL_WORKERS", "3x"},     {"FORKPOOL_WORKERS", "-1"},
	        {"FORKPOOL_WORKERS", "4097"},   {"FORKPOOL_WORKERS", "99999999999999999999"},
	        {"FORKPOOL_WORKERS", "1.5"},    {"FORKPOOL_WORKERS", "0x2"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		forkpool *pool = NULL;
		setenv(bad[i].name, bad[i].value, 1);
		int error = forkpool_create(&pool, &(forkpool_config){.backend = backend_id(_i), .workers = 1});
		ck_assert_msg(error == -EINVAL, "%s=%s: %d", bad[i].name, bad[i].value, error);
		ck_assert_ptr_null(pool);
		unsetenv(bad[i].name);
	}
}
END_TEST

/* ---- Several pools ------------------------------------------------------------------ */

START_TEST(several_pools_at_a_time)
{
	enum { POOLS = 6 };
	forkpool *pools[POOLS];
	for (int i = 0; i < POOLS; i++)
		pools[i] = pool_of(backend_id((_i + i) % backend_count()), 1 + (unsigned)i % 3);
	for (uint64_t i = 0; i < 300; i++)
		ck_assert(squares_are_right(pools[i % POOLS], i));
	/* Destroyed in another order, the others go on. */
	for (int i = 0; i < POOLS; i++) {
		int k = i * 5 % POOLS; /* 0 5 4 3 2 1 */
		forkpool_destroy(pools[k]);
		for (int other = 1; other < k; other++)
			ck_assert(squares_are_right(pools[other], 1));
	}
}
END_TEST

struct host {
	int backend;
	bool right;
};

static void *use_a_pool(void *arg)
{
	struct host *host = arg;
	forkpool *pool = NULL;
	host->right = forkpool_create(&pool, &(forkpool_config){.backend = host->backend, .workers = 2}) == 0;
	for (uint64_t i = 0; host->right && i < 100; i++)
		host->right = squares_are_right(pool, i);
	forkpool_destroy(pool);
	return NULL;
}

START_TEST(each_thread_of_the_program_has_a_pool)
{
	enum { HOSTS = 4, ROUNDS = 5 };
	pthread_t threads[HOSTS];
	struct host hosts[HOSTS];
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < HOSTS; i++) {
			hosts[i] = (struct host){backend_id(_i), false};
			ck_assert_int_eq(pthread_create(&threads[i], NULL, use_a_pool, &hosts[i]), 0);
		}
		for (int i = 0; i < HOSTS; i++) {
			pthread_join(threads[i], NULL);
			ck_assert_msg(hosts[i].right, "round %d, thread %d", round, i);
		}
	}
}
END_TEST

static void *create_only(void *arg)
{
	return pool_of(*(const int *)arg, 2);
}

/* The kernel tells a child that its parent died when the thread that forked it ends. */
START_TEST(a_pool_outlives_the_thread_that_created_it)
{
	int backend = backend_id(_i);
	pthread_t thread;
	void *created = NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, create_only, &backend), 0);
	ck_assert_int_eq(pthread_join(thread, &created), 0);
	forkpool *pool = created;
	pid_t before[2], after[2];
	if (backend == FORKPOOL_PROCESSES)
		worker_pids(pool, 2, before);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(squares_are_right(pool, i));
	if (backend == FORKPOOL_PROCESSES) {
		worker_pids(pool, 2, after);
		ck_assert((before[0] == after[0] && before[1] == after[1]) ||
		          (before[0] == after[1] && before[1] == after[0]));
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Calls from a callback -------------------------------------------------------------- */

/* One map in the callback of another, and so on until `last` is reached. */
struct level {
	forkpool *pool;
	int last, depth, calls;
	int deepest, error; /* of the last map */
};

static int last_a_while(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	usleep(100);
	return 0;
}

static void go_deeper(const forkpool_progress *progress, void *arg)
{
	struct level *level = arg, next = {.pool = level->pool, .last = level->last, .depth = level->depth + 1};
	(void)progress;
	if (level->calls++ > 0)
		return;
	level->deepest = level->depth;
	if (level->depth == level->last)
		return;
	int returned =
	        forkpool_for(level->pool, last_a_while, 3,
	                     &(forkpool_opts){.progress = go_deeper, .progress_arg = &next, .progress_interval = 1e-6});
	if (returned == 0)
		level->deepest = next.deepest;
	level->error = returned == 0 ? next.error : returned;
}

START_TEST(maps_in_callbacks_of_maps)
{
	struct level top = {.pool = pool_of(backend_id(_i), 2), .last = 10};
	go_deeper(NULL, &top);
	ck_assert_int_eq(top.error, 0);
	ck_assert_int_eq(top.deepest, 10);
	ck_assert(squares_are_right(top.pool, 1));
	top = (struct level){.pool = top.pool, .last = 100}; /* more than can be open at a time */
	go_deeper(NULL, &top);
	ck_assert_int_eq(top.error, 0);
	ck_assert_int_eq(top.deepest, 100);
	ck_assert(squares_are_right(top.pool, 1));
	forkpool_destroy(top.pool);
}
END_TEST

struct ending {
	forkpool *pool;
	int (*end)(forkpool *);
	int ended, nested;
};

/* All but the first tasks last until they are told to end; serially, none is begun then. */
static int end_when_told(size_t index, void *ctx)
{
	(void)ctx;
	for (int i = 0; index >= 2 && i < 60000 && !forkpool_cancelled(); i++)
		usleep(1000);
	return 0;
}

static void end_pool(const forkpool_progress *progress, void *arg)
{
	struct ending *ending = arg;
	uint64_t item = 1, result = 0;
	if (progress->finished == 0 || ending->ended++ > 0)
		return;
	ck_assert_int_eq(ending->end(ending->pool), 0);
	ending->nested = FORKPOOL_MAP(ending->pool, square_task, &item, &result, 1, NULL);
}

START_TEST(terminate_in_a_callback_ends_the_map)
{
	enum { TASKS = 100 };
	forkpool_report report;
	int32_t status[TASKS];
	struct ending ending = {.pool = pool_of(backend_id(_i), 2), .end = forkpool_terminate};
	int returned = forkpool_for(ending.pool, end_when_told, TASKS,
	                            &(forkpool_opts){.chunk = 1,
	                                             .status = status,
	                                             .report = &report,
	                                             .progress = end_pool,
	                                             .progress_arg = &ending,
	                                             .progress_interval = 1e-6});
	ck_assert_int_eq(returned, -ESHUTDOWN);
	ck_assert_int_eq(ending.nested, -ESHUTDOWN);
	assert_adds_up(&report, TASKS);
	ck_assert_uint_eq(report.crashed + report.failed, 0);
	ck_assert_uint_ge(report.cancelled, TASKS - 4);
	for (uint64_t i = 0; i < TASKS; i++)
		ck_assert(status[i] == 0 || status[i] == FORKPOOL_CANCELLED);
	assert_shut_down(ending.pool);
	ck_assert_int_eq(forkpool_join(ending.pool), 0);
	forkpool_destroy(ending.pool);
}
END_TEST

static int fail_soon(size_t index, void *ctx)
{
	(void)ctx;
	usleep(5000);
	return (int)index + 1;
}

static void terminate_at_the_end(const forkpool_progress *progress, void *arg)
{
	if (progress->finished == progress->tasks)
		forkpool_terminate(arg);
}

/* In the last callback all tasks are settled; none is counted again. */
START_TEST(terminate_in_the_last_callback_changes_no_count)
{
	enum { TASKS = 10 };
	forkpool_report report;
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_for(pool, fail_soon, TASKS,
	             &(forkpool_opts){.chunk = 1,
	                              .report = &report,
	                              .progress = terminate_at_the_end,
	                              .progress_arg = pool,
	                              .progress_interval = 10});
	assert_adds_up(&report, TASKS);
	ck_assert_uint_eq(report.failed, TASKS);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(close_in_a_callback_lets_the_map_finish)
{
	enum { TASKS = 100 };
	forkpool_report report;
	struct ending ending = {.pool = pool_of(backend_id(_i), 2), .end = forkpool_close};
	int returned = forkpool_for(ending.pool, last_a_while, TASKS,
	                            &(forkpool_opts){.chunk = 1,
	                                             .report = &report,
	                                             .progress = end_pool,
	                                             .progress_arg = &ending,
	                                             .progress_interval = 1e-6});
	ck_assert_int_eq(returned, 0);
	ck_assert_int_eq(ending.nested, -ESHUTDOWN);
	assert_adds_up(&report, TASKS);
	ck_assert_uint_eq(report.succeeded, TASKS);
	assert_shut_down(ending.pool);
	forkpool_destroy(ending.pool);
}
END_TEST

/* ---- The program around it ------------------------------------------------------------ */

static _Atomic uint32_t signals_seen;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals_seen, 1);
}

static void get_dispositions(struct sigaction *actions)
{
	memset(actions, 0, 65 * sizeof *actions);
	for (int number = 1; number < 65; number++)
		sigaction(number, NULL, &actions[number]);
}

START_TEST(signals_stay_those_of_the_program)
{
	struct sigaction before[65], after[65], own = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	sigset_t mask_before, mask_after, some;
	ck_assert_int_eq(sigaction(SIGCHLD, &own, NULL), 0);
	ck_assert_int_eq(sigaction(SIGINT, &own, NULL), 0);
	ck_assert_int_eq(sigaction(SIGTERM, &own, NULL), 0);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigprocmask(SIG_BLOCK, &some, NULL);
	get_dispositions(before);
	sigprocmask(SIG_SETMASK, NULL, &mask_before);

	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert(squares_are_right(pool, 1));
	get_dispositions(after);
	sigprocmask(SIG_SETMASK, NULL, &mask_after);
	uint32_t seen = signals_seen;
	raise(SIGTERM);
	ck_assert_uint_eq(signals_seen, seen + 1);
	forkpool_destroy(pool);
	for (int number = 1; number < 65; number++)
		ck_assert_msg(before[number].sa_handler == after[number].sa_handler, "signal %d", number);
	for (int number = 1; number < 65; number++)
		ck_assert_msg(sigismember(&mask_before, number) == sigismember(&mask_after, number), "signal %d",
		              number);
}
END_TEST

/* Calls interrupted a thousand times a second go on. */
START_TEST(interrupted_calls_go_on)
{
	struct sigaction own = {.sa_handler = count_signal}; /* without SA_RESTART */
	struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct job job = {.call = CALL_MAP, .count = 20000, .item_size = 100, .result_size = 100, .salt = 1};
	int backend = backend_id(_i);
	ck_assert_int_eq(sigaction(SIGALRM, &own, NULL), 0);
	signals_seen = 0;
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 20 || signals_seen < 20; i++) {
		forkpool *pool = pool_of(backend, 2);
		check_job(pool, backend, &job, "under a timer");
		forkpool_destroy(pool);
	}
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
}
END_TEST

static pid_t child_that_exits(int status)
{
	pid_t child = fork();
	if (child == 0)
		_exit(status);
	ck_assert_int_gt(child, 0);
	return child;
}

/* Children of the program's own are its to wait for, whenever they end. */
START_TEST(children_stay_those_of_the_program)
{
	int backend = backend_id(_i), status = 0;
	pid_t early = child_that_exits(3);
	forkpool *pool = pool_of(backend, 2);
	pid_t late = child_that_exits(4);
	ck_assert(wait_dead(early));
	ck_assert(wait_dead(late));
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(squares_are_right(pool, i));
	ck_assert_int_eq(waitpid(late, &status, 0), late);
	ck_assert_int_eq(WEXITSTATUS(status), 4);
	forkpool_destroy(pool);
	ck_assert_int_eq(waitpid(early, &status, 0), early);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
}
END_TEST

/* A program may have its children reaped by the kernel, ... */
START_TEST(children_may_be_ignored)
{
	ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(squares_are_right(pool, i));
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	ck_assert(squares_are_right(pool, 1));
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	forkpool_destroy(pool);
}
END_TEST

/* ... or reap any child itself, a worker too. */
START_TEST(workers_may_be_reaped_by_the_program)
{
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	pid_t pids[2], reaped;
	worker_pids(pool, 2, pids);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		reaped = waitpid(-1, NULL, 0);
		ck_assert_int_eq(reaped, pids[i]);
	}
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

/* What stands unwritten in stdio's buffers when workers are forked is written once. */
START_TEST(buffered_output_is_written_once)
{
	char path[] = "/tmp/forkpool-test-XXXXXX", text[100] = "";
	int file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	FILE *stream = fdopen(file, "w+");
	ck_assert_ptr_nonnull(stream);
	fputs("once", stream);
	forkpool *pool = pool_of(backend_id(_i), 3);
	ck_assert(squares_are_right(pool, 1));
	fputs(" more", stream);
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	forkpool_destroy(pool);
	fflush(stream);
	rewind(stream);
	ck_assert_ptr_nonnull(fgets(text, sizeof text, stream));
	ck_assert_str_eq(text, "once more");
	fclose(stream);
	unlink(path);
}
END_TEST

/* A child that the program forks may leave its copy of the pool alone, or destroy it;
 * the pool goes on either way. */
START_TEST(a_forked_child_does_no_harm)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (int destroys = 0; destroys < 2; destroys++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			if (destroys)
				forkpool_destroy(pool);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		ck_assert(squares_are_right(pool, 1));
	}
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *life = test_case(suite, "life");
	add_backend_test(life, close_and_join);
	add_backend_test(life, terminate_and_join);
	add_backend_test(life, terminate_after_close);
	add_backend_test(life, destroy_at_any_moment);
	add_backend_test(life, memory_outlives_the_workers);
	add_backend_test(life, ten_thousand_small_maps);
	TCase *workers = test_case(suite, "workers");
	add_backend_test(workers, each_worker_has_its_state);
	add_backend_test(workers, destroy_lets_workers_finish);
	add_backend_test(workers, a_worker_that_cannot_start_is_done_without);
	add_backend_test(workers, a_pool_without_workers_is_not_created);
	add_backend_test(workers, by_default_a_worker_a_cpu);
	add_backend_test(workers, refresh_shows_the_present);
	TCase *memory = test_case(suite, "memory");
	add_backend_test(memory, memory_is_zeroed_and_aligned);
	add_backend_test(memory, pieces_do_not_overlap);
	add_backend_test(memory, freed_memory_is_used_again);
	add_backend_test(memory, foreign_pointers_are_not_freed);
	add_backend_test(memory, living_workers_see_new_memory);
	add_backend_test(memory, memory_is_returned);
	add_backend_test(memory, a_file_size_limit_is_no_signal);
	TCase *environment = test_case(suite, "environment");
	add_backend_test(environment, the_environment_chooses_the_backend);
	add_backend_test(environment, the_environment_chooses_the_number_of_workers);
	add_backend_test(environment, the_environment_is_refused_where_it_makes_no_sense);
	TCase *several = test_case(suite, "several pools");
	add_backend_test(several, several_pools_at_a_time);
	add_backend_test(several, each_thread_of_the_program_has_a_pool);
	add_backend_test(several, a_pool_outlives_the_thread_that_created_it);
	TCase *callbacks = test_case(suite, "callbacks");
	add_backend_test(callbacks, maps_in_callbacks_of_maps);
	add_backend_test(callbacks, terminate_in_a_callback_ends_the_map);
	add_backend_test(callbacks, terminate_in_the_last_callback_changes_no_count);
	add_backend_test(callbacks, close_in_a_callback_lets_the_map_finish);
	TCase *program = test_case(suite, "the program around it");
	add_backend_test(program, signals_stay_those_of_the_program);
	add_backend_test(program, interrupted_calls_go_on);
	add_backend_test(program, children_stay_those_of_the_program);
	add_backend_test(program, children_may_be_ignored);
	if (backend_enabled(FORKPOOL_PROCESSES))
		tcase_add_test(program, workers_may_be_reaped_by_the_program);
	add_backend_test(program, buffered_output_is_written_once);
	add_backend_test(program, a_forked_child_does_no_harm);
	return run_suite(suite);
}
