# shellcheck shell=bash
#
# lib.sh
#	  What the programs in dev/ share: which server to use, as which user to
#	  run it, building into tmp/, and throwaway clusters.
#
# Sourced, by bash, with "set -euo pipefail" in force.  Everything that is
# written goes to tmp/ in the tree, which git ignores:
#
#	  tmp/build/<major>		links to the sources, objects, output of the suites
#	  tmp/install/<major>	what "make install DESTDIR=" puts there
#	  tmp/<name>			a cluster and its socket
#
# Copyright (c) 2026, the migrate authors

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
work=$top/tmp

# the majors that the extension supports, the newest first
majors=(18 17 16 15)

# A sockaddr_un holds 107 bytes; ".s.PGSQL.65432" and a slash take 15 of them,
# and the TAP modules put a folder of 11 in between.
socket_path_max=81

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# Forget whatever could lead a client to a cluster of the user's, or could
# make the inner make another one than was meant.
scrub_environment()
{
	local name

	for name in ${!PG@}; do
		[ "$name" = PG_CONFIG ] || unset "$name"
	done
	unset MAKEFLAGS MFLAGS GNUMAKEFLAGS MAKEOVERRIDES MAKELEVEL MAKEFILES
	unset CFLAGS CPPFLAGS LDFLAGS COPT PROFILE DESTDIR TEMP_CONFIG PSQLRC
	unset PERL5OPT PERL5LIB PROVE_TESTS PROVE_FLAGS HARNESS_OPTIONS CDPATH
	export LC_ALL=C.UTF-8
	umask 022
}

# ---- the server ----

# Print the path of the pg_config that is to be used: the one named by the
# user, else that of the newest supported server on this machine.  Fails
# silently when there is none.
find_pg_config()
{
	local major bindir

	if [ -n "${PG_CONFIG:-}" ]; then
		command -v "$PG_CONFIG"
		return
	fi
	for major in "${majors[@]}"; do
		bindir=/usr/lib/postgresql/$major/bin
		if [ -x "$bindir/postgres" ] && [ -x "$bindir/pg_config" ]; then
			echo "$bindir/pg_config"
			return
		fi
	done
	# a server that was not installed from a package
	bindir=$(pg_config --bindir 2>/dev/null) || return 1
	[ -x "$bindir/postgres" ] && is_supported "$(pg_major pg_config)" || return 1
	command -v pg_config
}

is_supported()
{
	[[ " ${majors[*]} " == *" $1 "* ]]
}

pg_major()
{
	"$1" --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'
}

# Set pg_config, bindir, major, build and destdir.
use_server()
{
	pg_config=$(find_pg_config) ||
		die "no PostgreSQL server ${majors[-1]} to ${majors[0]} is installed"
	bindir=$("$pg_config" --bindir)
	major=$(pg_major "$pg_config")
	is_supported "$major" ||
		die "PostgreSQL $major is not supported, only ${majors[-1]} to ${majors[0]}"
	build=$work/build/$major
	destdir=$work/install/$major
}

# ---- the user ----

# initdb and postgres refuse to run as root.  Set runner, the words to put
# before a command: none for an ordinary user; below sudo the user who called
# it, who then owns what is left in tmp/; as plain root the user that the
# package of the server made.
choose_user()
{
	local gid

	runner=()
	run_uid=$(id -u)
	[ "$run_uid" -eq 0 ] || return 0

	run_uid=${SUDO_UID:-0}
	[ "$run_uid" -ne 0 ] || run_uid=$(id -u postgres 2>/dev/null) ||
		run_uid=$(id -u nobody)
	gid=$(id -g "$run_uid")
	runner=(setpriv "--reuid=$run_uid" "--regid=$gid" --init-groups)
	user_can_work && return

	# A checkout below /root, say: let the user keep the right to pass.
	runner+=(--inh-caps=+dac_override --ambient-caps=+dac_override)
	user_can_work ||
		die "user $(id -nu "$run_uid") can't read $top; move the tree to where it can"
}

# Tried by doing it: access(2), which test(1) calls, knows no capabilities.
user_can_work()
{
	"${runner[@]}" cat "$top/Makefile" "$top/dev/lib.sh" >/dev/null 2>&1
}

