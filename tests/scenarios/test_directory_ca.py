# SPDX-License-Identifier: Apache-2.0
"""A CA whose records are in a 389 Directory Server: it serves as on the embedded store, with few writes and no
unindexed search; a directory that is stopped, read-only or gone gives a clear 503 and comes back by itself."""
import contextlib
import json
import os
import shutil
import signal
import threading

import ldap
import pytest
from cryptography.x509 import ocsp

import instance
import program
import relay

LIMIT = 90  # seconds until something must have happened
AUTOMATIC = "caAgentServerCert"  # issues at once to an agent


@pytest.fixture
def ca(directory_golden):
    c = instance.Ca(directory_golden).directory()
    try:
        c.settings({"internaldb.ldapconn.timeoutMs": "2000"})
        c.start()
        yield c
    finally:
        c.remove(check=False)


def counted(ca, work):
    """What work() returns and the writes it made to the directory; the clockwork writes its own meanwhile."""
    before = len(ca.ds.log_lines())
    result = work()
    return result, [x for x in ca.ds.writes(before) if "cn=MasterCRL" not in x and ",ou=signet," not in x]


def test_a_ca_lives_on_a_directory(ca):
    agent = ca.agent()
    agent.json("GET", "account/login")
    info, writes = counted(ca, lambda: agent.submit(instance.csr(), AUTOMATIC)[0])
    assert info["requestStatus"] == "complete"
    assert len(writes) <= 2, writes
    serial, writes = counted(ca, lambda: agent.issue(instance.csr()))
    assert len(writes) <= 3, writes
    cert = agent.cert(serial)
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
    _, writes = counted(ca, lambda: agent.revoke(serial))
    assert len(writes) <= 2, writes
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert agent.crl_update().get_revoked_certificate_by_serial_number(cert.serial_number)
    held = agent.cert(agent.issue(instance.csr("held.example.com")))
    agent.revoke(hex(held.serial_number), "Certificate_Hold")
    assert ca.ocsp(held).certificate_status == ocsp.OCSPCertStatus.REVOKED
    agent.unrevoke(hex(held.serial_number))
    assert ca.ocsp(held).certificate_status == ocsp.OCSPCertStatus.GOOD
    number = ca.crl().extensions.get_extension_for_class(instance.x509.CRLNumber).value.crl_number
    ca.stop()
    ca.ds.restart()
    ca.start()
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.REVOKED
    crl = ca.crl()
    assert crl.extensions.get_extension_for_class(instance.x509.CRLNumber).value.crl_number >= number
    assert crl.get_revoked_certificate_by_serial_number(cert.serial_number)
    assert ca.agent().cert_data(serial)["Status"] == "REVOKED"


def test_an_instance_on_a_directory_is_backed_up_and_restored(ca, tmp_path):
    """Its records stay in the directory; keys, settings and logs are the backup, and it says that it was restored."""
    archive = tmp_path / "backup.tgz"

    def server(*argv):
        return program.run("pki-server", "--root", ca.root, *argv, ca.name, env=ca.env).stdout

    cert = ca.agent().cert(ca.agent().issue(instance.csr()))
    assert "directory's own means" in server("backup", "--file", archive)
    ca.kill()
    for path in ("etc/pki", "var/lib/pki", "var/log/pki"):
        shutil.rmtree(ca.root / path)
    server("restore", "--file", archive)
    ca.start()
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
    assert "Restored:" in server("status")


# --- a directory that does not serve -------------------------------------------

def submit(ca, agent):
    """The status of an enrolment, with the text of a refusal."""
    try:
        info = agent.submit(instance.csr(), AUTOMATIC)[0]
        assert info["requestStatus"] == "complete", info
        return 200, ""
    except instance.Refused as e:
        return e.status, e.text


def until_served(ca, agent):
    program.wait_for("enrolments again", lambda: submit(ca, agent)[0] == 200, LIMIT, 0.2)


