#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Join objects to one that shows only the symbols <shown>, as a fix's copy of the
# cache its table; every other one defined in it becomes local and is named
# <name>.<symbol>.
# Usage: join.sh <name> "<shown>..." <output> <ld> <nm> <objcopy> <object>...
set -eu

name=$1 shown=$2 out=$3 ld=$4 nm=$5 objcopy=$6
shift 6

# By this, clang's address sanitizer knows that the program's globals, all in
# one section, were registered: once, and not for each fix.
shared=___asan_globals_registered

echo "$shown $shared" | tr ' ' '\n' >"$out.shown"
# Equal-named sections stay apart: each function can be placed by itself.
"$ld" -r --unique='.text*' --unique='.rodata*' --unique='.data*' \
	--unique='.bss*' -o "$out.joined" "$@"
"$nm" -P --defined-only "$out.joined" |
	awk -v name="$name" 'NR == FNR { seen[$1] = 1; next }
		!seen[$1]++ { print $1, name "." $1 }' "$out.shown" - \
		>"$out.names"
"$objcopy" --keep-global-symbols="$out.shown" --redefine-syms="$out.names" \
	"$out.joined" "$out"
rm -f "$out.joined"
