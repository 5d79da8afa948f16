/*
 * Workers that are forked processes: made, made harmless to their host, watched and killed.
 *
 * A worker keeps nothing of the host that could disturb it: no signal handler, no signal mask, no
 * descriptor of any pool but the doorbell of its own.  It ends when the parent does, also in the
 * middle of a task: the kernel sends it DEATH_SIGNAL, which it does not block; and SIGKILL when the parent's
 * end of the lifeline closes, for tasks that block signals or change who they are.
 */
#include "clock.h"
#include "crew.h"
#include "oom.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATH_SIGNAL SIGRTMAX

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* ---- All pools of this process, so that a new worker can put away what is theirs ---- */

/* Held over every fork of the process, so that the list is whole in the child. */
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_prepared;
static forkpool *pools;

static void lock_pools(void)
{
	pthread_mutex_lock(&pools_lock);
}

static void unlock_pools(void)
{
	pthread_mutex_unlock(&pools_lock);
}

/* What oom_kills() said last. */
static _Atomic uint64_t known_oom_kills;

static bool prepare_process(void)
{
	atomic_store(&known_oom_kills, oom_kills());
	return pthread_atfork(lock_pools, unlock_pools, unlock_pools) == 0;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The writing end of a pipe, which closes when the process ends.  Where none is to be had, DEATH_SIGNAL does. */
static void open_lifeline(forkpool *pool)
{
	int ends[2];
	struct stat status;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	close(ends[0]);
	pool->lifeline = ends[1];
	pool->lifeline_inode = fstat(ends[1], &status) == 0 ? status.st_ino : 0;
}

int process_enlist(forkpool *pool)
{
	lock_pools();
	bool enlisted = is_prepared || (is_prepared = prepare_process());
	if (enlisted) {
		if (pool->backend == &backend_process)
			open_lifeline(pool);
		pool->next_pool = pools;
		pools = pool;
	}
	unlock_pools();
	return enlisted ? 0 : -ENOMEM;
}

void process_delist(forkpool *pool)
{
	lock_pools();
	for (forkpool **link = &pools; *link != NULL; link = &(*link)->next_pool)
		if (*link == pool) {
			*link = pool->next_pool;
			break;
		}
	close_if_open(pool->lifeline);
	pool->lifeline = -1;
	unlock_pools();
}

static void close_pools_descriptors(const forkpool *own)
{
	for (const forkpool *pool = pools; pool != NULL; pool = pool->next_pool) {
		close_if_open(pool->epoll);
		close_if_open(pool->timer);
		close_if_open(pool->lifeline);
		if (pool != own)
			close_if_open(pool->engine.doorbell);
		if (pool->bell != pool->engine.doorbell)
			close_if_open(pool->bell);
		for (unsigned slot = 0; slot < pool_workers(pool); slot++)
			close_if_open(pool->members[slot].pidfd);
	}
}

/* ---- In the worker ---- */

static pid_t parent_of_worker, this_worker_pid;
static const struct worker *this_worker;

/* The signal also comes when only the thread that forked has ended. */
static void on_parent_death(int signal)
{
	(void)signal;
	if (getppid() != parent_of_worker)
		_exit(EXIT_FAILURE);
}

/* An exit() by a task must neither run the host's handlers nor print its buffers. */
static void on_exit_in_worker(void)
{
	if (getpid() != this_worker_pid)
		return; /* a child that the task forked */
	if (this_worker->in_task)
		atomic_store(&this_worker->record->stage, STAGE_EXITED);
	_exit(EXIT_FAILURE);
}

/* The reading end, opened anew so that it is this worker's alone; where /proc is missing there is none.  A
 * host that closes descriptors may have given the number to something else. */
static void hold_lifeline(const forkpool *pool)
{
	struct stat status;
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", pool->lifeline);
	if (fstat(pool->lifeline, &status) != 0 || !S_ISFIFO(status.st_mode) || status.st_ino != pool->lifeline_inode)
		return;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	fcntl(fd, F_SETSIG, SIGKILL);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
}

static void end_with_parent(pid_t parent)
{
	struct sigaction action = {.sa_handler = on_parent_death, .sa_flags = SA_RESTART};
	parent_of_worker = parent;
	sigaction(DEATH_SIGNAL, &action, NULL);
	prctl(PR_SET_PDEATHSIG, DEATH_SIGNAL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE); /* it died before prctl() */
}

/* SIGINT comes to the whole foreground group: it is the parent's to act upon. */
static void reset_signals(void)
{
	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction action;
		if (signal == DEATH_SIGNAL || sigaction(signal, NULL, &action) != 0)
			continue;
		void (*wanted)(int) = signal == SIGINT ? SIG_IGN : SIG_DFL;
		if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != wanted) {
			action = (struct sigaction){.sa_handler = wanted};
			sigaction(signal, &action, NULL);
		}
	}
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A limit of 1 byte and not 0, because only that also stops dumps into a pipe. */
static void forbid_core_dumps(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
		limit.rlim_cur = 1;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

/* Private writable memory of this process, in bytes: what RLIMIT_DATA counts.  0 and errno: not known. */
static size_t private_memory(void)
{
	size_t kibibytes = 0;
	errno = ENOENT; /* or why the file, if there is one, cannot be read */
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "VmData: %zu kB", &kibibytes) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kibibytes * 1024;
}

/* Beyond it, malloc() and the like fail.  What the worker has from its parent does not count. */
static void limit_memory(const forkpool *pool, size_t inherited)
{
	struct rlimit limit;
	size_t most;
	if (pool->config.memory_limit == 0 || __builtin_add_overflow(inherited, pool->config.memory_limit, &most))
		return;
	if (getrlimit(RLIMIT_DATA, &limit) == 0 && most < limit.rlim_cur)
		setrlimit(RLIMIT_DATA, &(struct rlimit){most, most});
}

