# SPDX-License-Identifier: Apache-2.0
"""A master CA and its clones on private directories of this machine.

    t = ca_site.Site(); m = t.master(); c = t.clone(m, t.directory())
    c.pki("ca-cert-find"), c.server("ca-clone-check"), t.remove()

Every instance has a root, ports and a name of its own; hosts are all localhost.
"""
import os
import shutil
import subprocess
import uuid

import ds
import instance
import program

PASSWORD = "Secret.123"
BASE = "dc=ca,dc=example,dc=com"
NICKS = ("pki_ca_signing_nickname=ca_signing", "pki_ocsp_signing_nickname=ca_ocsp_signing",
         "pki_sslserver_nickname=sslserver", "pki_subsystem_nickname=subsystem")
TIMEOUT = 240


class Member:
    """One instance, there or to be."""

    def __init__(self, site, name, params):
        self.site, self.name, self.params = site, name, params
        self.root = site.folder / name
        self.root.mkdir()
        self.http, self.https = program.free_port(), program.free_port()
        self.url = f"https://localhost:{self.https}"
        self.conf = self.root / "etc/pki" / name

    def argv(self, *extra):
        return instance.spawn_arguments(self.root, self.http, self.https, *self.params, *extra, name=self.name)

    def spawn(self, *extra, status=0):
        return program.run(*self.argv(*extra), "-v", env=self.site.env, status=status, timeout=TIMEOUT)

    def cs(self):
        return dict(x.split("=", 1) for x in (self.conf / "ca/CS.cfg").read_text().splitlines() if "=" in x)

    def left(self):
        return [p for p in self.root.rglob("*") if not p.is_dir() or p.is_symlink()]

    def server(self, *argv, status=0):
        return program.run("pki-server", "--root", self.root, *argv, "-i", self.name, env=self.site.env, status=status,
                           timeout=TIMEOUT)

    def pki(self, *argv, status=0, user=True):
        """The client with the administrator's certificate."""
        who = ["-n", "caadmin"] if user else []
        return program.run("pki", "-d", self.site.client, "-c", PASSWORD, "-U", self.url, *who, *argv,
                           env=self.site.env, status=status, timeout=TIMEOUT)

    def destroy(self):
        program.run("pkidestroy", "--root", self.root, "-s", "CA", "-i", self.name, "--force", env=self.site.env,
                    status=None, timeout=TIMEOUT)


class Site:
    def __init__(self):
        self.folder = instance.temp_root("sgc-")
        self.env = dict(os.environ, PKI_SHARE=str(instance.share(self.folder / "share")), HOME="/root",
                        LC_ALL="C.UTF-8")
        self.env.pop("PKI_ROOT", None)
        self.client = self.folder / "client"
        self.bundle = self.folder / "ca-certs.p12"
        self.members, self.directories = [], []

    def directory(self):
        d = ds.start(f"c{uuid.uuid4().hex[:8]}", suffix=None)
        self.directories.append(d)
        return d

    def _common(self, directory):
        return [*NICKS, f"pki_ds_url={directory.url}", f"pki_ds_password={ds.PASSWORD}", f"pki_ds_base_dn={BASE}",
                "pki_ds_database=ca", f"pki_admin_password={PASSWORD}", f"pki_client_pkcs12_password={PASSWORD}",
                "pki_admin_nickname=caadmin"]

    def member(self, name, params):
        m = Member(self, name, params)
        self.members.append(m)
        return m

    def master(self, *extra):
        """A CA that serves, the bundle for its clones, and a client of it."""
        m = self.member("m", [*self._common(self.directory()), "pki_security_domain_name=EXAMPLE", *extra])
        m.spawn()
        self.prepare(m)
        for argv in (("nss-cert-import", "--cert", m.conf / "alias/ca.crt", "--trust", "CT,C,C", "ca_signing"),
                     ("pkcs12-import", "--pkcs12", next(m.root.rglob("ca_admin_cert.p12")), "--password", PASSWORD)):
            program.run("pki", "-d", self.client, "-c", PASSWORD, *argv, env=self.env)
        return m

    def prepare(self, m):
        m.server("ca-clone-prepare", "--pkcs12-file", self.bundle, "--pkcs12-password", PASSWORD)

    def clone(self, of, directory, *extra, name=None):
        """A clone to be of `of` on a directory; spawn() makes it."""
        params = [*self._common(directory), "pki_clone=True", f"pki_clone_uri={of.url}",
                  f"pki_security_domain_https_port={of.https}", f"pki_security_domain_password={PASSWORD}",
                  f"pki_clone_pkcs12_path={self.bundle}", f"pki_clone_pkcs12_password={PASSWORD}", *extra]
        return self.member(name or f"c{len(self.members)}", params)

    def remove(self):
        for m in self.members:
            if (m.root / "run/pki" / f"{m.name}.pid").exists():
                m.destroy()
        for d in self.directories:
            d.remove()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


def killed_after(member, line, *extra):
    """pkispawn, killed as soon as it says `line`; fails when it ends without."""
    argv = [str(x) for x in member.argv(*extra)]
    argv[0] = program.find(argv[0])
    with subprocess.Popen(["stdbuf", "-oL", *argv, "-v"], env=member.site.env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as p:
        told = []
        for said in p.stdout:
            told.append(said)
            if line in said:
                p.kill()
                p.wait(60)
                return
        p.wait(60)
    raise AssertionError(f"it never said {line!r}:\n{''.join(told)}")
