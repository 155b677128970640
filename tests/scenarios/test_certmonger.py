# SPDX-License-Identifier: Apache-2.0
"""certmonger's own helper against a CA: enrolment, approval and renewal as
certmonger drives them, one process a step with a cookie between."""
import os
import re
import subprocess

import pytest

import curl_ca
import program

HELPER = "/usr/lib/certmonger/dogtag-submit"
ISSUED, WAIT, REJECTED, UNREACHABLE, UNCONFIGURED, WAIT_WITH_DELAY = 0, 1, 2, 3, 4, 5
STEPS_MAX = 8


@pytest.fixture(scope="module")
def ca(golden):
    """With nonces, as shipped: the helper keeps no session, yet it sends them back."""
    server = curl_ca.CurlCa(golden)
    yield server.start()
    server.remove()


@pytest.fixture
def csr(tmp_path):
    subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem",
                    "-subj", "/O=EXAMPLE/CN=www.example.com", "-out", tmp_path / "req.csr"],
                   check=True, stderr=subprocess.DEVNULL)
    return tmp_path / "req.csr"


def helper(ca, csr, *argv, profile="caServerCert", cookie=None, cert=None, ee=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("CERTMONGER_")}
    if cookie:
        env["CERTMONGER_CA_COOKIE"] = cookie
    if cert:
        env["CERTMONGER_CERTIFICATE"] = cert
    return program.run(HELPER, "-E", (ee or ca.url) + "/ca/ee/ca", "-A", ca.tls_url + "/ca/agent/ca", "-T", profile,
                       "-c", ca.admin_pem, "-k", ca.admin_pem, "-i", ca.ca_file, *argv, csr, env=env, status=None)


def enroll(ca, csr, *argv, **kw):
    """Follows the helper to its end, as certmonger does; its last result."""
    cookie = None
    for _ in range(STEPS_MAX):
        done = helper(ca, csr, *argv, cookie=cookie, **kw)
        if done.returncode not in (WAIT, WAIT_WITH_DELAY):
            return done
        lines = done.stdout.splitlines()
        cookie = lines[-1] if lines else None
    raise AssertionError(f"no end after {STEPS_MAX} steps: {done.stdout}{done.stderr}")


def openssl(*argv, input=None):
    return subprocess.run(["openssl", *argv], check=True, input=input, text=True, stdout=subprocess.PIPE).stdout


def check_cert(ca, tmp_path, pem, csr):
    path = tmp_path / "cert.pem"
    path.write_text(pem)
    openssl("verify", "-CAfile", str(ca.ca_file), str(path))
    assert openssl("x509", "-noout", "-pubkey", input=pem) == openssl("req", "-noout", "-pubkey", "-in", str(csr))
    assert "www.example.com" in openssl("x509", "-noout", "-subject", input=pem)
    return openssl("x509", "-noout", "-serial", input=pem)


def test_enrolment_ends_with_a_certificate(ca, csr, tmp_path):
    done = enroll(ca, csr)
    assert done.returncode == ISSUED, done.stdout + done.stderr
    check_cert(ca, tmp_path, done.stdout, csr)


def test_renewal_by_serial_number_gives_another_certificate_of_the_same_key(ca, csr, tmp_path):
    first = enroll(ca, csr).stdout
    done = enroll(ca, csr, profile="caManualRenewal", cert=first)
    assert done.returncode == ISSUED, done.stdout + done.stderr
    assert check_cert(ca, tmp_path, done.stdout, csr) != check_cert(ca, tmp_path, first, csr)


def test_renewal_submitted_by_an_agent_is_done_at_once(ca, csr, tmp_path):
    first = enroll(ca, csr).stdout
    done = helper(ca, csr, "-a", profile="caManualRenewal", cert=first, ee=ca.tls_url)
    assert done.returncode == ISSUED, done.stdout + done.stderr
    check_cert(ca, tmp_path, done.stdout, csr)


def test_renewal_of_an_unknown_certificate_is_refused(ca, csr):
    done = enroll(ca, csr, "-D", "12345", profile="caManualRenewal")
    assert done.returncode == REJECTED
    assert "no certificate with that serial number" in done.stdout


def test_values_of_the_helper_are_taken_at_approval(ca, csr):
    done = enroll(ca, csr, "-O", "name=CN=www.example.com,O=CHANGED")
    assert done.returncode == ISSUED, done.stdout + done.stderr
    assert "CHANGED" in openssl("x509", "-noout", "-subject", input=done.stdout)


def test_list_of_profiles_names_the_enabled_ones(ca, csr):
    done = helper(ca, csr, "-t")
    assert done.returncode == 0
    assert "caServerCert" in done.stdout.split()


def test_unknown_profile_is_refused_with_its_name(ca, csr):
    done = enroll(ca, csr, profile="caNoSuchCert")
    assert done.returncode == REJECTED
    assert "Profile caNoSuchCert Not Found" in done.stdout


def test_key_that_the_profile_forbids_is_rejected_with_the_reason(ca, tmp_path):
    csr = tmp_path / "weak.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:1536", "-nodes", "-keyout", tmp_path / "weak.key",
                    "-subj", "/CN=weak.example.com", "-out", csr], check=True, stderr=subprocess.DEVNULL)
    done = enroll(ca, csr)
    assert done.returncode == REJECTED
    assert "Rejected - Key" in done.stdout


def test_nobody_without_an_agents_certificate_may_approve(ca):
    assert "errorCode" in ca.curl("/ca/agent/ca/profileReview?requestId=1&xml=true")
    answer = ca.curl("/ca/agent/ca/profileReview?requestId=1&xml=true", "-w", "%{http_code}", agent=False)
    assert answer.endswith("401") or answer.endswith("403")


def test_enrolment_with_nonces_off_as_freeipa_sets_them(golden, csr):
    server = curl_ca.CurlCa(golden)
    server.settings({"ca.enableNonces": "false"})
    server.start()
    try:
        assert enroll(server, csr).returncode == ISSUED
    finally:
        server.remove()


def test_a_nonce_without_a_session_is_its_own_certificates_and_serves_once(golden, csr):
    server = curl_ca.CurlCa(golden)
    server.start()
    try:
        done = helper(server, csr)
        assert done.returncode in (WAIT, WAIT_WITH_DELAY), done.stdout + done.stderr
        number = re.search(r"requestId=(\d+)", done.stdout).group(1)
        review = server.curl(f"/ca/agent/ca/profileReview?requestId={number}&xml=true")
        nonce = re.search(r"<nonce>(\d+)</nonce>", review).group(1)

        def act(value, op="update", agent=True):
            return server.curl(f"/ca/agent/ca/profileProcess?requestId={number}&op={op}&xml=true{value}", agent=agent)
        assert "Missing nonce." in act("")
        assert "Invalid nonce" in act(f"&nonce={int(nonce) - 1}")
        assert "<errorCode>0<" not in act(f"&nonce={nonce}", agent=False)
        assert "<errorCode>0<" in act(f"&nonce={nonce}")
        assert "Invalid nonce" in act(f"&nonce={nonce}"), "once only"
    finally:
        server.remove()
