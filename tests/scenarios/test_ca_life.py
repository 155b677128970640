# SPDX-License-Identifier: Apache-2.0
"""The life of certificates in a running CA, judged by foreign tools."""
import base64
import datetime
import re
import subprocess
import threading
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import instance
import program
from instance import Refused, csr

REASONS = {"Unspecified": None, "Key_Compromise": x509.ReasonFlags.key_compromise,
           "CA_Compromise": x509.ReasonFlags.ca_compromise,
           "Affiliation_Changed": x509.ReasonFlags.affiliation_changed, "Superseded": x509.ReasonFlags.superseded,
           "Cessation_of_Operation": x509.ReasonFlags.cessation_of_operation,
           "Certificate_Hold": x509.ReasonFlags.certificate_hold,
           "Privilege_Withdrawn": x509.ReasonFlags.privilege_withdrawn}


@pytest.fixture(scope="module")
def agent(shared_ca):
    client = shared_ca.agent()
    yield client
    client.close()


@pytest.fixture(scope="module")
def nobody(shared_ca):
    client = shared_ca.anonymous()
    yield client
    client.close()


@pytest.fixture(scope="module")
def nssdb(shared_ca, tmp_path_factory):
    """An NSS database that trusts the CA."""
    d = tmp_path_factory.mktemp("nssdb")
    tool("certutil", "-N", "-d", d, "--empty-password")
    tool("certutil", "-A", "-d", d, "-n", "ca", "-t", "CT,C,C", "-a", "-i", shared_ca.ca_crt)
    return d


def tool(*argv, status=0):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert status is None or done.returncode == status, f"{argv}: {done.returncode}\n{done.stdout}"
    return done.stdout


