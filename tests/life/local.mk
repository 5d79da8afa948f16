# The life of a pool and of its workers under bad conditions.
if HAVE_CHECK
check_PROGRAMS += tests/life/test_hostile
TESTS += tests/life/test_hostile

tests_life_test_hostile_SOURCES = tests/life/test_hostile.c
tests_life_test_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src -I$(top_srcdir)/tests
tests_life_test_hostile_CFLAGS = $(test_cflags)
tests_life_test_hostile_LDADD = $(test_ldadd)
endif
