# SPDX-License-Identifier: Apache-2.0
"""Replicated private 389 Directory Servers (tests/lib/ds.py) over plain LDAP.

    net = replica.start(["t1a", "t1b"], suffix="dc=example,dc=com")
    net.pause()                        # nothing travels, in either direction
    net.servers[0].connect().add_s(...)
    net.resume()
    net.wait()                         # every server has every change

`replica.start` makes the servers and full-mesh agreements between them. A set-up
that our own programs made is steered by `replica.Net(servers)`, which looks the
agreements up anew for every call. `net.pause(a, b)` and `net.resume(a, b)` take
two servers: only what a sends to b. `net.cut(server)` cuts one off from the
others, both ways; `net.heal()` ends all pauses.
"""
import contextlib
import time

import ds
import program

PASSWORD = "Repl.Secret.1"
MANAGER = "cn=Replication Manager test,ou=csusers,cn=config"
RUV = "(&(nsuniqueid=ffffffff-ffffffff-ffffffff-ffffffff)(objectClass=nstombstone))"
INIT_TIMEOUT = 120
SYNC_TIMEOUT = 120


def start(names, suffix="dc=example,dc=com", usn=True, backend="userRoot", first_id=1, **kw):
    """New servers of these names, replica ids first_id, first_id + 1, ... all
    initialised from the first and linked each with each. usn: with the USN
    plug-in acting."""
    servers = []
    try:
        for name in names:
            servers.append(ds.start(name, suffix=suffix, backend=backend, usn=usn, **kw))
        return link(servers, suffix, first_id)
    except BaseException:
        for server in servers:
            server.remove()
        raise


def link(servers, suffix, first_id=1, via=None):
    """Replication of one suffix between servers that have it; the first one's
    data are everybody's afterwards. via: the port by which a server is reached,
    where that is not its own."""
    for i, server in enumerate(servers):
        _enable(server, suffix, first_id + i)
    for a in servers:
        for b in servers:
            if a is not b:
                _link(a, b, suffix, via(b) if via else b.port)
    net = Net(servers, suffix)
    for b in servers[1:]:
        net.initialise(servers[0], b)
    net.wait()
    return net


def _replica_dn(suffix):
    return f'cn=replica,cn="{suffix}",cn=mapping tree,cn=config'


def _enable(server, suffix, number):
    """Replication manager and replica entry."""
    import ldap
    c = server.connect()
    with contextlib.suppress(ldap.ALREADY_EXISTS):  # pkispawn made it
        c.add_s("ou=csusers,cn=config", [("objectClass", [b"top", b"organizationalUnit"]), ("ou", b"csusers")])
    c.add_s(MANAGER, [("objectClass", [b"top", b"person"]), ("cn", b"Replication Manager test"),
                      ("sn", b"manager"), ("userPassword", PASSWORD.encode())])
    c.add_s(_replica_dn(suffix), [
        ("objectClass", [b"top", b"nsDS5Replica", b"extensibleObject"]), ("cn", b"replica"),
        ("nsDS5ReplicaRoot", suffix.encode()), ("nsDS5ReplicaType", b"3"), ("nsDS5Flags", b"1"),
        ("nsDS5ReplicaId", str(number).encode()), ("nsDS5ReplicaBindDN", MANAGER.encode())])
    c.unbind_s()


def _link(a, b, suffix, port):
    """The agreement by which a sends to b."""
    c = a.connect()
    c.add_s(f"cn=to-{b.name},{_replica_dn(suffix)}", [
        ("objectClass", [b"top", b"nsDS5ReplicationAgreement"]), ("cn", f"to-{b.name}".encode()),
        ("nsDS5ReplicaRoot", suffix.encode()), ("nsDS5ReplicaHost", b.host.encode()),
        ("nsDS5ReplicaPort", str(port).encode()), ("nsDS5ReplicaBindDN", MANAGER.encode()),
        ("nsDS5ReplicaBindMethod", b"SIMPLE"), ("nsDS5ReplicaCredentials", PASSWORD.encode()),
        ("nsDS5ReplicaTransportInfo", b"LDAP")])
    c.unbind_s()


def agreements(server):
    """(DN, (host, port) of the consumer) of each agreement on a server."""
    import ldap
    c = server.connect()
    found = c.search_s("cn=mapping tree,cn=config", ldap.SCOPE_SUBTREE,
                       "(objectClass=nsds5replicationagreement)", ["nsDS5ReplicaHost", "nsDS5ReplicaPort"])
    c.unbind_s()
    out = []
    for dn, attrs in found:
        low = {k.lower(): v for k, v in attrs.items()}
        out.append((dn, (low["nsds5replicahost"][0].decode(), int(low["nsds5replicaport"][0]))))
    return out


