/*
 * machine - clock, cache lines and actors.  See machine.h.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const place_names[PLACES] = {
        "tasks",  "own work", "ring head", "ring entries", "items",   "space",  "open jobs",
        "ledger", "tally",    "endings",   "records",      "waiting", "faults", "calls",
};

/* ---- Costs ---- */

static double *cost_by_name(struct costs *costs, const char *name)
{
	const struct {
		const char *name;
		double *value;
	} table[] = {
	        {"load_own", &costs->load_own},
	        {"store_own", &costs->store_own},
	        {"swap_own", &costs->swap_own},
	        {"clock", &costs->clock},
	        {"pause", &costs->pause},
	        {"post", &costs->post},
	        {"fault_fresh", &costs->fault_fresh},
	        {"fault_mapped", &costs->fault_mapped},
	        {"fork_wait", &costs->fork_wait},
	        {"bell_cost", &costs->bell_cost},
	        {"chunk", &costs->chunk},
	        {"job", &costs->job},
	        {"hop", &costs->hop},
	        {"swap_contended", &costs->swap_contended},
	        {"swap_neighbours", &costs->swap_neighbours},
	        {"scan", &costs->scan},
	        {"wake", &costs->wake},
	        {"wake_cost", &costs->wake_cost},
	        {"wake_soon", &costs->wake_soon},
	        {"wake_soon_cost", &costs->wake_soon_cost},
	        {"bell_wake", &costs->bell_wake},
	        {"bell_soon", &costs->bell_soon},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].value;
	return NULL;
}

int costs_read(struct costs *costs, const char *path)
{
	char name[64];
	double value;
	int got;
	FILE *file = fopen(path, "r");
	*costs = (struct costs){0};
	if (file == NULL) {
		perror(path);
		return -1;
	}
	while ((got = fscanf(file, "%63s %lf", name, &value)) == 2) {
		double *cost = cost_by_name(costs, name);
		if (cost == NULL || !(value >= 0 && value < 1e9)) {
			fprintf(stderr, "%s: '%s %g' is no cost: a name that costs prints, and 0 to 1e9 nanoseconds\n",
			        path, name, value);
			fclose(file);
			return -1;
		}
		*cost = value;
	}
	fclose(file);
	if (got != EOF) {
		fprintf(stderr, "%s: a line is not `name nanoseconds`\n", path);
		return -1;
	}
	return 0;
}

/* ---- The heap of events ---- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void heap_push(struct machine *machine, struct event event)
{
	if (machine->heap_used == machine->heap_size) {
		machine->heap_size = machine->heap_size * 2 + 64;
		machine->heap = realloc(machine->heap, machine->heap_size * sizeof *machine->heap);
		if (machine->heap == NULL)
			abort();
	}
	size_t at = machine->heap_used++;
	for (; at > 0 && is_before(&event, &machine->heap[(at - 1) / 2]); at = (at - 1) / 2)
		machine->heap[at] = machine->heap[(at - 1) / 2];
	machine->heap[at] = event;
}

static struct event heap_pop(struct machine *machine)
{
	struct event *heap = machine->heap, top = heap[0], last = heap[--machine->heap_used];
	size_t at = 0, child;
	while ((child = 2 * at + 1) < machine->heap_used) {
		if (child + 1 < machine->heap_used && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return top;
}

/* ---- Running ---- */

void machine_init(struct machine *machine, const struct costs *costs, unsigned actors, double distance, uint64_t seed)
{
	*machine = (struct machine){.costs = *costs, .actors = actors, .distance = distance, .random = seed};
	machine->copy_words = (actors + 63) / 64;
	machine->actor = calloc(actors, sizeof(struct actor *));
	if (machine->actor == NULL)
		abort();
}

void machine_free(struct machine *machine)
{
	free(machine->actor);
	free(machine->heap);
}

/* Of an actor that has waited so long that it goes on by itself. */
static void end_wait(const struct machine *machine, struct actor *actor)
{
	if (actor->waits)
		actor->spent[PLACE_WAITING] += machine->now - actor->waits_since;
	actor->waits = false;
}

void machine_run(struct machine *machine)
{
	while (machine->heap_used > 0) {
		struct event event = heap_pop(machine);
		struct actor *actor = machine->actor[event.actor];
		if (event.ticket != actor->ticket)
			continue;
		machine->now = event.time;
		machine->events++;
		end_wait(machine, actor);
		actor->next(machine, actor);
	}
}

void machine_stop(struct machine *machine)
{
	machine->heap_used = 0;
	for (unsigned i = 0; i < machine->actors; i++) {
		struct actor *actor = machine->actor[i];
		if (!actor->waits && actor->time > machine->now && actor->place != PLACE_WAITING)
			actor->spent[actor->place] -= actor->time - machine->now;
	}
}

/* splitmix64 (Steele, Lea, Flood 2014). */
double machine_random(struct machine *machine)
{
	uint64_t z = machine->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (double)((z ^ z >> 31) >> 11) / (double)((uint64_t)1 << 53);
}

static uint64_t picoseconds(double ns)
{
	return (uint64_t)(ns * 1000 + 0.5);
}

static void plan(struct machine *machine, struct actor *actor, uint64_t time, step *next)
{
	actor->time = time;
	actor->next = next;
	heap_push(machine, (struct event){time, machine->order++, ++actor->ticket, actor->number});
}

static void plan_after(struct machine *machine, struct actor *actor, uint64_t time, enum place place, step *next)
{
	actor->spent[place] += time - machine->now;
	actor->place = place;
	plan(machine, actor, time, next);
}

