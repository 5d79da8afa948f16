/*
 * Names, calls and environment variables of libraries that use threads of their own.
 *
 * What their documentation and sources say: omp_set_num_threads() is about the calling thread (OpenMP's
 * nthreads-var), MKL_Set_Num_Threads_Local() likewise.  OpenBLAS and BLIS have one number for the process;
 * so does openblas_set_num_threads_local(), whatever its name, up to OpenBLAS 0.3.32 at least.
 */
#include "inner.h"

#include "cpu.h"
#include "symbol.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `get` returns how many threads the library would use, < 1: it has not been told. */
struct library_kind {
	const char *get, *set;
	const char *set_here; /* the call about the calling thread, or NULL: there is none */
	const char *number;   /* the variable behind it, or NULL */
	bool is_wide;         /* numbers are not int, but as wide as an address */
};

/* OpenBLAS is also built with 64-bit indices, and with a prefix for SciPy and NumPy. */
static const struct library_kind kinds[] = {
        {.get = "omp_get_max_threads", .set = "omp_set_num_threads", .set_here = "omp_set_num_threads"},
        {.get = "openblas_get_num_threads", .set = "openblas_set_num_threads", .number = "blas_cpu_number"},
        {.get = "openblas_get_num_threads64_", .set = "openblas_set_num_threads64_"},
        {.get = "scipy_openblas_get_num_threads", .set = "scipy_openblas_set_num_threads"},
        {.get = "scipy_openblas_get_num_threads64_", .set = "scipy_openblas_set_num_threads64_"},
        {.get = "MKL_Get_Max_Threads", .set = "MKL_Set_Num_Threads", .set_here = "MKL_Set_Num_Threads_Local"},
        {.get = "bli_thread_get_num_threads", .set = "bli_thread_set_num_threads", .is_wide = true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- What is wanted ---- */

/* The CPUs divided by the workers; of a worker that is bound to one CPU, that one.  The quota, which takes reading
 * files, can only make it less. */
static unsigned share_of_cpus(const forkpool_config *config)
{
	if (config->affinity != FORKPOOL_AFFINITY_NONE || cpu_allowed_count() / config->workers <= 1)
		return 1;
	unsigned share = forkpool_cpu_count() / config->workers;
	return share > 1 ? share : 1;
}

void inner_choose(struct inner *inner, const forkpool_config *config)
{
	unsigned threads = config->inner_threads;
	*inner = (struct inner){.exact = threads > 0};
	if (config->backend == FORKPOOL_SERIAL || threads == FORKPOOL_ALL_THREADS)
		return;
	if (threads == 0)
		threads = share_of_cpus(config);
	inner->most = threads < INT_MAX ? (int)threads : INT_MAX;
}

/* ---- What is loaded ---- */

struct search {
	struct libraries *before, found;
	bool in_thread;
};

static void add_library(struct libraries *found, const struct library_kind *kind, const struct symbols *symbols,
                        const char *set)
{
	struct library library = {.kind = kind, .set = symbol_function(symbols, set)};
	if (library.set == NULL || (library.get = symbol_function(symbols, kind->get)) == NULL)
		return;
	if (kind->number != NULL)
		library.number = symbol_variable(symbols, kind->number, sizeof *library.number);
	if (found->count < MOST_LIBRARIES)
		found->list[found->count++] = library;
}

static int search_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct symbols symbols;
	(void)size;
	search->found.loads = info->dlpi_adds;
	search->found.unloads = info->dlpi_subs;
	if (info->dlpi_adds == search->before->loads && info->dlpi_subs == search->before->unloads)
		return 1; /* all is as it was */
	for (int i = 0; symbols_of(&symbols, info) && i < KINDS; i++) {
		const char *set = search->in_thread ? kinds[i].set_here : kinds[i].set;
		if (set != NULL)
			add_library(&search->found, &kinds[i], &symbols, set);
	}
	return 0;
}

static void look(struct libraries *libraries, bool in_thread)
{
	struct search search = {.before = libraries, .in_thread = in_thread};
	if (dl_iterate_phdr(search_object, &search) == 0)
		*libraries = search.found;
}

/* ---- What is loaded is told ---- */

static int ask(const struct library *library)
{
	if (library->kind->is_wide)
		return (int)((intptr_t(*)(void))library->get)();
	return ((int (*)(void))library->get)();
}

static void tell(const struct library *library, int threads)
{
	if (library->kind->is_wide)
		((void (*)(intptr_t))library->set)(threads);
	else
		((void (*)(int))library->set)(threads);
}

/* OpenBLAS's own call first starts all those threads again that the fork has ended, and each of them spins for a
 * tenth of a second.  Without need: to use fewer it is enough that the number is less. */
static bool lower_number(const struct library *library, int threads)
{
	if (library->number == NULL || *library->number < threads)
		return false;
	*library->number = threads;
	return ask(library) == threads;
}

static void limit(const struct inner *inner, const struct libraries *libraries)
{
	for (size_t i = 0; i < libraries->count; i++) {
		const struct library *library = &libraries->list[i];
		int now = ask(library);
		if (inner->exact ? now == inner->most : now <= inner->most)
			continue;
		if (!lower_number(library, inner->most))
			tell(library, inner->most);
	}
}

/* ---- What will be loaded reads the environment ---- */

static const char *const variables[VARIABLES] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                                 "MKL_NUM_THREADS", "BLIS_NUM_THREADS"};
enum { OMP = 0, BLIS = 4 };

