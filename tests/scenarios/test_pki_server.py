# SPDX-License-Identifier: Apache-2.0
"""pki-server on private instances: running, stopped, and between the two."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import instance
import program


FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Server:
    """pki-server for one instance; calling it gives standard output."""

    def __init__(self, ca):
        self.ca = ca

    def run(self, *argv, status=0, input=None):
        return program.run("pki-server", "--root", self.ca.root, "-i", self.ca.name, *argv, env=self.ca.env,
                           status=status, input=input)

    def __call__(self, *argv, **kw):
        return self.run(*argv, **kw).stdout

    def error(self, *argv):
        done = self.run(*argv, status=1)
        lines = done.stderr.splitlines()
        assert lines[-1].startswith("ERROR: "), done.stderr
        return lines[-1][7:]

    def tls_serial(self):
        pem = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.ca.https}"], input=b"",
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
        return x509.load_pem_x509_certificate(pem).serial_number


@pytest.fixture
def server(new_ca):
    """An instance that nothing runs yet; stopped after the test."""
    s = Server(new_ca(start=False))
    yield s
    s.run("stop", status=None)


@pytest.fixture(scope="module")
def shared(golden):
    """A started instance whose users and records the cases only read or add to."""
    s = Server(instance.Ca(golden))
    s("start")
    yield s
    s("stop")
    s.ca.remove()


def framed(text):
    return f"{'-' * len(text)}\n{text}\n{'-' * len(text)}\n"


def entries(text):
    """[{label: value}] of a listing."""
    return [dict(re.findall(r"^  ([^:]+): (.*)$", block, re.M)) for block in text.split("\n\n") if block.strip()]


# --- the frame ------------------------------------------------------------------


def test_version_and_help_name_the_program(run):
    assert re.fullmatch(r"PKI Server Command-Line Interface \S+\n", run("pki-server", "--version").stdout)
    out = run("pki-server", "--help").stdout
    assert "\n start " in out and "\n ca " in out


def test_module_lists_its_commands(run):
    out = run("pki-server", "ca-crl").stdout
    assert out.startswith("Commands:\n ca-crl-show ") and " ca-crl-ip-mod " in out
    assert " ca-user " in run("pki-server", "ca").stdout


def test_unknown_module_and_instance_are_refused(run):
    done = run("pki-server", "nonsense", status=1)
    assert done.stderr == 'ERROR: Invalid module "nonsense".\n' and done.stdout == ""
    done = run("pki-server", "-i", "absent", "status", status=1)
    assert done.stderr == "ERROR: Invalid instance: absent\n"
    assert run("pki-server", "status", "../x", status=1).stderr.startswith("ERROR: Invalid instance: ")


def test_missing_operand_prints_the_usage_first(server):
    done = server.run("cert-show", status=1)
    assert done.stderr == "usage: pki-server cert-show [OPTIONS...] <cert ID>\nERROR: Missing cert ID\n"
    assert server.error("ca-config-show") == "Missing parameter name"
    assert server.error("kra-config-find") == "No KRA subsystem in instance t"
    assert server.error("ca-clone-prepare") == "Missing PKCS #12 file"


# --- life -----------------------------------------------------------------------


def test_start_and_stop_wait_until_it_is_done_and_say_when_nothing_is(server):
    assert server("start") == ""
    assert server.ca.healthy()
    first = server.ca.pid()
    assert server("start", "--wait") == framed("Instance already started")
    assert server("restart", "--max-wait", "30") == ""
    assert server.ca.healthy() and server.ca.pid() != first
    assert server("stop", "t") == ""
    assert not server.ca.healthy()
    assert server("stop") == framed("Instance already stopped")
    assert server("instance-start", "t") == framed("t instance started")
    assert server("instance-start", "t") == framed("t instance already started")
    assert server("instance-stop", "t") == framed("t instance stopped")


def test_status_is_the_documented_block(server):
    ca = server.ca

    def block(active):
        return (f"  Instance ID: t\n  Active: {active}\n  Nuxwdog Enabled: False\n  Unsecure Port: {ca.http}\n"
                f"  Secure Port: {ca.https}\n\n  CA Subsystem:\n")
    assert server("status").startswith(block("False"))
    server("start")
    out = server("status")
    assert out.startswith(block("True"))
    tail = (f"    Enabled:             True\n"
            f"    Unsecure URL:        http://localhost:{ca.http}/ca/ee/ca\n"
            f"    Secure Agent URL:    https://localhost:{ca.https}/ca/agent/ca\n"
            f"    Secure EE URL:       https://localhost:{ca.https}/ca/ee/ca\n"
            f"    Secure Admin URL:    https://localhost:{ca.https}/ca/services\n"
            f"    PKI Console URL:     https://localhost:{ca.https}/ca\n")
    assert tail in out
    assert "    SD Manager:          True\n    SD Name:             " in out
    assert server("instance-find") == framed("1 entries matched") + "  Instance ID: t\n  Active: True\n"


def test_start_tells_why_the_server_does_not_start(server):
    server.ca.settings({"ca.ocspAnswerLifetime": "soon"})
    assert "ca.ocspAnswerLifetime" in server.error("start")
    assert "  Active: False\n" in server("status")


def test_disabled_subsystem_is_not_served(server):
    assert server("subsystem-disable", "ca") == framed('Disabled "ca" subsystem')
    assert server("subsystem-disable", "ca") == framed('Subsystem "ca" is already disabled')
    server("start")
    assert server.ca.plain("GET", instance.CRL_PATH)[0] == 404
    assert "    Enabled:             False\n" in server("status")
    assert "URL:        http" not in server("status")
    assert server("subsystem-enable", "--all") == framed("Enabled all subsystems")
    server("ca-redeploy", "--wait")
    # the first list is made after the start
    program.wait_for("a CRL", lambda: server.ca.plain("GET", instance.CRL_PATH)[0] == 200)


def test_run_serves_in_the_foreground(server):
    p = program.spawn("pki-server", "--root", server.ca.root, "run", "t", env=server.ca.env)
    program.wait_for("it serves", server.ca.healthy)
    assert server.ca.pid() == p.pid
    program.end(p)


# --- settings -------------------------------------------------------------------


def test_settings_are_changed_sorted_and_the_old_file_is_kept(server):
    before = server.ca.cs_cfg.read_text()
    server("ca-config-set", "zz.one", "a value = with signs")
    assert server("ca-config-show", "zz.one") == "a value = with signs\n"
    lines = server.ca.cs_cfg.read_text().splitlines()
    keys = [x for x in lines if re.match(r"cloning\..*\.privkey\.id=", x)]
    assert lines == sorted(lines) and server("ca-config-find").splitlines() == [x for x in lines if x not in keys]
    name, value = keys[0].split("=", 1)
    assert server("ca-config-show", name) == value + "\n"
    kept = list((server.ca.conf / "ca/archives").glob("CS.cfg.*"))
    assert len(kept) == 1 and kept[0].read_text() == before
    server("ca-config-unset", "zz.one")
    assert server.error("ca-config-show", "zz.one") == "No such parameter: zz.one"
    assert len(list((server.ca.conf / "ca/archives").glob("CS.cfg.*"))) == 2
    assert server.error("ca-config-set", "a\nb", "x").startswith("Invalid parameter name")


def test_config_check_tells_the_line(server):
    assert "Configuration is valid" in server("ca-config-check")
    with open(server.ca.cs_cfg, "a", encoding="ascii") as f:
        f.write("no sign here\n")
    n = len(server.ca.cs_cfg.read_text().splitlines())
    assert server.error("ca-config-check").endswith(f"CS.cfg:{n}: missing '='")


def test_passwords_are_kept_and_never_listed(server):
    server("password-add", "internaldb", "--password", "Secret.77")
    assert server.error("password-add", "internaldb", "--password", "x") == "Password already exists: internaldb"
    assert server("password-find") == "  Password ID: internal\n\n  Password ID: internaldb\n"
    assert "internaldb=Secret.77\n" in (server.ca.conf / "password.conf").read_text()
    assert (server.ca.conf / "password.conf").stat().st_mode & 0o777 == 0o660
    server("password-del", "internaldb")
    assert server("password-find") == "  Password ID: internal\n"


def test_issuing_point_settings(server):
    assert server("ca-crl-show") == "  Page Size: 100\n"
    server("ca-crl-ip-mod", "MasterCRL", "--desc", "All of them", "-D", "enableCRLUpdates=false",
           "-DautoUpdateInterval=60")
    shown = entries(server("ca-crl-ip-show", "MasterCRL"))[0]
    assert shown["Description"] == "All of them" and shown["Enable CRL Updates"] == "false"
    assert shown["Auto Update Interval (minutes)"] == "60"
    assert [e["ID"] for e in entries(server("ca-crl-ip-find"))] == ["MasterCRL"]
    assert server.error("ca-crl-ip-show", "Other") == "No such CRL issuing point: Other"


def test_audit_settings_and_events(server):
    out = server("ca-audit-config-mod", "--flushInterval", "1", "--maxFileSize", "100")
    assert "  Flush Interval (seconds): 1\n" in out and "  Max File Size (bytes): 100\n" in out
    assert "Invalid value of --flushInterval" in server.error("ca-audit-config-mod", "--flushInterval", "x")
    assert server("ca-audit-event-disable", "AUTH") == framed('Disabled event "AUTH"')
    server("ca-audit-event-update", "AUTHZ", "-f", "(Outcome=Failure)")
    assert server("ca-audit-event-show", "AUTHZ") == \
        "  Event Name: AUTHZ\n  Enabled: True\n  Filter: (Outcome=Failure)\n"
    off = server("ca-audit-event-find", "--enabled", "False", "--enabledByDefault", "True")
    assert off == framed("1 entries matched") + "  Event Name: AUTH\n  Enabled: False\n  Filter: None\n"
    assert server.error("ca-audit-event-enable", "NO_SUCH") == "No such audit event: NO_SUCH"
    server("start")
    server.ca.agent().call("GET", "/ca/v2/account/login")
    log = server.ca.logs / "ca/signedAudit/ca_audit"
    time.sleep(1.5)
    assert "[AuditEvent=AUTH]" not in log.read_text()


def test_signed_audit_log_is_verified_and_a_change_is_found(server):
    server("ca-audit-config-mod", "--logSigning", "True", "--signingCert",
           entries(server("cert-show", "subsystem"))[0]["Nickname"], "--flushInterval", "1")
    server("start")
    program.wait_for("two signatures", lambda: (server.ca.logs / "ca/signedAudit/ca_audit").read_text().count(
        "AUDIT_LOG_SIGNING") >= 1)
    server("ca-user-add", "w", "--full-name", "W")
    server("stop")
    assert server("ca-audit-file-find") == framed("1 entries matched") + "  File name: ca_audit\n"
    out = server("ca-audit-file-verify")
    assert re.search(r"^Valid signatures: [1-9]", out, re.M) and "Invalid signatures: 0\n" in out
    log = server.ca.logs / "ca/signedAudit/ca_audit"
    log.write_text(log.read_text().replace("id;;w", "id;;x"))
    assert "signatures are invalid" in server.error("ca-audit-file-verify")


def test_self_tests_are_switched(server):
    server("selftest-disable", "CAPresence")
    assert server("ca-config-show", "selftests.container.order.startup") == "SystemCertsVerification:critical\n"
    server("selftest-disable", "--subsystem", "ca")
    assert server("ca-config-show", "selftests.container.order.startup") == "\n"
    server("start")
    server("selftest-enable")
    assert server("ca-config-show", "selftests.container.order.startup") == \
        "CAPresence:critical, SystemCertsVerification:critical\n"


def test_banner_is_judged(server):
    banner = server.ca.conf / "banner.txt"
    assert server("banner-show") == "Banner is not installed\n"
    banner.write_text("Keep out, \u00fc\n", encoding="utf-8")
    assert server("banner-validate") == "Banner is valid\n"
    assert server("banner-validate", "--silent") == ""
    banner.write_bytes(b"a\x01")
    assert server.error("banner-validate") == "Banner contains invalid character(s): 0x01"
    banner.write_text("\n")
    assert server.error("banner-validate") == "Banner is empty"


def test_an_option_without_effect_says_so(shared, tmp_path):
    done = shared.run("cert-export", "subsystem", "--pkcs12-file", tmp_path / "p", "--pkcs12-password", "Secret.9",
                      "--key-encryption", "PBE/SHA1/DES3/CBC")
    assert done.stderr == "WARNING: option --key-encryption has no effect: AES-256 is used\n"
    assert "--key-encryption <name>" in shared("cert-export", "--help")


# --- system certificates ----------------------------------------------------------


def test_system_certificates_are_listed_and_valid(shared):
    found = {e["Cert ID"]: e for e in entries(shared("cert-find"))}
    assert list(found)[:4] == ["ca_signing", "ca_ocsp_signing", "sslserver", "subsystem"]
    signing = found["ca_signing"]
    assert signing["Trust Flags"] == "CTu,Cu,Cu" and signing["Token"] == "Internal Key Storage Token"
    cert = shared.ca.ca_cert()
    assert int(signing["Serial Number"], 16) == cert.serial_number
    assert signing["Not Valid Before"] == cert.not_valid_before.ctime()
    for name in found:
        assert shared("cert-validate", name) == ""
    out = shared("subsystem-cert-validate", "ca")
    assert out.count("  Status: VALID\n") == len(found) and out.endswith(framed("Validation succeeded"))
    assert shared("subsystem-cert-find", "ca").startswith(framed(f"{len(found)} entries matched"))
    assert shared.error("cert-show", "nothing") == "No such certificate: nothing"


def test_expired_chain_makes_validation_fail(server):
    (server.ca.folder / "pin").write_text(re.search("internal=(.*)", (server.ca.conf / "password.conf").read_text())[1])
    nick = entries(server("cert-show", "ca_signing"))[0]["Nickname"]
    program.run("certutil", "-M", "-d", server.ca.conf / "alias", "-n", nick, "-t", ",,", "-f",
                server.ca.folder / "pin")
    assert server.error("cert-validate", "sslserver").startswith("Unable to validate sslserver certificate: ")


def test_export_is_read_by_openssl(shared, tmp_path):
    shared("cert-export", "subsystem", "--cert-file", tmp_path / "c", "--csr-file", tmp_path / "r", "--pkcs12-file",
           tmp_path / "p", "--pkcs12-password", "Secret.9", "--friendly-name", "mine")
    out = program.run("openssl", "pkcs12", "-in", tmp_path / "p", "-passin", "pass:Secret.9", "-nodes").stdout
    assert "friendlyName: mine" in out and out.count("BEGIN CERTIFICATE") == 2 and out.count("BEGIN PRIVATE KEY") == 1
    assert (tmp_path / "p").stat().st_mode & 0o777 == 0o600
    assert "verify OK" in program.run("openssl", "req", "-in", tmp_path / "r", "-verify", "-noout").stderr
    cert = x509.load_pem_x509_certificate((tmp_path / "c").read_bytes())
    assert cert.issuer == shared.ca.ca_cert().subject
    assert shared.error("cert-export", "subsystem") == "missing output file"


@pytest.mark.parametrize("running", [True, False])
def test_server_certificate_is_renewed_and_known_to_the_ca(server, running):
    server("start")
    old = server.tls_serial()
    if not running:
        server("stop")
    server("cert-create", "sslserver", "--renew")
    server("cert-import", "sslserver")
    assert server("cert-update", "sslserver") == framed('Updated "sslserver" system certificate')
    server("restart")
    new = server.tls_serial()
    assert new != old
    cert = x509.load_pem_x509_certificate((server.ca.conf / "certs/sslserver.crt").read_bytes())
    assert cert.serial_number == new and server("cert-validate", "sslserver") == ""
    assert server.ca.ocsp(cert).certificate_status.name == "GOOD"
    assert f"{new:#x}" in server("ca-cert-find")


@pytest.fixture
def agent_db(tmp_path, monkeypatch):
    """make(ca) gives an NSS database with the administrator's certificate, and its nickname."""
    def make(ca):
        monkeypatch.setenv("PKI_ROOT", str(tmp_path))
        pki = ["pki", "-d", tmp_path / "db"]
        program.run(*pki, "client-init")
        program.run(*pki, "client-cert-import", "CA", "--ca-cert", ca.ca_crt)
        program.run(*pki, "pkcs12-import", "--pkcs12", ca.client_dir / "ca_admin_cert.p12",
                    "--password-file", ca.client_dir / "ca_admin_cert.p12.password")
        listed = program.run("certutil", "-L", "-d", tmp_path / "db").stdout
        return tmp_path / "db", re.search(r"^(\S.*?)\s+u,u,u", listed, re.M).group(1)
    return make


