/*
 * study - the scaling study: what the simulation says beside what is measured, how the engine scales to 1,024 workers,
 * where it loses its time, and what changes of its design would gain.  Writes DIRECTORY/scaling.md, .svg and .png; the
 * tables are of this one run, and the text around them quotes no figure.
 */
#include "plot.h"
#include "reality.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BITS = 1, MOST_BITS = 10, LONG_RUN = 256 };

static FILE *document;
static struct costs costs;
static bool is_wrong; /* some simulated chunk was not run exactly once */

static const double task_lengths[] = {100, 1e3, 1e4, 1e5, 1e6};
enum { LENGTHS = sizeof task_lengths / sizeof *task_lengths };
static const char *const length_names[LENGTHS] = {"100 ns", "1 us", "10 us", "100 us", "1 ms"};

/* ---- Loads ---- */

enum kind { RANGES, IN_ORDER, ASYNCHRONOUS, CALLS, KINDS };

static struct load load_of(enum kind kind, unsigned workers, double task_ns, double distance, unsigned design)
{
	struct load load = {.workers = workers,
	                    .chunk = 1,
	                    .task_ns = task_ns,
	                    .jobs = 2,
	                    .open = 1,
	                    .spin_us = 50,
	                    .design = design,
	                    .distance = distance,
	                    .seed = 1};
	load.tasks = workers * (kind == IN_ORDER ? (size_t)16 : 64);
	load.attended = kind == ASYNCHRONOUS || kind == CALLS;
	if (workers > LONG_RUN) /* one is enough to see it, and takes long */
		load.jobs = 1;
	if (kind == CALLS) {
		load.tasks = 1;
		load.jobs = 2000;
		load.open = MODEL_SLOTS;
	}
	return load;
}

static struct outcome run(const struct load *load)
{
	struct outcome outcome;
	model_run(load, &costs, &outcome);
	is_wrong |= !outcome.exactly_once;
	return outcome;
}

/* ---- Tables ---- */

static void tell(const char *text)
{
	fputs(text, document);
}

static const char *limit_name(const struct outcome *outcome)
{
	bool in_parent;
	enum place place = model_bottleneck(outcome, &in_parent);
	if (place == PLACE_TASKS)
		return "";
	if (!in_parent)
		return place_names[place];
	return place == PLACE_WAITING  ? "begin, end"
	       : place == PLACE_CALLS  ? "waking"
	       : place == PLACE_ITEMS  ? "permits"
	       : place == PLACE_OWN    ? "caller"
	       : place == PLACE_HEAD   ? "ring head"
	       : place == PLACE_LEDGER ? "caller's look"
	                               : "caller's rest";
}

static void write_costs(const char *path)
{
	char name[64];
	double value;
	FILE *file = fopen(path, "r");
	tell("| step | ns |\n|---|---:|\n");
	while (file != NULL && fscanf(file, "%63s %lf", name, &value) == 2)
		fprintf(document, "| %s | %.1f |\n", name, value);
	if (file != NULL)
		fclose(file);
}

static void write_reality(void)
{
	struct reality *rows;
	size_t count = reality_measure(&costs, &rows);
	tell("| load | measured, ns a task | foretold | foretold / measured |\n|---|---:|---:|---:|\n");
	for (size_t i = 0; i < count; i++)
		fprintf(document, "| %s | %.1f | %.1f | %.2f |\n", rows[i].what, rows[i].measured, rows[i].foretold,
		        rows[i].foretold / rows[i].measured);
}

static void write_head(const char *corner)
{
	fprintf(document, "| %s |", corner);
	for (int k = 0; k < LENGTHS; k++)
		fprintf(document, " %s |", length_names[k]);
	tell("\n|---:|");
	for (int k = 0; k < LENGTHS; k++)
		tell("---:|");
	tell("\n");
}

/* Up to how many workers it is at least `least` for each length of tasks. */
static void write_reach(double least, double efficiency[LENGTHS][MOST_BITS])
{
	fprintf(document, "| at least %.1f |", least);
	for (int k = 0; k < LENGTHS; k++) {
		int bits = 0;
		while (bits < MOST_BITS && efficiency[k][bits] >= least)
			bits++;
		if (bits > 0)
			fprintf(document, " to %u |", 1u << bits);
		else
			tell(" never |");
	}
	tell("\n");
}

