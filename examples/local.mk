# The programs of the README.
noinst_PROGRAMS += examples/first examples/crash
examples_first_SOURCES = examples/first.c
examples_first_LDADD = libforkpool.la
examples_crash_SOURCES = examples/crash.c
examples_crash_LDADD = libforkpool.la
TESTS += examples/check.sh
EXTRA_DIST += examples/check.sh examples/first.py

# In an event loop.
if HAVE_UV
check_PROGRAMS += examples/loop
examples_loop_SOURCES = examples/loop.c
examples_loop_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
examples_loop_LDADD = libforkpool.la $(UV_LIBS)
TESTS += examples/loop
endif
