# SPDX-License-Identifier: Apache-2.0
"""Two CAs of one key: a the master, b its clone, on one directory or on a
replicated pair of directories.

    p = pair.Pair(golden)              # one directory for both
    p = pair.Pair(golden, apart=True)  # a directory each, replicated: p.net
                                       # (via: see replica.link)
    p.a.start(); p.b.start()
    p.server(p.b, "ca-promote")        # output of pki-server
    p.roles(p.b)["crl.MasterCRL"]      # as GET roles has it
    p.number(p.b)                      # of the CRL that b serves
"""
import contextlib
import json
import os
import re

import ds
import instance
import program
import replica

LIMIT = 90  # seconds until something must have happened
ROLES = ("status", "ranges", "crl.MasterCRL")
SUFFIX = "o=t-CA"


def clone_lines(master):
    """The documented settings of a clone."""
    return {"ca.certStatusUpdateInterval": "0", "ca.listenToCloneModifications": "false",
            "ca.crl.MasterCRL.enableCRLCache": "false", "ca.crl.MasterCRL.enableCRLUpdates": "false",
            "master.ca.agent.host": "localhost", "master.ca.agent.port": master.https}


MASTER_LINES = {"ca.certStatusUpdateInterval": "600", "ca.listenToCloneModifications": "true",
                "ca.crl.MasterCRL.enableCRLCache": "true", "ca.crl.MasterCRL.enableCRLUpdates": "true",
                "master.ca.agent.host": None, "master.ca.agent.port": None}


class Pair:
    def __init__(self, golden, apart=False, via=None):
        self.all, self.net, self.via = [], None, via
        try:
            self.a = self._ca(golden).directory()
            self.b = self._ca(golden)
            if apart:
                self._replicate(golden)
            else:
                self.b.ds = self.a.ds
            self.b.settings({"internaldb.ldapconn.port": self.b.ds.port, **clone_lines(self.a)})
            self.a.settings(MASTER_LINES)
            for ca in self.all:
                ca.settings({"internaldb.ldapconn.timeoutMs": "5000"})
            self.give_host_id(self.b, 1)
        except BaseException:
            self.remove()
            raise

    def _ca(self, golden):
        self.all.append(instance.Ca(golden))
        return self.all[-1]

    def give_host_id(self, ca, n):
        """Another one than the golden copy's, n further."""
        file = ca.root / f"var/lib/pki/.host/{ca.name}/ca.highwater"
        text = file.read_text()
        mine = int(re.search(r"^hostid=(\d+)$", text, re.M)[1])
        file.write_text(re.sub(r"(?m)^hostid=\d+$", f"hostid={(mine + n - 1) % 65000 + 1}", text))

    def _replicate(self, golden):
        self.b.ds = ds.copy(golden.ds, f"cb{os.getpid()}p{program.free_port()}")
        self.b.ds.start()
        self.net = replica.link([self.a.ds, self.b.ds], SUFFIX, via=self.via)

    def start(self):
        self.a.start()
        program.wait_for("the first CRL", lambda: self.number(self.a) > 0, LIMIT)
        self.b.start()
        return self

    def server(self, ca, *argv, status=0):
        """What pki-server wrote: output, or with status 1 the error."""
        done = program.run("pki-server", "--root", ca.root, argv[0], "-i", ca.name, *argv[1:], env=ca.env,
                           status=status, timeout=2 * LIMIT)
        return done.stdout if status == 0 else done.stderr

    def roles(self, ca):
        status, body = ca.plain("GET", "/ca/v2/roles")
        assert status == 200, body
        return {r["role"]: r for r in json.loads(body)["entries"]}

    def states(self, ca):
        return {r["state"] for r in self.roles(ca).values()}

    def until(self, what, check):
        return program.wait_for(what, check, LIMIT)

    def until_states(self, ca, *states):
        """A clone's CS.cfg has followed then too."""
        def there():
            roles = self.roles(ca).values()
            return {r["state"] for r in roles} == set(states) and not any(
                r["wish"] and r["state"] == "clone" for r in roles)

        with contextlib.suppress(OSError):
            self.until(f"roles {states}", there)
        assert there(), (self.roles(ca), ca.log.read_text()[-3000:])

    def number(self, ca):
        """0 while it serves none."""
        status, body = ca.plain("GET", instance.CRL_PATH)
        if status != 200:
            return 0
        crl = instance.x509.load_der_x509_crl(body)
        assert crl.is_signature_valid(ca.ca_cert().public_key())
        return crl.extensions.get_extension_for_class(instance.x509.CRLNumber).value.crl_number

    def lists(self, ca, serial):
        return ca.crl().get_revoked_certificate_by_serial_number(int(serial, 16)) is not None

    def setting(self, ca, name):
        found = re.search(rf"^{re.escape(name)}=(.*)$", ca.cs_cfg.read_text(), re.M)
        return found and found[1]

    def remove(self):
        servers = {ca.ds for ca in self.all if getattr(ca, "ds", None)}
        for ca in self.all:
            ca.ds = None
            ca.remove(check=False)
        for server in servers:
            server.remove()
