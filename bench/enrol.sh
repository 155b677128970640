#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Durable enrolments over HTTPS, 32 kept-alive clients with an agent's
# certificate, beside the sum of the parts: check of the request, signature,
# commit in a group, TLS echo of bodies of the same size. Figures are a second
# of the daemon's processor; a row of its own tells the rate that was seen.
. "$(dirname "$0")/common"

ISSUERS=16 # workers that issue: the largest group of commits
enrol() { # NAME ALGORITHM-TEXT SIGN-WORD
	local name=$1 i cpu=() direct=() rates=() https=HTTPS_$1 admin=ADMIN_$1
	local ca=CA_$1 store=STORE_$1 limit signature echo_us=() sizes
	spawn "$name" "$3"
	"$B/fill" "${!store}" "${!ca}" "$STORED" 10
	start "$name"
	local daemon=$PID tls=(-C "${!admin}" -K "${!admin}" tls)
	for ((i = 0; i < ROUNDS; i++)); do
		PID=$daemon
		load "${tls[@]}" "${!https}" "$WORK/submit"
		cpu+=("$cpu_us") rates+=("$rate") sizes=$bytes
		load -a "${tls[@]}" "${!https}" "$WORK/rest"
		direct+=("$cpu_us")
		if [ "$i" = 0 ]; then
			mkdir -p "$WORK/echo"
			head -c "$sizes" /dev/zero | tr '\0' x >"$WORK/echo/echo"
			nginx_start "$WORK/echo"
			ECHO=$PID
		fi
		PID=$ECHO
		load tls "$NGINX_TLS" "$WORK/echo.req"
		echo_us+=("$cpu_us")
	done
	PID=$daemon
	stop "$name"
	kill "$(ps -o ppid= -p "$ECHO")"
	eval "$("$B/limits" crypto)"
	eval "$("$B/limits" commit "${!store}" "$ISSUERS")"
	[ "$3" = rsa ] && signature=$rsa_us || signature=$ec_us
	echo_us=$(printf '%s\n' "${echo_us[@]}" | median)
	limit="$check_us + $signature + $commit_us + $echo_us"
	say_err "$2: check $check_us, signature $signature, commit $commit_us, echo $echo_us us"
	cpu=$(printf '%s\n' "${cpu[@]}" | median)
	row "enrolment by an agent, $2 CA" "$(per_second "$cpu")" /s \
	    "$(per_second "$limit")" "check $check_us + signature $signature + commit $commit_us + TLS echo $echo_us us"
	row "  seen by 32 clients" "$(printf '%s\n' "${rates[@]}" | median)" /s - \
	    "$STORED certificates in the store; other work on the machine slows this"
	direct=$(printf '%s\n' "${direct[@]}" | median)
	row "submit, review, approve, $2 CA" "$(per_second "$direct")" /s \
	    "$(per_second "$limit + $commit_us + 2 * $echo_us")" "the same with two commits and three echoes"
}
"$B/requests" submit 200 caAgentServerCert >"$WORK/submit"
"$B/requests" rest 200 caServerCert >"$WORK/rest"
"$B/requests" post /echo 1300 >"$WORK/echo.req"
enrol p256 P-256 ec
enrol rsa RSA-2048 rsa
