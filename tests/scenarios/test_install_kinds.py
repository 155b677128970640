# SPDX-License-Identifier: Apache-2.0
"""pkispawn's other kinds of installation (spec deployment 2.4): two steps under
an external CA, keys and certificates that are there already, and what is left
when it is killed on the way."""
import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

import instance
import program

NAME = "t"
NICKS = ("pki_ca_signing_nickname=ca_signing", "pki_ocsp_signing_nickname=ca_ocsp_signing",
         "pki_sslserver_nickname=sslserver", "pki_subsystem_nickname=subsystem")


@pytest.fixture(scope="module")
def env():
    folder = instance.temp_root("sgk-")
    made = dict(os.environ, PKI_SHARE=str(instance.share(folder / "share")), HOME="/root", LC_ALL="C.UTF-8")
    made.pop("PKI_ROOT", None)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


class Tree:
    """One root with one instance to be."""

    def __init__(self, root, env):
        self.root, self.env = root, env
        self.conf = root / "etc/pki" / NAME
        self.http, self.https = program.free_port(), program.free_port()

    def argv(self, *extra):
        return instance.spawn_arguments(self.root, self.http, self.https, *NICKS, *extra, name=NAME)

    def spawn(self, *extra, options=("--no-start",), status=0):
        return program.run(*self.argv(*extra), *options, env=self.env, status=status)

    def destroy(self, *options):
        return program.run("pkidestroy", "--root", self.root, "-s", "CA", "-i", NAME, *options, env=self.env)

    def server(self, *argv):
        return program.run("pki-server", "--root", self.root, *argv, "-i", NAME, env=self.env).stdout

    def cs(self):
        return dict(x.split("=", 1) for x in (self.conf / "ca/CS.cfg").read_text().splitlines() if "=" in x)

    def cert(self, name):
        return x509.load_pem_x509_certificate((self.conf / "certs" / f"{name}.crt").read_bytes())

    def left(self):
        return [p for p in self.root.rglob("*") if (not p.is_dir() or p.is_symlink()) and "archive" not in str(p)]


@pytest.fixture
def tree(root, env):
    t = Tree(root, env)
    yield t
    if (root / "run/pki" / f"{NAME}.pid").exists():
        program.run("pkidestroy", "--root", root, "-s", "CA", "-i", NAME, "--force", "--remove-conf", "--remove-logs",
                    env=env, status=None)


class Root:
    """A CA of somebody else."""

    def __init__(self, folder):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root of others")])
        self.cert = self.sign(self.name, self.key.public_key())
        self.path = folder / "root.crt"
        self.path.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, public):
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=900))
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .add_extension(x509.KeyUsage(True, True, False, False, False, True, True, False, False), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                .sign(self.key, hashes.SHA256()))

    def issue(self, csr, to):
        request = x509.load_pem_x509_csr(csr.read_bytes())
        assert request.is_signature_valid
        made = self.sign(request.subject, request.public_key())
        to.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return made


def step_two(root, tree):
    return ("pki_external=True", "pki_external_step_two=True", f"pki_ca_signing_csr_path={tree.root}/ca.csr",
            f"pki_ca_signing_cert_path={tree.root}/ca.crt", f"pki_cert_chain_path={root.path}",
            "pki_cert_chain_nickname=root of others")


def step_one(tree):
    return tree.spawn("pki_external=True", f"pki_ca_signing_csr_path={tree.root}/ca.csr")