def test_server_certificate_is_renewed_by_the_running_ca_for_an_agent(server, agent_db, tmp_path):
    server("start")
    db, nick = agent_db(server.ca)
    old = server.tls_serial()
    crt = server.ca.conf / "certs/sslserver.crt"
    before = crt.read_bytes()
    (tmp_path / "pw").write_text("Secret.4711\n")
    server("ca-user-add", "anna", "--full-name", "A", "--password-file", tmp_path / "pw")
    server("ca-user-role-add", "anna", "Certificate Manager Agents")
    for who in (("-n", nick), ("-u", "anna", "-W", tmp_path / "pw")):
        server("cert-create", "sslserver", "--renew", "-d", db, *who, "--output", tmp_path / "new")
        new = x509.load_pem_x509_certificate((tmp_path / "new").read_bytes())
        spent = x509.load_pem_x509_certificate(before)
        assert new.serial_number != old and new.subject == spent.subject
        assert new.public_key().public_numbers() == spent.public_key().public_numbers()
        shown = server("ca-cert-request-find", "--cert-file", tmp_path / "new")
        assert "Type: renewal" in shown and "Status: complete" in shown, "the CA did it, not this command"
    assert crt.read_bytes() == before, "--output leaves the instance's file"
    server("cert-create", "sslserver", "--renew", "-d", db, "-n", nick)
    server("cert-import", "sslserver")
    server("restart")
    assert server.tls_serial() == x509.load_pem_x509_certificate(crt.read_bytes()).serial_number != old


