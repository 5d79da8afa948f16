/*
 * test_hostile.c - workers that overwrite memory which is not theirs.
 *
 * A task finds what its process may write of the pool's region in /proc/self/maps, as a wild pointer
 * would find it by accident, and spoils a part of it, in one of several ways, once or again and again.
 * Whatever it hits, the map must return, with the right results or with -EPROTO and a report that says so; the
 * counts must add up, and the pool must work on.  The pools live in hosts: processes of their own,
 * several at a time, so that a host that crashes or hangs is seen, and because most of the time they
 * wait for a heartbeat.
 */
#include "config.h"
#include "engine.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3, TASKS = 120, HOSTS = 10, PATIENCE_S = SANITIZED ? 200 : 40 };
enum { FAILING = 7, FAILURE = 42, VICTIM = 50 }; /* indices, and what the first returns */
#define SALT UINT64_C(0x9e3779b97f4a7c15)

/* ---- Hosts --------------------------------------------------------------------------- */

/* What a host has to say; empty: all is right. */
struct verdict {
	char text[400];
};

static struct verdict *own_verdict; /* in a host */

FORKPOOL_PRINTF(2, 3) static bool expect(bool truth, const char *format, ...)
{
	va_list arguments;
	if (truth || own_verdict->text[0] != '\0')
		return truth;
	va_start(arguments, format);
	vsnprintf(own_verdict->text, sizeof own_verdict->text, format, arguments);
	va_end(arguments);
	return false;
}

/* Runs `host` in `count` processes at a time and fails with what the first of them complains of. */
static void run_hosts(int count, void (*host)(int number, void *arg), void *arg)
{
	struct verdict *verdicts = evidence((size_t)count * sizeof *verdicts);
	pid_t pids[HOSTS];
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			alarm(PATIENCE_S);
			own_verdict = &verdicts[i];
			host(i, arg);
			_exit(0);
		}
	}
	for (int i = 0; i < count; i++) {
		int status = 0;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		if (status != 0)
			snprintf(verdicts[i].text + strlen(verdicts[i].text), 100, " [the host ended with status %#x]",
			         (unsigned)status);
	}
	for (int i = 0; i < count; i++)
		ck_assert_msg(verdicts[i].text[0] == '\0', "FORKPOOL_TEST_SEED=%" PRIu64 " host %d: %s", test_seed(), i,
		              verdicts[i].text);
}

/* ---- Where things are, in a worker ------------------------------------------------------ */

struct span {
	char *begin;
	size_t size;
};

/* The first part of a pool's region with these permissions: "rw-s", or of the board "r--s". */
static struct span find_region(const char *permissions)
{
	char line[4096], found[5];
	unsigned long begin, end;
	struct span span = {NULL, 0};
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && span.begin == NULL && fgets(line, sizeof line, maps) != NULL)
		if (strstr(line, "forkpool") != NULL && sscanf(line, "%lx-%lx %4s", &begin, &end, found) == 3 &&
		    strcmp(found, permissions) == 0)
			span = (struct span){(char *)begin, end - begin}; // NOLINT
	if (maps != NULL)
		fclose(maps);
	return span;
}

enum part { RECORDS, RING, TALLIES, FAILURES, LEDGER, CONTROL, EVERYTHING, PARTS };

static const char *const part_names[PARTS] = {"the records", "the ring", "the tallies", "the failures",
                                              "the ledger",  "control",  "everything"};

static size_t align(size_t at, size_t to)
{
	return (at + to - 1) / to * to;
}

