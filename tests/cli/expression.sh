#!/bin/sh
# -e: an expression, compiled in a private directory of which nothing is left.
. "${srcdir:=.}/tests/cli/common.sh"

command -v cc >/dev/null || { echo "no C compiler named cc here"; exit 77; }
seq 1 4 >in

check "an expression in x"
run -e 'x * x + 0.5'
gives 0 <<EOF
1.5
4.5
9.5
16.5
EOF
quiet

check "of several lines, with a comment, with a comma"
run --expression 'fmax(x, 2) // at least two
	+ 1'
gives 0 <<EOF
3
3
4
5
EOF

check "one that crashes for one line"
run -e 'x == 3 ? (abort(), 0) : x'
gives 1 <<EOF
1
2
nan
4
EOF

check "what the compiler says is about the expression"
run -e 'x + yy'
refuses "expression:1:5: error: "
says "forkpool map: the expression cannot be compiled (the compiler is 'cc')"
run -e 'sin(x'
refuses "end of expression"
run -e 'x; y'
refuses "expression:1:2: error: "
run -e 'unknown(x)'
refuses "expression:1:1: error: "
run -e '1 +
	zz'
refuses "expression:2:"
run -e ' '
refuses "forkpool map: -e needs a C expression in x"

check "the compiler named by CC, of several words, or with a relative name"
CC='cc -DHALF=0.5' run -e 'HALF * x'
printf '0.5\n1\n1.5\n2\n' | gives 0
mkdir bin
printf '#!/bin/sh\nexec cc -DNUMBER=7 "$@"\n' >bin/mycc
chmod +x bin/mycc
CC=bin/mycc run -e NUMBER
printf '7\n7\n7\n7\n' | gives 0
CC=no-such-compiler run -e x
refuses "forkpool map: the expression cannot be compiled (the compiler is 'no-such-compiler')"

check "a directory that is not there"
status=0
TMPDIR=$work/nowhere forkpool map -e x <in >out 2>err || status=$?
refuses "forkpool map: a temporary directory $work/nowhere/forkpool-"

check "a signal while the compiler runs"
printf '#!/bin/sh\n: >"%s/compiling"\nexec sleep 100\n' "$work" >bin/slowcc
chmod +x bin/slowcc
CC=bin/slowcc
export CC
"$build/forkpool" map -e x <in >out 2>err &
until_true test -e compiling
[ -n "$(ls "$TMPDIR")" ] || fail "nothing in TMPDIR yet"
kill -TERM $!
wait $! && fail "it should have been ended by the signal"
[ -z "$(ls -A "$TMPDIR")" ] || fail "something is left in TMPDIR: $(ls "$TMPDIR")"
