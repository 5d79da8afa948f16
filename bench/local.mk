# Kernels (plugins that hold real work), the demo that runs them, and what single things cost.  The comparison with other
# pools is in bench/peers and bench/suite.
kernel_cflags = $(AM_CFLAGS) -ftree-vectorize -fno-math-errno -fno-trapping-math
kernel_ldflags = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
kernel_libs = libforkpool.la -lm

noinst_LTLIBRARIES += \
	bench/kernels/ep.la \
	bench/kernels/mandelbrot.la \
	bench/kernels/options.la \
	bench/kernels/primes.la \
	bench/kernels/random.la \
	bench/kernels/skew.la \
	bench/kernels/triangle.la
bench_kernels_ep_la_SOURCES = bench/kernels/ep.c bench/kernels/kernel.h
bench_kernels_ep_la_CFLAGS = $(kernel_cflags)
bench_kernels_ep_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_ep_la_LIBADD = $(kernel_libs)
bench_kernels_mandelbrot_la_SOURCES = bench/kernels/mandelbrot.c bench/kernels/mandelbrot.h bench/kernels/kernel.h
bench_kernels_mandelbrot_la_CFLAGS = $(kernel_cflags)
bench_kernels_mandelbrot_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_mandelbrot_la_LIBADD = $(kernel_libs)
bench_kernels_options_la_SOURCES = bench/kernels/options.c bench/kernels/kernel.h
bench_kernels_options_la_CFLAGS = $(kernel_cflags)
bench_kernels_options_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_options_la_LIBADD = $(kernel_libs)
bench_kernels_primes_la_SOURCES = bench/kernels/primes.c bench/kernels/kernel.h
bench_kernels_primes_la_CFLAGS = $(kernel_cflags)
bench_kernels_primes_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_primes_la_LIBADD = $(kernel_libs)
zeta_sources = bench/kernels/zeta.c bench/kernels/zeta.h bench/kernels/kernel.h
bench_kernels_random_la_SOURCES = bench/kernels/random.c $(zeta_sources)
bench_kernels_random_la_CFLAGS = $(kernel_cflags)
bench_kernels_random_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_random_la_LIBADD = $(kernel_libs)
bench_kernels_skew_la_SOURCES = bench/kernels/skew.c $(zeta_sources)
bench_kernels_skew_la_CFLAGS = $(kernel_cflags)
bench_kernels_skew_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_skew_la_LIBADD = $(kernel_libs)
bench_kernels_triangle_la_SOURCES = bench/kernels/triangle.c $(zeta_sources)
bench_kernels_triangle_la_CFLAGS = $(kernel_cflags)
bench_kernels_triangle_la_LDFLAGS = $(kernel_ldflags)
bench_kernels_triangle_la_LIBADD = $(kernel_libs)

noinst_PROGRAMS += bench/demo
bench_demo_SOURCES = \
	bench/bench.c bench/bench.h \
	bench/chart.c bench/chart.h \
	bench/demo.c \
	bench/measure.c bench/measure.h \
	bench/kernels/kernel.h bench/kernels/mandelbrot.h
bench_demo_CPPFLAGS = $(AM_CPPFLAGS) -DGNUPLOT='"$(GNUPLOT)"'
bench_demo_CFLAGS = $(AM_CFLAGS)
bench_demo_LDADD = libforkpool.la -lm
if HAVE_PNG
bench_demo_SOURCES += bench/picture.c bench/picture.h
bench_demo_CPPFLAGS += -DHAVE_PNG
bench_demo_CFLAGS += $(PNG_CFLAGS)
bench_demo_LDADD += $(PNG_LIBS)
endif

# The main job: real work on every backend, checked; DEMO_FLAGS=--help says what else it takes.
.PHONY: demo
demo: bench/demo$(EXEEXT) $(noinst_LTLIBRARIES)
	@bench/demo$(EXEEXT) --output demo-output $(DEMO_FLAGS)
CLEANFILES += demo-output/mandelbrot.png demo-output/speedup.png demo-output/speedup.svg

# From a worker's death to its replacement's first task; RECOVERY_FLAGS=--help says what it takes.
noinst_PROGRAMS += bench/recovery
bench_recovery_SOURCES = bench/recovery.c bench/bench.c bench/bench.h bench/kernels/kernel.h
bench_recovery_LDADD = libforkpool.la
.PHONY: recovery
recovery: bench/recovery$(EXEEXT)
	@bench/recovery$(EXEEXT) $(RECOVERY_FLAGS)

# What asynchronous jobs and streams cost; JOBS_FLAGS=--help says what it takes.
noinst_PROGRAMS += bench/jobs
bench_jobs_SOURCES = bench/jobs.c bench/bench.c bench/bench.h bench/kernels/kernel.h
bench_jobs_LDADD = libforkpool.la
.PHONY: jobs
jobs: bench/jobs$(EXEEXT)
	@bench/jobs$(EXEEXT) $(JOBS_FLAGS)

# The distance to the limit: what no pool can be better than.
noinst_PROGRAMS += bench/peers/bare
bench_peers_bare_SOURCES = bench/peers/bare.c bench/peers/peer.c bench/peers/peer.h bench/peers/works.h
bench_peers_bare_LDADD = libforkpool.la -lm

# What fetches the URLs of examples/urls by Python, beside it.
EXTRA_DIST += bench/peers/urls.py

# What tasks and jobs cost, in instructions and in system calls; above the budget it fails.  For instructions the
# engine's files are compiled as for the library.
EXTRA_PROGRAMS += bench/price bench/calls
bench_price_SOURCES = bench/price.c $(libforkpool_la_SOURCES)
bench_price_CFLAGS = $(AM_CFLAGS) $(FORKPOOL_HIDDEN) -fPIC
bench_calls_SOURCES = bench/calls.c
bench_calls_LDADD = libforkpool.la
.PHONY: guard price calls
guard: price calls
price: bench/price$(EXEEXT)
	@$(srcdir)/bench/price.sh bench/price$(EXEEXT) $(srcdir)/bench/price.budget
calls: bench/calls$(EXEEXT)
	@$(srcdir)/bench/calls.sh bench/calls$(EXEEXT) $(srcdir)/bench/calls.budget
EXTRA_DIST += bench/price.sh bench/price.budget bench/calls.sh bench/calls.budget
CLEANFILES += bench/price$(EXEEXT) bench/calls$(EXEEXT)

EXTRA_DIST += bench/README.md
