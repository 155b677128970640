# SPDX-License-Identifier: Apache-2.0
"""The pki client's own commands on real NSS databases, checked with certutil,
pk12util and openssl."""
import http.server
import json
import os
import pathlib
import re
import select
import subprocess
import threading

import pytest

import program

CA_EXT = """\
# what a CA has
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
keyUsage = critical, digitalSignature, nonRepudiation, keyCertSign, cRLSign
certificatePolicies = 2.23.140.1.2.1, @cps_policy
cps_policy.id = 1.3.6.1.4.1.44947.1.1.1
cps_policy.CPS.1 = http://cps.example.com
"""
SERVER_EXT = """\
authorityKeyIdentifier = keyid:always
authorityInfoAccess = OCSP;URI:http://ocsp.example.com
extendedKeyUsage = serverAuth
subjectAltName = DNS:www.example.com
"""
PIN = "Secret.123"


def openssl(*argv, **kw):
    return program.run("openssl", *argv, **kw).stdout


@pytest.fixture
def db(root):
    return root / "db"


@pytest.fixture
def pki(run, db):
    def call(*argv, pin=PIN, **kw):
        return run("pki", "-d", db, "-c", pin, *argv, **kw)
    return call


@pytest.fixture
def filled(pki, root):
    """A database with a CA (RSA) and a server certificate (EC) under it."""
    (root / "ca.ext").write_text(CA_EXT)
    (root / "s.ext").write_text(SERVER_EXT)
    pki("nss-create")
    pki("nss-cert-request", "--subject", "CN=CA Signing Certificate,O=EXAMPLE", "--ext", root / "ca.ext",
        "--csr", root / "ca.csr")
    pki("nss-cert-issue", "--csr", root / "ca.csr", "--ext", root / "ca.ext", "--serial", "0x1", "--validity-length",
        "1", "--validity-unit", "year", "--cert", root / "ca.crt")
    pki("nss-cert-import", "ca_signing", "--cert", root / "ca.crt", "--trust", "CT,C,C")
    pki("nss-cert-request", "--subject", "CN=www.example.com,O=EXAMPLE", "--key-type", "EC", "--curve", "nistp384",
        "--csr", root / "s.csr")
    pki("nss-cert-issue", "--issuer", "ca_signing", "--csr", root / "s.csr", "--ext", root / "s.ext", "--cert",
        root / "s.crt")
    pki("nss-cert-import", "sslserver", "--cert", root / "s.crt")
    return root


def test_database_is_made_with_its_password_and_private_files(pki, db):
    pki("nss-create")
    for name in ("cert9.db", "key4.db", "pkcs11.txt"):
        assert (db / name).stat().st_mode & 0o777 == 0o600
    pki("nss-key-create")
    (db / "pin").write_text(PIN + "\n")
    out = program.run("certutil", "-K", "-d", db, "-f", db / "pin").stdout
    assert re.search(r"^< 0> rsa      [0-9a-f]{40}", out, re.M)


def test_database_defaults_to_the_home_below_the_root(run, root):
    run("pki", "nss-key-find")
    assert [p for p in root.glob("**/.dogtag/nssdb/cert9.db")]


def test_request_is_one_openssl_accepts(filled):
    text = openssl("req", "-in", filled / "ca.csr", "-noout", "-verify", "-text")
    assert "Subject: O = EXAMPLE, CN = CA Signing Certificate" in text
    assert "CA:TRUE" in text and "CPS: http://cps.example.com" in text


def test_issued_certificates_form_a_chain_with_the_asked_extensions(filled):
    assert "OK" in openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", filled / "ca.crt",
                           filled / "s.crt")
    text = openssl("x509", "-in", filled / "s.crt", "-noout", "-text")
    assert "DNS:www.example.com" in text and "OCSP - URI:http://ocsp.example.com" in text
    assert "TLS Web Server Authentication" in text and "ASN1 OID: secp384r1" in text
    assert openssl("x509", "-in", filled / "ca.crt", "-noout", "-serial") == "serial=01\n"


