#!/bin/sh
# Input that is wrong: the line is named, nothing is run and nothing written.
. "${srcdir:=.}/tests/cli/common.sh"
printf 'as it was\n' >result

# wrong FUNCTION INPUT MESSAGE: the input, as printf writes it, is refused so.
wrong() {
	check "$1: $3"
	# shellcheck disable=SC2059 # the input is written with escapes
	printf "$2" >in
	run "$plugin:$1"
	refuses "forkpool map: standard input:$3"
	[ "$(wc -l <err)" = 1 ] || fail "one line of message is enough"
	run -o result "$plugin:$1"
	refuses "forkpool map: standard input:$3"
	[ "$(ls -d result*)" = result ] || fail "left beside: $(ls -d result*)"
	[ "$(cat result)" = 'as it was' ] || fail "result was touched"
}

wrong double 'abc\n' "1: 'abc' is not a number (a double is needed)"
wrong double '1\n2\n3x\n4\n' "3: '3x' is not a number (a double is needed)"
wrong double '1\n\n3\n' "2: the line is empty (a double is needed)"
wrong double '1\n \t\r\n3\n' "2: the line is empty (a double is needed)"
wrong double '1\n\n' "2: the line is empty (a double is needed)"
wrong double '1\n2 3\n' "2: more than one value (a double is needed)"
wrong double '1e400\n' "1: '1e400' is out of range (a double is needed)"
wrong double '1,5\n' "1: '1,5' is not a number (a double is needed)"
wrong double '1\0002\n' "1: '1?2' is not a number (a double is needed)"
wrong double 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n' \
	"1: 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr...' is not a number (a double is needed)"
wrong float '1e39\n' "1: '1e39' is out of range (a float is needed)"
wrong int64 '1.5\n' "1: '1.5' is not a whole number (a whole number of 64 bits is needed)"
wrong int64 '9223372036854775808\n' "1: '9223372036854775808' is out of range (a whole number of 64 bits is needed)"
wrong uint64 '18446744073709551616\n' "1: '18446744073709551616' is out of range"
wrong uint64 '%s--' "1: '--' is not a whole number"
wrong uint64 '%s-1\n' "1: '-1' is out of range (a whole number from 0 to 18446744073709551615 is needed)"
wrong int32 '2147483648\n' "1: '2147483648' is out of range (a whole number from -2147483648 to 2147483647 is needed)"
wrong uint8 '256\n' "1: '256' is out of range (a whole number from 0 to 255 is needed)"
wrong norm '1 2 3\n1 2\n' "2: only 2 values (3 are needed, each a double)"
wrong norm '1 2 3\n1 2 3 4\n' "2: more than 3 values (3 are needed, each a double)"
wrong norm '1 2 3\n\n' "2: only 0 values (3 are needed, each a double)"
wrong norm '1 2 3\n1 b 3\n' "2: 'b' is not a number (a double is needed)"

check "the line is counted in its own file"
seq 1 5 >good
printf '1\n2\nx\n' >bad
run "$plugin:double" good bad good
refuses "forkpool map: bad:3: 'x' is not a number"

check "files that cannot be read"
run "$plugin:double" good missing
refuses "forkpool map: missing cannot be opened: No such file or directory"
run "$plugin:double" .
refuses "forkpool map: . cannot be read: Is a directory"
