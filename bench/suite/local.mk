# The comparison: what a run says, in the terminal and in files.
suite_output_sources = bench/suite/stats.c bench/suite/stats.h bench/suite/results.h
