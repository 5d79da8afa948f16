/*
 * built.h - the compiler that built a peer, in words: OpenMP and TBB are half header and pragma, so it matters.
 */
#ifndef BUILT_H
#define BUILT_H

#if defined __clang__
#define BUILT_TEXT(x)               #x
#define BUILT_VERSION(major, minor) BUILT_TEXT(major) "." BUILT_TEXT(minor)
#define BUILT_BY                    "clang " BUILT_VERSION(__clang_major__, __clang_minor__)
#elif defined __GNUC__
#define BUILT_BY "gcc " __VERSION__
#else
#define BUILT_BY "an unknown compiler"
#endif

#endif
