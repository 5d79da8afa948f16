/*
 * plan - what a run measures: sections of rows, and in each row who is asked for what.
 */
#include "plan.h"

#include "../kernels/kernel.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPTS BENCH_SOURCES "/peers/"

const struct contender_kind plan_kinds[] = {
        {"processes", "bench/peers/forkpool processes", NULL, "gcc"},
        {"threads", "bench/peers/forkpool threads", NULL, "gcc"},
        {"serial", "bench/peers/forkpool serial", NULL, "gcc"},
        {"processes asleep", "bench/peers/forkpool processes sleep", NULL, "gcc"},
        {"threads asleep", "bench/peers/forkpool threads sleep", NULL, "gcc"},
        {"OpenMP static", "bench/peers/openmp static", NULL, "gcc"},
        {"OpenMP dynamic", "bench/peers/openmp dynamic", NULL, "gcc"},
        {"OpenMP guided", "bench/peers/openmp guided", NULL, "gcc"},
        {"OpenMP active", "bench/peers/openmp static", "OMP_WAIT_POLICY=active", "gcc"},
        {"OpenMP passive", "bench/peers/openmp static", "OMP_WAIT_POLICY=passive", "gcc"},
        {"TBB", "bench/peers/tbb", NULL, "g++ libtbb-dev"},
        {"textbook threads", "bench/peers/threads", NULL, "gcc"},
        {"textbook forks", "bench/peers/forks", NULL, "gcc"},
        {"multiprocessing.Pool", BENCH_PYTHON " " SCRIPTS "pool.py pool", NULL, "python3"},
        {"multiprocessing.dummy", BENCH_PYTHON " " SCRIPTS "pool.py dummy", NULL, "python3"},
        {"ProcessPoolExecutor", BENCH_PYTHON " " SCRIPTS "pool.py executor", NULL, "python3"},
        {"joblib/loky", BENCH_PYTHON " " SCRIPTS "pool.py loky", NULL, "python3 python3-joblib"},
        {"mpi4py.futures", BENCH_PYTHON " " SCRIPTS "pool.py mpi", NULL, "python3 python3-mpi4py"},
        {"R mclapply", BENCH_RSCRIPT " --vanilla " SCRIPTS "mclapply.R", NULL, "r-base-core"},
        {"GNU parallel", BENCH_PYTHON " " SCRIPTS "pool.py parallel", NULL, "python3 parallel"},
        {"limit", "bench/peers/bare", NULL, "gcc"},
        {"limit spinning", "bench/peers/bare spin", NULL, "gcc"},
        {"one counter", "bench/peers/bare line", NULL, "gcc"},
        {NULL, NULL, NULL, NULL},
};

static const char *const c_peers[] = {"processes", "threads",          "OpenMP static",  "OpenMP dynamic",
                                      "TBB",       "textbook threads", "textbook forks", NULL};
static const char *const script_peers[] = {"multiprocessing.Pool", "multiprocessing.dummy",
                                           "ProcessPoolExecutor",  "joblib/loky",
                                           "mpi4py.futures",       "R mclapply",
                                           "GNU parallel",         NULL};

/* ---- Building rows ------------------------------------------------------------------------ */

static void say(char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, size, format, arguments);
	va_end(arguments);
}

static void *grown(void *array, size_t count, size_t size)
{
	void *memory = realloc(array, (count + 1) * size);
	if (memory == NULL) {
		fputs("bench: no memory\n", stderr);
		exit(2);
	}
	memset((char *)memory + count * size, 0, size);
	return memory;
}

static void add_section(struct plan *plan, const char *letter, const char *title, const char *text)
{
	struct results *results = plan->results;
	results->section = grown(results->section, results->sections, sizeof *results->section);
	struct section *section = &results->section[results->sections++];
	say(section->letter, sizeof section->letter, "%s", letter);
	say(section->title, sizeof section->title, "%s", title);
	say(section->text, sizeof section->text, "%s", text);
}

