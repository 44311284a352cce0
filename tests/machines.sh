#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The README's two commands on minimal machines: chroots of Debian releases,
# each as root, who installs what is missing, then as an ordinary user, who
# is given root's tree.  Usage: scripts/test --machines [NAME...]
# NAME: 12, 13 or unstable; all by default.  The mirror is that of this
# machine's apt; DEBOOTSTRAP_MIRROR names another.
#
# Each command has mounts and processes of its own (namespaces), which end
# with it, however it or this script ends: nothing is unmounted or killed.
# All files are in build/machines: NAME.base and debs/ make the next time
# faster, NAME is what was tried, for a look at what failed there.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
folder=$top/build/machines
limit=7200 # seconds a command
passed=0 failed=0
table='machine     user    command       status  seconds  passed failed skipped'

refuse() {
	echo "scripts/test --machines: $1" >&2
	exit 2
}

# suite <machine>: what debootstrap calls it
suite() {
	case $1 in
	12) echo bookworm ;;
	13) echo trixie ;;
	unstable) echo unstable ;;
	*) return 1 ;;
	esac
}

# alone <command>...: in the background, with nothing left once it or this
# script has ended; $! is what to wait for
alone() {
	exec setpriv --pdeathsig KILL unshare --mount --pid --kill-child \
		--mount-proc "$@" </dev/null 9>&-
}

# inside <machine> <command>...: as root; not as the first process of the
# namespace, whose parent looks dead: timeout of coreutils 9.10 gives up then
inside() {
	name=$1
	shift
	# shellcheck disable=SC2016 # for that shell
	alone sh -euc '
		mount --bind "$0" "$0"
		for dir in proc sys dev; do
			mount --rbind "/$dir" "$0/$dir"
		done
		mount --bind "$1" "$0/var/cache/apt/archives"
		root=$0
		shift
		chroot "$root" "$@" || exit "$?"' \
		"$folder/$name" "$folder/debs/$name" "$@"
}

# waited: for the last command in the background; its status
waited() {
	wait "$!"
}

# base <machine>: made once
base() {
	dir=$folder/$1.base
	[ ! -d "$dir" ] || return 0
	echo "making Debian $1" >&2
	rm -rf --one-file-system "$dir.new"
	include=
	case $mirror in
	https:*) include=--include=ca-certificates ;;
	esac
	alone debootstrap --variant=minbase $include "$(suite "$1")" \
		"$dir.new" "$mirror" >"$log" 2>&1 &
	waited && mv "$dir.new" "$dir"
}

# fresh <machine>: its base again, with this tree and a user
fresh() {
	dir=$folder/$1
	rm -rf --one-file-system "$dir"
	mkdir -p "$folder/debs/$1/partial"
	cp -a "$dir.base" "$dir" || return
	# The way to the mirror is this machine's, and a mirror may lag.
	{
		apt-config dump 2>/dev/null |
			grep -E '^Acquire::(https?|ftp)::Proxy' || true
		echo 'Acquire::Check-Valid-Until "false";'
	} >"$dir/etc/apt/apt.conf.d/machine"
	echo force-unsafe-io >"$dir/etc/dpkg/dpkg.cfg.d/machine"
	git clone -q --no-local "$top" "$dir/srv/delwribench" || return
	inside "$1" useradd -m -s /bin/sh tester &
	waited
}

# row <machine> <user> <command> <status> <seconds> <counts>
row() {
	table=$table$(printf '\n%-11s %-7s %-13s %6s %8s  %s' "Debian $1" \
		"$2" "$3" "$4" "$5" "$6")
	if [ "$4" = 0 ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	tail -n 25 "$log" | sed 's/^/    /'
	echo "FAILED  Debian $1, $2, $3: all of it in ${log#"$top/"}"
}

# counts: what scripts/test said last, in the table's columns
counts() {
	awk '/^[0-9]+ passed, [0-9]+ failed/ { passed = $1; failed = $3 }
	/^[0-9]+ skipped: named above$/ { skipped = $1 }
	END {
		if (passed == "")
			print "none counted"
		else
			printf "%6d %6d %7d\n", passed, failed, skipped
	}' "$log"
}

# try <machine> <user> <command>
try() {
	log=$folder/$1-$2-${3#scripts/}.log
	echo "Debian $1, $2: $3" >&2
	start=$(date +%s) status=0
	inside "$1" timeout -k 10 "$limit" runuser -l "$2" -c \
		"cd /srv/delwribench && $3" >"$log" 2>&1 &
	waited || status=$?
	counted=
	if [ "$3" = scripts/test ]; then
		counted=$(counts)
		skips="$skips$(grep '^skipped ' "$log" |
			sed "s/^skipped/Debian $1, $2:/")
"
	fi
	row "$1" "$2" "$3" "$status" "$(($(date +%s) - start))" "$counted"
}

for name in "$@"; do
	suite "$name" >/dev/null ||
		refuse "no machine '$name': name 12, 13 or unstable"
done
[ $# -gt 0 ] || set -- 12 13 unstable
[ "$(id -u)" = 0 ] || refuse "it makes chroots, which only root can: use sudo"
for command in debootstrap git setpriv unshare flock; do
	command -v "$command" >/dev/null ||
		refuse "$command is missing: install debootstrap, git, util-linux"
done
[ -e "$top/.git" ] || refuse "$top is no git repository: it cannot be cloned"
# shellcheck disable=SC2016 # apt's own
mirror=${DEBOOTSTRAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)}
[ -n "$mirror" ] || refuse "apt knows no mirror of Debian here: run apt-get \
update, or set DEBOOTSTRAP_MIRROR to one"
mkdir -p "$folder"
exec 9>"$folder/lock"
flock -n 9 || refuse "it is running already, in $folder"
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
log=$folder/start.log
alone true >"$log" 2>&1 &
waited || refuse "no mounts of its own here: $(cat "$log")"

skips=
for name in "$@"; do
	log=$folder/$name-make.log
	start=$(date +%s)
	if ! { base "$name" && fresh "$name"; }; then
		row "$name" root '(made)' 1 "$(($(date +%s) - start))" 'not tried'
		continue
	fi
	before=$failed
	try "$name" root scripts/run
	try "$name" root scripts/test
	chown -R --reference "$folder/$name/home/tester" \
		"$folder/$name/srv/delwribench"
	try "$name" tester scripts/run
	try "$name" tester scripts/test
	[ "$failed" != "$before" ] || rm -rf --one-file-system "${folder:?}/$name"
done

echo "$table"
echo "Not tried: another kernel than $(uname -sr), another processor than" \
	"$(uname -m); scripts/kernel and guests; what was skipped:"
echo "${skips:-nothing}" | sort -u | sed '/^$/d; s/^/  /'
[ -z "$(git -C "$top" status --porcelain)" ] ||
	echo "What is not committed here was not in the clones."
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
