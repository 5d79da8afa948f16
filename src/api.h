/*
 * The public header as the library's own files see it: with the configuration, and
 * with its names, and no others, exported from the shared object.
 */
#ifndef FORKPOOL_API_H
#define FORKPOOL_API_H

#include "config.h"

#pragma GCC visibility push(default)
#include "forkpool.h"
#pragma GCC visibility pop

#endif