/* A row of the section added last; `seconds` are for a complete run. */
static struct plan_row *add_row(struct plan *plan, double seconds, const char *unit, const char *id, const char *title)
{
	struct results *results = plan->results;
	results->row = grown(results->row, results->rows, sizeof *results->row);
	struct row *row = &results->row[results->rows++];
	say(row->id, sizeof row->id, "%s", id);
	say(row->section, sizeof row->section, "%s", results->section[results->sections - 1].letter);
	say(row->title, sizeof row->title, "%s", title);
	say(row->unit, sizeof row->unit, "%s", unit);
	row->entries = grown(NULL, MAX_ENTRIES, sizeof *row->entries);
	memset(row->entries, 0, MAX_ENTRIES * sizeof *row->entries);
	plan->row = grown(plan->row, plan->rows, sizeof *plan->row);
	struct plan_row *planned = &plan->row[plan->rows++];
	planned->seconds = results->quick ? seconds * 0.12 : seconds;
	return planned;
}

static struct row *row_of(const struct plan *plan, const struct plan_row *planned)
{
	return &plan->results->row[planned - plan->row];
}

/* One point of a curve. */
static void set_point(const struct plan *plan, struct plan_row *planned, const char *series, const char *x_name,
                      double x)
{
	struct row *row = row_of(plan, planned);
	say(row->series, sizeof row->series, "%s", series);
	say(row->x_name, sizeof row->x_name, "%s", x_name);
	row->x = x;
}

