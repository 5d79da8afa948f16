/*
 * picture.h - paints iteration counts and writes them as a PNG file.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stddef.h>

/* Paints width x rows smooth iteration counts (0: stays for ever), `factor` columns and
 * `factor` rows to a pixel.  Returns 0 or -errno. */
int picture_write(const char *path, const float *counts, size_t width, size_t rows, size_t factor);

#endif
