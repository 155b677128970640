# SPDX-License-Identifier: Apache-2.0
"""The pki client against a CA of canned answers: what it asks, what it prints.
Expected text is in src/tools/golden; UPDATE_GOLDEN=1 writes it anew."""
import json
import os
import subprocess

import pytest

import fake_ca
import program

GOLDEN = program.TOP / "src/tools/golden"


def golden(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    """A CA and a certificate for 127.0.0.1 under it, and one for another name."""
    d = tmp_path_factory.mktemp("certs")

    def make(name, subject, san, issuer=None):
        args = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj", subject,
                "-keyout", d / f"{name}.key", "-out", d / f"{name}.crt"]
        if issuer:
            args += ["-CA", d / f"{issuer}.crt", "-CAkey", d / f"{issuer}.key", "-addext", "basicConstraints=CA:FALSE"]
        if san:
            args += ["-addext", f"subjectAltName={san}"]
        subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    make("ca", "/O=EXAMPLE/CN=CA Signing Certificate", None)
    make("server", "/O=EXAMPLE/CN=127.0.0.1", "IP:127.0.0.1", "ca")
    make("other", "/O=EXAMPLE/CN=other.example", "DNS:other.example", "ca")
    return d


@pytest.fixture
def ca(certs):
    server = fake_ca.Ca((certs / "server.crt").read_text())
    yield server
    server.close()


@pytest.fixture
def pki(run, ca):
    def call(*argv, user=True, **kw):
        login = ["-u", "caadmin", "-w", fake_ca.PASSWORD] if user else []
        return run("pki", "-U", ca.url, *login, *argv, **kw)
    return call


def test_info_prints_url_name_and_version(pki, ca):
    out = pki("info", user=False).stdout
    assert out == f"  Server URL: {ca.url}\n  Server Name: Signet\n  Server Version: 11.10.0\n"


def test_cert_find_prints_entries(pki, ca):
    golden("ca-cert-find", pki("ca-cert-find", user=False).stdout)
    assert "POST /ca/v2/certs/search" in ca.paths()


def test_cert_find_sends_the_search_request(pki, ca):
    pki("ca-cert-find", "--name", "www", "--matchExactly", "--status", "VALID", "--size", "5", "--start=2",
        "--validNotAfterFrom", "2026-11-21", "--validityOperation", "<=", "--validityCount", "2", "--validityUnit",
        "month", "--revocationReason", "Key_Compromise", user=False)
    _, path, body = ca.seen[-1]
    assert path == "/ca/v2/certs/search?start=2&size=5"
    assert json.loads(body) == {
        "commonName": "www", "subjectInUse": True, "matchExactly": True, "status": "VALID",
        "validNotAfterFrom": "1795219200000", "validNotAfterInUse": True, "validityOperation": "<=",
        "validityCount": 2, "validityUnit": 2592000000, "validityLengthInUse": True,
        "revocationReason": "1", "revocationReasonInUse": True}


def test_cert_find_refuses_bad_values_before_it_asks(pki, ca):
    for bad in (["--issuedOnFrom", "tomorrow"], ["--validityUnit", "eon"], ["--revocationReason", "Boredom"],
                ["--certTypeSSLClient", "maybe"]):
        assert pki("ca-cert-find", *bad, user=False, status=255).stderr.startswith("ERROR: Invalid ")
    assert not ca.seen


def test_cert_find_takes_a_search_file(pki, ca, root):
    (root / "s.xml").write_text("<CertSearchRequest><serialFrom>0x1</serialFrom>"
                                "<serialNumberRangeInUse>true</serialNumberRangeInUse></CertSearchRequest>")
    pki("ca-cert-find", "--input", root / "s.xml", user=False)
    assert json.loads(ca.seen[-1][2]) == {"serialFrom": "0x1", "serialNumberRangeInUse": True}


def test_cert_show(pki, ca):
    golden("ca-cert-show", pki("ca-cert-show", "26", user=False).stdout)
    assert "GET /ca/v2/certs/0x1a" in ca.paths()


