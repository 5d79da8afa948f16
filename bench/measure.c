/*
 * measure - one run of a kernel in a process of its own.
 */
#include "measure.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIME_LIMIT = 300 }; /* seconds; then the process is killed, and its workers with it */

/* Adds (sign 1) or takes away (-1) what a process used. */
static void account(struct sample *sample, int who, int sign)
{
	struct rusage usage;
	getrusage(who, &usage);
	sample->voluntary_switches += sign * usage.ru_nvcsw;
	sample->involuntary_switches += sign * usage.ru_nivcsw;
	sample->page_faults += sign * (usage.ru_minflt + usage.ru_majflt);
	if (usage.ru_maxrss > sample->peak_kib)
		sample->peak_kib = usage.ru_maxrss;
}

static void run(const struct kernel *kernel, struct kernel_problem *problem, forkpool *pool, void *answer,
                struct sample *sample)
{
	forkpool_report report = {0};
	account(sample, RUSAGE_SELF, -1);
	double start = bench_now();
	sample->result = kernel->run(pool, problem, &(forkpool_opts){.report = &report});
	sample->seconds = bench_now() - start;
	account(sample, RUSAGE_SELF, 1);
	sample->counted = report.tasks == problem->tasks && report.succeeded == report.tasks;
	if (sample->result == 0)
		sample->right = kernel->check(problem, sample->text, sizeof sample->text);
	else
		snprintf(sample->text, sizeof sample->text, "%s", report.message);
	memcpy(answer, problem->answer, kernel->sizes[problem->size].answer_size);
}

static void run_in_new_pool(const struct kernel *kernel, int size, const forkpool_config *config, void *answer,
                            struct sample *sample)
{
	forkpool *pool = NULL;
	struct kernel_problem problem = {0};
	sample->result = forkpool_create(&pool, config);
	if (sample->result == 0)
		sample->result = bench_prepare(pool, kernel, size, &problem);
	if (sample->result == 0)
		run(kernel, &problem, pool, answer, sample);
	else
		snprintf(sample->text, sizeof sample->text, "%s", forkpool_strerror(sample->result));
	forkpool_destroy(pool);
	account(sample, RUSAGE_CHILDREN, 1);
}

/* In the forked process; never returns. */
static void serve(const struct kernel *kernel, int size, const forkpool_config *config, void *answer,
                  struct sample *shared)
{
	alarm(TIME_LIMIT);
	run_in_new_pool(kernel, size, config, answer, shared);
	_exit(0);
}

void measure(const struct kernel *kernel, int size, const forkpool_config *config, void *answer, struct sample *sample)
{
	*sample = (struct sample){.result = -ECHILD};
	struct sample *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		sample->result = -errno;
		return;
	}
	*shared = *sample;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		serve(kernel, size, config, answer, shared);
	int status = 0;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child < 0)
		snprintf(sample->text, sizeof sample->text, "fork: %s", strerror(errno));
	else if (status != 0)
		snprintf(sample->text, sizeof sample->text, "the process %s %d",
		         WIFSIGNALED(status) ? "was killed by signal" : "ended with status",
		         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	else
		*sample = *shared;
	munmap(shared, sizeof *shared);
}
