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
    waits = "; its USN plug-in acts after its next restart"
    assert f"    Directory:           {site.server.url}{waits}" in site.server_cmd("status", instance.NAME).stdout
    assert site.server.unindexed() == []
    site.server.restart()
    out = site.server_cmd("status", instance.NAME).stdout
    assert f"    Directory:           {site.server.url}\n" in out and waits not in out


def test_a_ca_speaks_tls_with_its_directory(site):
    url, pem = site.server.ldaps_url, "pki_ds_secure_connection_ca_pem_file"
    done = site.spawn(pki_ds_url=url, status=1)
    assert f"A value for '{pem}' MUST be defined in" in done.stderr and site.nothing_left()
    done = site.spawn(pki_ds_url=url, status=1, **{pem: "/none.pem"})
    assert f"{pem}: /none.pem: no such file" in done.stderr and site.nothing_left()
    wrong = site.root.parent / "wrong.pem"
    wrong.write_bytes(program.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
                                  "-subj", "/CN=Other", "-days", "2", text=False).stdout)
    done = site.spawn(pki_ds_url=url, status=1, **{pem: wrong})
    assert "its certificate is not trusted" in done.stderr and site.nothing_left()
    site.spawn("pki_ds_secure_connection_ca_nickname=ds_signing", pki_ds_url=url, **{pem: site.server.ca_file})
    cs = site.cs_cfg()
    assert cs["internaldb.ldapconn.secureConn"] == "true"
    assert cs["internaldb.ldapconn.port"] == str(site.server.secure_port)
    listed = program.run("certutil", "-L", "-d", site.root / "etc/pki" / instance.NAME / "alias").stdout
    assert re.search(r"^ds_signing +CT,C,C", listed, re.M)
    assert "  Secure: true" in site.server_cmd("ca-db-config-show", "-i", instance.NAME).stdout
    assert "User ID: caadmin" in site.server_cmd("ca-user-find", "-i", instance.NAME).stdout
    site.server_cmd("ca-db-index-add", "-i", instance.NAME)
    # StartTLS on the plain port: the same issuers
    site.server_cmd("stop", instance.NAME)
    for name, value in (("secureConn", "false"), ("startTLS", "true"), ("port", site.server.port),
                        ("host", url.split("//")[1].split(":")[0])):
        site.server_cmd("ca-config-set", "-i", instance.NAME, f"internaldb.ldapconn.{name}", value)
    site.server_cmd("start", instance.NAME)
    assert "User ID: caadmin" in site.server_cmd("ca-user-find", "-i", instance.NAME).stdout
    assert "oid=\"1.3.6.1.4.1.1466.20037\"" in site.server.access.read_text()


def framed(text):
    return f"{'-' * len(text)}\n{text}\n{'-' * len(text)}\n"


