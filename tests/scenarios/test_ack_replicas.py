# SPDX-License-Identifier: Apache-2.0
"""dbs.ackReplicas: an answer leaves when other directories have the change too."""
import json
import re
import threading
import urllib.parse

import ldap
import pytest

import instance
import pair
import program

AUTOMATIC = "caAgentServerCert"  # issues at once to an agent
LIMIT = 90  # seconds until something must have happened


@pytest.fixture(scope="module")
def two(directory_golden):
    """Two directories; only the first has a CA running, whose answers wait for the second."""
    p = pair.Pair(directory_golden, apart=True)
    try:
        p.a.settings({"dbs.ackReplicas": 1, "dbs.ackReplicasTimeoutMs": LIMIT * 1000})
        p.a.start()
        yield p
    finally:
        p.remove()


def status_in(server, serial):
    """What a directory says of a certificate; None: it does not know it."""
    c = server.connect()
    try:
        found = c.search_s(f"cn={int(serial, 16)},ou=certificateRepository,ou=ca,{pair.SUFFIX}", ldap.SCOPE_BASE,
                           attrlist=["certStatus"])
        return found[0][1]["certStatus"][0].decode()
    except ldap.NO_SUCH_OBJECT:
        return None
    finally:
        c.unbind_s()


def certificates(server):
    c = server.connect()
    found = c.search_s(f"ou=certificateRepository,ou=ca,{pair.SUFFIX}", ldap.SCOPE_ONELEVEL, "(certStatus=*)", ["cn"])
    c.unbind_s()
    return len(found)


def test_an_answer_leaves_when_the_other_directory_has_the_change(two):
    agent = two.a.agent()
    for _ in range(5):
        serial = agent.issue(instance.csr(), AUTOMATIC)
        assert status_in(two.b.ds, serial) == "VALID"
        agent.revoke(serial)
        assert status_in(two.b.ds, serial) == "REVOKED"


def test_an_answer_waits_while_replication_does(two):
    agent, done = two.a.agent(), []
    before = certificates(two.a.ds)
    two.net.pause(two.a.ds, two.b.ds)
    thread = threading.Thread(target=lambda: done.append(agent.issue(instance.csr(), AUTOMATIC)))
    thread.start()
    try:
        program.wait_for("the certificate here", lambda: certificates(two.a.ds) == before + 1, LIMIT)
        assert certificates(two.b.ds) == before and not done
    finally:
        two.net.resume(two.a.ds, two.b.ds)
        thread.join()
    assert status_in(two.b.ds, done[0]) == "VALID"


def test_after_the_deadline_the_answer_says_what_is_stored_where(two):
    two.a.stop()
    two.a.settings({"dbs.ackReplicasTimeoutMs": 300})
    two.a.start()
    before = certificates(two.a.ds)
    two.net.pause(two.a.ds, two.b.ds)
    agent = two.a.agent()
    with pytest.raises(instance.Refused) as e:
        agent.issue(instance.csr(), AUTOMATIC)
    assert e.value.status == 503, e.value
    assert "stored, but 0 of 1 other directories (dbs.ackReplicas) had it within 300 ms" in e.value.text, e.value
    assert certificates(two.a.ds) == before + 1
    # what came of it can be fetched in place of repeating
    found = re.search(r"request (0x[0-9a-f]+): stored, but", e.value.text)
    path = urllib.parse.urlsplit(agent.headers["Location"]).path
    assert path == f"/ca/v2/certrequests/{found[1]}"
    status, body = agent.call("GET", path)
    info = json.loads(body)
    assert status == 200 and info["requestStatus"] == "complete", body
    assert status_in(two.a.ds, info["certId"]) == "VALID"
    assert certificates(two.a.ds) == before + 1
    two.net.resume(two.a.ds, two.b.ds)
    program.wait_for("it arrives all the same", lambda: certificates(two.b.ds) == before + 1, LIMIT)
    two.b.ds.stop()
    with pytest.raises(instance.Refused) as e:
        two.a.agent().issue(instance.csr(), AUTOMATIC)
    assert e.value.status == 503 and two.b.ds.url in e.value.text, e.value
    two.b.ds.start()
