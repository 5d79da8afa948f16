/*
 * plot.h - results as pictures, drawn by gnuplot: each as SVG and as PNG.  A series is one plot with a curve for each
 * contender; of "workers..." speed-ups, of "growth..." times over n, of others figures over a logarithmic x.  A row of
 * its own is one with a bar for each contender, if at least three have figures.  A contender has the same colour in
 * all.
 */
#ifndef PLOT_H
#define PLOT_H

#include "results.h"

/* The name of the plot of the row, or of its series, without ".svg" or ".png".  False: there is none. */
bool plot_name(const struct results *results, const struct row *row, char *name, size_t size);

/*
 * Draws all into the folder, which is made if it is not there.  0, or -errno; what failed is said on standard error.
 * Without gnuplot there are none: that is said, and is no failure.
 */
int plot_all(const char *folder, const struct results *results);

#endif
