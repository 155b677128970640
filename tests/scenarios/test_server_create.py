# SPDX-License-Identifier: Apache-2.0
"""An instance made by hand: pki-server create, nss-create, system certificates before their subsystem, ca-create,
then pkispawn over it; remove."""
import os
import shutil
import subprocess

import pytest
from cryptography import x509

import instance
import program

CERTS = program.TOP / "data/deployment/certs"
NAME = "hand"
SYSTEM = (("ca_signing", "CN=CA Signing Certificate", "ca_signing"),
          ("ca_ocsp_signing", "CN=OCSP Signing Certificate", "ocsp_signing"),
          ("subsystem", "CN=Subsystem Certificate", "subsystem"),
          ("sslserver", "CN=localhost", "sslserver"))


@pytest.fixture(scope="module")
def env():
    folder = instance.temp_root("sgs-")
    made = dict(os.environ, PKI_SHARE=str(instance.share(folder / "share")), HOME="/root", LC_ALL="C.UTF-8")
    made.pop("PKI_ROOT", None)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(root, env):
    def call(*argv, status=0):
        return program.run("pki-server", "--root", root, "-i", NAME, *argv, env=env, status=status)
    yield call
    call("stop", status=None)


def test_instance_is_made_once_and_removed(server, root):
    server("create")
    conf = root / "etc/pki" / NAME
    assert (conf / "server.cfg").exists() and (root / "var/lib/pki" / NAME / "conf/alias").is_dir()
    assert f"Instance already exists: {NAME}" in server("create", status=1).stderr
    server("create", "--force")
    assert f"Instance ID: {NAME}" in server("instance-find").stdout
    server("remove")
    assert conf.exists() and not (root / "var/lib/pki" / NAME).exists()
    assert f"Invalid instance: {NAME}" in server("remove", status=1).stderr
    server("remove", "--force")
    server("create")  # over the configuration that stayed
    server("remove", "--remove-conf", "--remove-logs")
    left = [p for p in root.rglob("*") if p.name.startswith(NAME)]
    assert left == []


def test_certificates_come_before_their_subsystem_and_serve_the_ca(server, root, env):
    server("create")
    server("nss-create", "--no-password")
    conf = root / "etc/pki" / NAME
    for cert, subject, ext in SYSTEM:
        server("cert-request", "--subject", subject, "--ext", CERTS / f"{ext}.conf", cert)
        issuer = () if cert == "ca_signing" else ("--issuer", "ca_signing")
        server("cert-create", *issuer, "--ext", CERTS / f"{ext}.conf", cert)
        server("cert-import", cert)
        subprocess.run(["openssl", "verify", "-CAfile", conf / "certs/ca_signing.crt", conf / f"certs/{cert}.crt"],
                       check=True, stdout=subprocess.DEVNULL)
    tls = x509.load_pem_x509_certificate((conf / "certs/sslserver.crt").read_bytes())
    names = tls.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"], "the names of the request"
    keys = subprocess.run(["certutil", "-L", "-d", conf / "alias"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert keys.count("CTu,Cu,Cu") == 1 and keys.count("u,u,u") == 3
    server("ca-create")
    assert "CA subsystem already exists" in server("ca-create", status=1).stderr
    server("ca-config-set", "securitydomain.name", "BY HAND")
    nicknames = [f"pki_{key}_nickname={cert}" for key, cert in (
        ("ca_signing", "ca_signing"), ("ocsp_signing", "ca_ocsp_signing"), ("subsystem", "subsystem"),
        ("sslserver", "sslserver"))]
    argv = instance.spawn_arguments(root, program.free_port(), program.free_port(), *nicknames,
                                    "pki_security_domain_name=GIVEN", "pki_audit_signing_nickname=", name=NAME)
    program.run(*argv, env=env)
    assert "SD Name:             BY HAND" in server("status").stdout, "what was set by hand stays"
    chain = program.run("curl", "-s", f"http://localhost:{port(conf)}/ca/ee/ca/getCRL?op=getCRL&crlIssuingPoint=MasterCRL",
                        text=False).stdout
    issuer = x509.load_pem_x509_certificate((conf / "certs/ca_signing.crt").read_bytes())
    assert x509.load_der_x509_crl(chain).is_signature_valid(issuer.public_key()), "the CA works with the given key"


def port(conf):
    return next(x for x in (conf / "server.cfg").read_text().splitlines() if x.startswith("http.port=")).split("=")[1]