class Net:
    """Servers that replicate one suffix with one another."""

    def __init__(self, servers, suffix=None):
        self.servers = list(servers)
        self.suffix = suffix or self.servers[0].suffix

    def _towards(self, a, b):
        """DNs of a's agreements whose consumer is b."""
        return [dn for dn, (_, port) in agreements(a)
                if port in (b.port, b.secure_port) or dn.startswith(f"cn=to-{b.name},")]

    def _switch(self, a, b, word):
        import ldap
        c = a.connect()
        for dn in self._towards(a, b):
            c.modify_s(dn, [(ldap.MOD_REPLACE, "nsds5ReplicaEnabled", word)])
        c.unbind_s()

    def _pairs(self, a, b):
        if a is not None:
            return [(a, b)]
        return [(x, y) for x in self.servers for y in self.servers if x is not y]

    def pause(self, a=None, b=None):
        """Stops what a sends to b; of all without arguments. Ends a session
        that is under way first."""
        for x, y in self._pairs(a, b):
            if x.running():
                self._switch(x, y, b"off")

    def resume(self, a=None, b=None):
        for x, y in self._pairs(a, b):
            if x.running():
                self._switch(x, y, b"on")

    def cut(self, server):
        """One server from all others, both ways."""
        for other in self.servers:
            if other is not server:
                self.pause(server, other)
                self.pause(other, server)

    def heal(self):
        self.resume()

    def initialise(self, a, b):
        """Total update of b from a."""
        import ldap
        c = a.connect()
        for dn in self._towards(a, b):
            c.modify_s(dn, [(ldap.MOD_REPLACE, "nsds5BeginReplicaRefresh", b"start")])

            def done(dn=dn):
                got = c.search_s(dn, ldap.SCOPE_BASE, attrlist=[
                    "nsds5BeginReplicaRefresh", "nsds5replicaLastInitStatus"])[0][1]
                low = {k.lower(): v for k, v in got.items()}
                if "nsds5beginreplicarefresh" in low:
                    return None
                return low.get("nsds5replicalastinitstatus", [b""])[0].decode()
            status = program.wait_for(f"{b.name} to be initialised", done, INIT_TIMEOUT)
            if not status.startswith(("Error (0)", "0 ")):
                raise AssertionError(f"initialising {b.name}: {status}")
        c.unbind_s()

    def vector(self, server):
        """{replica id: greatest CSN} that a server has seen."""
        import ldap
        c = server.connect()
        found = c.search_s(self.suffix, ldap.SCOPE_SUBTREE, RUV, ["nsds50ruv"])
        c.unbind_s()
        out = {}
        for text in (v.decode() for v in found[0][1]["nsds50ruv"]):
            head, _, rest = text.partition("}")
            words = rest.split()
            if head.startswith("{replica ") and len(words) == 2:
                out[int(head.split()[1])] = words[1]
        return out

    def in_sync(self):
        """Have all running servers seen the same changes?"""
        vectors = [self.vector(s) for s in self.servers if s.running()]
        return all(v == vectors[0] for v in vectors)

    def wait(self, timeout=SYNC_TIMEOUT):
        """Until every running server has every change; returns the seconds it
        took. A change of each server's own is sent ahead, which also wakes an
        agreement that waits before its next try."""
        began = time.monotonic()
        for server in self.servers:
            if server.running():
                self._wake(server)
        program.wait_for("the servers to have the same changes", self.in_sync, timeout, 0.05)
        return time.monotonic() - began

    def _wake(self, server):
        import ldap
        c = server.connect()
        c.modify_s(self.suffix, [(ldap.MOD_REPLACE, "description", f"{server.name} {time.time_ns()}".encode())])
        c.unbind_s()

    def conflicts(self, server):
        """DNs of the conflict entries a server holds."""
        import ldap
        c = server.connect()
        found = c.search_s(self.suffix, ldap.SCOPE_SUBTREE,
                           "(&(objectClass=ldapsubentry)(nsds5ReplConflict=*))", ["nsds5ReplConflict"])
        c.unbind_s()
        return [dn for dn, _ in found]

    def remove(self):
        for server in self.servers:
            server.remove()
