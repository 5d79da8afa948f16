# What becomes of a pool where something cannot be had.  test_faults is linked with the library's
# archive, so that its calls can be wrapped; symbols.sh compares the wrapped ones with all that there are.
if HAVE_CHECK
scarce_programs = tests/scarce/test_faults tests/scarce/test_limits
check_PROGRAMS += $(scarce_programs)
TESTS += $(scarce_programs) tests/scarce/symbols.sh tests/scarce/cause.sh

scarce_wrapped = \
	atexit calloc close epoll_create1 epoll_ctl epoll_wait eventfd fclose fcntl fflush fgets fopen fork free \
	ftruncate getrlimit madvise malloc memfd_create mmap mprotect munlock munmap open pipe2 poll prctl pthread_atfork \
	pthread_create read realloc sched_getaffinity sched_setaffinity sem_trywait sem_wait setrlimit sigaction syscall timerfd_create timerfd_settime write \
	__sched_cpualloc

tests_scarce_test_faults_SOURCES = tests/scarce/test_faults.c tests/scarce/faults.c tests/scarce/faults.h
tests_scarce_test_faults_CFLAGS = $(test_cflags)
tests_scarce_test_faults_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_scarce_test_faults_LDFLAGS = $(AM_LDFLAGS) -static $(scarce_wrapped:%=-Wl,--wrap=%)
tests_scarce_test_faults_LDADD = $(test_ldadd)

tests_scarce_test_limits_CFLAGS = $(test_cflags)
tests_scarce_test_limits_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_scarce_test_limits_LDADD = $(test_ldadd)
endif
dist_check_SCRIPTS += tests/scarce/symbols.sh tests/scarce/cause.sh