static const struct contender_kind *kind_named(const char *name)
{
	for (const struct contender_kind *kind = plan_kinds; kind->name; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	fprintf(stderr, "bench: no contender '%s'\n", name);
	abort();
}

static struct demand *add_entry(const struct plan *plan, struct plan_row *planned, const char *name,
                                struct demand demand)
{
	struct row *row = row_of(plan, planned);
	struct entry *entry = &row->entries[row->count];
	demand.kind = kind_named(name);
	if (demand.workers == 0)
		demand.workers = plan->results->workers;
	if (demand.scale == 0)
		demand.scale = 1;
	say(entry->contender, sizeof entry->contender, "%s", name);
	entry->is_limit = strncmp(name, "limit", 5) == 0;
	planned->demand[row->count] = demand;
	return &planned->demand[row->count++];
}

static void add_entries(const struct plan *plan, struct plan_row *planned, const char *const *names,
                        struct demand demand)
{
	for (; *names; names++)
		add_entry(plan, planned, *names, demand);
}

/* What the entry added last is called, where its contender's name is not enough. */
static void name_entry(const struct plan *plan, struct plan_row *planned, const char *format, ...)
{
	struct row *row = row_of(plan, planned);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(row->entries[row->count - 1].contender, MAX_TEXT, format, arguments);
	va_end(arguments);
}

static unsigned entry_named(const struct row *row, const char *name)
{
	for (unsigned i = 0; i < row->count; i++)
		if (strcmp(row->entries[i].contender, name) == 0)
			return i;
	fprintf(stderr, "bench: row %s has no entry '%s'\n", row->id, name);
	abort();
}

/* The limit that serial work sets: so many CPUs busy all the time. */
static void add_limit(const struct plan *plan, struct plan_row *planned, unsigned cpus, enum per per)
{
	struct row *row = row_of(plan, planned);
	struct entry *entry = &row->entries[row->count];
	say(entry->contender, sizeof entry->contender, "limit: serial / %s", per == PER_SPEEDUP ? "CPUs" : "workers");
	entry->is_limit = true;
	planned->demand[row->count++] = (struct demand){
	        .source = entry_named(row, "serial"), .divisor = cpus, .repeats = 1, .scale = 1, .per = per};
}

static void add_perfect(const struct plan *plan, struct plan_row *planned)
{
	add_limit(plan, planned, plan->results->workers, PER_NOTHING);
}

/* The best of those whose names begin with one of the two. */
static void add_best(const struct plan *plan, struct plan_row *planned, const char *name, const char *first,
                     const char *second)
{
	struct row *row = row_of(plan, planned);
	struct demand best = {.repeats = 1, .scale = 1, .divisor = 1};
	for (unsigned i = 0; i < row->count; i++)
		if (strncmp(row->entries[i].contender, first, strlen(first)) == 0 ||
		    strncmp(row->entries[i].contender, second, strlen(second)) == 0)
			best.best_of |= 1u << i;
	say(row->entries[row->count].contender, MAX_TEXT, "%s", name);
	planned->demand[row->count++] = best;
}

static void add_comparison(const struct plan *plan, struct plan_row *planned, const char *a, const char *b,
                           double target, const char *text, const char *because)
{
	struct row *row = row_of(plan, planned);
	struct comparison *comparison = &row->compared[row->comparisons++];
	comparison->a = entry_named(row, a);
	comparison->b = entry_named(row, b);
	comparison->target = target;
	say(comparison->text, sizeof comparison->text, "%s", text);
	say(comparison->because, sizeof comparison->because, "%s", because);
}

/* A target for an entry's value itself. */
static void add_target(const struct plan *plan, struct plan_row *planned, const char *name, double target,
                       const char *text, const char *because)
{
	add_comparison(plan, planned, name, name, target, text, because);
}

static void set_note(const struct plan *plan, struct plan_row *planned, const char *note)
{
	struct row *row = row_of(plan, planned);
	say(row->note, sizeof row->note, "%s", note);
}

/* ---- (a) Handing out work --------------------------------------------------------------------- */

static void plan_empty(struct plan *plan)
{
	struct demand demand = {.work = "empty", .chunk = 1, .per = PER_COUNT, .scale = 1e9};
	struct plan_row *row = add_row(plan, 20, "ns a task", "empty.1", "empty task, chunk 1");
	add_entries(plan, row, c_peers, demand);
	add_entries(plan, row, script_peers, demand);
	add_entry(plan, row, "one counter", demand);
	add_entry(plan, row, "limit", demand);
	set_note(plan, row,
	         "one counter: bare, as the limit, but both processes move one and the same word; OpenMP's static "
	         "schedule hands out nothing");
	row->most = 20000000;
	add_comparison(plan, row, "processes", "OpenMP dynamic", 0.5, "empty task, chunk 1 / OpenMP dynamic,1",
	               "A worker claims each task by a compare-and-swap of a word of its own range, in its own cache; "
	               "OpenMP's threads add to one counter, whose cache line goes from core to core with each task.");
	add_comparison(plan, row, "threads", "OpenMP dynamic", 0.5, "the same on threads",
	               "The engine is the same; only the kind of worker differs.");
	add_comparison(
	        plan, row, "processes", "multiprocessing.Pool", 1.0 / 2000,
	        "empty task, chunk 1 / multiprocessing.Pool",
	        "A Python task is pickled, sent through a pipe under a lock, unpickled, and its result likewise.");
	add_comparison(plan, row, "threads", "multiprocessing.Pool", 1.0 / 2000, "the same on threads", "As above.");
	demand.chunk = 0;
	row = add_row(plan, 20, "ns a task", "empty.auto", "empty task, chunks as the pool likes best");
	add_entries(plan, row, c_peers, demand);
	add_entries(plan, row, script_peers, demand);
	add_entry(plan, row, "limit", demand);
	row->most = 100000000;
}

static void plan_delay(struct plan *plan)
{
	static const char *const names[] = {"processes", "threads", "OpenMP static", "OpenMP dynamic", "OpenMP guided",
	                                    "TBB",       NULL};
	for (size_t chunk = 1; chunk <= 1024; chunk *= plan->results->quick ? 16 : 2) {
		char id[32];
		say(id, sizeof id, "delay.%zu", chunk);
		struct plan_row *row = add_row(plan, 2, "ns a task", id, "tasks of 0.1 us");
		set_point(plan, row, "delay", "chunk", (double)chunk);
		add_entries(plan, row, names,
		            (struct demand){.work = "delay", .chunk = chunk, .per = PER_COUNT, .scale = 1e9});
		add_entry(plan, row, "serial", /* all in one chunk */
		          (struct demand){.work = "delay", .chunk = 1 << 20, .per = PER_COUNT, .scale = 1e9});
		add_perfect(plan, row);
		row->most = 1 << 18;
	}
}

static void plan_dispatch(struct plan *plan)
{
	add_section(plan, "a", "Handing out work",
	            "Empty tasks, each a call through the same pointer; and tasks of 0.1 us in chunks of 1 to 1024, "
	            "as the EPCC OpenMP micro-benchmarks schedule them. The limit is what two processes need that "
	            "claim by an uncontended compare-and-swap and call.");
	plan_empty(plan);
	plan_delay(plan);
}

/* ---- (b) Latency ---------------------------------------------------------------------------------- */

static void plan_pair(struct plan *plan, size_t idle, const char *state, bool asleep)
{
	static const char *const spinning[] = {"processes", "threads",          "OpenMP active",  "OpenMP static",
	                                       "TBB",       "textbook threads", "textbook forks", "limit spinning",
	                                       NULL};
	static const char *const sleeping[] = {"processes asleep",
	                                       "threads asleep",
	                                       "OpenMP passive",
	                                       "textbook threads",
	                                       "textbook forks",
	                                       "limit",
	                                       NULL};
	struct demand demand = {.work = "pair",
	                        .count = idle ? 20 : 0,
	                        .chunk = idle,
	                        .per = PER_COUNT,
	                        .scale = 1e6,
	                        .repeats = idle ? 2 : 0};
	char id[64], title[128];
	say(id, sizeof id, "pair.%s.%s", state, asleep ? "asleep" : "spinning");
	say(title, sizeof title, "a map of 2 empty tasks, %s, %s", idle ? "after 1 ms of idleness" : "back to back",
	    asleep ? "nobody spins" : "workers as they are by default");
	struct plan_row *row = add_row(plan, 6, "us a map", id, title);
	add_entries(plan, row, asleep ? sleeping : spinning, demand);
	if (!asleep && !idle)
		add_entries(plan, row, script_peers, demand);
	row->most = 200000;
	if (asleep)
		set_note(plan, row, "spin_us is FORKPOOL_NO_SPIN in this row");
	if (!idle && !asleep)
		add_comparison(plan, row, "processes", "OpenMP active", 4,
		               "map of 2 empty tasks, default spin / OpenMP active",
		               "The caller posts a job, and each worker answers by cache lines that go there and back; "
		               "OpenMP's threads wait at one barrier for nothing else.");
	if (!idle && !asleep)
		add_comparison(plan, row, "threads", "OpenMP active", 4, "the same on threads", "As above.");
	if (!idle && asleep)
		add_comparison(plan, row, "processes asleep", "OpenMP passive", 1,
		               "map of 2 empty tasks, sleeping / OpenMP passive",
		               "The caller wakes two workers, sleeps, and is woken, on two CPUs; OpenMP's caller does "
		               "its half itself "
		               "and wakes one thread, which leaves little more than the bare ping-pong of two "
		               "processes on one CPU. A "
		               "caller that runs tasks itself would die of a bad one.");
	if (!idle && asleep)
		add_comparison(plan, row, "threads asleep", "OpenMP passive", 1, "the same on threads", "As above.");
}

static void plan_latency(struct plan *plan)
{
	add_section(plan, "b", "Latency",
	            "A map of 2 empty tasks: how long the caller waits. The limits: a cache line that two spinning "
	            "processes send there and back; two semaphores on which two processes wake each other in turn. "
	            "Scripts are in the first row only, and TBB in the first two: its threads always look for work "
	            "before they sleep.");
	plan_pair(plan, 0, "busy", false);
	plan_pair(plan, 1000, "idle", false);
	plan_pair(plan, 0, "busy", true);
	plan_pair(plan, 1000, "idle", true);
}

/* ---- (c) A pool's life ------------------------------------------------------------------------------- */

static const char life_note[] =
        "OpenMP's threads are ended by omp_pause_resource_all(); mclapply keeps no pool, its map is all there is; "
        "mpi4py and GNU parallel have no pool to create";

static void plan_small_life(struct plan *plan)
{
	struct demand demand = {.work = "life", .count = 10, .chunk = 20, .per = PER_CHUNK, .scale = 1e3, .repeats = 1};
	struct plan_row *row =
	        add_row(plan, 8, "ms", "life.10MB", "create, map 2 empty tasks, destroy; a caller of 10 MB");
	add_entries(plan, row, c_peers, demand);
	demand.chunk = plan->results->quick ? 1 : 2;
	for (const char *const *name = script_peers; *name; name++)
		if (strcmp(*name, "mpi4py.futures") != 0 && strcmp(*name, "GNU parallel") != 0)
			add_entry(plan, row, *name, demand);
	demand.chunk = 20;
	add_entry(plan, row, "limit", demand);
	set_note(plan, row, life_note);
	add_comparison(plan, row, "processes", "limit", 2, "create + first map + destroy / bare fork and wait",
	               "Beyond two forks and waits a pool maps its memory, protects it, and touches its first pages "
	               "in three processes.");
	add_comparison(plan, row, "threads", "limit", 2, "the same with threads", "Threads need no fork.");
}

/* Whether there are so many bytes to be had, and as much again. */
static bool has_memory(double bytes)
{
	return (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) > 2 * bytes;
}

static void plan_large_life(struct plan *plan)
{
	static const char *const names[] = {"processes", "threads", "textbook forks", "limit", NULL};
	struct plan_row *row =
	        add_row(plan, 8, "ms", "life.2000MB", "create, map 2 empty tasks, destroy; a caller of 2000 MB");
	add_entries(plan, row, names,
	            (struct demand){
	                    .work = "life", .count = 2000, .chunk = 5, .per = PER_CHUNK, .scale = 1e3, .repeats = 1});
	add_comparison(plan, row, "processes", "limit", 2, "the same in a caller of 2000 MB",
	               "The time is the forks', which copy the caller's page tables.");
}

static void plan_life(struct plan *plan)
{
	add_section(plan, "c", "A pool's life",
	            "From nothing to a first result and back to nothing, in a caller that has touched 10 MB, and in "
	            "one of 2 GB (where the machine has memory for four such), whose page tables each fork copies. "
	            "The limit: to fork as many children that end at once, and to wait for them.");
	plan_small_life(plan);
	if (!plan->results->quick && has_memory(8e9))
		plan_large_life(plan);
}

/* ---- (d) Memory ------------------------------------------------------------------------------------------ */

static void plan_store_of(struct plan *plan, const char *how, const char *state, double target, const char *because)
{
	static const char *const names[] = {"processes",        "threads",        "OpenMP static", "TBB",
	                                    "textbook threads", "textbook forks", "limit",         NULL};
	size_t count = plan->results->quick ? 1000000 : 10000000;
	bool by_item = strcmp(how, "item") == 0;
	char work[64], id[64], title[128], text[128];
	say(work, sizeof work, "store-%s-%s", how, state);
	say(id, sizeof id, "store.%s.%s", how, state);
	say(title, sizeof title, "one store a task, %s, memory %s", by_item ? "a call each" : "a range function",
	    strcmp(state, "fresh") == 0   ? "fresh"
	    : strcmp(state, "other") == 0 ? "touched by the caller"
	                                  : "touched by the same workers");
	struct plan_row *row = add_row(plan, 4, "ns a task", id, title);
	static char kept[8][64];
	static unsigned used;
	char *name = kept[used++ % 8];
	say(name, 64, "%s", work);
	add_entries(plan, row, names,
	            (struct demand){.work = name, .count = count, .per = PER_COUNT, .scale = 1e9, .repeats = 1});
	if (target == 0)
		return;
	say(text, sizeof text, "store a task, %s, %s / OpenMP static", by_item ? "per item" : "range function",
	    strcmp(state, "same") == 0    ? "touched by the same"
	    : strcmp(state, "other") == 0 ? "touched by others"
	                                  : "fresh");
	add_comparison(plan, row, "processes", "OpenMP static", target, text, because);
	say(text, sizeof text, "the same on threads");
	add_comparison(plan, row, "threads", "OpenMP static", target, text, because);
}

static void plan_stores(struct plan *plan)
{
	add_section(
	        plan, "d", "Memory",
	        "Every task stores one double. Fresh: nobody has touched the memory; touched by the caller: there are "
	        "pages, but the workers have not seen them, and each process has page tables of its own; touched by "
	        "the same "
	        "workers. OpenMP's memory is private to its process, the pool's is shared. The limit: as many "
	        "processes that fill a shared mapping by a plain loop.");
	plan_store_of(plan, "range", "same", 1.05, "The memory's own pace: both sides do nothing else.");
	plan_store_of(
	        plan, "range", "other", 1.6,
	        "A worker process has no page table entries for pages that only the caller has touched, and a store "
	        "faults once for each of them; threads share the caller's. The limit, two bare processes, is as far "
	        "away.");
	plan_store_of(plan, "range", "fresh", 3,
	              "Pages of shared memory come from the page cache, one by one and cleared; private memory may "
	              "come in huge pages.");
	plan_store_of(plan, "item", "same", 1.1,
	              "A call through a pointer and a store each; beside it a loop that counts.");
	plan_store_of(plan, "item", "other", 0, "");
	plan_store_of(plan, "item", "fresh", 0, "");
}

/* ---- (e) Real work ----------------------------------------------------------------------------------------- */

static const char *const schedules[] = {"processes", "threads", "OpenMP static", "OpenMP dynamic", "OpenMP guided",
                                        "serial",    NULL};
static const char exact[] =
        "Both call the same function on as many CPUs; what is left is how evenly the last tasks fall.";

/* Loads that equal shares do not fit are compared with TBB, too. */
static void plan_kernel(struct plan *plan, const char *work, int size, const char *title, bool is_uneven,
                        double seconds)
{
	struct plan_row *row = add_row(plan, seconds, "s", work, title);
	struct demand demand = {.work = work, .count = (size_t)size, .repeats = 1, .is_given = true};
	add_entries(plan, row, schedules, demand);
	if (is_uneven)
		add_entry(plan, row, "TBB", demand);
	const char *best = is_uneven ? "best of OpenMP and TBB" : "best OpenMP schedule";
	char text[128];
	add_best(plan, row, best, "OpenMP", is_uneven ? "TBB" : "OpenMP");
	add_perfect(plan, row);
	say(text, sizeof text, "%s / %s", title, best);
	add_comparison(plan, row, "processes", best, is_uneven ? 1.02 : 1.01, text, exact);
	say(text, sizeof text, "%s, threads / %s", title, best);
	add_comparison(plan, row, "threads", best, is_uneven ? 1.02 : 1.01, text, exact);
}

static void plan_kernels(struct plan *plan)
{
	bool quick = plan->results->quick;
	add_section(
	        plan, "e", "Real work",
	        "The kernels of bench/kernels, one function for everybody, answers checked each time against published "
	        "values. The limit is perfect speed-up: the time of serial in the same round, divided by the workers. "
	        "The textbook pools deal out equal shares, as OpenMP's static schedule does, and are left out.");
	int size = quick ? KERNEL_S : KERNEL_W;
	plan_kernel(plan, "kernel-ep", quick ? KERNEL_S : KERNEL_A, quick ? "NAS EP, class S" : "NAS EP, class A",
	            false, 75);
	plan_kernel(plan, "kernel-primes", size, quick ? "primes below 10^7" : "primes below 10^8", false, 20);
	plan_kernel(plan, "kernel-mandelbrot", size, quick ? "Mandelbrot, 250 rows" : "Mandelbrot, 2000 rows", false,
	            25);
	plan_kernel(plan, "kernel-options", size, quick ? "Black-Scholes, 2^18 options" : "Black-Scholes, 2^22 options",
	            false, 25);
	plan_kernel(plan, "kernel-skew", size, "skewed load", true, 25);
	plan_kernel(plan, "kernel-triangle", size, "triangular load", true, 25);
	plan_kernel(plan, "kernel-random", size, "random load", true, 25);
}

/* ---- (f) Tasks of a millisecond ------------------------------------------------------------ */

static void plan_millisecond(struct plan *plan)
{
	size_t count = plan->results->quick ? 100 : 1000;
	struct demand demand = {.work = "millisecond", .count = count, .chunk = 1, .repeats = 1};
	add_section(plan, "f", "Tasks of a millisecond",
	            "So many tasks of 1 ms of CPU time each, one at a time: here every pool should be good.");
	struct plan_row *row = add_row(plan, 60, "s", "millisecond",
	                               plan->results->quick ? "100 tasks of 1 ms" : "1,000 tasks of 1 ms");
	add_entries(plan, row, c_peers, demand);
	add_entries(plan, row, script_peers, demand);
	row->demand[entry_named(row_of(plan, row), "R mclapply")].chunk = 0;
	set_note(plan, row, "mclapply deals them out in its own way: one at a time would be a process each");
	add_entry(plan, row, "serial", demand);
	add_perfect(plan, row);
}

/* ---- (g) Memory a worker --------------------------------------------------------------------- */

static const char *const with_processes[] = {
        "processes", "textbook forks", "multiprocessing.Pool", "ProcessPoolExecutor", "joblib/loky", "mpi4py.futures",
        NULL};

static void plan_memory_row(struct plan *plan, enum probe probe, const char *id, const char *title, bool worked)
{
	char full_id[64], full_title[128];
	say(full_id, sizeof full_id, "memory.%s.%s", id, worked ? "worked" : "idle");
	say(full_title, sizeof full_title, "%s, %s", title, worked ? "after 2,000 tasks" : "idle");
	struct plan_row *row = add_row(plan, 1, "KiB a worker", full_id, full_title);
	struct demand demand = {.work = worked ? "empty" : "pair",
	                        .count = worked ? 2000 : 1,
	                        .chunk = worked ? 1 : 0,
	                        .repeats = 1,
	                        .probe = probe};
	add_entries(plan, row, with_processes, demand);
	set_note(plan, row, "of all descendants: mpi4py's caller and loky's resource tracker are among them");
	if (probe == PROBE_PRIVATE && !worked)
		add_target(plan, row, "processes", 100, "private memory of an idle worker, KiB",
		           "What a worker writes: its stack, the C library's data and what the fork's copy-on-write "
		           "split off.");
}

static void plan_memory(struct plan *plan)
{
	add_section(plan, "g", "Memory a worker",
	            "Of the descendants of each peer, on average: proportional set size, private dirty pages "
	            "(smaps_rollup) and "
	            "page tables (status), after a first map and after many tasks. Threads share all of it.");
	for (int worked = 0; worked < 2; worked++) {
		plan_memory_row(plan, PROBE_PRIVATE, "private", "private dirty memory", worked);
		if (worked && plan->results->quick)
			continue;
		plan_memory_row(plan, PROBE_PSS, "pss", "proportional set size", worked);
		plan_memory_row(plan, PROBE_TABLES, "tables", "page tables", worked);
	}
}

/* ---- (h) More workers than CPUs -------------------------------------------------------------------- */

static void plan_workers(struct plan *plan)
{
	static const unsigned counts[] = {1, 2, 3, 4, 8, 16, 32, 64};
	static const char *const names[] = {"processes", "threads", "OpenMP static", "OpenMP dynamic", "TBB", NULL};
	add_section(plan, "h", "Workers",
	            "Primes below 10^8 by 1 to 64 workers, and NAS EP by 64. With more workers than CPUs the system "
	            "deals out the time; a pool loses "
	            "by switching, and by workers that spin in other workers' time.");
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i += plan->results->quick ? 3 : 1) {
		char id[32];
		say(id, sizeof id, "workers.%u", counts[i]);
		struct plan_row *row = add_row(plan, 6, "times as fast as serial", id, "primes below 10^8");
		set_point(plan, row, "workers.primes", "workers", counts[i]);
		row_of(plan, row)->more_is_better = true;
		struct demand demand = {.work = "kernel-primes", .count = KERNEL_W, .repeats = 1, .per = PER_SPEEDUP};
		add_entry(plan, row, "serial", demand);
		demand.workers = counts[i];
		add_entries(plan, row, names, demand);
		add_limit(plan, row, counts[i] < plan->results->workers ? counts[i] : plan->results->workers,
		          PER_SPEEDUP);
	}
	struct demand demand = {.work = "kernel-ep", .count = KERNEL_W, .repeats = plan->results->quick ? 1 : 2};
	struct plan_row *row =
	        add_row(plan, 12, "s", "oversubscription", "NAS EP, class W: 64 workers and as many as CPUs");
	static const char *const both[] = {"processes", "threads"};
	for (int i = 0; i < 2; i++)
		for (unsigned workers = plan->results->workers; workers; workers = workers < 64 ? 64 : 0) {
			demand.workers = workers;
			add_entry(plan, row, both[i], demand);
			name_entry(plan, row, "%s, %u workers", both[i], workers);
		}
	demand.workers = plan->results->workers;
	add_entry(plan, row, "serial", demand);
	add_perfect(plan, row);
	char few[2][64], many[2][64];
	for (int i = 0; i < 2; i++) {
		say(few[i], sizeof few[i], "%s, %u workers", both[i], plan->results->workers);
		say(many[i], sizeof many[i], "%s, 64 workers", both[i]);
	}
	if (plan->results->workers >= 64)
		return;
	add_comparison(
	        plan, row, many[0], few[0], 1.03, "EP, 64 workers / as many as CPUs",
	        "The tasks are handed out one by one, so that the last ones end together however the system schedules; "
	        "what is lost is the waking of many workers, and their switching.");
	add_comparison(plan, row, many[1], few[1], 1.03, "the same on threads", "As above.");
}

