/*
 * run.h - carries out a plan: contenders in turn, round by round.
 */
#ifndef RUN_H
#define RUN_H

#include "plan.h"
#include <signal.h>

/* Set by a signal: no further turn is begun. */
extern volatile sig_atomic_t run_interrupted;

/* Only these contenders are started, by their names with commas between; NULL: all. */
void run_restrict(const char *names);

/* Measures the plan's row: fills in the figures of its entries and what they are compared with. */
void run_row(struct plan *plan, struct plan_row *row);

/* Who was started so far, and what it is: into the results. */
void run_note_peers(struct results *results);

/* Ends all contenders. */
void run_end(void);

#endif
