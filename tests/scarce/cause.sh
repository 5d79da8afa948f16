#!/bin/sh
# The command says why there is no pool, and what to do about it: here of the limit on processes.
set -eu

build=$(pwd)
program=$build/.libs/forkpool
plugin=$build/tests/cli/.libs/plugin.so
export LD_LIBRARY_PATH="$build/.libs" LC_ALL=C
unset FORKPOOL_BACKEND FORKPOOL_WORKERS
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" # it takes a process more
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Root is not limited: as some other user, if that one can read the files.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 400000001 --regid 400000001 --clear-groups -- "$@"
	else
		"$@"
	fi
}

echo 7 >"$work/input"
if ! as_user "$program" map -j 2 "$plugin:int64" <"$work/input" >"$work/out" 2>&1; then
	echo "cause: skipped: no other user can run $program"
	exit 77
fi

status=0
# shellcheck disable=SC3045,SC2016 # dash has ulimit -p for -u; the inner shell's arguments
as_user sh -c '{ ulimit -u 1 2>/dev/null || ulimit -p 1; } && exec "$@"' sh "$program" map -j 2 "$plugin:int64" \
	<"$work/input" >"$work/out" 2>"$work/err" || status=$?
cat "$work/err"
[ "$status" = 255 ] || { echo "cause: status $status, should be 255"; exit 1; }
[ ! -s "$work/out" ] || { echo "cause: something was printed"; exit 1; }
grep -q 'the pool cannot be created.*ulimit -u' "$work/err" || { echo "cause: the limit is not named"; exit 1; }
