/*
 * peers - do the pools that forkpool is compared with compute what they are asked for?  Each index once, ranges that
 * cover all and overlap nowhere, as many workers as were wanted, and nothing left when they stop.
 *
 * It takes the place of bench/peers/peer.c: each peer is linked with it once, into a test of its own.
 */
#include "peers/peer.h"
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 100000, PATIENCE = 60 };

/* In memory that the workers share. */
struct board {
	atomic_uint calls[MOST + 1];     /* of each index; the last is of none */
	atomic_size_t longest, shortest; /* range */
	atomic_uint arrived, expected;   /* at meet() */
	int items[MOST], results[MOST + 1];
};

static const struct peer *peer;
static const char *variant = "";
static struct board *board; /* set before the workers are forked */

static _Noreturn void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "peers: %s%s", variant, *variant ? ": " : "");
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

double peer_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int touch(size_t index, void *ctx)
{
	struct board *to = ctx ? ctx : board;
	atomic_fetch_add(&to->calls[index < MOST ? index : MOST], 1);
	return 0;
}

static int touch_range(size_t begin, size_t end, void *ctx)
{
	struct board *to = ctx;
	size_t length = end > begin ? end - begin : 0;
	for (size_t longest = atomic_load(&to->longest);
	     length > longest && !atomic_compare_exchange_weak(&to->longest, &longest, length);)
		;
	for (size_t shortest = atomic_load(&to->shortest);
	     length < shortest && !atomic_compare_exchange_weak(&to->shortest, &shortest, length);)
		;
	for (size_t i = begin; i < end; i++)
		touch(i, ctx);
	return 0;
}

static int thrice(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int *)result = 3 * *(const int *)item;
	return 0;
}

/* Everybody waits for the others: only if there are as many workers as tasks do all of them come. */
static int meet(size_t index, void *ctx)
{
	struct board *at = ctx;
	double patience = peer_now() + PATIENCE;
	atomic_fetch_add(&at->arrived, 1);
	while (atomic_load(&at->arrived) < atomic_load(&at->expected) && peer_now() < patience)
		sched_yield();
	return touch(index, ctx);
}

/* ---- The calls ---------------------------------------------------------------------------- */

static void clear(void)
{
	memset(board, 0, sizeof *board);
	atomic_store(&board->shortest, SIZE_MAX);
}

static void expect_each_once(const char *call, size_t count, size_t chunk)
{
	for (size_t i = 0; i <= MOST; i++) {
		unsigned calls = atomic_load(&board->calls[i]), expected = i < count;
		if (calls != expected)
			fail("%s of %zu, chunk %zu: %u calls of index %zu instead of %u", call, count, chunk, calls, i,
			     expected);
	}
}

static void expect_success(const char *call, int error)
{
	if (error)
		fail("%s: %s", call, strerror(-error));
}

static void check_each(size_t count, size_t chunk)
{
	clear();
	expect_success("each", peer->each(count, chunk, touch, board));
	expect_each_once("each", count, chunk);
}

static void check_ranges(size_t count, size_t chunk)
{
	clear();
	expect_success("ranges", peer->ranges(count, chunk, touch_range, board));
	expect_each_once("ranges", count, chunk);
	if (atomic_load(&board->shortest) == 0)
		fail("ranges of %zu, chunk %zu: an empty range", count, chunk);
	if (chunk > 0 && atomic_load(&board->longest) > chunk)
		fail("ranges of %zu, chunk %zu: a range of %zu", count, chunk, atomic_load(&board->longest));
}

static void check_map(size_t count)
{
	clear();
	for (size_t i = 0; i < count; i++)
		board->items[i] = (int)i + 1;
	expect_success("map", peer->map(thrice, board->items, count, sizeof(int), board->results, sizeof(int)));
	for (size_t i = 0; i <= count; i++) {
		int expected = i < count ? 3 * ((int)i + 1) : 0;
		if (board->results[i] != expected)
			fail("map of %zu: result %zu is %d instead of %d", count, i, board->results[i], expected);
	}
}

