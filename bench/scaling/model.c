/*
 * model - the engine on the simulated machine.  See model.h.  A step is what is done at one moment; its name says what
 * has just come true, and it ends by saying what the actor does next.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

enum {
	WORDS_A_LINE = 8,
	WORDS_A_PAGE = 512,
	ENTRY_BYTES = 24,
	IN_ORDER = 16,
	SCRATCH_WORDS = 512,
	LONG_SLEEP_NS = 100000,
	START_NS = 1000
};
#define TURN_NS 100000.0

enum word { TODO, RUNNING, DONE };

struct chunk_word {
	uint8_t state;
	uint8_t runs;
	bool stolen;
};

struct entry {
	uint64_t job;
	size_t first, last;
};

struct job_slot {
	uint64_t number; /* 0: closed */
	bool used;       /* until nobody pins it */
	uint64_t last_number;
	size_t chunks, ranges, entries, cursor;
	uint64_t last_entry, finished;
	struct chunk_word *words;
	struct line *ledger, *pages;
};

struct worker {
	struct actor actor;
	uint64_t pin, job;
	uint64_t expected; /* of the ring's head */
	struct entry entry;
	size_t chunk, last, step, first_chunk, range;
	uint64_t slots; /* to steal from, still */
	uint64_t turn_end, spin_until, done;
	unsigned visited, to_post;
	step *after_waking;
	uint64_t own_job; /* the last one of which it has begun its own range without an entry */
	bool stealing, found, left, owes, early, dead;
};

struct parent {
	struct actor actor;
	unsigned opened, closed;
	uint64_t serial, noted, spin_until;
	unsigned slot, pushed, posted, sweeps;
	unsigned wanted, held_back; /* permits, until this moment: */
	uint64_t wakes_rest;
	bool polling, asleep, full;
};

struct model {
	struct machine machine;
	const struct load *load;
	struct worker *workers;
	struct parent parent;
	struct job_slot slots[MODEL_SLOTS];
	uint64_t head, tail, capacity;
	struct entry *entries;
	unsigned items, offers;
	struct worker **spinners, **sleepers;
	unsigned spinning, sleeping;
	uint64_t stealable, endings;
	uint64_t begin, end, chunks_run, once;
	struct line *head_line, *tail_line, *entry_lines, *items_line, *offers_line, *space_line, *board,
	        *stealable_line, *endings_line, *records, *posts, *tallies, *cursors;
};

static struct model *model_of(struct machine *machine)
{
	return (struct model *)(void *)machine;
}

static struct worker *worker_of(struct actor *actor)
{
	return (struct worker *)(void *)actor;
}

static bool has(const struct model *model, enum design design)
{
	return (model->load->design & design) != 0;
}

static struct job_slot *slot_of(struct model *model, uint64_t number)
{
	return &model->slots[number % MODEL_SLOTS];
}

static double ns_of(uint64_t picoseconds)
{
	return (double)picoseconds / 1000;
}

/* Two lines each: what changes with every job, and the rest. */
static struct line *record_line(struct model *model, const struct worker *worker)
{
	return &model->records[2 * worker->actor.number];
}

static struct line *post_line(struct model *model, uint64_t number)
{
	return &model->posts[2 * (number % MODEL_SLOTS)];
}

static struct line *entry_line(struct model *model, uint64_t index)
{
	return &model->entry_lines[index % model->capacity * ENTRY_BYTES / 64];
}

static size_t range_begin(const struct model *model, const struct job_slot *slot, size_t range)
{
	size_t begin = range * slot->chunks / slot->ranges;
	return has(model, DESIGN_ALIGNED) && range < slot->ranges ? begin / WORDS_A_LINE * WORDS_A_LINE : begin;
}

static step find, join, next_slot, steal_ranges, sweep, leave, wait_for_permit;

/* ---- Bell and permits ---- */

static step parent_polls;

/* A worker has changed the endings: a parent that spins on them sees it, one that sleeps must be rung for. */
static void show_endings(struct model *model)
{
	if (model->parent.polling)
		do_wake(&model->machine, &model->parent.actor, 0, parent_polls);
	model->parent.polling = false;
}

/* A CPU that has been idle for a while takes longer to come back. */
static bool has_slept_long(const struct model *model, const struct actor *actor)
{
	return model->machine.now - actor->waits_since > (uint64_t)LONG_SLEEP_NS * 1000;
}

static void ring_bell(struct model *model)
{
	if (model->parent.asleep)
		do_wake(&model->machine, &model->parent.actor,
		        has_slept_long(model, &model->parent.actor) ? model->machine.costs.bell_wake
		                                                    : model->machine.costs.bell_soon,
		        parent_polls);
	model->parent.asleep = false;
}

static step permits_changed;

static void rouse_spinners(struct model *model)
{
	for (; model->spinning > 0; model->spinning--) {
		double pause = machine_random(&model->machine) * model->machine.costs.pause;
		do_wake(&model->machine, &model->spinners[model->spinning - 1]->actor, pause, permits_changed);
	}
}