/* Efficiency, and what limits it where that is below 0.9.  Returns the largest number of workers with at least a half.
 */
static void write_scaling(enum kind kind, double distance, struct panel *panel)
{
	double efficiency[LENGTHS][MOST_BITS];
	write_head("workers");
	for (int bits = LEAST_BITS; bits <= MOST_BITS; bits++) {
		fprintf(document, "| %u |", 1u << bits);
		for (int k = 0; k < LENGTHS; k++) {
			struct load load = load_of(kind, 1u << bits, task_lengths[k], distance, 0);
			struct outcome outcome = run(&load);
			fprintf(document, " %.2f %s |", outcome.efficiency, limit_name(&outcome));
			efficiency[k][bits - LEAST_BITS] = outcome.efficiency;
			if (panel != NULL) {
				panel->values[k][bits - LEAST_BITS] = outcome.efficiency;
				panel->names[k] = length_names[k];
				panel->curves = LENGTHS;
			}
		}
		tell("\n");
	}
	write_reach(0.8, efficiency);
	write_reach(0.5, efficiency);
}

static void write_calls(struct panel *panel)
{
	write_head("workers");
	for (int bits = LEAST_BITS; bits <= MOST_BITS; bits++) {
		fprintf(document, "| %u |", 1u << bits);
		for (int k = 0; k < LENGTHS; k++) {
			struct load load = load_of(CALLS, 1u << bits, task_lengths[k], 1, 0);
			struct outcome outcome = run(&load);
			double thousands = load.jobs / outcome.ns * 1e6;
			fprintf(document, " %.0f %s |", thousands, limit_name(&outcome));
			panel->values[k][bits - LEAST_BITS] = thousands;
			panel->names[k] = length_names[k];
			panel->curves = LENGTHS;
		}
		tell("\n");
	}
}

static void write_shares(enum kind kind, double task_ns)
{
	tell("| workers |");
	for (int place = 0; place < PLACES; place++)
		fprintf(document, " %s |", place_names[place]);
	tell(" caller: calls |\n|---:|");
	for (int place = 0; place <= PLACES; place++)
		tell("---:|");
	for (int bits = LEAST_BITS; bits <= MOST_BITS; bits += 3) {
		struct load load = load_of(kind, 1u << bits, task_ns, 1, 0);
		struct outcome outcome = run(&load);
		fprintf(document, "\n| %u |", load.workers);
		for (int place = 0; place < PLACES; place++)
			fprintf(document, " %.0f |", 100 * outcome.share[place]);
		fprintf(document, " %.0f |", 100 * outcome.parent[PLACE_CALLS]);
	}
	tell("\n");
}

/* ---- Proposals ---- */

static const struct proposal {
	const char *name;
	unsigned design;
} proposals[] = {
        {"as it is", 0},
        {"the ring's head by fetch-and-add", DESIGN_TICKET},
        {"who is woken wakes two others", DESIGN_TREE},
        {"no entries for a job of all", DESIGN_SHARED},
        {"in order: worker k takes chunks k, k + W, ...", DESIGN_STRIDE},
        {"in order: a counter tells the next chunk", DESIGN_CURSOR},
        {"ranges begin at a line of the ledger", DESIGN_ALIGNED},
        {"records are looked over at heartbeats only", DESIGN_AUDIT},
        {"asynchronous: each chunk modifies the endings, as once", DESIGN_LOUD},
        {"woken wake two, no entries", DESIGN_TREE | DESIGN_SHARED},
        {"woken wake two, no entries, k + W", DESIGN_TREE | DESIGN_SHARED | DESIGN_STRIDE},
};

static const unsigned proposal_workers[] = {2, 16, 64, 256, 1024};
enum { SIZES = sizeof proposal_workers / sizeof *proposal_workers };

static void write_proposals(enum kind kind, double task_ns)
{
	tell("| change |");
	for (int i = 0; i < SIZES; i++)
		fprintf(document, " %u |", proposal_workers[i]);
	tell("\n|---|---:|---:|---:|---:|---:|\n");
	for (size_t k = 0; k < sizeof proposals / sizeof *proposals; k++) {
		fprintf(document, "| %s |", proposals[k].name);
		for (int i = 0; i < SIZES; i++) {
			struct load load = load_of(kind, proposal_workers[i], task_ns, 1, proposals[k].design);
			struct outcome outcome = run(&load);
			fprintf(document, " %.2f |", outcome.efficiency);
		}
		tell("\n");
	}
}

