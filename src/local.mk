# The library.  Internal names are hidden in the shared object by the compiler; what is
# public says so in forkpool.h's implementation (FORKPOOL_API).
lib_LTLIBRARIES += libforkpool.la
libforkpool_la_SOURCES = \
	src/api.h \
	src/arena.c src/arena.h \
	src/clock.h \
	src/backend.h src/backend_process.c src/backend_serial.c src/backend_thread.c \
	src/cpu.c src/cpu.h \
	src/engine.h \
	src/error.c \
	src/copies.c \
	src/count.c \
	src/float_modes.h \
	src/future.c \
	src/imap.c \
	src/inner.c src/inner.h \
	src/job.c src/job.h \
	src/killpoint.h \
	src/ledger.c src/ledger.h \
	src/limit.c src/limit.h \
	src/objects.c src/objects.h \
	src/oom.c src/oom.h \
	src/crew.c src/crew.h \
	src/loop.c \
	src/map.c \
	src/next.c \
	src/outcome.c \
	src/order.c src/order.h \
	src/orphan.c src/orphan.h \
	src/owner.c src/owner.h \
	src/parent.h \
	src/place.c src/place.h \
	src/pool.c \
	src/queue.h \
	src/recover.c src/recover.h \
	src/reduce.c \
	src/region.c src/region.h \
	src/resume.h \
	src/ring.c src/ring.h \
	src/schedule.c src/schedule.h \
	src/sleep.c src/sleep.h \
	src/seed.c \
	src/submit.c src/submit.h \
	src/symbol.c src/symbol.h \
	src/task.c src/task.h \
	src/wait.c src/wait.h \
	src/watch.c src/watch.h \
	src/worker.c src/worker.h
libforkpool_la_CFLAGS = $(AM_CFLAGS) $(FORKPOOL_HIDDEN)
libforkpool_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined -export-symbols-regex '^forkpool_'
