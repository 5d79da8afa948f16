/* The first of several URLs to answer wins; the rest are cancelled.
 *
 *     from queue import Queue
 *     from threading import Thread
 *     from urllib.request import urlopen
 *
 *     answers = Queue()
 *     for url in urls:
 *         Thread(target=lambda url=url: answers.put(urlopen(url).read()), daemon=True).start()
 *     print(answers.get())            # the other threads go on, for nothing
 *
 * Here the others end.  Processes are killed where they are, and replaced; threads cannot be, so each asks, by
 * forkpool_cancelled() in curl's progress callback, whether it is still wanted.  A URL that fails does not win.
 * Run as: server first_answer. */
#include "example.h"
#include "fetch.h"
#include <errno.h>

static const char *const paths[] = {"/1/3.0", "/missing", "/2/0.05", "/3/2.0", "/4/2.5"};
enum { COUNT = sizeof paths / sizeof *paths };

static forkpool_job *jobs[COUNT];
static fetch_page pages[COUNT];

static void ask_all(forkpool *pool, const char *server)
{
	for (int i = 0; i < COUNT; i++) {
		fetch_url url;
		snprintf(url, sizeof url, "%s%s", server, paths[i]);
		must("apply_async",
		     forkpool_apply_async(&jobs[i], pool, fetch, url, sizeof url, &pages[i], sizeof pages[i], NULL));
	}
}

/* Which URL has answered first; -1 if none does.  The jobs of those that fail are freed. */
static int first_answer(void)
{
	for (int left = COUNT; left > 0; left--) {
		int i = forkpool_wait_any(jobs, COUNT, -1);
		if (i < 0 || forkpool_job_get(jobs[i], NULL) == 0)
			return i;
		forkpool_job_free(jobs[i]);
		jobs[i] = NULL;
	}
	return -1;
}

/* Cancels all jobs first, and then waits for each, so that they end side by side.  Returns how many were. */
static unsigned cancel_all(void)
{
	unsigned cancelled = 0;
	for (int i = 0; i < COUNT; i++)
		if (jobs[i])
			forkpool_job_cancel(jobs[i]);
	for (int i = 0; i < COUNT; i++) {
		cancelled += jobs[i] && forkpool_job_get(jobs[i], NULL) != 0;
		forkpool_job_free(jobs[i]);
		jobs[i] = NULL;
	}
	return cancelled;
}

static int show(int backend, const char *server)
{
	forkpool *pool;
	must("forkpool_create", forkpool_create(&pool, &(forkpool_config){.backend = backend,
	                                                                  .workers = COUNT,
	                                                                  .initializer = fetch_open,
	                                                                  .finalizer = fetch_close}));
	double begin = seconds();
	ask_all(pool, server);
	int first = first_answer();
	double answered = seconds() - begin;
	unsigned cancelled = cancel_all();
	double ended = seconds() - begin;
	forkpool_destroy(pool);
	if (first < 0)
		return 0;
	printf("%s: %.*s has answered first, %u others cancelled (%.3f s, %.3f s)\n", backend_names[backend],
	       (int)strcspn(pages[first].text, "\n"), pages[first].text, cancelled, answered, ended);
	return 1;
}

int main(int argc, char **argv)
{
	int good = 1;
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: server %s\n`server` adds its address as the last argument.\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return EXIT_FAILURE;
	for (int backend = 0; backend < BACKENDS; backend++)
		if (compared(backend))
			good &= show(backend, argv[1]);
	curl_global_cleanup();
	if (!good)
		fprintf(stderr, "first_answer: nobody answers\n");
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