/* The line has been written.  Returns what it costs the poster beyond that. */
static double permit_posted(struct model *model)
{
	model->items++;
	rouse_spinners(model);
	if (model->sleeping == 0)
		return 0;
	do_wake(&model->machine, &model->sleepers[--model->sleeping]->actor, model->machine.costs.wake,
	        permits_changed);
	return model->machine.costs.wake_cost;
}

/* ---- A worker leaves a job ---- */

static void unpinned(struct machine *machine, struct actor *actor)
{
	struct worker *worker = worker_of(actor);
	worker->pin = 0;
	if (!worker->stealing || worker->found)
		find(machine, actor);
	else
		next_slot(machine, actor);
}

static void unpin(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	do_swap(machine, actor, record_line(model, worker_of(actor)), unpinned);
}

static void bell_rung(struct machine *machine, struct actor *actor)
{
	ring_bell(model_of(machine));
	unpin(machine, actor);
}

static void sleep_flag_read(struct machine *machine, struct actor *actor)
{
	if (model_of(machine)->parent.asleep)
		do_spend(machine, actor, machine->costs.bell_cost, PLACE_CALLS, bell_rung);
	else
		unpin(machine, actor);
}

static void end_noted(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->endings |= (uint64_t)1 << worker_of(actor)->job % MODEL_SLOTS;
	show_endings(model);
	do_load(machine, actor, model->board, sleep_flag_read);
}

static void handed_in(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	struct job_slot *slot = slot_of(model, worker->job);
	slot->finished += worker->done;
	worker->done = 0;
	if (slot->finished >= slot->chunks)
		do_swap(machine, actor, model->endings_line, end_noted);
	else
		do_load(machine, actor, post_line(model, worker->job), unpin);
}

static void leave(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	worker->left |= worker->stealing ? worker->found : worker->early;
	if (worker->done > 0)
		do_swap(machine, actor, &model->tallies[worker->job % MODEL_SLOTS], handed_in);
	else
		unpin(machine, actor);
}

/* ---- A chunk ---- */

static void next_chunk(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model, worker->job);
	bool turn_over = worker->turn_end != 0 && machine->now >= worker->turn_end;
	if (turn_over || (model->tail > slot->last_entry && model->head < model->tail)) {
		worker->early = true;
		leave(machine, actor);
		return;
	}
	if (worker->stealing) {
		if (worker->chunk-- > worker->first_chunk)
			sweep(machine, actor);
		else
			steal_ranges(machine, actor);
		return;
	}
	worker->chunk += worker->step;
	sweep(machine, actor);
}

static void tail_checked(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct job_slot *slot = slot_of(model, worker_of(actor)->job);
	if (model->tail > slot->last_entry)
		do_load(machine, actor, model->head_line, next_chunk);
	else
		next_chunk(machine, actor);
}

static void check_tail(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (has_copy(model->tail_line, actor))
		tail_checked(machine, actor);
	else
		do_load(machine, actor, model->tail_line, tail_checked);
}

static void chunk_told(struct machine *machine, struct actor *actor)
{
	show_endings(model_of(machine));
	check_tail(machine, actor);
}

static void chunk_finished(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	struct chunk_word *word = &slot_of(model, worker->job)->words[worker->chunk];
	word->state = DONE;
	word->stolen = worker->stealing;
	worker->done++;
	if (!model->load->attended)
		check_tail(machine, actor);
	else if (has(model, DESIGN_LOUD))
		do_swap(machine, actor, model->endings_line, chunk_told);
	else
		do_swap(machine, actor, record_line(model, worker),
		        check_tail); /* a fence: as much as one's own line */
}

static struct line *ledger_line(struct model *model, const struct worker *worker)
{
	return &slot_of(model, worker->job)->ledger[worker->chunk / WORDS_A_LINE];
}

static void task_returned(struct machine *machine, struct actor *actor)
{
	do_store(machine, actor, ledger_line(model_of(machine), worker_of(actor)), chunk_finished);
}

static void run_tasks(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct load *load = model->load;
	double vary = load->spread > 0 ? 1 + load->spread * (2 * machine_random(machine) - 1) : 1;
	do_spend(machine, actor, load->task_ns * (double)load->chunk * vary, PLACE_TASKS, task_returned);
}

static void others_have_it(struct machine *machine, struct actor *actor);

static void claimed(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	struct chunk_word *word = &slot_of(model, worker->job)->words[worker->chunk];
	if (word->state != TODO) {
		others_have_it(machine, actor);
		return;
	}
	word->state = RUNNING;
	word->stolen = worker->stealing;
	model->once += word->runs++ == 0;
	model->chunks_run++;
	worker->found = true;
	/* What the line costs is counted there. */
	double own = machine->costs.chunk - machine->costs.swap_own - machine->costs.store_own;
	if (worker->turn_end != 0)
		own += machine->costs.clock;
	do_spend(machine, actor, own > 0 ? own : 0, PLACE_OWN, run_tasks);
}

/* ---- A sweep up ---- */

/* Behind its own stride a worker looks at what others have left. */
static void sweep_ends(struct machine *machine, struct actor *actor)
{
	struct worker *worker = worker_of(actor);
	if (worker->step == 1) {
		leave(machine, actor);
		return;
	}
	worker->step = 1;
	worker->chunk = 0;
	sweep(machine, actor);
}

