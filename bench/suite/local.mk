# The comparison: what a run says, in the terminal and in files.  record.c is for jansson, the others need nothing.
suite_stats_sources = bench/suite/stats.c bench/suite/stats.h bench/suite/results.h
suite_output_sources = \
	$(suite_stats_sources) \
	bench/suite/document.c bench/suite/document.h \
	bench/suite/figures.c bench/suite/figures.h \
	bench/suite/plot.c bench/suite/plot.h \
	bench/suite/save.c bench/suite/save.h \
	bench/suite/table.c bench/suite/table.h
suite_record_sources = bench/suite/record.c bench/suite/record.h
suite_output_cppflags = -DGNUPLOT='"$(GNUPLOT)"'

# The driver.  BENCH_FLAGS=--help says what it takes; results are left in bench-output.
.PHONY: bench bench-quick
bench_output = bench-output
bench_files = --json $(bench_output)/results.json --csv $(bench_output)/results.csv --plots $(bench_output)
if HAVE_JANSSON
noinst_PROGRAMS += bench/compare
bench_compare_SOURCES = \
	$(suite_output_sources) \
	$(suite_record_sources) \
	bench/bench.c bench/bench.h bench/kernels/kernel.h \
	bench/suite/contender.c bench/suite/contender.h \
	bench/suite/family.c bench/suite/family.h \
	bench/suite/machine.c bench/suite/machine.h \
	bench/suite/main.c \
	bench/suite/memory.c bench/suite/memory.h \
	bench/suite/plan.c bench/suite/plan.h \
	bench/suite/run.c bench/suite/run.h \
	bench/suite/urls.c bench/suite/urls.h
bench_compare_CPPFLAGS = $(AM_CPPFLAGS) $(suite_output_cppflags) \
	-DBENCH_SOURCES='"$(srcdir)/bench"' -DBENCH_PYTHON='"$(PYTHON)"' -DBENCH_RSCRIPT='"$(RSCRIPT)"'
bench_compare_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
bench_compare_LDADD = libforkpool.la $(JANSSON_LIBS) -lm
bench: bench/compare$(EXEEXT) all
	@mkdir -p $(bench_output)
	@bench/compare$(EXEEXT) $(bench_files) --document $(bench_output)/performance.md $(BENCH_FLAGS)
bench-quick: bench/compare$(EXEEXT) all
	@mkdir -p $(bench_output)
	@bench/compare$(EXEEXT) --quick $(bench_files) --document $(bench_output)/performance.md $(BENCH_FLAGS)
else
bench bench-quick:
	@echo "$@: needs libjansson; ./bootstrap installs it (apt-get install libjansson-dev)." >&2; exit 1
endif
