# SPDX-License-Identifier: Apache-2.0
"""Users, groups, self tests and the audit log of a served CA over REST, and by
the pki client."""
import datetime
import json
import os
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import curl_ca
import program

PASSWORD = "Secret.1234"


@pytest.fixture(scope="module")
def ca(golden):
    server = curl_ca.CurlCa(golden).start()
    yield server
    server.remove()


def call(ca, method, path, body=None, user=None, agent=True):
    """(status, object or text, headers) of a REST call."""
    data = [] if body is None else ["-H", "Content-Type: application/json", "--data-binary",
                                    body if isinstance(body, str) else json.dumps(body)]
    login = ["-u", user] if user else []
    text = ca.curl("/ca/v2/" + path, "-X", method, "-i", *data, *login, agent=agent)
    head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
    status = int(head.split()[1])
    try:
        rest = json.loads(rest)
    except ValueError:
        pass
    return status, rest, head


@pytest.fixture
def user(ca, request):
    """A user of its own, gone afterwards."""
    uid = re.sub("[^a-z]", "", request.node.name)[:30]
    status, made, head = call(ca, "POST", "admin/users", {"UserID": uid, "FullName": "A User", "Email": "a@example.com",
                                                          "password": PASSWORD, "type": "agentType", "state": "1"})
    assert status == 201 and made["id"] == uid, made
    assert f"/ca/v2/admin/users/{uid}" in head
    yield uid
    call(ca, "DELETE", f"admin/users/{uid}")