def test_cert_show_of_unknown_serial_uses_the_servers_words(pki):
    done = pki("ca-cert-show", "0x5", user=False, status=255)
    assert done.stderr == "ResourceNotFoundException: Certificate ID 0x5 not found\n"
    assert done.stdout == ""


def test_cert_export_is_the_certificate(pki, certs, root):
    want = subprocess.run(["openssl", "x509", "-in", certs / "server.crt", "-outform", "DER"], check=True,
                          stdout=subprocess.PIPE).stdout
    pki("ca-cert-export", "0x1a", "--output-file", root / "c.der", "--output-format", "DER", user=False)
    assert (root / "c.der").read_bytes() == want
    out = pki("ca-cert-export", "0x1a", user=False).stdout
    assert out.startswith("-----BEGIN CERTIFICATE-----\n")


def test_revoke_reviews_sends_the_nonce_and_logs_out(pki, ca):
    golden("ca-cert-revoke", pki("ca-cert-revoke", "0x1a", "--force", "--reason", "Key_Compromise").stdout)
    assert ca.paths() == ["GET /pki/v2/info", "GET /ca/v2/account/login", "GET /ca/v2/agent/certs/0x1a",
                          "POST /ca/v2/agent/certs/0x1a/revoke", "GET /ca/v2/certs/0x1a", "GET /ca/v2/account/logout"]
    body = json.loads(ca.seen[3][2])
    assert body["Reason"] == "Key_Compromise" and body["Nonce"] == ca.nonce


def test_revoke_asks_first(pki, ca):
    out = pki("ca-cert-revoke", "0x1a", input="n\n").stdout
    assert out.startswith("Revoking certificate:\n  Serial Number: 0x1a\n")
    assert out.endswith("Are you sure (Y/N)? ")
    assert ca.status == {}
    pki("ca-cert-revoke", "0x1a", input="y\n")
    assert ca.status == {"0x1a": "REVOKED"}


def test_revoke_twice_fails_in_the_servers_words(pki, ca):
    ca.status["0x1a"] = "REVOKED"
    done = pki("ca-cert-revoke", "0x1a", "--force", status=255)
    assert done.stderr == "BadRequestException: certificate #1a has already been revoked\n"


def test_unknown_reason_is_refused(pki, ca):
    done = pki("ca-cert-revoke", "0x1a", "--reason", "x", status=255)
    assert done.stderr == "ERROR: Invalid revocation reason: x\n"


def test_hold_and_release(pki, ca):
    assert 'Placed certificate "0x1a" on-hold\n' in pki("ca-cert-hold", "0x1a", "--force").stdout
    assert json.loads(ca.seen[3][2])["Reason"] == "Certificate_Hold"
    assert 'Placed certificate "0x1a" off-hold\n' in pki("ca-cert-release-hold", "0x1a", "--force").stdout
    done = pki("ca-cert-release-hold", "0x1a", "--force", status=255)
    assert 'Could not place certificate "0x1a" off-hold\n' in done.stdout
    assert done.stderr == "ERROR: certificate is not on hold\n"


def test_wrong_password_is_unauthorized(run, ca):
    done = run("pki", "-U", ca.url, "-u", "caadmin", "-w", "wrong", "ca-user-find", status=255)
    assert done.stderr == "UnauthorizedException: Unauthorized\n"


def test_no_credentials_is_forbidden(pki):
    done = pki("ca-user-find", user=False, status=255)
    assert done.stderr == "ForbiddenException: No user principal provided.\n"


def test_no_server_is_a_connect_exception(run):
    done = run("pki", "-U", f"http://127.0.0.1:{program.free_port()}", "ca-cert-find", status=255)
    assert done.stderr.startswith("ConnectException: ")


def make_csr(run, root):
    run("pki", "nss-cert-request", "--subject", "CN=www.example.com", "--csr", root / "x.csr")
    return root / "x.csr"


def test_request_submit_fills_the_template(pki, run, ca, root):
    csr = make_csr(run, root)
    out = pki("ca-cert-request-submit", "--profile", "caServerCert", "--csr-file", csr, "--requestor", "me",
              "--dns-names", "www.example.com", user=False).stdout
    golden("ca-cert-request-submit", out)
    sent = {a["name"]: a["Value"] for a in ca.requests["0x7"]["Input"][0]["Attribute"]}
    assert sent == {"cert_request_type": "pkcs10", "cert_request": csr.read_text(), "requestor_name": "me",
                    "req_san_type_0": "DNSName", "req_san_pattern_0": "www.example.com"}


