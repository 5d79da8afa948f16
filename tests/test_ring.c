/*
 * The ring on its own: order, fullness, permits; that each entry is taken at most once by consumers
 * that are processes, some of whom are killed; and that a killed sleeper keeps nobody asleep.
 */
#include "../src/ring.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CAPACITY = 64, CONSUMERS = 4, ENTRIES = 100000 };

/* What parent and consumers share. */
struct board {
	struct ring_front front;
	_Alignas(CACHE_LINE) _Atomic uint32_t parked[CONSUMERS];
	_Atomic uint32_t looks[CONSUMERS]; /* permits each has taken */
	_Atomic uint32_t taken[ENTRIES];   /* how often each entry was taken */
	_Alignas(CACHE_LINE) char back[sizeof(struct ring_back) + CAPACITY * sizeof(struct ring_slot)];
};

static struct board *board;
static struct ring ring;

static void setup(void)
{
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
	ck_assert_uint_eq(ring_back_size(CAPACITY), sizeof board->back);
	ring_init(&ring, (struct ring_back *)(void *)board->back, &board->front, CAPACITY);
}

static void teardown(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	munmap(board, sizeof *board);
}

START_TEST(entries_come_in_order)
{
	struct ring_entry entry;
	ck_assert(!ring_pop(&ring, &entry));
	for (uint64_t i = 0; i < 3 * CAPACITY; i++) {
		ck_assert(ring_push(&ring, (struct ring_entry){i, i + 1, i + 2}));
		ck_assert(ring_push(&ring, (struct ring_entry){i + 1000, 0, 0}));
		ck_assert(ring_pop(&ring, &entry));
		ck_assert(entry.job == i && entry.first == i + 1 && entry.last == i + 2);
		ck_assert(ring_pop(&ring, &entry));
		ck_assert_uint_eq(entry.job, i + 1000);
	}
	ck_assert(!ring_pop(&ring, &entry));
}
END_TEST

START_TEST(a_full_ring_refuses_and_recovers)
{
	struct ring_entry entry;
	for (uint64_t i = 0; i < CAPACITY; i++)
		ck_assert(ring_push(&ring, (struct ring_entry){.job = i}));
	ck_assert(!ring_push(&ring, (struct ring_entry){.job = 99}));
	ck_assert(ring_pop(&ring, &entry));
	ck_assert_uint_eq(entry.job, 0);
	ck_assert(ring_push(&ring, (struct ring_entry){.job = CAPACITY}));
	for (uint64_t i = 1; i <= CAPACITY; i++) {
		ck_assert(ring_pop(&ring, &entry));
		ck_assert_uint_eq(entry.job, i);
	}
}
END_TEST

START_TEST(waiting_entries_are_seen_beyond_a_tail)
{
	struct ring_entry entry;
	ck_assert(!ring_waits_beyond(&ring, 0));
	ring_push(&ring, (struct ring_entry){.job = 1});
	ck_assert(ring_waits_beyond(&ring, 0));
	ck_assert(!ring_waits_beyond(&ring, 1));
	ring_pop(&ring, &entry);
	ck_assert(!ring_waits_beyond(&ring, 0));
}
END_TEST

START_TEST(a_scribbled_head_makes_the_ring_full_and_no_worse)
{
	atomic_store(&board->front.head, UINT64_MAX / 2);
	ck_assert(!ring_push(&ring, (struct ring_entry){.job = 1}));
	ring_renew(&ring, board->parked, sizeof *board->parked, CONSUMERS);
	ck_assert(!ring_push(&ring, (struct ring_entry){.job = 1}));
}
END_TEST

/* ---- Consumers that are processes ---- */

static void consume(unsigned slot, uint32_t permits)
{
	struct ring_entry entry;
	while (board->looks[slot] < permits) {
		ring_sleep(&ring, &board->parked[slot]);
		atomic_fetch_add(&board->looks[slot], 1);
		while (ring_pop(&ring, &entry))
			if (entry.job < ENTRIES)
				atomic_fetch_add(&board->taken[entry.job], 1);
	}
	_exit(0);
}

