/*
 * faults.c - the wrappers.  See faults.h.
 */
#include "config.h"
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The plan ------------------------------------------------------------------- */

struct control {
	struct fault_plan plan;
	pid_t owner;
	_Atomic bool armed;
	_Atomic long hits, blocks, mappings;
	_Atomic long calls[FAULT_COUNT];
};

static struct control *control; /* shared with workers */

const char *fault_name(enum fault call)
{
	static const char *const names[] = {"nothing",
#define X(name) #name,
	                                    FAULTS(X)
#undef X
	};
	return names[call];
}

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

void faults_plan(const struct fault_plan *plan)
{
	if (control == NULL) {
		void *memory =
		        __real_mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			abort();
		control = memory;
	}
	*control = (struct control){.plan = *plan, .owner = getpid()};
}

void faults_arm(void)
{
	atomic_store(&control->armed, true);
}

void faults_disarm(void)
{
	atomic_store(&control->armed, false);
}

long faults_hits(void)
{
	return atomic_load(&control->hits);
}

long faults_calls(enum fault call)
{
	return atomic_load(&control->calls[call]);
}

long faults_blocks(void)
{
	return atomic_load(&control->blocks);
}

long faults_mappings(void)
{
	return atomic_load(&control->mappings);
}

static bool is_in_parent(void)
{
	return getpid() == control->owner;
}

/* Whether this call is to fail; if so, errno says why. */
static bool fails(enum fault call)
{
	if (control == NULL || !atomic_load(&control->armed))
		return false;
	const struct fault_plan *plan = &control->plan;
	bool meant = is_in_parent() != plan->in_workers;
	long made = meant ? atomic_fetch_add(&control->calls[call], 1) + 1 : 0;
	bool hit = meant && call == plan->call && (made == plan->nth || (plan->forever && made > plan->nth));
	if (hit)
		atomic_fetch_add(&control->hits, 1);
	errno = hit ? plan->error : call == plan->refused ? EPERM : errno;
	return hit || call == plan->refused;
}

static bool is_counting(void)
{
	return control != NULL && atomic_load(&control->armed) && is_in_parent();
}

static void count_blocks(long change)
{
	if (is_counting())
		atomic_fetch_add(&control->blocks, change);
}

static void count_mappings(long change)
{
	if (is_counting())
		atomic_fetch_add(&control->mappings, change);
}

/* ---- Calls that do nothing when they fail ------------------------------------------ */

#define WRAP(type, failed, name, parameters, ...)                                                                      \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		return fails(FAULT_##name) ? (failed) : __real_##name(__VA_ARGS__);                                    \
	}

WRAP(int, -1, atexit, (void (*function)(void)), function)
WRAP(int, -1, epoll_create1, (int flags), flags)
WRAP(int, -1, epoll_ctl, (int epoll, int what, int fd, struct epoll_event *event), epoll, what, fd, event)
WRAP(int, -1, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), epoll, events, most, timeout)
WRAP(int, -1, eventfd, (unsigned value, int flags), value, flags)
WRAP(int, -1, timerfd_create, (int clock, int flags), clock, flags)
WRAP(int, -1, timerfd_settime, (int fd, int flags, const struct itimerspec *at, struct itimerspec *before), fd, flags,
     at, before)
WRAP(int, EOF, fflush, (FILE * file), file)
WRAP(char *, NULL, fgets, (char *line, int size, FILE *file), line, size, file)
WRAP(FILE *, NULL, fopen, (const char *path, const char *mode), path, mode)
WRAP(pid_t, -1, fork, (void), )
WRAP(int, -1, ftruncate, (int fd, off_t size), fd, size)
WRAP(int, -1, getrlimit, (int what, struct rlimit *limit), what, limit)
WRAP(int, -1, madvise, (void *at, size_t size, int advice), at, size, advice)
WRAP(int, -1, memfd_create, (const char *name, unsigned flags), name, flags)
WRAP(int, -1, mprotect, (void *at, size_t size, int protection), at, size, protection)
WRAP(int, -1, munlock, (const void *at, size_t size), at, size)
WRAP(int, -1, pipe2, (int ends[2], int flags), ends, flags)
WRAP(int, -1, poll, (struct pollfd * fds, nfds_t fd_count, int timeout), fds, fd_count, timeout)
WRAP(int, errno, pthread_atfork, (void (*before)(void), void (*parent)(void), void (*child)(void)), before, parent,
     child)