def test_renewal_by_the_running_ca_says_why_not(server, agent_db, tmp_path):
    server("start")
    db, nick = agent_db(server.ca)
    before = (server.ca.conf / "certs/sslserver.crt").read_bytes()
    renew = ("cert-create", "sslserver", "--renew", "-d", db)
    (tmp_path / "wrong").write_text("Not-The-Password-1\n")
    for argv, said in (
            ((*renew, "-u", "caadmin", "-W", tmp_path / "wrong"), "renewal of 0x"),
            ((*renew, "-n", nick, "--serial", "0x77"), "renewal of 0x77 by localhost:"),
            ((*renew, "-n", "nobody"), "renewal of 0x"),
            ((*renew, "-n", nick, "-u", "caadmin"), "-n cannot be used with -u"),
            ((*renew, "-u", "caadmin", "-w", "x", "-W", "y"), "-w cannot be used with -W"),
            ((*renew, "-n", nick, "--issuer", "x"), "--issuer cannot be used with -n or -u"),
            (("cert-create", "sslserver", "-n", nick), "-n and -u ask the running CA, which only renews: add --renew"),
            (renew, "-d needs -n or -u: without them the running CA is not asked")):
        assert server.error(*argv).startswith(said), argv
    server("stop")
    assert "localhost" in server.error(*renew, "-n", nick), "nobody to ask"
    assert (server.ca.conf / "certs/sslserver.crt").read_bytes() == before


