#!/bin/sh
# The peers of the comparison that are scripts speak the protocol of bench/peers/peer.h: each that is installed
# says what it is, answers what it is asked, ends when its input does, and leaves no process behind.
set -u
export LC_ALL=C
unset PYTHONDONTWRITEBYTECODE

peers=${srcdir:-.}/bench/peers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
asked=0

# The interpreters, as configure found them.
PYTHON=$(sed -n 's/^PYTHON = //p' Makefile)
RSCRIPT=$(sed -n 's/^RSCRIPT = //p' Makefile)

failed() {
	echo "script_peers: $1"
	echo "--- it said"; cat "$work/out"
	echo "--- and, to standard error"; cat "$work/err"
	exit 1
}

# The processes that a peer has started have its environment, whoever their parents are now.
left_behind() {
	grep -lz "^PEER_OF=$work/$1\$" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 | grep -vx $$
}

nothing_is_left() { # nothing_is_left NAME: a process that is about to end has some seconds to do so
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -n "$(left_behind "$1")" ] || return 0
		sleep 0.5
	done
	left_behind "$1" | while read -r one; do echo "$one $(tr '\0' ' ' <"/proc/$one/cmdline")"; done
	return 1
}

answers() { # answers LINE PATTERN NAME: what was said to a request
	sed -n "$1p" "$work/out" | grep -Eqx "$2" || failed "$3: line $1 is not: $2"
}

seconds='took [0-9]+\.[0-9]+'

peer() { # peer NAME COMMAND...
	name=$1
	shift
	PEER_OF=$work/$name timeout 60 "$@" --workers 2 <<-END >"$work/out" 2>"$work/err"
		run empty 10 1
		run pair 2 100
		run no-such-work 1 1
		run empty x 1
		run life 1 1
		run jobs 10 0
		run millisecond 4 0
		run empty 3 0
	END
	status=$?
	[ $status = 0 ] || failed "$name: status $status"
	nothing_is_left "$name" || failed "$name: it left processes behind"
	if grep -q '^missing' "$work/out"; then
		answers 1 'missing [a-z0-9-]+ .+' "$name"
		echo "script_peers: $name: $(cat "$work/out")"
		return
	fi
	answers 1 'ready .+' "$name"
	answers 2 "$seconds" "$name"
	answers 3 "$seconds" "$name"
	answers 4 'no .+' "$name"
	answers 5 'no .+' "$name"
	for line in 6 7 8; do answers $line "$seconds|no .+" "$name"; done
	answers 9 "$seconds" "$name"
	[ "$(wc -l <"$work/out")" = 9 ] || failed "$name: more than an answer a request"
	asked=$((asked + 1))
}

if [ -x "$PYTHON" ]; then
	for kind in pool dummy executor loky mpi parallel; do
		peer $kind "$PYTHON" "$peers/pool.py" $kind
	done
	[ ! -e "$peers/__pycache__" ] || failed "files were left in $peers"
fi
if [ -x "$RSCRIPT" ]; then
	peer mclapply "$RSCRIPT" --vanilla "$peers/mclapply.R"
fi
if [ $asked = 0 ]; then
	echo "script_peers: no peer is installed; ./bootstrap --bench does that"
	exit 77
fi
