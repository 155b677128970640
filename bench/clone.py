# SPDX-License-Identifier: Apache-2.0
"""A master and its clones on directories of their own: how long pkispawn of a
clone takes, and how soon the master knows what a clone has revoked."""
import datetime
import re
import threading
import time

import rows
from rows import row, median, quantile

CLONES = 1 if rows.SMALL else 3
REVOCATIONS = 10 if rows.SMALL else 100
ALLOWED_MS = 50
# what pkispawn tells where the directory works or is waited for
DIRECTORY = re.compile("Initializing |Indexing, |.*: Finished indexing")


def times(log):
    """(seconds since the first, line) of pkispawn's log file."""
    out = []
    for stamp, text in re.findall(r"^(\S+)Z info spawn: (.*)$", log.read_text(), re.M):
        out.append((datetime.datetime.fromisoformat(stamp).timestamp(), text))
    return out


def spawned(site):
    """A new clone: (member, seconds in all, seconds of them that the directory took)."""
    c = site.clone(site.m, site.directory())
    log = site.folder / f"{c.name}.spawn"
    took = rows.took(rows.program.run, *c.argv(), "--log-file", log, env=site.env, timeout=rows.ca_site.TIMEOUT)
    lines = times(log)
    of_directory = sum(after[0] - this[0] for this, after in zip(lines, lines[1:])
                       if DIRECTORY.match(this[1]) and not this[1].endswith("Finished indexing."))
    return c, took, of_directory


class Seen(threading.Thread):
    """A bare persistent search on a directory: when which certificate was seen revoked."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        import ldap
        from ldap.controls.psearch import PersistentSearchControl
        self.at, self.ended = {}, False
        self.connection = directory.connect()
        self.id = self.connection.search_ext(
            f"ou=certificateRepository,ou=ca,{rows.ca_site.BASE}", ldap.SCOPE_ONELEVEL, "(certStatus=*)",
            serverctrls=[PersistentSearchControl(changeTypes=["add", "modify"], changesOnly=True, returnECs=False)])

    def run(self):
        import ldap
        while not self.ended:
            try:
                _, data, _, _ = self.connection.result3(self.id, all=0, timeout=0.2)
            except ldap.TIMEOUT:
                continue
            now = time.monotonic()
            for _, attrs in data:
                if attrs.get("certStatus") == [b"REVOKED"]:
                    self.at.setdefault(int(attrs["cn"][0]), now)


def revocations(site, clone):
    """How long after the answer on the clone each is seen: (bare, by the master's revoked set)."""
    agent = rows.agent(clone, rows.admin_pem(site))
    csr, serials = rows.instance.csr(), []
    for _ in range(REVOCATIONS):
        serials.append(int(agent.issue(csr, "caAgentServerCert"), 16))
    last = f"{serials[-1]:#x}"
    rows.program.wait_for("the last certificate at the master", lambda: site.m.pki(
        "ca-cert-show", last, user=False, status=None).returncode == 0, 60)
    seen = Seen(site.directories[0])
    seen.start()
    bare, ours = [], []
    count = rows.control(site.m, "ca.crl-list")[0]["revoked"]
    for serial in serials:
        agent.revoke(f"{serial:#x}")
        answered = time.monotonic()
        count += 1
        rows.program.wait_for("the master's set", lambda n=count: rows.control(site.m, "ca.crl-list")[0]["revoked"] >= n,
                              60, 0.001)
        ours.append(time.monotonic() - answered)
        rows.program.wait_for("the bare search", lambda s=serial: s in seen.at, 60, 0.001)
        bare.append(seen.at[serial] - answered)
    seen.ended = True
    seen.join()
    agent.close()
    return bare, ours


def main():
    site = rows.ca_site.Site()
    try:
        site.m = site.master()
        took = [spawned(site) for _ in range(CLONES)]
        own = [all_ - directory for _, all_, directory in took]
        row("pkispawn of a clone, without the directory's part", rows.ms(median(own)), "ms", 3000,
            f"the goal; median of {CLONES}")
        row("  initialisation and indexing by the directory", rows.ms(median([t[2] for t in took])), "ms", "-",
            f"{rows.ms(median([t[1] for t in took]))} ms in all")
        # the documented setting of a master that has clones
        rows.stop(site.m)
        rows.instance.set_lines(site.m.conf / "ca/CS.cfg", {"ca.listenToCloneModifications": "true"})
        rows.start(site.m)
        bare, ours = revocations(site, took[0][0])
        for name, q in (("p50", 0.5), ("p99", 0.99)):
            row(f"revocation on a clone in the master's set, {name}", rows.ms(quantile(ours, q)), "ms",
                f"{quantile(bare, q) * 1000 + ALLOWED_MS:.1f}",
                f"bare persistent search {rows.ms(quantile(bare, q))} + {ALLOWED_MS} ms; of {REVOCATIONS}")
    finally:
        site.remove()


main()
