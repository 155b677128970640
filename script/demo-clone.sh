# SPDX-License-Identifier: Apache-2.0
# demo-clone.sh - script/demo --clone: what docs/cloning.md and docs/roles.md say,
# done on one machine. pki1 and pki2 are the two "machines": a root folder and a
# private directory server each. Sourced by script/demo, never run.

export SIGNET_DS_DIR=${SIGNET_DS_DIR:-$work/ds}
ds_of=([1]=demo$$a [2]=demo$$b)
inst=pki-tomcat
password=Secret.123 # also of the directories that script/ds makes
AWAIT=120           # seconds, for what takes a fraction of one
declare -a http https table
zero=$(now)

headline() { printf '\n== %6.1f s  %s\n' "$(since "$zero")" "$*"; }
# A line of the table at the end: WHAT, seconds, CRL number.
record() { table+=("$(printf '%-58s %7s s   %s' "$1" "$2" "${3:--}")"); }
# await WHAT CMD...: until CMD succeeds; the seconds it took are in TOOK.
await() {
	local what=$1 from
	from=$(now)
	shift
	until "$@" >"$work/await" 2>&1; do
		[ "$(since "$from" | cut -d. -f1)" -lt $AWAIT ] || {
			cat "$work/await"
			die "not within $AWAIT s: $what"
		}
		sleep 0.1
	done
	TOOK=$(since "$from")
	say "  ($what: $TOOK s)"
}
# Shows a deployment file.
show() {
	say "  $1:"
	sed 's/^/    | /' "$1"
}
pki_at() { # MACHINE ARGUMENT...
	local n=$1
	shift
	run pki -d "$work/nssdb" -C "$work/nssdb.pwd" -U "https://localhost:${https[$n]}" "$@"
}
server() { # MACHINE COMMAND ARGUMENT...
	local n=$1
	shift
	run pki-server --root "$work/pki$n" "$@"
}
# fetches the CRL from the URL of a machine: CRL_NUMBER, and whether it has SERIAL
fetch_crl() { # MACHINE [SERIAL]
	local url="http://localhost:${http[$1]}/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=MasterCRL" hex
	curl -sS -f -o "$work/crl.der" "$url" || return 1
	hex=$(openssl crl -inform der -in "$work/crl.der" -noout -crlnumber) || return 1
	CRL_NUMBER=$((16#${hex#*=0x}))
	[ -z "${2:-}" ] || openssl crl -inform der -in "$work/crl.der" -noout -text |
	    grep -qix " *Serial Number: *0*$(sed 's/^0x0*//' <<<"$2")"
}
crl_line() { # MACHINE
	fetch_crl "$1"
	say "  CRL $CRL_NUMBER at pki$1, $(openssl crl -inform der -in "$work/crl.der" -noout -lastupdate), $(openssl crl -inform der -in "$work/crl.der" -noout -text | grep -c 'Serial Number') revoked"
}
# The revocation of SERIAL: known there, on the CRL there.
revoked_at() { pki_at "$1" ca-cert-show "$SERIAL" | grep -q 'Status: REVOKED'; }
listed_at() {
	crl_line "$1"
	fetch_crl "$1" "$SERIAL" || die "$SERIAL is not on CRL $CRL_NUMBER of pki$1"
	say "  $SERIAL is on it"
}
same_crl() {
	fetch_crl 1 && cp "$work/crl.der" "$work/crl1.der" && fetch_crl 2 &&
	    cmp -s "$work/crl.der" "$work/crl1.der"
}
# Enrols, approves and revokes on a machine: SERIAL.
issue_at() { # MACHINE NAME
	local request
	pki_at "$1" -n caadmin client-cert-request "uid=$2" --profile caUserCert >"$work/out"
	cat "$work/out"
	request=$(awk '/Request ID:/ { print $3 }' "$work/out")
	if ! grep -q 'Status: complete' "$work/out"; then
		pki_at "$1" -n caadmin ca-cert-request-approve "$request" --force >"$work/out"
		cat "$work/out"
	fi
	SERIAL=$(pki_at "$1" -n caadmin ca-cert-request-show "$request" | awk '/Certificate ID:/ { print $3 }')
	[ -n "$SERIAL" ] || die "no certificate"
}
revoke_at() { pki_at "$1" -n caadmin ca-cert-revoke "$2" --force | grep -E '^  [$]|Revoked|Status:'; }
holds() { server "$1" ca-role-find 2>&1 | grep -A1 'Role: crl.MasterCRL' | grep -q "State: $2"; }
die_machine() { # kill -9 of everything on it
	local pid
	pid=$(cat "$work/pki$1/run/pki/$inst.pid")
	run kill -9 "$pid"
	run script/ds kill "${ds_of[$1]}"
}

end_clone() {
	local rc=$? n pid
	if [ "$keep" = yes ] && [ $rc = 0 ]; then
		say ""
		say "Both go on running. To end them:"
		for n in 2 1; do
			say "  $stage/usr/sbin/pki-server --root $work/pki$n stop"
			say "  SIGNET_DS_DIR=$SIGNET_DS_DIR script/ds remove ${ds_of[$n]}"
		done
		say "  rm -rf $work"
		return
	fi
	for n in 2 1; do
		pid=$(cat "$work/pki$n/run/pki/$inst.pid" 2>/dev/null) && kill -9 "$pid" 2>/dev/null
		script/ds remove "${ds_of[$n]}" 2>/dev/null
	done
	rm -rf "$work"
	exit "$rc"
}
trap end_clone EXIT

headline "Two directory servers, one a machine"
for n in 1 2; do
	http[n]=$(free_port) https[n]=$(free_port)
	mkdir "$work/pki$n"
	printf '  $ script/ds start %s\n' "${ds_of[n]}"
	url[n]=$(script/ds start "${ds_of[n]}" --suffix "dc=pki$n,dc=example,dc=com")
	say "${url[n]}"
done
printf '%s\n' $password >"$work/nssdb.pwd"

headline "The master, on the first"
cat >"$work/master.cfg" <<END
[DEFAULT]
pki_hostname=localhost
pki_http_port=${http[1]}
pki_https_port=${https[1]}
pki_admin_nickname=caadmin
pki_admin_password=$password
pki_client_pkcs12_password=$password
[CA]
pki_ds_url=${url[1]}
pki_ds_password=$password
pki_ds_base_dn=o=pki-tomcat-CA
pki_ds_database=pki-tomcat-CA
$(printf '%s\n' "${params[@]}")
END
show "$work/master.cfg"
from=$(now)
run pkispawn --root "$work/pki1" -s CA -f "$work/master.cfg"
record "pkispawn of the master" "$(since "$from")"

headline "The administrator's client"
run pki -d "$work/nssdb" -C "$work/nssdb.pwd" client-init
run pki -d "$work/nssdb" -C "$work/nssdb.pwd" client-cert-import ca_signing \
    --ca-cert "$work/pki1/etc/pki/$inst/alias/ca.crt"
run pki -d "$work/nssdb" -C "$work/nssdb.pwd" pkcs12-import --password-file "$work/nssdb.pwd" \
    --pkcs12 "$work/pki1$HOME/.dogtag/$inst/ca_admin_cert.p12"

headline "What clones revoke shall be in the master's revoked set at once"
server 1 ca-config-set ca.listenToCloneModifications true
server 1 restart

headline "What the clone needs: the master's keys and certificates, and its CA certificate"
server 1 ca-clone-prepare --pkcs12-file "$work/ca-keys.p12" --pkcs12-password-file "$work/nssdb.pwd"
run cp "$work/pki1/etc/pki/$inst/alias/ca.crt" "$work/ca.crt"

headline "The clone, on the second"
cat >"$work/clone.cfg" <<END
[DEFAULT]
pki_hostname=localhost
pki_http_port=${http[2]}
pki_https_port=${https[2]}
pki_cert_chain_path=$work/ca.crt
[CA]
pki_ds_url=${url[2]}
pki_ds_password=$password
pki_ds_base_dn=o=pki-tomcat-CA
pki_ds_database=pki-tomcat-CA
pki_security_domain_hostname=localhost
pki_security_domain_https_port=${https[1]}
pki_security_domain_user=caadmin
pki_security_domain_password=$password
pki_clone=True
pki_clone_uri=https://localhost:${https[1]}
pki_clone_pkcs12_path=$work/ca-keys.p12
pki_clone_pkcs12_password=$password
$(printf '%s\n' "${params[@]}")
END
show "$work/clone.cfg"
from=$(now)
run pkispawn --root "$work/pki2" -s CA -f "$work/clone.cfg" -v
record "pkispawn of the clone" "$(since "$from")"

headline "Who makes the CRLs, how far replication is, who belongs to the domain"
server 2 ca-role-find
server 2 ca-db-repl-status
pki_at 2 securitydomain-host-find

headline "The documented test: issued and revoked on the clone, found on the master's CRL"
await "both serve one CRL" same_crl
from=$(now)
server 2 ca-clone-check -d "$work/nssdb" -C "$work/nssdb.pwd" -n caadmin --wait $AWAIT
fetch_crl 1
record "ca-clone-check, all of it" "$(since "$from")" "$CRL_NUMBER"
await "both serve one CRL" same_crl

headline "The master goes down, directory and all; the clone goes on"
server 1 stop
run script/ds stop "${ds_of[1]}"
from=$(now)
issue_at 2 while-master-is-down
revoke_at 2 "$SERIAL"
took=$(since "$from")
crl_line 2
record "the master is down: issued and revoked on the clone" "$took" "$CRL_NUMBER"

headline "It is back: what was revoked meanwhile is on its CRL"
run script/ds start "${ds_of[1]}"
from=$(now)
server 1 start
await "the revocation at the master" revoked_at 1
server 1 ca-crl-update MasterCRL
listed_at 1
record "the master is back: that revocation on its CRL" "$(since "$from")" "$CRL_NUMBER"

headline "The master dies (kill -9 of server and directory)"
issue_at 1 revoked-before-the-master-died
revoke_at 1 "$SERIAL"
await "the revocation at the clone" revoked_at 2
fetch_crl 1
last=$CRL_NUMBER
die_machine 1
say "  ca-promote asks for a word when the holder does not answer:"
server 2 ca-promote 2>&1 || true

headline "The clone is promoted"
server 2 ca-promote --holder-is-stopped --dry-run
from=$(now)
server 2 ca-promote --holder-is-stopped --wait $AWAIT
took=$(since "$from")
listed_at 2
[ "$CRL_NUMBER" -gt "$last" ] || die "CRL $CRL_NUMBER after CRL $last"
record "the master is dead: promoted, new CRL fetched" "$took" "$CRL_NUMBER"

headline "The old master is back: it becomes a clone by itself"
run script/ds start "${ds_of[1]}"
from=$(now)
server 1 start
await "pki1 is a clone" holds 1 clone
await "both serve one CRL" same_crl
server 1 ca-role-find
say "  its log:"
cat "$work/pki1/var/log/pki/$inst/ca"/debug.*.log | grep 'is a clone now' | tail -n 1
record "the old master is back, as a clone" "$(since "$from")" "$CRL_NUMBER"

headline "Its revocations are on the new master's CRL too"
issue_at 1 revoked-by-the-old-master
revoke_at 1 "$SERIAL"
await "the revocation at the new master" revoked_at 2
server 2 ca-crl-update MasterCRL
listed_at 2
last=$CRL_NUMBER

headline "Handed back"
from=$(now)
server 1 ca-promote --wait $AWAIT
took=$(since "$from")
await "pki2 is a clone" holds 2 clone
listed_at 1
[ "$CRL_NUMBER" -gt "$last" ] || die "CRL $CRL_NUMBER after CRL $last"
record "handed back: the next number" "$took" "$CRL_NUMBER"
await "both serve one CRL" same_crl
server 1 ca-clone-check

headline "What it took"
printf '  %-58s %9s   %s\n' "" "" "CRL number"
printf '  %s\n' "${table[@]}"
say "  $((SECONDS - began)) s for everything, building included"