/* As pool.c lays it out. */
static struct span find_part(enum part part)
{
	struct span all = find_region("rw-s");
	const struct board *board = (const struct board *)(const void *)find_region("r--s").begin;
	size_t ring = align(WORKERS * sizeof(struct worker_record), CACHE_LINE);
	size_t tallies = align(ring + sizeof(struct ring_front), CACHE_LINE);
	size_t failures = align(tallies + JOB_SLOTS * sizeof(struct job_tally) + sizeof(struct endings), CACHE_LINE);
	size_t arena = align(failures + WORKERS * JOB_SLOTS * sizeof(struct failure), 4096);
	struct span parts[PARTS] = {
	        [RECORDS] = {all.begin, ring},
	        [RING] = {all.begin + ring, tallies - ring},
	        [TALLIES] = {all.begin + tallies, failures - tallies},
	        [FAILURES] = {all.begin + failures, arena - failures},
	        [CONTROL] = {all.begin, arena},
	        [EVERYTHING] = all,
	};
	for (int slot = 0; slot < JOB_SLOTS; slot++)
		if (board->posts[slot].number != 0)
			parts[LEDGER] = (struct span){(char *)(uintptr_t)board->posts[slot].ledger,
			                              board->posts[slot].chunks * sizeof(ledger_word)};
	return parts[part];
}

/* ---- Attacks --------------------------------------------------------------------------- */

enum pattern { RANDOM, ZEROS, ONES, FLIPS, PATTERNS };
enum then { RETURN, LINGER, CRASH, AGAIN, THENS };

static const char *const pattern_names[PATTERNS] = {"random bytes", "zeros", "ones", "flipped bits"};
static const char *const then_names[THENS] = {"returns", "lingers", "crashes", "goes on from a thread"};

struct attack {
	enum part part;
	enum pattern pattern;
	enum then then;
	dice dice;
	struct span span;
	_Atomic uint32_t armed, stop; /* armed: it has not happened yet */
};

static struct attack *attack; /* in memory apart from the pool */

static void spoil(void)
{
	uint64_t words = attack->span.size / sizeof(uint64_t);
	if (attack->pattern == RANDOM)
		dice_fill(&attack->dice, attack->span.begin, attack->span.size);
	else if (attack->pattern != FLIPS)
		memset(attack->span.begin, attack->pattern == ZEROS ? 0 : 0xff, attack->span.size);
	else
		for (int i = 0; i < 3; i++)
			atomic_fetch_xor((_Atomic uint64_t *)(void *)attack->span.begin +
			                         dice_below(&attack->dice, words),
			                 (uint64_t)1 << dice_below(&attack->dice, 64));
}

static void *spoil_again(void *arg)
{
	while (!atomic_load(&attack->stop))
		spoil();
	return arg;
}

static void strike(void)
{
	pthread_t thread;
	attack->span = find_part(attack->part);
	spoil();
	switch (attack->then) {
	case LINGER:
		usleep(700 * 1000); /* beyond a heartbeat */
		break;
	case CRASH:
		raise(SIGKILL);
		break;
	case AGAIN:
		pthread_create(&thread, NULL, spoil_again, NULL);
		break;
	default:
		break;
	}
}

static uint64_t right_result(uint64_t item)
{
	return item * item ^ SALT;
}

static int task(const void *item, void *result, void *ctx)
{
	uint64_t number = *(const uint64_t *)item;
	(void)ctx;
	for (volatile int i = 0; i < 20000; i++)
		;
	*(uint64_t *)result = right_result(number);
	if (number == VICTIM && atomic_exchange(&attack->armed, 0) != 0)
		strike();
	return number == FAILING ? FAILURE : 0;
}

/* ---- What must hold ------------------------------------------------------------------------ */

struct outcome {
	int returned;
	uint64_t results[TASKS];
	int32_t status[TASKS];
	forkpool_report report;
};

static void run_map(forkpool *pool, struct outcome *outcome)
{
	uint64_t items[TASKS];
	for (uint64_t i = 0; i < TASKS; i++)
		items[i] = i;
	memset(outcome, 0x5a, sizeof *outcome);
	outcome->returned =
	        FORKPOOL_MAP(pool, task, items, outcome->results, TASKS,
	                     &(forkpool_opts){.chunk = 2, .status = outcome->status, .report = &outcome->report});
}