def test_server_certificate_gets_a_new_key(server):
    server("start")
    old = x509.load_pem_x509_certificate((server.ca.conf / "certs/sslserver.crt").read_bytes())
    server("cert-request", "sslserver")
    server("cert-create", "sslserver")
    server("cert-import", "sslserver", "--nickname", "the new one")
    new = x509.load_pem_x509_certificate((server.ca.conf / "certs/sslserver.crt").read_bytes())
    spki = [c.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            for c in (old, new)]
    assert spki[0] != spki[1] and old.subject == new.subject
    assert {e.oid for e in old.extensions} <= {e.oid for e in new.extensions}
    assert server("ca-config-show", "ca.sslserver.nickname") == "the new one\n"
    server("restart")
    assert server.tls_serial() == new.serial_number


def test_a_certificate_that_was_deleted_is_made_again_and_its_key_id_is_true(server):
    shutil.copytree(program.TOP / "data/deployment/certs", pathlib.Path(server.ca.env["PKI_SHARE"]) / "server/certs",
                    dirs_exist_ok=True)
    old = x509.load_pem_x509_certificate((server.ca.conf / "certs/ca_ocsp_signing.crt").read_bytes())
    server("cert-del", "ca_ocsp_signing", "--remove-key")
    server("cert-request", "ca_ocsp_signing", "--subject", "CN=Another,O=x")
    server("cert-create", "ca_ocsp_signing")
    server("cert-import", "ca_ocsp_signing")
    new = x509.load_pem_x509_certificate((server.ca.conf / "certs/ca_ocsp_signing.crt").read_bytes())
    purposes = new.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert purposes == old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert server("cert-validate", "ca_ocsp_signing") == ""
    text = server("ca-config-show", "cloning.ocsp_signing.privkey.id").strip()
    pin = server.ca.folder / "pin"
    pin.write_text(server.ca.conf.joinpath("password.conf").read_text().split("internal=")[1].split()[0] + "\n")
    ids = re.findall(r"\b[0-9a-f]{40}\b", program.run("certutil", "-K", "-d", server.ca.conf / "alias", "-f",
                                                      pin).stdout)
    assert f"{int(text, 16) % (1 << 160):040x}" in ids
    server("start")
    assert server.ca.ocsp(new).certificate_status.name == "GOOD"


