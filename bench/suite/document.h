/*
 * document.h - one run as a Markdown document: how it was measured, which targets were won and lost and why, all
 * figures, and the plots.  The same results give the same bytes.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "results.h"

/*
 * Writes it; the file appears as a whole or not at all.  `plots` is the folder in which the plots are, as SVG, or NULL:
 * those that are there are shown.  0; or -errno, and what failed is said on standard error.
 */
int document_write(const char *path, const char *plots, const struct results *results);

#endif
