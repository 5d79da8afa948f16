# The command: it includes forkpool.h and nothing else of the library.
bin_PROGRAMS += forkpool
forkpool_SOURCES = \
	bench/suite/results.h \
	bench/suite/stats.c \
	bench/suite/stats.h \
	src/cli/bench.c \
	src/cli/cli.h \
	src/cli/decimal.c \
	src/cli/expression.c \
	src/cli/function.c \
	src/cli/input.c \
	src/cli/lane.c \
	src/cli/list.c \
	src/cli/main.c \
	src/cli/map.c \
	src/cli/message.c \
	src/cli/number.c \
	src/cli/option.c \
	src/cli/output.c \
	src/cli/plot.c \
	src/cli/progress.c \
	src/cli/race.c \
	src/cli/race.h \
	src/cli/record.c \
	src/cli/trial.c \
	src/cli/verdict.c
forkpool_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
forkpool_LDADD = libforkpool.la
# Plugins may call the library: forkpool_fail() and the like.
forkpool_LDFLAGS = $(AM_LDFLAGS) -export-dynamic

dist_man_MANS += doc/man/forkpool.1
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = src/cli/completions/forkpool

# Its tests run the command from a shell; this plugin has the functions they apply.
check_LTLIBRARIES += tests/cli/plugin.la
tests_cli_plugin_la_SOURCES = tests/cli/plugin.c
tests_cli_plugin_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_PROGRAMS += tests/cli/decimal
tests_cli_decimal_SOURCES = tests/cli/decimal.c src/cli/decimal.c
tests_cli_decimal_LDADD = libforkpool.la

cli_tests = \
	tests/cli/bench.sh \
	tests/cli/binary.sh \
	tests/cli/errors.sh \
	tests/cli/expression.sh \
	tests/cli/failures.sh \
	tests/cli/limits.sh \
	tests/cli/output.sh \
	tests/cli/text.sh \
	tests/cli/usage.sh
TESTS += tests/cli/decimal $(cli_tests)
EXTRA_DIST += $(cli_tests) tests/cli/common.sh
