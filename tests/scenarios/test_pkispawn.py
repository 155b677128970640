# SPDX-License-Identifier: Apache-2.0
"""What pkispawn leaves behind and what it refuses; pkidestroy (spec deployment 1
and 2). certutil, openssl and pk12util are the witnesses."""
import ctypes
import datetime
import os
import pathlib
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import termios

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtensionOID

import instance
import program

HERE = pathlib.Path(__file__).resolve().parents[1]
GOLDEN = HERE / "golden"
NAME = "t"
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.fixture(scope="module")
def env():
    """The environment of our programs, with the data of this tree."""
    folder = instance.temp_root("sgs-")
    made = dict(os.environ, PKI_SHARE=str(instance.share(folder / "share")), HOME="/root", LC_ALL="C.UTF-8")
    made.pop("PKI_ROOT", None)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


class Tree:
    """One root with an instance in it."""

    def __init__(self, root, env, name=NAME):
        self.root, self.env, self.name = root, env, name
        self.conf = root / "etc/pki" / name
        self.lib = root / "var/lib/pki" / name
        self.logs = root / "var/log/pki" / name
        self.alias = self.conf / "alias"
        self.registry = root / "etc/sysconfig/pki/tomcat" / name
        self.client = root / "root/.dogtag" / name
        self.http, self.https = program.free_port(), program.free_port()

    def spawn(self, *extra, options=("--no-start",), status=0, **kw):
        argv = instance.spawn_arguments(self.root, self.http, self.https, *extra, name=self.name)
        return program.run(*argv, *options, env=kw.pop("env", self.env), status=status, **kw)

    def spawn_file(self, text, *options, status=0):
        path = self.root / "given.cfg"
        path.write_text(text)
        return program.run("pkispawn", "--root", self.root, "-s", "CA", "-f", path, *options, env=self.env,
                           status=status)

    def head(self):
        """Parameters of a file that make the installation fast."""
        lines = [f"pki_instance_name={self.name}", "pki_hostname=localhost", f"pki_http_port={self.http}",
                 f"pki_https_port={self.https}"]
        for key in ("ca_signing", "ocsp_signing", "sslserver", "subsystem", "admin", "audit_signing"):
            lines += [f"pki_{key}_key_type=ecc", f"pki_{key}_key_size=nistp256"]
        return "[DEFAULT]\n" + "\n".join(lines) + "\n"

    def destroy(self, *options, status=0):
        return program.run("pkidestroy", "--root", self.root, "-s", "CA", "-i", self.name, *options, env=self.env,
                           status=status)

    def cs(self):
        return dict(x.split("=", 1) for x in (self.conf / "ca/CS.cfg").read_text().splitlines() if "=" in x)

    def passwords(self):
        return dict(x.split("=", 1) for x in (self.conf / "password.conf").read_text().splitlines())

    def certutil(self, *argv):
        pin = self.root / "pin"
        pin.write_text(self.passwords()["internal"] + "\n")
        return program.run("certutil", "-d", self.alias, "-f", pin, *argv).stdout

    def nicknames(self):
        """{nickname: trust} of certutil -L."""
        return dict(re.findall(r"^(\S.*?\S)\s+([a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$", self.certutil("-L"), re.M))

    def key_ids(self):
        return set(re.findall(r"\b([0-9a-f]{40})\b", self.certutil("-K")))

    def cert(self, name):
        return x509.load_pem_x509_certificate((self.conf / "certs" / f"{name}.crt").read_bytes())

    def left(self):
        """Files and links of the instance, anywhere below the root."""
        return [p for p in self.root.rglob("*") if not p.is_dir() or p.is_symlink()]


@pytest.fixture
def tree(root, env):
    t = Tree(root, env)
    yield t
    if (root / "run/pki" / f"{t.name}.pid").exists():
        t.destroy("--force", "--remove-conf", "--remove-logs", status=None)


@pytest.fixture(scope="module")
def made(env):
    """The instance that the reading cases share."""
    t = Tree(instance.temp_root("sgs-"), env)
    t.out = t.spawn("pki_dns_domainname=example.com")
    yield t
    shutil.rmtree(t.root, ignore_errors=True)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# --- what is left ------------------------------------------------------------


def test_settings_file_is_one_by_every_documented_path(made):
    real = (made.conf / "ca/CS.cfg").resolve()
    for path in (made.lib / "conf/ca/CS.cfg", made.lib / "ca/conf/CS.cfg"):
        assert path.resolve() == real
    assert (made.lib / "alias").resolve() == (made.lib / "conf/alias").resolve() == made.alias.resolve()
    assert (made.lib / "logs").resolve() == made.logs.resolve()
    for name in ("alias", "conf", "logs", "registry", "profiles", "emails"):
        link = made.lib / "ca" / name
        assert link.is_symlink() and link.resolve().is_dir(), name
    assert not [p for p in made.left() if p.is_symlink() and not p.exists()], "a link to nowhere"


def test_links_stay_below_a_root_that_is_moved(made):
    for p in made.left():
        if p.is_symlink():
            assert not os.readlink(p).startswith("/"), p


def test_folders_and_files_have_the_documented_modes(made):
    for folder in (made.conf, made.lib, made.logs, made.alias, made.conf / "ca", made.conf / "certs"):
        assert mode(folder) == 0o770, folder
    for name in ("cert9.db", "key4.db", "pkcs11.txt"):
        assert mode(made.alias / name) == 0o600, name
    for path, wanted in ((made.alias / "ca.crt", 0o644), (made.conf / "ca/archives", 0o755),
                         (made.conf / "password.conf", 0o660), (made.conf / "ca/CS.cfg", 0o660),
                         (made.conf / "server.cfg", 0o660), (made.conf / "serverCertNick.conf", 0o660),
                         (made.client, 0o755), (made.client / "ca_admin_cert.p12", 0o600),
                         (made.client / "ca_admin.cert", 0o644)):
        assert mode(path) == wanted, path


