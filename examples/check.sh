#!/bin/sh
# The README shows the first programs of this folder, and what they print: both as they are.  It lists the others,
# which print what they should on every backend.
top=${srcdir:-.}
readme=$(cat "$top/README")

failed=0
expect() { # expect WHAT TEXT: that README has the text, set in by four columns
	text=$(printf '%s\n' "$2" | expand -t 4 | sed 's/./    &/')
	case $readme in
	*"$text"*) ;;
	*) echo "README does not show $1:"; echo "$text"; failed=1 ;;
	esac
}

expect examples/first.c "$(cat "$top/examples/first.c")"
expect examples/first.py "$(cat "$top/examples/first.py")"
first=$(examples/first) || { echo "examples/first: exit status $?"; failed=1; }
expect "what examples/first prints" "$first"

# Without what differs from run to run, and under sanitizers: worker, process and signal; the costs.
crash=$(examples/crash 2>/dev/null) || { echo "examples/crash: exit status $?"; failed=1; }
expect "how what examples/crash prints begins" "$(echo "$crash" | sed '3s/ crashed.*/ crashed/; 4,$d')"
expect "the line that examples/crash prints last" "$(echo "$crash" | tail -n 1)"

# Each example is listed, with its file.
for source in "$top"/examples/*.c; do
	case $readme in
	*"    ${source##*/} "* | *"
${source##*/} "*) ;;
	*) echo "README does not list examples/${source##*/}"; failed=1 ;;
	esac
done

check() { # check WANTED COMMAND...: that it succeeds and prints that; times of its lines ("1.2 s", columns) apart
	wanted=$1
	shift
	got=$("$@" 2>&1) || { echo "FORKPOOL_BACKEND=$FORKPOOL_BACKEND $*: exit status $?"; failed=1; }
	got=$(printf '%s\n' "$got" | sed 's/ *[(|].*//; s/  *[0-9][0-9.]* s .*//')
	[ "$got" = "$wanted" ] && return
	printf 'FORKPOOL_BACKEND=%s %s prints\n%s\nand not\n%s\n' "$FORKPOOL_BACKEND" "$*" "$got" "$wanted"
	failed=1
}

for FORKPOOL_BACKEND in processes threads serial; do
	export FORKPOOL_BACKEND
	check '1 4 9 16 25 36' examples/map
	check '1024 81 125 49
1024 16 8 4' examples/starmap
	check '499999999500000000, by the closed form 499999999500000000' examples/range_sum
	check "$FORKPOOL_BACKEND
done: 22.5
0 0.5 1 1.5 2 2.5 3 3.5 4 4.5" examples/twins
	check '50 lots consumed: 78498 primes below 1000000' examples/producers
done

FORKPOOL_BACKEND=
check '                             time  speed-up
one thread
threads under one lock
free threads
processes' examples/gil

if [ -x examples/server ]; then
	csv=$(mktemp)
	check '
workers
      1
      4
      8
     13' examples/server examples/urls --scale 0.02 --csv "$csv"
	check 'workers,way
1,greedy
1,processes
1,threads
4,greedy
4,processes
4,threads
8,greedy
8,processes
8,threads
13,greedy
13,processes
13,threads' cut -d , -f 1,2 "$csv"
	rm -f "$csv"
	check 'processes: page 2 has answered first, 3 others cancelled
threads: page 2 has answered first, 3 others cancelled' examples/server examples/first_answer
fi
exit $failed