/* Over what others have, as far as the line goes. */
static void word_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model, worker->job);
	struct line *line = ledger_line(model, worker);
	size_t passed = 0;
	while (worker->chunk < worker->last && ledger_line(model, worker) == line &&
	       slot->words[worker->chunk].state != TODO) {
		if (slot->words[worker->chunk].stolen)
			worker->chunk = worker->last;
		else
			worker->chunk += worker->step;
		passed++;
	}
	if (worker->chunk < worker->last && ledger_line(model, worker) == line)
		do_swap(machine, actor, line, claimed);
	else
		do_spend(machine, actor, machine->costs.load_own * (double)passed, PLACE_OWN, sweep);
}

static void others_have_it(struct machine *machine, struct actor *actor)
{
	if (worker_of(actor)->stealing)
		steal_ranges(machine, actor);
	else
		sweep(machine, actor);
}

static struct line *page_line(const struct job_slot *slot, size_t chunk, size_t i)
{
	size_t line = chunk / WORDS_A_PAGE * (WORDS_A_PAGE / WORDS_A_LINE) + i, last = slot->chunks / WORDS_A_LINE;
	return &slot->ledger[line < last ? line : last];
}

/* What the ledger lies on comes from the system page by page, and each process maps it for itself. */
static bool fault(struct machine *machine, struct actor *actor, const struct job_slot *slot, size_t chunk, step *next)
{
	if (slot->pages == NULL)
		return false;
	struct line *page = &slot->pages[chunk / WORDS_A_PAGE];
	if (has_copy(page, actor))
		return false;
	double cost = page->untouched ? machine->costs.fault_fresh : machine->costs.fault_mapped;
	if (page->untouched) /* the kernel zeroes it here */
		for (size_t i = 0; i < WORDS_A_PAGE / WORDS_A_LINE; i++)
			line_is_of(machine, page_line(slot, chunk, i), actor);
	page->untouched = false;
	add_copy(page, actor);
	do_spend(machine, actor, cost, PLACE_FAULTS, next);
	return true;
}

static void cursor_moved(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	struct job_slot *slot = slot_of(model, worker->job);
	if (slot->cursor >= slot->chunks) {
		worker->chunk = worker->last;
		leave(machine, actor);
		return;
	}
	worker->chunk = slot->cursor++;
	do_swap(machine, actor, ledger_line(model, worker), claimed);
}

static void sweep(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model, worker->job);
	if (worker->stealing) {
		steal_ranges(machine, actor);
		return;
	}
	if (has(model, DESIGN_CURSOR) && slot->ranges == 1)
		do_swap(machine, actor, &model->cursors[worker->job % MODEL_SLOTS], cursor_moved);
	else if (worker->chunk >= worker->last)
		sweep_ends(machine, actor);
	else if (!fault(machine, actor, slot, worker->chunk, sweep))
		do_load(machine, actor, ledger_line(model, worker), word_read);
}

/* ---- A thief's way ---- */

static void stolen_claim(struct machine *machine, struct actor *actor)
{
	do_swap(machine, actor, ledger_line(model_of(machine), worker_of(actor)), claimed);
}

/* The next chunk that is TODO, going down from worker->chunk in the range, then in those that follow.  The words that
 * are passed are read one after the other. */
static bool look_for_chunk(struct model *model, struct worker *worker, uint64_t *time)
{
	const struct job_slot *slot = slot_of(model, worker->job);
	for (; worker->range < slot->ranges;) {
		while (worker->chunk + 1 > worker->first_chunk) {
			*time += scan_line(&model->machine, &worker->actor, ledger_line(model, worker));
			const struct chunk_word *word = &slot->words[worker->chunk];
			if (word->state == TODO)
				return true;
			if (!word->stolen || worker->chunk == 0)
				break;
			worker->chunk--;
		}
		if (++worker->range >= slot->ranges)
			return false;
		size_t range = (worker->actor.number + worker->range + 1) % slot->ranges;
		worker->first_chunk = range_begin(model, slot, range);
		worker->chunk = range_begin(model, slot, range + 1) - 1;
	}
	return false;
}

static void steal_ranges(struct machine *machine, struct actor *actor)
{
	struct worker *worker = worker_of(actor);
	uint64_t time = 0;
	bool found = look_for_chunk(model_of(machine), worker, &time);
	do_spend(machine, actor, ns_of(time), PLACE_LEDGER, found ? stolen_claim : leave);
}

static void begin_stealing(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model, worker->job);
	size_t range = (worker->actor.number + 1) % slot->ranges;
	worker->range = 0;
	worker->first_chunk = range_begin(model, slot, range);
	worker->chunk = range_begin(model, slot, range + 1) - 1;
	steal_ranges(machine, actor);
}

/* ---- A worker wakes others ---- */

static void wake_others(struct machine *machine, struct actor *actor);

static void other_woken(struct machine *machine, struct actor *actor)
{
	worker_of(actor)->to_post--;
	do_spend(machine, actor, permit_posted(model_of(machine)), PLACE_CALLS, wake_others);
}

static void wake_others(struct machine *machine, struct actor *actor)
{
	if (worker_of(actor)->to_post > 0)
		do_swap(machine, actor, model_of(machine)->items_line, other_woken);
	else
		worker_of(actor)->after_waking(machine, actor);
}

