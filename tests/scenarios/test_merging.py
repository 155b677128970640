# SPDX-License-Identifier: Apache-2.0
"""What replication makes of changes on both sides: the last writer of an attribute wins in a directory, so a status can
lose its revocation. Two CAs on two real directories that were apart must come to what was decided."""
import time

import ldap
import pytest

import instance
import pair
import program

AUTOMATIC = "caAgentServerCert"  # issues at once to an agent
LIMIT = 90  # seconds until something must have happened


@pytest.fixture(scope="module")
def two(directory_golden):
    p = pair.Pair(directory_golden, apart=True)
    try:
        yield p.start()
    finally:
        p.remove()


def dn(serial):
    return f"cn={int(serial, 16)},ou=certificateRepository,ou=ca,{pair.SUFFIX}"


def entry(ca, serial):
    """The certificate's status attributes in that CA's directory."""
    connection = ca.ds.connect()
    found = connection.search_s(dn(serial), ldap.SCOPE_BASE, attrlist=["certStatus", "revInfo", "revokedBy"])[0][1]
    connection.unbind_s()
    return {k: [v.decode() for v in vs] for k, vs in found.items()}


def change(ca, serial, *mods):
    connection = ca.ds.connect()
    connection.modify_s(dn(serial), list(mods))
    connection.unbind_s()


def issued(p):
    """A certificate that both sides know, and agents of both."""
    a, b = p.a.agent(), p.b.agent()
    serial = a.issue(instance.csr(), AUTOMATIC)
    p.net.wait()
    return serial, a, b


def later():
    """Changes are ordered by the second."""
    time.sleep(1.1)


def meet(p):
    p.net.resume()
    p.net.wait()


def revoked_everywhere(p, serial, reason):
    def check():
        now = [entry(ca, serial) for ca in (p.a, p.b)]
        return all(x["certStatus"] == ["REVOKED"] and len(x.get("revInfo", [])) == 1 and
                   f"CRLReasonExtension={reason}" in x["revInfo"][0] for x in now) and now[0] == now[1]
    try:
        program.wait_for("the revocation to be put right", check, LIMIT)
    except AssertionError as e:
        raise AssertionError(f"{e}: {entry(p.a, serial)} {entry(p.b, serial)}") from None
    p.a.agent().crl_update()
    assert p.lists(p.a, serial)


def test_a_status_written_after_a_revocation_elsewhere(two):
    serial, a, _ = issued(two)
    two.net.pause()
    a.revoke(serial, "Key_Compromise")
    later()
    change(two.b, serial, (ldap.MOD_REPLACE, "certStatus", b"VALID"))
    meet(two)
    revoked_everywhere(two, serial, 1)
    logs = two.a.log.read_text() + two.b.log.read_text()
    assert f"certificate={hex(int(serial, 16))}: replication lost its revocation" in logs


def test_released_on_one_side_and_compromised_on_the_other(two):
    serial, a, b = issued(two)
    a.revoke(serial, "Certificate_Hold")
    two.net.wait()
    two.net.pause()
    b.unrevoke(serial)
    b.revoke(serial, "Key_Compromise")
    later()
    a.unrevoke(serial)
    assert entry(two.a, serial)["certStatus"] == ["VALID"]
    meet(two)
    revoked_everywhere(two, serial, 1)


def test_both_values_left_on_an_attribute(two):
    serial, a, _ = issued(two)
    two.net.pause()
    a.revoke(serial, "Key_Compromise")
    later()
    # as a server does that adds values (spec directory 2.6)
    change(two.b, serial, (ldap.MOD_ADD, "revInfo", b"20380101000000Z;CRLReasonExtension=6"),
           (ldap.MOD_ADD, "revokedBy", b"somebody"), (ldap.MOD_ADD, "revokedOn", b"20380101000000Z"),
           (ldap.MOD_REPLACE, "certStatus", b"REVOKED"))
    two.net.resume()
    two.net.wait()
    revoked_everywhere(two, serial, 1)
