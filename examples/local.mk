# The programs of the README.
noinst_PROGRAMS += examples/first examples/crash
examples_first_SOURCES = examples/first.c
examples_first_LDADD = libforkpool.la
examples_crash_SOURCES = examples/crash.c
examples_crash_LDADD = libforkpool.la
TESTS += examples/check.sh
EXTRA_DIST += examples/check.sh examples/first.py