/* What the user has set, 0: nothing.  Of a list, for nested regions, what counts is the first. */
static long setting(int variable)
{
	const char *text = getenv(variables[variable]);
	long threads = text == NULL ? 0 : strtol(text, NULL, 10);
	return threads > 0 ? threads : 0;
}

/* What the variable has to be, 0: as it is.  OpenBLAS, MKL and BLIS look at OpenMP's if their own is not set; where
 * that was not set either, BLIS by itself uses one thread. */
static int wanted(const struct inner *inner, int variable)
{
	long now = setting(variable);
	if (inner->exact || now > inner->most || (variable == OMP && now == 0))
		return inner->most;
	return variable == BLIS && now == 0 && setting(OMP) == 0 ? 1 : 0;
}

static bool is_replaced(const struct inner *inner, const char *entry)
{
	for (int i = 0; i < VARIABLES; i++)
		if (inner->texts[i][0] == entry[0] && strncmp(inner->texts[i], entry, strlen(variables[i]) + 1) == 0)
			return true;
	return false;
}

static bool make_room(struct inner *inner, size_t entries)
{
	if (entries <= inner->room)
		return true;
	inner_free(inner);
	inner->environment = calloc(entries, sizeof *inner->environment);
	inner->room = inner->environment == NULL ? 0 : entries;
	return inner->room > 0;
}

static void prepare_environment(struct inner *inner)
{
	size_t count = 0, made = 0;
	while (environ != NULL && environ[count] != NULL)
		count++;
	if (!make_room(inner, count + VARIABLES + 1))
		return;
	for (int i = 0; i < VARIABLES; i++) {
		int threads = wanted(inner, i);
		inner->texts[i][0] = '\0';
		if (threads == 0)
			continue;
		snprintf(inner->texts[i], VARIABLE_SIZE, "%s=%d", variables[i], threads);
		inner->environment[made++] = inner->texts[i];
	}
	for (size_t i = 0; i < count; i++)
		if (!is_replaced(inner, environ[i]))
			inner->environment[made++] = environ[i];
	inner->environment[made] = NULL;
}

/* ---- Before and after the beginning of a life ---- */

void inner_prepare(struct inner *inner)
{
	if (inner->most == 0)
		return;
	look(&inner->loaded, false);
	prepare_environment(inner);
}

void inner_free(struct inner *inner)
{
	free(inner->environment);
	inner->environment = NULL;
	inner->room = 0;
}

void inner_limit_process(const struct inner *inner)
{
	if (inner->environment != NULL)
		environ = inner->environment;
	if (inner->most > 0)
		limit(inner, &inner->loaded);
}

void inner_limit_thread(const struct inner *inner)
{
	struct libraries loaded = {0};
	if (inner->most == 0)
		return;
	look(&loaded, true);
	limit(inner, &loaded);
}
