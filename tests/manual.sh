#!/bin/sh
# The manual agrees with the header: each public function has a page, with the prototype and the structs
# of the header; and each example of the pages, and each fragment of doc/porting.md, is a program that
# compiles.  The pages are read as they are written, so that no formatter is needed.
set -eu

top=${srcdir:-.}
pages=$top/doc/man
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The compiler that built the library, as configure found it.
CC=$(sed -n 's/^CC = //p' Makefile)

failed() {
	echo "manual: $1"
	exit 1
}

compile() { # compile FILE WHAT: warnings are errors
	# shellcheck disable=SC2086 # CC is words
	$CC -Wall -Wextra -Werror -I"$top/include" -fsyntax-only "$1" || failed "$2 does not compile"
}

# ---- Names: header and pages, one another's.  Types of functions have no page of their own.
# shellcheck disable=SC2086
$CC -E -P "$top/include/forkpool.h" | grep -o 'forkpool_[a-z0-9_]*(' | tr -d '(' | sort -u >"$work/declared"
[ -s "$work/declared" ] || failed "no declaration was found in forkpool.h"

grep -v '_fn$' "$work/declared" >"$work/functions"
while read -r name; do
	page=$pages/$name.3
	[ -e "$page" ] || failed "$name has no page"
	grep -q "doc/man/$name.3" "$top/doc/local.mk" || failed "doc/local.mk does not install $name.3"
	alias=$(sed -n 's/^\.so man3\///p' "$page")
	grep -q "^\.Nm $name\( ,\)*$" "$pages/${alias:-$name.3}" || failed "the page of $name does not name it"
done <"$work/functions"

# ---- Synopses, as declarations: the compiler compares them with the header's.
cat >"$work/synopsis.awk" <<'END_AWK'
function arguments(line,    list) { # "int a" "int b" void -> int a, int b, void
	list = ""
	while (match(line, /"[^"]*"|[^ "]+/)) {
		list = list (list == "" ? "" : ", ") substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
	}
	gsub(/"/, "", list)
	return list
}
function declare(name, list) {
	if (name ~ /^forkpool_/)
		print type " " name "(" list ");"
}
/^\.Sh / { synopsis = $2 == "SYNOPSIS"; next }
!synopsis { next }
/^\.Ft / { type = substr($0, 5) }
/^\.Fn / { name = $2; sub(/^\.Fn [^ ]+ ?/, ""); declare(name, arguments($0)) }
/^\.Fo / { name = $2; list = "" }
/^\.Fa / { list = list (list == "" ? "" : ", ") arguments(substr($0, 5)) }
/^\.Fc/  { declare(name, list) }
/^\.Ed/  { literal = 0 }
literal && /^} / { # a struct: under another name, and laid out as the header's
	name = substr($2, 1, length($2) - 1)
	print "} page_" name ";"
	print "_Static_assert(sizeof(page_" name ") == sizeof(" name "), \"" name "\");"
	for (i = 1; i <= members; i++)
		print "_Static_assert(offsetof(page_" name ", " member[i] ") == offsetof(" name ", " member[i] "), \"" \
			name "." member[i] "\");"
	members = 0
	next
}
literal  {
	print
	if (match($0, /\(\*[a-z_]+/)) { # void (*progress)(...);
		member[++members] = substr($0, RSTART + 2, RLENGTH - 2)
	} else if ($0 ~ /;$/) { # uint64_t succeeded, failed; char message[N];
		gsub(/\[[^]]*\]|;/, "")
		for (i = split($0, words, ","); i > 0; i--) {
			sub(/^.*[ *]/, "", words[i])
			member[++members] = words[i]
		}
	}
}
/^\.Bd -literal/ { literal = 1 }
END_AWK
{
	echo '#include "forkpool.h"'
	for page in "$pages"/*.3; do
		awk -f "$work/synopsis.awk" "$page"
	done
} >"$work/synopses.c"
compile "$work/synopses.c" "a synopsis"
grep -o 'forkpool_[a-z0-9_]*(' "$work/synopses.c" | tr -d '(' | sort -u | diff "$work/declared" - ||
	failed "< is in forkpool.h and in no synopsis, > the other way round"

# ---- Examples: what EXAMPLES sets in literally and begins with a #.
for page in "$pages"/*.[37]; do
	awk -v name="$work/$(basename "$page")" '
		/^\.Sh / { examples = $2 == "EXAMPLES" }
		/^\.Ed/  { file = "" }
		examples && begun && /^#/ { file = name "." ++count ".c" }
		file != "" { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); sub(/^\\&/, ""); print >file }
		{ begun = /^\.Bd -literal/ }
	' "$page"
	grep -q '^\.so ' "$page" || [ -e "$work/$(basename "$page").1.c" ] || failed "$page has no example"
done
count=0
for example in "$work"/*.[37].*.c; do
	compile "$example" "$(basename "$example" .c)"
	count=$((count + 1))
done

# ---- doc/porting.md: one program.  A block that defines something is taken as it is, any other one is the
# body of a function.
awk '
	/^```c$/ { block = ""; definitions = 0; inside = 1; next }
	/^```$/ && inside {
		inside = 0
		fragments++
		print definitions ? block : "void fragment_" fragments "(forkpool *pool);\n" \
			"void fragment_" fragments "(forkpool *pool)\n{\n(void)pool;\n" block "}"
	}
	inside { block = block $0 "\n"; definitions = definitions || /^(#include|static .*\)$)/ }
' "$top/doc/porting.md" >"$work/porting.c"
compile "$work/porting.c" "doc/porting.md"

echo "manual: $(wc -l <"$work/functions") functions, $count examples," \
	"$(grep -c '^void fragment_.*;' "$work/porting.c") fragments"