def test_each_system_certificate_has_its_request_nickname_and_trust(made):
    for name in ("ca_signing", "ca_ocsp_signing", "sslserver", "subsystem", "ca_admin"):
        csr = x509.load_pem_x509_csr((made.conf / "certs" / f"{name}.csr").read_bytes())
        assert csr.is_signature_valid
    csr = x509.load_pem_x509_csr((made.conf / "certs/ca_signing.csr").read_bytes())
    basic = csr.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca
    usage = csr.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign and usage.value.digital_signature
    assert usage.value.content_commitment and not usage.value.key_encipherment
    assert made.nicknames() == {f"caSigningCert cert-{NAME} CA": "CTu,Cu,Cu",
                                f"ocspSigningCert cert-{NAME} CA": "u,u,u",
                                f"Server-Cert cert-{NAME}": "u,u,u", f"subsystemCert cert-{NAME}": "u,u,u"}


def test_key_ids_of_the_settings_are_those_certutil_shows(made):
    stored = {}
    for name, value in made.cs().items():
        if m := re.fullmatch(r"cloning\.(\w+)\.privkey\.id", name):
            stored[m.group(1)] = (int(value, 16) & ((1 << 160) - 1)).to_bytes(20, "big").hex()
    assert set(stored) == {"signing", "ocsp_signing", "subsystem"}
    ids = made.key_ids()
    assert len(ids) == 4 and set(stored.values()) < ids


def test_settings_name_every_certificate(made):
    cs = made.cs()
    assert cs["ca.cert.list"] == "signing,ocsp_signing,sslserver,subsystem"
    for tag, nick, usage in (("signing", f"caSigningCert cert-{NAME} CA", "SSLCA"),
                             ("ocsp_signing", f"ocspSigningCert cert-{NAME} CA", "StatusResponder"),
                             ("sslserver", f"Server-Cert cert-{NAME}", "SSLServer"),
                             ("subsystem", f"subsystemCert cert-{NAME}", "SSLClient")):
        assert cs[f"ca.{tag}.nickname"] == cs[f"ca.cert.{tag}.nickname"] == nick
        assert cs[f"ca.{tag}.tokenname"] == "internal"
        assert cs[f"ca.cert.{tag}.certusage"] == usage
    assert cs["cs.state"] == "1"
    assert not [x for x in cs if x.startswith("preop.") or "scratch" in x]
    assert list(cs) == sorted(cs), "names are written sorted"


def test_certificates_chain_to_the_new_ca(made):
    for name in ("ca_signing", "ca_ocsp_signing", "sslserver", "subsystem"):
        program.run("openssl", "verify", "-CAfile", made.alias / "ca.crt", made.conf / "certs" / f"{name}.crt")
    assert (made.conf / "certs/ca_signing.crt").read_bytes() == (made.alias / "ca.crt").read_bytes()
    ca = made.cert("ca_signing")
    assert ca.subject == ca.issuer
    assert [a.value for a in ca.subject] == ["example.com Security Domain", NAME, "CA Signing Certificate"]


def test_administrators_file_opens_with_its_password_and_has_one_key_and_no_chain(made):
    password = (made.client / "ca_admin_cert.p12.password").read_text().strip()
    key, cert, more = pkcs12.load_key_and_certificates((made.client / "ca_admin_cert.p12").read_bytes(),
                                                       password.encode())
    assert key is not None and not more
    assert cert == x509.load_pem_x509_certificate((made.client / "ca_admin.cert").read_bytes())
    assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    names = program.run("pk12util", "-l", made.client / "ca_admin_cert.p12", "-w",
                        made.client / "ca_admin_cert.p12.password").stdout
    assert names.count("Key(shrouded)") == 1 and "Certificate:" not in names
    assert names.count("Certificate(has private key):") == 1


def test_generated_passwords_are_private_different_and_not_told(made):
    files = sorted(made.client.glob("*password"))
    assert [f.name for f in files] == ["ca_admin.password", "ca_admin_cert.p12.password"]
    found = {f.read_text().strip() for f in files} | {made.passwords()["internal"]}
    assert len(found) == 3 and all(len(x) >= 12 for x in found)
    assert all(mode(f) == 0o600 for f in files)
    for secret in found:
        assert secret not in made.out.stdout + made.out.stderr
        for path in made.left():
            if path.is_file() and path not in files and path.name not in ("password.conf", "pin"):
                assert secret.encode() not in path.read_bytes(), path


def test_summary_names_what_the_administrator_needs(made):
    rule = "    " + "=" * 74
    lines = made.out.stdout.splitlines()
    assert f"Installing CA into {made.lib}." in lines[:2]
    assert lines.count(rule) == 3
    assert "                                INSTALLATION SUMMARY" in made.out.stdout
    assert "      Administrator's username:             caadmin" in lines
    p12 = lines.index("      Administrator's PKCS #12 file:")
    assert lines[p12 + 1] == f"            {made.client}/ca_admin_cert.p12"
    url = lines.index("      The URL for the subsystem is:")
    assert lines[url + 1] == f"            https://localhost:{made.https}/ca"


