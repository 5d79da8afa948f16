/*
 * made_up.h - results that nobody has measured, with all that results can have: for the tests of what is made of them.
 */
#ifndef MADE_UP_H
#define MADE_UP_H

#include "../bench/suite/results.h"

/* The same each time.  Free them with made_up_free(). */
void made_up(struct results *results);
void made_up_free(struct results *results);

/* The row of that id. */
struct row *made_up_row(struct results *results, const char *id);

#endif
