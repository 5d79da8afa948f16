/*
 * run - carries out a plan: contenders in turn, round by round.
 *
 * A turn: the contender is let go, does its work, and is stopped.  Where the row leaves open how much work that is, it
 * is found out first, so that a turn takes some tens of milliseconds whoever's it is, and each turn begins with an
 * eighth of it that does not count; where requests are short and of a given size, a turn is many of them.  Rounds are
 * added as long as the row has time.  In each round another contender is first.
 */
#include "run.h"

#include "../bench.h"
#include "memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CONTENDERS = 64, FEWEST_ROUNDS = 6, FEWEST_QUICK = 3, MOST_ROUNDS = 25 };

static struct contender contenders[MOST_CONTENDERS];
static size_t contender_count;

/* ---- Contenders ------------------------------------------------------------------------- */

volatile sig_atomic_t run_interrupted;

static const char *wanted_names;

void run_restrict(const char *names)
{
	wanted_names = names;
}

static bool is_wanted(const char *name)
{
	size_t length = strlen(name);
	for (const char *at = wanted_names; at && *at; at += strcspn(at, ",")) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 && (at[length] == '\0' || at[length] == ','))
			return true;
	}
	return wanted_names == NULL;
}

/* It runs, or has said why it cannot. */
static struct contender *contender_of(const struct demand *demand)
{
	for (size_t i = 0; i < contender_count; i++)
		if (contenders[i].kind == demand->kind && contenders[i].workers == demand->workers)
			return &contenders[i];
	if (contender_count == MOST_CONTENDERS) {
		fputs("bench: too many contenders\n", stderr);
		exit(2);
	}
	struct contender *contender = &contenders[contender_count++];
	if (is_wanted(demand->kind->name))
		contender_start(contender, demand->kind, demand->workers);
	else
		*contender = (struct contender){
		        .kind = demand->kind, .workers = demand->workers, .missing = "not asked for"};
	return contender;
}

void run_note_peers(struct results *results)
{
	for (size_t i = 0; i < contender_count; i++) {
		const struct contender *contender = &contenders[i];
		size_t known = 0;
		while (known < results->peers && strcmp(results->peer[known].name, contender->kind->name) != 0)
			known++;
		if (known < results->peers)
			continue;
		results->peer = realloc(results->peer, (known + 1) * sizeof *results->peer);
		struct peer_version *peer = &results->peer[results->peers++];
		*peer = (struct peer_version){0};
		snprintf(peer->name, sizeof peer->name, "%s", contender->kind->name);
		snprintf(peer->version, sizeof peer->version, "%s", contender->version);
		snprintf(peer->missing, sizeof peer->missing, "%s", contender->missing);
	}
}

void run_end(void)
{
	for (size_t i = 0; i < contender_count; i++)
		contender_end(&contenders[i]);
	contender_count = 0;
}

/* ---- A turn -------------------------------------------------------------------------------- */

static double ask(struct entry *entry, struct contender *contender, const struct demand *demand, size_t count)
{
	double seconds =
	        contender_ask(contender, demand->work, count, demand->chunk, entry->missing, sizeof entry->missing);
	if (seconds >= 0)
		entry->missing[0] = '\0';
	return seconds;
}

static double value_of(const struct demand *demand, double seconds)
{
	double per = 1;
	if (demand->per == PER_COUNT)
		per = (double)demand->count;
	if (demand->per == PER_CHUNK)
		per = (double)demand->chunk;
	return seconds / (double)demand->repeats / per * demand->scale;
}

static double probe(const struct demand *demand, const struct contender *contender)
{
	struct memory_use use;
	if (memory_of_children(contender->pid, &use) != 0)
		return -1;
	switch (demand->probe) {
	case PROBE_PSS:
		return use.pss;
	case PROBE_PRIVATE:
		return use.private_dirty;
	default:
		return use.page_tables;
	}
}

/* The value, or a number < 0: the entry says why. */
static double turn(struct entry *entry, struct demand *demand)
{
	struct contender *contender = contender_of(demand);
	double seconds = 0;
	contender_wake(contender);
	if (demand->is_calibrated && demand->count > 16)
		seconds = ask(entry, contender, demand, demand->count / 8);
	if (seconds >= 0)
		seconds = 0;
	for (size_t i = 0; i < demand->repeats && seconds >= 0; i++) {
		double one = ask(entry, contender, demand, demand->count);
		seconds = one < 0 ? one : seconds + one;
	}
	double value = seconds < 0 ? seconds : value_of(demand, seconds);
	if (seconds >= 0 && demand->probe != PROBE_TIME)
		value = probe(demand, contender);
	contender_stop(contender);
	return value;
}

/* ---- How much, how often ---------------------------------------------------------------------- */

/* Finds count or repeats for turns of about `wanted` seconds.  False: it cannot do it at all. */
static bool calibrate(struct entry *entry, struct demand *demand, size_t most, double wanted)
{
	struct contender *contender = contender_of(demand);
	bool find_count = demand->count == 0;
	size_t limit = most ? most : (size_t)1 << 40, amount = 1;
	double seconds;
	contender_wake(contender);
	for (;;) {
		seconds = ask(entry, contender, demand, find_count ? amount : demand->count);
		if (find_count && seconds >= wanted * 0.7) { /* by chance? */
			double again = ask(entry, contender, demand, amount);
			seconds = again < seconds ? again : seconds;
		}
		if (seconds < 0 || !find_count || amount >= limit || seconds >= wanted * 0.7)
			break;
		double factor = seconds > 0 ? wanted / seconds : 10;
		amount = (size_t)((double)amount * (factor > 10 ? 10 : factor < 2 ? 2 : factor));
		amount = amount > limit ? limit : amount;
	}
	contender_stop(contender);
	demand->is_calibrated = find_count;
	if (find_count)
		demand->count = amount;
	else if (demand->repeats == 0 && seconds > 0 && seconds < wanted)
		amount = (size_t)(wanted / seconds) + 1;
	if (demand->repeats == 0)
		demand->repeats = find_count ? 1 : amount > 1000 ? 1000 : amount;
	return seconds >= 0;
}

