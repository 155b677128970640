#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long quick answers take beside 500 connections that trickle and 50
# handshakes that stop half way: the 99th percentile, quiet and held up in turn.
. "$(dirname "$0")/common"

spawn one ec
"$B/fill" "$STORE_one" "$CA_one" 1000 10
"$B/requests" ocsp-post "$CA_one" 1000 100 >"$WORK/post"
printf 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$WORK/health.txt"
"$B/requests" get /health 1 >"$WORK/health.req"
start one
quiet=() held=() quiet_health=() held_health=()
for ((i = 0; i < 5; i++)); do
	load -c 4 -i 2000 plain "$HTTP_one" "$WORK/post"; quiet+=("$p99_us")
	load -c 4 -i 2000 plain "$HTTP_one" "$WORK/health.req"; quiet_health+=("$p99_us")
	taskset -c 1 "$B/trickle" "$HTTP_one" 500 "$HTTPS_one" 50 &
	slow=$!
	ENDING+=("$slow")
	sleep 1
	load -c 4 -i 2000 plain "$HTTP_one" "$WORK/post"; held+=("$p99_us")
	load -c 4 -i 2000 plain "$HTTP_one" "$WORK/health.req"; held_health+=("$p99_us")
	kill "$slow"
done
row "OCSP p99 beside 550 slow clients" "$(printf '%s\n' "${held[@]}" | median)" us \
    "$(printf '%s\n' "${quiet[@]}" | median)" "quiet p99, median of five rounds in turn"
row "health p99 beside 550 slow clients" "$(printf '%s\n' "${held_health[@]}" | median)" us \
    "$(printf '%s\n' "${quiet_health[@]}" | median)" "the same"
stop one