def test_request_with_another_key_is_refused(pki, filled):
    der = bytearray(subprocess.run(["openssl", "req", "-in", filled / "s.csr", "-outform", "DER"],
                                   stdout=subprocess.PIPE, check=True).stdout)
    der[60] ^= 1  # inside the signed part
    (filled / "bad.csr").write_bytes(der)
    done = pki("nss-cert-issue", "--issuer", "ca_signing", "--csr", filled / "bad.csr", status=255)
    assert done.stderr.startswith("ERROR: ") and done.stdout == ""


def test_certutil_sees_what_we_made(filled, db):
    out = program.run("certutil", "-L", "-d", db).stdout
    assert re.search(r"^ca_signing +CTu,Cu,Cu", out, re.M)
    assert re.search(r"^sslserver +u,u,u", out, re.M)


def test_find_and_show(pki, filled):
    out = pki("nss-cert-find").stdout
    assert out.startswith("  Nickname: ") and out.count("  Nickname: ") == 2 and "entries" not in out
    out = pki("nss-cert-find", "--subject", "CN=www.example.com,O=EXAMPLE").stdout
    assert out.startswith("  Nickname: sslserver\n") and "ca_signing" not in out
    assert pki("nss-cert-show", "none", status=255).stderr == "ERROR: Certificate not found: none\n"
    lines = pki("nss-cert-show", "ca_signing").stdout.splitlines()
    assert lines[:4] == ["  Nickname: ca_signing", "  Serial Number: 0x1",
                         "  Subject DN: CN=CA Signing Certificate,O=EXAMPLE",
                         "  Issuer DN: CN=CA Signing Certificate,O=EXAMPLE"]
    assert lines[-1] == "  Trust Flags: CTu,Cu,Cu"
    assert pki("nss-cert-show", "--cert-file", filled / "ca.crt").stdout.splitlines() == lines
    shown = json.loads(pki("nss-cert-show", "ca_signing", "--output-format", "json").stdout)
    assert shown["nickname"] == "ca_signing" and shown["serialNumber"] == "0x1"
    assert shown["trustFlags"] == "CTu,Cu,Cu" and shown["notAfter"] > shown["notBefore"]
    for command in ("nss-cert-export", "nss-cert-del", "client-cert-del"):
        assert pki(command, "none", status=255).stderr == "ERROR: Certificate not found: none\n"
    assert "2 entries matched" not in pki("client-cert-find", "--ca").stdout


def test_verify_follows_trust(pki, filled):
    pki("nss-cert-verify", "sslserver", "--cert-usage", "SSLServer")
    assert pki("nss-cert-verify", "sslserver", "--cert-usage", "SSLCA", status=255).stderr.startswith("ERROR: ")
    pki("nss-cert-mod", "ca_signing", "--trust-flags", ",,")
    pki("client-cert-validate", "sslserver", "--certusage", "SSLServer", status=255)
    done = pki("nss-cert-verify", "sslserver", "--cert-usage", "Nothing", status=255)
    assert done.stderr == "ERROR: Unsupported certificate usage: Nothing\n"


def test_export_alone_with_chain_and_as_pkcs7(pki, filled):
    assert pki("nss-cert-export", "sslserver").stdout == (filled / "s.crt").read_text()
    both = pki("nss-cert-export", "sslserver", "--with-chain").stdout
    assert both == (filled / "s.crt").read_text() + (filled / "ca.crt").read_text()
    pki("pkcs7-export", "sslserver", "--pkcs7", filled / "c.p7b")
    out = openssl("pkcs7", "-in", filled / "c.p7b", "-print_certs", "-noout")
    assert out.count("subject=") == 2
    assert pki("pkcs7-cert-find", "--pkcs7", filled / "c.p7b").stdout.count("  Serial Number: ") == 2