def test_request_submit_of_unknown_profile(pki, run, root):
    done = pki("ca-cert-request-submit", "--profile", "none", "--csr-file", make_csr(run, root), user=False, status=255)
    assert done.stderr.startswith("BadRequestException: Cannot provide enrollment template")


def test_request_template_as_xml_comes_back_as_it_was(pki, ca, root):
    out = pki("ca-cert-request-profile-show", "caServerCert", "--output", root / "t.xml", user=False).stdout
    assert f"Saved enrollment template for caServerCert to {root}/t.xml\n" in out
    text = (root / "t.xml").read_text()
    (root / "t.xml").write_text(text.replace("<Value/>", "<Value>v</Value>").replace("<Value></Value>", "<Value>v</Value>"))
    pki("ca-cert-request-submit", root / "t.xml", user=False)
    body = ca.requests["0x7"]
    assert body["ProfileID"] == "caServerCert" and body["Renewal"] is False
    assert [a["Value"] for a in body["Input"][0]["Attribute"]] == ["v"] * 5


def test_request_approve_echoes_the_review(pki, ca):
    out = pki("ca-cert-request-approve", "7", "--force").stdout
    golden("ca-cert-request-approve", out)
    assert json.loads([b for m, p, b in ca.seen if p.endswith("/approve")][0])["nonce"] == "42"


def test_request_review_to_a_file_and_back(pki, ca, root):
    pki("ca-cert-request-review", "0x7", "--output-file", root / "r.json")
    assert json.loads((root / "r.json").read_text())["nonce"] == "42"
    pki("ca-cert-request-approve", "0x7", "--input-file", root / "r.json", "--force")
    assert ca.requests["done"]


def test_cert_issue_submits_approves_and_prints(pki, run, ca, root):
    out = pki("ca-cert-issue", "--profile", "caServerCert", "--csr-file", make_csr(run, root)).stdout
    assert out.startswith("-----BEGIN CERTIFICATE-----\n") and ca.requests["done"]


def test_client_cert_request_and_import(pki, run, ca):
    out = pki("client-cert-request", "CN=www.example.com", "--profile", "caServerCert", user=False).stdout
    assert out.startswith("-----------------------------\nSubmitted certificate request\n")
    pki("client-cert-import", "mine", "--serial", "0x1a", user=False)
    assert "  Nickname: mine\n" in run("pki", "client-cert-find").stdout


def test_users(pki, ca):
    golden("ca-user-find", pki("ca-user-find").stdout)
    out = pki("ca-user-add", "bob", "--fullName", "Bob", "--password", "Secret.456").stdout
    assert out.startswith('----------------\nAdded user "bob"\n') and "Secret" not in out
    assert json.loads(ca.seen[-2][2])["password"] == "Secret.456"
    assert "Full name: Robert" in pki("ca-user-mod", "bob", "--fullName", "Robert").stdout
    assert 'Added membership in "Auditors"' in pki("ca-user-membership-add", "bob", "Auditors").stdout
    assert ca.seen[-2][2] == b"Auditors"
    assert 'Deleted user "bob"' in pki("ca-user-del", "bob").stdout
    assert pki("ca-user-show", "bob", status=255).stderr == "UserNotFoundException: User bob not found\n"


def test_user_cert_add(pki, ca, certs):
    out = pki("ca-user-cert-add", "caadmin", "--input", certs / "server.crt").stdout
    golden("ca-user-cert-add", out)


def test_profiles(pki):
    assert pki("ca-profile-show", "caServerCert", "--raw").stdout == "profileId=caServerCert\nclassId=caEnrollImpl\n"
    golden("ca-profile-show", pki("ca-profile-show", "caServerCert").stdout)
    assert 'Enabled profile "caServerCert"\n' in pki("ca-profile-enable", "caServerCert").stdout


