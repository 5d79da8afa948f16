/*
 * machine.h - what a run was measured on.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "results.h"

/* What it is, before the run; and how busy others kept it, after it. */
void machine_begin(struct machine *machine);
void machine_end(struct machine *machine);

#endif
