# SPDX-License-Identifier: Apache-2.0
"""A certificate authority made by pkispawn and served by pkid, under a root of
its own."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import program

PASSWORD = "Secret.123"


class ServedCa:
    """ca = ServedCa(); ca.start(); ...; ca.close(). Settings of CS.cfg before
    start with ca.configure(name=value)."""

    def __init__(self, *defines):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sg-", dir=os.environ.get("TMPDIR", "/tmp")))
        self.root.chmod(0o755)
        self.port, self.tls_port = program.free_port(), program.free_port()
        self.process = None
        share = self.root / "share/ca"
        share.mkdir(parents=True)
        (share / "profiles").symlink_to(program.TOP / "data/profiles")
        (share / "conf").symlink_to(program.TOP / "data/profiles/conf")
        self.env = dict(os.environ, PKI_ROOT=str(self.root), PKI_SHARE=str(self.root / "share"))
        settings = [f"pki_http_port={self.port}", f"pki_https_port={self.tls_port}",
                    f"pki_security_domain_https_port={self.tls_port}", "pki_hostname=localhost",
                    f"pki_admin_password={PASSWORD}", f"pki_client_pkcs12_password={PASSWORD}", *defines]
        argv = [a for s in settings for a in ("-D", s)]
        self.spawned = program.run("pkispawn", "--root", self.root, "-s", "CA", "--no-start", *argv, env=self.env)
        self.conf = self.root / "etc/pki/pki-tomcat"
        self.logs = self.root / "var/log/pki/pki-tomcat"
        self.cs_cfg = self.conf / "ca/CS.cfg"
        self.ca_file = self.conf / "alias/ca.crt"
        self.agent = self.root / "agent.pem"  # key and certificate of caadmin
        p12 = next(self.root.glob("**/ca_admin_cert.p12"))
        pem = subprocess.run(["openssl", "pkcs12", "-in", p12, "-passin", f"pass:{PASSWORD}", "-nodes", "-clcerts"],
                             check=True, stdout=subprocess.PIPE).stdout
        self.agent.write_bytes(pem)
        self.log = self.root / "pkid.log"

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    @property
    def tls_url(self):
        return f"https://localhost:{self.tls_port}"

    def configure(self, settings):
        """Sets values of CS.cfg (a dict); counts from the next start."""
        lines = [line for line in self.cs_cfg.read_text().splitlines() if line.split("=", 1)[0] not in settings]
        self.cs_cfg.write_text("\n".join(lines + [f"{k}={v}" for k, v in settings.items()]) + "\n")

    def start(self):
        self.process = program.spawn("pkid", "--root", self.root, "pki-tomcat", env=self.env, log=self.log)

        def serving():
            if self.process.poll() is not None:
                raise AssertionError(f"pkid ended with {self.process.returncode}:\n{self.log.read_text()}")
            return program.port_open(self.tls_port)
        program.wait_for("pkid serves", serving)
        return self

    def stop(self):
        if self.process is not None:
            program.end(self.process)
        self.process = None

    def curl(self, path, *argv, agent=True, status=0):
        """The body of an answer; `path` begins with '/'."""
        cert = ["--cert", self.agent] if agent else []
        return program.run("curl", "-sS", "--cacert", self.ca_file, *cert, *argv, self.tls_url + path,
                           status=status).stdout

    def close(self):
        self.stop()
        if os.environ.get("KEEP"):
            print(f"kept {self.root}")
        else:
            shutil.rmtree(self.root, ignore_errors=True)