static void check_jobs(size_t count)
{
	clear();
	expect_success("jobs", peer->jobs(count, touch));
	expect_each_once("jobs", count, 1);
}

static void check_workers(unsigned workers)
{
	clear();
	atomic_store(&board->expected, workers);
	double begin = peer_now();
	expect_success("each", peer->each(workers, 1, meet, board));
	expect_each_once("each", workers, 1);
	if (peer_now() - begin >= PATIENCE)
		fail("%u tasks that wait for each other were not run by %u workers at once", workers, workers);
}

static void check_calls(void)
{
	static const size_t counts[] = {0, 1, 2, 12345, MOST}, chunks[] = {0, 1, 7, 1000};
	for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
		for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
			check_each(counts[n], chunks[c]);
			if (peer->ranges)
				check_ranges(counts[n], chunks[c]);
		}
		if (peer->map)
			check_map(counts[n]);
	}
	if (peer->jobs)
		check_jobs(1000);
}

/* ---- What is left ------------------------------------------------------------------------- */

static unsigned entries(const char *path)
{
	unsigned count = 0;
	DIR *directory = opendir(path);
	if (!directory)
		fail("%s: %s", path, strerror(errno));
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* A thread that was joined is seen in /proc for another moment. */
static void expect_threads(unsigned before)
{
	for (double patience = peer_now() + PATIENCE; entries("/proc/self/task") > before;) {
		if (peer_now() > patience)
			fail("stopped, and there are %u threads more than before", entries("/proc/self/task") - before);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void expect_nothing_left(unsigned threads, unsigned descriptors)
{
	expect_threads(threads);
	if (entries("/proc/self/fd") != descriptors)
		fail("stopped, and there are %u open files instead of %u", entries("/proc/self/fd"), descriptors);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		fail("stopped, and a child is left");
}

static void check_life(unsigned workers, bool all_calls)
{
	unsigned threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
	expect_success("start", peer->start(workers));
	check_workers(workers);
	if (all_calls)
		check_calls();
	peer->stop();
	peer->stop(); /* what is not there is stopped already */
	expect_nothing_left(threads, descriptors);
}

/* Memory that is taken again is fresh. */
static void check_memory(void)
{
	for (int again = 0; again < 2; again++) {
		char *memory = peer->take(MOST);
		if (!memory)
			fail("take: no memory");
		for (size_t i = 0; i < MOST; i++)
			if (memory[i] != 0)
				fail("take: byte %zu is %d", i, memory[i]);
		memset(memory, 1, MOST);
		peer->give(memory, MOST);
	}
}

static void *idle(void *unused)
{
	return unused;
}

/* ThreadSanitizer has a thread of its own from then on, which is not to be counted as left behind. */
static void make_first_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, idle, NULL) != 0 || pthread_join(thread, NULL) != 0)
		fail("no thread");
}

static void check_all(void)
{
	char text[200] = "";
	peer->version(text, sizeof text);
	if (!*text || strchr(text, '\n'))
		fail("version: '%s'", text);
	board = peer->take ? peer->take(sizeof *board) : calloc(1, sizeof *board);
	if (!board)
		fail("no memory");
	check_life(2, true);
	check_life(3, false);
	check_life(1, false);
	if (peer->take) {
		peer->give(board, sizeof *board);
		check_memory();
	} else {
		free(board);
	}
	printf("peers: %s%s%s: right\n", text, *variant ? ", " : "", variant);
}

/* A peer that takes arguments is tried with each that it knows. */
int peer_main(const struct peer *the_peer, int argc, char **argv)
{
	static const char *const variants[] = {"static", "dynamic", "guided"};
	(void)argc, (void)argv;
	peer = the_peer;
	make_first_thread();
	if (!peer->argument) {
		check_all();
		return EXIT_SUCCESS;
	}
	if (peer->argument("no such argument"))
		fail("it takes any argument");
	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
		variant = variants[i];
		if (!peer->argument(variant))
			fail("unknown");
		check_all();
	}
	return EXIT_SUCCESS;
}
