# SPDX-License-Identifier: Apache-2.0
"""A CA that logs in to its directory with a client certificate (internaldb.ldapauth.authtype=SslClientAuth): no password
of the directory is on the machine."""
import re

import instance
import program

BASE = "dc=ca,dc=pki,dc=example,dc=com"
USER = f"uid=pkidbuser,ou=people,{BASE}"


def trust_clients(server, ca):
    """The directory accepts certificates of that CA and takes their subject for the entry whose seeAlso it is."""
    server.stop()
    pin = server.config / "pin.txt"
    pwd = pin.read_text().split(":", 1)[1]
    password = server.folder / "nss.pwd"
    password.write_text(pwd)
    program.run("certutil", "-A", "-d", server.config, "-f", password, "-n", "pki-ca", "-t", "CT,,", "-a", "-i", ca)
    (server.config / "certmap.conf").write_text(
        "certmap default default\ndefault:DNComps\ndefault:FilterComps\ndefault:verifycert off\n"
        "default:CmapLdapAttr seeAlso\n")
    server.start()


def test_a_client_certificate_opens_the_directory(golden, directory, root, request):
    server = directory(usn=True)
    site = root / "r"
    site.mkdir()
    env = dict(program.os.environ, PKI_ROOT=str(site), PKI_SHARE=str(instance.share(root / "share")), HOME="/root")

    def run(*argv, **kw):
        return program.run(argv[0], *argv[1:], env=env, **kw)

    def config(*lines):
        for name, value in lines:
            run("pki-server", "--root", site, "ca-config-set", "-i", instance.NAME, name, value)

    request.addfinalizer(lambda: run("pkidestroy", "--root", site, "-s", "CA", "-i", instance.NAME, "--force",
                                     "--remove-conf", "--remove-logs", status=None))
    run(*instance.spawn_arguments(site, program.free_port(), program.free_port(), f"pki_ds_url={server.ldaps_url}",
                                  f"pki_ds_password={server.password}", f"pki_ds_base_dn={BASE}",
                                  "pki_ds_database=ca", f"pki_share_dbuser_dn={USER}",
                                  f"pki_ds_secure_connection_ca_pem_file={server.ca_file}"), timeout=300)
    conf = site / "etc/pki" / instance.NAME
    cs = dict(x.split("=", 1) for x in (conf / "ca/CS.cfg").read_text().splitlines())
    server_cmd = ("pki-server", "--root", site)
    run(*server_cmd, "stop", instance.NAME)
    ca = root / "ca.crt"
    ca.write_text(program.run("certutil", "-L", "-d", conf / "alias", "-n",
                              cs["ca.cert.signing.nickname"], "-a").stdout)
    trust_clients(server, ca)
    config(("internaldb.ldapauth.authtype", "SslClientAuth"))
    done = run(*server_cmd, "start", instance.NAME, status=1)
    assert "internaldb.ldapauth.clientCertNickname: missing" in done.stderr, done.stderr
    config(("internaldb.ldapauth.clientCertNickname", cs["ca.cert.subsystem.nickname"]))
    # no password of the directory any more
    passwords = conf / "password.conf"
    passwords.write_text("".join(x for x in passwords.read_text().splitlines(True) if not x.startswith("internaldb=")))
    since = len(server.log_lines())
    run(*server_cmd, "start", instance.NAME)
    assert "User ID: caadmin" in run(*server_cmd, "ca-user-find", "-i", instance.NAME).stdout
    binds = [x for x in server.log_lines(since) if " BIND dn=" in x]
    assert binds and all("method=sasl" in x and "mech=EXTERNAL" in x for x in binds), binds
    assert any('err=0' in x and re.search(f'dn="{USER}"', x, re.I) for x in server.log_lines(since)), binds
    run(*server_cmd, "stop", instance.NAME)
    # a plain connection proves nothing
    config(("internaldb.ldapconn.secureConn", "false"), ("internaldb.ldapconn.port", server.port))
    done = run(*server_cmd, "start", instance.NAME, status=1)
    assert "needs internaldb.ldapconn.secureConn or startTLS" in done.stderr, done.stderr
    config(("internaldb.ldapconn.startTLS", "true"),
           ("internaldb.ldapconn.host", server.ldaps_url.split("//")[1].split(":")[0]))
    run(*server_cmd, "start", instance.NAME)
    assert "User ID: caadmin" in run(*server_cmd, "ca-user-find", "-i", instance.NAME).stdout
