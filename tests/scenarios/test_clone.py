# SPDX-License-Identifier: Apache-2.0
"""Clones of a CA on real directories (spec deployment 3): shared, replicated,
of a clone; what is refused, and joins that were cut off."""
import re

import ldap
import pytest

import ca_site
import program

MAPPING = f'cn="{ca_site.BASE}",cn=mapping tree,cn=config'
# not compared between master and clone (3.9)
OWN = re.compile(r"dbs\.(next)?(begin|end)ReplicaNumber|instance(Id|Root)|service\.|subsystem\.name|internaldb\.ldapconn\."
                 r"|securitydomain\.https?(admin)?port")


@pytest.fixture(scope="module")
def site():
    made = ca_site.Site()
    made.m = made.master()
    made.spare = made.directory()
    yield made
    made.remove()


def replica_id(directory):
    c = directory.connect()
    found = c.search_s(MAPPING, ldap.SCOPE_ONELEVEL, "(objectClass=nsDS5Replica)", ["nsDS5ReplicaId"])
    c.unbind_s()
    return int(found[0][1]["nsDS5ReplicaId"][0]) if found else None


def rows(member):
    return {k: v for k, v in member.cs().items() if not OWN.match(k)}


def hosts(member):
    return sorted(re.findall(r"Host ID: (.*)", member.pki("securitydomain-host-find", user=False).stdout))


def test_a_clone_shares_its_masters_directory(site):
    before = rows(site.m)
    c = site.clone(site.m, site.directories[0], "pki_ds_setup=False", name="shared")
    done = c.spawn()
    assert "is a clone." in done.stdout and "Administrator's username" not in done.stdout
    assert rows(site.m) == before, "the master's CS.cfg stays as it is"
    want = dict(before, **{
        "ca.certStatusUpdateInterval": "0", "ca.listenToCloneModifications": "false",
        "ca.crl.MasterCRL.enableCRLCache": "false", "ca.crl.MasterCRL.enableCRLUpdates": "false",
        "master.ca.agent.host": "localhost", "master.ca.agent.port": str(site.m.https)})
    assert rows(c) == want
    assert replica_id(site.directories[0]) is None
    assert hosts(site.m) == hosts(c) and f"CA localhost {c.https}" in hosts(c)
    assert site.m.pki("ca-user-find").stdout == c.pki("ca-user-find").stdout
    assert f"CA-localhost-{c.https}" in c.pki("ca-user-find").stdout
    for tag in ("ca_signing", "ca_ocsp_signing", "subsystem"):
        assert site.m.server("cert-show", tag).stdout == c.server("cert-show", tag).stdout
        assert (c.conf / f"certs/{tag}.csr").read_text() == (site.m.conf / f"certs/{tag}.csr").read_text()
    assert site.m.server("cert-show", "sslserver").stdout != c.server("cert-show", "sslserver").stdout
    c.destroy()
    assert f"CA localhost {c.https}" not in hosts(site.m)


def test_a_join_that_was_cut_off_is_repeated_and_ends_right(site):
    """Killed at several steps; the range it had taken is not taken again."""
    site.second = site.directory()
    c = site.first_clone = site.clone(site.m, site.second)
    for line in ("Reading the settings of the master", "Adding replication agreements", "Creating sslserver certificate",
                 "Joining the security domain"):
        ca_site.killed_after(c, line)
    c.spawn()
    assert not list((c.root / "var/lib/pki/.host").glob("*.installing"))
    assert replica_id(site.directories[0]) == 96
    m, own = site.m.cs(), c.cs()
    assert (m["dbs.beginReplicaNumber"], m["dbs.endReplicaNumber"]) == ("1", "95")
    assert m["dbs.enableSerialManagement"] == own["dbs.enableSerialManagement"] == "true"
    assert own["dbs.endReplicaNumber"] == "100"
    assert int(own["dbs.beginReplicaNumber"]) == replica_id(site.second) + 1
    assert "dbs.nextBeginReplicaNumber" not in own, "reserved only when a clone of it asks"
    assert hosts(site.m) == hosts(c) == sorted([f"CA localhost {site.m.https}", f"CA localhost {c.https}"])
    agreements = []
    for d in (site.directories[0], site.second):
        l = d.connect()
        agreements += [a["cn"][0].decode() for _, a in l.search_s(
            MAPPING, ldap.SCOPE_SUBTREE, "(objectClass=nsds5replicationagreement)", ["cn"])]
        l.unbind_s()
    assert agreements == [f"masterAgreement1-localhost-{c.name}", f"cloneAgreement1-localhost-{c.name}"]


def test_what_one_issues_the_other_knows(site):
    m, c = site.m, site.first_clone
    shown = c.pki("client-cert-request", "uid=shared", "--profile", "caUserCert").stdout
    request = re.search("Request ID: (0x[0-9a-f]+)", shown).group(1)
    if "Status: complete" not in shown:
        c.pki("ca-cert-request-approve", request, "--force")
    shown = c.pki("ca-cert-request-show", request).stdout
    serial = re.search("Certificate ID: (0x[0-9a-f]+)", shown).group(1)
    program.wait_for("the master to know it", lambda: m.pki("ca-cert-show", serial, status=None, user=False).returncode
                     == 0, 60)
    c.pki("ca-cert-revoke", serial, "--force")
    program.wait_for("the master to know of the revocation",
                     lambda: "REVOKED" in m.pki("ca-cert-show", serial, user=False).stdout, 60)


