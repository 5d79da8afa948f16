# The life of a pool and of its workers under bad conditions.
if HAVE_CHECK
life_programs = \
	tests/life/test_hostile \
	tests/life/test_life \
	tests/life/test_orphans \
	tests/life/test_terminal
check_PROGRAMS += $(life_programs)
TESTS += $(life_programs)

life_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/src -I$(top_srcdir)/tests
tests_life_test_hostile_CPPFLAGS = $(life_cppflags)
tests_life_test_hostile_CFLAGS = $(test_cflags)
tests_life_test_hostile_LDADD = $(test_ldadd)
tests_life_test_life_CPPFLAGS = $(life_cppflags)
tests_life_test_life_CFLAGS = $(test_cflags)
tests_life_test_life_LDADD = $(test_ldadd)
tests_life_test_orphans_CPPFLAGS = $(life_cppflags)
tests_life_test_orphans_CFLAGS = $(test_cflags)
tests_life_test_orphans_LDADD = $(test_ldadd)
# It has a terminal of its own, and runs the command as it was built.
tests_life_test_terminal_CPPFLAGS = $(life_cppflags) -DFORKPOOL_BUILD='"$(abs_top_builddir)"'
tests_life_test_terminal_CFLAGS = $(test_cflags)
tests_life_test_terminal_LDADD = $(test_ldadd) -lutil
endif