def number(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def entry(crl, serial):
    return crl.get_revoked_certificate_by_serial_number(int(serial, 16))


def refused(status, fn, *args, **kw):
    with pytest.raises(Refused) as x:
        fn(*args, **kw)
    assert x.value.status == status, x.value
    assert x.value.text.strip()
    return x.value.text


# --- enrolment ------------------------------------------------------------------

@pytest.mark.quick
def test_enrolment_by_rest_waits_for_an_agent(agent, nobody):
    info = nobody.submit(csr("wait.example.com"))[0]
    assert info["requestStatus"] == "pending" and info["requestType"] == "enrollment"
    agent.act(info["requestID"], "approve")
    done = nobody.request(info["requestID"])
    assert done["requestStatus"] == "complete"
    cert = nobody.cert(done["certId"])
    assert cert.subject.rfc4514_string() == "CN=wait.example.com,O=Example"
    assert cert.serial_number == int(done["certId"], 16)


def issued_name(pem):
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def test_enrolment_by_pki(shared_ca, run, tmp_path):
    ca = shared_ca
    pki = ["pki", "-d", tmp_path / "db", "-U", f"https://localhost:{ca.https}"]
    run(*pki, "client-init")
    run(*pki, "client-cert-import", "CA", "--ca-cert", ca.ca_crt)
    run(*pki, "pkcs12-import", "--pkcs12", ca.client_dir / "ca_admin_cert.p12",
        "--password-file", ca.client_dir / "ca_admin_cert.p12.password")
    nick = re.search(r"^(\S.*?)\s+u,u,u", tool("certutil", "-L", "-d", tmp_path / "db"), re.M).group(1)
    (tmp_path / "csr").write_text(csr("pki.example.com"))
    out = run(*pki, "ca-cert-request-submit", "--profile", "caServerCert", "--csr-file", tmp_path / "csr").stdout
    rid = re.search(r"Request ID: (\S+)", out).group(1)
    assert "Request Status: pending" in out
    out = run(*pki, "-n", nick, "ca-cert-request-approve", rid, "--force").stdout
    serial = re.search(r"Certificate ID: (\S+)", out).group(1)
    assert "CN=pki.example.com" in run(*pki, "ca-cert-show", serial).stdout
    # a review that was kept, changed and sent back by another process
    rids = [re.search(r"Request ID: (\S+)", run(*pki, "ca-cert-request-submit", "--profile", "caServerCert", "--csr-file",
                                                tmp_path / "csr").stdout).group(1) for _ in range(2)]
    run(*pki, "-n", nick, "ca-cert-request-review", rids[0], "--output-file", tmp_path / "review", input="")
    text = (tmp_path / "review").read_text()
    (tmp_path / "review").write_text(text.replace('"CN=pki.example.com,O=Example"', '"CN=changed.example.com"'))
    done = run(*pki, "-n", nick, "ca-cert-request-approve", rids[1], "--input-file", tmp_path / "review", "--force",
               status=255)
    assert f"review of request {rids[0]}" in done.stderr
    out = run(*pki, "-n", nick, "ca-cert-request-approve", rids[0], "--input-file", tmp_path / "review", "--force").stdout
    changed = re.search(r"Certificate ID: (\S+)", out).group(1)
    assert "Subject DN: CN=changed.example.com\n" in run(*pki, "ca-cert-show", changed).stdout
    # a profile that asks for a name in parts: taken from the request, unless told
    run(*pki, "nss-cert-request", "--subject", "UID=tester,CN=A Tester\\, jr.", "--csr", tmp_path / "user")
    submit = [*pki, "-n", nick, "ca-cert-issue", "--profile", "caUserCert", "--csr-file", tmp_path / "user"]
    assert issued_name(run(*submit).stdout) == "UID=tester,CN=A Tester\\, jr."
    assert issued_name(run(*submit, "--subject", "UID=other").stdout) == "UID=other"
    run(*pki, "-n", nick, "ca-cert-hold", serial, "--force")
    assert "Status: REVOKED" in run(*pki, "ca-cert-show", serial).stdout
    run(*pki, "-n", nick, "ca-cert-release-hold", serial, "--force")
    assert "Status: VALID" in run(*pki, "ca-cert-show", serial).stdout


def test_an_agent_may_change_values_before_approval(agent, nobody):
    rid = nobody.submit(csr("asked.example.com"))[0]["requestID"]
    review = agent.review(rid)
    changed = 0
    for policy in review["ProfilePolicySet"][0]["policies"]:
        for a in policy["def"]["attributes"]:
            if policy["def"]["classId"] == "userSubjectNameDefaultImpl" and a["name"] == "name":
                a["Value"] = "CN=given.example.com,O=Changed"
                changed += 1
    assert changed == 1
    agent.act(rid, "approve", review)
    cert = nobody.cert(nobody.request(rid)["certId"])
    assert cert.subject.rfc4514_string() in ("CN=given.example.com,O=Changed", "O=Changed,CN=given.example.com")


@pytest.mark.parametrize("action,status", [("reject", "rejected"), ("cancel", "canceled")])
def test_a_refused_request_stays_so(agent, nobody, action, status):
    rid = nobody.submit(csr())[0]["requestID"]
    agent.act(rid, action)
    assert nobody.request(rid)["requestStatus"] == status
    with pytest.raises(Refused) as x:
        agent.act(rid, "approve")
    assert x.value.status in (400, 409)
    assert nobody.request(rid)["requestStatus"] == status and "certId" not in nobody.request(rid)


def test_assigning_names_the_owner(agent, nobody):
    rid = nobody.submit(csr())[0]["requestID"]
    agent.act(rid, "assign")
    assert agent.review(rid)["requestOwner"] == "caadmin"
    agent.act(rid, "unassign")
    assert not agent.review(rid).get("requestOwner")
    agent.act(rid, "cancel")


def test_an_agents_profile_issues_at_once(agent, nobody):
    info = agent.submit(csr("agent.example.com"), "caAgentServerCert")[0]
    assert info["requestStatus"] == "complete" and info["certId"]
    refused(401, nobody.submit, csr("agent.example.com"), "caAgentServerCert")


@pytest.mark.quick
def test_renewal_keeps_key_and_subject(agent, nobody):
    key = instance.make_key()
    serial = agent.issue(csr("renew.example.com", key), "caAgentServerCert")
    info = nobody.renew(serial)
    if info["requestStatus"] == "pending":
        agent.act(info["requestID"], "approve")
        info = nobody.request(info["requestID"])
    assert info["requestStatus"] == "complete" and info["requestType"] == "renewal"
    old, new = nobody.cert(serial), nobody.cert(info["certId"])
    assert new.serial_number != old.serial_number and new.subject == old.subject
    assert new.public_key().public_numbers() == key.public_key().public_numbers()


# --- revocation -------------------------------------------------------------------

@pytest.mark.quick
def test_every_reason_reaches_crl_and_ocsp(shared_ca, agent):
    serials = {r: agent.issue(csr(f"{r.lower().replace('_', '-')}.example.com"), "caAgentServerCert")
               for r in REASONS}
    for reason, serial in serials.items():
        assert agent.revoke(serial, reason)["requestStatus"] == "complete"
    crl = agent.crl_update()
    for reason, serial in serials.items():
        e = entry(crl, serial)
        assert e is not None, reason
        found = [x.value.reason for x in e.extensions if isinstance(x.value, x509.CRLReason)]
        assert found == ([REASONS[reason]] if REASONS[reason] else []), reason
        answer = shared_ca.ocsp(agent.cert(serial))
        assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
        data = agent.cert_data(serial)
        assert data["Status"] == "REVOKED" and data["RevokedBy"] == "caadmin"


def test_invalidity_date_is_in_the_crl(agent):
    serial = agent.issue(csr(), "caAgentServerCert")
    when = datetime.datetime(2025, 3, 4, 5, 6, 7)
    ms = int(when.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    agent.revoke(serial, "Key_Compromise", InvalidityDate=ms)
    e = entry(agent.crl_update(), serial)
    assert e.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date == when


def test_hold_and_release(shared_ca, agent):
    serial = agent.issue(csr("hold.example.com"), "caAgentServerCert")
    cert = agent.cert(serial)
    assert shared_ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
    agent.revoke(serial, "Certificate_Hold")
    assert shared_ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert entry(agent.crl_update(), serial) is not None
    assert agent.unrevoke(serial)["operationResult"] == "success"
    assert shared_ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
    assert entry(agent.crl_update(), serial) is None
    assert agent.cert_data(serial)["Status"] == "VALID"


def test_a_permanent_revocation_is_not_released(agent):
    serial = agent.issue(csr(), "caAgentServerCert")
    agent.revoke(serial, "Superseded")
    assert agent.unrevoke(serial)["operationResult"] == "error"
    assert agent.cert_data(serial)["Status"] == "REVOKED"
    assert entry(agent.crl_update(), serial) is not None


def test_revoking_twice_is_refused(agent):
    serial = agent.issue(csr(), "caAgentServerCert")
    agent.revoke(serial)
    before = agent.cert_data(serial)
    assert "already been revoked" in refused(400, agent.revoke, serial, "Superseded")
    after = agent.cert_data(serial)
    assert (before["RevokedOn"], before["RevocationReason"]) == (after["RevokedOn"], after["RevocationReason"])


def test_the_ca_certificate_is_not_revoked_by_mistake(shared_ca, agent):
    serial = hex(shared_ca.ca_cert().serial_number)
    with pytest.raises(Refused) as x:
        agent.revoke(serial)
    assert x.value.status in (400, 401, 403)
    assert agent.cert_data(serial)["Status"] == "VALID"


# --- OCSP ------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_revocation_is_in_the_next_ocsp_answer(shared_ca, agent, method):
    serial = agent.issue(csr(), "caAgentServerCert")
    cert = agent.cert(serial)
    for _ in range(3):  # the second one is a kept answer
        assert shared_ca.ocsp(cert, method).certificate_status == ocsp.OCSPCertStatus.GOOD
    agent.revoke(serial)
    answer = shared_ca.ocsp(cert, method)
    assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert answer.serial_number == cert.serial_number


def test_ocsp_returns_the_nonce(shared_ca, agent):
    cert = agent.cert(agent.issue(csr(), "caAgentServerCert"))
    for nonce in (b"0123456789abcdef", b"fedcba9876543210"):
        answer = shared_ca.ocsp(cert, nonce=nonce)
        assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


def test_ocsp_url_may_end_with_a_slash(shared_ca, agent):
    cert = agent.cert(agent.issue(csr(), "caAgentServerCert"))
    der = ocsp.OCSPRequestBuilder().add_certificate(cert, shared_ca.ca_cert(), hashes.SHA256()).build()
    path = urllib.parse.quote(base64.b64encode(der.public_bytes(serialization.Encoding.DER)), safe="")
    for slashes in ("/", "//"):
        status, body = shared_ca.plain("GET", f"/ca/ocsp{slashes}{path}")
        assert status == 200 and ocsp.load_der_ocsp_response(body).certificate_status == ocsp.OCSPCertStatus.GOOD


def test_ocsp_of_an_unknown_serial_is_unknown(shared_ca):
    ca = shared_ca.ca_cert()
    key = instance.make_key()
    now = datetime.datetime(2026, 1, 1)
    fake = (x509.CertificateBuilder().subject_name(ca.subject).issuer_name(ca.subject).public_key(key.public_key())
            .serial_number(0x1234567890).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
            .sign(key, hashes.SHA256()))
    assert shared_ca.ocsp(fake).certificate_status == ocsp.OCSPCertStatus.UNKNOWN


# --- foreign tools -----------------------------------------------------------------

def test_foreign_tools_accept_the_certificate(shared_ca, agent, nssdb, tmp_path):
    cert = agent.cert(agent.issue(csr("tools.example.com"), "caAgentServerCert"))
    pem = tmp_path / "c.pem"
    pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    assert "OK" in tool("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", shared_ca.ca_crt, pem)
    assert "Chain verification output: Verified" in tool(
        "certtool", "--verify", "--load-ca-certificate", shared_ca.ca_crt, "--infile", pem)
    tool("certutil", "-A", "-d", nssdb, "-n", "tools", "-t", ",,", "-a", "-i", pem)
    assert "certificate is valid" in tool("certutil", "-V", "-d", nssdb, "-n", "tools", "-u", "V", "-e")
    assert "Chain is good!" in tool("vfychain", "-d", nssdb, "-u", "1", "-a", pem)


def test_foreign_tools_accept_the_crl(shared_ca, agent, nssdb, tmp_path):
    serial = agent.issue(csr("crl.example.com"), "caAgentServerCert")
    pem = tmp_path / "c.pem"
    pem.write_bytes(agent.cert(serial).public_bytes(serialization.Encoding.PEM))
    agent.revoke(serial)
    agent.crl_update()
    der = tmp_path / "crl.der"
    der.write_bytes(shared_ca.crl_der())
    assert "verify OK" in tool("openssl", "crl", "-inform", "DER", "-in", der, "-noout", "-CAfile", shared_ca.ca_crt)
    tool("openssl", "crl", "-inform", "DER", "-in", der, "-out", tmp_path / "crl.pem")
    assert "certificate revoked" in tool("openssl", "verify", "-crl_check", "-CAfile", shared_ca.ca_crt, "-CRLfile",
                                         tmp_path / "crl.pem", pem, status=2)
    text = tool("certtool", "--crl-info", "--inder", "--infile", der)
    assert int(serial, 16) in [int(x, 16) for x in re.findall(r"Serial Number \(hex\): (\w+)", text)]
    assert "Verified" in tool("certtool", "--verify-crl", "--load-ca-certificate", shared_ca.ca_crt, "--infile",
                              tmp_path / "crl.pem")
    tool("crlutil", "-I", "-d", nssdb, "-i", der, "-t", "1")
    tool("certutil", "-A", "-d", nssdb, "-n", "crl", "-t", ",,", "-a", "-i", pem)
    assert "revoked" in tool("certutil", "-V", "-d", nssdb, "-n", "crl", "-u", "V", status=255).lower()
    tool("crlutil", "-D", "-d", nssdb, "-n", "ca")


def test_foreign_tools_accept_ocsp_answers(shared_ca, agent, nssdb, tmp_path):
    serial = agent.issue(csr("ocsp.example.com"), "caAgentServerCert")
    pem = tmp_path / "c.pem"
    pem.write_bytes(agent.cert(serial).public_bytes(serialization.Encoding.PEM))
    tool("certutil", "-A", "-d", nssdb, "-n", "ocsp", "-t", ",,", "-a", "-i", pem)
    url = f"http://localhost:{shared_ca.http}/ca/ocsp"
    for state in ("good", "revoked"):
        out = tool("openssl", "ocsp", "-issuer", shared_ca.ca_crt, "-CAfile", shared_ca.ca_crt, "-cert", pem,
                   "-url", url)
        assert "Response verify OK" in out and f"c.pem: {state}" in out
        out = tool("ocsptool", f"--ask={url}", "--load-issuer", shared_ca.ca_crt, "--load-cert", pem,
                   "--load-trust", shared_ca.ca_crt, status=None)
        assert "Verifying OCSP Response: Success" in out and f"Certificate Status: {state}" in out.replace("\t", ""), out
        out = tool("ocspclnt", "-S", "ocsp", "-d", nssdb, "-l", url, "-t", "ca", status=None)
        assert ("revoked" in out.lower()) == (state == "revoked"), out
        if state == "good":
            agent.revoke(serial)


# --- who may do what -----------------------------------------------------------------

def test_agents_need_nonces(agent, nobody):
    serial = agent.issue(csr(), "caAgentServerCert")
    path = f"agent/certs/{serial}/revoke"
    assert "nonce" in refused(400, agent.json, "POST", path, {"Reason": "Superseded"}).lower()
    refused(400, agent.json, "POST", path, {"Reason": "Superseded", "Nonce": 12345})
    used = agent.json("GET", f"agent/certs/{serial}")["Nonce"]
    with pytest.raises(Refused):
        agent.revoke(serial, "Superseded", nonce=used + 1)
    assert agent.cert_data(serial)["Status"] == "VALID"
    agent.revoke(serial, "Certificate_Hold", nonce=used)
    agent.unrevoke(serial)
    refused(400, agent.revoke, serial, "Superseded", nonce=used)  # once only
    assert agent.cert_data(serial)["Status"] == "VALID"
    rid = nobody.submit(csr())[0]["requestID"]
    review = agent.review(rid)
    del review["nonce"]
    refused(400, agent.act, rid, "approve", review)
    assert nobody.request(rid)["requestStatus"] == "pending"


def test_a_nonce_of_another_session_is_refused(shared_ca, agent):
    serial = agent.issue(csr(), "caAgentServerCert")
    other = shared_ca.agent()
    nonce = other.json("GET", f"agent/certs/{serial}")["Nonce"]
    agent.review(agent.submit(csr())[0]["requestID"])  # this session has nonces too
    refused(400, agent.revoke, serial, "Superseded", nonce=nonce)
    assert agent.cert_data(serial)["Status"] == "VALID"
    other.close()


@pytest.mark.parametrize("method,path", [
    ("GET", "agent/certrequests"), ("GET", "agent/certs/0x1"), ("POST", "agent/certs/0x1/revoke"),
    ("POST", "agent/certs/0x1/unrevoke"), ("GET", "admin/users"), ("GET", "admin/groups"), ("POST", "profiles"),
    ("DELETE", "profiles/caServerCert"), ("GET", "account/login"), ("GET", "/ca/agent/ca/updateCRL")])
def test_strangers_are_kept_out(nobody, method, path):
    assert nobody.call(method, path, {} if method == "POST" else None)[0] in (401, 403)


def test_members_of_other_groups_are_kept_out(shared_ca, agent):
    """An auditor is somebody, but neither agent nor administrator."""
    key = instance.make_key()
    serial = agent.issue(csr("other.example.com"), "caAgentServerCert")
    cert = instance.user_cert(agent, "auditor1", key, ["Auditors"])
    pem = instance.write_pem(shared_ca.folder / "auditor.pem", key, cert)
    auditor = shared_ca.client(pem)
    assert auditor.json("GET", "account/login")["id"] == "auditor1"
    for method, path in (("GET", "agent/certrequests"), ("GET", f"agent/certs/{serial}"), ("GET", "admin/users"),
                         ("POST", f"agent/certs/{serial}/revoke"), ("POST", f"agent/certs/{serial}/revoke-ca"),
                         ("POST", f"agent/certs/{serial}/unrevoke"), ("DELETE", "profiles/caServerCert")):
        assert auditor.call(method, path, "{}" if method == "POST" else None)[0] in (401, 403), path
    assert agent.cert_data(serial)["Status"] == "VALID"
    auditor.close()


def test_login_session_logout(shared_ca):
    password = (shared_ca.client_dir / "ca_admin.password").read_text().strip() \
        if (shared_ca.client_dir / "ca_admin.password").exists() else None
    client = shared_ca.agent()
    account = client.json("GET", "account/login")
    assert account["id"] == "caadmin" and "Certificate Manager Agents" in account["Roles"]
    assert client.cookie
    holder = shared_ca.anonymous()
    holder.cookie = client.cookie
    assert client.call("GET", "account/logout")[0] == 204
    assert holder.call("GET", "agent/certrequests")[0] in (401, 403)  # the session is gone
    if password:
        import base64
        basic = {"Authorization": "Basic " + base64.b64encode(f"caadmin:{password}".encode()).decode()}
        assert shared_ca.anonymous().call("GET", "account/login", headers=basic)[0] == 200
    wrong = {"Authorization": "Basic Y2FhZG1pbjp3cm9uZw=="}
    assert shared_ca.anonymous().call("GET", "account/login", headers=wrong)[0] == 401
    client.close()


# --- lists ------------------------------------------------------------------------

def test_lists_page_without_gaps_or_repeats(new_ca):
    ca = new_ca()
    agent = ca.agent()
    made = {agent.issue(csr(f"n{i}.example.com"), "caAgentServerCert") for i in range(25)}
    seen = []
    for start in range(0, 60, 7):
        page = agent.json("GET", f"certs?start={start}&size=7")["entries"]
        assert len(page) <= 7
        seen += [e["id"] for e in page]
    assert len(seen) == len(set(seen)) and made <= set(seen)
    assert len(agent.json("GET", "certs")["entries"]) == 20  # default size
    requests = agent.json("GET", "agent/certrequests?pageSize=1000")
    assert requests["total"] == len(requests["entries"]) >= 25
    refused(400, agent.json, "GET", "certs?size=-1")
    refused(400, agent.json, "GET", "certs?start=x")
    found = agent.json("POST", "certs/search", {"commonName": "n7.example.com", "subjectInUse": True})["entries"]
    assert [e["SubjectDN"] for e in found] == ["CN=n7.example.com,O=Example"]


# --- CRL numbers and restarts ---------------------------------------------------------

def test_crl_numbers_and_records_outlive_restarts(new_ca):
    ca = new_ca()
    numbers, updates, revoked = [], [], []
    for _ in range(3):
        agent = ca.agent()
        serial = agent.issue(csr(), "caAgentServerCert")
        agent.revoke(serial)
        revoked.append(serial)
        crl = agent.crl_update()
        numbers.append(number(crl))
        updates.append(crl.last_update)
        agent.close()
        ca.restart()
        assert number(ca.crl()) >= numbers[-1]
        assert all(entry(ca.crl(), s) is not None for s in revoked)
        assert all(ca.anonymous().cert_data(s)["Status"] == "REVOKED" for s in revoked)
    assert numbers == sorted(set(numbers)) and updates == sorted(updates)


# --- profiles ---------------------------------------------------------------------------

def test_a_profile_is_added_used_changed_and_removed(new_ca):
    ca = new_ca()
    agent = ca.agent()
    raw = agent.call("GET", "profiles/caServerCert/raw")[1].decode()
    lines = [x for x in raw.splitlines() if not x.startswith(("profileId=", "enable"))]
    lines = [x for x in lines if not x.startswith("classId=")]
    text = "\n".join(["profileId=myServer", "classId=caEnrollImpl", "enable=true", *lines]) + "\n"
    status, body = agent.call("POST", "profiles/raw", text, {"Content-Type": "application/octet-stream"})
    assert status == 201, body
    refused(409, agent.json, "POST", "profiles/raw", text)
    with pytest.raises(Refused):  # made disabled, whatever the text says
        agent.submit(csr(), "myServer")
    agent.json("POST", "profiles/myServer?action=enable")
    refused(409, agent.json, "POST", "profiles/myServer?action=enable")
    rid = agent.submit(csr("mine.example.com"), "myServer")[0]["requestID"]
    agent.act(rid, "approve")
    refused(409, agent.json, "PUT", "profiles/myServer/raw", text)
    refused(409, agent.json, "DELETE", "profiles/myServer")
    ca.restart()
    agent = ca.agent()
    assert agent.submit(csr("mine.example.com"), "myServer")[0]["requestStatus"] == "pending"
    agent.json("POST", "profiles/myServer?action=disable")
    changed = text.replace("desc=", "desc=changed ")
    assert agent.call("PUT", "profiles/myServer/raw", changed, {"Content-Type": "application/octet-stream"})[0] == 200
    assert b"desc=changed " in agent.call("GET", "profiles/myServer/raw")[1]
    agent.json("DELETE", "profiles/myServer")
    refused(404, agent.json, "GET", "profiles/myServer")


# --- at the same moment -------------------------------------------------------------------

def at_once(calls):
    """Runs them in threads that start together: what each returned or raised."""
    gate, out = threading.Barrier(len(calls)), [None] * len(calls)

    def one(i):
        gate.wait()
        try:
            out[i] = calls[i]() or "done"
        except Refused as e:
            out[i] = e
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    return out


@pytest.mark.quick
def test_agents_who_approve_at_once_make_one_certificate(shared_ca, agent):
    agents = [shared_ca.agent() for _ in range(4)]
    for n in range(5):
        name = f"race{n}.example.com"
        rid = agent.submit(csr(name))[0]["requestID"]
        reviews = [a.review(rid) for a in agents]
        out = at_once([lambda a=a, r=r: a.act(rid, "approve", r) for a, r in zip(agents, reviews)])
        assert sum(x == "done" for x in out) == 1, out
        assert all(x == "done" or x.status in (400, 409) for x in out), out
        found = agent.json("POST", "certs/search", {"commonName": name, "subjectInUse": True})["entries"]
        assert [f["id"] for f in found] == [agent.request(rid)["certId"]]
    for a in agents:
        a.close()


def test_agents_who_revoke_at_once_revoke_once(shared_ca, agent):
    agents = [shared_ca.agent() for _ in range(4)]
    reasons = ["Key_Compromise", "Superseded", "Cessation_of_Operation", "Affiliation_Changed"]
    for _ in range(5):
        serial = agent.issue(csr(), "caAgentServerCert")
        nonces = [a.json("GET", f"agent/certs/{serial}")["Nonce"] for a in agents]
        out = at_once([lambda a=a, r=r, n=n: a.revoke(serial, r, nonce=n)
                       for a, r, n in zip(agents, reasons, nonces)])
        won = [i for i, x in enumerate(out) if not isinstance(x, Refused)]
        assert len(won) == 1 and all(x.status == 400 for i, x in enumerate(out) if i not in won), out
        e = entry(agent.crl_update(), serial)
        assert e.extensions.get_extension_for_class(x509.CRLReason).value.reason == REASONS.get(reasons[won[0]])
    for a in agents:
        a.close()


def test_a_store_put_back_does_not_take_the_crl_back(new_ca):
    """The store of yesterday, over the CRLs of today."""
    ca = new_ca()
    agent = ca.agent()
    agent.crl_update()
    agent.close()
    ca.stop()
    old = (ca.db / "data.mdb").read_bytes()
    ca.start()
    agent = ca.agent()
    for _ in range(3):
        agent.revoke(agent.issue(csr(), "caAgentServerCert"))
        last = number(agent.crl_update())
    agent.close()
    ca.stop()
    (ca.db / "data.mdb").write_bytes(old)
    ca.start()
    assert number(ca.agent().crl_update()) > last


def test_a_lost_crl_file_is_made_again(new_ca):
    ca = new_ca()
    agent = ca.agent()
    serial = agent.issue(csr(), "caAgentServerCert")
    agent.revoke(serial)
    before = number(agent.crl_update())
    agent.close()
    ca.stop()
    files = [p for p in (ca.lib / "crl/ca").rglob("*") if p.is_file()]
    assert files
    for p in files:
        p.write_bytes(p.read_bytes()[:-1] + b"x")  # damaged
    ca.start()
    crl = program.wait_for("a CRL", lambda: ca.plain("GET", instance.CRL_PATH)[0] == 200 and ca.crl())
    assert number(crl) >= before and entry(crl, serial) is not None
    assert crl.is_signature_valid(ca.ca_cert().public_key())
    ca.stop()
    for p in [p for p in (ca.lib / "crl/ca").rglob("*") if p.is_file()]:
        p.unlink()
    ca.start()
    crl = program.wait_for("a CRL", lambda: ca.plain("GET", instance.CRL_PATH)[0] == 200 and ca.crl())
    assert number(crl) >= before and entry(crl, serial) is not None