/* What workers only read is read-only, and of other pools neither: what a task overwrites by mistake shall not
 * be what another pool's workers, or the host's threads, are told to do. */
static void protect_boards(const forkpool *own)
{
	for (const forkpool *pool = pools; pool != NULL; pool = pool->next_pool) {
		const struct engine *engine = &pool->engine;
		size_t read = (size_t)((char *)engine->records - (char *)engine->board);
		size_t all = (size_t)(pool->arena.base - (char *)engine->board);
		mprotect(engine->board, pool == own ? read : all, pool == own ? PROT_READ : PROT_NONE);
	}
}

_Noreturn static void live(forkpool *pool, unsigned slot, size_t inherited)
{
	struct worker worker;
	hold_lifeline(pool);
	close_pools_descriptors(pool);
	if (!pool->config.core_dumps)
		forbid_core_dumps();
	protect_boards(pool);
	limit_memory(pool, inherited);
	this_worker = &worker;
	this_worker_pid = getpid();
	if (atexit(on_exit_in_worker) != 0)
		_exit(EXIT_FAILURE); /* there is no memory; a task's exit() would run the host's handlers */
	end_with_parent(pool->owner);
	reset_signals();
	crew_live(pool, slot, &worker);
	fflush(stdout);
	fflush(stderr);
	_exit(EXIT_SUCCESS);
}

/* What tasks have printed is shown; and if one of them has blocked the signal that tells of the parent's
 * death, it is let in again. */
static void before_sleep(void)
{
	sigset_t death;
	sigemptyset(&death);
	sigaddset(&death, DEATH_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &death, NULL);
	fflush(stdout);
}

/* ---- In the parent ---- */

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

static int start(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	size_t inherited = pool->config.memory_limit > 0 ? private_memory() : 0;
	sigset_t all, before;
	if (pool->config.memory_limit > 0 && inherited == 0)
		return errno == ENOENT ? -ENOTSUP : -EAGAIN; /* without /proc a limit cannot be set */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	fflush(stdout); /* or the worker would print it again */
	fflush(stderr);
	pid_t pid = fork();
	int error = pid < 0 ? -EAGAIN : 0;
	if (pid == 0)
		live(pool, slot, inherited);
	if (error == 0) {
		lock_pools();
		member->pid = pid;
		member->pidfd = open_pidfd(pid);
		unlock_pools();
		watch_add(pool, slot);
		if (!member->watched)
			pool->next_beat = 0; /* it may be dead already, and gone where the kernel reaps: look at once */
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void read_death(const siginfo_t *info, const struct rusage *usage, struct death *death)
{
	if (info->si_code == CLD_EXITED)
		death->exit_status = info->si_status;
	else
		death->signal = info->si_status;
	death->faults = (uint64_t)usage->ru_minflt;
	death->cpu_ns = clock_cpu_ns(usage);
}

/* Some other process may be the one that was ended, but that is when ours are in danger. */
static bool is_out_of_memory(const struct death *death)
{
	uint64_t kills = death->signal == SIGKILL ? oom_kills() : OOM_KILLS_UNKNOWN;
	return kills != OOM_KILLS_UNKNOWN && kills > atomic_exchange(&known_oom_kills, kills);
}

static void close_pidfd(forkpool *pool, unsigned slot)
{
	struct member *member = &pool->members[slot];
	watch_remove(pool, slot);
	lock_pools();
	close_if_open(member->pidfd);
	member->pidfd = -1;
	unlock_pools();
}

/* It was closed by the host; its number may be another's by now. */
static void forget_pidfd(forkpool *pool, unsigned slot)
{
	lock_pools();
	pool->members[slot].pidfd = -1;
	pool->members[slot].watched = false;
	unlock_pools();
}

/* The system call and not the function, because only that tells what the worker has used. */
static int wait_for(int type, int id, siginfo_t *info, struct rusage *usage)
{
	while (syscall(SYS_waitid, type, id, info, WEXITED | WNOHANG, usage) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

/* By its pidfd, if it has one that can be waited for: Linux before 5.4 has none, and a host may have closed it. */
static int wait_for_worker(forkpool *pool, unsigned slot, siginfo_t *info, struct rusage *usage)
{
	struct member *member = &pool->members[slot];
	int error = member->pidfd >= 0 ? wait_for(P_PIDFD, member->pidfd, info, usage) : EINVAL;
	if (error == EBADF)
		forget_pidfd(pool, slot);
	return error == 0 || error == ECHILD ? error : wait_for(P_PID, member->pid, info, usage);
}

static bool ended(forkpool *pool, unsigned slot, struct death *death)
{
	struct member *member = &pool->members[slot];
	struct rusage usage = {0};
	siginfo_t info = {0};
	int error = wait_for_worker(pool, slot, &info, &usage);
	if (error == 0 ? info.si_pid == 0 : error != ECHILD)
		return false;
	*death = (struct death){.pid = member->pid, .unknown = error != 0};
	if (error == 0)
		read_death(&info, &usage, death); /* else ECHILD: it died, and somebody else was told how */
	death->out_of_memory = !member->doomed && !member->dismissed && !pool->killed && is_out_of_memory(death);
	close_pidfd(pool, slot);
	return true;
}

static void kill_worker(forkpool *pool, unsigned slot)
{
	const struct member *member = &pool->members[slot];
#ifdef SYS_pidfd_send_signal
	if (member->pidfd >= 0 &&
	    (syscall(SYS_pidfd_send_signal, member->pidfd, SIGKILL, NULL, 0) == 0 || errno == ESRCH))
		return;
#endif
	kill(member->pid, SIGKILL);
}

const struct backend backend_process = {"processes", false, false, start, ended, kill_worker, before_sleep};
