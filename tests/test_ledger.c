/*
 * The ledger on its own: what its words can hold, and that claims and cancellations by threads and
 * processes that contend for the same words never overlap.
 */
#include "../src/ledger.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 20000, CLAIMERS = 4 };

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

START_TEST(words_hold_their_limits)
{
	uint64_t most = (1u << 30) - 1;
	uint64_t done = ledger_done(most, most) | LEDGER_STOLEN;
	ck_assert_int_eq(ledger_state(done), LEDGER_DONE);
	ck_assert_uint_eq(ledger_failed(done), most);
	ck_assert_uint_eq(ledger_cancelled(ledger_done(3, most)), most);
	ck_assert_uint_eq(ledger_failed(ledger_done(3, most)), 3);
	uint64_t running = ledger_running(4095, UINT32_MAX);
	ck_assert_int_eq(ledger_state(running), LEDGER_RUNNING);
	ck_assert(ledger_is_running(running | LEDGER_STOLEN, running));
	ck_assert(!ledger_is_running(running, ledger_running(4094, UINT32_MAX)));
	ck_assert(!ledger_is_running(running, ledger_running(4095, 0)));
	ck_assert_int_eq(ledger_state(ledger_orphan(UINT32_MAX)), LEDGER_ORPHAN);
	ck_assert_uint_ne(ledger_orphan(1), ledger_orphan(2));
}
END_TEST

START_TEST(a_claim_names_its_claimer_and_excludes_all_others)
{
	ledger_word word = LEDGER_TODO;
	uint64_t first = ledger_running(1, 1), second = ledger_running(2, 1);
	ck_assert(ledger_claim(&word, LEDGER_TODO, first));
	ck_assert(!ledger_claim(&word, LEDGER_TODO, second));
	ck_assert(ledger_is_running(ledger_read(&word), first));
	ledger_finish(&word, ledger_done(2, 1));
	ck_assert(ledger_settled(ledger_read(&word)));
	ck_assert(!ledger_claim(&word, LEDGER_TODO, second));
}
END_TEST

START_TEST(an_overtaken_offer_cannot_be_claimed)
{
	ledger_word word = ledger_orphan(8) | LEDGER_STOLEN;
	ck_assert(!ledger_claim(&word, ledger_orphan(7) | LEDGER_STOLEN, ledger_running(1, 1)));
	ck_assert(ledger_claim(&word, ledger_orphan(8) | LEDGER_STOLEN, ledger_running(1, 1) | LEDGER_STOLEN));
}
END_TEST

START_TEST(cancelling_spares_what_is_claimed)
{
	ledger_word words[5] = {LEDGER_TODO, ledger_running(1, 1), ledger_done(1, 0), ledger_orphan(1) | LEDGER_STOLEN,
	                        LEDGER_TODO};
	ck_assert_uint_eq(ledger_cancel(words, 5), 3);
	ck_assert_int_eq(ledger_state(words[0]), LEDGER_CANCELLED);
	ck_assert_int_eq(ledger_state(words[1]), LEDGER_RUNNING);
	ck_assert_int_eq(ledger_state(words[2]), LEDGER_DONE);
	ck_assert_uint_eq(words[3], LEDGER_CANCELLED | LEDGER_STOLEN);
	ck_assert_uint_eq(ledger_pass_settled(words, 0, 5), 1);
	ledger_finish(&words[1], ledger_done(0, 0));
	ck_assert_uint_eq(ledger_pass_settled(words, 0, 5), 5);
}
END_TEST

/* ---- Contention ---- */

struct contest {
	ledger_word words[WORDS];
	_Atomic uint32_t claims[WORDS]; /* how often each was claimed */
	_Atomic uint32_t ready;
};

/* Claims what it can, in an order of its own, and finishes it. */
static void claim_all(struct contest *contest, unsigned slot)
{
	atomic_fetch_add(&contest->ready, 1);
	while (atomic_load(&contest->ready) < CLAIMERS)
		;
	for (size_t i = 0; i < WORDS; i++) {
		size_t at = slot % 2 == 0 ? i : WORDS - 1 - i;
		if (ledger_claim(&contest->words[at], LEDGER_TODO, ledger_running(slot, 1))) {
			atomic_fetch_add(&contest->claims[at], 1);
			ledger_finish(&contest->words[at], ledger_done(slot, 0));
		}
	}
}

static void check_each_claimed_once(const struct contest *contest)
{
	for (size_t i = 0; i < WORDS; i++) {
		ck_assert_msg(contest->claims[i] == 1, "word %zu was claimed %u times", i, contest->claims[i]);
		ck_assert_int_eq(ledger_state(contest->words[i]), LEDGER_DONE);
	}
}

struct claimer {
	struct contest *contest;
	unsigned slot;
};

static void *claim_in_thread(void *arg)
{
	struct claimer *claimer = arg;
	claim_all(claimer->contest, claimer->slot);
	return NULL;
}

START_TEST(threads_claim_each_word_once)
{
	struct contest *contest = calloc(1, sizeof *contest);
	struct claimer claimers[CLAIMERS];
	pthread_t threads[CLAIMERS];
	for (unsigned i = 0; i < CLAIMERS; i++) {
		claimers[i] = (struct claimer){contest, i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_in_thread, &claimers[i]), 0);
	}
	for (unsigned i = 0; i < CLAIMERS; i++)
		pthread_join(threads[i], NULL);
	check_each_claimed_once(contest);
	free(contest);
}
END_TEST

START_TEST(processes_claim_each_word_once)
{
	struct contest *contest = shared_memory(sizeof *contest);
	for (unsigned i = 0; i < CLAIMERS; i++)
		if (fork() == 0) {
			claim_all(contest, i);
			_exit(0);
		}
	for (unsigned i = 0; i < CLAIMERS; i++)
		ck_assert_int_gt(wait(NULL), 0);
	check_each_claimed_once(contest);
	munmap(contest, sizeof *contest);
}
END_TEST

START_TEST(a_word_is_claimed_or_cancelled_never_both)
{
	struct contest *contest = calloc(1, sizeof *contest);
	struct claimer claimers[CLAIMERS - 1];
	pthread_t threads[CLAIMERS - 1];
	for (unsigned i = 0; i < CLAIMERS - 1; i++) {
		claimers[i] = (struct claimer){contest, i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_in_thread, &claimers[i]), 0);
	}
	atomic_fetch_add(&contest->ready, 1);
	size_t cancelled = ledger_cancel(contest->words, WORDS), found = 0;
	for (unsigned i = 0; i < CLAIMERS - 1; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < WORDS; i++) {
		bool is_cancelled = ledger_state(contest->words[i]) == LEDGER_CANCELLED;
		ck_assert_uint_eq(contest->claims[i], is_cancelled ? 0 : 1);
		found += is_cancelled;
	}
	ck_assert_uint_eq(found, cancelled);
	free(contest);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = tcase_create("words");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, words_hold_their_limits);
	tcase_add_test(tcase, a_claim_names_its_claimer_and_excludes_all_others);
	tcase_add_test(tcase, an_overtaken_offer_cannot_be_claimed);
	tcase_add_test(tcase, cancelling_spares_what_is_claimed);
	tcase_add_test(tcase, threads_claim_each_word_once);
	tcase_add_test(tcase, processes_claim_each_word_once);
	tcase_add_test(tcase, a_word_is_claimed_or_cancelled_never_both);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