/* ---- (i) Growth ---------------------------------------------------------------------------------------- */

static void plan_growth_of_tasks(struct plan *plan)
{
	static const char *const names[] = {"processes", "threads", "OpenMP static", "TBB", "limit", NULL};
	size_t last = plan->results->quick ? 10000000 : 1000000000;
	for (size_t count = 1000; count <= last; count *= 10) {
		char id[32];
		say(id, sizeof id, "growth.%zu", count);
		struct plan_row *row = add_row(plan, 2.5, "s", id, "a range function, 1/(i+1) summed up");
		set_point(plan, row, "growth.tasks", "tasks", (double)count);
		add_entries(plan, row, names, (struct demand){.work = "sum", .count = count});
		if (count >= 100000000)
			row->seconds *= 4;
	}
	struct plan_row *row = add_row(plan, 20, "ns a task", "growth", "a range function, 10^6 and more tasks");
	struct demand demand = {.work = "sum", .per = PER_COUNT, .scale = 1e9};
	const char *names_of[2][2] = {{"processes, 10^6 tasks", "processes, 10^9 tasks"},
	                              {"threads, 10^6 tasks", "threads, 10^9 tasks"}};
	for (int i = 0; i < 2; i++)
		for (int large = 0; large < 2; large++) {
			demand.count = large ? 1000000000 : 1000000;
			demand.repeats = large;
			add_entry(plan, row, i ? "threads" : "processes", demand);
			name_entry(plan, row, "%s", names_of[i][large]);
		}
	for (int i = 0; i < 2; i++)
		add_comparison(
		        plan, row, names_of[i][1], names_of[i][0], 1.05,
		        i ? "the same on threads" : "ns a task at n = 10^9 / at 10^6 (range function)",
		        "There are at most 8192 chunks, however many tasks: the cost beside the tasks does not grow.");
}