def test_registry_keeps_the_settings_of_the_user_without_secrets(tree):
    text = tree.head() + "pki_admin_password=Secret%1\npki_client_pkcs12_password=Secret.2\n" \
        "pki_server_database_password=Secret.3\npki_pin=Secret.4\n[CA]\npki_admin_email=a@example.com\n"
    tree.spawn_file(text, "--no-start")
    kept = (tree.registry / "ca/deployment.cfg").read_text()
    assert "pki_admin_email=a@example.com" in kept and "Secret" not in kept
    assert {x.split("=")[0] for x in kept.splitlines()[1:]} - {"pki_instance_path"} <= \
        {x.split("=")[0] for x in text.splitlines()}
    assert f"export PKI_INSTANCE_NAME={NAME}\n" in (tree.registry / NAME).read_text()
    archived = list((tree.logs / "ca/archive").glob("spawn_deployment.cfg.*"))
    assert len(archived) == 1 and re.fullmatch(r".*\.\d{14}", archived[0].name)
    assert archived[0].read_text() == kept
    rows = [r.split(",") for r in (tree.registry / "ca/manifest").read_text().splitlines()]
    assert {len(r) for r in rows} == {8}
    assert str(tree.conf / "ca/CS.cfg") in {r[0] for r in rows}
    assert len(list((tree.logs / "ca/archive").glob("spawn_manifest.*"))) == 1
    # the passwords are taken as they are written
    pkcs12.load_key_and_certificates((tree.client / "ca_admin_cert.p12").read_bytes(), b"Secret.2")
    assert not list(tree.client.glob("*password"))


def normal(tree, text):
    text = text.replace(str(tree.root), "").replace(str(tree.https), "HTTPS").replace(str(tree.http), "HTTP")
    return re.sub(r"(privkey\.id)=-?[0-9a-f]+", r"\1=KEYID", text)


@pytest.mark.parametrize("name", ["CS.cfg", "server.cfg"])
def test_generated_settings_are_the_golden_text(made, name):
    path = made.conf / ("ca/CS.cfg" if name == "CS.cfg" else name)
    text = normal(made, path.read_text())
    golden = GOLDEN / f"ca.{name}"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text(), f"GOLDEN=write makes {golden} anew"


# --- keys ------------------------------------------------------------------------


@pytest.mark.parametrize("size,curve,algorithm", [("nistp256", "secp256r1", "SHA256withEC"),
                                                  ("nistp384", "secp384r1", "SHA384withEC"),
                                                  ("nistp521", "secp521r1", "SHA512withEC")])
def test_ca_with_an_ec_key(tree, size, curve, algorithm):
    tree.spawn(f"pki_ca_signing_key_size={size}", f"pki_ca_signing_key_algorithm={algorithm}",
               f"pki_ca_signing_signing_algorithm={algorithm}")
    ca = tree.cert("ca_signing")
    assert ca.public_key().curve.name == curve
    assert ca.signature_hash_algorithm.name == algorithm[:6].lower()
    assert tree.cert("sslserver").signature_hash_algorithm.name == algorithm[:6].lower()
    assert tree.cs()["ca.signing.defaultSigningAlgorithm"] == algorithm
    program.run("openssl", "verify", "-CAfile", tree.alias / "ca.crt", tree.conf / "certs/sslserver.crt")


@pytest.mark.parametrize("bits", [2048, 4096])
def test_ca_with_an_rsa_key(tree, bits):
    tree.spawn("pki_ca_signing_key_type=rsa", f"pki_ca_signing_key_size={bits}",
               "pki_ca_signing_key_algorithm=SHA384withRSA", "pki_ca_signing_signing_algorithm=SHA512withRSA")
    assert tree.cert("ca_signing").public_key().key_size == bits
    assert tree.cert("ca_signing").signature_hash_algorithm.name == "sha384"
    assert tree.cert("subsystem").signature_hash_algorithm.name == "sha512"
    program.run("openssl", "verify", "-CAfile", tree.alias / "ca.crt", tree.conf / "certs/subsystem.crt")


@pytest.mark.parametrize("wrong,named", [("pki_ca_signing_key_type=dsa", "pki_ca_signing_key_type"),
                                         ("pki_admin_password=short", "pki_admin_password"),
                                         ("pki_sslserver_key_size=nistp192", "pki_sslserver_key_size"),
                                         ("pki_ca_signing_key_algorithm=SHA256withRSA", "pki_ca_signing_key_algorithm"),
                                         ("pki_ca_signing_signing_algorithm=MD5withRSA",
                                          "pki_ca_signing_signing_algorithm"),
                                         ("pki_subsystem_subject_dn=nothing", "pki_subsystem_subject_dn")])
def test_impossible_keys_are_refused_before_anything_is_made(tree, wrong, named):
    done = tree.spawn(wrong, status=None)
    assert done.returncode != 0 and named in done.stderr
    assert done.stderr.startswith("Installation failed: ")
    assert not tree.left()


def test_audit_signing_certificate(tree):
    nick = f"auditSigningCert cert-{NAME} CA"
    tree.spawn(f"pki_audit_signing_nickname={nick}")
    assert tree.nicknames()[nick] == "u,u,Pu"
    cs = tree.cs()
    assert cs["ca.cert.list"].endswith(",audit_signing")
    assert cs["ca.audit_signing.nickname"] == cs["log.instance.SignedAudit.signedAuditCertNickname"] == nick
    assert cs["ca.cert.audit_signing.certusage"] == "ObjectSigner"
    assert (tree.conf / "certs/ca_audit_signing.csr").exists()


def test_names_of_the_server_certificate(tree):
    tree.spawn("pki_san_inject=True", "pki_san_for_server_cert=a.example.com,b.example.com")
    san = tree.cert("sslserver").extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert san.get_values_for_type(x509.DNSName) == ["a.example.com", "b.example.com"]


def test_backup_of_the_keys(tree):
    done = tree.spawn("pki_backup_keys=True", status=None)
    assert done.returncode != 0 and "A value for 'pki_backup_password' MUST be defined in" in done.stderr
    tree.spawn("pki_backup_keys=True", "pki_backup_password=Backup.123")
    path = tree.alias / "ca_backup_keys.p12"
    assert mode(path) == 0o600
    out = program.run("pk12util", "-l", path, "-W", "Backup.123").stdout
    assert out.count("Key(shrouded)") == 3 and f"caSigningCert cert-{NAME} CA" in out
    assert f"Server-Cert cert-{NAME}" not in out


