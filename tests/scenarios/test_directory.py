# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities whose records are in a real 389 Directory Server."""
import re

import ldap
import pytest

import instance
import program

BASE = "dc=ca,dc=pki,dc=example,dc=com"
BACKEND = "cn=ca,cn=ldbm database,cn=plugins,cn=config"


class Site:
    """One directory and places to install into."""

    def __init__(self, folder, server):
        self.server = server
        self.root = folder / "r"
        self.root.mkdir()
        self.env = {"PKI_SHARE": str(instance.share(folder / "share")), "HOME": "/root"}
        self.http, self.https = program.free_port(), program.free_port()

    def run(self, *argv, **kw):
        return program.run(argv[0], *argv[1:], env=dict(program.os.environ, PKI_ROOT=str(self.root), **self.env), **kw)

    def spawn(self, *extra, status=0, **change):
        values = {"pki_ds_url": self.server.url, "pki_ds_password": self.server.password,
                  "pki_ds_base_dn": BASE, "pki_ds_database": "ca", **change}
        args = instance.spawn_arguments(self.root, self.http, self.https, *extra,
                                        *(f"{k}={v}" for k, v in values.items()))
        return self.run(*args, "-v", status=status)

    def server_cmd(self, *argv, **kw):
        return self.run("pki-server", "--root", self.root, *argv, **kw)

    def cs_cfg(self):
        path = self.root / "etc/pki" / instance.NAME / "ca/CS.cfg"
        return dict(line.split("=", 1) for line in path.read_text().splitlines())

    def nothing_left(self):
        left = [p for p in self.root.rglob("*") if not p.is_dir() and p.name != f"{instance.NAME}.lock"]
        return left == []


@pytest.fixture
def site(root, directory):
    made = Site(root, directory())
    yield made
    if (made.root / "etc/pki" / instance.NAME).exists():
        made.run("pkidestroy", "--root", made.root, "-s", "CA", "-i", instance.NAME, "--force", "--remove-conf",
                 "--remove-logs")


def values(c, dn, attr):
    return [v.decode() for v in c.search_s(dn, ldap.SCOPE_BASE)[0][1].get(attr, [])]


def unindexed(server):
    return [line for line in server.access.read_text().splitlines() if re.search(r"notes=[^ ]*[UA]", line)]


def test_a_ca_lives_in_a_directory(site):
    user = f"uid=pkidbuser,ou=people,{BASE}"
    site.spawn("pki_share_dbuser_dn=" + user, "pki_ds_setup_vlv=True", "pki_replication_password=Repl.Secret.1")
    cs = site.cs_cfg()
    assert cs["internaldb.basedn"] == BASE and cs["internaldb.database"] == "ca"
    assert cs["internaldb.ldapconn.port"] == str(site.server.port)
    assert cs["internaldb.ldapconn.secureConn"] == "false"
    assert cs["internaldb.ldapauth.bindDN"] == "cn=Directory Manager"
    passwords = (site.root / "etc/pki" / instance.NAME / "password.conf").read_text().splitlines()
    assert "internaldb=Secret.123" in passwords and "replicationdb=Repl.Secret.1" in passwords
    assert list((site.root / "var/lib/pki" / instance.NAME / "ca/db").glob("*")) == []

    c = site.server.connect()
    assert values(c, "cn=config", "nsslapd-entryusn-import-initval") == ["next"]
    assert int(values(c, "cn=config", "nsslapd-maxbersize")[0]) >= 200 << 20
    assert int(values(c, "cn=config,cn=ldbm database,cn=plugins,cn=config", "nsslapd-idlistscanlimit")[0]) > 4000
    assert values(c, "cn=USN,cn=plugins,cn=config", "nsslapd-pluginEnabled") == ["on"]
    assert c.search_s("ou=csusers,cn=config", ldap.SCOPE_BASE)
    assert sorted(values(c, f"cn=subjectName,cn=index,{BACKEND}", "nsIndexType")) == ["eq", "pres", "sub"]
    assert values(c, f"cn=allCerts-{instance.NAME},{BACKEND}", "vlvFilter") == ["(certstatus=*)"]
    certs = c.search_s(f"ou=certificateRepository,ou=ca,{BASE}", ldap.SCOPE_ONELEVEL, "(certStatus=*)")
    assert len(certs) == 5
    entry = {k.lower(): v for k, v in c.search_s(user, ldap.SCOPE_BASE, attrlist=["*", "+"])[0][1].items()}
    assert entry["usertype"] == [b"agentType"] and entry["nslookthroughlimit"] == [b"-1"]
    assert entry["seealso"] and len(entry["usercertificate"]) == 1
    assert any(user.encode() in v for v in c.search_s(BASE, ldap.SCOPE_BASE, attrlist=["aci"])[0][1]["aci"])

    out = site.server_cmd("ca-user-find", "-i", instance.NAME).stdout
    assert "User ID: caadmin" in out and "User ID: pkidbuser" in out
    assert unindexed(site.server) == []


def test_an_installation_that_cannot_be_says_why_and_leaves_nothing(site):
    def refused(text, **change):
        done = site.spawn(status=1, **change)
        assert text in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        assert site.nothing_left()
        return done

    refused("wrong bind DN or password", pki_ds_password="wrong")
    refused("does not answer", pki_ds_url=f"ldap://127.0.0.1:{program.free_port()}")
    refused("pki_ds_url: http://localhost: not ldap://host:port", pki_ds_url="http://localhost")
    refused("A value for 'pki_ds_password' MUST be defined in", pki_ds_password="")
    refused("Database userRoot is owned by dc=example,dc=com", pki_ds_database="userRoot")
    refused("the entry above, dc=pki,dc=example,dc=com, does not exist", pki_ds_create_new_db="False")
    refused("pki_ds_setup=False, but base DN", pki_ds_setup="False")
    c = site.server.connect()
    # fails late, with everything in the directory made
    refused("pki_share_dbuser_dn", pki_share_dbuser_dn="cn=nobody")
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        c.search_s(BACKEND, ldap.SCOPE_BASE)
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        c.search_s(BASE, ldap.SCOPE_BASE)


def test_data_of_another_installation_goes_only_when_it_may(site):
    c = site.server.connect()
    site.server.add_suffix(BASE, "ca")
    c.add_s(f"ou=old,{BASE}", [("objectClass", b"organizationalUnit"), ("ou", b"old")])
    done = site.spawn(status=1, pki_ds_remove_data="False")
    assert done.stderr.startswith("ERROR:  Base DN already exists."), done.stderr
    assert c.search_s(f"ou=old,{BASE}", ldap.SCOPE_BASE) and site.nothing_left()
    site.spawn("pki_ds_create_new_db=False")
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        c.search_s(f"ou=old,{BASE}", ldap.SCOPE_BASE)
