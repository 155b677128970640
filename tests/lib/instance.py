# SPDX-License-Identifier: Apache-2.0
"""Private CA instances and clients of them.

One stopped instance (the golden copy) is made with pkispawn once a test session;
each CA of a test is a copy of its root with ports of its own, served by a pkid of
its own. Keys are EC P-256, so that a copy starts in milliseconds.

    ca = instance.Ca(golden, folder); ca.start()
    ca.agent()                 # Client with the administrator's certificate
    ca.anonymous()             # Client without one
    ca.stop(), ca.kill(), ca.remove()

On a directory: Ca(DirectoryGolden()).directory().start(); ca.ds is the server.
"""
import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import ds
import program

NAME = "t"
START_TIMEOUT = 30
STOP_TIMEOUT = 20
OCSP_TYPE = "application/ocsp-request"
CRL_PATH = "/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=MasterCRL"


def temp_root(prefix="sgi-"):
    """A short root (socket paths are short) that other users may search."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("TMPDIR", "/tmp")))
    path.chmod(0o755)
    return path


def share(folder):
    """The installed data, laid out below folder: PKI_SHARE of our programs."""
    data = program.TOP / "data/profiles"
    ca = pathlib.Path(folder) / "ca"
    ca.mkdir(parents=True)
    (ca / "profiles").mkdir()
    shutil.copytree(data / "ca", ca / "profiles/ca")
    shutil.copytree(data / "conf", ca / "conf")
    for name in ("profile.list", "registry.cfg"):
        shutil.copy(data / name, ca / "conf")
    return pathlib.Path(folder)


def spawn_arguments(root, http, https, *extra, name=NAME):
    params = {"pki_instance_name": name, "pki_hostname": "localhost", "pki_http_port": http,
              "pki_https_port": https}
    for key in ("ca_signing", "ocsp_signing", "sslserver", "subsystem", "admin", "audit_signing"):
        params[f"pki_{key}_key_type"] = "ecc"
        params[f"pki_{key}_key_size"] = "nistp256"
    argv = ["pkispawn", "--root", root, "-s", "CA"]
    for k, v in params.items():
        argv += ["-D", f"{k}={v}"]
    for x in extra:
        argv += ["-D", x]
    return argv


class Golden:
    """The stopped instance all others are copies of."""

    def __init__(self, *extra):
        self.folder = temp_root("sgg-")
        self.root = self.folder / "root"
        self.root.mkdir()
        self.share = share(self.folder / "share")
        self.env = dict(os.environ, PKI_SHARE=str(self.share), HOME="/root")
        self.env.pop("PKI_ROOT", None)
        argv = spawn_arguments(self.root, program.free_port(), program.free_port(), *extra)
        self.spawned = program.run(*argv, "--no-start", env=self.env)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class DirectoryGolden(Golden):
    """The same on a private directory server, which is stopped too."""

    def __init__(self, *extra):
        self.ds = ds.start(f"gold{os.getpid()}p{program.free_port()}", usn=True)
        try:
            super().__init__(f"pki_ds_url={self.ds.url}", f"pki_ds_password={self.ds.password}",
                             "pki_ds_base_dn=o=t-CA", "pki_ds_database=ca", *extra)
            self.ds.stop()
        except BaseException:
            self.ds.remove()
            raise

    def remove(self):
        self.ds.remove()
        super().remove()


def set_lines(path, changes):
    """name=value lines of a configuration file; a value None removes the line."""
    left = dict(changes)
    lines = []
    for line in path.read_text().splitlines():
        name = line.split("=", 1)[0]
        if name not in changes:
            lines.append(line)
        elif left.pop(name, None) is not None:
            lines.append(f"{name}={changes[name]}")
    lines += [f"{k}={v}" for k, v in left.items() if v is not None]
    path.write_text("\n".join(lines) + "\n")


def move(root, old):
    """Re-points links and configuration files of a copy at its new root."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = pathlib.Path(folder) / name
            if path.is_symlink():
                target = os.readlink(path)
                if target.startswith(f"{old}/"):
                    path.unlink()
                    path.symlink_to(f"{root}{target[len(str(old)):]}")
            elif path.is_file() and path.suffix in (".cfg", ".conf", "") and path.stat().st_size < 1 << 20:
                text = path.read_bytes()
                if f"{old}/".encode() in text:
                    path.write_bytes(text.replace(f"{old}/".encode(), f"{root}/".encode()))


