# The tests: one program a subject, with libcheck; and a script for what is exported.
# A test leaves no process, descriptor or memory behind, and fails if it does (support.c).
TESTS += tests/exports.sh
dist_check_SCRIPTS = tests/exports.sh

if HAVE_CHECK
test_programs = \
	tests/test_calls \
	tests/test_reports \
	tests/test_pool \
	tests/test_refusals \
	tests/test_shapes \
	tests/test_crash \
	tests/test_kills \
	tests/test_limits \
	tests/test_async \
	tests/test_callbacks \
	tests/test_endings \
	tests/test_streams \
	tests/test_pool_behaviours \
	tests/test_executor_behaviours \
	tests/test_loop \
	tests/test_places \
	tests/test_inner \
	tests/test_order \
	tests/test_ledger \
	tests/test_ring \
	tests/test_stats \
	tests/test_output
if HAVE_JANSSON
test_programs += tests/test_record
endif
check_PROGRAMS += $(test_programs)
TESTS += $(test_programs)

# An object for test_refusals to load when the workers run already.
check_LTLIBRARIES += tests/late.la
tests_late_la_SOURCES = tests/late.c
tests_late_la_LDFLAGS = $(AM_LDFLAGS) -module -shared -avoid-version -rpath $(abs_builddir)/tests

# Objects for test_inner to load.
check_LTLIBRARIES += tests/inner_blas.la tests/inner_other.la
tests_inner_blas_la_SOURCES = tests/inner_blas.c
tests_inner_blas_la_LDFLAGS = $(tests_late_la_LDFLAGS)
tests_inner_other_la_SOURCES = tests/inner_blas.c
tests_inner_other_la_CPPFLAGS = $(AM_CPPFLAGS) -DINNER_OTHER
tests_inner_other_la_LDFLAGS = $(tests_late_la_LDFLAGS)
if HAVE_OPENMP
check_LTLIBRARIES += tests/inner_openmp.la
tests_inner_openmp_la_SOURCES = tests/inner_openmp.c
tests_inner_openmp_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
tests_inner_openmp_la_LDFLAGS = $(tests_late_la_LDFLAGS)
endif

# What the tests of the public calls share.
check_LTLIBRARIES += tests/libsupport.la
tests_libsupport_la_SOURCES = tests/child.c tests/child.h tests/support.c tests/support.h tests/calls.c tests/calls.h \
	tests/scene.c tests/scene.h
tests_libsupport_la_CFLAGS = $(test_cflags)

test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_ldadd = tests/libsupport.la libforkpool.la $(CHECK_LIBS)

tests_test_calls_CFLAGS = $(test_cflags)
tests_test_calls_LDADD = $(test_ldadd)
tests_test_reports_CFLAGS = $(test_cflags)
tests_test_reports_LDADD = $(test_ldadd)
tests_test_pool_CFLAGS = $(test_cflags)
tests_test_pool_LDADD = $(test_ldadd)
tests_test_refusals_CFLAGS = $(test_cflags)
tests_test_refusals_LDADD = $(test_ldadd)
tests_test_shapes_CFLAGS = $(test_cflags)
tests_test_shapes_LDADD = $(test_ldadd)
tests_test_crash_CFLAGS = $(test_cflags)
tests_test_crash_LDADD = $(test_ldadd)
tests_test_kills_CFLAGS = $(test_cflags)
tests_test_kills_LDADD = $(test_ldadd)
tests_test_limits_CFLAGS = $(test_cflags)
tests_test_limits_LDADD = $(test_ldadd)
tests_test_async_CFLAGS = $(test_cflags)
tests_test_async_LDADD = $(test_ldadd)
tests_test_callbacks_CFLAGS = $(test_cflags)
tests_test_callbacks_LDADD = $(test_ldadd)
tests_test_endings_CFLAGS = $(test_cflags)
tests_test_endings_LDADD = $(test_ldadd)
tests_test_streams_CFLAGS = $(test_cflags)
tests_test_streams_LDADD = $(test_ldadd)
tests_test_pool_behaviours_CFLAGS = $(test_cflags)
tests_test_pool_behaviours_LDADD = $(test_ldadd)
tests_test_executor_behaviours_CFLAGS = $(test_cflags)
tests_test_executor_behaviours_LDADD = $(test_ldadd)
tests_test_loop_CFLAGS = $(test_cflags) $(UV_CFLAGS)
tests_test_loop_LDADD = $(test_ldadd) $(UV_LIBS)
tests_test_places_CFLAGS = $(test_cflags)
tests_test_places_LDADD = $(test_ldadd)
tests_test_inner_CFLAGS = $(test_cflags)
tests_test_inner_LDADD = $(test_ldadd)