# Run a command as that user, where initdb and postgres agree to run.
as_user()
{
	if [ ${#runner[@]} -eq 0 ]; then
		"$@"
	else
		env HOME="$work" "${runner[@]}" "$@"
	fi
}

# Make folders in tmp/ that the user can write to.  Those that another user
# left there are made anew: nothing in them is worth keeping.
own_folder()
{
	local folder

	mkdir -p "$work"
	[ -z "${SUDO_UID:-}" ] || chown "$run_uid" "$work"
	for folder in "$@"; do
		if [ -e "$folder" ] && [ "$(stat -c %u "$folder")" -ne "$run_uid" ]; then
			rm -rf "$folder" 2>/dev/null ||
				die "$folder belongs to another user; remove it first"
		fi
		mkdir -p "$folder"
		[ "$(id -u)" -ne 0 ] || chown "$run_uid:$(id -g "$run_uid")" "$folder"
	done
}

# ---- the sources ----

# Print the C sources and headers, a name each line.
source_files()
{
	(cd "$top" && find src -name '*.[ch]' | LC_ALL=C sort)
}

# ---- building ----

# Run make in the shadow tree.
make_shadow()
{
	as_user make -C "$build" --no-print-directory "PG_CONFIG=$pg_config" \
		with_llvm=no "$@"
}

# Build and install into tmp/, with warnings as errors.  It is done in a
# shadow of the tree, folders with links to the sources, so that a build of
# the user's own, with other options or for another server, is left alone.
build_and_install()
{
	local warnings

	own_folder "$work/build" "$work/install" "$build" "$destdir"
	link_shadow
	warnings="-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare"
	warnings+=" -Wno-missing-field-initializers"
	make_shadow -s "-j$(nproc)" "COPT=$warnings" all || return
	as_user find "$destdir" -mindepth 1 -delete
	make_shadow -s install "DESTDIR=$destdir"
}

link_shadow()
{
	local folder

	as_user find "$build" -type l -delete
	(cd "$top" && find src -type d) | while read -r folder; do
		as_user mkdir -p "$build/$folder"
		find "$top/$folder" -maxdepth 1 -type f -name '*.[chm]*' \
			-exec env HOME="$work" ${runner[@]+"${runner[@]}"} \
			ln -sf -t "$build/$folder" {} +
	done
	as_user ln -sf -t "$build" "$top"/Makefile "$top"/migrate.control
	for folder in install sql expected test examples doc README.md; do
		[ ! -e "$top/$folder" ] || as_user ln -sfn "$top/$folder" "$build/$folder"
	done
}

# The settings that have a server find the extension in tmp/install.
extension_settings()
{
	if "$bindir/postgres" --describe-config | cut -f1 |
		grep -x extension_destdir >/dev/null; then
		# Debian's servers
		echo "extension_destdir = '$destdir'"
	elif [ "$major" -ge 18 ]; then
		echo "extension_control_path = '$destdir$("$pg_config" --sharedir):\$system'"
		echo "dynamic_library_path = '$destdir$("$pg_config" --pkglibdir):\$libdir'"
	else
		die "$bindir/postgres finds extensions only where it is installed;" \
			"use make install and make installcheck"
	fi
}

# ---- clusters ----

clusters=()
scratch=()

# a file of settings for the clusters, none if empty
cluster_settings=$top/test/migrate.conf

# Set socket_root, a folder whose name is short enough to hold sockets: in
# the tree if it is not too deep.
choose_socket_root()
{
	socket_root=$work/s
	if [ ${#socket_root} -gt $socket_path_max ]; then
		socket_root=$(as_user mktemp -d /tmp/migrate.XXXXXX)
		scratch+=("$socket_root")
	else
		rm -rf "$socket_root"
		own_folder "$socket_root"
	fi
}

# Make a cluster in tmp/<name>, and point the clients at it.  Only a socket
# leads there, in a folder that no other user can enter.
create_cluster()
{
	local folder=$work/$1

	data=$folder/data
	stop_cluster "$data"
	rm -rf "$folder"
	own_folder "$folder"
	as_user chmod 700 "$folder"
	socket_dir=$folder
	if [ ${#socket_dir} -gt $socket_path_max ]; then
		socket_dir=$socket_root
	fi
	as_user "$bindir/initdb" --pgdata="$data" --username=postgres --auth=trust \
		--no-locale --encoding=UTF8 --no-sync >"$folder/initdb.log" ||
		die "initdb failed, see $folder/initdb.log"
	{
		[ -z "$cluster_settings" ] || cat "$cluster_settings"
		extension_settings
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$socket_dir'"
	} | as_user tee -a "$data/postgresql.conf" >/dev/null
	clusters+=("$data")
	export PGHOST=$socket_dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# Make a cluster and start it.
start_cluster()
{
	create_cluster "$1"
	as_user "$bindir/pg_ctl" start --wait --silent --pgdata="$data" \
		--log="$work/$1/log" </dev/null ||
		die "the server did not start, see $work/$1/log"
}

# Stop the cluster with this data folder, if it runs.
stop_cluster()
{
	[ -f "$1/postmaster.pid" ] || return 0
	as_user "$bindir/pg_ctl" stop --wait --silent --mode="${2:-fast}" \
		--pgdata="$1" >/dev/null 2>&1 || true
}

# For a trap on EXIT: stop what was started, also what an interrupted TAP test
# could not stop itself.
clean_up()
{
	local data pidfile

	for data in ${clusters[@]+"${clusters[@]}"}; do
		stop_cluster "$data"
	done
	if [ -d "${build:-}/tmp_check" ]; then
		find "$build/tmp_check" -name postmaster.pid | while read -r pidfile; do
			stop_cluster "$(dirname "$pidfile")" immediate
		done
	fi
	[ ${#scratch[@]} -eq 0 ] || rm -rf "${scratch[@]}"
}

# Have clean_up called however this shell ends.
clean_up_on_exit()
{
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

scrub_environment