/* ---- A worker joins a job ---- */

/* A job that has a range for everybody: nobody needs an entry to know his own. */
static bool is_begun_by_all(const struct model *model, const struct job_slot *slot)
{
	return has(model, DESIGN_SHARED) && slot->entries == model->load->workers && slot->chunks > 1;
}

static void begin_own_range(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model, worker->job);
	bool stride = has(model, DESIGN_STRIDE) && slot->ranges == 1;
	size_t range = actor->number % slot->ranges;
	worker->own_job = worker->job;
	worker->stealing = false;
	worker->chunk = stride ? actor->number : range_begin(model, slot, range);
	worker->last = range_begin(model, slot, range + 1);
	worker->step = stride ? slot->entries : 1;
	worker->found = true; /* and then it looks for more */
	worker->to_post = has(model, DESIGN_TREE) && model->sleeping > 0 ? 2 : 0;
	worker->after_waking = sweep;
	wake_others(machine, actor);
}

static void job_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	bool several = (model->stealable & (model->stealable - 1)) != 0;
	worker->turn_end = several ? machine->now + (uint64_t)(TURN_NS * 1000) : 0;
	worker->early = worker->found = false;
	if (is_begun_by_all(model, slot_of(model, worker->job)) && worker->own_job < worker->job)
		begin_own_range(machine, actor);
	else if (worker->stealing)
		begin_stealing(machine, actor);
	else
		sweep(machine, actor);
}

static void post_read(struct machine *machine, struct actor *actor)
{
	do_load(machine, actor, model_of(machine)->stealable_line, job_read);
}

static void number_checked(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	if (slot_of(model, worker->job)->number != worker->job) {
		worker->found = false;
		unpin(machine, actor);
		return;
	}
	do_load(machine, actor, post_line(model, worker->job) + 1, post_read);
}

static void pinned(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	worker->pin = worker->job;
	do_load(machine, actor, post_line(model, worker->job), number_checked);
}

static void join(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	do_swap(machine, actor, record_line(model, worker_of(actor)), pinned);
}

/* ---- The open-job table ---- */

static void number_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	worker->job = model->slots[worker->visited].number;
	if (worker->job == 0)
		next_slot(machine, actor);
	else
		join(machine, actor);
}

/* The lowest slot above the one visited last, then from the lowest on. */
static void next_slot(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	if (worker->slots == 0) {
		worker->left = false;
		wait_for_permit(machine, actor);
		return;
	}
	uint64_t above = worker->slots & ~(((uint64_t)2 << worker->visited) - 1);
	worker->visited = (unsigned)__builtin_ctzll(above != 0 ? above : worker->slots);
	worker->slots &= ~((uint64_t)1 << worker->visited);
	do_load(machine, actor, &model->posts[(size_t)2 * worker->visited], number_read);
}

static void stealable_read(struct machine *machine, struct actor *actor)
{
	worker_of(actor)->slots = model_of(machine)->stealable;
	worker_of(actor)->stealing = true;
	next_slot(machine, actor);
}

static void steal(struct machine *machine, struct actor *actor)
{
	do_load(machine, actor, model_of(machine)->stealable_line, stealable_read);
}

/* ---- The ring ---- */

static void take_entry(struct machine *machine, struct actor *actor)
{
	struct worker *worker = worker_of(actor);
	const struct job_slot *slot = slot_of(model_of(machine), worker->entry.job);
	bool stride = has(model_of(machine), DESIGN_STRIDE) && slot->ranges == 1;
	worker->owes = worker->left;
	worker->stealing = false;
	worker->job = worker->entry.job;
	worker->last = worker->entry.last;
	worker->step = stride ? slot->entries : 1;
	worker->chunk = worker->entry.first;
	join(machine, actor);
}

static void space_posted(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	worker_of(actor)->to_post = has(model, DESIGN_TREE) && model->head < model->tail ? 2 : 0;
	worker_of(actor)->after_waking = take_entry;
	wake_others(machine, actor);
}

static void taken(struct model *model, struct worker *worker)
{
	worker->entry = model->entries[model->head++ % model->capacity];
	do_swap(&model->machine, &worker->actor, model->space_line, space_posted);
}

static step tail_read;

static void head_swapped(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	if (model->head == worker->expected) {
		taken(model, worker);
		return;
	}
	worker->expected = model->head;
	do_load(machine, actor, model->tail_line, tail_read);
}

static void head_added(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (model->head < model->tail)
		taken(model, worker_of(actor));
	else
		do_load(machine, actor, model->board, steal);
}

static void entry_read(struct machine *machine, struct actor *actor)
{
	do_swap(machine, actor, model_of(machine)->head_line, head_swapped);
}

static void tail_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	if (worker->expected >= model->tail)
		do_load(machine, actor, model->board, steal); /* whether there are orphans */
	else if (has(model, DESIGN_TICKET))
		do_swap(machine, actor, model->head_line, head_added);
	else
		do_load(machine, actor, entry_line(model, worker->expected), entry_read);
}

static void head_read(struct machine *machine, struct actor *actor)
{
	worker_of(actor)->expected = model_of(machine)->head;
	do_load(machine, actor, model_of(machine)->tail_line, tail_read);
}