def test_pki_server_looks_after_the_database(site):
    site.spawn()

    def db(command, *argv, **kw):
        return site.server_cmd(f"ca-db-{command}", "-i", instance.NAME, *argv, **kw).stdout

    assert db("config-show").splitlines() == [
        "  Hostname: 127.0.0.1", f"  Port: {site.server.port}", "  Secure: false", "  Authentication: BasicAuth",
        "  Bind DN: cn=Directory Manager", "  Bind Password Prompt: internaldb", "  Database: ca",
        f"  Base DN: {BASE}", "  Multiple suffix: false", "  Maximum connections: 15", "  Minimum connections: 3"]
    c = site.server.connect()
    # an index that somebody took away comes back and is built
    c.delete_s(f"cn=issuerName,cn=index,{BACKEND}")
    db("index-add")
    db("index-rebuild", "-v")
    assert sorted(values(c, f"cn=issuerName,cn=index,{BACKEND}", "nsIndexType")) == ["eq", "pres", "sub"]
    assert db("vlv-find") == ""
    db("vlv-add")
    db("vlv-reindex")
    lists = db("vlv-find")
    assert lists.count("  dn: ") == 68 and "  vlvFilter: (certstatus=*)" in lists
    db("vlv-del")
    assert db("vlv-find") == ""
    user = f"uid=dbuser,ou=people,{BASE}"

    def rights():
        return sum(user.encode() in v for dn in (BASE, "cn=config", "cn=tasks,cn=config", "ou=csusers,cn=config",
                                                 "cn=ldbm database,cn=plugins,cn=config",
                                                 f'cn="{BASE}",cn=mapping tree,cn=config')
                   for v in c.search_s(dn, ldap.SCOPE_BASE, attrlist=["aci"])[0][1].get("aci", []))
    db("access-grant", user)
    db("access-grant", user)
    assert rights() == 6
    db("access-revoke", user)
    assert rights() == 0
    assert db("upgrade") == "CA database upgraded\n"
    assert site.server_cmd("db-upgrade", "-i", instance.NAME).stdout == framed("Upgrade complete")
    done = site.server_cmd("db-schema-upgrade", "-i", instance.NAME, "-D", "cn=Directory Manager", "-w", "wrong",
                           status=1)
    assert "Unable to update schema: " in done.stderr and "wrong bind DN or password" in done.stderr
    # nothing goes below a running server
    done = site.server_cmd("ca-db-remove", "-i", instance.NAME, "--force", status=1)
    assert f"instance {instance.NAME} is running" in done.stderr and c.search_s(BASE, ldap.SCOPE_BASE)
    site.server_cmd("stop", instance.NAME)
    assert "Are you sure (y/N)?" in site.server_cmd("ca-db-empty", "-i", instance.NAME, input="n\n").stdout
    assert c.search_s(f"ou=people,{BASE}", ldap.SCOPE_BASE)
    db("empty", "--force")
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        c.search_s(BASE, ldap.SCOPE_BASE)
    db("init", "--skip-config", "--skip-schema")
    assert c.search_s(f"cn=Administrators,ou=groups,{BASE}", ldap.SCOPE_BASE)
    db("remove", "--force")
    db("remove", "--force")
    with pytest.raises(ldap.NO_SUCH_OBJECT):
        c.search_s(BACKEND, ldap.SCOPE_BASE)
    db("create")
    assert values(c, BACKEND, "nsslapd-suffix") == [BASE]
    done = site.server_cmd("ca-db-config-mod", "-i", instance.NAME, "--port", "x", status=1)
    assert "Invalid value for --port: x" in done.stderr
    assert "  Port: 1389" in db("config-mod", "--port", "1389", "--maxConns", "20")
    assert site.cs_cfg()["internaldb.maxConns"] == "20"


def test_a_directory_replicated_by_hand(site, directory):
    """The administrator's own preparation of a second directory (deployment 3.10)."""
    import replica
    other = directory()
    site.spawn("pki_ds_create_new_db=True")
    manager = "cn=Replication Manager,cn=config"

    def repl(command, server, *argv, **kw):
        return site.server_cmd(f"ca-db-repl-{command}", "-i", instance.NAME, "--url", server.url, "--bind-dn",
                               server.bind_dn, "--bind-password", server.password, "--suffix", BASE, *argv, **kw)

    c = other.connect()
    done = repl("enable", other, "--replica-bind-dn", manager, "--replica-bind-password", "Secret.123", status=1)
    assert f"{BASE} is no suffix of {other.url}: make it with ca-db-create first" in done.stderr
    other.add_suffix(BASE, "ca")
    for number, server in ((7, site.server), (8, other)):
        for _ in range(2):
            repl("enable", server, "--replica-bind-dn", manager, "--replica-bind-password", "Secret.123",
                 "--replica-id", number)
    for a, b, name in ((site.server, other, "one-to-two"), (other, site.server, "two-to-one")):
        repl("agmt-add", a, "--replica-url", b.url, "--replica-bind-dn", manager, "--replica-bind-password",
             "Secret.123", name)
    done = repl("agmt-init", site.server, "one-to-three", status=1)
    assert "no replication agreement one-to-three" in done.stderr
    repl("agmt-init", site.server, "one-to-two", "-v")
    assert c.search_s(f"cn=Administrators,ou=groups,{BASE}", ldap.SCOPE_BASE)
    net = replica.Net([site.server, other], BASE)
    net.wait()
    program.wait_for("the state to be green", lambda: "  State: green" in repl("status", site.server).stdout, 120)
    text = repl("status", site.server).stdout
    assert "  Replica ID: 7" in text and "  Agreement: one-to-two" in text
    assert f"  Replica: 127.0.0.1:{other.port}" in text
    assert site.server_cmd("ca-db-conflict-find", "-i", instance.NAME).stdout == ""


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
