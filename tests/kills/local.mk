# Proofs that kill workers: at random, after every instruction, at every step of the engine.
# doc/testing.md says how they are run and what they show.
marked_sources = tests/kills/marked.c tests/kills/marked.h

# make storm STORM="--kills 100000 --seconds 3600"
check_PROGRAMS += tests/kills/storm
tests_kills_storm_SOURCES = tests/kills/storm.c $(marked_sources)
tests_kills_storm_LDADD = libforkpool.la
STORM =
storm: tests/kills/storm
	tests/kills/storm $(STORM)
.PHONY: storm
