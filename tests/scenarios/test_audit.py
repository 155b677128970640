# SPDX-License-Identifier: Apache-2.0
"""The signed audit log, and what no log may show."""
import base64
import pathlib
import re

import pytest

import instance
import program
from instance import csr

NICK = "ca_audit_signing"


@pytest.fixture(scope="module")
def signed_golden():
    made = instance.Golden(f"pki_audit_signing_nickname={NICK}")
    yield made
    made.remove()


@pytest.fixture
def signed(signed_golden):
    """A started CA whose audit log is signed."""
    ca = instance.Ca(signed_golden)
    ca.settings({"log.instance.SignedAudit.logSigning": "true",
                 "log.instance.SignedAudit.signedAuditCertNickname": NICK})
    yield ca.start()
    ca.remove()


def use(ca, user="u1"):
    """A little of everything that is audited."""
    agent = ca.agent()
    agent.json("GET", "account/login")
    serial = agent.issue(csr("audited.example.com"), "caAgentServerCert")
    agent.revoke(serial, "Certificate_Hold")
    agent.unrevoke(serial)
    rid = agent.submit(csr())[0]["requestID"]
    agent.act(rid, "reject")
    agent.json("POST", "admin/users", {"UserID": user, "FullName": "U One", "password": "Very-Secret-99"})
    agent.crl_update()
    bad = {"Authorization": "Basic Y2FhZG1pbjpOb3QtVGhlLVBhc3N3b3JkLTc3"}  # caadmin:Not-The-Password-77
    assert ca.anonymous().call("GET", "account/login", headers=bad)[0] == 401
    nobody = {"Authorization": "Basic " + base64.b64encode(f"{user}:Very-Secret-99".encode()).decode()}
    assert ca.anonymous().call("GET", "agent/certrequests", headers=nobody)[0] == 403
    agent.close()
    return serial


def logs_of(ca):
    """Audit logs, oldest first."""
    folder = ca.logs / "ca/signedAudit"
    return sorted(folder.iterdir(), key=lambda p: (p.name == "ca_audit", p.name))


def verify(ca, files, tmp_path, status=0):
    (tmp_path / "list").write_text("\n".join(map(str, files)) + "\n")
    return program.run("AuditVerify", "-d", ca.conf / "alias", "-n", NICK, "-a", tmp_path / "list", "-v",
                       status=status).stdout


def test_auditverify_accepts_the_log_and_finds_a_changed_byte(signed, tmp_path):
    ca = signed
    serial = use(ca)
    ca.restart()
    use(ca, "u2")
    ca.stop()
    files = logs_of(ca)
    text = "".join(p.read_text() for p in files)
    assert text.count("AUDIT_LOG_SIGNING") >= 2 and serial in text
    out = verify(ca, files, tmp_path)
    assert "VERIFICATION SUCCEEDED" in out and "FAILED" not in out
    data = bytearray(files[0].read_bytes())
    # between the first signature, which is a starting point, and the last
    begin = data.index(b"\n", data.index(b"AUDIT_LOG_SIGNING")) + 1
    end = data.rindex(b"AUDIT_LOG_SIGNING")
    assert end > begin, "one signature only"
    at = data.index(b"Outcome=Success", begin, end)
    data[at + 8] ^= 1
    changed = tmp_path / "changed"
    changed.write_bytes(data)
    assert "VERIFICATION FAILED" in verify(ca, [changed], tmp_path, status=None)
    # a line taken away is found as well
    lines = files[0].read_bytes().splitlines(keepends=True)
    drop = next(i for i, x in enumerate(lines) if b"CERT_STATUS_CHANGE_REQUEST_PROCESSED" in x)
    changed.write_bytes(b"".join(lines[:drop] + lines[drop + 1:]))
    assert "VERIFICATION FAILED" in verify(ca, [changed], tmp_path, status=None)
    # what stands behind the last signature is told, and no signature is no verification
    changed.write_bytes(files[0].read_bytes() + b"0.x - [22/Nov/2026:12:00:00 UTC] [14] [6] [AuditEvent=AUTH] forged\n")
    argv = ("AuditVerify", "-d", ca.conf / "alias", "-n", NICK, "-a", tmp_path / "list")
    (tmp_path / "list").write_text(f"{changed}\n")
    assert "the last 1 lines have no signature yet" in program.run(*argv).stderr
    changed.write_bytes(b"".join(x for x in lines if b"AUDIT_LOG_SIGNING" not in x))
    assert "no signature: nothing was verified" in program.run(*argv, status=1).stderr
    ca.start()


def test_every_acknowledged_change_is_in_the_log_after_kill_9(signed):
    ca = signed
    serial = use(ca)
    ca.kill()
    ca.start()
    program.wait_for("the lines of the journal", lambda: serial in "".join(
        p.read_text() for p in logs_of(ca) if p.is_file()), 15)
    text = "".join(p.read_text() for p in logs_of(ca))
    assert len(re.findall(r"CERT_STATUS_CHANGE_REQUEST_PROCESSED.*" + serial, text)) >= 2


def test_events_say_who_and_how_it_ended(signed):
    use(signed)
    signed.stop()
    text = "".join(p.read_text() for p in logs_of(signed))
    for event, outcome in (("AUTH", "Success"), ("AUTH", "Failure"), ("AUTHZ", "Failure"),
                           ("CERT_REQUEST_PROCESSED", "Success"), ("CERT_STATUS_CHANGE_REQUEST_PROCESSED", "Success"),
                           ("CONFIG_ROLE", "Success"), ("AUDIT_LOG_STARTUP", "Success")):
        assert re.search(rf"\[AuditEvent={event}\](\[[^\]]*\])*\[Outcome={outcome}\]", text), event
    signed.start()


def test_no_log_argument_or_core_shows_a_secret(signed, tmp_path):
    ca = signed
    ca.stop()
    ca.start(debug=True)
    use(ca)
    secrets = {s.encode() for s in ca.secrets()} | {b"Very-Secret-99", b"Not-The-Password-77",
                                                   b"Y2FhZG1pbjpOb3QtVGhlLVBhc3N3b3JkLTc3"}
    assert len(secrets) >= 4
    found = []
    for p in pathlib.Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                text = (p / "cmdline").read_bytes() + (p / "environ").read_bytes()
            except OSError:
                continue
            if str(ca.root).encode() in text:
                found += [(p, s) for s in secrets if s in text]
    # the memory of a dead pkid is not written anywhere: it is not dumpable
    assert pathlib.Path(f"/proc/{ca.pid()}/status").stat().st_uid == 0
    limits = pathlib.Path(f"/proc/{ca.pid()}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits
    ca.stop()
    for path in [ca.log, *ca.logs.rglob("*")]:
        if path.is_file():
            found += [(path, s) for s in secrets if s in path.read_bytes()]
    # passwords are stored as hashes only
    data = (ca.db / "data.mdb").read_bytes()
    found += [("store", s) for s in secrets if s in data]
    assert not found
    ca.start()


def test_the_output_of_pkispawn_shows_no_secret(signed_golden, signed):
    text = signed_golden.spawned.stdout + signed_golden.spawned.stderr
    assert not [s for s in signed.secrets() if s in text]