/* ---- A row ---------------------------------------------------------------------------------------- */

static void run_round(struct plan_row *row, unsigned round)
{
	size_t count = row->row->count;
	for (size_t i = 0; i < count && !run_interrupted; i++) {
		size_t at = (i + round) % count;
		struct entry *entry = &row->row->entries[at];
		if (row->demand[at].kind == NULL || entry->missing[0] != '\0')
			continue;
		double value = turn(entry, &row->demand[at]);
		if (value >= 0)
			entry->values[round] = value;
		else if (entry->missing[0] == '\0')
			snprintf(entry->missing, sizeof entry->missing, "cannot be measured here");
		entry->rounds = value >= 0 ? round + 1 : 0;
	}
}

/* As many as there is time for; but enough for an interval.  Returns how many. */
static unsigned run_rounds(const struct plan *plan, struct plan_row *row)
{
	unsigned round = 0, fewest = plan->results->quick ? FEWEST_QUICK : FEWEST_ROUNDS;
	double end = bench_now() + row->seconds;
	while (round < MOST_ROUNDS && (round < fewest || bench_now() < end) && !run_interrupted)
		run_round(row, round++);
	return round;
}

static const struct entry *serial_of(const struct row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (strcmp(row->entries[i].contender, "serial") == 0)
			return &row->entries[i];
	return NULL;
}

/* The fastest of a set of entries; the first of them, if none has figures. */
static unsigned best_of(const struct row *row, unsigned set)
{
	unsigned best = (unsigned)__builtin_ctz(set);
	for (unsigned i = best + 1; i < row->count; i++)
		if (set >> i & 1 && row->entries[i].rounds > 0 &&
		    (row->entries[best].rounds == 0 ||
		     stats_median(row->entries[i].values, row->entries[i].rounds).median <
		             stats_median(row->entries[best].values, row->entries[best].rounds).median))
			best = i;
	return best;
}

/* Entries that follow from others. */
static void derive_entries(struct plan_row *row)
{
	for (size_t i = 0; i < row->row->count; i++) {
		const struct demand *demand = &row->demand[i];
		if (demand->kind != NULL)
			continue;
		struct entry *entry = &row->row->entries[i];
		const struct entry *source =
		        &row->row->entries[demand->best_of ? best_of(row->row, demand->best_of) : demand->source];
		entry->rounds = source->rounds;
		memmove(entry->missing, source->missing, sizeof entry->missing);
		for (unsigned round = 0; round < entry->rounds; round++)
			entry->values[round] = source->values[round] / demand->divisor;
	}
}

/* Times that are told as speed-ups. */
static void derive_speedups(struct plan_row *row)
{
	const struct entry *serial = serial_of(row->row);
	double base[MAX_ROUNDS];
	unsigned known = serial ? serial->rounds : 0;
	for (unsigned round = 0; round < known; round++)
		base[round] = serial->values[round];
	for (size_t i = 0; i < row->row->count; i++) {
		struct entry *entry = &row->row->entries[i];
		if (row->demand[i].per != PER_SPEEDUP || entry->rounds == 0)
			continue;
		if (known == 0)
			snprintf(entry->missing, sizeof entry->missing, "no serial to be compared with");
		entry->rounds = entry->rounds < known ? entry->rounds : known;
		for (unsigned round = 0; round < entry->rounds; round++)
			entry->values[round] = base[round] / entry->values[round];
	}
}

/* Of the rounds that both have; without any the comparison stands there undecided. */
static void compare(struct row *row)
{
	for (size_t i = 0; i < row->comparisons; i++) {
		struct comparison *comparison = &row->compared[i];
		const struct entry *a = &row->entries[comparison->a], *b = &row->entries[comparison->b];
		unsigned rounds = a->rounds < b->rounds ? a->rounds : b->rounds;
		if (rounds == 0)
			comparison->ratio = (struct interval){NAN, NAN, NAN, 0};
		else if (a == b)
			comparison->ratio = stats_median(a->values, rounds);
		else
			comparison->ratio = stats_ratio(a->values, b->values, rounds);
	}
}

/* Who cannot do it has said why. */
static void find_amounts(const struct plan *plan, struct plan_row *row)
{
	for (size_t i = 0; i < row->row->count; i++) {
		struct entry *entry = &row->row->entries[i];
		struct demand *demand = &row->demand[i];
		if (demand->kind == NULL)
			continue;
		bool is_given = demand->is_given || (demand->count > 0 && demand->repeats > 0);
		if (!is_given && !calibrate(entry, demand, row->most, plan->results->quick ? 0.015 : 0.05) &&
		    entry->missing[0] == '\0')
			snprintf(entry->missing, sizeof entry->missing, "%s", contender_of(demand)->missing);
		entry->tasks = demand->per == PER_COUNT ? (double)demand->count * (double)demand->repeats : 0;
	}
}

void run_row(struct plan *plan, struct plan_row *row)
{
	double begun = bench_now();
	find_amounts(plan, row);
	unsigned rounds = run_rounds(plan, row);
	derive_entries(row);
	derive_speedups(row);
	compare(row->row);
	if (getenv("BENCH_VERBOSE"))
		fprintf(stderr, "%s: %u rounds, %.1f s\n", row->row->id, rounds, bench_now() - begun);
	if (row->is_last) {
		run_note_peers(plan->results);
		run_end();
	}
}
