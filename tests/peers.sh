#!/bin/sh
# The peers of the comparison, as its driver uses them: asked by lines on their input, they answer by lines; a kernel's
# answer they have checked themselves.  What is not built is passed over; so are, under ThreadSanitizer, libraries that it
# does not know, and processes.
set -eu

failed=0 asked=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What every peer is asked, and what has to come of it.
requests() {
	cat <<-'END'
		run empty 10000 1
		run empty 10000 0
		run delay 1000 16
		run pair 10 0
		run pair 3 1000
		run store-item-fresh 10000 0
		run store-item-other 10000 0
		run store-item-same 10000 0
		run store-range-fresh 10000 0
		run store-range-same 10000 0
		run sum 100000 0
		run sum 100000 1000
		run jobs 1000 0
		run millisecond 20 0
		run kernel-options 0 0
		run kernel-primes 0 0
		run life 10 3
		run kernel-skew 0 0
		run life 1 2
		run nonsense 1 1
		run kernel-nonsense 0 0
	END
}

# The last two: no.
{ echo ready; requests | sed 's/.*nonsense.*/no/; s/^run.*/took/'; } >"$work/expected"

ask() { # ask PEER ARGUMENT...
	peer=$1
	shift
	if ! [ -x "bench/peers/$peer" ]; then
		echo "peers: $peer is not built"
		return 0
	fi
	asked=$((asked + 1))
	requests | timeout 300 "bench/peers/$peer" "$@" --workers 2 >"$work/answers" || echo "status $?" >>"$work/answers"
	cut -d ' ' -f 1 "$work/answers" >"$work/kinds"
	if cmp -s "$work/expected" "$work/kinds"; then
		echo "peers: $peer${1+ $*}: $(sed -n 's/^ready //p' "$work/answers")"
	else
		echo "peers: $peer${1+ $*}: what was asked, expected, answered:"
		{ echo "its start"; requests; } | paste -d '|' - "$work/expected" "$work/answers" | sed 's/|/  |  /g'
		failed=1
	fi
}

refuse() { # refuse PEER ARGUMENT...: it says so, and does not start
	peer=$1
	shift
	[ -x "bench/peers/$peer" ] || return 0
	if output=$("bench/peers/$peer" "$@" 2>&1 </dev/null); then
		echo "peers: $peer $* was not refused: '$output'"
		failed=1
	fi
}

ask threads
refuse threads --workers 0
refuse threads nonsense --workers 2
if ! grep -q '^FORKPOOL_SANITIZE = .*thread' Makefile; then
	ask forks
	for schedule in static dynamic guided; do
		ask openmp $schedule
	done
	ask tbb
	refuse openmp nonsense --workers 2
	for backend in processes threads serial; do
		ask forkpool $backend
	done
fi
[ $asked -gt 0 ] || exit 77
exit $failed