/* Each task did what it does when nobody spoils anything; the victim may have crashed. */
static bool is_right(const struct outcome *outcome, bool crashes)
{
	for (int i = 0; i < TASKS; i++) {
		int32_t expected = i == FAILING ? FAILURE : crashes && i == VICTIM ? FORKPOOL_CRASHED : 0;
		if (outcome->status[i] != expected ||
		    (expected == 0 && outcome->results[i] != right_result((uint64_t)i)))
			return false;
	}
	return outcome->returned == 1 + crashes && outcome->report.failed == 1 && outcome->report.crashed == crashes;
}

static bool is_void(const struct outcome *outcome)
{
	for (int i = 0; i < TASKS; i++)
		if (outcome->status[i] != FORKPOOL_CANCELLED)
			return false;
	return outcome->returned == -EPROTO && outcome->report.cancelled == TASKS &&
	       strstr(outcome->report.message, "overw") != NULL;
}

static bool adds_up(const forkpool_report *report)
{
	return report->tasks == TASKS && report->index < TASKS && report->succeeded <= TASKS &&
	       report->failed <= TASKS && report->crashed <= TASKS &&
	       report->succeeded + report->failed + report->crashed + report->timed_out + report->cancelled == TASKS;
}

/* What cannot be told from the work of an honest worker: a bit that makes another valid word; and data. */
static bool is_detectable(void)
{
	return attack->pattern != FLIPS && attack->part != EVERYTHING;
}

/* A ledger of zeros is one of which nothing is done: somebody else may do it all again, and the victim's task,
 * which strikes but once, does not crash this time. */
static bool is_begun_anew(void)
{
	return attack->part == LEDGER && attack->pattern == ZEROS;
}

static const char *attack_in_words(int number)
{
	static char text[200];
	snprintf(text, sizeof text, "attack %d on %s with %s, then %s", number, part_names[attack->part],
	         pattern_names[attack->pattern], then_names[attack->then]);
	return text;
}

/* What was left behind may void one more map; then the pool is clean. */
static void expect_clean(forkpool *pool, int number)
{
	static struct outcome outcome;
	attack->armed = 0;
	attack->stop = 1;
	run_map(pool, &outcome);
	if (outcome.returned == -EPROTO) {
		expect(is_void(&outcome), "%s: not void: %s", attack_in_words(number), outcome.report.message);
		run_map(pool, &outcome);
	}
	expect(is_right(&outcome, false), "%s: a later map returned %d: %s", attack_in_words(number), outcome.returned,
	       outcome.report.message);
}

static void check_attack(forkpool *pool, int number, uint32_t *voided)
{
	static struct outcome outcome;
	bool crashes = attack->then == CRASH;
	attack->dice = dice_for(test_seed(), (uint64_t)number);
	attack->stop = 0;
	attack->armed = 1;
	run_map(pool, &outcome);
	*voided += outcome.returned == -EPROTO;
	expect(attack->armed == 0 || outcome.returned < 0, "%s: did not happen", attack_in_words(number));
	expect(adds_up(&outcome.report),
	       "%s: %d, and %" PRIu64 " + %" PRIu64 " + %" PRIu64 " + %" PRIu64 " do not add up, or index %" PRIu64
	       " is none",
	       attack_in_words(number), outcome.returned, outcome.report.succeeded, outcome.report.failed,
	       outcome.report.crashed, outcome.report.cancelled, outcome.report.index);
	expect(outcome.returned >= 0 || is_void(&outcome), "%s: %d, %s", attack_in_words(number), outcome.returned,
	       outcome.report.message);
	if (is_detectable() && outcome.returned >= 0)
		expect(is_right(&outcome, crashes) || (is_begun_anew() && is_right(&outcome, false)),
		       "%s: returned %d, which is wrong", attack_in_words(number), outcome.returned);
	expect_clean(pool, number);
}

struct campaign {
	_Atomic uint32_t attacks, voided;
	enum then then;
	int rounds;
};