def test_the_documented_test_is_one_command(site):
    c = site.first_clone
    pin = site.folder / "pin"
    pin.write_text(ca_site.PASSWORD + "\n")
    done = c.server("ca-clone-check", "-d", site.client, "-C", pin, "-n", "caadmin", status=None)
    for said in ("requested on ", "approved and fetched there", "revoked there", "known on ", "found on CRL ",
                 f"CA localhost {site.m.https}", "Reachable: yes", "Lag: "):
        assert said in done.stdout, done.stdout + done.stderr


def test_the_check_shows_the_settings_that_differ(site):
    c, name = site.first_clone, "ca.crl.MasterCRL.extension.CRLNumber.critical"
    there = f"  CA localhost {site.m.https}\n"
    before = c.server("ca-clone-check", status=None).stdout
    shown = before[before.index(there):]
    assert "    Clock Skew: " in shown and "    Settings: as here\n" in shown, before
    assert re.search(r"    Profiles: \d\d+, as here\n", shown), before
    was = c.cs()[name]
    c.server("ca-config-set", name, "perhaps")
    done = c.server("ca-clone-check", status=1)
    assert f"    ATTENTION: setting {name} differs: perhaps here, {was} there\n" in done.stdout, done.stdout
    assert "need attention" in done.stderr
    c.server("ca-config-set", name, was)


@pytest.mark.parametrize("extra,told", [
    ("pki_security_domain_password=wrong", r"https://localhost:\d+: .*"),
    ("pki_security_domain_user=nobody", r"https://localhost:\d+: .*"),
    ("pki_ca_signing_nickname=other", r'no certificate "other": set pki_ca_signing_nickname as on the master; there is .*'
     r'"ca_signing".*'),
    ("pki_ds_base_dn=dc=other,dc=com", "pki_ds_base_dn: dc=other,dc=com: the master has "
     f"{ca_site.BASE}, a clone must have the same"),
    ("pki_ds_database=other", "pki_ds_database: other: the master has ca, a clone must have the same"),
    ("pki_clone_pkcs12_password=wrong", "pki_clone_pkcs12_path: .* does not open with pki_clone_pkcs12_password"),
    ("pki_clone_pkcs12_path=/nowhere", "pki_clone_pkcs12_path: .*"),
    ("pki_clone_uri=https://localhost:1", "https://localhost:1.*|.*localhost:1.*"),
    ("pki_clone_uri=ldap://localhost", "pki_clone_uri: ldap://localhost: no https:// URL"),
    ("pki_clone_replication_security=some", "pki_clone_replication_security: some: None, SSL or TLS"),
    ("pki_security_domain_password=", "A value for 'pki_security_domain_password' MUST be defined in .*"),
    ("pki_cert_id_generator=legacy2", "pki_cert_id_generator=legacy2: the master numbers by random, .*"),
    ("pki_ds_password=wrong", ".*ldap://127.0.0.1:.*"),
    ("SAME", "CA database already set up: .*"),
])
def test_a_refusal_is_one_sentence_and_leaves_nothing(site, extra, told):
    if extra == "SAME":
        extra = f"pki_ds_url={site.directories[0].url}"
    c = site.clone(site.m, site.spare, name="x")
    try:
        before = hosts(site.m), site.m.cs(), replica_id(site.directories[0])
        done = c.spawn(extra, status=1)
        assert re.fullmatch(f"Installation failed: {told}\n", done.stderr), done.stderr
        assert not c.left()
        assert before == (hosts(site.m), site.m.cs(), replica_id(site.directories[0]))
    finally:
        site.members.remove(c)
        c.root.rmdir() if not any(c.root.iterdir()) else c.root.rename(c.root.with_name(f"old-{len(list(c.root.parent.iterdir()))}"))


def test_a_clone_of_a_clone_takes_one_number(site):
    site.third = site.spare
    c = site.second_clone = site.clone(site.first_clone, site.third)
    c.spawn()
    before = site.first_clone.cs()
    # the clone's own range is short: it asked the holder for one of its own
    assert (before["dbs.nextBeginReplicaNumber"], before["dbs.nextEndReplicaNumber"]) == ("1000", "1094")
    assert replica_id(site.third) == 1095
    assert (c.cs()["dbs.beginReplicaNumber"], c.cs()["dbs.endReplicaNumber"]) == ("1096", "1099")
    assert c.cs()["master.ca.agent.port"] == str(site.first_clone.https)
    assert c.cs()["securitydomain.select"] == "new" and before["dbs.enableSerialManagement"] == "true"
    assert f"CA localhost {c.https}" in hosts(c)


def test_a_clone_that_was_removed_comes_back_on_its_directory(site):
    """Its replica is filled anew under its old number; the directory lives."""
    c, number = site.second_clone, replica_id(site.third)
    c.destroy()
    program.wait_for("the domain to forget it", lambda: f"CA localhost {c.https}" not in hosts(site.m), 120)
    done = c.spawn()
    assert f"Keeping the replica {number} that is there" in done.stdout
    assert site.third.running() and replica_id(site.third) == number
    assert f"CA localhost {c.https}" in hosts(c)


def test_a_clone_that_burned_down_is_retired(site):
    c, number = site.second_clone, replica_id(site.third)
    site.third.kill()
    c.destroy()
    done = site.first_clone.server("ca-clone-retire", f"CA localhost {c.https}", "--directory",
                                   f"127.0.0.1:{site.third.port}", "--replica-id", number, "--force")
    assert "has left replication" in done.stdout
    assert f"CA localhost {c.https}" not in hosts(site.first_clone)
    shown = site.first_clone.server("ca-db-repl-status", status=None).stdout
    assert str(site.third.port) not in shown
