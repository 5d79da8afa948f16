/*
 * mandelbrot.h - how the answer of the Mandelbrot kernel is laid out, for whoever paints it.
 *
 * It is rows of MANDELBROT_WIDTH floats: first the rows of the upper half of the whole
 * set, whose area is known, then as many as are left of a detail, the picture, from top
 * to bottom.
 */
#ifndef MANDELBROT_H
#define MANDELBROT_H

enum { MANDELBROT_WIDTH = 3200, MANDELBROT_AREA_ROWS = 250 };

#endif