def test_pkcs7_of_openssl_is_imported(run, pki, filled):
    openssl("crl2pkcs7", "-nocrl", "-certfile", filled / "ca.crt", "-certfile", filled / "s.crt", "-out",
            filled / "o.p7b")
    run("pki", "-d", filled / "db2", "pkcs7-import", "srv", "--input-file", filled / "o.p7b")
    out = program.run("certutil", "-L", "-d", filled / "db2").stdout
    assert re.search(r"^srv +,,", out, re.M) and re.search(r"^CA Signing Certificate +CT,C,C", out, re.M)
    out = pki("pkcs7-cert-export", "--pkcs7", filled / "o.p7b", "--output-prefix", filled / "part-",
              "--output-suffix", ".crt").stdout
    assert [pathlib.Path(p).exists() for p in out.split()] == [True, True]
    pki("pkcs7-cert-import", "--pkcs7", filled / "n.p7b", "--input-file", filled / "ca.crt")
    assert openssl("pkcs7", "-in", filled / "n.p7b", "-print_certs", "-noout").count("subject=") == 1
    pki("pkcs7-cert-export", "--pkcs7", filled / "o.p7b", "--output-file", filled / "all.pem")
    assert (filled / "all.pem").read_text().count("BEGIN CERTIFICATE") == 2
    pki("pkcs7-cert-import", "--pkcs7", filled / "n.p7b", "--input-file", filled / "all.pem")
    assert openssl("pkcs7", "-in", filled / "n.p7b", "-print_certs", "-noout").count("subject=") == 2


def test_broken_pkcs7_is_an_error(pki, root):
    (root / "bad").write_bytes(b"\x30\x03\x02\x01\x00")
    assert pki("pkcs7-cert-find", "--pkcs7", root / "bad", status=255).stderr.startswith("ERROR: ")


def test_pkcs12_round_trip_and_foreign_readers(run, pki, filled):
    p12 = filled / "all.p12"
    pki("pkcs12-export", "--pkcs12", p12, "--password", "Secret.456")
    assert p12.stat().st_mode & 0o777 == 0o600
    openssl("pkcs12", "-in", p12, "-passin", "pass:Secret.456", "-nodes", "-noout")
    assert "ca_signing" in program.run("pk12util", "-l", p12, "-W", "Secret.456").stdout
    (filled / "pw").write_text("Secret.456\n")
    run("pki", "-d", filled / "db2", "pkcs12-import", "--pkcs12-file", p12, "--pkcs12-password-file", filled / "pw")
    out = program.run("certutil", "-L", "-d", filled / "db2").stdout
    assert re.search(r"^ca_signing +CTu,Cu,Cu", out, re.M) and re.search(r"^sslserver +u,u,u", out, re.M)


def test_pkcs12_wrong_password(pki, filled):
    pki("pkcs12-export", "--pkcs12", filled / "a.p12", "--password", "Secret.456")
    done = pki("pkcs12-cert-find", "--pkcs12", filled / "a.p12", "--password", "nope", status=255)
    assert done.stderr.startswith("ERROR: ") and "nope" not in done.stderr


def test_pkcs12_certificates_and_keys_one_by_one(pki, filled):
    args = ["--pkcs12-file", filled / "a.p12", "--pkcs12-password", "Secret.456"]
    pki("pkcs12-cert-import", "sslserver", *args, "--no-chain")
    pki("pkcs12-cert-import", "ca_signing", *args, "--no-key", "--append", "--friendly-name", "the ca")
    out = pki("pkcs12-cert-find", *args).stdout
    assert out.startswith("---------------\n2 entries found\n---------------\n  Certificate ID: ")
    assert "  Friendly Name: the ca\n" in out and out.count("Has Key: true") == 1
    assert "1 entries found" in pki("pkcs12-key-find", *args).stdout
    key = re.search(r"Key ID: (0x[0-9a-f]+)", pki("pkcs12-key-find", *args).stdout).group(1)
    pki("pkcs12-cert-mod", "the ca", *args, "--trust-flags", "CT,C,C")
    assert "  Trust Flags: CT,C,C\n" in pki("pkcs12-cert-find", *args).stdout
    pki("pkcs12-cert-export", "sslserver", *args, "--cert-file", filled / "x.crt")
    assert (filled / "x.crt").read_text() == (filled / "s.crt").read_text()
    assert "  Trust Flags: u,u,u\n" in pki("pkcs12-cert-find", *args).stdout
    pki("pkcs12-key-del", key, *args)
    assert "  Trust Flags: ,,\n" in pki("pkcs12-cert-find", *args).stdout
    assert "0 entries found" in pki("pkcs12-key-find", *args).stdout
    pki("pkcs12-cert-del", "sslserver", *args)
    assert "1 entries found" in pki("pkcs12-cert-find", *args).stdout
    done = pki("pkcs12-cert-del", "sslserver", *args, status=255)
    assert done.stderr == "ERROR: Certificate not found: sslserver\n"