@contextlib.contextmanager
def stopped(ca):
    pid = int(ca.ds.pid_file.read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def gone(ca):
    ca.ds.stop()
    yield
    ca.ds.start()


@contextlib.contextmanager
def killed(ca):
    ca.ds.kill()
    yield
    ca.ds.start()


@contextlib.contextmanager
def read_only(ca):
    def switch(value):
        c = ca.ds.connect()
        c.modify_s("cn=ca,cn=ldbm database,cn=plugins,cn=config", [(2, "nsslapd-readonly", value)])
        c.unbind_s()
    switch(b"on")
    yield
    switch(b"off")


@pytest.mark.parametrize("fault", [stopped, gone, killed, read_only])
def test_a_directory_that_does_not_serve_gives_503_and_comes_back(ca, fault):
    agent = ca.agent()
    cert = agent.cert(agent.issue(instance.csr()))
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
    with fault(ca):
        for _ in range(3):
            status, text = submit(ca, agent)
            assert status == 503, (status, text)
            assert "directory" in text, text
        # what needs no directory goes on
        assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.GOOD
        assert ca.crl().issuer == ca.ca_cert().subject
        assert ca.plain("GET", "/metrics")[0] == 200
    until_served(ca, agent)
    program.wait_for("health", ca.healthy, LIMIT)
    complete_and_no_less(ca)


def health(ca):
    """(status, body) of the health page; (0, {}) while nothing listens."""
    try:
        status, body = ca.plain("GET", "/health")
        return status, json.loads(body)
    except OSError:
        return 0, {}


@pytest.mark.parametrize("fault", [stopped, gone])
def test_a_ca_starts_without_its_directory_and_serves_when_it_comes(ca, fault):
    agent = ca.agent()
    cert, held = (agent.cert(agent.issue(instance.csr())) for _ in range(2))
    agent.revoke(hex(cert.serial_number))
    agent.crl_update()
    number = ca.crl().extensions.get_extension_for_class(instance.x509.CRLNumber).value.crl_number
    ca.stop()
    with fault(ca):
        ca.launch()
        program.wait_for("the health page", lambda: health(ca)[0] == 503, LIMIT)
        check = health(ca)[1]["checks"][0]
        agent = ca.agent()
        assert check["status"] == "waiting" and "ca waits for its directory: " in check["reason"], check
        status, text = submit(ca, agent)
        assert status == 503 and "ca waits for its directory: directory: ldap://" in text, (status, text)
        for path in ("/ca/v2/certs", "/ca/rest/certs/search", "/ca/ee/ca/profileList", "/ca/none"):
            assert ca.plain("GET", path)[0] == 503, path
        der = ocsp.OCSPRequestBuilder().add_certificate(cert, ca.ca_cert(), instance.hashes.SHA1()).build()
        status, body = ca.plain("POST", "/ca/ocsp", der.public_bytes(instance.serialization.Encoding.DER))
        assert ocsp.load_der_ocsp_response(body).response_status == ocsp.OCSPResponseStatus.TRY_LATER
        # the list it delivered last
        assert ca.crl().get_revoked_certificate_by_serial_number(cert.serial_number)
        status, body = ca.plain("GET", "/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=../MasterCRL")
        assert status == 503, body
        assert ca.plain("GET", "/ca/admin/ca/getStatus")[1].count(b"starting") == 1
        assert ca.plain("GET", "/metrics")[0] == 200
        done = program.run("pki-server", "--root", ca.root, "ca-user-find", "-i", ca.name, env=ca.env, status=1)
        assert "ca waits for its directory" in done.stderr, done.stderr
    until_served(ca, agent)
    program.wait_for("health", ca.healthy, LIMIT)
    assert ca.plain("GET", "/ca/none")[0] == 404 and ca.plain("PUT", "/ca/v2/certs")[0] in (404, 405)
    assert ca.ocsp(cert).certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert b"running" in ca.plain("GET", "/ca/admin/ca/getStatus")[1]
    agent.revoke(hex(held.serial_number))
    crl = agent.crl_update()
    assert all(crl.get_revoked_certificate_by_serial_number(x.serial_number) for x in (cert, held))
    assert crl.extensions.get_extension_for_class(instance.x509.CRLNumber).value.crl_number > number
    assert ca.log.read_text().count("subsystem=ca waits") == 1


def test_a_slow_line_to_the_directory_is_slow_then_503(ca):
    ca.stop()
    with relay.Relay(ca.ds.port) as line:
        ca.settings({"internaldb.ldapconn.port": line.port})
        ca.start()
        agent = ca.agent()
        line.delay = 0.05
        assert submit(ca, agent) == (200, "")
        line.delay = 3  # longer than internaldb.ldapconn.timeoutMs
        for _ in range(2):
            status, text = submit(ca, agent)
            assert status == 503 and "directory" in text, (status, text)
        line.delay = 0
        until_served(ca, agent)
        program.wait_for("health", ca.healthy, LIMIT)
        complete_and_no_less(ca)
        ca.stop()


def test_a_full_directory_gives_503_and_loses_nothing(ca, small_disk):
    ca.stop()
    ca.ds.stop()
    folder = ca.ds.folder / f"lib/slapd-{ca.ds.name}/db"
    small_disk(folder, 128 << 20)
    ca.ds.start()
    ca.start()
    agent = ca.agent()
    serials = [agent.issue(instance.csr())]
    filler = program.fill(folder)
    refused = []

    def full():  # what the directory had reserved is used up first
        try:
            info = agent.submit(instance.csr(), AUTOMATIC)[0]
            serials.append(info["certId"])
        except instance.Refused as e:
            refused.append(e)
        return len(refused) == 3
    program.wait_for("refusals", full, LIMIT, 0)
    assert all(e.status == 503 and "directory" in e.text for e in refused), refused
    filler.unlink()
    if not works(ca.ds):  # its database may give up for good
        ca.ds.kill()
        ca.ds.start()
    until_served(ca, agent)
    have = {c["id"] for c in agent.json("GET", "certs?size=1000")["entries"]}
    assert set(serials) <= have
    complete_and_no_less(ca)


def works(server):
    """Does it take a change?"""
    try:
        c = ldap.initialize(server.url)
        c.timeout = 20
        c.simple_bind_s(server.bind_dn, server.password)
        c.modify_s("o=t-CA", [(ldap.MOD_REPLACE, "description", b"room")])
        c.unbind_s()
        return True
    except ldap.LDAPError:
        return False


def complete_and_no_less(ca):
    """Every completed request has its certificate and every certificate its request, as soon as cut commits are
    finished."""
    def check():
        c = ca.ds.connect()
        requests = c.search_s("ou=ca,ou=requests,o=t-CA", 1, "(&(requestType=enrollment)(requestState=complete))", ["cn"])
        certs = c.search_s("ou=certificateRepository,ou=ca,o=t-CA", 1, "(certStatus=*)", ["metaInfo"])
        c.unbind_s()
        named = {m.split(b":")[1] for _, a in certs for m in a.get("metaInfo", []) if m.startswith(b"requestId:")}
        return {a["cn"][0] for _, a in requests} <= named
    program.wait_for("completed requests to have their certificates", check, LIMIT, 0.5)


def test_commits_cut_by_the_death_of_the_directory_are_finished(ca):
    agents = [ca.agent() for _ in range(4)]
    stop = threading.Event()
    done, failed = [], []

    def work(agent):
        while not stop.is_set():
            status, _ = submit(ca, agent)
            (done if status == 200 else failed).append(status)

    threads = [threading.Thread(target=work, args=(a,)) for a in agents]
    for t in threads:
        t.start()
    try:
        for _ in range(2):
            before = len(done)
            program.wait_for("enrolments", lambda n=before: len(done) > n + 5, LIMIT, 0.02)
            ca.ds.kill()
            ca.ds.start()
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert set(failed) <= {503}, failed
    until_served(ca, agents[0])
    complete_and_no_less(ca)
