#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pkispawn -s CA with the defaults, from the command to the serving CA, beside a
# second and the time that libcrypto takes for RSA keys of the same sizes.
. "$(dirname "$0")/common"

runs=10 keys=(3072 3072 2048 2048 2048 2048) times=() bare=() cpu=() bare_cpu=()
[ "${BENCH_SCALE:-}" != small ] || runs=3
for ((i = 0; i < runs; i++)); do
	spawn "s$i" default
	times+=("$SPAWN_MS") cpu+=("$SPAWN_CPU_MS")
	eval "$("$B/limits" keygen "${keys[@]}")"
	bare+=("$keygen_ms") bare_cpu+=("$keygen_cpu_ms")
	rm -rf "$WORK/s$i"
done
took=$(printf '%s\n' "${times[@]}" | median)
bare=$(printf '%s\n' "${bare[@]}" | median)
row "pkispawn -s CA" "$took" ms "$(calc "1000 + $bare" 0)" \
    "1 s + $bare ms, ${#keys[@]} RSA keys in libcrypto; median of $runs"
took=$(printf '%s\n' "${cpu[@]}" | median)
bare=$(printf '%s\n' "${bare_cpu[@]}" | median)
row "  its processor time" "$took" ms "$(calc "1000 + $bare" 0)" "1 s + $bare ms likewise"