def test_administrator_with_a_certificate_of_his_own(tree):
    program.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tree.root / "a.key", "-subj",
                "/CN=Boss", "-out", tree.root / "a.crt")
    done = tree.spawn(f"pki_admin_cert_path={tree.root}/a.crt")
    assert "PKCS #12" not in done.stdout and "Administrator's username:" in done.stdout
    assert x509.load_pem_x509_certificate((tree.client / "ca_admin.cert").read_bytes()) == \
        x509.load_pem_x509_certificate((tree.root / "a.crt").read_bytes())
    assert sorted(p.name for p in tree.client.iterdir()) == ["ca_admin.cert", "ca_admin.password"]


def test_instance_without_administrator(tree):
    done = tree.spawn("pki_admin_setup=False")
    assert "Administrator" not in done.stdout
    assert not list(tree.client.iterdir())


def test_other_folders_for_configuration_and_logs(tree):
    tree.spawn(options=("--conf", "/srv/conf", "--logs", "/srv/logs"))
    assert (tree.root / "srv/conf/ca/CS.cfg").is_file() and (tree.root / "srv/logs/ca").is_dir()
    for path in (tree.conf / "ca/CS.cfg", tree.lib / "conf/ca/CS.cfg", tree.lib / "ca/conf/CS.cfg"):
        assert path.resolve() == tree.root / "srv/conf/ca/CS.cfg"
    serves(tree)
    tree.destroy("--remove-conf", "--remove-logs")
    assert not [p for p in tree.left() if "srv" in str(p) or "etc/pki" in str(p)]
    done = tree.spawn(options=("--conf", "conf"), status=None)
    assert done.returncode != 0 and "--conf conf: an absolute path" in done.stderr


# --- the user's file ----------------------------------------------------------------


def test_file_with_sections_interpolation_and_overrides(tree):
    done = tree.spawn_file(tree.head() + """\
mine = Mine
pki_security_domain_name = %(mine)s 100%% Domain
; a comment
# another
[Tomcat]
pki_admin_uid = tomcat
[CA]
pki_admin_uid : %(mine)s-admin
pki_admin_email = first@example.com
[KRA]
pki_admin_uid = kraadmin
""", "--no-start", "-D", "pki_admin_email=second@example.com")
    assert done.stdout.startswith(f"Loading deployment configuration from {tree.root}/given.cfg.\n")
    assert tree.cs()["securitydomain.name"] == "Mine 100% Domain"
    assert "Administrator's username:             Mine-admin" in done.stdout
    admin = x509.load_pem_x509_certificate((tree.client / "ca_admin.cert").read_bytes())
    assert "second@example.com" in admin.subject.rfc4514_string()


def test_old_names_work_and_unused_ones_are_told(tree):
    done = tree.spawn_file(tree.head() + """\
pki_ssl_server_nickname=Old Server
pki_ajp_port=8009
pki_existing=True
pki_pin=Secret.Pin1
""", "--no-start")
    assert "The 'pki_ssl_server_nickname' in [DEFAULT] has been deprecated. Use 'pki_sslserver_nickname' instead." \
        in done.stdout
    for name in ("pki_ajp_port", "pki_existing"):
        assert f"The '{name}' in [DEFAULT] is no longer used. This parameter can be safely removed." in done.stdout
    assert tree.passwords()["internal"] == "Secret.Pin1"
    assert "Old Server" in tree.nicknames()
    assert (tree.conf / "serverCertNick.conf").read_text().strip() == "Old Server"


@pytest.mark.parametrize("text,told", [
    ("[Mine]\na=b\n", "Invalid deployment configuration section: Mine"),
    ("[DEFAULT]\npki_admin_uid\n", ":2: missing '='"),
    ("[DEFAULT\n", ":1: missing ']'"),
    ("a=b\n", ":1: a parameter before the first [section]"),
    ("[CA]\npki_admin_uid=%(none)s\n", "%(none)s: no such parameter"),
    ("[CA]\npki_admin_uid=100%\n", "pki_admin_uid: a literal % is written %%"),
    ("[CA]\na=%(b)s\nb=%(a)s\n", "%()s refers to itself"),
    ("[DEFAULT]\npki_http_port=many\n", "pki_http_port"),
    ("[DEFAULT]\npki_instance_name=../x\n", "Invalid instance: ../x"),
    ("[DEFAULT]\npki_http_port=7777\npki_https_port=7777\n", "must differ"),
])
def test_wrong_file_is_refused_with_its_line(tree, text, told):
    done = tree.spawn_file(text, "--precheck", status=None)
    assert done.returncode != 0 and told in done.stderr, done.stderr
    assert done.stderr.startswith("Installation failed: ")


def test_precheck_makes_nothing(tree):
    done = tree.spawn_file(tree.head(), "--precheck")
    assert done.stdout.endswith("pre-checks completed successfully.\n")
    assert [p.name for p in tree.left()] == ["given.cfg"]
    program.run("pkispawn", "--root", tree.root, "-s", "CA", "--precheck", env=tree.env, status=2)


@pytest.mark.parametrize("extra,told", [
    ("pki_clone=True", "pki_ds_url"), ("pki_subordinate=True", "pki_security_domain_password"),
    ("pki_pkcs12_path=/x", "pki_pkcs12_path"), ("pki_req_ext_add=True", "pki_req_ext_add"),
    ("pki_ca_signing_cert_path=/x", "pki_ca_signing_cert_path"), ("pki_share_db=True", "pki_share_db"),
    ("pki_cert_id_generator=sequential", "pki_cert_id_generator"),
])
def test_what_this_version_cannot_do_is_refused_by_name(tree, extra, told):
    done = tree.spawn(extra, status=None)
    assert done.returncode != 0 and told in done.stderr
    assert not tree.left()


