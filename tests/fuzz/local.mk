# Fuzzing of whatever reads bytes from outside.  Here the targets are built with the compiler at hand
# and replay their seeds, as one of the tests; `make fuzz` builds them with clang's libFuzzer and lets
# it search for FUZZ_SECONDS in all.  See README.md.
FUZZ_SECONDS = 60
CLANG = clang
fuzz_targets = cpu environment expression input list number options output plugin report vmstat

fuzz_shared = tests/fuzz/fuzz.h tests/fuzz/support.c src/cli/cli.h src/cli/decimal.c src/cli/number.c
fuzz_plain = tests/fuzz/replay.c $(fuzz_shared)
check_PROGRAMS += \
	tests/fuzz/cpu tests/fuzz/environment tests/fuzz/expression tests/fuzz/input tests/fuzz/list \
	tests/fuzz/number tests/fuzz/options tests/fuzz/output tests/fuzz/plugin tests/fuzz/report \
	tests/fuzz/vmstat
tests_fuzz_cpu_SOURCES = tests/fuzz/cpu.c $(fuzz_plain)
tests_fuzz_environment_SOURCES = tests/fuzz/environment.c $(fuzz_plain)
tests_fuzz_environment_LDADD = libforkpool.la
tests_fuzz_expression_SOURCES = tests/fuzz/expression.c src/cli/function.c $(fuzz_plain)
tests_fuzz_input_SOURCES = tests/fuzz/input.c $(fuzz_plain)
tests_fuzz_list_SOURCES = tests/fuzz/list.c src/cli/function.c $(fuzz_plain)
tests_fuzz_number_SOURCES = tests/fuzz/number.c $(fuzz_plain)
fuzz_command = src/cli/expression.c src/cli/function.c src/cli/input.c src/cli/list.c src/cli/option.c src/cli/output.c \
	src/cli/progress.c
tests_fuzz_options_SOURCES = tests/fuzz/options.c $(fuzz_command) $(fuzz_plain)
tests_fuzz_options_LDADD = libforkpool.la
tests_fuzz_output_SOURCES = tests/fuzz/output.c src/cli/input.c src/cli/output.c $(fuzz_plain)
tests_fuzz_plugin_SOURCES = tests/fuzz/plugin.c $(fuzz_plain)
tests_fuzz_report_SOURCES = tests/fuzz/report.c $(fuzz_plain)
tests_fuzz_report_LDADD = libforkpool.la
tests_fuzz_vmstat_SOURCES = tests/fuzz/vmstat.c $(fuzz_plain)

# Seeds, a folder for each target, and words that its inputs are made of.
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/corpus tests/fuzz/words tests/fuzz/fuzz.sh
dist_check_SCRIPTS += tests/fuzz/replay.sh
TESTS += tests/fuzz/replay.sh

# By libFuzzer a target is one command: its sources, and the library's where it uses that.
FUZZ_CFLAGS = -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fuzz_sources = $(tests_fuzz_$*_SOURCES) $(if $(tests_fuzz_$*_LDADD),$(libforkpool_la_SOURCES))
fuzz_programs = $(fuzz_targets:%=tests/fuzz/%.fuzz)
tests/fuzz/%.fuzz: $(wildcard $(foreach folder,src src/cli tests/fuzz,$(top_srcdir)/$(folder)/*.[ch])) config.h
	@$(CLANG) $(FUZZ_CFLAGS) -x c -E -o /dev/null /dev/null || { \
		echo "fuzz: $(CLANG) cannot build this; on Debian: apt-get install clang (or make fuzz CLANG=...)" >&2; exit 1; }
	@echo "  FUZZ     $@"
	@$(CLANG) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) $(FUZZ_CFLAGS) -o $@ \
		$(addprefix $(top_srcdir)/,$(filter-out tests/fuzz/replay.c,$(filter %.c,$(fuzz_sources)))) $(LIBS)
.PHONY: fuzz
fuzz: $(fuzz_programs) $(fuzz_targets:%=tests/fuzz/%$(EXEEXT))
	@srcdir=$(srcdir) $(srcdir)/tests/fuzz/fuzz.sh $(FUZZ_SECONDS) $(fuzz_targets)
CLEANFILES += $(fuzz_programs)
