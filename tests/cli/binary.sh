#!/bin/sh
# Binary files: mapped, used where they are, and written as they are in memory.
. "${srcdir:=.}/tests/cli/common.sh"
head -c 800000 /dev/urandom >data

check "a file mapped into memory, back as it was; nothing copied"
run --binary --report "$plugin:int64" data
gives 0 <data
says " 0 bytes copied"

check "the same into a file"
run --binary -o back "$plugin:int64" data
gives 0 </dev/null
cmp data back || fail "back differs"

check "from standard input: a file, a pipe, a file from its middle"
cp data in
run --binary "$plugin:int64"
gives 0 <data
status=0
# shellcheck disable=SC2002 # a pipe is what is wanted
cat data | forkpool map --binary "$plugin:int64" >out 2>err || status=$?
gives 0 <data
status=0
{
	dd bs=8 count=100 of=head 2>/dev/null
	forkpool map --binary "$plugin:int64" >out 2>err || status=$?
} <data
tail -c +801 data >rest
gives 0 <rest

check "every backend, vectors"
head -c 240000 /dev/zero >zeros
head -c 160000 /dev/zero >norms
for backend in processes threads serial; do
	run --binary --backend $backend "$plugin:norm" zeros
	gives 0 <norms
done

check "no items"
: >empty
run --binary "$plugin:int64" empty
gives 0 </dev/null

check "what is refused"
head -c 13 /dev/zero >odd
run --binary "$plugin:norm" odd
refuses "forkpool map: odd: 13 bytes are not a whole number of items, of 24 bytes each (3 double)"
run --binary "$plugin:int64" data data
refuses "forkpool map: --binary maps one file into memory; 2 were given"
run --binary "$plugin:int64" missing
refuses "forkpool map: missing cannot be opened"
