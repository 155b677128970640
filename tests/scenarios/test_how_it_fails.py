# SPDX-License-Identifier: Apache-2.0
"""Broken input, broken set-ups, wrong certificates: a clear text, and nothing
changed."""
import datetime
import http.client
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import instance
import program
from instance import Refused, csr

TEXT_MAX = 400  # an error is a sentence, not a page


@pytest.fixture(scope="module")
def agent(shared_ca):
    client = shared_ca.agent()
    client.issue(csr("kept.example.com"), "caAgentServerCert")
    client.submit(csr("waiting.example.com"))
    yield client
    client.close()


def records(agent):
    """All that a refused call must not change."""
    return [agent.call("GET", path)[1] for path in
            ("certs?size=1000", "agent/certrequests?pageSize=1000", "profiles?size=1000", "admin/users?size=1000",
             "admin/groups?size=1000", "admin/groups/Administrators/members")] + [agent.ca.crl_der()]


# --- malformed calls --------------------------------------------------------------------

J = {"Content-Type": "application/json"}
DEEP = "[" * 100000
NOT_A_REQUEST = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"


def enrol(**values):
    return instance.enrolment(values.pop("profile", "caServerCert"), values)


BAD = [
    ("POST", "certrequests", ""), ("POST", "certrequests", "{"), ("POST", "certrequests", "[]"),
    ("POST", "certrequests", "null"), ("POST", "certrequests", DEEP), ("POST", "certrequests", b"\xff\xfe{}"),
    ("POST", "certrequests", '{"ProfileID":"caServerCert","ProfileID":"caCACert"}'),
    ("POST", "certrequests", {}), ("POST", "certrequests", {"ProfileID": 7}),
    ("POST", "certrequests", {"ProfileID": "nothere"}), ("POST", "certrequests", {"ProfileID": "../../etc/passwd"}),
    ("POST", "certrequests", {"ProfileID": "x" * 5000}), ("POST", "certrequests", {"ProfileID": "a\0b"}),
    ("POST", "certrequests", {"ProfileID": "caServerCert", "Input": "text"}),
    ("POST", "certrequests", enrol()), ("POST", "certrequests", enrol(cert_request="", cert_request_type="pkcs10")),
    ("POST", "certrequests", enrol(cert_request=NOT_A_REQUEST, cert_request_type="pkcs10")),
    ("POST", "certrequests", enrol(cert_request="A" * 100000, cert_request_type="pkcs10")),
    ("POST", "certrequests", enrol(cert_request=NOT_A_REQUEST, cert_request_type="crmf")),
    ("POST", "certrequests", enrol(cert_request=NOT_A_REQUEST, cert_request_type="nonsense")),
    ("POST", "certrequests?issuer-id=a&issuer-dn=b", {"ProfileID": "caServerCert"}),
    ("POST", "certrequests?issuer-id=nope", {"ProfileID": "caServerCert"}),
    ("GET", "certs/nonsense", None), ("GET", "certs/0xzz", None), ("GET", "certs/-1", None),
    ("GET", "certs/" + "9" * 4000, None), ("GET", "certs/0x1234567", None), ("GET", "certs?size=99999999999", None),
    ("GET", "certs?start=-5", None), ("GET", "certrequests/0xffffffff", None), ("GET", "certrequests/%00", None),
    ("GET", "agent/certs/x", None), ("POST", "agent/certs/x/revoke", {"Reason": "Superseded"}),
    ("POST", "agent/certs/0x99/revoke", {"Reason": "Superseded"}), ("POST", "agent/certs/0x99/unrevoke", None),
    ("POST", "agent/certrequests/0x99/approve", {}), ("POST", "agent/certrequests/zz/approve", {}),
    ("POST", "agent/certrequests/0x99/explode", {}), ("GET", "agent/certrequests/0x99", None),
    ("GET", "agent/certrequests?pageSize=x", None),
    ("POST", "profiles", "{"), ("POST", "profiles/raw", "no equals sign"), ("POST", "profiles/raw", ""),
    ("POST", "profiles/raw", "profileId=x\nclassId=nonsense\n"), ("PUT", "profiles/nothere/raw", "a=b"),
    ("POST", "profiles/caServerCert?action=explode", None), ("DELETE", "profiles/nothere", None),
    ("DELETE", "profiles/caServerCert", None),
    ("POST", "admin/users", {}), ("POST", "admin/users", {"UserID": "a\\b", "FullName": "x"}),
    ("POST", "admin/users", {"UserID": "caadmin", "FullName": "x"}), ("DELETE", "admin/users/nobody", None),
    ("POST", "admin/users/caadmin/certs", {"Encoded": "nonsense"}), ("GET", "admin/users?filter=a", None),
    ("POST", "admin/groups", {}), ("POST", "admin/groups/nothere/members", {"id": "caadmin"}),
    ("POST", "admin/groups/Auditors/members", {"id": "nobody"}),
    ("GET", "/ca/ee/ca/getCRL", None), ("GET", "/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=../x", None),
    ("GET", "/ca/ee/ca/getCRL?op=explode&crlIssuingPoint=MasterCRL", None), ("GET", "nothere", None),
    ("DELETE", "info", None), ("GET", "/ca/v2/../../etc/passwd", None), ("GET", "/%2e%2e/%2e%2e/etc/passwd", None),
]


