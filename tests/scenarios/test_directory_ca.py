# SPDX-License-Identifier: Apache-2.0
"""A CA whose records are in a 389 Directory Server: it serves as on the embedded store, with few writes and no
unindexed search; a directory that is stopped, read-only or gone gives a clear 503 and comes back by itself."""
import contextlib
import os
import signal
import threading

import pytest
from cryptography.x509 import ocsp

import instance
import program

LIMIT = 90  # seconds until something must have happened
AUTOMATIC = "caAgentServerCert"  # issues at once to an agent


@pytest.fixture(scope="module")
def golden():
    g = instance.DirectoryGolden()
    yield g
    g.remove()


@pytest.fixture
def ca(golden):
    c = instance.Ca(golden).directory()
    try:
        c.settings({"internaldb.ldapconn.timeoutMs": "2000"})
        c.start()
        yield c
        if c.ds.running():
            c.ds.check_indexed()
    finally:
        c.remove(check=False)


def counted(ca, work):
    """What work() returns and the writes it made to the directory."""
    before = len(ca.ds.log_lines())
    result = work()
    return result, [x for x in ca.ds.writes(before) if "cn=MasterCRL" not in x and "cn=feed-" not in x]


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
