/*
 * support.c - backends, fixture, evidence and random numbers for the tests.
 * What each thing is for stands in support.h.
 */
#include "config.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000 };

/* ---- Sanitizers -------------------------------------------------------------- */

/* Tasks that crash on purpose shall die of their signal, not of a sanitizer's handler. */
#define DIE_OF_SIGNALS "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return DIE_OF_SIGNALS ":allocator_may_return_null=1";
}

const char *__ubsan_default_options(void)
{
	return DIE_OF_SIGNALS ":print_stacktrace=1";
}

/* ---- Backends ---------------------------------------------------------------- */

static const struct {
	int id;
	const char *name;
} backends[] = {
        {FORKPOOL_PROCESSES, "processes"},
        {FORKPOOL_THREADS, "threads"},
        {FORKPOOL_SERIAL, "serial"},
};

enum { BACKENDS = sizeof backends / sizeof *backends };

const char *backend_name(int backend)
{
	for (int i = 0; i < BACKENDS; i++)
		if (backends[i].id == backend)
			return backends[i].name;
	return "unknown";
}

static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
		if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

bool backend_enabled(int backend)
{
	const char *list = getenv("FORKPOOL_TEST_BACKENDS");
	return list == NULL || listed(list, backend_name(backend));
}

int backend_count(void)
{
	int count = 0;
	for (int i = 0; i < BACKENDS; i++)
		count += backend_enabled(backends[i].id);
	return count;
}

int crew_backend_count(void)
{
	return backend_count() - backend_enabled(FORKPOOL_SERIAL);
}

int backend_id(int i)
{
	for (int k = 0; k < BACKENDS; k++)
		if (backend_enabled(backends[k].id) && i-- == 0)
			return backends[k].id;
	ck_abort_msg("there is no backend number %d", i);
	return -1;
}

void need_processes(void)
{
	if (backend_enabled(FORKPOOL_PROCESSES))
		return;
	puts("skipped: FORKPOOL_TEST_BACKENDS leaves processes out");
	exit(77);
}

/* ---- Nothing left ------------------------------------------------------------ */

struct footprint {
	int descriptors, mappings, names, threads;
};

static struct footprint at_start;

/* Entries of a directory that begin with `prefix`; the directory's own descriptor, open
 * while it is read, adds the same to every count. */
static int count_entries(const char *directory, const char *prefix)
{
	DIR *dir = opendir(directory);
	if (dir == NULL)
		return 0;
	int count = 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return count;
}

/* Mappings of a pool's region, whether it is a memfd or was a name in /dev/shm. */
static int count_mappings(void)
{
	char line[4096];
	int count = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof line, maps) != NULL)
		count += strstr(line, "/memfd:forkpool") != NULL || strstr(line, "/dev/shm/forkpool") != NULL;
	fclose(maps);
	return count;
}

static struct footprint footprint(void)
{
	return (struct footprint){
	        .descriptors = count_entries("/proc/self/fd", ""),
	        .mappings = count_mappings(),
	        .names = count_entries("/dev/shm", "forkpool"),
	        .threads = count_entries("/proc/self/task", ""),
	};
}

/* A joined thread may stay in /proc for a moment: the kernel wakes the joiner first. */
static int settled_threads(int expected)
{
	int threads = count_entries("/proc/self/task", "");
	for (int i = 0; threads > expected && i < 5000; i++) {
		usleep(1000);
		threads = count_entries("/proc/self/task", "");
	}
	return threads;
}

enum { PIECES = 64 };
static struct {
	void *memory;
	size_t size;
} pieces[PIECES];
static int piece_count;

static void release_evidence(void)
{
	while (piece_count > 0) {
		piece_count--;
		munmap(pieces[piece_count].memory, pieces[piece_count].size);
	}
}

static void *do_nothing(void *arg)
{
	return arg;
}