def make_cert(first=-1, last=10):
    """PEM of a self-signed certificate, valid from and to so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "EXAMPLE"),
                      x509.NameAttribute(NameOID.COMMON_NAME, "A User")])
    now = datetime.datetime.utcnow()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                   now + datetime.timedelta(days=first), now + datetime.timedelta(days=last))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


# --- users ---------------------------------------------------------------------

def test_user_is_shown_as_it_was_added_without_its_password(ca, user):
    status, shown, _ = call(ca, "GET", f"admin/users/{user}")
    assert status == 200
    assert {k: shown[k] for k in ("id", "UserID", "FullName", "Email", "type", "state")} == {
        "id": user, "UserID": user, "FullName": "A User", "Email": "a@example.com", "type": "agentType", "state": "1"}
    assert "password" not in json.dumps(shown).lower()


def test_user_logs_in_with_the_password_until_it_is_changed(ca, user):
    assert call(ca, "GET", "account/login", user=f"{user}:{PASSWORD}", agent=False)[0] == 200
    assert call(ca, "PATCH", f"admin/users/{user}", {"password": "Other.12345"})[0] == 200
    assert call(ca, "GET", "account/login", user=f"{user}:{PASSWORD}", agent=False)[0] == 401
    assert call(ca, "GET", "account/login", user=f"{user}:Other.12345", agent=False)[0] == 200


def test_patch_changes_given_members_only(ca, user):
    status, now, _ = call(ca, "PATCH", f"admin/users/{user}", {"phone": "123"})
    assert status == 200 and now["phone"] == "123" and now["FullName"] == "A User" and now["Email"] == "a@example.com"


@pytest.mark.parametrize("body,status", [
    ({"UserID": "x"}, 400), ({"FullName": "X"}, 400), ({"UserID": "a\\b", "FullName": "X"}, 400),
    ({"UserID": "$System$", "FullName": "X"}, 403), ({"UserID": "weak", "FullName": "X", "password": "short"}, 400),
    ({"UserID": "caadmin", "FullName": "X"}, 409), ("[]", 400), ("{", 400), ("", 400)])
def test_user_that_can_not_be_added_is_refused(ca, body, status):
    assert call(ca, "POST", "admin/users", body)[0] == status


@pytest.mark.parametrize("method,path,name", [
    ("GET", "admin/users/nobody", "base.UserNotFoundException"),
    ("PATCH", "admin/users/nobody", "base.UserNotFoundException"),
    ("DELETE", "admin/users/nobody", "base.UserNotFoundException"),
    ("GET", "admin/users/nobody/certs", "base.UserNotFoundException"),
    ("GET", "admin/users/nobody/memberships", "base.UserNotFoundException"),
    ("GET", "certs/0x5", "cert.CertNotFoundException"), ("GET", "agent/certs/0x5", "cert.CertNotFoundException"),
    ("GET", "certrequests/0x5", "request.RequestNotFoundException"),
    ("GET", "profiles/none", "profile.ProfileNotFoundException"),
    ("GET", "admin/groups/Nothing", "group.GroupNotFoundException"),
    ("DELETE", "admin/groups/Nothing", "group.GroupNotFoundException"),
    ("GET", "admin/groups/Nothing/members", "group.GroupNotFoundException")])
def test_who_is_not_there_has_the_class_name_of_the_model(ca, method, path, name):
    status, error, _ = call(ca, method, path, {} if method == "PATCH" else None)
    assert status == 404 and error["ClassName"] == "com.netscape.certsrv." + name and error["Code"] == 404
    about = name.split(".")[1].removesuffix("NotFoundException").lower()
    who = path.removesuffix("/certs").removesuffix("/memberships").removesuffix("/members").split("/")[-1]
    assert error["Attributes"]["Attribute"] == [{"name": about + "Id", "value": who}]


def test_a_profile_of_unknown_plug_ins_is_a_bad_request(ca):
    raw = ca.curl("/ca/v2/profiles/caServerCert/raw")
    status, error, _ = call(ca, "POST", "profiles/raw", raw.replace("profileId=caServerCert", "profileId=odd")
                            .replace("validityDefaultImpl", "nothingImpl"))
    assert status == 400 and "nothingImpl" in error["Message"]
    assert call(ca, "GET", "profiles/odd")[0] == 404
    request = {"ProfileID": "caServerKeygen_UserCert", "Input": [{"Attribute": [{"name": "keyType", "Value": "RSA"}]}]}
    status, error, _ = call(ca, "POST", "certrequests", request, agent=False)
    assert status == 400 and "server-side key generation" in error["Message"]


def test_the_cas_certificate_is_sent_again_only_when_it_changed(ca):
    head = ca.curl("/ca/v2/config/cert/signing", "-i", agent=False)
    tag = re.search(r"(?im)^etag: (.*?)\r?$", head).group(1)
    assert " 200 " in head.splitlines()[0]
    same = ca.curl("/ca/v2/config/cert/signing", "-i", "-H", f"If-None-Match: {tag}", agent=False)
    assert " 304 " in same.splitlines()[0] and "Encoded" not in same
    assert " 200 " in ca.curl("/ca/v2/config/cert/signing", "-i", "-H", 'If-None-Match: "other"', agent=False)


@pytest.mark.parametrize("query,status", [
    ("issuer-id=zz", 400), ("issuer-dn=zz", 400), ("issuer-id=a&issuer-dn=CN%3Da", 400),
    ("issuer-id=11111111-1111-1111-1111-111111111111", 404), ("issuer-dn=CN%3Dother", 404)])
def test_an_enrolment_names_its_issuer_well(ca, query, status):
    assert call(ca, "POST", "certrequests?" + query, {"ProfileID": "caServerCert"}, agent=False)[0] == status


def test_users_are_filtered_and_paged(ca, user):
    status, found, _ = call(ca, "GET", f"admin/users?filter={user}")
    assert status == 200 and found["total"] == 1 and found["entries"][0]["id"] == user
    assert call(ca, "GET", "admin/users?filter=ab")[1]["Message"] == "Filter is too short."
    page = call(ca, "GET", "admin/users?start=1&size=1")[1]
    assert page["total"] >= 3 and len(page["entries"]) == 1


def test_certificate_of_a_user_is_added_shown_and_removed(ca, user):
    pem = make_cert()
    status, made, _ = call(ca, "POST", f"admin/users/{user}/certs", {"Encoded": pem})
    assert status == 201 and made["SubjectDN"] == "CN=A User,O=EXAMPLE" and made["Version"] == 2
    number = int(made["SerialNumber"], 16)
    assert made["id"] == f"2;{number};CN=A User,O=EXAMPLE;CN=A User,O=EXAMPLE"
    assert call(ca, "GET", f"admin/users/{user}/certs")[1]["total"] == 1
    path = f"admin/users/{user}/certs/" + made["id"].replace(";", "%3B").replace(",", "%2C").replace(" ", "%20")
    shown = call(ca, "GET", path)[1]
    assert "BEGIN CERTIFICATE" in shown["Encoded"] and "Subject:" in shown["PrettyPrint"]
    assert call(ca, "DELETE", path)[0] == 204
    assert call(ca, "GET", path)[0] == 404


def test_certificate_out_of_its_time_is_not_added(ca, user):
    for first, last, text in ((-9, -1, "Certificate expired: "), (1, 9, "Certificate not yet valid: ")):
        status, error, _ = call(ca, "POST", f"admin/users/{user}/certs", {"Encoded": make_cert(first, last)})
        assert status == 400 and error["Message"].startswith(text)
    assert call(ca, "POST", f"admin/users/{user}/certs", {"Encoded": "MIIB"})[0] == 400


# --- groups ---------------------------------------------------------------------

def test_membership_body_is_the_bare_name_and_counts_at_once(ca, user):
    login = f"{user}:{PASSWORD}"
    assert call(ca, "GET", "selftests", user=login, agent=False)[0] == 403
    status, made, _ = call(ca, "POST", f"admin/users/{user}/memberships", "Administrators")
    assert status == 201 and made == {"id": "Administrators", "userID": user}
    assert call(ca, "GET", f"admin/users/{user}/memberships")[1] == {
        "total": 1, "entries": [{"id": "Administrators", "userID": user}]}
    assert call(ca, "GET", "selftests", user=login, agent=False)[0] == 200
    assert call(ca, "DELETE", f"admin/users/{user}/memberships/Administrators")[0] == 204
    assert call(ca, "GET", "selftests", user=login, agent=False)[0] == 403
    assert call(ca, "POST", f"admin/users/{user}/memberships", "Nothing")[0] == 404


def test_group_and_its_members(ca, user):
    status, made, _ = call(ca, "POST", "admin/groups", {"GroupID": "Testers", "Description": "who test"})
    assert status == 201 and made["GroupID"] == "Testers"
    assert call(ca, "POST", "admin/groups", {"GroupID": "Testers"})[0] == 409
    assert call(ca, "PATCH", "admin/groups/Testers", {"Description": "other"})[1]["Description"] == "other"
    status, member, _ = call(ca, "POST", "admin/groups/Testers/members", {"id": user})
    assert status == 201 and member == {"id": user, "groupID": "Testers"}
    assert call(ca, "GET", "admin/groups/Testers/members")[1] == {"total": 1, "entries": [member]}
    assert call(ca, "GET", f"admin/groups/Testers/members/{user}")[1] == member
    assert call(ca, "DELETE", f"admin/groups/Testers/members/{user}")[0] == 204
    assert call(ca, "GET", f"admin/groups/Testers/members/{user}")[0] == 404
    assert call(ca, "DELETE", "admin/groups/Testers")[0] == 204


def test_deleted_user_leaves_every_group(ca):
    call(ca, "POST", "admin/users", {"UserID": "leaver", "FullName": "L"})
    call(ca, "POST", "admin/users/leaver/memberships", "Auditors")
    assert call(ca, "DELETE", "admin/users/leaver")[0] == 204
    assert "leaver" not in json.dumps(call(ca, "GET", "admin/groups/Auditors/members")[1])


def test_one_role_only_where_multiroles_are_off(golden):
    server = curl_ca.CurlCa(golden)
    server.settings({"multiroles.enable": "false"})
    server.start()
    try:
        call(server, "POST", "admin/users", {"UserID": "onerole", "FullName": "O"})
        assert call(server, "POST", "admin/users/onerole/memberships", "Auditors")[0] == 201
        assert call(server, "POST", "admin/users/onerole/memberships", "Administrators")[0] == 409
        assert call(server, "POST", "admin/users/onerole/memberships", "ClonedSubsystems")[0] == 201
    finally:
        server.remove()


# --- who may ----------------------------------------------------------------------

@pytest.mark.parametrize("method,path", [
    ("GET", "admin/users"), ("POST", "admin/users"), ("GET", "admin/groups"), ("GET", "selftests"),
    ("POST", "selftests/run"), ("GET", "audit"), ("PATCH", "audit"), ("GET", "audit/files")])
def test_administration_is_closed_to_others(ca, user, method, path):
    assert call(ca, method, path, agent=False)[0] in (401, 403)
    assert call(ca, method, path, user=f"{user}:{PASSWORD}", agent=False)[0] == 403


def test_foreign_page_can_not_administer(ca):
    text = ca.curl("/ca/v2/admin/users", "-i", "-H", "Origin: https://evil.example", "-d",
                   '{"UserID":"evil","FullName":"E"}')
    assert " 403 " in text.splitlines()[0]
    assert call(ca, "GET", "admin/users/evil")[0] == 404


# --- self tests, audit ---------------------------------------------------------------

def test_self_tests_run_and_are_logged(ca):
    ids = {t["id"] for t in call(ca, "GET", "selftests")[1]["entries"]}
    assert ids == {"CAPresence", "CAValidity", "SystemCertsVerification"}
    status, results, _ = call(ca, "POST", "selftests/run")
    assert status == 200 and {r["status"] for r in results["entries"]} == {"PASSED"}
    assert call(ca, "POST", "selftests?action=run")[0] == 204
    assert call(ca, "POST", "selftests?action=walk")[0] == 400
    assert call(ca, "GET", "selftests/Nothing")[0] == 404
    log = (ca.logs / "ca/selftests.log").read_text()
    assert "CAPresence: PASSED" in log and "CAValidity: PASSED" in log


def test_audit_files_are_for_auditors_and_tell_who_changed_what(ca, user):
    assert call(ca, "GET", "audit/files")[0] == 403
    call(ca, "POST", f"admin/users/{user}/memberships", "Auditors")
    login = f"{user}:{PASSWORD}"
    files = call(ca, "GET", "audit/files", user=login, agent=False)[1]
    assert files["total"] == len(files["entries"]) and files["entries"][0]["name"] == "ca_audit"
    text = ca.curl("/ca/v2/audit/files/ca_audit", "-u", login, agent=False)
    lines = [line for line in text.splitlines() if f"OP_ADD+Resource;;{user}" in line]
    assert len(lines) == 1
    assert "[AuditEvent=CONFIG_ROLE][SubjectID=caadmin][Outcome=Success]" in lines[0]
    assert "password;;********" in lines[0] and PASSWORD not in text
    for name in ("selftests.log", "%2e%2e%2fselftests.log", "ca_audit%00"):
        assert call(ca, "GET", f"audit/files/{name}", user=login, agent=False)[0] in (400, 404)


def test_the_access_log_names_who_asked(ca, user):
    jar = ["-b", ca.folder / "jar", "-c", ca.folder / "jar"]
    ca.curl("/ca/v2/account/login", *jar, "-u", f"{user}:{PASSWORD}", agent=False)
    ca.curl("/ca/v2/account/logout", *jar, agent=False)
    call(ca, "GET", f"admin/users/{user}?x=1")
    call(ca, "GET", f"certs/{user}", agent=False)
    asked = re.compile(r'127\.0\.0\.1 - (\S+) \[[^]]+\] "GET /ca/v2/(\S+) HTTP/1\.1" (\d+) (\d+|-)')

    def lines():
        found = [asked.fullmatch(line) for log in ca.logs.glob("localhost_access_log.*.txt")
                 for line in log.read_text().splitlines()]
        return [m.groups()[:3] for m in found if m and (user in m.group(2) or user == m.group(1))]
    told = {(user, "account/login", "200"), (user, "account/logout", "204"), ("caadmin", f"admin/users/{user}", "200"),
            ("-", f"certs/{user}", "400")}
    program.wait_for("the four lines", lambda: told <= set(lines()))


def test_audit_settings_change_and_count_from_the_next_start(ca):
    config = call(ca, "GET", "audit")[1]
    assert config["Status"] == "Enabled" and config["Events"]["AUTH"] == "enabled"
    status, now, _ = call(ca, "PATCH", "audit", {"Interval": 9, "Events": {"AUTH": "disabled"}})
    assert status == 200 and now["Interval"] == 9 and now["Events"]["AUTH"] == "disabled"
    assert call(ca, "GET", "audit")[1]["Events"]["AUTH"] == "disabled"
    for wrong in ({"Events": {"NOPE": "enabled"}}, {"Events": {"AUTH": "mandatory"}}, {"Interval": -1},
                  {"Status": "Maybe"}):
        assert call(ca, "PATCH", "audit", wrong)[0] == 400
    ca.restart()
    call(ca, "GET", "account/login", user="caadmin:wrong", agent=False)
    call(ca, "PATCH", "audit", {"Events": {"AUTH": "enabled"}, "Interval": 5})
    ca.restart()
    assert call(ca, "GET", "audit")[1] == config
    assert "AuditEvent=AUTH]" not in (ca.logs / "ca/signedAudit/ca_audit").read_text().split("AUDIT_LOG_STARTUP")[-2]


# --- the client -------------------------------------------------------------------------

@pytest.fixture
def pki(ca, tmp_path):
    """The client with the administrator's certificate."""
    secret = next(ca.client_dir.glob("ca_admin_cert.p12.password")).read_text().strip()
    db = tmp_path / "db"
    env = dict(os.environ, PKI_ROOT=str(tmp_path))

    def pki(*argv, login=True, **kw):
        who = ["-n", nick] if login else []
        return program.run("pki", "-d", db, "-U", ca.tls_url, *who, *argv, env=env, **kw).stdout
    pki("client-init", login=False)
    pki("client-cert-import", "CA", "--ca-cert", ca.ca_file, login=False)
    (tmp_path / "pw").write_text(secret)
    pki("pkcs12-import", "--pkcs12", ca.client_dir / "ca_admin_cert.p12", "--password-file", tmp_path / "pw", login=False)
    listed = subprocess.run(["certutil", "-L", "-d", db], check=True, text=True, stdout=subprocess.PIPE).stdout
    nick = next(line.rsplit(None, 1)[0].strip() for line in listed.splitlines() if line.strip().endswith("u,u,u"))
    return pki


