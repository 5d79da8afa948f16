/*
 * machine - the machine that the simulated engine runs on: a clock, cache lines, and actors that do one step after the
 * other.  Every worker, and the parent, is an actor with a CPU of its own.
 *
 * A cache line is a server.  To write, or to read and modify, a line that is another CPU's, or that others have copies
 * of, takes a transfer, and the line serves nobody else meanwhile; those who come are served in their order.  To read
 * what another has written takes a transfer of the line, too; further readers of the same contents fetch copies beside
 * each other.  What a CPU has in its cache costs the measured operation alone.
 *
 * The machine knows nothing of the engine.  Times are in picoseconds.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds, as costs.c prints them. */
struct costs {
	double load_own, store_own, swap_own, clock, pause, post, fault_fresh, fault_mapped, fork_wait, bell_cost;
	double chunk, job;
	double hop, swap_contended, swap_neighbours, scan;
	double wake, wake_cost, wake_soon, wake_soon_cost, bell_wake, bell_soon;
};

/* Reads `name nanoseconds` lines; names that are missing cost nothing.  Returns 0; or -1, after a message on stderr. */
int costs_read(struct costs *costs, const char *path);

/* What a line holds: where the time went is told by these, too. */
enum place {
	PLACE_TASKS,   /* the user's function */
	PLACE_OWN,     /* the engine's instructions, on lines of one's own */
	PLACE_HEAD,    /* the ring's head */
	PLACE_ENTRIES, /* its tail and entries */
	PLACE_ITEMS,   /* its semaphore for sleepers */
	PLACE_SPACE,   /* its semaphore for free entries */
	PLACE_POSTS,   /* the open-job table: posts, flags, `stealable` */
	PLACE_LEDGER,  /* a job's ledger */
	PLACE_TALLY,   /* a job's tally */
	PLACE_ENDINGS, /* all jobs' endings */
	PLACE_RECORDS, /* workers' records */
	PLACE_WAITING, /* nothing to do, or asleep, or being woken */
	PLACE_FAULTS,  /* page faults */
	PLACE_CALLS,   /* system calls */
	PLACES
};

extern const char *const place_names[PLACES];

struct actor;
struct line;
struct machine;

/* What an actor does at one moment; it then waits for something, with the next step, or never comes back. */
typedef void step(struct machine *machine, struct actor *actor);

struct actor {
	unsigned number;
	step *next;
	enum place place;        /* what it waits for */
	uint64_t time;           /* of its next step */
	uint64_t spent[PLACES];  /* how long it has waited for what */
	uint64_t ticket;         /* of its event that counts: what was scheduled before is void */
	const struct line *held; /* that it got last, and until when it can use it even if others want it */
	uint64_t held_until;
	uint64_t waits_since; /* valid while it waits for another actor */
	bool waits;
};

struct line {
	enum place place;
	unsigned owner;   /* who wrote it last */
	bool changed;     /* and nobody else has read it since */
	bool untouched;   /* nobody has it */
	uint64_t free_at; /* when it has served all who came */
	uint64_t busy;    /* how long it was being transferred */
	uint64_t *copies; /* a bit an actor */
};

struct event {
	uint64_t time, order, ticket;
	unsigned actor;
};

struct machine {
	struct costs costs;
	unsigned actors;
	struct actor **actor; /* by number */
	double distance;      /* a transfer between the halves of the actors, as a multiple of one within */
	uint64_t now, order, random;
	size_t copy_words;
	struct event *heap;
	size_t heap_used, heap_size;
	uint64_t events;
};

void machine_init(struct machine *machine, const struct costs *costs, unsigned actors, double distance, uint64_t seed);
void machine_free(struct machine *machine);

/* Steps are done in the order of their times, at equal times in the order in which they were planned, until none is
 * left. */
void machine_run(struct machine *machine);

/* Nothing that is planned comes any more, and nobody has spent what is still to come. */
void machine_stop(struct machine *machine);

struct line *lines_make(const struct machine *machine, size_t count, enum place place);
void lines_free(struct line *lines);

/* A number from 0 to below 1. */
double machine_random(struct machine *machine);

/* The next step comes when that has been done: an operation on a line, or time of another sort. */
void do_load(struct machine *machine, struct actor *actor, struct line *line, step *next);
void do_store(struct machine *machine, struct actor *actor, struct line *line, step *next);
void do_swap(struct machine *machine, struct actor *actor, struct line *line, step *next);
void do_spend(struct machine *machine, struct actor *actor, double ns, enum place place, step *next);

/* Nothing is planned: somebody else goes on with this actor, by do_wake(), which takes `ns`. */
void do_wait(struct machine *machine, struct actor *actor);
void do_wake(struct machine *machine, struct actor *actor, double ns, step *next);

/* The same, but that the actor goes on by itself after `ns` if nobody has come by then. */
void do_wait_for(struct machine *machine, struct actor *actor, double ns, step *next);

/* Picoseconds that reading one of many lines takes, where the CPU need not know one to ask for the next.  The line is
 * read at this very moment. */
uint64_t scan_line(struct machine *machine, const struct actor *actor, struct line *line);

/* As if the actor had written the line long ago. */
void line_is_of(const struct machine *machine, struct line *line, const struct actor *actor);

/* The actor has a copy: loading takes no transfer.  And: it gets one, without any cost. */
bool has_copy(const struct line *line, const struct actor *actor);
void add_copy(struct line *line, const struct actor *actor);

#endif