static void find(struct machine *machine, struct actor *actor)
{
	struct worker *worker = worker_of(actor);
	if (worker->owes) {
		worker->owes = false;
		steal(machine, actor);
	} else {
		do_load(machine, actor, model_of(machine)->head_line, head_read);
	}
}

/* ---- Waiting for a permit ---- */

static void fall_asleep(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	for (unsigned i = 0; i < model->spinning; i++)
		if (model->spinners[i] == worker_of(actor))
			model->spinners[i] = model->spinners[--model->spinning];
	model->sleepers[model->sleeping++] = worker_of(actor);
	do_wait(machine, actor);
}

static step permit_tried, offer_tried;

static bool sees_new_job(const struct model *model, const struct worker *worker)
{
	for (uint64_t slots = model->stealable; slots != 0; slots &= slots - 1) {
		const struct job_slot *slot = &model->slots[__builtin_ctzll(slots)];
		if (is_begun_by_all(model, slot) && slot->number > worker->own_job)
			return true;
	}
	return false;
}

static void permit_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct worker *worker = worker_of(actor);
	if (model->offers > 0) {
		do_swap(machine, actor, model->offers_line, offer_tried);
	} else if (model->items > 0) {
		do_swap(machine, actor, model->items_line, permit_tried);
	} else if (sees_new_job(model, worker)) {
		find(machine, actor);
	} else if (machine->now >= worker->spin_until) {
		fall_asleep(machine, actor);
	} else {
		model->spinners[model->spinning++] = worker;
		do_wait_for(machine, actor, ns_of(worker->spin_until - machine->now), fall_asleep);
	}
}

static void permit_tried(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (model->items > 0) {
		model->items--;
		find(machine, actor);
	} else {
		permit_read(machine, actor);
	}
}

static void offer_tried(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (model->offers > 0) {
		model->offers--;
		find(machine, actor);
	} else {
		permit_read(machine, actor);
	}
}

static void offers_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	bool watches_jobs = has(model, DESIGN_SHARED) && model->items == 0;
	do_load(machine, actor, watches_jobs ? model->stealable_line : model->items_line, permit_read);
}

static void permits_changed(struct machine *machine, struct actor *actor)
{
	do_load(machine, actor, model_of(machine)->offers_line, offers_read);
}

static void closing_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	worker_of(actor)->spin_until = machine->now + (uint64_t)(model->load->spin_us * 1e6);
	permits_changed(machine, actor);
}

static void wait_for_permit(struct machine *machine, struct actor *actor)
{
	do_load(machine, actor, model_of(machine)->board, closing_read);
}

/* ---- The parent opens jobs ---- */

static step parent_goes_on, push_next, post_next;

static unsigned permits_wanted(const struct model *model, const struct job_slot *slot)
{
	unsigned wanted = (unsigned)slot->entries;
	if (is_begun_by_all(model, slot) && wanted > model->sleeping)
		wanted = model->sleeping;
	return has(model, DESIGN_TREE) && wanted > 2 ? 2 : wanted;
}

/* As in src/job.c. */
enum { MOST_OFFERS = 16 };

/* A caller that is about to spin for its map offers it to who is awake, or wakes one if nobody is. */
static bool holds_back(const struct model *model)
{
	return !model->load->attended && model->load->open == 1 && model->load->spin_us > 0;
}

static void offered(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	unsigned wanted = permits_wanted(model, &model->slots[model->parent.slot]);
	model->offers = wanted < MOST_OFFERS ? wanted : MOST_OFFERS;
	rouse_spinners(model);
	parent_goes_on(machine, actor);
}

static void permit_given(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.posted++;
	do_spend(machine, actor, permit_posted(model), PLACE_CALLS, post_next);
}

static void post_next(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct job_slot *slot = &model->slots[model->parent.slot];
	unsigned awake = model->load->workers - model->sleeping;
	if (model->parent.posted == 0)
		model->parent.wanted = permits_wanted(model, slot);
	unsigned wanted = model->parent.wanted;
	unsigned at_once = !holds_back(model) ? wanted : awake > 0 || wanted == 0 ? 0 : 1;
	model->parent.held_back = wanted - model->parent.posted;
	if (model->parent.posted < at_once)
		do_swap(machine, actor, model->items_line, permit_given);
	else if (model->parent.held_back > 0 && model->parent.posted == 0)
		do_store(machine, actor, model->offers_line, offered);
	else
		parent_goes_on(machine, actor);
}

static void let_steal(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->stealable |= (uint64_t)1 << model->parent.slot;
	if (has(model, DESIGN_SHARED))
		rouse_spinners(model);
	post_next(machine, actor);
}

static void tail_stored(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct job_slot *slot = &model->slots[model->parent.slot];
	size_t range = model->parent.pushed++ % slot->ranges;
	bool stride = has(model, DESIGN_STRIDE) && slot->ranges == 1;
	model->entries[model->tail++ % model->capacity] =
	        (struct entry){slot->number, stride ? model->parent.pushed - 1 : range_begin(model, slot, range),
	                       range_begin(model, slot, range + 1)};
	push_next(machine, actor);
}