def test_certificate_without_its_key_is_not_imported(server):
    program.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", server.ca.folder / "k", "-out",
                server.ca.folder / "x", "-subj", "/CN=stranger")
    assert server.error("cert-import", "sslserver", "--input", server.ca.folder / "x").startswith(
        "no private key for this certificate")


def test_clone_prepare_holds_what_a_clone_needs_in_order(shared, tmp_path):
    (tmp_path / "pw").write_text("Secret.5\n")
    assert shared("ca-clone-prepare", "--pkcs12-file", tmp_path / "p", "--pkcs12-password-file", tmp_path / "pw") == ""
    out = program.run("pki", "pkcs12-cert-find", "--pkcs12", tmp_path / "p", "--password-file", tmp_path / "pw").stdout
    wanted = [entries(shared("cert-show", n))[0]["Nickname"] for n in
              ("subsystem", "ca_signing", "ca_ocsp_signing")]
    names = re.findall("  Friendly Name: (.*)", out)
    assert names[:3] == wanted and out.count("  Has Key: true") >= 3
    assert entries(shared("cert-show", "sslserver"))[0]["Nickname"] not in names


def test_external_certificates_are_listed_and_travel_with_the_bundle(server, tmp_path):
    listed = server.ca.conf / "external_certs.conf"
    for n, name in enumerate(("one", "two")):
        program.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k", "-out",
                    tmp_path / "x", "-subj", f"/CN={name}")
        server("instance-externalcert-add", "--cert-file", tmp_path / "x", "--nickname", name, "--trust-args", "CT,C,C")
        assert listed.read_text().splitlines()[2 * n:] == [f"{n}.nickname={name}", f"{n}.token=internal"]
    server("ca-clone-prepare", "--pkcs12-file", tmp_path / "p", "--pkcs12-password", "Secret.5")
    out = program.run("pki", "pkcs12-cert-find", "--pkcs12", tmp_path / "p", "--password", "Secret.5").stdout
    assert "  Friendly Name: one\n" in out
    server("instance-externalcert-del", "--nickname", "one")
    assert listed.read_text() == "1.nickname=two\n1.token=internal\n"
    server("instance-externalcert-del", "--nickname", "two")
    assert not listed.exists()
    assert server.error("instance-externalcert-del", "--nickname", "two") == "No such external certificate: two"


