#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Durable enrolments over HTTPS, 32 kept-alive clients with an agent's
# certificate, beside the sum of the parts: check of the request, signature,
# commit in a group, TLS echo of bodies of the same size. Figures are a second
# of the daemon's processor; a row of its own tells the rate that was seen.
. "$(dirname "$0")/common"

# All parts are measured in every round and pinned as the daemon is, so that other
# work on the machine meets both sides of a ratio alike. The commits of the limit go
# into a copy of the daemon's store, as many at once as the daemon has in a group.
counted() { # PORT: commits and groups so far
	curl -s "http://localhost:$1/metrics" |
		awk '/^pki_store_commits_total/ { c = $2 } /^pki_store_groups_total/ { g = $2 } END { print c, g }'
}
part() { # NAME: median of its rounds
	median <"$WORK/part.$1"
}
enrol() { # NAME ALGORITHM-TEXT SIGN-WORD
	local name=$1 i http=HTTP_$1 https=HTTPS_$1 admin=ADMIN_$1 ca=CA_$1 store=STORE_$1
	local c0 g0 c1 g1 group check signature commit echo limit was
	spawn "$name" "$3"
	"$B/fill" "${!store}" "${!ca}" "$STORED" 10
	start "$name"
	local tls=(-C "${!admin}" -K "${!admin}" tls)
	load "${tls[@]}" "${!https}" "$WORK/submit" # what the limit's commits are made like
	was=$bytes
	stop "$name"
	rm -rf "$WORK/limit" "$WORK"/part.*
	cp -r "${!store}" "$WORK/limit"
	start "$name"
	local daemon=$PID front
	mkdir -p "$WORK/echo"
	head -c "$was" /dev/zero | tr '\0' x >"$WORK/echo/echo"
	nginx_start "$WORK/echo"
	front=$PID
	for ((i = 0; i < ROUNDS; i++)); do
		PID=$daemon
		read -r c0 g0 < <(counted "${!http}")
		load "${tls[@]}" "${!https}" "$WORK/submit"
		read -r c1 g1 < <(counted "${!http}")
		group=$(calc "($c1 - $c0) / ($g1 - $g0)" 0)
		echo "$cpu_us" >>"$WORK/part.submit"
		echo "$rate" >>"$WORK/part.rate"
		echo "$group" >>"$WORK/part.group"
		eval "$(taskset -c 0 "$B/limits" crypto)"
		eval "$(taskset -c 0 "$B/limits" commit "$WORK/limit" "$group")"
		echo "$check_us" >>"$WORK/part.check"
		[ "$3" = rsa ] && signature=$rsa_us || signature=$ec_us
		echo "$signature" >>"$WORK/part.signature"
		echo "$commit_us" >>"$WORK/part.commit"
		PID=$front
		load tls "$NGINX_TLS" "$WORK/echo.req"
		echo "$cpu_us" >>"$WORK/part.echo"
		PID=$daemon
		load -a "${tls[@]}" "${!https}" "$WORK/rest"
		echo "$cpu_us" >>"$WORK/part.approve"
	done
	stop "$name"
	kill "$(ps -o ppid= -p "$front")"
	check=$(part check) signature=$(part signature) commit=$(part commit) echo=$(part echo)
	limit="$check + $signature + $commit + $echo"
	row "enrolment by an agent, $2 CA" "$(per_second "$(part submit)")" /s "$(per_second "$limit")" \
	    "check $check + signature $signature + commit in groups of $(part group) $commit + TLS echo $echo us"
	row "  seen by 32 clients" "$(part rate)" /s - \
	    "$STORED certificates in the store; other work on the machine slows this"
	row "submit, review, approve, $2 CA" "$(per_second "$(part approve)")" /s \
	    "$(per_second "$limit + $commit + 2 * $echo")" "the same with two commits and three echoes"
}
"$B/requests" submit 200 caAgentServerCert >"$WORK/submit"
"$B/requests" rest 200 caServerCert >"$WORK/rest"
"$B/requests" post /echo 1300 >"$WORK/echo.req"
enrol p256 P-256 ec
enrol rsa RSA-2048 rsa
