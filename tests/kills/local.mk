# Proofs that kill workers: at random, after every instruction, at every step of the engine.
# doc/testing.md says how they are run and what they show.
marked_sources = \
	tests/child.c \
	tests/child.h \
	tests/kills/errand.c \
	tests/kills/judge.c \
	tests/kills/marked.c \
	tests/kills/marked.h \
	tests/kills/trial.h

# make storm STORM="--kills 100000 --seconds 3600"
check_PROGRAMS += tests/kills/storm
tests_kills_storm_SOURCES = tests/kills/storm.c $(marked_sources)
tests_kills_storm_LDADD = libforkpool.la
STORM =
storm: tests/kills/storm
	tests/kills/storm $(STORM)
.PHONY: storm

# After some instructions in `make check`, after all of them in `make steps`.
check_PROGRAMS += tests/kills/step
TESTS += tests/kills/step
tests_kills_step_SOURCES = tests/kills/step.c $(marked_sources)
tests_kills_step_LDADD = libforkpool.la
steps: tests/kills/step
	tests/kills/step --kills 0
.PHONY: steps

# At every numbered point of the engine: some of the cases in `make check`, all but of
# pairs in `make points`.  Linked with the
# library's sources as they are built for nobody else: with the points in them.
check_LTLIBRARIES += tests/kills/libpoints.la
tests_kills_libpoints_la_SOURCES = $(libforkpool_la_SOURCES)
tests_kills_libpoints_la_CPPFLAGS = $(AM_CPPFLAGS) -DFORKPOOL_KILL_POINTS
tests_kills_libpoints_la_LIBTOOLFLAGS = --tag=disable-shared
check_PROGRAMS += tests/kills/points
TESTS += tests/kills/points
tests_kills_points_SOURCES = tests/kills/points.c $(marked_sources)
tests_kills_points_CPPFLAGS = $(AM_CPPFLAGS) -DFORKPOOL_KILL_POINTS
tests_kills_points_LDADD = tests/kills/libpoints.la
points: tests/kills/points
	tests/kills/points --share 100 --list
.PHONY: points
