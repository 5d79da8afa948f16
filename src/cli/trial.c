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
#include <unistd.h>
#include "race.h"

int trial_processes(struct trial *trial, const struct work *work)
{
	struct lane lane = {NULL, NULL, NULL};
	int failed = lane_open(&lane, work, FORKPOOL_PROCESSES, work->workers);
	double start = lane_clock();

	failed = failed || lane_run(&lane, work, &trial->report) < 0;
	trial->seconds = lane_clock() - start;
	lane_close(&lane);
	return failed ? -1 : 0;
}

/* In the child: the exit status. */
static int run_threads(const struct work *work)
{
	struct lane lane = {NULL, NULL, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	return lane_open(&lane, work, FORKPOOL_THREADS, work->workers) || lane_run(&lane, work, NULL) < 0 ? EXIT_TROUBLE
	                                                                                                  : 0;
}

static int say_why(int status, char *why, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(why, size, "signal %d: %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0)
		return 1;
	else if (WEXITSTATUS(status) == EXIT_TROUBLE)
		return -1;
	else
		snprintf(why, size, "exit status %d", WEXITSTATUS(status));
	return 0;
}

int trial_threads(const struct work *work, char *why, size_t size)
{
	pid_t child;
	int status = 0;

	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(run_threads(work));
	while (child >= 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child >= 0)
		return say_why(status, why, size);
	complain("no process can be started: %s", strerror(errno));
	return -1;
}