# Parts of the engine and of the benchmarks on their own, compiled into their tests.
tests_test_order_SOURCES = tests/test_order.c src/order.c src/order.h src/place.c src/place.h
tests_test_order_CFLAGS = $(test_cflags)
tests_test_order_LDADD = $(CHECK_LIBS)
# ThreadSanitizer's own memory is more than the test's.
if !SANITIZES_THREADS
check_PROGRAMS += tests/test_memory
TESTS += tests/test_memory
endif
tests_test_memory_SOURCES = tests/test_memory.c bench/suite/memory.c bench/suite/memory.h \
	bench/suite/family.c bench/suite/family.h
tests_test_memory_CFLAGS = $(test_cflags)
tests_test_memory_LDADD = $(test_ldadd)
tests_test_ledger_SOURCES = tests/test_ledger.c src/ledger.c src/ledger.h
tests_test_ledger_CFLAGS = $(test_cflags)
tests_test_ledger_LDADD = $(CHECK_LIBS)
tests_test_ring_SOURCES = tests/test_ring.c src/ring.c src/ring.h
tests_test_ring_CFLAGS = $(test_cflags)
tests_test_ring_LDADD = $(CHECK_LIBS)
tests_test_stats_SOURCES = tests/test_stats.c $(suite_stats_sources)
tests_test_stats_CFLAGS = $(test_cflags)
tests_test_stats_LDADD = $(CHECK_LIBS) -lm
tests_test_output_SOURCES = tests/test_output.c tests/made_up.c tests/made_up.h $(suite_output_sources)
tests_test_output_CPPFLAGS = $(AM_CPPFLAGS) $(suite_output_cppflags)
tests_test_output_CFLAGS = $(test_cflags)
tests_test_output_LDADD = $(CHECK_LIBS) -lm
tests_test_record_SOURCES = tests/test_record.c tests/made_up.c tests/made_up.h $(suite_output_sources) \
	$(suite_record_sources)
tests_test_record_CPPFLAGS = $(AM_CPPFLAGS) $(suite_output_cppflags)
tests_test_record_CFLAGS = $(test_cflags) $(JANSSON_CFLAGS)
tests_test_record_LDADD = $(CHECK_LIBS) $(JANSSON_LIBS) -lm
endif

# The pools that forkpool is compared with, each in a test of its own; and all of them by their protocol.
peer_tests = tests/peer_threads tests/peer_forks
tests_peer_threads_SOURCES = tests/peers.c bench/peers/threads.c bench/peers/textbook.c
tests_peer_threads_CPPFLAGS = $(peer_cppflags)
tests_peer_forks_SOURCES = tests/peers.c bench/peers/forks.c bench/peers/textbook.c
tests_peer_forks_CPPFLAGS = $(peer_cppflags)
# ThreadSanitizer does not know the locks of OpenMP and TBB.
if !SANITIZES_THREADS
if HAVE_OPENMP_PAUSE
peer_tests += tests/peer_openmp
tests_peer_openmp_SOURCES = tests/peers.c bench/peers/openmp.c
tests_peer_openmp_CPPFLAGS = $(peer_cppflags)
tests_peer_openmp_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
endif
if HAVE_TBB
peer_tests += tests/peer_tbb
tests_peer_tbb_SOURCES = tests/peers.c bench/peers/tbb.cc
tests_peer_tbb_CPPFLAGS = $(peer_cppflags)
tests_peer_tbb_CXXFLAGS = $(AM_CXXFLAGS) $(TBB_CFLAGS)
tests_peer_tbb_LDADD = $(TBB_LIBS)
endif
endif
peer_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/bench
check_PROGRAMS += $(peer_tests)
TESTS += $(peer_tests) tests/peers.sh tests/compare.sh
dist_check_SCRIPTS += tests/peers.sh tests/compare.sh
