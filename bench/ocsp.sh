#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OCSP answers for a hot set among a million certificates: ready ones beside
# nginx with a file of that size, fresh ones beside ready + one bare signature.
# Figures are a second of the daemon's processor. Then the same daemon is started
# again among that million.
. "$(dirname "$0")/common"

HOT=10000
# rounds NAME: medians of CPU us into get_us, post_us, nginx_us.
rounds() {
	local http=HTTP_$1 daemon=$PID g=() p=() n=() i
	for ((i = 0; i < ROUNDS; i++)); do
		PID=$daemon
		load plain "${!http}" "$WORK/get"; g+=("$cpu_us") rate_get=$rate
		load plain "${!http}" "$WORK/post"; p+=("$cpu_us")
		PID=$FRONT
		load plain "$NGINX" "$WORK/file"; n+=("$cpu_us")
	done
	PID=$daemon
	get_us=$(printf '%s\n' "${g[@]}" | median)
	post_us=$(printf '%s\n' "${p[@]}" | median)
	nginx_us=$(printf '%s\n' "${n[@]}" | median)
}
# fresh NAME rsa|ec: the same daemon without ready answers, bare signatures in
# turn with it.
fresh() {
	local http=HTTP_$1 p=() s=() i
	for ((i = 0; i < ROUNDS; i++)); do
		load plain "${!http}" "$WORK/post"; p+=("$cpu_us")
		eval "$(taskset -c 0 "$B/limits" crypto)"
		[ "$2" = rsa ] && s+=("$rsa_us") || s+=("$ec_us")
	done
	fresh_us=$(printf '%s\n' "${p[@]}" | median)
	signature=$(printf '%s\n' "${s[@]}" | median)
}
# restart NAME COUNT: times to the first answer, memory then.
restart() {
	local i began times=() cpu=()
	for ((i = 0; i < ROUNDS; i++)); do
		began=$(date +%s%N)
		start "$1"
		times+=("$(calc "($(date +%s%N) - $began) / 1000000")")
		cpu+=("$(cat "/proc/$PID/task"/*/schedstat | awk '{ t += $1 } END { print t / 1000000 }')")
		anon=$(awk '/RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$PID/status")
		stop "$1"
	done
	row "restart with $2 certificates" "$(printf '%s\n' "${times[@]}" | median)" ms 500 \
	    "the goal; to the first answer, a tenth revoked, median of $ROUNDS"
	row "  its processor time until then" "$(printf '%s\n' "${cpu[@]}" | median)" ms 500 "the same"
	row "  memory then, anonymous" "$anon" MB 40 "the goal"
}
ocsp() { # NAME TEXT rsa|ec RECORDS
	local http=HTTP_$1 ca=CA_$1 store=STORE_$1 signature anon
	spawn "$1" "$3"
	"$B/fill" "${!store}" "${!ca}" "$4" 10
	"$B/requests" ocsp-get "${!ca}" "$4" "$HOT" >"$WORK/get"
	"$B/requests" ocsp-post "${!ca}" "$4" "$HOT" >"$WORK/post"
	start "$1"
	load -w plain "${!http}" "$WORK/get"
	load -w plain "${!http}" "$WORK/post"
	mkdir -p "$WORK/files"
	head -c "$bytes" /dev/zero >"$WORK/files/answer"
	local daemon=$PID
	nginx_start "$WORK/files"; FRONT=$PID PID=$daemon
	"$B/requests" get /answer 190 >"$WORK/file"
	rounds "$1"
	anon=$(awk '/RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$PID/status")
	row "OCSP ready, GET, $2" "$(per_second "$get_us")" /s "$(per_second "$nginx_us")" "nginx, a file of $bytes octets"
	row "OCSP ready, POST, $2" "$(per_second "$post_us")" /s "$(per_second "$nginx_us")" "the same, GET"
	row "  seen by 32 clients, GET" "$rate_get" /s - "$HOT of $4 serials"
	row "  memory after it, anonymous" "$anon" MB 120 "the goal"
	stop "$1"
	kill "$(ps -o ppid= -p "$FRONT")"
	setting "$1" ca.ocspAnswerLifetime 0
	start "$1"
	fresh "$1" "$3"
	stop "$1"
	row "OCSP fresh, POST, $2" "$(per_second "$fresh_us")" /s \
	    "$(per_second "$post_us + $signature")" "ready $post_us + signature $signature us"
	[ "$4" != "$MILLION" ] || restart "$1" "$4"
	rm -rf "$WORK/${1:?}"
}
ocsp p256 P-256 ec "$MILLION"
ocsp rsa RSA-2048 rsa "$STORED"
