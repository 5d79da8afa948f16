/*
 * Which process this is, without a system call each time.
 */
#ifndef FORKPOOL_OWNER_H
#define FORKPOOL_OWNER_H

#include <sys/types.h>

/* What getpid() says. */
pid_t process_id(void);

#endif