/* Each host makes its share of all attacks, on one pool. */
static void attacked_host(int host, void *arg)
{
	struct campaign *campaign = arg;
	forkpool *pool = NULL;
	uint32_t voided = 0;
	attack = mmap(NULL, sizeof *attack, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!expect(forkpool_create(&pool, &(forkpool_config){.workers = WORKERS, .arena_size = 1 << 20}) == 0,
	            "no pool"))
		return;
	for (int number = host; number < campaign->rounds * PARTS * PATTERNS; number += HOSTS) {
		attack->part = (enum part)(number % PARTS);
		attack->pattern = (enum pattern)(number / PARTS % PATTERNS);
		attack->then = campaign->then;
		check_attack(pool, number, &voided);
		atomic_fetch_add(&campaign->attacks, 1);
	}
	atomic_fetch_add(&campaign->voided, voided);
	forkpool_destroy(pool);
}

START_TEST(a_map_survives_what_a_task_overwrites)
{
	struct campaign *campaign = evidence(sizeof *campaign);
	campaign->then = (enum then)_i;
	campaign->rounds = SANITIZED ? 1 : 2;
	run_hosts(HOSTS, attacked_host, campaign);
	printf("a task that spoils memory and then %s: %u attacks, %u maps void\n", then_names[_i], campaign->attacks,
	       campaign->voided);
	ck_assert_uint_ge(campaign->voided, 1);
}
END_TEST

/* ---- What is left for a later map ------------------------------------------------------------ */

/* Notes a failure for a map that will come, and does what ends this one. */
static int forge_failures(size_t index, void *ctx)
{
	const struct board *board = (const struct board *)(const void *)find_region("r--s").begin;
	struct failure *failures = (struct failure *)(void *)find_part(FAILURES).begin;
	struct ring_front *ring = (struct ring_front *)(void *)find_part(RING).begin;
	(void)ctx;
	if (index != VICTIM)
		return 0;
	for (int slot = 0; slot < WORKERS * JOB_SLOTS; slot++)
		failures[slot] =
		        (struct failure){.job = board->posts[slot % JOB_SLOTS].number + JOB_SLOTS, .status = 99};
	atomic_store(&ring->head, UINT64_MAX);
	return 0;
}

