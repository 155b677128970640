# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the scripts beside it share. Sourced, never run.
# Sets TOP (the tree), BUILD_DIR (default TOP/build) and PY, and goes to TOP.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_DIR=${BUILD_DIR:-$TOP/build}
PY=/usr/bin/python3
export TOP BUILD_DIR PY
export LC_ALL=C.UTF-8
cd "$TOP" || exit 1

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# step TEXT: a headline. run CMD...: prints the command as one would type it,
# then runs it and gives its status.
step() { printf '\n== %s\n' "$*"; }
run() {
	printf '  $'; printf ' %q' "$@"; printf '\n'
	"$@"
}

# Independent jobs. job NAME CMD... queues one; jobs_run N DIR runs all of
# them, N at a time, and leaves DIR/NAME.log and DIR/NAME.rc. A job may write
# "passed failed" into $JOB_COUNTS; without it the job itself is one test.
# jobs_run prints a line a job (and the tail of the log of a failed one) and
# adds to PASSED and FAILED.
PASSED=0 FAILED=0
JOB_NAMES=() JOB_CMDS=()
job() {
	JOB_NAMES+=("$1"); shift
	JOB_CMDS+=("$(printf '%q ' "$@")")
}

job_one() { # DIR NAME CMD: runs in a subshell of its own
	local begin=$SECONDS rc
	rm -f "$1/$2".{log,rc,time,line,counts}
	JOB_COUNTS=$1/$2.counts bash -c "$3" >"$1/$2.log" 2>&1 </dev/null
	rc=$?
	printf '%s\n' "$((SECONDS - begin))" >"$1/$2.time"
	printf '%s\n' "$rc" >"$1/$2.rc"
	job_line "$1" "$2" "$rc"
}

job_line() { # DIR NAME RC
	local p=0 f=0 word=ok
	[ -s "$1/$2.counts" ] && read -r p f <"$1/$2.counts"
	[ "$3" = 0 ] || word=FAILED
	if [ "$3" = 0 ]; then
		[ "$p" -gt 0 ] || p=1
	elif [ "$f" = 0 ]; then
		f=1
	fi
	printf '%s %s\n' "$p" "$f" >"$1/$2.counts"
	{
		printf '%-8s %-28s %4ss' "$word" "$2" "$(cat "$1/$2.time")"
		[ "$((p + f))" = 1 ] || printf '  %s passed, %s failed' "$p" "$f"
		printf '\n'
		[ "$3" = 0 ] || { tail -n 40 "$1/$2.log" | sed 's/^/    | /'; }
	} >"$1/$2.line"
	cat "$1/$2.line"
}

jobs_run() { # N DIR
	local i n=0 p f
	mkdir -p "$2"
	for i in "${!JOB_NAMES[@]}"; do
		if [ "$n" -ge "$1" ]; then wait -n; n=$((n - 1)); fi
		job_one "$2" "${JOB_NAMES[$i]}" "${JOB_CMDS[$i]}" &
		n=$((n + 1))
	done
	wait
	for i in "${JOB_NAMES[@]}"; do
		read -r p f <"$2/$i.counts"
		PASSED=$((PASSED + p)) FAILED=$((FAILED + f))
	done
	JOB_NAMES=() JOB_CMDS=()
}

# The last line of a script that counts, and its status.
verdict() {
	say "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}
