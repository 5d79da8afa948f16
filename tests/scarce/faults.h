/*
 * faults.h - makes a chosen call of the library fail.
 *
 * The calls named in FAULTS are wrapped by the linker (--wrap), in a program that the library is linked
 * into statically.  Each is counted while faults are armed, and the one that was planned fails, with
 * the errno that the system would give, without being made.  The counters are in memory shared with
 * workers, and a plan says whose calls are meant: the parent's, its threads' included, or the workers'.
 * Blocks of memory and mappings that the parent has and has not given back are counted, too.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* waitid(2) and the calls of pidfds have no names of their own: the library uses syscall(2). */
#define FAULTS(X)                                                                                                      \
	X(atexit)                                                                                                      \
	X(calloc)                                                                                                      \
	X(close)                                                                                                       \
	X(epoll_create1)                                                                                               \
	X(epoll_ctl)                                                                                                   \
	X(epoll_wait)                                                                                                  \
	X(eventfd)                                                                                                     \
	X(fclose)                                                                                                      \
	X(fcntl)                                                                                                       \
	X(fflush)                                                                                                      \
	X(fgets)                                                                                                       \
	X(fopen)                                                                                                       \
	X(fork)                                                                                                        \
	X(ftruncate)                                                                                                   \
	X(getrlimit)                                                                                                   \
	X(madvise)                                                                                                     \
	X(malloc)                                                                                                      \
	X(memfd_create)                                                                                                \
	X(mmap)                                                                                                        \
	X(mprotect)                                                                                                    \
	X(munlock)                                                                                                     \
	X(open)                                                                                                        \
	X(pipe2)                                                                                                       \
	X(poll)                                                                                                        \
	X(prctl)                                                                                                       \
	X(pthread_atfork)                                                                                              \
	X(pthread_create)                                                                                              \
	X(read)                                                                                                        \
	X(realloc)                                                                                                     \
	X(sched_getaffinity)                                                                                           \
	X(sched_setaffinity)                                                                                           \
	X(sem_trywait)                                                                                                 \
	X(sem_wait)                                                                                                    \
	X(setrlimit)                                                                                                   \
	X(sigaction)                                                                                                   \
	X(timerfd_create)                                                                                              \
	X(timerfd_settime)                                                                                             \
	X(write)                                                                                                       \
	X(__sched_cpualloc)                                                                                            \
	X(futex)                                                                                                       \
	X(pidfd_open)                                                                                                  \
	X(pidfd_send_signal)                                                                                           \
	X(waitid_pid)                                                                                                  \
	X(waitid_pidfd)

enum fault {
	NO_FAULT,
#define X(name) FAULT_##name,
	FAULTS(X)
#undef X
	        FAULT_COUNT
};

struct fault_plan {
	enum fault refused; /* fails always; or NO_FAULT */
	enum fault call;    /* fails with `error` when it is made */
	int error;
	long nth;     /* for the n-th time, from 1 */
	bool forever; /* and from then on */
	bool in_workers;
};

const char *fault_name(enum fault call);

/* Counters begin anew.  Once in a process, before its first pool. */
void faults_plan(const struct fault_plan *plan);

void faults_arm(void);
void faults_disarm(void);

/* How often a planned failure has happened, but for the refused call's; and how often a call was made. */
long faults_hits(void);
long faults_calls(enum fault call);

/* What the parent has got, while armed, and not given back. */
long faults_blocks(void);
long faults_mappings(void);

#endif
