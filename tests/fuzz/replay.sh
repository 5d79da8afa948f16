#!/bin/sh
# Every fuzz target runs its seeds, those of faults once found included.  Expressions take a compiler's
# time each: those are not tried cut short.
set -u
status=0
for corpus in "${srcdir:=.}"/tests/fuzz/corpus/*/; do
	target=$(basename "$corpus")
	whole=
	[ "$target" != expression ] || whole=--whole
	echo "$target:"
	tests/fuzz/"$target" $whole "$corpus" || { echo "FAILED: $target"; status=1; }
done
exit $status
