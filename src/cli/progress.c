/*
 * progress.c - a line on stderr that says how far a map is.
 *
 * On a terminal the line is rewritten in place, and gone at the end unless it was asked
 * for; elsewhere (a log) each line stays.
 */
#include <stdio.h>
#include <unistd.h>
#include "cli.h"

static void show_progress(const forkpool_progress *now, void *arg)
{
	struct progress *progress = arg;
	double share = now->tasks > 0 ? (double)now->finished / (double)now->tasks : 1;
	char failed[64] = "", left[64] = "";

	if (!progress->wanted && now->elapsed < 1)
		return;
	if (now->unsuccessful > 0)
		snprintf(failed, sizeof failed, ", %llu without success", (unsigned long long)now->unsuccessful);
	if (now->finished < now->tasks && now->remaining >= 0)
		snprintf(left, sizeof left, ", %.0f s left", now->remaining);
	fprintf(stderr, "%s%3.0f %%, %llu of %llu tasks%s, %.0f s%s%s", progress->terminal ? "\r" : "", 100 * share,
	        (unsigned long long)now->finished, (unsigned long long)now->tasks, failed, now->elapsed, left,
	        progress->terminal ? "\033[K" : "\n");
	progress->shown = 1;
}

void progress_begin(struct progress *progress, int wanted, forkpool_opts *opts)
{
	*progress = (struct progress){.wanted = wanted, .terminal = isatty(STDERR_FILENO)};
	if (!wanted && !progress->terminal)
		return;
	opts->progress = show_progress;
	opts->progress_arg = progress;
	opts->progress_interval = progress->terminal ? 0.2 : 5;
}

void progress_end(const struct progress *progress)
{
	if (progress->shown && progress->terminal)
		fputs(progress->wanted ? "\n" : "\r\033[K", stderr);
}
