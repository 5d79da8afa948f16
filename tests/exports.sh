#!/bin/sh
# What the library shows: the shared object exports exactly the functions that forkpool.h
# declares, all named forkpool_*; and the header is C11 and C++11 on its own.
set -eu

header=${srcdir:-.}/include/forkpool.h
library=.libs/libforkpool.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The compiler that built the library, as configure found it.
CC=$(sed -n 's/^CC = //p' Makefile)

# Declarations, one a line, of the preprocessed header; function types and struct members
# are none.
declared() {
	$CC -E -P "$header" | tr '\n\t' '  ' | sed 's/{[^{}]*}//g' | tr ';' '\n' |
		sed -n '/^ *typedef/d; s/^.*[ *]\(forkpool_[a-z0-9_]*\) *(.*$/\1/p' | sort
}

exported() {
	nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' | sort
}

failed() {
	echo "exports: $1"
	exit 1
}

declared >"$work/declared"
[ -s "$work/declared" ] || failed "no declaration was found in $header"

if [ -e $library ]; then
	exported $library >"$work/exported"
	diff "$work/declared" "$work/exported" ||
		failed "< is declared and not exported, > is exported and not declared"
else
	echo "exports: $library is not built; its symbols are not compared"
fi

cat >"$work/header.c" <<'END'
#include "forkpool.h"
static int twice(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(double *)result = 2 * *(const double *)item;
	return 0;
}
int use(forkpool *pool, double *values);
int use(forkpool *pool, double *values)
{
	return FORKPOOL_MAP(pool, twice, values, values, 10, NULL);
}
FORKPOOL_PLUGIN(twice, "2 * x", twice, FORKPOOL_DOUBLE, 1, FORKPOOL_DOUBLE, 1);
END
cp "$work/header.c" "$work/header.cc"

warnings="-pedantic -Wall -Wextra -Werror"
# shellcheck disable=SC2086 # CC and warnings are words
$CC -std=c11 $warnings -I"$(dirname "$header")" -fsyntax-only "$work/header.c" || failed "not C11"
if command -v g++ >/dev/null; then
	# shellcheck disable=SC2086
	g++ -std=c++11 $warnings -I"$(dirname "$header")" -fsyntax-only "$work/header.cc" || failed "not C++11"
fi
echo "exports: $(wc -l <"$work/declared") functions"
