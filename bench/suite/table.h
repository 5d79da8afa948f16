/*
 * table.h - results as text of at most 100 columns.  With colours where the stream is a terminal and NO_COLOR is not
 * set: the best is bold, a target that was missed red, one that was met green.
 */
#ifndef TABLE_H
#define TABLE_H

#include "results.h"
#include <stdio.h>

/*
 * One row's figures and what they are compared with.  A row of a series is not printed by itself: the whole series is,
 * as one table, with the last of its rows.
 */
void table_row(FILE *file, const struct results *results, const struct row *row);

/* All rows so far of a series. */
void table_series(FILE *file, const struct results *results, const char *series);

/* All targets, one a line, and how many were met, missed and not decided. */
void table_summary(FILE *file, const struct results *results);

/* What it was measured on, and with which peers. */
void table_machine(FILE *file, const struct results *results);

#endif
