/*
 * race.c - the same map by several pools, in turns, so that whatever else the machine does meets all of them.
 *
 * All pools are there from the beginning and wait; those whose turn it is not are asleep.  In a turn a map is
 * run as often as it takes to be seen by the clock.  Each round begins with another contender.  The answers
 * are compared with those of the first contender after each turn, outside of what is timed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "race.h"

#define TURN 0.005 /* seconds that a turn takes at least */
enum { MOST_MAPS = 1000, FEWEST_ROUNDS = 3 };

const char *race_name(const struct contender *contender, char *text, size_t size)
{
	if (contender->backend == FORKPOOL_SERIAL)
		snprintf(text, size, "serial");
	else
		snprintf(text, size, "%s with %u worker%s", backend_name(contender->backend), contender->workers,
		         contender->workers > 1 ? "s" : "");
	return text;
}

/* ---- a crash that no trial has shown -------------------------------------------------- */

static char last_words[192]; /* what a signal handler can still say */
static pid_t owner;

static void say_and_end(int number)
{
	if (owner == getpid() && write(STDERR_FILENO, last_words, strlen(last_words)) < 0)
		_exit(EXIT_TROUBLE);
	signal(number, SIG_DFL);
	raise(number); /* takes effect when this returns */
}

static void expect_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

	owner = getpid();
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], say_and_end);
}

static void prepare_last_words(const struct contender *contender)
{
	char name[64];

	snprintf(last_words, sizeof last_words,
	         "forkpool bench: your function crashed on %s, which ends the program; it is safe on processes\n",
	         race_name(contender, name, sizeof name));
}

/* ---- answers --------------------------------------------------------------------------- */

static int same_at(const struct race *race, const struct contender *contender, size_t index)
{
	const struct lane *lane = &contender->lane, *first = &race->contenders->lane;
	size_t size = race->work.function->result_size;

	if (lane->status[index] != first->status[index])
		return 0;
	return lane->status[index] != 0 ||
	       memcmp(lane->results + index * size, first->results + index * size, size) == 0;
}

static void print_answer(const struct race *race, const struct contender *contender, size_t index, char *text)
{
	const struct function *function = race->work.function;

	*text = '\0';
	if (contender->lane.status[index] != 0)
		snprintf(text, NUMBER_TEXT, "a failure");
	else if (function->plugin.result_length == 1)
		text[function->result->print(contender->lane.results + index * function->result_size, text)] = '\0';
}

static void compare_answers(const struct race *race, struct contender *contender)
{
	const struct contender *first = race->contenders;
	size_t count = race->work.input->count, index = 0;

	if (contender->differs || contender == first)
		return;
	if (contender->unsuccessful == 0 && first->unsuccessful == 0 &&
	    memcmp(contender->lane.results, first->lane.results, count * race->work.function->result_size) == 0)
		return;
	while (index < count && same_at(race, contender, index))
		index++;
	if (index == count)
		return;
	contender->differs = 1;
	contender->where = index;
	print_answer(race, first, index, contender->answer[0]);
	print_answer(race, contender, index, contender->answer[1]);
}

/* ---- turns ----------------------------------------------------------------------------- */

struct contender *race_turn(const struct race *race, unsigned round, size_t turn)
{
	return &race->contenders[(round + turn) % race->count];
}

/* Until the workers of the turn before have stopped looking for work. */
static void let_others_sleep(const struct race *race)
{
	unsigned spin = race->work.spin_us == FORKPOOL_NO_SPIN ? 0 : race->work.spin_us;

	nanosleep(&(struct timespec){0, (1000 + spin) * 1000L}, NULL);
}

/* Statuses and a report cost time: they are taken while warming up, and where a task does not succeed. */
static int run_map(const struct race *race, struct contender *contender, int warming_up)
{
	forkpool_report report = {0}, *wanted = warming_up || contender->unsuccessful > 0 ? &report : NULL;
	int unsuccessful = lane_run(&contender->lane, &race->work, wanted);

	if (wanted && (warming_up || contender->report.tasks == contender->report.succeeded))
		contender->report = report;
	if (unsuccessful > contender->unsuccessful)
		contender->unsuccessful = unsuccessful;
	return unsuccessful < 0 ? -1 : 0;
}

static int take_turn(const struct race *race, struct contender *contender, int warming_up, double *seconds)
{
	int before = contender->unsuccessful;
	double start;

	prepare_last_words(contender);
	let_others_sleep(race);
	start = lane_clock();
	for (unsigned i = 0; i < contender->maps; i++)
		if (run_map(race, contender, warming_up))
			return -1;
	*seconds = (lane_clock() - start) / contender->maps;
	if (warming_up || contender->unsuccessful == before) /* else the statuses are not known */
		compare_answers(race, contender);
	return 0;
}

/* ---- progress -------------------------------------------------------------------------- */

struct watch {
	double start;
	int wanted, shown;
};

