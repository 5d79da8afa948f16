#!/bin/sh
# Lines of numbers to lines of results: each type, vectors, several files, all backends.
. "${srcdir:=.}/tests/cli/common.sh"

check "numbers in the order of the lines"
printf '1\n2.5\n-3e2\n' >in
run "$plugin:double"
gives 0 <<EOF
2
5
-600
EOF
quiet

check "no newline at the end, CR before it, blanks around numbers"
printf ' 1 \r\n\t2\r\n3' >in
run "$plugin:double"
gives 0 <<EOF
2
4
6
EOF

check "no lines"
: >in
run "$plugin:double"
gives 0 </dev/null

check "several files one after the other, standard input among them"
echo 1 >one
printf '2\n3' >two
echo 4 >in
run "$plugin:int64" one two - one
gives 0 <<EOF
1
2
3
4
1
EOF

check "doubles that are not finite, extremes, the shortest text that reads back"
printf 'inf\n-inf\nnan\n-0\n0.05\n5e-324\n8.9e307\n1e22\n1e15\n0x10\n0.15\n' >in
run "$plugin:double"
gives 0 <<EOF
inf
-inf
nan
-0
0.1
9.88131291682493e-324
1.78e+308
2e+22
2e+15
32
0.3
EOF

check "float"
printf '0.05\n1e38\nnan\n-inf\n1e10\n1.17549435e-38\n' >in
run "$plugin:float"
gives 0 <<EOF
0.1
2e+38
nan
-inf
2e+10
2.3509887e-38
EOF

check "int64, uint64, int32, uint8 from end to end"
printf '%s\n' -9223372036854775808 9223372036854775807 +0 007 >in
run "$plugin:int64"
gives 0 <<EOF
-9223372036854775808
9223372036854775807
0
7
EOF
printf '%s\n' 18446744073709551615 0 >in
run "$plugin:uint64"
gives 0 <in
printf '%s\n' -1073741824 1073741823 >in
run "$plugin:int32"
gives 0 <<EOF
-2147483648
2147483646
EOF
printf '0\n127\n' >in
run "$plugin:uint8"
gives 0 <<EOF
0
254
EOF

check "vectors"
printf '3 4 0\n1\t2  2\n' >in
run "$plugin:norm"
gives 0 <<EOF
5 7
3 5
EOF

check "a line longer than any buffer"
awk 'BEGIN { printf "3 4"; for (i = 0; i < 1000000; i++) printf " "; print 0; print "1 2 2" }' >in
run "$plugin:norm"
gives 0 <<EOF
5 7
3 5
EOF

check "100,000 lines: the same from every backend, number of workers and chunk"
seq -50000 49999 >in
seq -100000 2 99998 >doubled
for options in '' '-j 1' '-j 3' '-j 8 --chunk 1' '--chunk 99999' '--backend threads -j 4' '--backend serial'; do
	# shellcheck disable=SC2086 # a list of words
	run $options "$plugin:double"
	[ "$status" = 0 ] || fail "$options: status $status"
	cmp out doubled || fail "$options"
done

check "text that is read back is the same text"
awk 'BEGIN { srand(5); for (i = 0; i < 20000; i++) printf "%.17g\n", (rand() - 0.5) * exp(200 * (rand() - 0.5)) }' >in
run -e 'sin(x) * x'
mv out in
run -e x
gives 0 <in