START_TEST(nothing_is_left_for_a_later_map)
{
	static struct outcome outcome;
	attack = evidence(sizeof *attack);
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
	ck_assert_int_eq(forkpool_for(pool, forge_failures, TASKS, NULL), -EPROTO);
	run_map(pool, &outcome);
	ck_assert(is_right(&outcome, false));
	ck_assert_uint_eq(outcome.report.index, FAILING);
	ck_assert_int_eq(outcome.report.status, FAILURE);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Calls that leave orphans --------------------------------------------------------------- */

enum { CRASHING = 23 }; /* an index that does, at every attempt */

static int range_task(size_t begin, size_t end, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		for (volatile int k = 0; k < 20000; k++)
			;
		if (i == CRASHING)
			raise(SIGKILL);
		if (i == VICTIM && atomic_exchange(&attack->armed, 0) != 0)
			strike();
		if (i == FAILING)
			return FAILURE;
	}
	return 0;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	int code = range_task(begin, end, ctx);
	*(uint64_t *)acc += end - begin;
	return code;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

/* With deaths, further attempts and a time limit: what the parent reads then, too, was overwritten. */
static void attacked_with_orphans(int host, void *arg)
{
	forkpool *pool = NULL;
	(void)arg;
	attack = mmap(NULL, sizeof *attack, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!expect(forkpool_create(&pool, &(forkpool_config){.workers = WORKERS, .arena_size = 1 << 20}) == 0,
	            "no pool"))
		return;
	for (int number = host; number < 2 * PARTS * PATTERNS; number += HOSTS) {
		int32_t status[TASKS];
		uint64_t sum = 0;
		forkpool_report report;
		const forkpool_opts opts = {
		        .chunk = 8, .retries = 2, .timeout = 60, .status = status, .report = &report};
		*attack = (struct attack){.part = (enum part)(number % PARTS),
		                          .pattern = (enum pattern)(number / PARTS % PATTERNS),
		                          .then = number % 3 == 0   ? AGAIN
		                                  : number % 3 == 1 ? CRASH
		                                                    : RETURN,
		                          .dice = dice_for(test_seed(), (uint64_t)number),
		                          .armed = 1};
		int returned = number % 2 == 0 ? forkpool_for_range(pool, range_task, TASKS, &opts)
		                               : forkpool_reduce(pool, fold_task, add, TASKS, &sum, sizeof sum, &opts);
		expect(returned >= 0 || returned == -EPROTO, "%s: %d, %s", attack_in_words(number), returned,
		       report.message);
		expect(adds_up(&report), "%s, with orphans: does not add up", attack_in_words(number));
		expect_clean(pool, number);
	}
	forkpool_destroy(pool);
}

START_TEST(calls_with_orphans_survive)
{
	run_hosts(HOSTS, attacked_with_orphans, NULL);
}
END_TEST

/* ---- What a worker can reach ---------------------------------------------------------------- */

/* Overwrites a word of the board, if it can. */
static int write_to_board(size_t index, void *ctx)
{
	struct span board = find_region("r--s");
	(void)ctx;
	if (board.begin == NULL)
		return 1;
	if (index == 3)
		((volatile char *)board.begin)[0] = 1;
	if (index == 5)
		((volatile char *)board.begin)[board.size - 1] = 1;
	return 0;
}

START_TEST(the_board_is_read_only)
{
	int32_t status[10];
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	ck_assert_int_eq(forkpool_for(pool, write_to_board, 10, &(forkpool_opts){.status = status, .report = &report}),
	                 2);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(status[i], i == 3 || i == 5 ? FORKPOOL_CRASHED : 0);
	ck_assert_int_eq(report.signal, SIGSEGV);
	forkpool_destroy(pool);
}
END_TEST

/* Where another pool's words are, in the host and in the workers of others. */
static char *of_another_pool;

static int write_to_another_pool(size_t index, void *ctx)
{
	(void)ctx;
	if (index == 3)
		((volatile char *)of_another_pool)[0] = 1;
	return 0;
}

static int do_nothing(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

/* A pool of threads in the host is at risk, too: its threads call what its board tells them. */
START_TEST(other_pools_are_out_of_reach)
{
	int32_t status[10];
	forkpool *other = pool_of(backend_id(_i), 2);
	of_another_pool = find_region("rw-s").begin;
	ck_assert_ptr_nonnull(of_another_pool);
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	ck_assert_int_eq(forkpool_for(pool, write_to_another_pool, 10, &(forkpool_opts){.status = status}), 1);
	ck_assert_int_eq(status[3], FORKPOOL_CRASHED);
	ck_assert_int_eq(forkpool_for(other, do_nothing, 10, NULL), 0);
	forkpool_destroy(other);
	forkpool_destroy(pool);
}
END_TEST

struct open_files {
	int doorbells, pipes, others;
	char name[100]; /* of one that should not be there */
};

/* Descriptors of this process that `inherited` does not list. */
static int look_at_descriptors(const void *item, void *result, void *ctx)
{
	const char *inherited = ctx;
	struct open_files *files = result;
	(void)item;
	memset(files, 0, sizeof *files);
	DIR *dir = opendir("/proc/self/fd");
	for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		int fd = atoi(entry->d_name);
		char path[300], target[100] = "";
		snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
		if (entry->d_name[0] == '.' || fd == dirfd(dir) || readlink(path, target, sizeof target - 1) < 0 ||
		    (fd < 1024 && inherited[fd]))
			continue;
		if (strstr(target, "eventfd") != NULL) {
			files->doorbells++;
		} else if (strncmp(target, "pipe:", 5) == 0) {
			files->pipes++;
		} else {
			files->others++;
			snprintf(files->name, sizeof files->name, "%s", target);
		}
	}
	if (dir != NULL)
		closedir(dir);
	return 0;
}

/* Not the region, no worker's pidfd, nothing of other pools. */
START_TEST(a_worker_holds_no_descriptor_but_its_doorbell)
{
	struct open_files files[20];
	char inherited[1024];
	for (int fd = 0; fd < 1024; fd++)
		inherited[fd] = fcntl(fd, F_GETFD) >= 0;
	forkpool *first = pool_of(FORKPOOL_PROCESSES, 2), *threads = pool_of(FORKPOOL_THREADS, 1);
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3), *last = pool_of(FORKPOOL_PROCESSES, 2);
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(
		        forkpool_map(pool, look_at_descriptors, NULL, 20, 0, files, sizeof *files,
		                     &(forkpool_opts){.ctx = inherited, .ctx_size = sizeof inherited, .chunk = 1}),
		        0);
		for (int i = 0; i < 20; i++) {
			ck_assert_msg(files[i].others == 0, "a worker holds %s", files[i].name);
			ck_assert_int_eq(files[i].doorbells, 1);
			ck_assert_int_eq(files[i].pipes, 1); /* that ends it with its parent */
		}
		ck_assert_int_eq(forkpool_refresh(pool), 0); /* now with all the others there */
	}
	forkpool_destroy(first);
	forkpool_destroy(threads);
	forkpool_destroy(pool);
	forkpool_destroy(last);
}
END_TEST

