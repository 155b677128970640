#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pkispawn -s CA with the defaults, from the command to the serving CA, without
# the time that making its keys takes.
. "$(dirname "$0")/common"

runs=10 keys=(3072 3072 2048 2048 2048 2048) times=() bare=()
[ "${BENCH_SCALE:-}" != small ] || runs=3
for ((i = 0; i < runs; i++)); do
	spawn "s$i" default
	times+=("$SPAWN_MS")
	eval "$("$B/limits" keygen "${keys[@]}")"
	bare+=("$keygen_ms")
	rm -rf "$WORK/s$i"
done
took=$(printf '%s\n' "${times[@]}" | median)
bare=$(printf '%s\n' "${bare[@]}" | median)
row "pkispawn -s CA" "$took" ms "$(calc "1000 + $bare" 0)" \
    "1 s + $bare ms, making ${#keys[@]} RSA keys in libcrypto; median of $runs"
