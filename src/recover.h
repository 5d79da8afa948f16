/*
 * What a death left behind.  DESIGN: only the parent repairs, and only once the kernel has
 * confirmed the death.
 */
#ifndef FORKPOOL_RECOVER_H
#define FORKPOOL_RECOVER_H

#include "parent.h"

/* The whole rule, for a worker that is gone for good:
 *   (a) Its record names the one job and chunk it was in.  If the ledger says that it was
 *       RUNNING that chunk: a task announced as running is tried again where attempts are
 *       left (see resume.h), else charged: as timed out if it was doomed, else as crashed.
 *       Those before it are kept, those behind it are offered again; if none was announced,
 *       nobody is charged and the chunk is offered again as it was.
 *   (b) From now on completion is read off the ledger.
 *   (c) Every sleeper is made to look again.
 * Its record is cleared; a new worker may take the slot. */
void recover_worker(forkpool *pool, unsigned slot, const struct death *death);

#endif
