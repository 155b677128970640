#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Start with a million certificates, a tenth of them revoked, to the first
# answer; memory then.
. "$(dirname "$0")/common"

spawn one ec
"$B/fill" "$STORE_one" "$CA_one" "$MILLION" 10
empty=() full=()
times() { # ARRAY-NAME
	local -n list=$1
	local i began
	for ((i = 0; i < ROUNDS; i++)); do
		began=$(date +%s%N)
		start one
		list+=("$(calc "($(date +%s%N) - $began) / 1000000")")
		anon=$(awk '/RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$PID/status")
		[ "$i" = $((ROUNDS - 1)) ] || stop one
	done
}
times full
row "restart with $MILLION certificates" "$(printf '%s\n' "${full[@]}" | median)" ms 500 "the goal; to the first answer, median of $ROUNDS"
row "  memory then, anonymous" "$anon" MB 40 "the goal"
stop one