def case_name(i):
    method, path, body = BAD[i]
    return f"{i}-{method}-{re.sub('[^a-zA-Z0-9]+', '-', path)[:40]}"


@pytest.mark.quick
def test_malformed_calls_get_a_4xx_and_change_nothing(shared_ca, agent):
    before = records(agent)
    wrong = []
    for i, (method, path, body) in enumerate(BAD):
        status, data = agent.call(method, path, body, J)
        text = data.decode("utf-8", "replace")
        if not 400 <= status < 500:
            wrong.append((case_name(i), status, text[:200]))
        elif status not in (404, 405) and not 0 < len(text) < TEXT_MAX + 6000:
            wrong.append((case_name(i), status, len(text)))
    assert not wrong, "\n".join(map(str, wrong))
    assert records(agent) == before
    assert shared_ca.process.poll() is None


def test_an_unreadable_request_of_an_enrolment_names_itself(agent):
    with pytest.raises(Refused) as x:
        agent.submit(NOT_A_REQUEST)
    assert x.value.status == 400 and len(x.value.text) > 10, x.value


RAW = [
    b"GET / HTTP/1.1\r\n\r\n",  # no Host
    b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST /ca/ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\n",
    b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
    b"GET /health%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("i", range(len(RAW)))
def test_malformed_http_is_refused_and_the_next_call_works(shared_ca, i):
    with socket.create_connection(("127.0.0.1", shared_ca.http), 10) as s:
        s.settimeout(60)
        try:
            s.sendall(RAW[i])
            answer = s.recv(65536)
        except ConnectionError:  # closed while a long one was on its way
            answer = b""
    assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d|HTTP/1\.1 50[15]", answer), answer[:200]
    assert shared_ca.healthy()


@pytest.mark.parametrize("body", [b"", b"nonsense", b"0" * 20000, b"\x30\x80", b"\x30\x84\xff\xff\xff\xff"])
def test_a_malformed_ocsp_request_gets_an_ocsp_error_or_4xx(shared_ca, body):
    status, data = shared_ca.plain("POST", "/ca/ocsp", body, {"Content-Type": instance.OCSP_TYPE})
    assert 400 <= status < 500 or status == 200 and data[:5] == bytes.fromhex("30030a0101"), (status, data[:40])


def test_a_foreign_page_cannot_use_the_agents_browser(agent):
    serial = agent.issue(csr(), "caAgentServerCert")
    nonce = agent.json("GET", f"agent/certs/{serial}")["Nonce"]
    body = {"Reason": "Superseded", "Nonce": nonce}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert agent.call("POST", f"agent/certs/{serial}/revoke", body, headers)[0] == 403
    assert agent.cert_data(serial)["Status"] == "VALID"


# --- broken set-ups -------------------------------------------------------------------------

def last_error(out):
    lines = [x for x in out.splitlines() if x.startswith("ERROR: ")]
    assert len(lines) == 1, out
    assert 20 < len(lines[0]) < TEXT_MAX, lines
    return lines[0]


def will_not_start(ca, *words, **kw):
    status, out = ca.fail(**kw)
    assert status == 1, (status, out)
    text = last_error(out)
    for w in words:
        assert str(w) in text, (w, text)
    return text


def test_a_busy_port_is_named(new_ca):
    ca = new_ca(start=False)
    with socket.socket() as s:
        s.bind(("127.0.0.1", ca.https))
        s.listen()
        will_not_start(ca, ca.https)
    ca.start()


def test_a_bad_line_of_cs_cfg_is_named(new_ca):
    ca = new_ca(start=False)
    good = ca.cs_cfg.read_text()
    for bad, words in ((good + "no equals sign\n", ["CS.cfg", len(good.splitlines()) + 1]),
                       (good.replace("cs.state=1", "cs.state=0"), ["CS.cfg", "cs.state"]),
                       (good + "ca.ocspAnswerLifetime=soon\n", ["ca.ocspAnswerLifetime"])):
        ca.cs_cfg.write_text(bad)
        will_not_start(ca, *words)
    ca.cs_cfg.write_text(good)
    ca.start()


def test_a_wrong_pin_is_named_and_not_shown(new_ca):
    ca = new_ca(start=False)
    conf = ca.conf / "password.conf"
    good = conf.read_text()
    conf.write_text("internal=WrongPin12345\n")
    text = will_not_start(ca, "password.conf")
    assert "WrongPin12345" not in text
    conf.write_text(good)
    ca.start()


def test_a_missing_alias_is_named(new_ca):
    ca = new_ca(start=False)
    (ca.conf / "alias").rename(ca.conf / "away")
    will_not_start(ca, ca.conf / "alias")
    (ca.conf / "away").rename(ca.conf / "alias")
    ca.start()


def give(ca, uid=12345):
    """pkid gives up root's rights for the owner of the instance."""
    for folder, folders, files in os.walk(ca.root):
        for name in (".", *folders, *files):
            os.lchown(os.path.join(folder, name), uid, uid)


def test_an_unreadable_alias_is_named(new_ca):
    ca = new_ca(start=False)
    give(ca)
    os.chmod(ca.conf / "alias/key4.db", 0)
    will_not_start(ca, "alias")
    os.chmod(ca.conf / "alias/key4.db", 0o600)
    ca.start()
    status = pathlib.Path(f"/proc/{ca.pid()}/status").read_text()
    assert re.search(r"^Uid:\t12345\t12345\t12345\t12345$", status, re.M)


def test_a_missing_key_is_named(new_ca):
    ca = new_ca(start=False)
    nick = re.search(r"ca\.cert\.signing\.nickname=(.*)", ca.cs_cfg.read_text()).group(1)
    instance.set_lines(ca.cs_cfg, {"ca.cert.signing.nickname": "nothere"})
    text = will_not_start(ca, "nothere")
    assert "ca" in text
    instance.set_lines(ca.cs_cfg, {"ca.cert.signing.nickname": nick})
    ca.start()


def test_an_audit_log_that_cannot_be_written_is_named(new_ca):
    ca = new_ca(start=False)
    give(ca)
    folder = ca.logs / "ca/signedAudit"
    os.chmod(folder, 0o500)
    will_not_start(ca, folder)
    os.chmod(folder, 0o770)
    ca.start()


def test_a_second_pkid_is_refused(new_ca):
    ca = new_ca()
    will_not_start(ca, "running already")
    assert ca.healthy()


def test_a_second_pkispawn_is_refused_and_breaks_nothing(new_ca):
    ca = new_ca()
    argv = instance.spawn_arguments(ca.root, program.free_port(), program.free_port())
    done = program.run(*argv, env=ca.env, status=None)
    assert done.returncode == 1 and "already exists" in done.stderr + done.stdout
    assert ca.healthy()
    ca.restart()
    ca.agent().issue(csr(), "caAgentServerCert")


@pytest.mark.quick
def test_an_unknown_instance_is_named(golden, new_ca):
    ca = new_ca(start=False)
    ca.name = "other"
    will_not_start(ca, "other", "pkispawn")


# --- a full disk -----------------------------------------------------------------------------

def test_a_full_disk_is_said_and_outlived(new_ca, small_disk):
    ca = new_ca(start=False)
    small_disk(ca.db, 8 << 20)
    ca.start()
    agent = ca.agent()
    serial = agent.issue(csr("before.example.com"), "caAgentServerCert")
    cert = agent.cert(serial)
    filler = program.fill(ca.db)
    refusals, made = [], [serial]
    for _ in range(40):  # free pages of the file are used up first
        try:
            made.append(agent.issue(csr("full.example.com"), "caAgentServerCert"))
        except Refused as e:
            refusals.append(e)
            if len(refusals) == 3:
                break
    assert refusals, "the disk was never full"
    status, body = ca.plain("GET", "/health")
    assert status == 503 and b"disk full" in body and b"make room" in body
    for e in refusals:
        assert e.status in (500, 503, 507) and re.search("disk|space", e.text), e
    assert ca.ocsp(cert).certificate_status.name == "GOOD"  # what needs no disk goes on
    assert agent.cert_data(serial)["Status"] == "VALID"
    try:  # free pages of the file may do for a small change
        agent.revoke(serial)
        status = "REVOKED"
    except Refused:
        status = "VALID"
    assert agent.cert_data(serial)["Status"] == status
    filler.unlink()

    def works():
        try:
            return agent.issue(csr("after.example.com"), "caAgentServerCert")
        except Refused:
            return None
    made.append(program.wait_for("the disk has room again", works))
    assert ca.healthy()
    ca.restart()
    have = {c["id"] for c in ca.agent().json("GET", "certs?size=1000")["entries"]}
    assert set(made) <= have
    assert ca.anonymous().cert_data(serial)["Status"] == status


def test_an_audit_log_that_fails_stops_the_server_and_loses_no_line(new_ca, small_disk):
    ca = new_ca(start=False)
    small_disk(ca.logs / "ca", 1 << 20)
    ca.start()
    agent, made = ca.agent(), []
    filler = program.fill(ca.logs / "ca")

    def ended():
        try:
            made.append(agent.issue(csr("unrecorded.example.com"), "caAgentServerCert"))
        except (OSError, Refused, http.client.HTTPException):
            pass
        return ca.process.poll() is not None
    program.wait_for("the server stops", ended)
    assert ca.process.wait() == 1 and made
    ca.process = None
    log = ca.log.read_text()
    said = [line for line in log.splitlines() if " error " in line]
    assert len(said) == 1 and "the server stops" in said[0] and "ca_audit: No space left on device" in said[0], log
    will_not_start(ca, "No space left on device")
    filler.unlink()
    ca.start()
    path = ca.logs / "ca/signedAudit/ca_audit"
    program.wait_for("the lines of the journal", lambda: all(serial in path.read_text() for serial in made))
    for line in path.read_text().splitlines():
        assert re.match(r"0\.\S+ - \[", line) and line.count("[AuditEvent=") == 1, "whole lines only"


# --- wrong client certificates ------------------------------------------------------------------

def refused_as_agent(ca, pem):
    """Neither reads the queue nor logs in; a broken handshake is a refusal too."""
    client = ca.client(pem)
    try:
        return all(client.call("GET", path)[0] in (401, 403) for path in ("agent/certrequests", "account/login"))
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        client.close()


def accepted_as_agent(ca, pem):
    client = ca.client(pem)
    try:
        return client.call("GET", "agent/certrequests")[0] == 200
    finally:
        client.close()


def copy_names(old, key, ca_cert, ca_key, **changes):
    """The same version, serial, issuer, subject and extensions, another key."""
    b = (x509.CertificateBuilder().subject_name(old.subject).issuer_name(ca_cert.subject).public_key(key.public_key())
         .serial_number(changes.get("serial", old.serial_number))
         .not_valid_before(changes.get("not_before", old.not_valid_before))
         .not_valid_after(changes.get("not_after", old.not_valid_after)))
    for e in old.extensions:
        b = b.add_extension(e.value, e.critical)
    return b.sign(ca_key, hashes.SHA256())


@pytest.fixture(scope="module")
def ca_key(shared_ca, tmp_path_factory):
    """The CA's own key: the strongest forger."""
    d = tmp_path_factory.mktemp("key")
    alias = shared_ca.conf / "alias"
    nick = re.search(r"ca\.signing\.nickname=(.*)", shared_ca.cs_cfg.read_text()).group(1)
    (d / "pin").write_text(re.search(r"internal=(.*)", (shared_ca.conf / "password.conf").read_text()).group(1))
    subprocess.run(["pk12util", "-o", d / "ca.p12", "-d", alias, "-n", nick, "-k", d / "pin", "-W", "secret"],
                   check=True, stdout=subprocess.DEVNULL)
    key, _, _ = pkcs12.load_key_and_certificates((d / "ca.p12").read_bytes(), b"secret")
    return key


def admin_cert(ca):
    text = ca.admin_pem.read_bytes()
    key = serialization.load_pem_private_key(text, None)
    public = key.public_key().public_numbers()
    for pem in re.findall(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S):
        cert = x509.load_pem_x509_certificate(pem)
        if cert.public_key().public_numbers() == public:
            return cert, key
    raise AssertionError("no administrator's certificate")


def test_the_right_names_with_another_key_are_refused(shared_ca, ca_key, tmp_path):
    cert, _ = admin_cert(shared_ca)
    key = instance.make_key()
    forged = copy_names(cert, key, shared_ca.ca_cert(), ca_key)
    assert forged.serial_number == cert.serial_number
    assert refused_as_agent(shared_ca, instance.write_pem(tmp_path / "x.pem", key, forged))
    assert accepted_as_agent(shared_ca, shared_ca.admin_pem)


def test_a_certificate_of_another_ca_of_that_name_is_refused(shared_ca, tmp_path):
    cert, _ = admin_cert(shared_ca)
    key, other = instance.make_key(), instance.make_key()
    forged = copy_names(cert, key, shared_ca.ca_cert(), other)
    assert refused_as_agent(shared_ca, instance.write_pem(tmp_path / "x.pem", key, forged))


def test_an_expired_agent_certificate_is_refused(shared_ca, agent, ca_key, tmp_path):
    cert, _ = admin_cert(shared_ca)
    key = instance.make_key()
    end = datetime.datetime.utcnow().replace(microsecond=0) + datetime.timedelta(seconds=3)
    short = copy_names(cert, key, shared_ca.ca_cert(), ca_key, serial=0x7777, not_after=end)
    agent.json("POST", "admin/users/caadmin/certs",
               {"Encoded": short.public_bytes(serialization.Encoding.PEM).decode()})
    pem = instance.write_pem(tmp_path / "x.pem", key, short)
    assert accepted_as_agent(shared_ca, pem)
    time.sleep(max(0, (end - datetime.datetime.utcnow()).total_seconds()) + 1.1)
    assert refused_as_agent(shared_ca, pem)


def test_a_revoked_agent_certificate_is_refused_at_once(shared_ca, agent, tmp_path):
    key = instance.make_key()
    cert = instance.user_cert(agent, "agent2", key, ["Certificate Manager Agents"])
    pem = instance.write_pem(tmp_path / "x.pem", key, cert)
    assert accepted_as_agent(shared_ca, pem)
    logged_in = shared_ca.client(pem)
    assert logged_in.call("GET", "account/login")[0] == 200
    agent.revoke(hex(cert.serial_number))
    assert refused_as_agent(shared_ca, pem)
    # nor does the session that it opened before go on
    assert logged_in.call("GET", "agent/certrequests")[0] in (401, 403)
    logged_in.close()


def test_a_session_of_a_certificate_is_of_no_use_without_it(shared_ca):
    client = shared_ca.agent()
    assert client.call("GET", "account/login")[0] == 200
    thief = shared_ca.anonymous()
    thief.cookie = client.cookie
    assert thief.call("GET", "agent/certrequests")[0] in (401, 403)
    client.close()
    thief.close()