def test_cert_fix_renews_what_is_named_and_the_agents_certificate(server):
    assert server.error("cert-fix", "--cert", "sslserver") == "Must specify --agent-uid"
    server("start")
    old = server.tls_serial()
    admin = entries(server("ca-user-cert-find", "caadmin"))[0]["Serial Number"]
    server("cert-fix", "--cert", "sslserver", "--extra-cert", admin, "--agent-uid", "caadmin")
    assert server.tls_serial() != old
    renewed = x509.load_pem_x509_certificate((server.ca.conf / f"certs/{admin}-renewed.crt").read_bytes())
    serials = [e["Serial Number"] for e in entries(server("ca-user-cert-find", "caadmin"))]
    assert serials == [admin, f"{renewed.serial_number:#x}"]
    pem = server.ca.folder / "renewed.pem"
    key = server.ca.admin_pem.read_text()
    key = key[key.index("-----BEGIN PRIVATE KEY"):]
    pem.write_bytes(key.encode() + renewed.public_bytes(serialization.Encoding.PEM))
    assert server.ca.client(pem).call("GET", "/ca/v2/account/login")[0] == 200
    assert server.error("cert-fix", "--cert", "nothing", "--agent-uid", "x") == "No such certificate: nothing"
    assert "integer" in server.error("cert-fix", "--extra-cert", "abc", "--agent-uid", "x")


def test_cert_fix_finds_the_expired_ones(server):
    """The TLS certificate ends in the past; nothing else is renewed."""
    old = x509.load_pem_x509_certificate((server.ca.conf / "certs/sslserver.crt").read_bytes())
    before = {e["Cert ID"]: e["Serial Number"] for e in entries(server("cert-find"))}
    env = dict(server.ca.env, FAKETIME=(old.not_valid_after + datetime.timedelta(days=30)).strftime(
        "@%Y-%m-%d %H:%M:%S"), LD_PRELOAD=FAKETIME)
    argv = ("pki-server", "--root", server.ca.root, "-i", "t")
    assert "certificate has expired" in program.run(*argv, "cert-validate", "sslserver", env=env, status=1).stderr
    program.run(*argv, "cert-fix", "--agent-uid", "caadmin", env=env)
    after = {e["Cert ID"]: e["Serial Number"] for e in entries(server("cert-find"))}
    assert after["ca_signing"] == before["ca_signing"] and after["sslserver"] != before["sslserver"]
    program.run(*argv, "cert-validate", "sslserver", env=env)