def test_pkcs12_of_openssl_is_imported(run, filled):
    for legacy in ([], ["-legacy"]):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=foreign", "-keyout", filled / "f.key",
                "-out", filled / "f.crt")
        openssl("pkcs12", "-export", "-inkey", filled / "f.key", "-in", filled / "f.crt", "-name", "foreign",
                "-passout", "pass:Secret.456", "-out", filled / "f.p12", *legacy)
        db = filled / f"db{len(legacy)}"
        run("pki", "-d", db, "client-cert-import", "--pkcs12", filled / "f.p12", "--pkcs12-password", "Secret.456")
        assert "  Nickname: foreign\n" in run("pki", "-d", db, "client-cert-find").stdout


def test_client_commands(pki, run, filled):
    out = pki("client-cert-mod", "sslserver", "--trust", "P,,").stdout
    assert 'Modified certificate "sslserver"\n' in out
    pki("client-cert-show", "sslserver", "--private-key", filled / "k.pem", "--client-cert", filled / "both.pem",
        "--cert", filled / "c.pem")
    assert (filled / "c.pem").read_text() == (filled / "s.crt").read_text()
    assert (filled / "both.pem").stat().st_mode & 0o777 == 0o600
    assert openssl("x509", "-in", filled / "both.pem", "-noout", "-pubkey") == openssl("pkey", "-in",
                                                                                      filled / "both.pem", "-pubout")
    assert 'Removed certificate "sslserver"\n' in pki("client-cert-del", "sslserver").stdout
    assert pki("client-cert-show", "sslserver", status=255).stderr.startswith("ERROR: ")
    assert 'Imported certificate "the ca"\n' in run("pki", "-d", filled / "db2", "client-cert-import", "the ca",
                                                    "--ca-cert", filled / "ca.crt").stdout
    assert "  Trust Flags: CT,C,C\n" in run("pki", "-d", filled / "db2", "client-cert-show", "the ca").stdout


def test_client_init_asks_before_it_throws_keys_away(pki, filled):
    pki("client-init", input="n\n")
    assert "2 entries matched" in pki("client-cert-find").stdout
    assert "Client initialized\n" in pki("client-init", "--force").stdout
    assert "0 entries matched" in pki("client-cert-find").stdout


def test_keys(pki, filled):
    keys = json.loads(pki("nss-key-find", "--output-format", "json").stdout)
    assert sorted(k["type"] for k in keys) == ["EC", "RSA"]
    made = re.search(r"Key ID: (0x[0-9a-f]{40})", pki("nss-key-create", "--key-type", "EC").stdout).group(1)
    pki("nss-cert-request", "--key-id", made, "--subject", "CN=x", "--csr", filled / "x.csr")
    assert "prime256v1" in openssl("req", "-in", filled / "x.csr", "-noout", "-text", "-verify")
    assert json.loads(pki("nss-key-show", made, "--output-format", "json").stdout)["size"] == 256
    pki("nss-key-del", made)
    assert pki("nss-key-show", made, status=255).stderr == "ERROR: Key not found\n"
    pki("nss-key-export", "sslserver", "--output-file", filled / "k.pem")
    openssl("pkey", "-in", filled / "k.pem", "-check", "-noout")


def test_a_key_is_named_by_a_file_with_its_id(pki, filled):
    made = pki("nss-key-create", "--key-type", "EC", "--key-id-file", filled / "id").stdout
    assert f"Key ID: {(filled / 'id').read_text()}" in made
    assert pki("nss-key-show", "--key-id-file", filled / "id").stdout == made
    assert pki("nss-key-show", "--key-id", (filled / "id").read_text().strip()).stdout == made
    pki("nss-key-del", "--key-id-file", filled / "id")
    assert pki("nss-key-show", "--key-id-file", filled / "id", status=255).stderr == "ERROR: Key not found\n"


def test_a_request_without_subject_has_other_names(pki, filled):
    pki("nss-cert-request", "--subjectAltName", "critical, DNS:a.example.com", "--csr", filled / "n.csr")
    text = openssl("req", "-in", filled / "n.csr", "-noout", "-text", "-verify")
    assert "Subject: \n" in text and "DNS:a.example.com" in text
    assert pki("nss-cert-request", "--csr", filled / "m.csr", status=255).stderr == "ERROR: Missing subject DN\n"


