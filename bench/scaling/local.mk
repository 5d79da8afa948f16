# The scaling study: what single steps cost here, and a simulation of the engine for up to 1,024 workers that is fed with it.
noinst_PROGRAMS += bench/scaling/costs
bench_scaling_costs_SOURCES = bench/scaling/costs.c bench/bench.c bench/bench.h bench/kernels/kernel.h
bench_scaling_costs_LDADD = libforkpool.la

scaling_model = \
	bench/scaling/machine.c bench/scaling/machine.h \
	bench/scaling/model.c bench/scaling/model.h
noinst_PROGRAMS += bench/scaling/simulate
bench_scaling_simulate_SOURCES = bench/scaling/simulate.c $(scaling_model)

noinst_PROGRAMS += bench/scaling/study
bench_scaling_study_SOURCES = \
	bench/scaling/study.c \
	bench/scaling/plot.c bench/scaling/plot.h \
	bench/scaling/reality.c bench/scaling/reality.h \
	bench/bench.c bench/bench.h bench/kernels/kernel.h \
	$(scaling_model)
bench_scaling_study_CPPFLAGS = $(AM_CPPFLAGS) -DGNUPLOT='"$(GNUPLOT)"'
bench_scaling_study_LDADD = libforkpool.la

# On a machine where others are at work: make scaling SCALING_WRAP='chrt -f 5'.
# Measures, simulates, and writes scaling-output/scaling.md with its plots: doc/scaling.md is a copy of such a one.
.PHONY: scaling
scaling: bench/scaling/costs$(EXEEXT) bench/scaling/study$(EXEEXT)
	@$(MKDIR_P) scaling-output
	@$(SCALING_WRAP) bench/scaling/costs$(EXEEXT) >scaling-output/costs.txt
	@$(SCALING_WRAP) bench/scaling/study$(EXEEXT) scaling-output/costs.txt scaling-output
	@cat scaling-output/scaling.md
CLEANFILES += scaling-output/costs.txt scaling-output/scaling.md scaling-output/scaling.svg scaling-output/scaling.png
EXTRA_DIST += doc/scaling.md doc/scaling.svg

TESTS += tests/scaling.sh
dist_check_SCRIPTS += tests/scaling.sh
