# SPDX-License-Identifier: Apache-2.0
"""Kinds of clones: numbers in ranges, directories that speak TLS only, a
subordinate CA (spec deployment 3.10, 4.7)."""
import re
import time

import ldap
import pytest

import ca_site
import program

MAPPING = f'cn="{ca_site.BASE}",cn=mapping tree,cn=config'
RANGES = ("pki_request_id_generator=legacy2", "pki_request_number_range_increment=10",
          "pki_request_number_range_minimum=5", "pki_request_number_range_transfer=5",
          "pki_cert_id_generator=legacy2", "pki_serial_number_range_increment=0x12",
          "pki_serial_number_range_minimum=0x9", "pki_serial_number_range_transfer=0x9")


@pytest.fixture
def site():
    made = ca_site.Site()
    yield made
    made.remove()


def ranges(member, kind):
    cs = member.cs()
    return [cs.get(f"dbs.{name}{kind}Number") for name in ("begin", "end", "nextBegin", "nextEnd")]


def test_master_and_clone_share_their_ranges_as_documented(site):
    """What is given is cut off; nothing is used or reserved on the way (4.7)."""
    m = site.master(*RANGES, "pki_request_number_range_start=1", "pki_request_number_range_end=9",
                    "pki_serial_number_range_start=0x9", "pki_serial_number_range_end=0x18")
    m.server("ca-config-set", "dbs.enableSerialManagement", "true")
    m.server("ca-config-set", "ca.serialNumberUpdateInterval", "0")
    m.server("ca-redeploy", "--wait")
    # five requests are made: four numbers are left, below the mark
    assert ranges(m, "Request") == ["1", "9", "10", "19"] and ranges(m, "Serial")[2] is None
    c = site.clone(m, site.directory(), *RANGES)
    c.spawn()
    assert ranges(m, "Request") == ["1", "9", "10", "14"] and ranges(c, "Request") == ["15", "19", None, None]
    assert ranges(m, "Serial") == ["0x9", "0xf", None, None] and ranges(c, "Serial") == ["0x10", "0x18", None, None]
    program.run("pki", "-d", site.client, "-c", ca_site.PASSWORD, "nss-cert-request", "--subject", "UID=tester", "--csr",
                site.folder / "csr", env=site.env)
    for on in (c, m):
        on.pki("ca-cert-request-submit", "--profile", "caUserCert", "--csr-file", site.folder / "csr")
        second = int(time.time())
        program.wait_for("the next second, by which they are told apart", lambda: int(time.time()) > second)
    program.wait_for("both requests on both", lambda: all("Request ID: 15\n" in out and "Request ID: 7\n" in out for out in (
        x.server("ca-cert-request-find").stdout for x in (c, m))), 120)
    # as they came, not by number
    listed = re.findall("Request ID: (.*)", m.server("ca-cert-request-find").stdout)
    assert listed == [str(n) for n in (*range(1, 7), 15, 7)]
    # few replica ids are left there: reserved when a clone of it asks
    assert ranges(c, "Replica") == ["98", "100", None, None]


def test_a_clone_on_directories_that_speak_tls(site):
    def secure(directory):
        return (f"pki_ds_url={directory.ldaps_url}", "pki_ds_secure_connection_ca_nickname=ds_signing",
                f"pki_ds_secure_connection_ca_pem_file={directory.ca_file}")
    m = site.member("m", [])
    first, second = site.directory(), site.directory()
    m.params = [*site._common(first)[:len(ca_site.NICKS)], *site._common(first)[len(ca_site.NICKS) + 1:],
                "pki_security_domain_name=EXAMPLE", *secure(first)]
    m.spawn()
    site.prepare(m)
    c = site.clone(m, second)
    c.params = [p for p in c.params if not p.startswith("pki_ds_url=")] + list(secure(second))
    c.spawn("pki_clone_replication_security=SSL")
    for d in (first, second):
        l = d.connect()
        found = [a for _, a in l.search_s(MAPPING, ldap.SCOPE_SUBTREE, "(objectClass=nsds5replicationagreement)")]
        l.unbind_s()
        assert [a["nsDS5ReplicaTransportInfo"] for a in found] == [[b"SSL"]]
    assert c.cs()["internaldb.ldapconn.secureConn"] == "true"
    hosts = program.run("pki", "-U", c.url, "--ignore-cert-status", "UNTRUSTED_ISSUER", "securitydomain-host-find",
                        env=site.env).stdout
    assert f"CA localhost {m.https}" in hosts and f"CA localhost {c.https}" in hosts


def test_a_clone_of_a_subordinate_ca(site):
    """Its CA certificate comes from elsewhere, in two steps; the clone is told the root."""
    def openssl(*argv):
        program.run("openssl", *argv, env=site.env)
    root, csr, sub = (site.folder / x for x in ("root.crt", "sub.csr", "sub.crt"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", site.folder / "root.key", "-out", root, "-days",
            "30", "-subj", "/O=Elsewhere/CN=Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    m = site.member("m", [*site._common(site.directory()), "pki_security_domain_name=EXAMPLE", "pki_external=True",
                          f"pki_ca_signing_csr_path={csr}"])
    m.spawn()
    (site.folder / "ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                     "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", csr, "-CA", root, "-CAkey", site.folder / "root.key", "-CAcreateserial", "-days",
            "20", "-extfile", site.folder / "ext", "-out", sub)
    m.spawn("pki_external_step_two=True", f"pki_ca_signing_cert_path={sub}", f"pki_cert_chain_path={root}",
            "pki_cert_chain_nickname=root")
    site.prepare(m)
    c = site.clone(m, site.directory(), f"pki_cert_chain_path={root}")
    c.spawn()
    shown = [x.server("cert-show", "ca_signing").stdout for x in (m, c)]
    assert shown[0] == shown[1] and "Issuer DN: CN=Root,O=Elsewhere" in shown[0]
    chain = (c.conf / "alias/ca.crt").read_text()
    assert chain.count("BEGIN CERTIFICATE") == 2 and root.read_text().strip() in chain
    assert c.cs()["securitydomain.select"] == "new"