def test_a_database_is_made_with_the_password_it_is_given(run, db, root):
    (root / "new").write_text("Other.456\n")
    run("pki", "-d", db, "nss-create", "--password-file", root / "new")
    assert run("pki", "-d", db, "-C", root / "new", "nss-cert-find").stdout == ""
    run("pki", "-d", db, "-c", "Other.456", "nss-create", "--force", "--no-password")
    assert run("pki", "-d", db, "nss-cert-find").stdout == ""


def test_the_shell_prompts_on_the_error_stream(run, db):
    done = run("pki", "-d", db, input="nss-key-find\n# nothing\nexit\n")
    assert re.fullmatch(r"PKI Command-Line Interface \S+\n", done.stdout)
    assert done.stderr == "pki> " * 3
    done = run("pki", "-d", db, "-", input="nss-cert-find\n")
    assert (done.stdout, done.stderr) == ("", "")


def test_password_options_exclude_each_other(run, root):
    (root / "pw").write_text("x\n")
    done = run("pki", "-c", "x", "-C", root / "pw", "nss-cert-find", status=255)
    assert done.stderr == "ERROR: The -c, -C, -f options are mutually exclusive.\n"
    done = run("pki", "-n", "a", "-u", "b", "info", status=255)
    assert done.stderr == "ERROR: The -n and -u options are mutually exclusive.\n"
    done = run("pki", "-u", "b", "-w", "x", "-W", root / "pw", "info", status=255)
    assert done.stderr == "ERROR: The -w and -W options are mutually exclusive.\n"


def test_password_configuration_file(run, root, db):
    (root / "p.conf").write_text(f"# pins\n\ninternal={PIN}\n")
    run("pki", "-d", db, "-f", root / "p.conf", "nss-key-create")
    run("pki", "-d", db, "-c", PIN, "nss-key-create")
    done = run("pki", "-d", db, "-c", "wrong", "nss-key-create", status=255)
    assert "wrong PIN" in done.stderr and "given with -C FILE, before the command" in done.stderr
    (root / "p.conf").write_text("internal\n")
    done = run("pki", "-d", db, "-f", root / "p.conf", "nss-key-create", status=255)
    assert done.stderr == f"ERROR: Missing delimiter in {root}/p.conf:1\n"


def test_the_database_password_is_read_from_standard_input(run, filled, db):
    def piped(*argv, pin=PIN + "\n", **kw):
        return run("pki", "-d", db, *argv, input=pin, **kw)
    piped("nss-key-create", "--key-type", "EC", "--key-id-file", filled / "id")
    assert "Type: EC" in piped("nss-key-show", "--key-id-file", filled / "id").stdout
    piped("nss-cert-request", "--key-id-file", filled / "id", "--subject", "CN=audit", "--csr", filled / "a.csr")
    piped("nss-cert-issue", "--issuer", "ca_signing", "--csr", filled / "a.csr", "--cert", filled / "a.crt")
    done = piped("nss-key-find", pin="Other.456\n", status=255)
    assert "wrong PIN" in done.stderr and done.stdout == ""
    assert "given with -C FILE" in piped("nss-key-find", pin="", status=255).stderr
    # what follows the line is the command's own
    piped("nss-cert-import", "piped", "--cert", "-", "--trust", ",,P", pin=PIN + "\n" + (filled / "a.crt").read_text())
    assert "Trust Flags: u,u,Pu" in run("pki", "-d", db, "nss-cert-show", "piped").stdout
    # lines of commands are none of a password
    done = piped("-", pin="nss-key-find\npassword-generate --length 5\n", status=255)
    assert "given with -C FILE" in done.stderr and len(done.stdout) == 6


