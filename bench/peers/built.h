/*
 * built.h - the compiler that built a peer, in words: OpenMP and TBB are half header and pragma, so it matters.
 */
#ifndef BUILT_H
#define BUILT_H

#if defined __clang__
#define BUILT_BY "clang " __clang_version__
#elif defined __GNUC__
#define BUILT_BY "gcc " __VERSION__
#else
#define BUILT_BY "an unknown compiler"
#endif

#endif