/* ThreadSanitizer starts a thread of its own together with the program's first. */
static void start_runtime_threads(void)
{
	pthread_t thread;
	if (!SANITIZED)
		return;
	ck_assert_int_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void set_up(void)
{
	unsetenv("FORKPOOL_BACKEND");
	unsetenv("FORKPOOL_WORKERS");
	piece_count = 0;
	start_runtime_threads();
	at_start = footprint();
}

static void tear_down(void)
{
	errno = 0;
	pid_t child = waitpid(-1, NULL, WNOHANG);
	ck_assert_msg(child == -1 && errno == ECHILD, "a child process is left (waitpid: %d, %s)", (int)child,
	              strerror(errno));
	ck_assert_int_le(settled_threads(at_start.threads), at_start.threads);
	struct footprint now = footprint();
	ck_assert_msg(now.descriptors == at_start.descriptors, "%d descriptors are open, %d were at the start",
	              now.descriptors, at_start.descriptors);
	ck_assert_msg(now.mappings == at_start.mappings, "%d mappings of pools, %d were at the start", now.mappings,
	              at_start.mappings);
	ck_assert_msg(now.names == at_start.names, "%d names in /dev/shm, %d were at the start", now.names,
	              at_start.names);
	release_evidence();
}

TCase *test_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	/* A hang, not a slow machine, shall be caught. */
	tcase_set_timeout(tcase, SANITIZED ? 600 : 240);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int run_suite(Suite *suite)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("FORKPOOL_TEST_SEED=%" PRIu64 "\n", test_seed());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- Pools ------------------------------------------------------------------- */

forkpool *pool_from(const forkpool_config *config)
{
	forkpool *pool = NULL;
	int error = forkpool_create(&pool, config);
	ck_assert_msg(error == 0, "forkpool_create: %d, %s", error, forkpool_strerror(error));
	ck_assert_ptr_nonnull(pool);
	return pool;
}

forkpool *pool_of(int backend, unsigned workers)
{
	return pool_from(&(forkpool_config){.backend = backend, .workers = workers});
}

void assert_adds_up(const forkpool_report *report, uint64_t tasks)
{
	ck_assert_uint_eq(report->tasks, tasks);
	ck_assert_uint_eq(report->succeeded + report->failed + report->crashed + report->timed_out + report->cancelled,
	                  tasks);
}

struct muster {
	_Atomic uint32_t arrived;
	unsigned expected;
};

/* Returns only when as many tasks run at once as there are workers, so each runs one. */
static int turn_up(const void *item, void *result, void *ctx)
{
	struct muster *muster = ctx;
	(void)item;
	*(pid_t *)result = getpid();
	atomic_fetch_add(&muster->arrived, 1);
	return wait_for(&muster->arrived, muster->expected) ? 0 : 1;
}

void worker_pids(forkpool *pool, unsigned workers, pid_t *pids)
{
	struct muster *muster = forkpool_alloc(pool, sizeof *muster);
	ck_assert_ptr_nonnull(muster);
	muster->expected = workers;
	int missing = forkpool_map(pool, turn_up, NULL, workers, 0, pids, sizeof *pids,
	                           &(forkpool_opts){.ctx = muster, .chunk = 1});
	ck_assert_msg(missing == 0, "not all of %u workers turned up: %d", workers, missing);
	forkpool_free(pool, muster);
}

void dispatch_all(forkpool *pool)
{
	struct pollfd ready = {.fd = forkpool_fd(pool), .events = POLLIN};
	ck_assert_int_ge(ready.fd, 0);
	int unfinished;
	while ((unfinished = forkpool_dispatch(pool)) > 0)
		ck_assert_msg(poll(&ready, 1, PATIENCE_MS) == 1, "%d jobs are unfinished, and nothing happens",
		              unfinished);
	ck_assert_int_eq(unfinished, 0);
}

/* ---- Tasks ------------------------------------------------------------------- */

int square_task(const void *item, void *result, void *ctx)
{
	uint64_t x = *(const uint64_t *)item;
	(void)ctx;
	*(uint64_t *)result = x * x;
	return 0;
}

bool squares_are_right(forkpool *pool, uint64_t first)
{
	uint64_t items[50], results[50];
	for (uint64_t i = 0; i < 50; i++)
		items[i] = first + i;
	if (FORKPOOL_MAP(pool, square_task, items, results, 50, NULL) != 0)
		return false;
	for (uint64_t i = 0; i < 50; i++)
		if (results[i] != items[i] * items[i])
			return false;
	return true;
}

/* ---- Evidence ---------------------------------------------------------------- */

void *evidence(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	ck_assert_int_lt(piece_count, PIECES);
	pieces[piece_count].memory = memory;
	pieces[piece_count++].size = size;
	return memory;
}

bool wait_for(const _Atomic uint32_t *word, uint32_t least)
{
	for (int i = 0; atomic_load(word) < least; i++) {
		if (i == PATIENCE_MS)
			return false;
		usleep(1000);
	}
	return true;
}

bool is_dead(pid_t pid)
{
	char path[64], line[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "r");
	if (stat == NULL)
		return true;
	const char *end = fgets(line, sizeof line, stat) != NULL ? strrchr(line, ')') : NULL;
	fclose(stat);
	return end == NULL || end[1] == '\0' || end[2] == 'Z' || end[2] == 'X';
}

bool wait_dead(pid_t pid)
{
	for (int i = 0; !is_dead(pid); i++) {
		if (i == PATIENCE_MS)
			return false;
		usleep(1000);
	}
	return true;
}

size_t resident_kib(void)
{
	char line[256];
	size_t kib = 0;
	FILE *status = fopen("/proc/self/status", "r");
	ck_assert_ptr_nonnull(status);
	while (fgets(line, sizeof line, status) != NULL && sscanf(line, "RssShmem: %zu", &kib) != 1)
		;
	fclose(status);
	return kib;
}

/* ---- Random numbers ---------------------------------------------------------- */

uint64_t test_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("FORKPOOL_TEST_SEED");
	if (text != NULL)
		seed = strtoull(text, NULL, 0);
	else if (seed == 0)
		seed = (uint64_t)time(NULL);
	return seed;
}

dice dice_for(uint64_t seed, uint64_t number)
{
	dice d = {seed ^ number * UINT64_C(0xd1342543de82ef95)};
	dice_roll(&d);
	return d;
}

/* A 64-bit linear congruential generator (Knuth's multiplier), its bits mixed. */
uint64_t dice_roll(dice *d)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	uint64_t x = d->state;
	x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

uint64_t dice_below(dice *d, uint64_t bound)
{
	return dice_roll(d) % bound;
}

void dice_fill(dice *d, void *memory, size_t size)
{
	unsigned char *bytes = memory;
	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t word = dice_roll(d);
		memcpy(bytes + i, &word, size - i < sizeof word ? size - i : sizeof word);
	}
}