static void entry_stored(struct machine *machine, struct actor *actor)
{
	do_store(machine, actor, model_of(machine)->tail_line, tail_stored);
}

static void space_taken(struct machine *machine, struct actor *actor)
{
	do_store(machine, actor, entry_line(model_of(machine), model_of(machine)->tail), entry_stored);
}

static void head_seen(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.full = model->tail - model->head >= model->capacity;
	if (model->parent.full)
		do_swap(machine, actor, model->stealable_line, let_steal);
	else
		do_swap(machine, actor, model->space_line, space_taken);
}

static void push_next(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct job_slot *slot = &model->slots[model->parent.slot];
	if (model->parent.pushed < slot->entries && !is_begun_by_all(model, slot))
		do_load(machine, actor, model->head_line, head_seen);
	else if (slot->chunks > 1)
		do_swap(machine, actor, model->stealable_line, let_steal);
	else
		post_next(machine, actor);
}

static void number_stored(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct job_slot *slot = &model->slots[model->parent.slot];
	slot->number = slot->last_number;
	slot->last_entry = model->tail + (is_begun_by_all(model, slot) ? 0 : slot->entries);
	model->parent.pushed = model->parent.posted = 0;
	push_next(machine, actor);
}

static void tally_cleared(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	do_store(machine, actor, &model->posts[(size_t)2 * model->parent.slot], number_stored);
}

static size_t ledger_lines(const struct job_slot *slot)
{
	return slot->chunks / WORDS_A_LINE + 1;
}

static void forget_job(struct job_slot *slot)
{
	free(slot->words);
	lines_free(slot->ledger);
	lines_free(slot->pages);
	slot->words = NULL;
	slot->ledger = slot->pages = NULL;
}

/* A small ledger is part of the slot, and written by the parent; a large one is fresh from the system. */
static void make_ledger(struct model *model, struct job_slot *slot)
{
	forget_job(slot);
	slot->words = calloc(slot->chunks + 1, sizeof *slot->words);
	slot->ledger = lines_make(&model->machine, ledger_lines(slot), PLACE_LEDGER);
	if (slot->words == NULL)
		abort();
	if (slot->chunks > SCRATCH_WORDS * 16)
		slot->pages = lines_make(&model->machine, slot->chunks / WORDS_A_PAGE + 1, PLACE_LEDGER);
	else
		for (size_t i = 0; i < ledger_lines(slot); i++)
			line_is_of(&model->machine, &slot->ledger[i], &model->parent.actor);
}

static void make_job(struct model *model, unsigned index)
{
	const struct load *load = model->load;
	struct job_slot *slot = &model->slots[index];
	slot->used = true;
	slot->last_number = ++model->parent.serial * MODEL_SLOTS + index;
	slot->finished = slot->cursor = 0;
	slot->chunks = (load->tasks + load->chunk - 1) / load->chunk;
	slot->entries = slot->chunks < load->workers ? slot->chunks : load->workers;
	slot->ranges = slot->chunks <= (size_t)IN_ORDER * load->workers ? 1 : slot->entries;
	make_ledger(model, slot);
}

static void open_job(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.opened++;
	do_store(machine, actor, &model->tallies[model->parent.slot], tally_cleared);
}

/* ---- The parent ends jobs ---- */

static step parent_swept, wake_rest;

/* As in src/wait.c. */
enum { WAKING_US = 4 };

static int free_slot(const struct model *model)
{
	for (int i = 0; i < MODEL_SLOTS; i++)
		if (!model->slots[i].used)
			return i;
	return -1;
}

static unsigned open_jobs(const struct model *model)
{
	return model->parent.opened - model->parent.closed;
}

/* What is no worker's any more is free again. */
static void sweep_slots(struct model *model)
{
	bool pinned_slots[MODEL_SLOTS] = {false};
	for (unsigned i = 0; i < model->load->workers; i++)
		if (model->workers[i].pin != 0)
			pinned_slots[model->workers[i].pin % MODEL_SLOTS] = true;
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		if (model->slots[i].used && model->slots[i].number == 0 && model->parent.opened > 0 &&
		    model->slots[i].last_number != 0 && !pinned_slots[i] && model->slots[i].finished != 0)
			model->slots[i].used = false;
}

static uint64_t scan_records(struct model *model, unsigned lines)
{
	uint64_t time = 0;
	for (unsigned i = 0; i < model->load->workers; i++)
		for (unsigned k = 0; k < lines; k++)
			time += scan_line(&model->machine, &model->parent.actor, &model->records[2 * i + k]);
	return time;
}

static void wait_for_endings(struct machine *machine, struct actor *actor);

static void parent_goes_on(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	const struct load *load = model->load;
	int slot = free_slot(model);
	bool wants = model->parent.opened < load->jobs && open_jobs(model) < load->open;
	if (model->parent.closed == load->jobs) {
		model->end = machine->now;
		machine_stop(machine);
	} else if (wants && slot >= 0) {
		model->parent.slot = (unsigned)slot;
		make_job(model, (unsigned)slot);
		do_spend(machine, actor, machine->costs.job / 2, PLACE_OWN, open_job);
	} else if (wants) {
		do_spend(machine, actor, ns_of(scan_records(model, 1)) + machine->costs.pause, PLACE_RECORDS,
		         parent_swept);
	} else {
		wait_for_endings(machine, actor);
	}
}

