# SPDX-License-Identifier: Apache-2.0
"""ca-cert-create, ca-cert-import, ca-cert-request-import and ca-profile-mod/-import: running and stopped."""
import json
import re
import subprocess

import pytest
from cryptography import x509

import instance
import program

PROFILES = program.TOP / "data/profiles"


class Server:
    def __init__(self, ca):
        self.ca = ca

    def __call__(self, *argv, status=0):
        done = program.run("pki-server", "--root", self.ca.root, "-i", self.ca.name, *argv, env=self.ca.env, status=status)
        return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module", params=["running", "stopped"])
def server(golden, request):
    ca = instance.Ca(golden)
    if request.param == "running":
        ca.start()
    yield Server(ca)
    ca.remove()


@pytest.fixture
def csr(tmp_path):
    path = tmp_path / "made.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", tmp_path / "key.pem", "-subj", "/O=EXAMPLE/CN=made.example.com", "-out", path],
                   check=True, stderr=subprocess.DEVNULL)
    return path


def make(server, csr, *extra, status=0):
    out = csr.parent / "made.crt"
    said = server("ca-cert-create", "--csr", csr, "--profile", PROFILES / "conf/eccServerCert.profile", "--cert", out,
                  *extra, status=status)
    return out if status == 0 else said


def test_created_certificate_is_by_the_ca_and_by_its_profile(server, csr):
    path = make(server, csr, "--serial", "0x7abc")
    subprocess.run(["openssl", "verify", "-CAfile", server.ca.ca_crt, path], check=True, stdout=subprocess.DEVNULL)
    cert = x509.load_pem_x509_certificate(path.read_bytes())
    assert cert.serial_number == 0x7abc
    assert cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value[0].dotted_string == "1.3.6.1.5.5.7.3.1"
    assert "0x7abc" not in server("ca-cert-find"), "it is recorded only where that is asked for"
    assert "Missing certificate profile" in server("ca-cert-create", "--csr", csr, status=1)
    assert "Invalid type" in make(server, csr, "--type", "remote", status=1)


def test_imported_certificate_brings_its_request(server, csr):
    path = make(server, csr)
    imported = ("ca-cert-import", "--cert", path, "--csr", csr, "--profile", PROFILES / "conf/eccServerCert.profile")
    server(*imported)
    serial = hex(x509.load_pem_x509_certificate(path.read_bytes()).serial_number)
    assert f"Serial Number: {serial}\n" in server("ca-cert-find")
    found = server("ca-cert-request-find", "--cert-file", path)
    assert "1 entries matched" in found and "Status: complete" in found
    assert "already used" in server(*imported, status=1)
    server("ca-cert-del", serial)


def test_created_and_imported_at_once(server, csr):
    path = make(server, csr, "--import-cert", "--request", "0x5151")
    assert re.search(r"Request ID: (0x5151|20817)\n", server("ca-cert-request-find", "--cert-file", path))
    assert "already used" in make(server, csr, "--import-cert", "--request", "0x5151", status=1)


def test_foreign_certificate_and_foreign_request_are_refused(server, csr, tmp_path):
    alone = tmp_path / "alone.crt"
    subprocess.run(["openssl", "x509", "-req", "-in", csr, "-signkey", tmp_path / "key.pem", "-out", alone], check=True,
                   stderr=subprocess.DEVNULL)
    server("ca-cert-import", "--cert", alone, status=1)
    path = make(server, csr)
    other = tmp_path / "other.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "other.pem",
                    "-subj", "/CN=x", "-out", other], check=True, stderr=subprocess.DEVNULL)
    assert "different keys" in server("ca-cert-import", "--cert", path, "--csr", other, status=1)


def test_imported_request_waits_for_an_agent(server, csr):
    out = server("ca-cert-request-import", "--csr", csr, "--profile", PROFILES / "ca/caServerCert.cfg")
    number = re.search(r"Request ID: (0x[0-9a-f]+)", out).group(1)
    shown = server("ca-cert-request-show", number)
    assert "Status: pending" in shown and "Type: enrollment" in shown
    server("ca-cert-request-import", "--csr", csr, "--profile", PROFILES / "ca/caServerCert.cfg", "0x616")
    assert "already used" in server("ca-cert-request-import", "--csr", csr, "0x616", status=1)
    path = make_from_request(server, csr, number)
    assert x509.load_pem_x509_certificate(path.read_bytes()).subject.rfc4514_string() == "CN=made.example.com,O=EXAMPLE"


def test_a_format_or_key_that_is_not_the_requests_is_refused(server, csr, tmp_path):
    der = tmp_path / "made.der"
    subprocess.run(["openssl", "req", "-in", csr, "-outform", "DER", "-out", der], check=True)
    profile = ("--profile", PROFILES / "ca/caServerCert.cfg")
    request = ("ca-cert-request-import", *profile, "--csr")
    server(*request, csr, "--format", "DER", status=1)
    server(*request, der, "--format", "DER", "--request", "0x717")
    assert "Status: pending" in server("ca-cert-request-show", "0x717")
    assert "--request 0x2 is not" in server(*request, der, "--request", "0x2", "0x3", status=1)
    make(server, csr, "--csr-format", "DER", status=1)
    assert "--key-id 0x01" in make(server, csr, "--key-id", "0x01", status=1), "the key is not here"
    assert "another key" in server(
        "ca-cert-create", "--csr", server.ca.conf / "certs/sslserver.csr", "--key-id", "0x01", "--profile",
        PROFILES / "conf/eccServerCert.profile", "--cert", tmp_path / "x", status=1)
    assert not (tmp_path / "x").exists()


def make_from_request(server, csr, number):
    out = csr.parent / "from.crt"
    server("ca-cert-create", "--request", number, "--profile", PROFILES / "conf/eccServerCert.profile", "--cert", out)
    return out


def test_profiles_are_added_and_modified(server, tmp_path):
    folder = tmp_path / "profiles"
    folder.mkdir()
    text = (PROFILES / "ca/caServerCert.cfg").read_text()
    (folder / "caOwn.cfg").write_text(text)
    server("ca-profile-import", "--input-folder", folder)
    server("ca-profile-import", "--input-folder", folder)  # what is there stays
    server("ca-profile-mod", "caOwn", "--name", "Our own", "--desc", "For tests", "--visible", "false", "--enabled", "True")
    shown = server("ca-profile-find")
    assert "  Profile ID: caOwn\n  Name: Our own\n  Description: For tests\n  Visible: false\n  Enable: true\n" in shown
    (folder / "ca bad.cfg").write_text(text)
    assert "Invalid profile ID: ca bad" in server("ca-profile-import", "--input-folder", folder, status=1)
    assert "Not Found" in server("ca-profile-mod", "caNone", "--name", "x", status=1)
    if server.ca.process is not None:
        status, body = server.ca.agent().call("GET", "/ca/v2/profiles/caOwn")
        assert status == 200 and json.loads(body)["name"] == "Our own", "the running CA knows at once"