def test_an_external_ca_signs_between_two_steps(tree):
    others = Root(tree.root)
    done = step_one(tree)
    assert "is still incomplete." in done.stdout and str(tree.root / "ca.csr") in done.stdout
    assert tree.cs()["cs.state"] == "0"
    csr = x509.load_pem_x509_csr((tree.root / "ca.csr").read_bytes())
    assert csr.extensions.get_extension_for_class(x509.BasicConstraints).critical
    made = others.issue(tree.root / "ca.csr", tree.root / "ca.crt")
    done = tree.spawn(*step_two(others, tree), options=("-v",))
    assert "INSTALLATION SUMMARY" in done.stdout
    assert tree.cert("ca_signing") == made
    assert tree.cs()["cs.state"] == "1" and not any(x.startswith("preop.") for x in tree.cs())
    assert tree.cert("sslserver").issuer == made.subject
    chain = (tree.conf / "alias/ca.crt").read_bytes()
    assert chain == b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (made, others.cert))
    assert (tree.conf / "certs/ca_signing.csr").read_bytes().strip() == (tree.root / "ca.csr").read_bytes().strip()
    # whoever knows only the root can follow the chain that the server sends
    program.wait_for("the server", lambda: program.port_open(tree.https))
    told = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{tree.https}", "-CAfile", str(others.path),
                           "-verify_return_error"], input=b"", capture_output=True, check=False, timeout=60)
    assert b"Verify return code: 0 (ok)" in told.stdout, told.stdout[-2000:]
    # and whoever downloads it gets the same certificates
    with urllib.request.urlopen(f"http://localhost:{tree.http}/ca/ee/ca/getCAChain?op=downloadBIN", timeout=60) as got:
        assert set(pkcs7.load_der_pkcs7_certificates(got.read())) == {made, others.cert}
    # the certificate of somebody else is not in this CA's repository
    assert f"{made.serial_number:#x}" not in tree.server("ca-cert-find")


def test_a_certificate_for_another_key_is_refused_and_step_two_can_be_repeated(tree):
    others = Root(tree.root)
    step_one(tree)
    good = others.issue(tree.root / "ca.csr", tree.root / "good.crt")
    (tree.root / "ca.crt").write_bytes(others.path.read_bytes())
    before = sorted(tree.left())
    done = tree.spawn(*step_two(others, tree), status=1)
    assert re.search("Installation failed: pki_ca_signing_cert_path: .*no private key for it", done.stderr)
    assert tree.cs()["cs.state"] == "0" and sorted(tree.left()) == before
    (tree.root / "ca.crt").write_bytes((tree.root / "good.crt").read_bytes())
    tree.spawn(*step_two(others, tree))
    assert tree.cert("ca_signing") == good and tree.cs()["cs.state"] == "1"


def test_step_two_without_a_certificate_says_what_to_set(tree):
    step_one(tree)
    done = tree.spawn("pki_external=True", "pki_external_step_two=True", status=1)
    assert "pki_ca_signing_cert_path" in done.stderr
    done = tree.spawn("pki_external=True", "pki_external_step_two=True", "pki_ca_signing_cert_path=/nowhere", status=1)
    assert "pki_ca_signing_cert_path: " in done.stderr


def test_step_two_needs_step_one(tree):
    done = tree.spawn("pki_external=True", "pki_external_step_two=True", status=1)
    assert "PKI subsystem 'CA' for instance 't' does NOT exist!" in done.stderr
    assert not tree.left()


def test_keys_of_a_pkcs12_file_are_used(tree, env):
    """An existing CA moves: step one makes no keys, step two brings them."""
    first = Tree(tree.root / "first", env)
    first.root.mkdir()
    first.spawn()
    first.server("ca-clone-prepare", "--pkcs12-file", tree.root / "ca.p12", "--pkcs12-password", "Secret.123")
    done = tree.spawn("pki_external=True")
    assert "No CSR has been generated for CA signing certificate." in done.stdout
    extra = ("pki_external=True", "pki_external_step_two=True", f"pki_pkcs12_path={tree.root}/ca.p12",
             f"pki_ca_signing_csr_path={first.conf}/certs/ca_signing.csr")
    done = tree.spawn(*extra, "pki_pkcs12_password=wrong", status=1)
    assert "pki_pkcs12_path: " in done.stderr and "does not open with pki_pkcs12_password" in done.stderr
    tree.spawn(*extra, "pki_pkcs12_password=Secret.123")
    for name in ("ca_signing", "ca_ocsp_signing", "subsystem"):
        assert tree.cert(name) == first.cert(name)
    assert tree.cert("sslserver") != first.cert("sslserver")
    # its own certificate is in its repository
    assert f"{tree.cert('ca_signing').serial_number:#x}" in tree.server("ca-cert-find")
    assert (tree.conf / "certs/ca_signing.csr").read_bytes() == (first.conf / "certs/ca_signing.csr").read_bytes()