WRAP(int, errno, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*function)(void *), void *arg), thread, attributes,
     function, arg)
WRAP(ssize_t, -1, read, (int fd, void *bytes, size_t size), fd, bytes, size)
WRAP(int, -1, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), pid, size, set)
WRAP(int, -1, sched_setaffinity, (pid_t pid, size_t size, const cpu_set_t *set), pid, size, set)
WRAP(int, -1, sem_trywait, (sem_t * semaphore), semaphore)
WRAP(int, -1, sem_wait, (sem_t * semaphore), semaphore)
WRAP(int, -1, setrlimit, (int what, const struct rlimit *limit), what, limit)
WRAP(int, -1, sigaction, (int number, const struct sigaction *action, struct sigaction *old), number, action, old)
WRAP(ssize_t, -1, write, (int fd, const void *bytes, size_t size), fd, bytes, size)
WRAP(cpu_set_t *, NULL, __sched_cpualloc, (size_t cpus), cpus)

/* ---- Calls of which one must know what they were given ------------------------------- */

int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...);

int __wrap_fcntl(int fd, int what, ...)
{
	va_list arguments;
	va_start(arguments, what);
	long argument = va_arg(arguments, long);
	va_end(arguments);
	return fails(FAULT_fcntl) ? -1 : __real_fcntl(fd, what, argument);
}

int __real_prctl(int what, ...);
int __wrap_prctl(int what, ...);

int __wrap_prctl(int what, ...)
{
	va_list arguments;
	va_start(arguments, what);
	long argument = va_arg(arguments, long);
	va_end(arguments);
	return fails(FAULT_prctl) ? -1 : __real_prctl(what, argument, 0L, 0L, 0L);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return fails(FAULT_open) ? -1 : __real_open(path, flags, mode);
}

static enum fault fault_of_syscall(long number, long first)
{
	switch (number) {
	case SYS_futex:
		return FAULT_futex;
	case SYS_pidfd_open:
		return FAULT_pidfd_open;
	case SYS_pidfd_send_signal:
		return FAULT_pidfd_send_signal;
	case SYS_waitid:
		return first == P_PID ? FAULT_waitid_pid : FAULT_waitid_pidfd;
	default:
		fprintf(stderr, "faults.c: system call %ld has to be given a name here and in faults.h\n", number);
		abort();
	}
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long a[6];
	va_list arguments;
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (control != NULL && fails(fault_of_syscall(number, a[0])))
		return -1;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- Calls that give something back even if they fail ------------------------------- */

int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_close(int fd)
{
	bool fail = fails(FAULT_close); /* Linux closes it all the same */
	int error = errno, result = __real_close(fd);
	if (!fail)
		return result;
	errno = error;
	return -1;
}

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);

int __wrap_fclose(FILE *file)
{
	bool fail = fails(FAULT_fclose);
	int result = __real_fclose(file);
	return fail ? EOF : result;
}

/* ---- Memory ------------------------------------------------------------------------ */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t many, size_t size);
void *__wrap_calloc(size_t many, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __real_free(void *block);
void __wrap_free(void *block);

static void *counted(void *block)
{
	count_blocks(block != NULL);
	return block;
}

void *__wrap_malloc(size_t size)
{
	return fails(FAULT_malloc) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t many, size_t size)
{
	return fails(FAULT_calloc) ? NULL : counted(__real_calloc(many, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	if (fails(FAULT_realloc))
		return NULL;
	return block == NULL ? counted(__real_malloc(size)) : __real_realloc(block, size);
}

void __wrap_free(void *block)
{
	count_blocks(block == NULL ? 0 : -1);
	__real_free(block);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
int __wrap_munmap(void *at, size_t size);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fails(FAULT_mmap))
		return MAP_FAILED;
	void *memory = __real_mmap(at, size, protection, flags, fd, offset);
	count_mappings(memory != MAP_FAILED);
	return memory;
}

int __wrap_munmap(void *at, size_t size)
{
	count_mappings(-1);
	return __real_munmap(at, size);
}
