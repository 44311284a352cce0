#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Write a header that names the sources: git's words for this commit.
# Usage: cmake/version.sh SOURCES HEADER
set -eu

top=$1 header=$2
describe() {
	git -c safe.directory="$top" --no-optional-locks -C "$top" \
		describe --always --dirty --abbrev=12
}

version=NULL
# Not of a repository that we merely lie in.
if [ ! -e "$top/.git" ]; then
	reason='not built from a git repository'
elif ! command -v git >/dev/null; then
	reason='git is not installed'
elif described=$(describe 2>/dev/null); then
	version="\"$described\"" reason=
else
	reason=$(echo "git: $(describe 2>&1)" | head -n 1 | tr -d '\\"')
fi
mkdir -p "$(dirname "$header")"
{
	echo '/* SPDX-License-Identifier: GPL-2.0-only */'
	echo "#define SOURCE_VERSION $version"
	echo "#define SOURCE_VERSION_REASON \"$reason\""
} >"$header.new"
if cmp -s "$header.new" "$header"; then
	rm "$header.new"
else
	mv "$header.new" "$header"
fi