/* Cut off, it would be SIGBUS for the host.  Only root gets at it at all, by the mapping. */
static int cut_region_off(size_t index, void *ctx)
{
	struct span region = find_region("rw-s");
	char path[100];
	(void)index;
	(void)ctx;
	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)region.begin,
	         (unsigned long)(region.begin + region.size));
	int fd = open(path, O_RDWR);
	if (fd < 0)
		return 0;
	int cut = ftruncate(fd, 0) == 0 || ftruncate(fd, 1) == 0;
	close(fd);
	return cut;
}

START_TEST(the_region_cannot_be_cut_off)
{
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 1);
	ck_assert_int_eq(forkpool_for(pool, cut_region_off, 1, NULL), 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Sleepers --------------------------------------------------------------------------------- */

enum trick { NOBODY_WAITS, FULL, TRICKS };

struct trickster {
	enum trick trick;
	_Atomic uint32_t tricked;
};

/* Once the workers are asleep, their semaphores say that nobody is, or that no permit can be added. */
static void *trick_sleepers(void *arg)
{
	struct trickster *trickster = arg;
	struct ring_front *ring = (struct ring_front *)(void *)find_part(RING).begin;
	usleep(100 * 1000);
	for (int i = 0; i < 2; i++) {
		_Atomic uint32_t *words = (_Atomic uint32_t *)(void *)&ring->pairs[i].items;
		atomic_store(&words[trickster->trick == NOBODY_WAITS ? 1 : 0],
		             trickster->trick == NOBODY_WAITS ? 0 : (uint32_t)SEM_VALUE_MAX);
	}
	atomic_store(&trickster->tricked, 1);
	return NULL;
}

static int leave_a_trickster(size_t index, void *ctx)
{
	pthread_t thread;
	return index == 0 ? pthread_create(&thread, NULL, trick_sleepers, ctx) : 0;
}

START_TEST(sleepers_cannot_be_kept_asleep)
{
	struct trickster *trickster = evidence(sizeof *trickster);
	trickster->trick = (enum trick)_i;
	forkpool *pool = pool_from(&(forkpool_config){.workers = WORKERS, .spin_us = FORKPOOL_NO_SPIN});
	ck_assert_int_eq(forkpool_for(pool, leave_a_trickster, 10, &(forkpool_opts){.ctx = trickster, .inherited = 1}),
	                 0);
	ck_assert(wait_for(&trickster->tricked, 1));
	ck_assert_int_eq(forkpool_for(pool, do_nothing, 100, NULL), 0);
	forkpool_destroy(pool);
	/* And where the pool is to end at once. */
	trickster->tricked = 0;
	pool = pool_from(&(forkpool_config){.workers = WORKERS, .spin_us = FORKPOOL_NO_SPIN});
	ck_assert_int_eq(forkpool_for(pool, leave_a_trickster, 10, &(forkpool_opts){.ctx = trickster, .inherited = 1}),
	                 0);
	ck_assert(wait_for(&trickster->tricked, 1));
	forkpool_destroy(pool);
}
END_TEST

/* ---- Initializers ------------------------------------------------------------------------------- */

struct starter {
	enum pattern pattern;
	enum part part;
	_Atomic uint32_t started, harmful;
};

/* The last worker to start overwrites what the others have said by then. */
static int start_hostile(unsigned worker, void **state, void *arg)
{
	struct starter *starter = arg;
	(void)worker;
	(void)state;
	uint32_t before = atomic_fetch_add(&starter->started, 1);
	if (before % WORKERS != WORKERS - 1 || !starter->harmful)
		return 0;
	usleep(20 * 1000);
	struct span span = find_part(starter->part);
	dice d = dice_for(test_seed(), before);
	if (starter->pattern == RANDOM)
		dice_fill(&d, span.begin, span.size);
	else
		memset(span.begin, starter->pattern == ZEROS ? 0 : 0xff, span.size);
	return 0;
}

/* A pool is made or refused; in any case it is said, and one that was refused can be refreshed. */
START_TEST(an_initializer_that_overwrites)
{
	struct starter *starter = evidence(sizeof *starter);
	static const enum part parts[] = {RECORDS, RING, CONTROL};
	int refused = 0;
	for (int i = 0; i < 3; i++)
		for (enum pattern pattern = RANDOM; pattern < FLIPS; pattern++) {
			forkpool *pool = NULL;
			*starter = (struct starter){.pattern = pattern, .part = parts[i], .harmful = 1};
			forkpool_config config = {.workers = WORKERS, .initializer = start_hostile, .arg = starter};
			int error = forkpool_create(&pool, &config);
			ck_assert_msg(error == 0 || error == -EPROTO, "%s with %s: %d", part_names[parts[i]],
			              pattern_names[pattern], error);
			refused += error != 0;
			if (error == 0) {
				ck_assert_int_eq(forkpool_for(pool, do_nothing, 100, NULL), 0);
				forkpool_destroy(pool);
			}
			starter->harmful = 0;
			pool = pool_from(&config);
			starter->harmful = 1;
			error = forkpool_refresh(pool);
			ck_assert(error == 0 || error == -EPROTO);
			starter->harmful = 0;
			ck_assert_int_eq(forkpool_refresh(pool), 0);
			ck_assert_int_eq(forkpool_for(pool, do_nothing, 100, NULL), 0);
			forkpool_destroy(pool);
		}
	ck_assert_int_ge(refused, 1);
}
END_TEST

int main(void)
{
	need_processes();
	Suite *suite = suite_create("hostile");
	TCase *reach = test_case(suite, "what a worker can reach");
	tcase_add_test(reach, the_board_is_read_only);
	add_backend_test(reach, other_pools_are_out_of_reach);
	tcase_add_test(reach, a_worker_holds_no_descriptor_but_its_doorbell);
	tcase_add_test(reach, the_region_cannot_be_cut_off);
	TCase *others = test_case(suite, "others");
	tcase_add_loop_test(others, sleepers_cannot_be_kept_asleep, 0, TRICKS);
	tcase_add_test(others, an_initializer_that_overwrites);
	TCase *attacks = test_case(suite, "attacks");
	tcase_add_loop_test(attacks, a_map_survives_what_a_task_overwrites, 0, THENS);
	tcase_add_test(attacks, nothing_is_left_for_a_later_map);
	tcase_add_test(attacks, calls_with_orphans_survive);
	return run_suite(suite);
}
