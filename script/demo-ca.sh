# SPDX-License-Identifier: Apache-2.0
# demo-ca.sh - script/demo without --clone. Sourced by it, never run.

root=$work/root
mkdir "$root"
inst=demo
http=$(free_port) https=$(free_port)
done_demo() {
	local rc=$?
	if [ "$keep" = yes ] && [ $rc = 0 ]; then
		say ""
		say "The CA goes on running. To type such commands yourself:"
		say "  export PATH=$stage/usr/bin:$stage/usr/sbin:\$PATH"
		say "To end it:"
		say "  $stage/usr/sbin/pkidestroy --root $root -s CA -i $inst --remove-conf --remove-logs && rm -rf $work"
		return
	fi
	if [ -d "$root/var/lib/pki/$inst" ]; then
		step "Stop the server and remove everything"
		run pkidestroy --root "$root" -s CA -i $inst --remove-conf --remove-logs
	fi
	rm -rf "$work"
}
trap done_demo EXIT

step "One command makes a certificate authority, with its keys, store and server"
spawned=$(now)
run pkispawn --root "$root" -s CA -D pki_instance_name=$inst \
    -D pki_hostname=localhost -D pki_http_port="$http" -D pki_https_port="$https" \
    "${params[@]/#/-D}"
spawn_time=$(since "$spawned")

client=$root$HOME/.dogtag/$inst
ca=$root/etc/pki/$inst/alias/ca.crt
pki=(pki -d "$work/nssdb" -U "https://localhost:$https")
agent=("${pki[@]}" -n "PKI Administrator for localhost")

step "The administrator's certificate and the CA's go into a client database"
run pki -d "$work/nssdb" client-init
run pki -d "$work/nssdb" client-cert-import CA --ca-cert "$ca"
run pki -d "$work/nssdb" pkcs12-import --pkcs12 "$client/ca_admin_cert.p12" \
    --password-file "$client/ca_admin_cert.p12.password"
nick=$(certutil -L -d "$work/nssdb" 2>/dev/null | sed -n 's/^\(PKI Administrator.*[^ ]\)  *u,u,u *$/\1/p' || true)
[ -z "$nick" ] || agent=("${pki[@]}" -n "$nick")

step "A web server's owner makes a key and a request, and submits it"
run openssl req -new -newkey rsa:2048 -nodes -keyout "$work/www.key" \
    -subj "/O=Example/CN=www.example.com" -out "$work/www.csr" 2>/dev/null
run "${pki[@]}" ca-cert-request-submit --profile caServerCert \
    --csr-file "$work/www.csr" | tee "$work/submitted"
request=$(awk '/Request ID:/ { print $3 }' "$work/submitted")

step "An agent approves it"
run "${agent[@]}" ca-cert-request-approve "$request" --force | tee "$work/approved"
serial=$(awk '/Certificate ID:/ { print $3 }' "$work/approved")

step "The certificate"
run "${pki[@]}" ca-cert-show "$serial"
run "${pki[@]}" ca-cert-export "$serial" --output-file "$work/www.crt"
run openssl verify -CAfile "$ca" "$work/www.crt"

ocsp() {
	run openssl ocsp -issuer "$ca" -CAfile "$ca" -cert "$work/www.crt" \
	    -url "http://localhost:$http/ca/ocsp"
}
step "Its status by OCSP"
ocsp

step "Its key is stolen: the agent revokes it, and OCSP says so at once"
run "${agent[@]}" ca-cert-revoke "$serial" --reason Key_Compromise --force
ocsp

step "The certificate revocation list"
run "${agent[@]}" ca-crl-update
crl="http://localhost:$http/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=MasterCRL"
run curl -sS -o "$work/master.crl" "$crl"
run openssl crl -inform der -in "$work/master.crl" -noout -crlnumber -lastupdate -nextupdate
openssl crl -inform der -in "$work/master.crl" -noout -text | sed -n '/Serial Number/,/Signature/p' | sed '/Signature/d'
openssl crl -inform der -in "$work/master.crl" -noout -text |
    grep -qi "$(printf '%s' "${serial#0x}" | sed 's/^0*//')" ||
    die "the revoked certificate is not on the list"

step "Where it is"
pid=$(cat "$root/run/pki/$inst.pid")
say "  REST      https://localhost:$https/ca/v2/certs"
say "  OCSP      http://localhost:$http/ca/ocsp"
say "  CRL       $crl"
say "  health    http://localhost:$http/health      metrics http://localhost:$http/metrics"
say "  log       $root/var/log/pki/$inst/ca/"
say "  memory    $(awk '/VmRSS/ { printf "%.1f MB resident", $2 / 1024 } /RssAnon/ { printf ", %.1f MB of it anonymous", $2 / 1024 }' "/proc/$pid/status")"
say "  time      ${spawn_time} s for pkispawn, $((SECONDS - began)) s for everything, building included"