static void parent_swept(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	sweep_slots(model);
	if (free_slot(model) < 0 && open_jobs(model) > 0)
		wait_for_endings(machine, actor);
	else
		parent_goes_on(machine, actor);
}

static void slots_looked_over(struct machine *machine, struct actor *actor)
{
	sweep_slots(model_of(machine));
	parent_goes_on(machine, actor);
}

static void close_next(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct parent *parent = &model->parent;
	if (parent->noted == 0) {
		do_spend(machine, actor, ns_of(scan_records(model, 1)), PLACE_RECORDS, slots_looked_over);
		return;
	}
	unsigned index = (unsigned)__builtin_ctzll(parent->noted);
	parent->noted &= parent->noted - 1;
	model->slots[index].number = 0;
	parent->held_back = 0;
	model->stealable &= ~((uint64_t)1 << index);
	parent->closed++;
	do_store(machine, actor, &model->posts[(size_t)2 * index], close_next);
}

/* The first word of each range is looked at, and the tally. */
static uint64_t scan_jobs(struct model *model)
{
	uint64_t time = 0;
	for (uint64_t noted = model->parent.noted; noted != 0; noted &= noted - 1) {
		struct job_slot *slot = &model->slots[__builtin_ctzll(noted)];
		time += scan_line(&model->machine, &model->parent.actor, &model->tallies[__builtin_ctzll(noted)]);
		for (size_t i = 0; i < slot->ranges; i++)
			time += scan_line(&model->machine, &model->parent.actor,
			                  &slot->ledger[range_begin(model, slot, i) / WORDS_A_LINE]);
	}
	return time;
}

static void jobs_checked(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	unsigned ended = (unsigned)__builtin_popcountll(model->parent.noted);
	do_spend(machine, actor, machine->costs.job / 2 * ended, PLACE_OWN, close_next);
}

static void crew_audited(struct machine *machine, struct actor *actor)
{
	do_spend(machine, actor, ns_of(scan_jobs(model_of(machine))), PLACE_LEDGER, jobs_checked);
}

static void endings_taken(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.noted = model->endings;
	model->endings = 0;
	double audit = has(model, DESIGN_AUDIT) ? 0 : ns_of(scan_records(model, 2));
	do_spend(machine, actor, audit, PLACE_RECORDS, crew_audited);
}

static void parent_sleeps(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (model->endings != 0) {
		parent_polls(machine, actor);
		return;
	}
	model->parent.asleep = true;
	do_wait(machine, actor);
}

static void rest_given(struct machine *machine, struct actor *actor)
{
	do_spend(machine, actor, permit_posted(model_of(machine)), PLACE_CALLS, wake_rest);
}

static void wake_rest(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	if (model->parent.held_back == 0) {
		parent_polls(machine, actor);
		return;
	}
	model->parent.held_back--;
	do_swap(machine, actor, model->items_line, rest_given);
}

static void moment_is_over(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.polling = false;
	if (model->parent.held_back > 0)
		wake_rest(machine, actor);
	else
		do_store(machine, actor, model->board, parent_sleeps);
}

/* How long the caller spins, at most, before it does anything else. */
static uint64_t end_of_moment(const struct parent *parent)
{
	bool first = parent->held_back > 0 && parent->wakes_rest < parent->spin_until;
	return first ? parent->wakes_rest : parent->spin_until;
}

static void endings_read(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	struct parent *parent = &model->parent;
	if (model->endings != 0) {
		do_swap(machine, actor, model->endings_line, endings_taken);
	} else if (machine->now >= end_of_moment(parent)) {
		moment_is_over(machine, actor);
	} else {
		parent->polling = true;
		do_wait_for(machine, actor, ns_of(end_of_moment(parent) - machine->now), moment_is_over);
	}
}

static void parent_polls(struct machine *machine, struct actor *actor)
{
	do_load(machine, actor, model_of(machine)->endings_line, endings_read);
}

static void wait_for_endings(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->parent.spin_until = machine->now + (uint64_t)(model->load->spin_us * 1e6);
	model->parent.wakes_rest = machine->now + (uint64_t)WAKING_US * 1000000;
	parent_polls(machine, actor);
}

/* ---- A run ---- */

static void make_lines(struct model *model)
{
	struct machine *machine = &model->machine;
	model->head_line = lines_make(machine, 1, PLACE_HEAD);
	model->tail_line = lines_make(machine, 1, PLACE_ENTRIES);
	model->entry_lines = lines_make(machine, model->capacity * ENTRY_BYTES / 64 + 1, PLACE_ENTRIES);
	model->items_line = lines_make(machine, 1, PLACE_ITEMS);
	model->offers_line = lines_make(machine, 1, PLACE_ITEMS);
	model->space_line = lines_make(machine, 1, PLACE_SPACE);
	model->board = lines_make(machine, 1, PLACE_POSTS);
	model->stealable_line = lines_make(machine, 1, PLACE_POSTS);
	model->endings_line = lines_make(machine, 1, PLACE_ENDINGS);
	model->records = lines_make(machine, (size_t)2 * model->load->workers, PLACE_RECORDS);
	model->posts = lines_make(machine, 2 * MODEL_SLOTS, PLACE_POSTS);
	model->tallies = lines_make(machine, MODEL_SLOTS, PLACE_TALLY);
	model->cursors = lines_make(machine, MODEL_SLOTS, PLACE_TALLY);
}

