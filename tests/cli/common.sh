# shellcheck shell=sh disable=SC2034 # read by others, who use the variables
# common.sh - what the tests of the command share; each begins by reading it.
#
# A test prints what it checks, and ends with a message and status 1 at the first thing
# that is not as it should be.  The files in, out and err are those of the last run.
set -u
export LC_ALL=C
: "${srcdir:=.}"
unset FORKPOOL_BACKEND FORKPOOL_WORKERS CC

build=$PWD
plugin=$build/tests/cli/.libs/plugin.so
manual=$(cd "$srcdir" && pwd)/doc/man/forkpool.1
work=$(mktemp -d "${TMPDIR:-/tmp}/forkpool-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
TMPDIR=$work/tmp # the command builds expressions there
export TMPDIR
mkdir "$TMPDIR"
cd "$work" || exit 1
: >in

forkpool() {
	"$build/forkpool" "$@"
}

check() {
	what=$1
	echo "- $what"
}

fail() {
	echo "FAILED: $what: $1" >&2
	for file in out err; do
		[ ! -s $file ] || { echo "--- $file:"; head -n 20 $file; } >&2
	done
	exit 1
}

# run ARGUMENT...: `forkpool map ARGUMENT...` on the file `in`.
run() {
	status=0
	forkpool map "$@" <in >out 2>err || status=$?
	[ -z "$(ls -A "$TMPDIR")" ] || fail "something is left in TMPDIR: $(ls "$TMPDIR")"
}

# gives STATUS: of the last run, and that it printed what stands on standard input.
gives() {
	cat >wanted
	[ "$status" = "$1" ] || fail "status $status, should be $1"
	cmp -s out wanted || fail "the output should be
$(head -n 20 wanted)"
}

# says TEXT: that the last run printed a line with this text on stderr.
says() {
	grep -qF -e "$1" err || fail "stderr should say: $1"
}

quiet() {
	[ ! -s err ] || fail "stderr should be empty"
}

# refuses TEXT: that the last run ended with 255 and TEXT, and wrote nothing.
refuses() {
	gives 255 </dev/null
	says "$1"
}

# until_true COMMAND...: waits for it, a minute at most.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || fail "waited in vain for: $*"
		sleep 0.1
	done
}