def test_the_installers_profiles_say_how_long_certificates_live(tree, tmp_path):
    """Scripts edit 2.default.params of the bootstrap profiles, as the model numbers them."""
    share = instance.share(tmp_path / "share")
    for file in (share / "ca/conf").glob("*.profile"):
        lines = file.read_text().splitlines()
        assert any(re.match(r"2\.default\.class=.*ValidityDefault$", x) for x in lines), file
        if file.name == "caCert.profile":  # none outlives the CA
            continue
        file.write_text("\n".join("2.default.params.range=3\n2.default.params.rangeUnit=hour"
                                  if x.startswith("2.default.params.range=") else x for x in lines) + "\n")
    tree.env = dict(tree.env, PKI_SHARE=str(share))
    tree.spawn()
    cert = x509.load_pem_x509_certificate((tree.conf / "certs/sslserver.crt").read_bytes())
    assert cert.not_valid_after - cert.not_valid_before == datetime.timedelta(hours=3)


def test_profiles_that_are_records_only(tree):
    """The model's LDAPProfileSubsystem: no files are made, read or written."""
    tree.spawn("pki_profiles_in_ldap=True", options=())
    assert tree.cs()["subsystem.1.class"].endswith(".LDAPProfileSubsystem")
    folder = tree.conf / "ca/profiles/ca"
    (folder / "caUserCert.cfg").write_text("nobody reads this\n")
    program.run("pki-server", "--root", tree.root, "restart", tree.name, env=tree.env)
    for profile in ("caServerCert", "caUserCert"):
        shown = program.run("pki", "-d", tree.root / "nssdb", "-U", f"https://localhost:{tree.https}",
                            "--ignore-cert-status", "UNTRUSTED_ISSUER", "-u", "caadmin", "-W",
                            tree.client / "ca_admin.password", "ca-profile-show", profile, env=tree.env).stdout
        assert f"Profile ID: {profile}" in shown
    assert [p.name for p in folder.iterdir()] == ["caUserCert.cfg"]


def test_parameter_without_effect_is_told(tree):
    done = tree.spawn("pki_registry_enable=False", options=("--no-start",))
    assert "pki_registry_enable" in done.stdout and "no effect" in done.stdout


# --- refusals ----------------------------------------------------------------------


def test_existing_subsystem_is_refused_and_left_alone(made):
    before = {p: p.read_bytes() for p in made.left() if p.is_file() and p.name != "pin"}
    done = made.spawn(status=None)
    assert done.returncode == 1
    why = f"Installation failed: PKI subsystem 'CA' for instance '{NAME}' already exists!\n"
    assert done.stderr == why and done.stdout.endswith(f"\n\n{why}\n"), "in the output as the model tells it, too"
    assert before == {p: p.read_bytes() for p in made.left() if p.is_file() and p.name != "pin"}


def test_busy_port_is_refused(tree):
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        done = tree.spawn(f"pki_https_port={port}", status=None)
    assert done.returncode == 1 and f"pki_https_port: port {port} is in use" in done.stderr
    assert not tree.left()


def test_failure_in_the_middle_leaves_nothing(tree):
    broken = dict(tree.env, PKI_SHARE=str(tree.root / "share"))
    shutil.copytree(tree.env["PKI_SHARE"], broken["PKI_SHARE"])
    (tree.root / "share/ca/conf/eccSubsystemCert.profile").write_text("nonsense\n")
    done = tree.spawn(status=None, env=broken)
    assert done.returncode != 0 and "eccSubsystemCert.profile" in done.stderr
    shutil.rmtree(tree.root / "share")
    assert not tree.left()
    tree.spawn()  # and nothing is in the way of the next try


def test_a_full_disk_is_named_and_nothing_is_left(tree, small_disk):
    small_disk(tree.root, 384 << 10)
    done = tree.spawn(status=1)
    assert re.search(r"^Installation failed: the disk of \S+ is full, make room and try again: ", done.stdout, re.M)
    assert not tree.left()


def test_server_that_cannot_start_leaves_nothing(tree):
    done = tree.spawn("pki_cert_id_length=4096", options=(), status=None)
    assert done.returncode != 0 and "dbs.cert.id.length" in done.stderr
    assert not [p for p in tree.left() if "run/" not in str(p)]


def test_secret_of_the_command_line_is_overwritten(tree):
    argv = instance.spawn_arguments(tree.root, tree.http, tree.https, "pki_admin_password=Very.Secret.9", name=NAME)
    p = subprocess.Popen([program.find(argv[0]), *map(str, argv[1:]), "--no-start"], env=tree.env,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = []

    def look():
        try:
            text = pathlib.Path(f"/proc/{p.pid}/cmdline").read_bytes()
        except OSError:
            text = b""
        seen.append(text)
        return p.poll() is not None
    program.wait_for("pkispawn ends", look)
    assert p.stdout.read() and p.returncode == 0
    assert any(b"*" * 13 in x for x in seen) or not any(b"Very.Secret.9" in x for x in seen[3:])


# --- questions ---------------------------------------------------------------------


class Terminal:
    """pkispawn on a terminal of its own."""

    def __init__(self, tree, *options, tool="pkispawn"):
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen([program.find(tool), "--root", tree.root, *options], env=tree.env, stdin=slave,
                                  stdout=slave, stderr=slave, start_new_session=True,
                                  preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))  # TIOCSCTTY
        os.close(slave)
        self.text = ""
        self.at = 0

    def read(self):
        if select.select([self.master], [], [], 0.1)[0]:
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:  # the other side has closed
                return False
        return True

    def wait_for(self, words):
        def seen():
            self.read()
            return self.text.find(words, self.at) >= 0
        program.wait_for(words, seen, timeout=60)
        self.at = self.text.find(words, self.at) + len(words)

    def answer(self, question, text):
        """Types only once the question itself stands there: a question for a password drops what was typed before it."""
        self.wait_for(question)
        os.write(self.master, (text + "\n").encode())

    def end(self, close=True):
        while self.p.poll() is None and self.read():
            pass
        while self.read() and select.select([self.master], [], [], 0)[0]:
            pass
        if close:
            os.close(self.master)
        return self.p.wait(60)