def test_certificates_are_handled_without_the_database_password(run, filled, db):
    def pki(*argv, **kw):
        return run("pki", "-d", db, *argv, input="", **kw)
    assert "Trust Flags: CTu,Cu,Cu" in pki("nss-cert-show", "ca_signing").stdout
    assert pki("nss-cert-find").stdout.count("Nickname:") == 2
    pki("nss-cert-export", "sslserver", filled / "again.crt")
    pki("nss-cert-del", "sslserver")
    assert pki("nss-cert-show", "sslserver", status=255).stderr == "ERROR: Certificate not found: sslserver\n"
    pki("nss-cert-import", "sslserver", "--cert", filled / "again.crt")
    assert re.search(r"^sslserver +u,u,u", program.run("certutil", "-L", "-d", db).stdout, re.M)
    # trust is sealed with the password, keys are private
    assert "given with -C FILE" in pki("nss-cert-mod", "sslserver", "--trust-flags", ",,P", status=255).stderr
    assert "given with -C FILE" in pki("nss-cert-del", "sslserver", "--remove-key", status=255).stderr
    assert re.search(r"^sslserver +u,u,u", program.run("certutil", "-L", "-d", db).stdout, re.M)


def test_passwords_do_not_stay_in_the_argument_list(root):
    env = dict(os.environ, PKI_ROOT=str(root))
    child = subprocess.Popen([program.find("pki"), "-c", "Hidden.12345", "-"], stdin=subprocess.PIPE, env=env,
                             stdout=subprocess.PIPE)
    try:
        line = pathlib.Path(f"/proc/{child.pid}/cmdline")
        child.stdin.write(b"password-generate\n")
        child.stdin.flush()
        assert select.select([child.stdout], [], [], 20)[0], "no answer"
        assert b"Hidden" not in line.read_bytes()
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait(10)


def test_password_generate(run, root):
    assert re.fullmatch(r"[!-~]{32}\n", run("pki", "password-generate").stdout)
    assert re.fullmatch(r"[ab]{50}\n", run("pki", "password-generate", "--length", "50", "--characters", "ab").stdout)
    run("pki", "password-generate", "--output-file", root / "p")
    assert (root / "p").stat().st_mode & 0o777 == 0o600
    run("pki", "password-generate", "--length", "0", status=255)


def test_help_and_groups(run):
    assert run("pki", "--version").stdout.startswith("PKI Command-Line Interface ")
    assert " ca-cert-find " in run("pki", "ca-cert").stdout
    assert "--fullName <name>" in run("pki", "help", "kra-user-add").stdout
    assert run("pki", "ocsp-user-find", "--help").stdout.startswith("usage: ocsp-user-find ")
    assert run("pki", "foo-bar", status=255).stderr == 'ERROR: Invalid module "foo-bar".\n'
    assert run("pki", "ca-cert-show", status=255).stderr == "ERROR: Missing serial number\n"
    assert run("pki", "ca-cert-show", "1", "2", status=255).stderr == "ERROR: Too many arguments specified\n"
    assert run("pki", "ca-cert-show", "--nope", status=255).stderr == "ERROR: Unrecognized option: --nope\n"


def words(run, *argv):
    """Commands below a word, or the word itself when it is a command."""
    text = run("pki", *argv).stdout
    return [line.split()[0] for line in text.splitlines()[1:] if re.match(r" [a-z]", line)]


def test_every_option_of_every_command_stands_in_a_manual_page(run):
    pages = "".join(re.sub(r".\x08", "", program.run("mandoc", "-Tascii", p).stdout)
                    for p in sorted((program.TOP / "man").glob("pki*.1")))
    told = set(re.findall(r"(?<![\w-])--([a-zA-Z][\w-]*)", pages))
    families = [w for w in words(run, "help") if w != "-v,--verbose"] + words(run, "ca") + ["kra"]
    commands = {c for f in families for c in words(run, "help", f)}
    assert len(commands) > 100
    missing = set()
    for command in sorted(commands):
        text = run("pki", "help", command).stdout
        missing |= {(command, o) for o in re.findall(r"^ .{3}--([\w-]+)", text, re.M) if o not in told}
        if text.startswith("usage:") and not command.startswith("kra") and command not in pages and \
                command.replace("ca-", "SUBSYSTEM-", 1) not in pages:
            missing.add((command, "itself"))
    assert not missing


OPENSSL_DB = "R\t301121231800Z\t261121231800Z,keyCompromise\t03\tunknown\t/CN=gone\n" \
             "V\t301121231800Z\t\t02\tunknown\t/CN=good\n"


