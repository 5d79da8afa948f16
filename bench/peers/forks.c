/*
 * forks - the pool of processes that textbooks have: workers are forked once, each with a pipe for requests and one for
 * answers; the parent writes a piece to whoever is free, and waits by poll().
 *
 * Results are in memory that was mapped, shared, before the fork: a large reservation of address space, handed out by
 * take().  A function goes as the pointer that it is, and so must have been loaded before the fork; and what it is
 * given must be in shared memory.  If a worker dies, the call fails, and all that follow: that is what this kind of
 * pool does.
 */
#include "built.h"
#include "textbook.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ, WRITE }; /* the ends of a pipe */

/* At most PIPE_BUF bytes, so that it is written and read as a whole. */
struct request {
	struct work work;
	size_t begin, end;
};

struct worker {
	pid_t pid;
	int requests, answers; /* the parent's ends of the pipes */
};

static struct {
	struct worker *worker;
	struct pollfd *polls; /* one a worker; fd -1: it has nothing to do */
	unsigned workers;
} pool;

/* ---- Shared memory ---------------------------------------------------------------------- */

static const size_t reservation = (size_t)64 << 30, least_reservation = (size_t)64 << 20;

/* Whatever is given back, its pages are free at once; its addresses only when all is. */
static struct {
	char *base;
	size_t size, used, blocks;
} shared;

static int reserve(void)
{
	for (size_t size = reservation; !shared.base && size >= least_reservation; size /= 2) {
		void *base =
		        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base != MAP_FAILED) {
			shared.base = base;
			shared.size = size;
		}
	}
	return shared.base ? 0 : -ENOMEM;
}

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (size + page - 1) / page * page;
}

static void *take(size_t size)
{
	if (reserve() != 0 || size > shared.size || whole_pages(size) > shared.size - shared.used)
		return NULL;
	void *memory = shared.base + shared.used;
	shared.used += whole_pages(size);
	shared.blocks++;
	return memory;
}

static void give(void *memory, size_t size)
{
	if (size > 0)
		madvise(memory, whole_pages(size), MADV_REMOVE);
	if (--shared.blocks == 0)
		shared.used = 0;
}

/* ---- Workers ---------------------------------------------------------------------------- */

static bool read_whole(int fd, void *buffer, size_t size)
{
	ssize_t got;
	do
		got = read(fd, buffer, size);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)size;
}

static bool write_whole(int fd, const void *buffer, size_t size)
{
	ssize_t put;
	do
		put = write(fd, buffer, size);
	while (put < 0 && errno == EINTR);
	return put == (ssize_t)size;
}

/* Until the parent closes its end, or is gone. */
static _Noreturn void work_on(int requests, int answers)
{
	struct request request;
	char done = 0;
	while (read_whole(requests, &request, sizeof request)) {
		work_do(&request.work, request.begin, request.end);
		if (!write_whole(answers, &done, sizeof done))
			break;
	}
	_exit(0);
}

/* A sibling that held the ends of the others' pipes would keep them from seeing that the parent is gone. */
static void close_all(void)
{
	for (unsigned w = 0; w < pool.workers; w++) {
		close(pool.worker[w].requests);
		close(pool.worker[w].answers);
	}
}

static void stop(void)
{
	close_all();
	for (unsigned w = 0; w < pool.workers; w++)
		waitpid(pool.worker[w].pid, NULL, 0);
	free(pool.worker);
	free(pool.polls);
	pool.worker = NULL;
	pool.polls = NULL;
	pool.workers = 0;
}

static int fork_worker(const int requests[2], const int answers[2])
{
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close_all();
		close(requests[WRITE]);
		close(answers[READ]);
		work_on(requests[READ], answers[WRITE]);
	}
	pool.worker[pool.workers] = (struct worker){.pid = pid, .requests = requests[WRITE], .answers = answers[READ]};
	pool.polls[pool.workers++] = (struct pollfd){.fd = -1, .events = POLLIN};
	return 0;
}

static int add_worker(void)
{
	int requests[2], answers[2];
	if (pipe(requests) != 0)
		return -errno;
	if (pipe(answers) != 0) {
		int error = -errno;
		close(requests[READ]);
		close(requests[WRITE]);
		return error;
	}
	int error = fork_worker(requests, answers);
	close(requests[READ]);
	close(answers[WRITE]);
	if (error) {
		close(requests[WRITE]);
		close(answers[READ]);
	}
	return error;
}

static int start(unsigned workers)
{
	int error = reserve();
	pool.worker = calloc(workers, sizeof *pool.worker);
	pool.polls = calloc(workers, sizeof *pool.polls);
	if (!pool.worker || !pool.polls)
		error = -ENOMEM;
	while (error == 0 && pool.workers < workers)
		error = add_worker();
	if (error)
		stop();
	return error;
}

/* ---- The caller --------------------------------------------------------------------------- */

/* What is to be done, and how far it is; what is not handed out waits in the parent. */
struct progress {
	struct request request; /* the next piece */
	size_t count, chunk;
	unsigned busy; /* workers */
	int error;     /* no more is handed out */
};

/* The next piece, if there is one. */
static void hand_out(struct progress *progress, unsigned w)
{
	struct request *request = &progress->request;
	pool.polls[w].fd = -1;
	if (progress->error || request->begin >= progress->count)
		return;
	size_t left = progress->count - request->begin;
	request->end = request->begin + (left < progress->chunk ? left : progress->chunk);
	if (!write_whole(pool.worker[w].requests, request, sizeof *request)) {
		progress->error = -EPIPE;
		return;
	}
	request->begin = request->end;
	pool.polls[w].fd = pool.worker[w].answers;
	progress->busy++;
}

static void take_answer(struct progress *progress, unsigned w)
{
	char done;
	if (!read_whole(pool.worker[w].answers, &done, sizeof done))
		progress->error = -EPIPE;
	progress->busy--;
	hand_out(progress, w);
}

int textbook_run(const struct work *work, size_t count, size_t chunk)
{
	struct progress progress = {
	        .request.work = *work, .count = count, .chunk = work_chunk(work, count, chunk, pool.workers)};
	for (unsigned w = 0; w < pool.workers; w++)
		hand_out(&progress, w);
	while (progress.busy > 0) {
		if (poll(pool.polls, pool.workers, -1) < 0)
			continue;
		for (unsigned w = 0; w < pool.workers; w++)
			if (pool.polls[w].fd >= 0 && pool.polls[w].revents)
				take_answer(&progress, w);
	}
	return progress.error;
}

static void version(char *text, size_t size)
{
	snprintf(text, size, "a pair of pipes a worker, %s", BUILT_BY);
}

int main(int argc, char **argv)
{
	static const struct peer peer = {.version = version,
	                                 .start = start,
	                                 .stop = stop,
	                                 .each = textbook_each,
	                                 .ranges = textbook_ranges,
	                                 .map = textbook_map,
	                                 .jobs = textbook_jobs,
	                                 .take = take,
	                                 .give = give};
	signal(SIGPIPE, SIG_IGN); /* a dead worker is an error, not the end of the program */
	return peer_main(&peer, argc, argv);
}
