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