@pytest.fixture
def responder(root):
    """openssl ocsp, with good 2 and revoked 3, and a CA in an NSS database."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=EXAMPLE/CN=CA Signing Certificate", "-keyout",
            root / "ca.key", "-out", root / "ca.crt", "-days", "10")
    (root / "index").write_text(OPENSSL_DB)
    port = program.free_port()
    server = program.spawn("openssl", "ocsp", "-port", port, "-index", root / "index", "-CA", root / "ca.crt",
                           "-rsigner", root / "ca.crt", "-rkey", root / "ca.key")
    # its one thread hangs on a connection without a request: ask it properly
    program.wait_for("openssl ocsp", lambda: "good" in program.run(
        "openssl", "ocsp", "-issuer", root / "ca.crt", "-CAfile", root / "ca.crt", "-serial", "2",
        "-url", f"http://127.0.0.1:{port}/", status=None).stdout)
    yield port
    program.end(server)


def ask(run, root, port, *argv, **kw):
    return run("OCSPClient", "-d", root / "db", "-h", "127.0.0.1", "-p", port, "-t", "/", *argv, **kw)


def test_ocspclient(run, root, responder):
    run("pki", "-d", root / "db", "nss-cert-import", "CA Signing Certificate", "--cert", root / "ca.crt", "--trust",
        "CT,C,C")
    out = ask(run, root, responder, "--serial", "2", "--output", root / "answer").stdout
    assert out == f"Success: Output {root}/answer\nCertID.serialNumber=0x2\nCertStatus=Good\n"
    assert ask(run, root, responder, "--serial", "0x3").stdout.endswith("CertStatus=Revoked\n")
    assert ask(run, root, responder, "--serial", "4").stdout.endswith("CertStatus=Unknown\n")
    assert ask(run, root, responder, "--serial", "2", "-n", "2").stdout.count("Good") == 2
    openssl("ocsp", "-issuer", root / "ca.crt", "-serial", "0x3", "-reqout", root / "req")
    assert ask(run, root, responder, "--input", root / "req").stdout.endswith("CertStatus=Revoked\n")
    assert ask(run, root, responder, status=1).stderr == "ERROR: Missing serial number or input file.\n"
    done = ask(run, root, responder, "--serial", "2", "-n", "x", status=1)
    assert done.stderr == "ERROR: Invalid number of submissions\n"


def test_ocspclient_refuses_an_answer_signed_by_somebody_else(run, root, responder):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=EXAMPLE/CN=CA Signing Certificate", "-keyout",
            root / "o.key", "-out", root / "o.crt", "-days", "10")
    run("pki", "-d", root / "db", "nss-cert-import", "other", "--cert", root / "o.crt", "--trust", "CT,C,C")
    openssl("ocsp", "-issuer", root / "ca.crt", "-serial", "2", "-reqout", root / "req")
    done = ask(run, root, responder, "-c", "other", "--input", root / "req", status=1)
    assert done.stderr == "ERROR: OCSP response is not signed by the issuer or its delegate\n"


def test_ocsp_cert_verify(run, root, responder):
    run("pki", "-d", root / "db", "nss-cert-import", "ca", "--cert", root / "ca.crt", "--trust", "CT,C,C")
    url = f"http://127.0.0.1:{responder}"
    out = run("pki", "-d", root / "db", "-U", url, "ocsp-cert-verify", "0x3", "--ca-cert", "ca", "--path", "/").stdout
    assert out.startswith("  Serial Number: 0x3\n  Status: Revoked\n  Revoked On: Sat Nov 21 23:18:00 UTC 2026\n")


class ErrorAnswer(http.server.BaseHTTPRequestHandler):
    """Answers every question with internalError."""
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"\x30\x03\x0a\x01\x02")

    def log_message(self, *_):
        pass


def test_ocsp_error_answers_are_named(run, root):
    server = http.server.HTTPServer(("127.0.0.1", 0), ErrorAnswer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        (root / "req").write_bytes(b"\x30\x00")
        done = ask(run, root, server.server_port, "--input", root / "req", status=1)
        assert done.stderr == "SEVERE: CLIException: OCSPResponseStatus: INTERNAL_ERROR\n"
        done = run("pki", "-U", f"http://127.0.0.1:{server.server_port}", "ocsp-cert-verify", "--request", root / "req",
                   status=255)
        assert done.stderr == "ERROR: OCSPResponseStatus: INTERNAL_ERROR\n"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
