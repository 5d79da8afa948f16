/*
 * chart.h - a bar chart of speed-ups, drawn by gnuplot.
 */
#ifndef CHART_H
#define CHART_H

#include "bench.h"

/* A kernel's speed-up over serial, with the spread over the rounds. */
struct chart_row {
	const char *kernel;
	struct bench_spread threads, processes;
};

/* Writes speedup.png and speedup.svg into the working directory.  Returns 0; -ENOENT: configure found no
 * gnuplot; -EIO: gnuplot failed. */
int chart_write(const struct chart_row *rows, size_t count, unsigned workers);

#endif