static void free_lines(struct model *model)
{
	struct line *const all[] = {model->head_line,    model->tail_line,  model->entry_lines, model->items_line,
	                            model->offers_line,  model->space_line, model->board,       model->stealable_line,
	                            model->endings_line, model->records,    model->posts,       model->tallies,
	                            model->cursors};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		lines_free(all[i]);
	for (int i = 0; i < MODEL_SLOTS; i++)
		forget_job(&model->slots[i]);
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (memory == NULL)
		abort();
	return memory;
}

static void make_model(struct model *model, const struct load *load, const struct costs *costs)
{
	unsigned workers = load->workers;
	*model = (struct model){.load = load, .capacity = 256};
	while (model->capacity < (uint64_t)4 * workers)
		model->capacity *= 2;
	machine_init(&model->machine, costs, workers + 1, load->distance, load->seed);
	make_lines(model);
	model->entries = zeroed(model->capacity, sizeof *model->entries);
	model->spinners = zeroed(workers, sizeof(struct worker *));
	model->sleepers = zeroed(workers, sizeof(struct worker *));
	model->workers = zeroed(workers, sizeof *model->workers);
	for (unsigned i = 0; i < workers; i++) {
		model->workers[i].actor.number = i;
		model->machine.actor[i] = &model->workers[i].actor;
		do_spend(&model->machine, &model->workers[i].actor, 0, PLACE_OWN, wait_for_permit);
	}
	model->parent.actor.number = workers;
	model->machine.actor[workers] = &model->parent.actor;
}

static void busiest(double *busy, const struct line *lines, size_t count, double end)
{
	for (size_t i = 0; i < count; i++)
		if (busy[lines[i].place] < (double)lines[i].busy / end)
			busy[lines[i].place] = (double)lines[i].busy / end;
}

static void tell(const struct model *model, struct outcome *outcome)
{
	const struct load *load = model->load;
	double end = (double)(model->end - model->begin), time = end * load->workers, rest = 1;
	*outcome = (struct outcome){.ns = end / 1000, .events = model->machine.events, .chunks_run = model->chunks_run};
	for (int place = 0; place < PLACES; place++) {
		double spent = 0;
		for (unsigned i = 0; i < load->workers; i++)
			spent += (double)model->workers[i].actor.spent[place];
		if (place != PLACE_WAITING)
			rest -= outcome->share[place] = spent / time;
		outcome->parent[place] = (double)model->parent.actor.spent[place] / end;
	}
	outcome->share[PLACE_WAITING] = rest > 0 ? rest : 0;
	outcome->efficiency = outcome->share[PLACE_TASKS];
	uint64_t chunks = (load->tasks + load->chunk - 1) / load->chunk * load->jobs;
	outcome->exactly_once = model->once == chunks && model->chunks_run == chunks;
	busiest(outcome->busiest, model->head_line, 1, end);
	busiest(outcome->busiest, model->items_line, 1, end);
	busiest(outcome->busiest, model->offers_line, 1, end);
	busiest(outcome->busiest, model->space_line, 1, end);
	busiest(outcome->busiest, model->tail_line, 1, end);
	busiest(outcome->busiest, model->endings_line, 1, end);
	busiest(outcome->busiest, model->stealable_line, 1, end);
	busiest(outcome->busiest, model->tallies, MODEL_SLOTS, end);
}

/* When all workers wait for work. */
static void parent_begins(struct machine *machine, struct actor *actor)
{
	struct model *model = model_of(machine);
	model->begin = machine->now;
	for (unsigned i = 0; i <= model->load->workers; i++)
		memset(machine->actor[i]->spent, 0, sizeof machine->actor[i]->spent);
	parent_goes_on(machine, actor);
}

void model_run(const struct load *load, const struct costs *costs, struct outcome *outcome)
{
	struct model *model = zeroed(1, sizeof *model);
	make_model(model, load, costs);
	do_spend(&model->machine, &model->parent.actor, START_NS, PLACE_OWN, parent_begins);
	machine_run(&model->machine);
	tell(model, outcome);
	free_lines(model);
	machine_free(&model->machine);
	free(model->entries);
	free(model->spinners);
	free(model->sleepers);
	free(model->workers);
	free(model);
}

enum place model_bottleneck(const struct outcome *outcome, bool *in_parent)
{
	const double *shares = outcome->share;
	enum place worst = PLACE_OWN;
	*in_parent = false;
	if (outcome->efficiency > 0.9)
		return PLACE_TASKS;
	for (enum place place = PLACE_OWN; place < PLACES; place++)
		if (shares[place] > shares[worst])
			worst = place;
	if (worst != PLACE_WAITING)
		return worst;
	*in_parent = true;
	for (enum place place = worst = PLACE_OWN; place < PLACES; place++)
		if (outcome->parent[place] > outcome->parent[worst])
			worst = place;
	return worst;
}