def test_crl_update_reads_the_xml(pki):
    assert "  CRL Update: Success\n" in pki("ca-crl-update").stdout


def test_selftests(pki):
    assert "  SelfTest ID: CAPresence\n  Status: PASSED\n" in pki("ca-selftest-run").stdout


def test_banner_is_shown_and_asked(pki, ca):
    ca.banner = "WARNING!\nFor members only."
    out = pki("ca-cert-show", "0x1a", user=False, input="y\n").stdout
    assert out.startswith("WARNING!\nFor members only.\nDo you want to proceed (y/N)? ")
    assert "POST /pki/v2/login" in ca.paths()
    ca.seen.clear()
    pki("ca-cert-show", "0x1a", user=False, input="n\n", status=255)
    assert ca.paths() == ["GET /pki/v2/info"]
    ca.seen.clear()
    pki("--ignore-banner", "ca-cert-show", "0x1a", user=False)
    assert ca.paths() == ["GET /ca/v2/certs/0x1a"]


def test_batch_shares_one_login_and_goes_on_after_errors(pki, ca):
    done = pki("-", input="# comment\nca-cert-show 0x5\n\nca-user-find\n", status=255)
    assert "Certificate ID 0x5 not found" in done.stderr and "User ID: caadmin" in done.stdout
    assert ca.paths().count("GET /ca/v2/account/login") == 1
    done = pki("-e", "-", input="ca-cert-show 0x5\nca-user-find\n", status=255)
    assert "User ID" not in done.stdout


def test_output_never_carries_control_characters(pki, ca):
    ca.users["caadmin"]["FullName"] = "\x1b[2Jevil"
    assert "\x1b" not in pki("ca-user-find").stdout


@pytest.fixture
def tls_ca(certs):
    made = []

    def make(name):
        made.append(fake_ca.Ca((certs / "server.crt").read_text(), (certs / f"{name}.crt", certs / f"{name}.key")))
        return made[-1]
    yield make
    for server in made:
        server.close()


def test_untrusted_server_is_refused_unless_told(run, tls_ca):
    ca = tls_ca("server")
    done = run("pki", "-U", ca.url, "ca-cert-find", status=255)
    assert ("WARNING: UNKNOWN_ISSUER encountered on 'CN=127.0.0.1,O=EXAMPLE' indicates an unknown CA cert "
            "'CN=CA Signing Certificate,O=EXAMPLE'\n") in done.stderr
    assert not ca.seen
    run("pki", "-U", ca.url, "--ignore-cert-status", "UNKNOWN_ISSUER,UNTRUSTED_ISSUER", "ca-cert-find")
    assert ca.seen


def test_trusted_server_is_accepted(run, tls_ca, certs):
    ca = tls_ca("server")
    run("pki", "nss-cert-import", "ca", "--cert", certs / "ca.crt", "--trust", "CT,C,C")
    assert run("pki", "-U", ca.url, "ca-cert-find").stderr == ""


def test_wrong_host_name_warns_and_can_be_rejected(run, tls_ca, certs):
    ca = tls_ca("other")
    run("pki", "nss-cert-import", "ca", "--cert", certs / "ca.crt", "--trust", "CT,C,C")
    done = run("pki", "-U", ca.url, "ca-cert-find")
    assert done.stderr == ("WARNING: BAD_CERT_DOMAIN encountered on 'CN=other.example,O=EXAMPLE' indicates a "
                           "common-name mismatch\n")
    done = run("pki", "-U", ca.url, "--reject-cert-status", "BAD_CERT_DOMAIN", "ca-cert-find", status=255)
    assert "ERROR: BAD_CERT_DOMAIN encountered on 'CN=other.example,O=EXAMPLE' results in a denied" in done.stderr


def test_bad_cert_status_word(run, ca):
    done = run("pki", "-U", ca.url, "--ignore-cert-status", "FOO", "ca-cert-find", status=255)
    assert done.stderr == "ERROR: Invalid cert status: FOO\n"
    run("pki", "-U", ca.url, "--ignore-cert-status", "OCSP_SERVER_ERROR,REVOKED_CERTIFICATE", "ca-cert-find")