static pid_t start_consumer(unsigned slot, uint32_t permits)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		consume(slot, permits);
	return pid;
}

static void end_consumers(const pid_t *pids)
{
	for (unsigned i = 0; i < CONSUMERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

START_TEST(processes_take_each_entry_once)
{
	pid_t pids[CONSUMERS];
	for (unsigned i = 0; i < CONSUMERS; i++)
		pids[i] = start_consumer(i, UINT32_MAX);
	for (uint64_t i = 0; i < ENTRIES;) {
		i += ring_push(&ring, (struct ring_entry){.job = i});
		ring_post(&ring, 1);
	}
	for (uint64_t i = 0; i < ENTRIES; i++)
		while (board->taken[i] == 0)
			nap(); /* a hang here is caught by the time-out */
	for (uint64_t i = 0; i < ENTRIES; i++)
		ck_assert_uint_eq(board->taken[i], 1);
	end_consumers(pids);
}
END_TEST

/* Kills one after the other while entries flow: an entry may be lost with its taker, none is taken
 * twice, and the ring goes on. */
START_TEST(killed_consumers_hold_neither_entries_nor_places)
{
	enum { KILLS = 100 };
	uint64_t pushed = 0;
	pid_t pids[CONSUMERS];
	for (unsigned i = 0; i < CONSUMERS; i++)
		pids[i] = start_consumer(i, UINT32_MAX);
	for (unsigned kills = 0; kills < KILLS; kills++) {
		unsigned slot = kills % CONSUMERS;
		for (int i = 0; i < 200; i++) {
			pushed += ring_push(&ring, (struct ring_entry){.job = pushed});
			ring_post(&ring, 1);
		}
		kill(pids[slot], SIGKILL);
		ck_assert_int_eq(waitpid(pids[slot], NULL, 0), pids[slot]);
		atomic_store(&board->parked[slot], 0);
		ring_renew(&ring, board->parked, sizeof *board->parked, CONSUMERS);
		pids[slot] = start_consumer(slot, UINT32_MAX);
	}
	struct ring_entry last = {.job = pushed};
	while (!ring_push(&ring, last))
		ring_post(&ring, 1);
	ring_post(&ring, CONSUMERS);
	while (board->taken[last.job] == 0)
		nap();
	uint64_t lost = 0;
	for (uint64_t i = 0; i <= pushed; i++) {
		ck_assert_uint_le(board->taken[i], 1);
		lost += board->taken[i] == 0;
	}
	ck_assert_uint_le(lost, KILLS);
	end_consumers(pids);
}
END_TEST

/* Sleepers are killed; after ring_renew() each of the others has a look. */
START_TEST(renewing_wakes_every_sleeper)
{
	for (int round = 0; round < 20; round++) {
		pid_t pids[CONSUMERS];
		for (unsigned i = 0; i < CONSUMERS; i++) {
			atomic_store(&board->looks[i], 0);
			pids[i] = start_consumer(i, 1);
			while (board->parked[i] == 0)
				nap();
		}
		kill(pids[0], SIGKILL);
		ck_assert_int_eq(waitpid(pids[0], NULL, 0), pids[0]);
		atomic_store(&board->parked[0], 0);
		ring_renew(&ring, board->parked, sizeof *board->parked, CONSUMERS);
		for (unsigned i = 1; i < CONSUMERS; i++)
			ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
		while (ring_try(&ring))
			;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("ring");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, entries_come_in_order);
	tcase_add_test(tcase, a_full_ring_refuses_and_recovers);
	tcase_add_test(tcase, waiting_entries_are_seen_beyond_a_tail);
	tcase_add_test(tcase, a_scribbled_head_makes_the_ring_full_and_no_worse);
	tcase_add_test(tcase, processes_take_each_entry_once);
	tcase_add_test(tcase, killed_consumers_hold_neither_entries_nor_places);
	tcase_add_test(tcase, renewing_wakes_every_sleeper);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
