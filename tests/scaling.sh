#!/bin/sh
# The simulation of the engine (bench/scaling) on costs that stand here: every chunk is run once, whatever the number of workers and the
# design; it is a function of its seed; where nothing costs anything the speed-up is perfect; and dearer transfers never help.
set -eu

simulate=bench/scaling/simulate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/costs" <<-'COSTS'
	load_own 1
	store_own 1
	swap_own 12
	clock 30
	pause 40
	post 13
	fault_fresh 3000
	fault_mapped 1200
	bell_cost 300
	chunk 12
	job 800
	hop 110
	swap_contended 60
	scan 6
	wake 8000
	wake_cost 4000
	wake_soon 5500
	wake_soon_cost 3500
	bell_wake 9000
	bell_soon 5600
COSTS
: >"$work/nothing"

failed() {
	echo "scaling: $1" >&2
	exit 1
}

run() { # run COSTS OPTION...
	costs=$1
	shift
	"$simulate" --costs "$work/$costs" "$@" || failed "simulate $* ended with status $?"
}

value() { # of the line that begins with $1
	awk -v name="$1" '$1 == name { print $2; exit }'
}

for workers in 2 64 1024; do
	for tasks in $((workers * 4)) $((workers * 20 + 3)); do
		for design in '' '--design ticket --design tree --design stride --design quiet' '--design shared --design tree' '--design cursor'; do
			# shellcheck disable=SC2086
			run costs --workers $workers --tasks $tasks --task 500 --spread 1 --attended $design >"$work/out"
			grep -q "^chunks *$tasks, each exactly once$" "$work/out" ||
				failed "$workers workers, $tasks tasks, $design: $(grep ^chunks "$work/out")"
		done
	done
	run nothing --workers $workers --tasks $((workers * 32)) --task 1000 --spin 0 >"$work/out"
	[ "$(value efficiency <"$work/out")" = 1.0000 ] || failed "$workers workers without costs: $(grep ^effic "$work/out")"
	# A caller that spins offers the map to 16 workers, and lets the others in 4 us later.
	run nothing --workers $workers --tasks $((workers * 32)) --task 1000 >"$work/out"
	[ "$(value time <"$work/out")" -le 36000 ] || failed "$workers workers without costs, spinning: $(grep ^time "$work/out")"
done

# Many jobs at once: 500 of 3 tasks, 64 open.
run costs --workers 16 --tasks 3 --task 500 --jobs 500 --open 64 --attended >"$work/out"
grep -q '^chunks *1500, each exactly once$' "$work/out" || failed "many jobs: $(grep ^chunks "$work/out")"

few='--workers 64 --tasks 5000 --task 700 --spread 1'
# shellcheck disable=SC2086
{
	run costs $few --seed 7 >"$work/a"
	run costs $few --seed 7 >"$work/b"
	run costs $few --seed 8 >"$work/c"
	run costs $few --seed 7 --distance 3 >"$work/far"
}
cmp -s "$work/a" "$work/b" || failed 'the same seed, and another output'
cmp -s "$work/a" "$work/c" && failed 'another seed, and the same output'
near=$(value time <"$work/a") far=$(value time <"$work/far")
[ "$far" -gt "$near" ] || failed "three times the distance: $far ns, and $near without"

# Refusals name the value.
refused() { # refused WORD ARGUMENT...
	word=$1
	shift
	"$simulate" "$@" >"$work/out" 2>&1 && failed "simulate $* was not refused"
	grep -q -- "$word" "$work/out" || failed "simulate $*: $(cat "$work/out")"
}
refused "1025" --costs "$work/costs" --workers 1025
refused "'x'" --costs "$work/costs" --tasks x
refused "lazy" --costs "$work/costs" --design lazy
refused usage --workers 2
refused missing --costs "$work/missing"
echo 'leap 3' >"$work/wrong"
refused leap --costs "$work/wrong"
echo 'hop x' >"$work/wrong"
refused 'name nanoseconds' --costs "$work/wrong"
echo 'scaling: ok'