# --- records ------------------------------------------------------------------------


@pytest.mark.parametrize("running", [True, False])
def test_users_and_roles_with_and_without_a_server(server, running):
    if running:
        server("start")
    server("ca-user-add", "joe", "--full-name", "Joe Doe", "--email", "j@example.com", "--type", "agentType",
           "--state", "1", "--password", "Secret.123")
    assert server("ca-user-show", "joe") == ("  User ID: joe\n  Full Name: Joe Doe\n  Email: j@example.com\n"
                                            "  Type: agentType\n  State: 1\n")
    assert "  Full name: Joe Doe\n" in server("ca-user-find")
    assert server.error("ca-user-add", "joe", "--full-name", "J") == "user joe already exists"
    server("ca-user-add", "joe", "--full-name", "J", "--ignore-duplicate")
    server("ca-user-role-add", "joe", "Administrators")
    server("ca-group-add", "Helpers", "--description", "People")
    server("ca-group-member-add", "Helpers", "joe")
    assert server("ca-user-role-find", "joe") == "  Role ID: Administrators\n\n  Role ID: Helpers\n"
    roles = json.loads(server("ca-user-role-find", "joe", "--output-format", "json"))
    assert [e["id"] for e in roles["entries"]] == ["Administrators", "Helpers"]
    assert server("ca-group-find", "--member", "joe").count("Group ID") == 2
    server("ca-user-cert-add", "joe", input=(server.ca.conf / "certs/subsystem.crt").read_text())
    again = server("ca-user-cert-find", "joe")
    server("ca-user-cert-add", "joe", "--cert", server.ca.conf / "certs/subsystem.crt")
    assert server("ca-user-cert-find", "joe") == again
    assert server.error("ca-user-mod", "joe", "--password", "new") == "password: at least 8 characters"
    server("ca-user-mod", "joe", "--password", "")
    cert = entries(server("ca-user-cert-find", "joe"))[0]
    assert cert["Cert ID"] == f"2;{int(cert['Serial Number'], 16)};{cert['Issuer']};{cert['Subject']}"
    server("ca-user-cert-del", "joe", cert["Cert ID"])
    assert server("ca-user-cert-find", "joe") == ""
    server("ca-user-mod", "joe", "--attr", "mail=new@example.com", "--add-see-also", "CN=x")
    assert server("ca-user-show", "joe", "--attr", "mail") == "  mail: new@example.com\n"
    assert server("ca-user-find", "--see-also", "CN=x").count("User ID") == 1
    assert server("ca-group-member-find", "Helpers") == "  User ID: joe\n"
    server("ca-user-del", "joe")
    assert server("ca-group-member-find", "Helpers") == ""
    assert server.error("ca-user-show", "joe") == "User joe not found"


def test_changes_through_the_server_are_in_its_audit_log(shared):
    shared("ca-user-add", "audited", "--full-name", "A", "--password", "Secret.4711")
    log = shared.ca.logs / "ca/signedAudit/ca_audit"
    program.wait_for("the line", lambda: "user-add+id;;audited" in log.read_text())
    assert "Secret.4711" not in log.read_text()


def test_password_of_a_new_user_opens_the_door(shared):
    shared("ca-user-add", "login", "--full-name", "L", "--password", "Secret.4711")
    shared("ca-user-role-add", "login", "Administrators")
    import base64
    word = base64.b64encode(b"login:Secret.4711").decode()
    status, body = shared.ca.anonymous().call("GET", "/ca/v2/account/login", headers={"Authorization": f"Basic {word}"})
    assert status == 200 and b"Administrators" in body


def test_broken_access_rule_is_refused(shared):
    rule = 'certServer.test.x:read:allow (read) group="Administrators":a test'
    shared("ca-acl-add", rule)
    assert f"  ACL: {rule}\n" in shared("ca-acl-find")
    shared("ca-acl-del", rule)
    assert rule not in shared("ca-acl-find")
    shared.error("ca-acl-add", "certServer.test:read:nonsense")
    assert shared("ca-acl-find").count("ACL:") > 10