def interview(tree, begin="Yes", password="Secret.123"):
    t = Terminal(tree, "-s", "CA", "--no-start")
    t.answer("Instance [", NAME)
    t.answer("HTTP port [", str(tree.http))
    t.answer("Secure HTTP port [", str(tree.https))
    t.answer("Username [", "boss")
    t.answer("Password", password)
    if password:
        t.answer("Verify password", "Other.123")
        t.wait_for("Passwords do not match")
        t.answer("Password", password)
        t.answer("Verify password", password)
    t.answer("Import certificate (Yes/No) [No]:", "")
    t.answer("Export certificate to [", str(tree.root / "boss.crt"))
    t.answer("Hostname [none: embedded store]:", "")
    t.answer("Name [", "My Domain")
    t.answer("Begin installation (Yes/No/Quit)?", begin)
    return t, t.end()


def test_without_a_file_it_asks_on_the_terminal(tree):
    t, status = interview(tree)
    assert status == 0, t.text
    assert "INSTALLATION SUMMARY" in t.text and "boss" in t.text
    assert "Secret.123" not in t.text, "a password is not shown"
    assert tree.cs()["securitydomain.name"] == "My Domain"
    assert not (tree.client / "ca_admin.password").exists()
    assert (tree.client / "ca_admin_cert.p12.password").exists()
    assert b"BEGIN CERTIFICATE" in (tree.root / "boss.crt").read_bytes()


def test_wrong_answers_are_asked_for_again(tree):
    t = Terminal(tree, "--no-start")
    again = "Please answer again: "
    for question, wrong, why, right in (
            ("Subsystem (CA) [CA]:", "XYZ", "subsystem XYZ is not supported", "ca"),
            ("Instance [pki-tomcat]:", "../x", "Invalid instance: ../x", NAME),
            ("HTTP port [8080]:", "x" * 600, "an answer has at most 510 characters", str(tree.http)),
            ("Secure HTTP port [8443]:", "65536", "", str(tree.http)),
            (again + "the two ports must differ", None, None, None),
            ("HTTP port [", "0", "", ""), ("Secure HTTP port [", "x", "", str(tree.https)),
            ("Username [caadmin]:", None, None, "boss"),
            ("Password [generated]:", "short", "password: at least 8 characters", ""),
            ("Import certificate (Yes/No) [No]:", "perhaps", "Yes or No", "yes"),
            ("Import certificate from", "/no/such", "/no/such: No such file", "/etc/hostname"),
            ("Hostname [none: embedded store]:", None, None, ""), ("Name [", None, None, ""),
            ("Begin installation (Yes/No/Quit)?", "well", "Yes, No or Quit", "no")):
        if wrong:
            t.answer(question, wrong)
            t.wait_for(again + why)
        if right is None:
            t.wait_for(question)
        else:
            t.answer(question, right)
    t.answer(f"Instance [{NAME}]:", "\x04")  # "No" asks again, with the answers as defaults; then the input ends
    assert t.end() == 2 and "installation cancelled" in t.text
    assert not tree.left()


@pytest.mark.parametrize("key, status", [("\x03", -signal.SIGINT), ("\x04", 2)], ids=["interrupt", "end"])
def test_who_stops_at_a_password_gets_the_echo_back(tree, key, status):
    t = Terminal(tree, "-s", "CA", "--no-start")
    for question in ("Instance [", "HTTP port [", "Secure HTTP port [", "Username ["):
        t.answer(question, "")
    t.answer("Password [generated]:", key)
    assert t.end(close=False) == status
    assert termios.tcgetattr(t.master)[3] & termios.ECHO
    os.close(t.master)
    assert not tree.left()


def test_quit_makes_nothing(tree):
    t, status = interview(tree, begin="Quit", password="")
    assert status != 0 and "installation cancelled" in t.text
    assert not tree.left()


# --- pkidestroy -----------------------------------------------------------------------


def test_destroy_keeps_settings_and_logs_unless_named(tree):
    tree.spawn()
    done = tree.destroy()
    assert f"Uninstalling CA from {tree.lib}." in done.stdout
    assert done.stdout.endswith("\nUninstallation complete.\n")
    assert (tree.conf / "ca/CS.cfg").exists() and (tree.alias / "key4.db").exists() and tree.logs.exists()
    assert not tree.lib.exists() and not tree.registry.exists()
    assert not (tree.root / "etc/sysconfig" / NAME).exists()


def test_destroy_with_its_flags_removes_all(tree):
    tree.spawn()
    tree.destroy("--remove-conf", "--remove-logs")
    assert [p for p in tree.left() if ".dogtag" not in str(p)] == []


def test_destroy_stops_the_server(tree):
    tree.spawn(options=())
    assert program.port_open(tree.https)
    tree.destroy("--remove-conf", "--remove-logs", "-u", "caadmin", "-W", "/none", "--log-file", tree.root / "log")
    assert not program.port_open(tree.https)
    assert [p.name for p in tree.left() if ".dogtag" not in str(p)] == ["log"]
    assert "removed" in (tree.root / "log").read_text()


@pytest.mark.parametrize("sure", ["Yes", ""])
def test_destroy_without_a_subsystem_asks(tree, sure):
    tree.spawn()
    t = Terminal(tree, tool="pkidestroy")
    t.answer("Subsystem (CA/KRA/OCSP/TKS/TPS) [CA]:", "")
    t.answer("Instance [pki-tomcat]:", NAME)
    t.answer("Begin uninstallation", sure)
    assert (t.end() == 0) == (sure == "Yes"), t.text
    assert ("Uninstallation complete." in t.text) == (sure == "Yes") != tree.lib.exists()


def test_destroy_of_what_is_not_there(tree):
    done = tree.destroy(status=None)
    assert done.returncode == 1 and done.stderr == f"ERROR: No such instance: {NAME}\n"
    done = tree.destroy("--force")
    assert done.stderr == f"WARNING: No such instance: {NAME}\n"
    (tree.lib).mkdir(parents=True)
    done = tree.destroy(status=None)
    assert done.returncode == 1 and done.stderr == f"ERROR: No CA subsystem in {NAME} instance\n"
    program.run("pkidestroy", "--root", tree.root, env=tree.env, status=2)


