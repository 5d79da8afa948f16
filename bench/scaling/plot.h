/*
 * plot - curves over the number of workers, drawn by gnuplot.
 */
#ifndef PLOT_H
#define PLOT_H

#include <stddef.h>

enum { PLOT_POINTS = 10, PLOT_CURVES = 5 };

/* A panel: curves[c][i] at 2^(i + 1) workers. */
struct panel {
	const char *title, *unit;
	size_t curves;
	const char *names[PLOT_CURVES];
	double values[PLOT_CURVES][PLOT_POINTS];
};

/* Writes DIRECTORY/scaling.svg and .png.  Returns 0; -ENOENT if configure found no gnuplot; or -errno. */
int plot_write(const struct panel *panels, size_t count, const char *directory);

#endif
