#!/bin/sh
# fuzz.sh SECONDS TARGET...: lets libFuzzer search each target for its share of the time, one after the
# other, and prints what came of it.  What was found new is kept in fuzz-output/ for the next
# time; an input that fails is left there, too.  Status 1: there is one.
set -u
export LC_ALL=C
seconds=$1
shift
share=$(((seconds + $# - 1) / $#))
output=fuzz-output
failures=0

figure() { # figure NAME: of libFuzzer's last statistics
	sed -n "s/^stat::$1: *//p" $output/log | tail -n 1
}

printf '%-12s %12s %9s %7s %10s %9s\n' target runs coverage corpus 'new units' crashes
for target; do
	corpus=$output/$target
	mkdir -p "$corpus"
	tests/fuzz/"$target" --unpack "$corpus" "${srcdir:=.}/tests/fuzz/corpus/$target" || exit 1
	words=
	[ ! -e "$srcdir/tests/fuzz/words/$target" ] || words=-dict=$srcdir/tests/fuzz/words/$target
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
		tests/fuzz/"$target".fuzz -max_total_time=$share -max_len=4096 -timeout=60 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix=$output/failed-"$target"- ${words:+"$words"} "$corpus" >$output/log 2>&1
	ended=$?
	coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' $output/log | tail -n 1)
	kept=$(find "$corpus" -type f | wc -l)
	printf '%-12s %12s %9s %7s %10s %9s\n' "$target" "$(figure number_of_executed_units)" "$coverage" "$kept" \
		"$(figure new_units_added)" $((ended != 0))
	if [ $ended != 0 ]; then
		failures=$((failures + 1))
		tail -n 40 $output/log
	fi
done
echo "$# targets, $((share * $#)) s, $failures with failures"
[ $failures = 0 ]