static void plan_growth_of_chunks(struct plan *plan)
{
	static const char *const names[] = {"processes", "threads", "OpenMP dynamic", "TBB", "limit", NULL};
	for (size_t chunks = 10; chunks <= 1000000; chunks *= 10) {
		char id[32];
		say(id, sizeof id, "chunks.%zu", chunks);
		struct plan_row *row = add_row(plan, 1.5, "ns a task", id, "10^6 empty tasks in so many chunks");
		set_point(plan, row, "growth.chunks", "chunks", (double)chunks);
		add_entries(plan, row, names,
		            (struct demand){.work = "empty",
		                            .count = 1000000,
		                            .chunk = 1000000 / chunks,
		                            .per = PER_COUNT,
		                            .scale = 1e9});
	}
}

static void plan_growth_of_jobs(struct plan *plan)
{
	static const char *const names[] = {"processes",
	                                    "threads",
	                                    "serial",
	                                    "OpenMP static",
	                                    "TBB",
	                                    "textbook threads",
	                                    "textbook forks",
	                                    "multiprocessing.Pool",
	                                    "ProcessPoolExecutor",
	                                    "limit",
	                                    NULL};
	for (size_t jobs = 1, last = plan->results->quick ? 1000 : 100000; jobs <= last; jobs *= 10) {
		char id[32];
		say(id, sizeof id, "jobs.%zu", jobs);
		struct plan_row *row =
		        add_row(plan, 3, "us a job", id, "so many jobs of one empty task, all submitted at once");
		set_point(plan, row, "growth.jobs", "jobs", (double)jobs);
		add_entries(plan, row, names,
		            (struct demand){.work = "jobs", .count = jobs, .per = PER_COUNT, .scale = 1e6});
		set_note(plan, row, "OpenMP: task; TBB: task_group");
	}
}

static void plan_growth(struct plan *plan)
{
	add_section(plan, "i", "Growth",
	            "Time over the number of tasks, the number of chunks, and the number of jobs.");
	plan_growth_of_tasks(plan);
	plan_growth_of_chunks(plan);
	plan_growth_of_jobs(plan);
}

/* ---- All ------------------------------------------------------------------------------------------------- */

void plan_make(struct plan *plan, struct results *results, const char *letters)
{
	static const struct {
		char letter;
		void (*make)(struct plan *);
	} sections[] = {{'a', plan_dispatch}, {'b', plan_latency}, {'c', plan_life},
	                {'d', plan_stores},   {'e', plan_kernels}, {'f', plan_millisecond},
	                {'g', plan_memory},   {'h', plan_workers}, {'i', plan_growth}};
	*plan = (struct plan){.results = results};
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (!strchr(letters, sections[i].letter))
			continue;
		sections[i].make(plan);
		plan->row[plan->rows - 1].is_last = true;
	}
	for (size_t i = 0; i < plan->rows; i++)
		plan->row[i].row = &results->row[i];
}

void plan_free(struct plan *plan)
{
	free(plan->row);
	*plan = (struct plan){0};
}
