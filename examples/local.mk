# The programs of the README.  Each is one file; check.sh runs them.
noinst_PROGRAMS += \
	examples/first \
	examples/crash \
	examples/map \
	examples/starmap \
	examples/range_sum \
	examples/twins \
	examples/producers \
	examples/gil
examples_first_SOURCES = examples/first.c
examples_first_LDADD = libforkpool.la
examples_crash_SOURCES = examples/crash.c
examples_crash_LDADD = libforkpool.la
examples_map_SOURCES = examples/map.c examples/example.h
examples_map_LDADD = libforkpool.la
examples_starmap_SOURCES = examples/starmap.c examples/example.h
examples_starmap_LDADD = libforkpool.la
examples_range_sum_SOURCES = examples/range_sum.c examples/example.h
examples_range_sum_LDADD = libforkpool.la
examples_twins_SOURCES = examples/twins.c examples/example.h
examples_twins_LDADD = libforkpool.la
examples_producers_SOURCES = examples/producers.c examples/example.h
examples_producers_LDADD = libforkpool.la
examples_gil_SOURCES = examples/gil.c examples/example.h
examples_gil_LDADD = libforkpool.la

# Those that fetch URLs, and their server.
.PHONY: urls
if HAVE_WEB
noinst_PROGRAMS += examples/server examples/urls examples/first_answer
examples_server_SOURCES = examples/server.c
examples_server_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS)
examples_server_LDADD = $(MICROHTTPD_LIBS) -lm
examples_urls_SOURCES = examples/urls.c examples/example.h examples/fetch.h
examples_urls_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
examples_urls_LDADD = libforkpool.la $(CURL_LIBS) -lm
examples_first_answer_SOURCES = examples/first_answer.c examples/example.h examples/fetch.h
examples_first_answer_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
examples_first_answer_LDADD = libforkpool.la $(CURL_LIBS)

# The table in full, three quarters of a minute; URLS_FLAGS=--help says what it takes.
urls: examples/server$(EXEEXT) examples/urls$(EXEEXT)
	@examples/server$(EXEEXT) examples/urls$(EXEEXT) $(URLS_FLAGS)
else
urls:
	@echo "urls: needs libcurl and libmicrohttpd; ./bootstrap installs them." >&2; exit 1
endif

TESTS += examples/check.sh
EXTRA_DIST += examples/check.sh examples/first.py

# In an event loop.
if HAVE_UV
check_PROGRAMS += examples/loop
examples_loop_SOURCES = examples/loop.c
examples_loop_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
examples_loop_LDADD = libforkpool.la $(UV_LIBS)
TESTS += examples/loop
endif
