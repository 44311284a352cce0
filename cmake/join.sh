#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Join the objects of a fix's copy of the cache to one that shows only
# fix_<name>, its table; every other symbol defined in it becomes local and is
# named <name>.<symbol>.
# Usage: join.sh <name> <output> <ld> <nm> <objcopy> <object>...
set -eu

name=$1 out=$2 ld=$3 nm=$4 objcopy=$5
shift 5

# By this, clang's address sanitizer knows that the program's globals, all in
# one section, were registered: once, and not for each fix.
shared=___asan_globals_registered

# Equal-named sections stay apart: each function can be placed by itself.
"$ld" -r --unique='.text*' --unique='.rodata*' --unique='.data*' \
	--unique='.bss*' -o "$out.joined" "$@"
"$nm" -P --defined-only "$out.joined" |
	awk -v name="$name" -v shared="$shared" \
		'$1 != "fix_" name && $1 != shared && !seen[$1]++ {
		print $1, name "." $1 }' >"$out.names"
"$objcopy" --keep-global-symbol="fix_$name" \
	--keep-global-symbol="$shared" --redefine-syms="$out.names" \
	"$out.joined" "$out"
rm -f "$out.joined"