def test_certificates_requests_and_profiles_are_found(shared):
    found = entries(shared("ca-cert-find"))
    assert len(found) >= 5 and all(e["Status"] == "VALID" for e in found)
    assert "unknown" in shared.error("ca-cert-find", "--status", "NICE")
    out = shared("ca-cert-request-find", "--cert-file", shared.ca.conf / "certs/sslserver.crt")
    assert out.startswith(framed("1 entries matched"))
    request = entries(out.split("\n", 3)[3])[0]
    assert request["Type"] == "enrollment" and request["Status"] == "complete"
    assert shared("ca-cert-request-show", request["Request ID"]) == out.split("\n", 3)[3]
    profiles = {e["Profile ID"]: e for e in entries(shared("ca-profile-find"))}
    assert profiles["caServerCert"]["Enable"] == "true" and profiles["caServerCert"]["Visible"] == "true"


def test_crl_is_made_and_shown(server):
    assert server.error("ca-crl-update") == "instance t does not run: start it first"
    server("start")
    agent = server.ca.agent()
    program.wait_for("the first CRL", lambda: server.ca.plain("GET", instance.CRL_PATH)[0] == 200)
    first = entries(server("ca-crl-record-show", "MasterCRL"))[0]
    serial = entries(server("cert-show", "subsystem"))[0]["Serial Number"]
    nonce = json.loads(agent.call("GET", f"/ca/v2/agent/certs/{serial}")[1])["Nonce"]
    status, _ = agent.call("POST", f"/ca/v2/agent/certs/{serial}/revoke", {"Reason": "Superseded", "Nonce": nonce})
    assert status == 200
    out = server("ca-crl-update")
    assert out.startswith(framed('Updated CRL "MasterCRL"')) and "  CRL Size: 1\n" in out
    second = entries(server("ca-crl-record-show", "MasterCRL"))[0]
    assert int(second["CRL Number"], 16) > int(first["CRL Number"], 16) and second["CRL Size"] == "1"
    listed = entries(server("ca-crl-record-cert-find", "MasterCRL"))
    assert [e["Serial Number"] for e in listed] == [serial] and listed[0]["Reason"] == "SUPERSEDED"
    assert [e["Serial Number"] for e in entries(server("ca-cert-find", "--status", "REVOKED"))] == [serial]
    assert "has not expired" in server.error("ca-cert-del", serial)


def test_backup_of_a_running_server_can_be_put_back(server):
    server("start")
    server("ca-user-add", "kept", "--full-name", "K")
    copy = server.ca.folder / "copy"
    assert server("ca-db-backup", copy) == framed(f"CA database copied to {copy}")
    server("ca-user-add", "lost", "--full-name", "L")
    assert "exists already" in server.error("ca-db-backup", copy)
    count = int(entries(server("ca-db-info"))[0]["Users"])
    server("stop")
    for name in ("data.mdb", "lock.mdb"):
        (server.ca.db / name).unlink()
    shutil.copy(copy / "data.mdb", server.ca.db)
    assert "User ID: kept" in server("ca-user-find") and "User ID: lost" not in server("ca-user-find")
    assert int(entries(server("ca-db-info"))[0]["Users"]) == count - 1


def test_two_commands_never_open_a_store_at_once(server):
    """Many commands side by side on a stopped instance: each works or says that another one does."""
    argv = [program.find("pki-server"), "--root", str(server.ca.root), "-i", "t", "ca-user-find"]
    started = [subprocess.Popen(argv, env=server.ca.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(6)]
    results = [(p.communicate(timeout=60), p.returncode) for p in started]
    assert any(code == 0 for _, code in results)
    for (out, err), code in results:
        assert "caadmin" in out if code == 0 else "no server answers" in err, (out, err)


def test_files_of_an_instance_stay_its_owners(server):
    if os.geteuid() != 0:
        pytest.fail("needs root")
    uid = 65534
    subprocess.run(["chown", "-R", f"{uid}:{uid}", server.ca.root], check=True)
    server.ca.root.parent.chmod(0o755)
    server("ca-config-set", "x.y", "1")
    server("ca-user-add", "u", "--full-name", "U")
    server("cert-create", "sslserver", "--renew")
    server("start")
    assert server.ca.healthy()
    server("stop")
    owners = {p.stat().st_uid for d in ("etc", "var") for p in (server.ca.root / d).rglob("*") if not p.is_symlink()}
    assert owners == {uid}