def test_next_installation_keeps_settings_keys_and_certificates(tree):
    tree.spawn()
    instance.set_lines(tree.conf / "ca/CS.cfg", {"ca.crl.MasterCRL.autoUpdateInterval": 77, "mine.own": "kept"})
    ids, cert, pin = tree.key_ids(), tree.cert("ca_signing"), tree.passwords()["internal"]
    tree.destroy()
    tree.spawn()
    cs = tree.cs()
    assert cs["ca.crl.MasterCRL.autoUpdateInterval"] == "77" and cs["mine.own"] == "kept" and cs["cs.state"] == "1"
    assert tree.passwords()["internal"] == pin
    assert tree.key_ids() == ids, "existing keys are kept"
    assert tree.cert("ca_signing") == cert
    assert tree.nicknames()[f"caSigningCert cert-{NAME} CA"] == "CTu,Cu,Cu"


def test_failure_over_kept_settings_leaves_them(tree):
    tree.spawn()
    tree.destroy()
    before, ids = {p: p.read_bytes() for p in tree.conf.rglob("*") if p.is_file()}, tree.key_ids()
    broken = dict(tree.env, PKI_SHARE=str(tree.root / "share"))
    shutil.copytree(tree.env["PKI_SHARE"], broken["PKI_SHARE"])
    (tree.root / "share/ca/conf/eccAdminCert.profile").write_text("nonsense\n")
    assert tree.spawn(status=None, env=broken).returncode != 0
    assert tree.key_ids() == ids
    for name in ("alias/ca.crt", "password.conf", "certs/ca_signing.crt"):
        assert (tree.conf / name).read_bytes() == before[tree.conf / name], name
    assert not tree.lib.exists()


# --- HSM ------------------------------------------------------------------------------


HSM_PIN, HSM_TOKEN = "Hsm.Pin.1", "My HSM"


@pytest.fixture
def hsm(tree):
    """A SoftHSM token of this test's own; the tree's programs find it."""
    (tree.root / "tokens").mkdir()
    conf = tree.root / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tree.root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    tree.env = dict(tree.env, SOFTHSM2_CONF=str(conf))
    program.run("softhsm2-util", "--init-token", "--free", "--label", HSM_TOKEN, "--pin", HSM_PIN, "--so-pin",
                "1234567", env=tree.env)
    return ["pki_user=root", "pki_group=root",  # the tokens are root's, whether there is a pkiuser or not
            "pki_hsm_enable=True", f"pki_hsm_libfile={SOFTHSM}", "pki_hsm_modulename=softhsm",
            f"pki_token_name={HSM_TOKEN}", f"pki_token_password={HSM_PIN}"]


def objects(tree, kind):
    out = program.run("pkcs11-tool", "--module", SOFTHSM, "--token-label", HSM_TOKEN, "--login", "--pin", HSM_PIN,
                      "--list-objects", "--type", kind, env=tree.env).stdout
    return out


def test_ca_with_its_keys_on_an_hsm(tree, hsm):
    tree.spawn(*hsm, "pki_ca_signing_token=" + HSM_TOKEN, "pki_ocsp_signing_token=" + HSM_TOKEN,
               "pki_sslserver_token=internal", "pki_subsystem_token=internal", "pki_audit_signing_token=",
               f"pki_audit_signing_nickname=audit cert-{NAME}", options=())
    cs = tree.cs()
    for tag, nick in (("signing", f"caSigningCert cert-{NAME} CA"), ("ocsp_signing", f"ocspSigningCert cert-{NAME} CA"),
                      ("audit_signing", f"audit cert-{NAME}")):
        assert cs[f"ca.{tag}.tokenname"] == HSM_TOKEN and cs[f"ca.{tag}.nickname"] == nick
        assert cs[f"ca.cert.{tag}.nickname"] == f"{HSM_TOKEN}:{nick}"
    assert cs["ca.sslserver.tokenname"] == "internal"
    assert tree.passwords()[f"hardware-{HSM_TOKEN}"] == HSM_PIN
    assert f"module.softhsm={SOFTHSM}" in (tree.conf / "server.cfg").read_text()
    # the internal database: two keys, and the certificates that tools look for there
    assert len(tree.key_ids()) == 2
    trust = tree.nicknames()
    assert trust[f"caSigningCert cert-{NAME} CA"] == "CT,C,C" and trust[f"audit cert-{NAME}"] == ",,P"
    assert trust[f"Server-Cert cert-{NAME}"] == "u,u,u" and f"ocspSigningCert cert-{NAME} CA" not in trust
    private = objects(tree, "privkey")
    assert private.count("Private Key Object") == 3
    assert "never extractable" in private and "Access:     sensitive" in private
    # certutil sees the token through the database
    assert f"caSigningCert cert-{NAME} CA" in program.run(
        "certutil", "-L", "-d", tree.alias, "-h", HSM_TOKEN, "-f", pin_file(tree), env=tree.env).stdout
    serves(tree)
    assert HSM_PIN not in "".join(p.read_text(errors="replace") for p in tree.logs.rglob("*") if p.is_file())


def pin_file(tree):
    path = tree.root / "hsm.pin"
    path.write_text(f"{HSM_TOKEN}:{HSM_PIN}\ninternal:{tree.passwords()['internal']}\n")
    return path


