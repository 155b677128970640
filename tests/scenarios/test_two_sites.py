# SPDX-License-Identifier: Apache-2.0
"""Two CAs on two replicated directories, clients at both; a process dies or the line between the sites does. Whatever
was acknowledged at either is at both afterwards, once, and on the CRL."""
import time

import pytest

import pair
import program
import relay
from load import Load, all_of, check_kept, state_of

LIMIT = 120  # seconds until something must have happened


class Lines:
    """The relays between the sites' directories."""

    def __init__(self):
        self.relays = {}

    def port_of(self, server):
        return self.relays.setdefault(server.name, relay.Relay(server.port)).port

    def cut(self):
        for r in self.relays.values():
            r.cut()

    def mend(self):
        for r in self.relays.values():
            r.mend()

    def close(self):
        for r in self.relays.values():
            r.close()


@pytest.fixture(scope="module")
def lines():
    x = Lines()
    yield x
    x.close()


@pytest.fixture(scope="module")
def two(lines, directory_golden):
    p = pair.Pair(directory_golden, apart=True, via=lines.port_of)
    try:
        yield p.start()
    finally:
        p.remove()


def begin(two, **kw):
    """Clients of the master and of its clone."""
    return [Load(ca, threads=2, seed=i, crl=False, **kw).start() for i, ca in enumerate((two.a, two.b))]


def worked(load, n):
    """n more acknowledgements."""
    have = len(load.acks)
    program.wait_for("the load to get on", lambda: len(load.acks) >= have + n, LIMIT)


def arrived(ca, acks):
    agent = ca.agent()
    certs = {c["id"]: c["Status"] for c in all_of(agent, "certs", "size")}
    requests = {r["requestID"]: r["requestStatus"] for r in all_of(agent, "agent/certrequests", "pageSize")}
    agent.close()
    return all(ident in certs and (what != "revoked" or certs[ident] == "REVOKED") if kind == "cert" else
               requests.get(ident) == ("complete" if what == "request" else "pending")
               for (kind, ident), what in state_of(acks).items())


def kept_by_both(two, acks):
    """The lines being whole and all processes up."""
    two.net.resume()
    two.net.wait()
    for ca in (two.a, two.b):
        program.wait_for(f"everything to arrive at {ca.name}", lambda ca=ca: arrived(ca, acks), LIMIT)
    number = check_kept(two.a, acks)
    program.wait_for("the CRL at the clone", lambda: two.number(two.b) >= number, LIMIT)
    check_kept(two.b, acks, two.b.crl())


def test_the_master_is_killed_under_load(two):
    loads = begin(two)
    for x in loads:
        worked(x, 20)
    two.a.kill()
    worked(loads[1], 20)  # the clone goes on
    two.a.start()
    kept_by_both(two, [ack for x in loads for ack in x.stop(60)])


def test_a_directory_is_killed_under_load(two):
    loads = begin(two, patient=True)
    for x in loads:
        worked(x, 20)
    two.a.ds.kill()
    worked(loads[1], 20)
    program.wait_for("a refusal", lambda: loads[0].refused > 0, LIMIT)
    two.a.ds.start()
    worked(loads[0], 20)  # without a restart
    kept_by_both(two, [ack for x in loads for ack in x.stop(60)])


def test_both_sides_of_a_cut_line_revoke(two, lines):
    loads = begin(two)
    for x in loads:
        worked(x, 10)
    lines.cut()
    for x in loads:
        worked(x, 30)
    time.sleep(2)  # acknowledged on one side for a while
    acks = [ack for x in loads for ack in x.stop(60)]
    assert not arrived(two.a, acks), "nothing was cut"
    lines.mend()
    kept_by_both(two, acks)


def test_a_clone_that_was_down_catches_up(two):
    two.b.stop()
    load = Load(two.a, threads=2, seed=7).start()
    worked(load, 30)
    acks = load.stop(60)
    two.b.start()
    kept_by_both(two, acks)