def test_the_first_step_can_be_asked_for_alone(tree):
    done = tree.spawn(options=("--skip-configuration",))
    assert "must still be configured!" in done.stdout
    assert tree.cs()["cs.state"] == "0" and not (tree.conf / "certs/ca_signing.crt").exists()
    tree.spawn(options=("--skip-installation", "--no-start"))
    assert tree.cs()["cs.state"] == "1"
    done = tree.spawn(options=("--skip-installation", "--no-start"), status=1)
    assert "PKI subsystem 'CA' for instance 't' already exists!" in done.stderr


@pytest.mark.parametrize("extra,told", [
    (("pki_clone=True", "pki_external=True"), "cloned CAs and external CAs MUST be MUTUALLY EXCLUSIVE in "),
    (("pki_external=True", "pki_subordinate=True"), "external CAs and subordinate CAs MUST be MUTUALLY EXCLUSIVE"),
])
def test_kinds_exclude_each_other(tree, extra, told):
    done = tree.spawn(*extra, status=1)
    assert told in done.stderr and not tree.left()


@pytest.mark.parametrize("line", ["INFO: Creating NSS database", "INFO: Creating ca_ocsp_signing certificate",
                                  "INFO: Storing groups", "INFO: Starting the server"])
def test_an_installation_that_was_killed_can_be_repeated(tree, line):
    """Killed as soon as it says that it begins a step; the second run clears up
    and comes to its end."""
    argv = [str(x) for x in tree.argv()]
    argv[0] = program.find(argv[0])
    with subprocess.Popen(["stdbuf", "-oL", *argv, "-v"], env=tree.env, stdout=subprocess.PIPE, text=True) as p:
        for said in p.stdout:
            if said.startswith(line):
                break
        p.send_signal(signal.SIGKILL)
        p.wait(60)
    done = tree.spawn(options=("-v",), status=None)
    if "already exists" in done.stderr:  # the kill came after the end
        assert tree.cs()["cs.state"] == "1"
        return
    assert done.returncode == 0, done.stderr
    assert "an interrupted installation" in done.stdout and "INSTALLATION SUMMARY" in done.stdout
    program.wait_for("the server", lambda: program.port_open(tree.https))
    assert tree.cs()["cs.state"] == "1"
    assert not list((tree.root / "var/lib/pki/.host").glob("*.installing"))


def children(p):
    return pathlib.Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()


def test_the_server_that_a_killed_installation_started_is_taken_over(tree):
    """Killed when the server is its child; that one goes on meanwhile."""
    argv = [str(x) for x in tree.argv()]
    argv[0] = program.find(argv[0])
    with subprocess.Popen([*argv, "-v"], env=tree.env, stdout=subprocess.DEVNULL) as p:
        def held():
            p.send_signal(signal.SIGSTOP)
            if children(p) or p.poll() is not None:
                return True
            p.send_signal(signal.SIGCONT)
        try:
            program.wait_for("the server's process", held, every=0.002)
            assert p.poll() is None, "it was too quick to be stopped"
            program.wait_for("the server", lambda: program.port_open(tree.https))
        finally:
            p.kill()
    done = tree.spawn(options=("-v",))
    assert "Going on behind an interrupted installation" in done.stdout and "INSTALLATION SUMMARY" in done.stdout
    assert program.port_open(tree.https) and tree.cs()["cs.state"] == "1"


def test_two_installations_at_once_do_not_meet(tree):
    argv = [str(x) for x in tree.argv()]
    argv[0] = program.find(argv[0])
    both = [subprocess.Popen([*argv, "--no-start"], env=tree.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True) for _ in range(2)]
    told = [p.communicate(timeout=120)[1] for p in both]
    assert sorted(p.returncode for p in both) == [0, 1], told
    refused = "".join(told)
    assert "another pkispawn is working on instance t" in refused or "already exists" in refused
    assert tree.cs()["cs.state"] == "1"
    tree.server("ca-cert-find")