static void show_turn(struct watch *watch, unsigned round, const struct contender *contender)
{
	double elapsed = lane_clock() - watch->start;
	char name[64], which[32] = "warming up";

	if (!watch->wanted || elapsed < 1)
		return;
	if (round > 0)
		snprintf(which, sizeof which, "round %u", round);
	fprintf(stderr, "\r%s, %.0f s, %s\033[K", which, elapsed, race_name(contender, name, sizeof name));
	watch->shown = 1;
}

static void end_watch(const struct watch *watch)
{
	if (watch->shown)
		fputs("\r\033[K", stderr);
}

/* ---- rounds ---------------------------------------------------------------------------- */

static int warm_up(struct race *race, struct watch *watch)
{
	for (size_t turn = 0; turn < race->count; turn++) {
		struct contender *contender = &race->contenders[turn];
		double seconds;
		show_turn(watch, 0, contender);
		contender->maps = 1;
		if (take_turn(race, contender, 1, &seconds))
			return -1;
		contender->maps = seconds * MOST_MAPS < TURN ? MOST_MAPS : (unsigned)(TURN / seconds) + 1;
	}
	return 0;
}

static int run_round(struct race *race, struct watch *watch)
{
	for (size_t turn = 0; turn < race->count; turn++) {
		struct contender *contender = race_turn(race, race->rounds, turn);
		show_turn(watch, race->rounds + 1, contender);
		if (take_turn(race, contender, 0, &contender->seconds[race->rounds]))
			return -1;
	}
	race->rounds++;
	return 0;
}

/* `last`: how long the last round took. */
static int another_round(const struct race *race, double start, double last)
{
	if (race->repetitions > 0)
		return race->rounds < race->repetitions;
	return race->rounds < FEWEST_ROUNDS ||
	       (race->rounds < RACE_ROUNDS && lane_clock() + last - start < race->seconds);
}

static int run_rounds(struct race *race)
{
	struct watch watch = {.start = lane_clock(), .wanted = !race->work.quiet && isatty(STDERR_FILENO)};
	int failed = warm_up(race, &watch);
	double last = 0;

	while (!failed && another_round(race, watch.start, last)) {
		double start = lane_clock();
		failed = run_round(race, &watch);
		last = lane_clock() - start;
	}
	end_watch(&watch);
	return failed;
}

/* ---- contenders ------------------------------------------------------------------------ */

/* Each number up to 8, then 12, 16, 24, 32, ..., and the most. */
static unsigned next_workers(unsigned workers, unsigned most)
{
	unsigned next = workers + 1;

	if (workers >= 8)
		next = (workers & (workers - 1)) == 0 ? workers / 2 * 3 : workers / 3 * 4;
	return workers < most && next > most ? most : next;
}

static void add_contenders(struct race *race, int backend)
{
	unsigned most = backend == FORKPOOL_SERIAL ? 1 : race->work.workers;

	for (unsigned workers = 1; race->backends[backend] && workers <= most; workers = next_workers(workers, most))
		race->contenders[race->count++] = (struct contender){.backend = backend, .workers = workers};
}

/* Processes are forked before there are threads beside them. */
static int open_lanes(struct race *race, int backend)
{
	for (size_t i = 0; i < race->count; i++) {
		struct contender *contender = &race->contenders[i];
		if (contender->backend == backend &&
		    lane_open(&contender->lane, &race->work, backend, contender->workers))
			return -1;
	}
	return 0;
}

int race_run(struct race *race)
{
	enum { MOST = 1 + 2 * 32 }; /* next_workers() takes at most 26 steps to FORKPOOL_MAX_WORKERS */

	race->contenders = calloc(MOST, sizeof *race->contenders);
	if (!race->contenders) {
		complain("no memory for the figures");
		return -1;
	}
	add_contenders(race, FORKPOOL_SERIAL);
	add_contenders(race, FORKPOOL_THREADS);
	add_contenders(race, FORKPOOL_PROCESSES);
	if (open_lanes(race, FORKPOOL_PROCESSES) || open_lanes(race, FORKPOOL_THREADS) ||
	    open_lanes(race, FORKPOOL_SERIAL))
		return -1;
	expect_crashes();
	return run_rounds(race);
}

void race_judge(struct race *race)
{
	double least = (double)race->work.input->count;

	for (size_t i = 0; i < race->count; i++) {
		struct contender *contender = &race->contenders[i];
		contender->time = stats_median(contender->seconds, race->rounds);
		contender->speed_up = stats_ratio(race->contenders->seconds, contender->seconds, race->rounds);
		contender->perfect = contender->workers < race->cpus ? contender->workers : race->cpus;
		contender->perfect = contender->perfect < least ? contender->perfect : least;
	}
}

void race_free(struct race *race)
{
	for (size_t i = 0; i < race->count; i++)
		lane_close(&race->contenders[i].lane);
	free(race->contenders);
}