def test_a_profile_is_copied_as_xml(pki, tmp_path):
    file = tmp_path / "p.xml"
    assert f"Saved profile caServerCert to {file}" in pki("ca-profile-show", "caServerCert", "--output", file)
    text = file.read_text()
    assert '<Profile id="caServerCert">' in text and '<def id="Validity Default" classId="validityDefaultImpl">' in text
    file.write_text(text.replace('<Profile id="caServerCert">', '<Profile id="copied">', 1)
                    .replace("<name>", "<name>五輪真弓 ", 1))
    assert "Added profile copied" in pki("ca-profile-add", file)

    def policies(profile):
        lines = pki("ca-profile-show", profile, "--raw").splitlines()
        return {line for line in lines if re.match(r"policyset\..*(class_id|list)=|policyset\..*params.*=.", line)}
    # accept=true is what the model wrote once and nobody reads
    assert {p for p in policies("caServerCert") - policies("copied")} <= {
        "policyset.serverCertSet.1.constraint.params.accept=true"}
    shown = pki("ca-profile-show", "copied")
    assert re.findall("^  Name: (.{4})", shown, re.M) == ["五輪真弓"]
    assert re.search(r"\n\n  Input Name: .*\n  Input Class: certReqInputImpl\n\n    Attribute Name: \S+\n"
                     r"    Attribute Description: .+\n    Attribute Syntax: \S+\n", shown), shown
    assert "  Output Class: certOutputImpl\n" in shown
    assert "Modified profile copied" in pki("ca-profile-mod", file)
    assert 'Enabled profile "copied"' in pki("ca-profile-enable", "copied")
    pki("ca-profile-disable", "copied")
    assert 'Deleted profile "copied"' in pki("ca-profile-del", "copied")


def test_pki_client_manages_users_and_groups(pki, tmp_path):
    assert 'Added user "bob"' in pki("ca-user-add", "bob", "--fullName", "Bob")
    assert "Full name: Bob" in pki("ca-user-show", "bob")
    assert 'Added membership in "Auditors"' in pki("ca-user-membership-add", "bob", "Auditors")
    assert "User: bob" in pki("ca-group-member-find", "Auditors")
    (tmp_path / "c.pem").write_text(make_cert())
    assert "Added certificate" in pki("ca-user-cert-add", "bob", "--input", tmp_path / "c.pem")
    assert "Selftests completed" in pki("ca-selftest-run")
    assert 'Deleted user "bob"' in pki("ca-user-del", "bob")
