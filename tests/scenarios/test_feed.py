# SPDX-License-Identifier: Apache-2.0
"""What has reached a CA's own directory is on its next CRL, however late the feed brings it: the feed is kept back by a
relay while everything else goes on."""
import contextlib
import os
import shutil
import signal

import ldap
import pytest

import instance
import ldap_hold
import pair
import program

AUTOMATIC = "caAgentServerCert"  # issues at once to an agent
PATIENT = ("--wait", str(pair.LIMIT))


@pytest.fixture
def make(directory_golden):
    """Two CAs on one directory; held(p, ca): the relay that ca's feed goes through from its start on."""
    with contextlib.ExitStack() as lines, contextlib.ExitStack() as end:
        def call():
            p = pair.Pair(directory_golden)
            end.callback(p.remove)
            for ca in p.all:  # of two copies of one host each would take the other's sentinel for its own, changed
                shutil.rmtree(ca.root / f"var/lib/pki/.host/{ca.name}/ca-spool")
            return p

        def held(p, ca):
            line = lines.enter_context(ldap_hold.Hold(p.a.ds.port))
            ca.settings({"internaldb.ldapconn.port": line.port})
            return line
        call.held = held
        yield call


def revoked(ca, reason="Key_Compromise"):
    agent = ca.agent()
    serial = agent.issue(instance.csr(), AUTOMATIC)
    agent.revoke(serial, reason)
    agent.close()
    return serial


def update(ca):
    """Forces a CRL: the serial numbers on it."""
    agent = ca.agent()
    listed = {x.serial_number for x in agent.crl_update()}
    agent.close()
    return listed


def number(serial):
    return int(serial, 16)


@pytest.mark.parametrize("usn", ["on", "off"])
def test_a_revocation_that_the_feed_has_not_brought_is_on_the_crl(make, usn):
    """Also where the directory does not number its changes: there the set is read anew."""
    p = make()
    if usn == "off":
        connection = p.a.ds.connect()
        connection.modify_s("cn=USN,cn=plugins,cn=config", [(ldap.MOD_REPLACE, "nsslapd-pluginEnabled", b"off")])
        connection.unbind_s()
        p.a.ds.restart()
    line = make.held(p, p.a)
    p.start()
    assert line.searches > 0
    line.held = True
    first, hold = revoked(p.b), revoked(p.b, "Certificate_Hold")
    own = revoked(p.a)  # a later change must not hide the earlier ones
    assert {number(first), number(hold), number(own)} <= update(p.a)
    p.b.agent().unrevoke(hold)
    listed = update(p.a)
    assert number(hold) not in listed and number(first) in listed
    line.held = False
    last = revoked(p.b)
    assert {number(first), number(last)} <= update(p.a) and number(hold) not in update(p.a)


def test_the_set_follows_before_each_crl_where_changes_are_not_listened_to(make):
    p = make()
    line = make.held(p, p.a)
    p.a.settings({"ca.listenToCloneModifications": "false"})
    p.start()
    line.held = True
    for _ in range(2):
        serial = revoked(p.b)
        assert number(serial) in update(p.a)


def test_the_first_crl_after_a_promotion_has_what_the_feed_has_not_brought(make):
    p = make()
    line = make.held(p, p.b)
    p.start()
    update(p.a)
    line.held = True
    serial = revoked(p.a)
    p.a.kill()
    p.server(p.b, "ca-promote", "--holder-is-stopped", *PATIENT)
    assert p.lists(p.b, serial)


def test_a_directory_that_hangs_makes_no_crl_and_holds_nothing_up(make):
    p = make().start()
    p.b.stop()
    last = p.number(p.a)
    agent = p.a.agent()
    path = "/ca/agent/ca/updateCRL?op=updateCRL&waitForUpdate=true&xml=true&crlIssuingPoint=MasterCRL"
    assert agent.call("GET", path)[0] == 200
    os.kill(int(p.a.ds.pid_file.read_text()), signal.SIGSTOP)
    try:
        done = program.run("pki-server", "--root", p.a.root, "ca-crl-update", "-i", p.a.name, env=p.a.env, status=1,
                           timeout=pair.LIMIT)
        assert "MasterCRL: no CRL is made while revocations may be waiting in the directory" in done.stderr, done.stderr
    finally:
        os.kill(int(p.a.ds.pid_file.read_text()), signal.SIGCONT)
    assert p.number(p.a) == last + 1
    p.until("the directory's answer", lambda: p.a.healthy())
    update(p.a)
    agent.close()