void do_spend(struct machine *machine, struct actor *actor, double ns, enum place place, step *next)
{
	plan_after(machine, actor, machine->now + picoseconds(ns), place, next);
}

void do_wait(struct machine *machine, struct actor *actor)
{
	actor->waits = true;
	actor->waits_since = machine->now;
	actor->ticket++;
}

void do_wake(struct machine *machine, struct actor *actor, double ns, step *next)
{
	uint64_t time = machine->now + picoseconds(ns);
	actor->spent[PLACE_WAITING] += time - (actor->waits ? actor->waits_since : machine->now);
	actor->waits = false;
	actor->place = PLACE_WAITING;
	plan(machine, actor, time, next);
}

void do_wait_for(struct machine *machine, struct actor *actor, double ns, step *next)
{
	actor->waits = true;
	actor->waits_since = machine->now;
	plan(machine, actor, machine->now + picoseconds(ns), next);
}

/* ---- Lines ---- */

struct line *lines_make(const struct machine *machine, size_t count, enum place place)
{
	struct line *lines = calloc(count + 1, sizeof *lines);
	uint64_t *copies = calloc((count + 1) * machine->copy_words, sizeof *copies);
	if (lines == NULL || copies == NULL)
		abort();
	for (size_t i = 0; i <= count; i++)
		lines[i] = (struct line){.place = place, .untouched = true, .copies = copies + i * machine->copy_words};
	return lines;
}

void lines_free(struct line *lines)
{
	if (lines != NULL)
		free(lines[0].copies);
	free(lines);
}

bool has_copy(const struct line *line, const struct actor *actor)
{
	return line->copies[actor->number / 64] >> actor->number % 64 & 1;
}

void add_copy(struct line *line, const struct actor *actor)
{
	line->copies[actor->number / 64] |= (uint64_t)1 << actor->number % 64;
}

static bool is_only_copy(const struct machine *machine, const struct line *line, const struct actor *actor)
{
	for (size_t i = 0; i < machine->copy_words; i++) {
		uint64_t own = i == actor->number / 64 ? (uint64_t)1 << actor->number % 64 : 0;
		if (line->copies[i] != own)
			return false;
	}
	return true;
}

/* A hop of the measurement is a fetch and an upgrade. */
static uint64_t transfer(const struct machine *machine, const struct line *line, const struct actor *actor)
{
	unsigned half = machine->actors / 2;
	bool far = !line->untouched && (line->owner < half) != (actor->number < half);
	return picoseconds(machine->costs.hop / 2 * (far ? machine->distance : 1));
}

static uint64_t serve(const struct machine *machine, struct line *line, uint64_t time)
{
	uint64_t begin = line->free_at > machine->now ? line->free_at : machine->now;
	line->free_at = begin + time;
	line->busy += time;
	return line->free_at;
}

/* Whoever has got a line can use it for a moment, until the next one's request has come to it: measured, as two CPUs
 * that contend get more done than one operation a transfer. */
static bool is_held(const struct machine *machine, const struct line *line, const struct actor *actor)
{
	return actor->held == line && machine->now <= actor->held_until;
}

static double hold_ns(const struct costs *costs)
{
	double operations = costs->swap_contended > 0 ? costs->hop / costs->swap_contended : 1;
	return operations > 1 ? (operations - 1) * costs->swap_own : 0;
}

/* When the actor has the line's contents. */
static uint64_t fetch(const struct machine *machine, struct line *line, const struct actor *actor, uint64_t time)
{
	uint64_t end;
	if (has_copy(line, actor) || is_held(machine, line, actor))
		return machine->now;
	if (line->changed || line->untouched) {
		end = serve(machine, line, time);
	} else {
		end = (line->free_at > machine->now ? line->free_at : machine->now) + time;
	}
	line->changed = line->untouched = false;
	add_copy(line, actor);
	return end;
}

void line_is_of(const struct machine *machine, struct line *line, const struct actor *actor)
{
	memset(line->copies, 0, machine->copy_words * sizeof *line->copies);
	add_copy(line, actor);
	line->owner = actor->number;
	line->changed = true;
	line->untouched = false;
}

static uint64_t own(const struct machine *machine, struct line *line, struct actor *actor, double ns)
{
	if (is_held(machine, line, actor))
		return machine->now + picoseconds(ns);
	bool mine = !line->untouched && is_only_copy(machine, line, actor);
	uint64_t end = serve(machine, line, picoseconds(ns) + (mine ? 0 : transfer(machine, line, actor)));
	line_is_of(machine, line, actor);
	actor->held = line;
	actor->held_until = end + picoseconds(hold_ns(&machine->costs));
	return end;
}

void do_load(struct machine *machine, struct actor *actor, struct line *line, step *next)
{
	uint64_t end = fetch(machine, line, actor, transfer(machine, line, actor));
	plan_after(machine, actor, end + picoseconds(machine->costs.load_own), line->place, next);
}

void do_store(struct machine *machine, struct actor *actor, struct line *line, step *next)
{
	plan_after(machine, actor, own(machine, line, actor, machine->costs.store_own), line->place, next);
}

void do_swap(struct machine *machine, struct actor *actor, struct line *line, step *next)
{
	plan_after(machine, actor, own(machine, line, actor, machine->costs.swap_own), line->place, next);
}

uint64_t scan_line(struct machine *machine, const struct actor *actor, struct line *line)
{
	unsigned half = machine->actors / 2;
	bool far = !line->untouched && (line->owner < half) != (actor->number < half);
	uint64_t time = picoseconds(machine->costs.scan * (far ? machine->distance : 1));
	return fetch(machine, line, actor, time) - machine->now;
}
