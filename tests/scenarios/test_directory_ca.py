# SPDX-License-Identifier: Apache-2.0
"""A CA whose records are in a 389 Directory Server: it serves as on the embedded store, with few writes and no
unindexed search; a directory that is stopped, full, read-only or gone gives a clear 503 and comes back by itself."""

import pytest
from cryptography.x509 import ocsp

import instance


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
