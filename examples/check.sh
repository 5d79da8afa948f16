#!/bin/sh
# The README shows the programs of this folder, and what they print: both as they are.
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
exit $failed
