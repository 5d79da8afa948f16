/*
 * urls.h - section (j): what waits gain from workers, however few the CPUs are.
 */
#ifndef URLS_H
#define URLS_H

#include "results.h"
#include <stdio.h>

#define URLS_SECTION "j"

/* Adds the section and its rows, measured, to the results, and prints the rows as they are there. */
void urls_run(struct results *results, FILE *out);

#endif
