/*
 * trial.c - a function that crashes must not end the comparison: where it would is found out first.
 *
 * Processes survive it.  What survives there may still crash on threads, by what it shares between them, so
 * these are tried in a child process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "race.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int trial_processes(struct trial *trial, const struct work *work)
{
	struct lane lane = {NULL, NULL, NULL};
	int failed = lane_open(&lane, work, FORKPOOL_PROCESSES, work->workers);
	double start = now();

	failed = failed || lane_run(&lane, work, &trial->report) < 0;
	trial->seconds = now() - start;
	lane_close(&lane);
	return failed ? -1 : 0;
}

/* In the child: the exit status. */
static int run_threads(const struct work *work)
{
	struct lane lane = {NULL, NULL, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	return lane_open(&lane, work, FORKPOOL_THREADS, work->workers) || lane_run(&lane, work, NULL) < 0;
}

int trial_threads(const struct work *work, int *signal)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(run_threads(work));
	if (child < 0) {
		complain("no process can be started: %s", strerror(errno));
		return -1;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	*signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? -1 : 0;
}