/* ---- The document ---- */

static void write_introduction(const char *path)
{
	tell("# How the engine scales: a study on paper that runs\n\n"
	     "Written by `make scaling` from one run; the text quotes no figure but those of the tables. The machine "
	     "it ran on has few "
	     "CPUs. What\n"
	     "single steps cost is measured there (`bench/scaling/costs.c`); a discrete-event simulation\n"
	     "(`bench/scaling/model.c`) then goes the engine's way of a task with 2 to 1,024 workers, each with a CPU "
	     "of its own,\n"
	     "and one more for the caller.\n\n"
	     "## What is modelled, and what is not\n\n"
	     "- Every atomic operation of ring, board, records, ledger, tally and endings, in the order of "
	     "`src/worker.c`, `ring.c`,\n"
	     "  `job.c` and `count.c`; spinning and sleeping of both sides; offers, and wake-ups one by one, by the "
	     "caller; turns "
	     "among open jobs; stealing;\n"
	     "  page faults of a large ledger. Chunks of one task.\n"
	     "- A cache line serves one writer at a time: a transfer (half a measured hop) if another CPU had it. "
	     "Readers of unchanged\n"
	     "  contents fetch copies beside each other. Who has got a line may do as many operations on it before the "
	     "next one has it as\n"
	     "  the contended measurement says.\n"
	     "- Nothing is calibrated. The cost of a chunk's and of a job's own instructions is measured on the serial "
	     "backend.\n"
	     "- Not modelled: distances in the machine (the measured transfer is a lower limit; tables say where half "
	     "of the workers are behind "
	     "a\n"
	     "  transfer of three times that), bandwidth of memory, processes that share a CPU, prefetching, deaths "
	     "and recovery, the\n"
	     "  kernel's own locks when many sleep on one semaphore. Lines serve in the order of arrival, so storms of "
	     "retries are as bad as "
	     "they can be.\n\n"
	     "## What steps cost here\n\n"
	     "`hop`: a line to another CPU and half of the way back. `scan`: a line of many that another has written. "
	     "`..._soon`: of one who has "
	     "just\n"
	     "fallen asleep.\n\n");
	write_costs(path);
}

static void write_validation(void)
{
	tell("\n## Beside the library\n\n"
	     "Measured in the same run. Where workers and caller are more than the CPUs they take turns, which the "
	     "simulation does "
	     "not know.\n\n");
	write_reality();
	tell("\nWhere it foretells too much: without spinning, each wake-up is taken to be one of another CPU, as it "
	     "was measured; with more "
	     "processes\n"
	     "than CPUs the kernel may just switch on the same one. And of jobs of a few tasks of nothing one worker "
	     "may have done most before "
	     "the\nother one has begun: then nobody contends.\n");
}

static void write_tables(struct panel panels[3])
{
	panels[0] = (struct panel){.title = "a range a worker (64 tasks each)", .unit = "efficiency"};
	panels[1] = (struct panel){.title = "in order (16 tasks a worker)", .unit = "efficiency"};
	panels[2] = (struct panel){.title = "single calls, 64 open", .unit = "thousand calls a second"};
	tell("\n![curves over the number of workers](scaling.svg)\n\n"
	     "## A range a worker\n\n"
	     "64 tasks a worker, chunk 1, two maps (from 512 workers on: one). Efficiency: the tasks' time by all "
	     "workers' time. Beside it, where "
	     "it is below 0.9, what most of "
	     "the rest goes to:\n"
	     "a line, or, where workers wait for the caller, what that does: `waking` sleepers, giving `permits`; "
	     "`begin, end` is nobody's "
	     "fault:\nthe job is too short for so many.\n\n");
	write_scaling(RANGES, 1, &panels[0]);
	tell("\nHalf of the workers behind three times the transfer:\n\n");
	write_scaling(RANGES, 3, NULL);
	tell("\n## In order\n\nA job of at most 16 chunks a worker, which all sweep from its beginning. 16 tasks a "
	     "worker.\n\n");
	write_scaling(IN_ORDER, 1, &panels[1]);
	tell("\nHalf of the workers behind three times the transfer:\n\n");
	write_scaling(IN_ORDER, 3, NULL);
	tell("\n## Asynchronous maps\n\n64 tasks a worker.\n\n");
	write_scaling(ASYNCHRONOUS, 1, NULL);
	tell("\n## Single calls\n\nThousand calls a second, of 64 open at once, and what limits them.\n\n");
	write_calls(&panels[2]);
	tell("\n## Where the workers' time goes\n\nPercent; a range a worker, tasks of 10 us:\n\n");
	write_shares(RANGES, 1e4);
	tell("\nIn order, tasks of 10 us:\n\n");
	write_shares(IN_ORDER, 1e4);
}

