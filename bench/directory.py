# SPDX-License-Identifier: Apache-2.0
"""A CA on one directory: enrolment beside a loop that replays the same entries,
start and listings with 100,000 certificates, a promotion with 10,000 revoked."""
import os
import re
import signal
import subprocess

import ldap

import rows
from rows import row, median

SECONDS = 1 if rows.SMALL else 4
ROUNDS = 1 if rows.SMALL else 3
CERTS = 3000 if rows.SMALL else 100000
REVOKED = 10  # percent
COUNTED = 50  # enrolments
PAGE = 20
ENTRY_CACHE = 512 << 20  # of the directory, when it holds them
CONNECTIONS = (8, 16)  # of the loop: as many as pkid has on their way, and more


def writes(directory):
    """Additions, changes and deletions so far, of all rotated logs."""
    n = 0
    for path in directory.access.parent.glob("access*"):
        if not path.name.endswith("rotationinfo"):
            n += len(re.findall(rb" (?:ADD|MOD|DEL|MODRDN) dn=", path.read_bytes()))
    return n


def load(site, pem, file, *extra):
    """Enrolments a second by 32 clients."""
    got = rows.words("load", *extra, "-s", SECONDS, "-C", pem, "-K", pem, "tls", site.m.https, file)
    assert got["bad"] == 0, got
    return got["rate"]


def writes_each(site, pem, profile):
    """Directory writes of an enrolment, one after the other."""
    agent, csr = rows.agent(site.m, pem), rows.instance.csr()
    before = writes(site.directories[0])
    for _ in range(COUNTED):
        agent.issue(csr, profile)
    agent.close()
    return (writes(site.directories[0]) - before) / COUNTED


def requests(site, *argv):
    path = site.folder / argv[0]
    with open(path, "wb") as f:
        subprocess.run([rows.TOOLS / "requests", *argv], check=True, stdout=f)
    return path


def enrolment(site, pem):
    d = site.directories[0]
    submit, rest = requests(site, "submit", "200", "caAgentServerCert"), requests(site, "rest", "200", "caServerCert")
    rates, approved, bare = [], [], {c: [] for c in CONNECTIONS}
    for _ in range(ROUNDS):
        rates.append(load(site, pem, submit))
        approved.append(load(site, pem, rest, "-a"))
        rows.stop(site.m)
        for c in CONNECTIONS:
            bare[c].append(rows.words("replay", d.url, d.bind_dn, d.password, rows.ca_site.BASE, c, SECONDS)["pairs"])
        rows.start(site.m)
    best = max(CONNECTIONS, key=lambda c: median(bare[c]))
    row("enrolment over a directory, P-256 CA", f"{median(rates):.0f}", "/s", f"{median(bare[best]):.0f}",
        f"libldap adding the same two entries on {best} connections; aim 0.7")
    row("  directory writes each", f"{writes_each(site, pem, 'caAgentServerCert'):.2f}", "writes", 2,
        "the goal; counted in the access log")
    row("  submit, review, approve", f"{median(approved):.0f}", "/s", "-", "32 clients, one connection each")
    row("  directory writes each", f"{writes_each(site, pem, 'caServerCert'):.2f}", "writes", 3,
        "the goal; counted in the access log")


def with_entries(d):
    """An entry cache as 389 DS would choose; reading in is slow without."""
    c = d.connect()
    c.modify_s("cn=ca,cn=ldbm database,cn=plugins,cn=config",
               [(ldap.MOD_REPLACE, "nsslapd-cachememsize", str(ENTRY_CACHE).encode())])
    c.unbind_s()


def fill(site):
    """Adds CERTS certificates to the stopped directory, through its LDIF."""
    d = site.directories[0]
    base = rows.ca_site.BASE
    ldif = d.folder / "fill.ldif"
    server = ["-D", str(d.config), "-n", "ca"]
    with_entries(d)
    d.stop()
    subprocess.run(["ns-slapd", "db2ldif", *server, "-a", str(ldif)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(ldif, "ab") as f:
        subprocess.run([rows.TOOLS / "ldif", base, str(site.m.conf / "alias/ca.crt"), str(CERTS), str(REVOKED)],
                       check=True, stdout=f)
    subprocess.run(["ns-slapd", "ldif2db", *server, "-i", str(ldif)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    ldif.unlink()
    d.start()


def listing(site):
    rows.stop(site.m)
    fill(site)
    starts, fresh = [], []
    for _ in range(ROUNDS):
        starts.append(rows.start(site.m))
        fresh.append(rows.took(site.m.pki, "ca-cert-find", "--size", PAGE, user=False))
        rows.stop(site.m)
    rows.start(site.m)
    row(f"start with {CERTS} certificates in the directory", rows.ms(median(starts)), "ms", 2000,
        f"the goal; to the first answer, {REVOKED} % revoked, median of {ROUNDS}")
    row("  ca-cert-find right after it", rows.ms(median(fresh)), "ms", "-", f"{PAGE} of them, the whole command")
    for name, first in (("first page", 0), (f"page {CERTS * 4 // 100}", PAGE * (CERTS * 4 // 100 - 1))):
        times = []
        for _ in range(5 * ROUNDS):
            times.append(rows.took(site.m.pki, "ca-cert-find", "--size", PAGE, "--start", first, user=False))
        row(f"  ca-cert-find, {name}", rows.ms(median(times)), "ms", 100, f"the goal; {PAGE} of them, the whole command")


def promotion(site):
    """The holder is killed; from the command to the CRL fetched."""
    c = site.clone(site.m, site.directories[0], "pki_ds_setup=False")
    c.spawn()
    plain = median([rows.took(site.m.server, "ca-crl-update", "MasterCRL") for _ in range(ROUNDS)])
    revoked = rows.control(site.m, "ca.crl-list")[0]["revoked"]
    os.kill(int((site.m.root / f"run/pki/{site.m.name}.pid").read_text()), signal.SIGKILL)
    seconds = rows.took(c.server, "ca-promote", "--holder-is-stopped")
    row(f"ca-promote, holder dead, {revoked} revoked", rows.ms(seconds), "ms", 3000,
        "the goal; to the CRL fetched from its URL; aim 1 s")
    row("  a plain CRL, by ca-crl-update", rows.ms(plain), "ms", rows.ms(seconds), f"the promotion; median of {ROUNDS}")


def main():
    site = rows.ca_site.Site()
    try:
        site.m = site.master()
        rows.stop(site.m)
        rows.start(site.m)
        enrolment(site, rows.admin_pem(site))
        listing(site)
        promotion(site)
    finally:
        site.remove()


main()