class Ca:
    def __init__(self, golden, folder=None, name=NAME):
        self.golden, self.name = golden, name
        self.folder = folder or temp_root()
        self.own_folder = folder is None
        self.root = self.folder / "r"
        subprocess.run(["cp", "-a", golden.root, self.root], check=True)
        move(self.root, golden.root)
        self.env = golden.env
        self.http, self.https = program.free_port(), program.free_port()
        self.conf = self.root / "etc/pki" / name
        self.logs = self.root / "var/log/pki" / name
        self.lib = self.root / "var/lib/pki" / name
        self.db = self.lib / "ca/db"
        self.ca_crt = self.conf / "alias/ca.crt"
        self.log = self.folder / "pkid.log"
        self.cs_cfg, self.server_cfg = self.conf / "ca/CS.cfg", self.conf / "server.cfg"
        set_lines(self.server_cfg, {"http.port": self.http, "https.port": self.https, "address": "127.0.0.1"})
        self.settings({"service.securePort": self.https, "service.unsecurePort": self.http})
        self.client_dir = next((self.root / "root/.dogtag").glob("*"))
        self.admin_pem = self._admin_pem()
        self.process = self.ds = None

    # --- the directory ---------------------------------------------------

    def directory(self):
        """Starts a copy of the directory that the golden copy was made on."""
        self.ds = ds.copy(self.golden.ds, f"ca{os.getpid()}p{program.free_port()}")
        self.settings({"internaldb.ldapconn.port": self.ds.port})
        self.ds.start()
        return self

    # --- settings -------------------------------------------------------

    def settings(self, changes):
        set_lines(self.cs_cfg, changes)

    def secrets(self):
        """Every password and PIN that the installation made."""
        found = set()
        for path in [self.conf / "password.conf", *self.client_dir.glob("*password*")]:
            for line in path.read_text().splitlines():
                value = line.split("=", 1)[-1].strip()
                if len(value) >= 6:
                    found.add(value)
        return found

    def _admin_pem(self):
        pem = self.folder / "admin.pem"
        subprocess.run(["openssl", "pkcs12", "-in", self.client_dir / "ca_admin_cert.p12", "-nodes", "-out", pem,
                        "-passin", f"file:{self.client_dir}/ca_admin_cert.p12.password"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return pem

    # --- the process ----------------------------------------------------

    def launch(self, *wrapper, env=None, debug=False):
        """Starts pkid without waiting for it."""
        argv = [*wrapper, program.find("pkid"), *(["--debug"] if debug else []), "--root", self.root, self.name]
        self.process = program.spawn(*argv, env=dict(self.env, **(env or {})), log=self.log)
        return self.process

    def start(self, *wrapper, **kw):
        self.launch(*wrapper, **kw)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"pkid ended with {self.process.returncode}:\n{self.log.read_text()}")
            return self.healthy() and (self.root / "run/pki" / f"{self.name}.pid").exists()
        program.wait_for("pkid serves", up, START_TIMEOUT, every=0.02)
        return self

    def healthy(self):
        try:
            return self.plain("GET", "/health", timeout=10)[0] == 200
        except OSError:
            return False

    def fail(self, env=None, timeout=START_TIMEOUT):
        """Runs a pkid that must not start: (exit status, what it wrote)."""
        argv = [program.find("pkid"), "--root", str(self.root), self.name]
        done = subprocess.run(argv, env=dict(self.env, **(env or {})), stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def pid(self):
        """The pid of pkid itself, also below a wrapper such as strace."""
        return int((self.root / "run/pki" / f"{self.name}.pid").read_text())

    def stop(self):
        """SIGTERM; it must end well."""
        os.kill(self.pid(), 15)
        status = self.process.wait(STOP_TIMEOUT)
        assert status == 0, f"pkid ended with {status}:\n{self.log.read_text()[-4000:]}"
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        # what it left names a dead process until the next one has written its own
        (self.root / "run/pki" / f"{self.name}.pid").unlink(missing_ok=True)
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def remove(self, check=True):
        try:
            if self.process is not None:
                if check and self.process.poll() is None:
                    self.stop()
                else:
                    program.end(self.process)
        finally:
            if self.process is not None:
                program.end(self.process)
            if self.ds is not None and not os.environ.get("KEEP"):
                self.ds.remove()
            if os.environ.get("KEEP"):
                print(f"kept {self.folder}")
            elif self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def memory(self):
        """Anonymous resident memory in bytes."""
        text = pathlib.Path(f"/proc/{self.pid()}/status").read_text()
        return int(re.search(r"RssAnon:\s*(\d+) kB", text).group(1)) * 1024

    # --- clients --------------------------------------------------------

    def plain(self, method, path, body=None, headers=None, timeout=60):
        """One request over plain HTTP: (status, body)."""
        c = http.client.HTTPConnection("127.0.0.1", self.http, timeout=timeout)
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def metrics(self):
        text = self.plain("GET", "/metrics")[1].decode()
        return {k: float(v) for k, v in re.findall(r"^([a-zA-Z_:][^ #]*) ([0-9.eE+-]+)$", text, re.M)}

    def agent(self):
        return Client(self, self.admin_pem)

    def anonymous(self):
        return Client(self, None)

    def client(self, pem):
        return Client(self, pem)

    def crl_der(self):
        status, body = self.plain("GET", CRL_PATH)
        assert status == 200, body
        return body

    def crl(self):
        return x509.load_der_x509_crl(self.crl_der())

    def ca_cert(self):
        return x509.load_pem_x509_certificate(self.ca_crt.read_bytes())

    def ocsp(self, cert, method="POST", nonce=None):
        """An OCSP answer of cryptography about a certificate."""
        from cryptography.x509 import ocsp
        b = ocsp.OCSPRequestBuilder().add_certificate(cert, self.ca_cert(), hashes.SHA1())
        if nonce:
            b = b.add_extension(x509.OCSPNonce(nonce), False)
        der = b.build().public_bytes(serialization.Encoding.DER)
        return ocsp.load_der_ocsp_response(self.ocsp_der(der, method))

    def ocsp_der(self, der, method="POST"):
        if method == "POST":
            status, body = self.plain("POST", "/ca/ocsp", der, {"Content-Type": OCSP_TYPE})
        else:
            import base64
            status, body = self.plain("GET", "/ca/ocsp/" + urllib.parse.quote(base64.b64encode(der), safe=""))
        assert status == 200, (status, body)
        return body


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


class Client:
    """A TLS connection kept open, with the cookie of its session."""

    def __init__(self, ca, pem, cookies=True):
        self.ca, self.cookies, self.cookie = ca, cookies, None
        self.context = ssl.create_default_context(cafile=str(ca.ca_crt))
        if pem is not None:
            self.context.load_cert_chain(str(pem))
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, method, path, body=None, headers=None, timeout=60):
        """(status, bytes); path below /ca/v2/ unless it begins with /."""
        if not path.startswith("/"):
            path = "/ca/v2/" + path
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if self.cookie and self.cookies:
            headers["Cookie"] = self.cookie
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("localhost", self.ca.https, timeout=timeout,
                                                          context=self.context)
        try:
            self.connection.request(method, path, body, headers)
            r = self.connection.getresponse()
            data = r.read()
        except BaseException:
            self.close()
            raise
        cookie = r.getheader("Set-Cookie")
        if cookie:
            self.cookie = cookie.split(";")[0]
        self.headers = r.headers
        return r.status, data

    def json(self, method, path, body=None, **kw):
        status, data = self.call(method, path, body, **kw)
        if status >= 300:
            try:
                text = json.loads(data)["Message"]
            except (ValueError, KeyError, TypeError):
                text = data.decode("utf-8", "replace")
            raise Refused(status, text)
        return json.loads(data) if data else None

    # --- end entities ---------------------------------------------------

    def submit(self, csr, profile="caServerCert", **inputs):
        """The request infos of a PKCS #10 enrolment."""
        values = {"cert_request_type": "pkcs10", "cert_request": csr, **inputs}
        return self.json("POST", "certrequests", enrolment(profile, values))["entries"]

    def renew(self, serial, profile="caManualRenewal"):
        return self.json("POST", "certrequests", dict(enrolment(profile, {}), Renewal=True,
                                                      SerialNumber=serial))["entries"][0]

    def request(self, rid):
        return self.json("GET", f"certrequests/{rid}")

    def cert_data(self, serial):
        return self.json("GET", f"certs/{serial}")

    def cert(self, serial):
        return x509.load_pem_x509_certificate(self.cert_data(serial)["Encoded"].encode())

    # --- agents ---------------------------------------------------------

    def review(self, rid):
        return self.json("GET", f"agent/certrequests/{rid}")

    def act(self, rid, action, review=None):
        self.json("POST", f"agent/certrequests/{rid}/{action}", review or self.review(rid))

    def issue(self, csr, profile="caServerCert", **inputs):
        """Submits, approves where needed: the serial number as text."""
        info = self.submit(csr, profile, **inputs)[0]
        if info["requestStatus"] == "pending":
            self.act(info["requestID"], "approve")
            info = self.request(info["requestID"])
        assert info["requestStatus"] == "complete", info
        return info["certId"]

    def revoke(self, serial, reason="Key_Compromise", nonce=None, **more):
        if nonce is None:
            nonce = self.json("GET", f"agent/certs/{serial}")["Nonce"]
        return self.json("POST", f"agent/certs/{serial}/revoke", {"Reason": reason, "Nonce": nonce, **more})

    def unrevoke(self, serial):
        return self.json("POST", f"agent/certs/{serial}/unrevoke")

    def crl_update(self):
        status, body = self.call("GET", "/ca/agent/ca/updateCRL?op=updateCRL&waitForUpdate=true&xml=true"
                                        "&crlIssuingPoint=MasterCRL")
        assert status == 200 and b"<crlUpdate>Success<" in body, (status, body)
        return self.ca.crl()


def user_cert(agent, uid, key, groups=(), profile="caUserCert"):
    """Makes a user with a certificate of the CA: the certificate."""
    cert = agent.cert(agent.issue(csr(uid, key), profile, sn_uid=uid, sn_cn=uid))
    agent.json("POST", "admin/users", {"UserID": uid, "id": uid, "FullName": uid})
    agent.json("POST", f"admin/users/{uid}/certs",
               {"Encoded": cert.public_bytes(serialization.Encoding.PEM).decode()})
    for g in groups:
        agent.json("POST", "admin/groups/" + urllib.parse.quote(g) + "/members", {"id": uid})
    return cert


def enrolment(profile, values):
    return {"ProfileID": profile, "Renewal": False,
            "Input": [{"id": "i1", "Attribute": [{"name": k, "Value": v} for k, v in values.items()]}]}


# --- keys and requests of end entities ---------------------------------------

def make_key():
    """The shipped server and user profiles want RSA."""
    return rsa.generate_private_key(65537, 2048)


@functools.lru_cache
def any_key():
    """One key for all requests where its identity does not matter."""
    return make_key()


def csr(name="www.example.com", key=None, organization="Example"):
    """A PKCS #10 request in PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                         x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key or any_key(), hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM).decode())


def write_pem(path, key, *certs):
    """Key and certificates in one file, as ssl.load_cert_chain reads them."""
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()) +
                     b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certs))
    return path
