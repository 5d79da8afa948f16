# The pools that are compared: a program each (peer.h), so that libraries do not meet in one process.
peer_sources = bench/peers/peer.c bench/peers/peer.h bench/peers/works.c bench/peers/works.h
peer_libs = libforkpool.la -lm

noinst_PROGRAMS += bench/peers/forkpool
bench_peers_forkpool_SOURCES = bench/peers/forkpool.c $(peer_sources)
bench_peers_forkpool_LDADD = $(peer_libs)

# The textbook pools: threads, and processes.
noinst_PROGRAMS += bench/peers/threads bench/peers/forks
textbook_sources = bench/peers/built.h bench/peers/textbook.c bench/peers/textbook.h
bench_peers_threads_SOURCES = bench/peers/threads.c $(textbook_sources) $(peer_sources)
bench_peers_threads_LDADD = $(peer_libs)
bench_peers_forks_SOURCES = bench/peers/forks.c $(textbook_sources) $(peer_sources)
bench_peers_forks_LDADD = $(peer_libs)

if HAVE_OPENMP_PAUSE
noinst_PROGRAMS += bench/peers/openmp
bench_peers_openmp_SOURCES = bench/peers/openmp.c bench/peers/built.h $(peer_sources)
bench_peers_openmp_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
bench_peers_openmp_LDADD = $(peer_libs)
endif

if HAVE_TBB
noinst_PROGRAMS += bench/peers/tbb
bench_peers_tbb_SOURCES = bench/peers/tbb.cc bench/peers/built.h $(peer_sources)
bench_peers_tbb_CXXFLAGS = $(AM_CXXFLAGS) $(TBB_CFLAGS)
bench_peers_tbb_LDADD = $(peer_libs) $(TBB_LIBS)
endif