def serves(tree):
    """Enrols a certificate as the administrator and asks for its status."""
    pki = ["pki", "-d", tree.root / "nss", "-U", f"https://localhost:{tree.https}"]
    env = dict(tree.env, PKI_ROOT=str(tree.root))

    def run(*argv):
        return program.run(*argv, env=env).stdout
    run(*pki, "client-init")
    run(*pki, "client-cert-import", "CA", "--ca-cert", tree.alias / "ca.crt")
    run(*pki, "pkcs12-import", "--pkcs12", tree.client / "ca_admin_cert.p12", "--password-file",
        tree.client / "ca_admin_cert.p12.password")
    nick = re.search(r"^(PKI Administrator.*?)\s+u,u,u", run("certutil", "-L", "-d", tree.root / "nss"), re.M).group(1)
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout",
        tree.root / "w.key", "-subj", "/CN=www.example.com", "-out", tree.root / "w.csr")
    out = run(*pki, "ca-cert-request-submit", "--profile", "caServerCert", "--csr-file", tree.root / "w.csr")
    request = re.search(r"Request ID: (\S+)", out).group(1)
    out = run(*pki, "-n", nick, "ca-cert-request-approve", request, "--force")
    serial = re.search(r"Certificate ID: (\S+)", out).group(1)
    run(*pki, "ca-cert-export", serial, "--output-file", tree.root / "w.crt")
    run("openssl", "verify", "-CAfile", tree.alias / "ca.crt", tree.root / "w.crt")
    done = program.run("openssl", "ocsp", "-issuer", tree.alias / "ca.crt", "-CAfile", tree.alias / "ca.crt", "-cert",
                       tree.root / "w.crt", "-url", f"http://localhost:{tree.http}/ca/ocsp")
    assert "w.crt: good" in done.stdout and "Response verify OK" in done.stderr


@pytest.mark.parametrize("change,told", [
    ("pki_token_name=internal", "A value other than 'internal' MUST be defined for 'pki_token_name'"),
    ("pki_hsm_libfile=", "A value for 'pki_hsm_libfile' MUST be defined in '"),
    ("pki_hsm_modulename=", "A value for 'pki_hsm_modulename' MUST be defined in '"),
    ("pki_token_password=", "A value for 'pki_token_password' MUST be defined in '"),
    ("pki_backup_keys=True", "'pki_backup_keys' and 'pki_backup_password'"),
    ("pki_hsm_libfile=/none.so", "pki_hsm_libfile: no file /none.so"),
    ("pki_ca_signing_token=Other", "pki_ca_signing_token: Other"),
    ("pki_token_password=Wrong.Pin", HSM_TOKEN),
    ("pki_token_name=Absent", "Absent"),
])
def test_hsm_parameters_are_checked(tree, hsm, change, told):
    done = tree.spawn(*hsm, change, status=None)
    assert done.returncode != 0 and told in done.stderr, done.stderr
    assert not [p for p in tree.left() if "tokens" not in str(p) and p.name != "softhsm2.conf"]


def test_token_without_hsm_is_refused(tree):
    done = tree.spawn("pki_ca_signing_token=Mine", status=None)
    assert done.returncode != 0 and "pki_ca_signing_token=Mine needs pki_hsm_enable=True" in done.stderr


# --- passwords ------------------------------------------------------------------------


def keyring(description, payload):
    """For a child: a session keyring of its own with one key in it."""
    libc = ctypes.CDLL(None)

    def prepare():
        libc.syscall(250, 1, None)  # keyctl(KEYCTL_JOIN_SESSION_KEYRING)
        libc.syscall(248, b"user", description, payload, len(payload), -3)  # add_key, session keyring
    return prepare


def test_pin_comes_from_the_keyring_when_no_file_has_it(tree):
    tree.spawn()
    pin = tree.passwords()["internal"]
    (tree.conf / "password.conf").unlink()
    argv = [program.find("pkid"), "--root", tree.root, NAME]
    done = subprocess.run(argv, env=tree.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          start_new_session=True, timeout=120)
    assert done.returncode != 0
    assert 'No available password to access the token "internal"' in done.stderr
    p = subprocess.Popen(argv, env=tree.env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, preexec_fn=keyring(f"{NAME}/internal".encode(), pin.encode()))
    try:
        program.wait_for("pkid serves", lambda: program.port_open(tree.https))
    finally:
        program.end(p)
    assert p.returncode == 0


# --- accounts -------------------------------------------------------------------------


@pytest.fixture
def account():
    """A service account of this test's own, as pki_user names it. Ask for it before `tree`: it can only be removed
    when the server has ended."""
    name = f"sg{os.getpid()}"
    program.run("useradd", "-r", "-M", "-U", "-d", "/usr/share/pki", "-s", "/usr/sbin/nologin", name)
    yield name
    program.run("userdel", name)  # and its group


def test_instance_and_server_belong_to_the_service_account(account, tree):
    tree.spawn(f"pki_user={account}", f"pki_group={account}", options=())
    uid = pwd.getpwnam(account).pw_uid
    for folder in (tree.conf, tree.lib, tree.logs):
        for path in [folder, *folder.rglob("*")]:
            assert os.lstat(path).st_uid == uid, path
    pid = int((tree.root / "run/pki" / f"{NAME}.pid").read_text())
    ids = re.search(r"^Uid:\s+(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1).split()
    assert set(ids) == {str(uid)}
    assert program.run("curl", "-s", f"http://localhost:{tree.http}/ca/admin/ca/getStatus").stdout.count("running")
    assert os.stat(tree.client / "ca_admin_cert.p12").st_uid == 0, "the administrator's file is the installer's"


def test_instance_may_be_called_like_a_subsystem(root, env):
    t = Tree(root, env, "ca")
    t.spawn(options=())
    try:
        assert "Active: True" in program.run("pki-server", "--root", root, "status", "ca").stdout
        assert "User ID: caadmin" in program.run("pki-server", "--root", root, "-i", "ca", "ca-user-find").stdout
        assert (t.registry / "ca").is_dir() and "PKI_INSTANCE_NAME=ca" in (t.registry / "ca.instance").read_text()
    finally:
        t.destroy("--remove-conf", "--remove-logs")
    assert not t.lib.exists() and not t.conf.exists()