static void write_findings(void)
{
	tell("\n## What could be changed\n\n"
	     "Each is simulated, too. Efficiency over workers; a range a worker, tasks of 10 us:\n\n");
	write_proposals(RANGES, 1e4);
	tell("\nIn order, tasks of 10 us:\n\n");
	write_proposals(IN_ORDER, 1e4);
	tell("\nAsynchronous, tasks of 1 us:\n\n");
	write_proposals(ASYNCHRONOUS, 1e3);
	tell("\n## Findings\n\n"
	     "- **Waking** is the first limit of maps with ranges: the caller wakes sleepers one after the other, and "
	     "the\n"
	     "  last of many begins when the first have long finished. A post makes a system call whenever somebody "
	     "sleeps,\n"
	     "  even if somebody else spins. So a map is now offered to those who spin first, and posted when its "
	     "caller "
	     "has\n"
	     "  spun for 4 us; without a limit on the offers 128 workers would come at one moment and fight for the "
	     "ring's\n"
	     "  head, with one of 16 they do not. Jobs are still posted, as their caller may turn to something else: "
	     "it "
	     "is why\n"
	     "  more workers than single calls can keep busy make these slower. If those who have been woken wake "
	     "others, it\n"
	     "  takes the logarithm of their number.\n"
	     "- **The ledger's front** limits jobs in order: all claim at one place. Steps of W spread the claims and "
	     "keep\n"
	     "  the first tasks first. A counter is hardly better than the ledger itself: it is one line, too.\n"
	     "- **The ring's head** is taken by compare-and-swap; with hundreds of workers most attempts fail.\n"
	     "  Fetch-and-add ends that, but waking limits such jobs, too; a job without entries needs neither.\n"
	     "- **The endings** limited asynchronous jobs, when each chunk modified that line, which all share. The "
	     "engine has "
	     "a\n"
	     "  fence there since, which touches no line; the row 'as once' shows what it was.\n"
	     "- **The ledger's neighbours** at the borders of ranges, the tally (once a worker and job), the table of "
	     "open\n"
	     "  jobs (read often, and seldom written), and the look at all records at each end of a job limit none of "
	     "these\n"
	     "  loads.\n"
	     "- A rule of thumb for the engine as it is: W workers are worth their number if the tasks of each take "
	     "together\n"
	     "  well above W times `wake_cost`, and where single calls take each at least W times `job`.\n");
}

static int write_all(const char *costs_path, const char *directory)
{
	char path[4096];
	struct panel panels[3];
	snprintf(path, sizeof path, "%s/scaling.md", directory);
	document = fopen(path, "w");
	if (document == NULL) {
		perror(path);
		return 2;
	}
	write_introduction(costs_path);
	write_validation();
	write_tables(panels);
	write_findings();
	if (fclose(document) != 0) {
		perror(path);
		return 2;
	}
	int error = plot_write(panels, 3, directory);
	if (error != 0)
		fprintf(stderr, "study: no plots: %s\n",
		        error == -ENOENT ? "configure found no gnuplot" : strerror(-error));
	return is_wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: study COSTS DIRECTORY\n"
		                "COSTS: what costs has printed.  Writes DIRECTORY/scaling.md, .svg and .png.\n");
		return 2;
	}
	if (costs_read(&costs, argv[1]) != 0)
		return 2;
	int status = write_all(argv[1], argv[2]);
	if (status == 1)
		fprintf(stderr, "study: some simulated chunk was not run exactly once\n");
	return status;
}
