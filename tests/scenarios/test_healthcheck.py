# SPDX-License-Identifier: Apache-2.0
"""pki-healthcheck on a private instance: well, down, with a wrong trust, close to the end of a certificate."""
import json
import subprocess

import pytest

import instance
import program

CERTS = "pki.server.healthcheck.certs.systemcerts"
CONNECTIVITY = "pki.server.healthcheck.meta.connectivity"


class Health:
    def __init__(self, ca):
        self.ca = ca

    def run(self, *argv, status=0, days=28, name=None):
        """pki-healthcheck with these settings."""
        conf = self.ca.root / "etc/pki/healthcheck.conf"
        conf.write_text(f"[default]\ncert_expiration_days = {days}\n[dogtag]\ninstance_name={name or self.ca.name}\n")
        return program.run("pki-healthcheck", "--root", self.ca.root, *argv, env=self.ca.env, status=status)

    def __call__(self, *argv, **kw):
        return json.loads(self.run(*argv, **kw).stdout)


@pytest.fixture(scope="module")
def health(golden):
    ca = instance.Ca(golden).start()
    yield Health(ca)
    ca.remove()


def test_a_healthy_server_has_no_failures(health):
    assert health.run("--failures-only").stdout == "[]\n"
    found = health()
    assert {x["result"] for x in found} == {"SUCCESS"}
    assert set(found[0]) == {"source", "check", "result", "uuid", "when", "duration", "kw"}
    assert len({x["uuid"] for x in found}) == len(found)
    certs = {x["kw"].get("cert_id") for x in found if x["check"] == "CASystemCertCheck"}
    assert {"ca_signing", "ca_ocsp_signing", "sslserver", "subsystem"} <= certs
    (up,) = [x for x in found if x["check"] == "DogtagCACertsConnectivityCheck"]
    assert up["kw"]["status"] == "Running"


def test_sources_and_checks_are_chosen_by_name(health):
    sources = health.run("--list-sources").stdout.split()
    assert CERTS in sources and CONNECTIVITY in sources
    found = health("--source", CERTS, "--check", "CASystemCertCheck")
    assert {x["check"] for x in found} == {"CASystemCertCheck"}
    assert "Source 'x' not found" in health.run("--source", "x", status=1).stderr
    assert "Check 'x' not found in Source" in health.run("--source", CERTS, "--check", "x", status=1).stderr
    assert "Source is required" in health.run("--check", "CASystemCertCheck", status=1).stderr


def test_reports_in_words_in_files_and_by_severity(health, tmp_path):
    lines = health.run("--output-type", "human").stdout.splitlines()
    assert f"SUCCESS: {CERTS}.CASystemCertCheck.ca_signing" in lines
    report = tmp_path / "report.json"
    health.run("--output-file", report, "--indent", "0")
    assert health("--input-file", report) == json.loads(report.read_text())
    assert health("--severity", "ERROR", "--severity", "CRITICAL") == []
    report.write_text("{}")
    assert "not a report" in health.run("--input-file", report, status=1).stderr
    assert "Invalid output type" in health.run("--output-format", "xml", status=1).stderr


def test_a_certificate_that_ends_soon_is_a_warning(health):
    found = health("--failures-only", "--source", CERTS, status=1, days=30000)
    assert {x["result"] for x in found} == {"WARNING"}
    assert all(x["kw"]["msg"].startswith("Your certificate expires within ") for x in found)
    assert "cert_expiration_days" in health.run(status=1, days="soon").stderr


def test_an_unknown_instance_is_critical(health):
    found = health("--failures-only", status=1, name="nobody")
    assert {x["kw"]["msg"] for x in found} == {"Invalid PKI instance: nobody"}
    assert {x["result"] for x in found} == {"CRITICAL"}


def test_wrong_trust_and_a_stopped_server_are_errors(new_ca, tmp_path):
    ca = new_ca(start=False)
    health = Health(ca)
    pin = tmp_path / "pin"
    pin.write_text(next(x for x in (ca.conf / "password.conf").read_text().splitlines()
                        if x.startswith("internal="))[len("internal="):] + "\n")
    nick = ca.cs_cfg.read_text().split("ca.cert.subsystem.nickname=", 1)[1].split("\n", 1)[0]
    subprocess.run(["certutil", "-M", "-d", ca.conf / "alias", "-f", pin, "-n", nick, "-t", "u,u,Pu"], check=True)
    found = {x["check"]: x for x in health("--failures-only", status=1)}
    assert found["CASystemCertCheck"]["kw"]["msg"] == (
        f"Incorrect trust attributes for {nick}. Got u,u,Pu expected u,u,u")
    assert found["DogtagCACertsConnectivityCheck"]["kw"]["msg"] == "CA subsystem is down"
    assert found["DogtagCACertsConnectivityCheck"]["kw"]["status"] == "Stopped"
    assert set(found) == {"CASystemCertCheck", "DogtagCACertsConnectivityCheck"}
