# SPDX-License-Identifier: Apache-2.0
"""The security domain of a served CA: members, install tokens, and the servlets
that an installing subsystem calls."""
import base64
import json
import os
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as xml

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import instance
import program

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLONE = "clone.example.com"


@pytest.fixture(scope="module")
def ca(golden):
    server = instance.Ca(golden)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def agent(ca):
    client = ca.agent()
    yield client
    client.close()


@pytest.fixture
def anonymous(ca):
    client = ca.anonymous()
    yield client
    client.close()


def token(agent, host=CLONE, subsystem="CA"):
    query = urllib.parse.urlencode({"hostname": host, "subsystem": subsystem})
    return agent.json("GET", f"securityDomain/installToken?{query}")["token"]


def post(client, path, **form):
    """(Status, members) of a servlet's XML or JSON answer."""
    status, body = client.call("POST", path, urllib.parse.urlencode(form), FORM)
    assert status == 200, body
    if body.startswith(b"{"):
        members = json.loads(body)["Response"]
    else:
        members = {x.tag: x.text for x in xml.fromstring(body)}
    return members["Status"], members


def join(client, session, host=CLONE, kind="CA", **more):
    return post(client, "/ca/admin/ca/updateDomainXML", sessionID=session, list=f"{kind}List", type=kind,
                name=f"{kind} {host} 8443", host=host, sport=8443, httpport=8080, clone="true", **more)


def hosts(client):
    return {h["id"] for h in client.json("GET", "securityDomain/hosts")}


def expect(status, call, text=None):
    with pytest.raises(instance.Refused) as x:
        call()
    assert x.value.status == status
    if text is not None:
        assert x.value.text == text


# --- members ------------------------------------------------------------------

def test_pkispawn_makes_the_ca_the_first_member(ca, anonymous):
    info = anonymous.json("GET", "securityDomain/domainInfo")
    assert info["id"] and list(info["subsystems"]) == ["CA"]
    (name, host), = info["subsystems"]["CA"]["hosts"].items()
    assert re.fullmatch(r"CA localhost \d+", name)
    port = name.split()[2]
    assert {k: v for k, v in host.items() if k != "Port"} == {
        "id": name, "Hostname": "localhost", "SecurePort": port, "SecureEEClientAuthPort": port,
        "SecureAgentPort": port, "SecureAdminPort": port, "Clone": "FALSE", "SubsystemName": name,
        "DomainManager": "TRUE"}


@pytest.mark.parametrize("base", ["/ca/v2/", "/ca/v1/", "/ca/rest/"])
def test_every_version_serves_the_domain(anonymous, base):
    assert anonymous.json("GET", base + "securityDomain/hosts")[0]["DomainManager"] == "TRUE"


def test_a_host_is_put_shown_and_deleted(agent, anonymous):
    name = "TPS tps.example.com 8443"
    path = "securityDomain/hosts/" + urllib.parse.quote(name)
    assert agent.call("PUT", "securityDomain/hosts", {"id": name, "Port": "8080", "Clone": "TRUE"})[0] == 204
    host = anonymous.json("GET", path)
    assert (host["Hostname"], host["Port"], host["Clone"], host["DomainManager"]) == (
        "tps.example.com", "8080", "TRUE", "FALSE")
    assert agent.call("DELETE", path)[0] == 204
    expect(404, lambda: anonymous.json("GET", path))
    expect(404, lambda: agent.json("DELETE", path))


def test_strangers_change_no_member(anonymous):
    before = hosts(anonymous)
    for method, path, body in (("PUT", "securityDomain/hosts", {"id": "CA evil.example.com 8443"}),
                               ("DELETE", "securityDomain/hosts/" + urllib.parse.quote(sorted(before)[0]), None)):
        assert anonymous.call(method, path, body)[0] in (401, 403)
    assert hosts(anonymous) == before


@pytest.mark.parametrize("body", [{}, {"id": "CA"}, {"id": "XX h 8443"}, {"id": "CA h,ou=x 8443"},
                                  {"id": "CA h 8443", "Port": "99999"}, {"id": "CA h 8443", "Port": "x"}])
def test_a_bad_member_is_refused(agent, anonymous, body):
    before = hosts(anonymous)
    expect(400, lambda: agent.json("PUT", "securityDomain/hosts", body))
    assert hosts(anonymous) == before


def test_the_older_document_lists_the_same_members(anonymous):
    status, answer = post(anonymous, "/ca/admin/ca/getDomainXML")
    assert status == "0"
    doc = xml.fromstring(answer["DomainInfo"])
    assert doc.tag == "DomainInfo" and doc.find("Name").text
    assert [x.tag for x in doc][1:] == [f"{t}List" for t in ("CA", "KRA", "OCSP", "RA", "TKS", "TPS", "EST")]
    assert doc.find("CAList/CA/Host").text == "localhost"
    assert doc.find("CAList/CA/DomainManager").text == "TRUE"
    assert doc.find("CAList/SubsystemCount").text == "1"
    assert doc.find("KRAList/SubsystemCount").text == "0"


# --- install tokens -----------------------------------------------------------

def test_a_token_needs_a_member_of_the_enterprise_group(agent, anonymous):
    assert 0 < int(token(agent)) < 1 << 63
    expect(401, lambda: token(anonymous))
    expect(400, lambda: agent.json("GET", "securityDomain/installToken?hostname=h"))
    expect(401, lambda: token(agent, subsystem="XYZ"),
           "User caadmin is not a member of Enterprise XYZ Administrators group.")
    expect(400, lambda: token(agent, host="a b"))


def test_tokenauthenticate_tells_what_a_token_stands_for(agent, anonymous):
    path = "/ca/admin/ca/tokenAuthenticate"
    status, x = post(anonymous, path, sessionID=token(agent, subsystem="KRA"), hostname="127.0.0.1")
    assert (status, x["uid"], x["gid"]) == ("0", "caadmin", "Enterprise KRA Administrators")
    assert post(anonymous, path, hostname="127.0.0.1")[1]["Error"] == "Missing session ID"
    assert post(anonymous, path, sessionID="1")[1]["Error"] == "Missing client host"
    status, x = post(anonymous, path, sessionID="5733041839271542133", hostname="127.0.0.1")
    assert (status, x["Error"], x["Reason"]) == ("2", "Authentication failed", "unknown")
    assert post(anonymous, path, sessionID="x'*)(", hostname="127.0.0.1")[1]["Reason"] == "refused"


def test_a_token_enters_its_host_and_is_spent(ca, agent, anonymous):
    session = token(agent)
    assert join(anonymous, session)[0] == "0"
    assert f"CA {CLONE} 8443" in hosts(anonymous)
    assert post(anonymous, "/ca/admin/ca/tokenAuthenticate", sessionID=session,
                hostname="127.0.0.1")[1]["spent"] == "true"
    # once more: the answer may have been lost
    assert join(anonymous, session)[0] == "0"
    status, _ = post(anonymous, "/ca/admin/ca/updateDomainXML", sessionID=session, operation="remove", type="CA",
                     name=f"CA {CLONE} 8443", host=CLONE, sport=8443)
    assert status == "0" and f"CA {CLONE} 8443" not in hosts(anonymous)
    log = (ca.logs / "ca/signedAudit/ca_audit").read_text()
    assert "ROLE_ASSUME" in log and "SECURITY_DOMAIN_UPDATE" in log
    assert session not in log and session not in ca.log.read_text()


@pytest.mark.parametrize("more", [{"host": "evil.example.com"}, {"kind": "KRA"}])
def test_a_token_enters_nothing_else(agent, anonymous, more):
    before = hosts(anonymous)
    status, x = join(anonymous, token(agent), **more)
    assert status == "1" and "install token is" in x["Error"]
    assert hosts(anonymous) == before


def test_registration_names_what_is_missing(agent, anonymous):
    session = token(agent)
    status, x = post(anonymous, "/ca/admin/ca/updateDomainXML", sessionID=session)
    assert (status, x["Error"]) == ("1", "Missing required parameters:  host  name  sport  type ")
    status, x = post(anonymous, "/ca/admin/ca/updateDomainXML", host="h", type="CA")
    assert (status, x["Error"]) == ("2", "Not authenticated")


def test_a_user_is_registered_once_with_its_certificate(agent, anonymous):
    cert = agent.cert(agent.issue(instance.csr("registered"), "caServerCert"))
    text = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    form = dict(name="A subsystem", certificate=text, xmlOutput="true")
    path = "/ca/admin/ca/registerUser"
    assert post(anonymous, path, sessionID=token(agent), uid="TPS-h-8443", **form)[0] == "0"
    # the certificate's holder is found before the id
    assert post(anonymous, path, sessionID=token(agent), uid="other", **form)[0] == "0"
    assert {x["id"] for x in agent.json("GET", "admin/users/TPS-h-8443/memberships")["entries"]} == {
        "Certificate Manager Agents"}
    expect(404, lambda: agent.json("GET", "admin/users/other"))
    status, x = post(anonymous, path, sessionID=token(agent), uid="bad", name="x", certificate="MIIB")
    assert (status, x["Error"]) == ("1", "Error: Certificate malformed")
    assert post(anonymous, path, uid="bad", **form)[1]["Error"] == "Error: Not authenticated"
    expect(404, lambda: agent.json("GET", "admin/users/bad"))


def test_a_token_gives_an_administrator_no_certificate(agent, anonymous):
    cert = agent.cert(agent.issue(instance.csr("impostor"), "caServerCert"))
    text = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    before = agent.json("GET", "admin/users/caadmin/certs")
    status, x = post(anonymous, "/ca/admin/ca/registerUser", sessionID=token(agent), uid="caadmin", name="x",
                     certificate=text)
    assert status == "1" and x["Error"].startswith("user caadmin is in the group "), x
    assert agent.json("GET", "admin/users/caadmin/certs") == before


# --- time, and a CA outside ---------------------------------------------------------

def test_a_token_ends_with_its_time(golden):
    server = instance.Ca(golden)
    try:
        server.settings({"securitydomain.flushinterval": 1})
        server.start()
        session, client = token(server.agent()), server.anonymous()

        def status():
            return post(client, "/ca/admin/ca/tokenAuthenticate", sessionID=session, hostname="127.0.0.1")[0]
        program.wait_for("the token's end", lambda: status() == "2", 60)
    finally:
        server.remove()


def test_a_ca_that_hosts_no_domain_says_so(golden):
    server = instance.Ca(golden)
    try:
        server.settings({"securitydomain.select": "existing"})
        server.start()
        client = server.agent()
        for path in ("domainInfo", "hosts", "installToken?hostname=h&subsystem=CA"):
            expect(404, lambda: client.json("GET", "securityDomain/" + path), "Security domain not available")
        assert post(client, "/ca/admin/ca/getDomainXML")[1]["Error"] == "Security domain not available"
    finally:
        server.remove()


@pytest.fixture
def pair(ca, golden):
    """A member of the domain that `ca` manages: it asks the manager about tokens."""
    server = instance.Ca(golden)
    server.settings({"securitydomain.select": "existing", "securitydomain.host": "localhost",
                     "securitydomain.httpsadminport": ca.https})
    server.start()
    yield server
    server.remove()


def test_a_member_asks_the_manager_about_a_token(agent, pair):
    client = pair.anonymous()
    path = "/ca/admin/ca/registerUser"
    cert = agent.cert(agent.issue(instance.csr("member"), "caServerCert"))
    text = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    form = dict(uid="KRA-h-8443", name="A subsystem", certificate=text)
    assert post(client, path, sessionID="17", **form)[1]["Error"] == "Error: Not authenticated"
    assert post(client, path, sessionID=token(agent, subsystem="KRA"), **form)[0] == "0"


# --- what a clone fetches of its master ----------------------------------------------

CONFIG = "/ca/admin/ca/getConfigEntries"
RANGE = "/ca/admin/ca/updateNumberRange"


def config(client, session, **form):
    """The entries, as a dictionary."""
    status, body = client.call("POST", CONFIG, urllib.parse.urlencode(
        dict(op="get", xmlOutput="true", sessionID=session, **form)), FORM)
    doc = xml.fromstring(body)
    assert status == 200 and doc.find("Status").text == "0", body
    return {x.find("name").text: x.find("value").text for x in doc.findall("Config")}


def test_a_clone_reads_the_masters_settings(ca, agent, anonymous):
    session = token(agent)
    x = config(anonymous, session, names="cs.type,ca.signing.certreq,ca.subsystem.certreq,no.such,cloning.ca.type",
               substores="securitydomain,no.store")
    assert x["cs.type"] == "CA" and x["securitydomain.name"] and "no.such" not in x
    for tag in ("signing", "subsystem"):
        der = base64.b64decode(x[f"ca.{tag}.certreq"], validate=True)
        assert x509.load_der_x509_csr(der).is_signature_valid
    # several reads and a repeat after a lost answer are one installation
    assert config(anonymous, session, names="cs.type") == {"cs.type": "CA"}


def test_passwords_leave_only_to_a_good_token_over_tls(golden):
    server = instance.Ca(golden)
    try:
        instance.set_lines(server.conf / "password.conf", {"internaldb": "ds secret", "replicationdb": "repl&secret"})
        server.start()
        names = "internaldb.ldapauth.password,internaldb.replication.password"
        session, client = token(server.agent()), server.anonymous()
        assert config(client, session, names=names) == {"internaldb.ldapauth.password": "ds secret",
                                                        "internaldb.replication.password": "repl&secret"}
        for bad in ("", "17", session[:-1]):
            status, x = post(client, CONFIG, op="get", names=names, sessionID=bad)
            assert (status, x["Error"]) == ("2", "Error: Not authenticated")
        # a TPS token holds no right to clone
        assert post(client, CONFIG, op="get", names=names,
                    sessionID=token(server.agent(), subsystem="TPS"))[1]["Error"] == "Error: Not authorized"
        form = urllib.parse.urlencode({"op": "get", "names": names, "sessionID": session})
        status, body = server.plain("POST", CONFIG, form, FORM)
        assert status == 403 and b"secret" not in body
        # once its host has joined, the token has done its work
        assert join(client, session)[0] == "0"
        assert post(client, CONFIG, op="get", names=names, sessionID=session)[0] == "2"
        assert post(client, RANGE, type="replicaId", sessionID=session)[1]["Error"] == "Error: Authentication failed"
        for log in (server.log, server.logs / "ca/signedAudit/ca_audit"):
            assert "secret" not in log.read_text().replace("secrets", "")
    finally:
        server.remove()


def test_a_range_is_handed_to_a_token_only(agent, anonymous):
    session = token(agent)
    status, x = post(anonymous, RANGE, type="serialNo", sessionID=session)
    assert status == "1" and x["Error"].startswith("Error: ")  # random numbers have no ranges
    assert post(anonymous, RANGE, type="serialNo")[1]["Error"] == "Error: Authentication failed"
    assert post(anonymous, RANGE, type="serialNo", sessionID=token(agent, subsystem="TPS"))[1]["Error"] == (
        "Error: Authorization failed")
    status, x = post(anonymous, RANGE, type="replicaId", sessionID=session)
    assert status == "0" and int(x["beginNumber"]) <= int(x["endNumber"])


# --- certificates for members -----------------------------------------------------------

def test_a_token_enrols_for_its_subsystem(agent, anonymous):
    form = {"profileId": "caInternalAuthServerCert", "cert_request_type": "pkcs10", "xml": "true",
            "cert_request": instance.csr(CLONE)}
    status, body = anonymous.call("POST", "/ca/ee/ca/profileSubmit", urllib.parse.urlencode(
        dict(form, sessionID=token(agent))), FORM)
    assert status == 200
    cert = x509.load_der_x509_certificate(base64.b64decode(xml.fromstring(body).find("Requests/Request/b64").text))
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [CLONE]
    # over REST the token is an attribute of the submission
    body = instance.enrolment("caInternalAuthServerCert",
                              {"cert_request_type": "pkcs10", "cert_request": instance.csr(CLONE)})
    body["Attributes"] = {"Attribute": [{"name": "sessionID", "value": token(agent)}]}
    assert anonymous.json("POST", "certrequests", body)["entries"][0]["requestStatus"] == "complete"


def test_without_a_good_token_nothing_is_enrolled(agent, anonymous):
    body = instance.enrolment("caInternalAuthServerCert",
                              {"cert_request_type": "pkcs10", "cert_request": instance.csr(CLONE)})
    expect(401, lambda: anonymous.json("POST", "certrequests", body))
    spent = token(agent)
    assert join(anonymous, spent)[0] == "0"
    for bad in ("17", "x", spent):
        body["Attributes"] = {"Attribute": [{"name": "sessionID", "value": bad}]}
        expect(401, lambda: anonymous.json("POST", "certrequests", body))


# --- the KRA connector ------------------------------------------------------------------

CONNECTOR = "/ca/admin/ca/updateConnector"


@pytest.fixture
def transport(ca, agent):
    """Base64 of a certificate; afterwards the CA has no connector."""
    cert = agent.cert(agent.issue(instance.csr("KRA Transport Certificate"), "caServerCert"))
    yield base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    while True:
        try:
            x = agent.json("GET", "admin/kraconnector")
        except instance.Refused:
            return
        host, _, port = x["host"].split()[-1].partition(":")
        agent.json("POST", f"admin/kraconnector/remove?host={host}&port={port or x['port']}")


def test_an_installer_adds_its_kra_to_the_connector(ca, agent, anonymous, transport):
    def add(host, session, cert=transport):
        return post(anonymous, CONNECTOR, sessionID=session, **{
            "ca.connector.KRA.host": host, "ca.connector.KRA.port": 8443, "ca.connector.KRA.transportCert": cert,
            "ca.connector.KRA.timeout": 30, "ca.connector.KRA.local": "false", "ca.connector.KRA.enable": "true"})
    first = token(agent, "kra1.example.com", "KRA")
    assert add("kra1.example.com", first) == ("0", {"Status": "0"})
    assert add("kra1.example.com", first)[0] == "0"
    status, x = add("kra9.example.com", first)
    assert status == "1" and "is for host kra1.example.com" in x["Error"]
    # the token of a host that has joined is still good for its connector
    second = token(agent, "kra2.example.com", "KRA")
    assert join(anonymous, second, "kra2.example.com", "KRA")[0] == "0"
    assert add("kra2.example.com", second)[0] == "0"
    other = agent.cert(agent.issue(instance.csr("other"), "caServerCert"))
    status, x = add("kra1.example.com", first, base64.b64encode(other.public_bytes(serialization.Encoding.DER)).decode())
    assert (status, x["Error"]) == ("1", "KRA connector already exists")
    assert post(anonymous, CONNECTOR, **{"ca.connector.KRA.host": "x"})[1]["Error"] == "Error: Not authenticated"
    lines = [x for x in ca.cs_cfg.read_text().splitlines() if x.startswith("ca.connector.KRA.")]
    assert "ca.connector.KRA.host=kra1.example.com:8443 kra2.example.com:8443" in lines
    assert "ca.connector.KRA.port=8443" in lines and len(lines) == 8
    # a clone of the CA asks for these
    x = config(anonymous, token(agent), substores="ca.connector.KRA")
    assert len(x) == 8 and x["ca.connector.KRA.transportCert"] == transport


def test_the_connector_over_rest(agent, anonymous, transport):
    expect(404, lambda: agent.json("GET", "admin/kraconnector"), "No KRA connectors")
    expect(400, lambda: agent.json("POST", "admin/kraconnector/addHost?host=h&port=1"), "No KRA connectors")
    body = {"host": "kra1", "port": "8443", "transportCert": transport}
    for bad in ({}, dict(body, transportCert="MIIB"), dict(body, port="0"), dict(body, host="a b")):
        expect(400, lambda bad=bad: agent.json("POST", "admin/kraconnector/add", bad))
    assert anonymous.call("POST", "admin/kraconnector/add", body)[0] in (401, 403)
    assert agent.call("POST", "admin/kraconnector/add", body)[0] == 204
    assert agent.call("POST", "admin/kraconnector/addHost?host=kra2&port=9443")[0] == 204
    x = agent.json("GET", "admin/kraconnector")
    assert (x["host"], x["port"], x["uri"], x["enable"], x["local"], x["timeout"]) == (
        "kra1:8443 kra2:9443", "8443", "/kra/agent/kra/connector", "true", "false", "30")
    expect(404, lambda: agent.json("POST", "admin/kraconnector/remove?host=kra3&port=8443"))
    assert agent.call("POST", "admin/kraconnector/remove?host=kra1&port=8443")[0] == 204
    x = agent.json("GET", "admin/kraconnector")
    assert (x["host"], x["port"]) == ("kra2", "9443")


# --- the pki client -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pki(ca, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    env = dict(os.environ, PKI_ROOT=str(folder))

    def call(*argv, login=True, **kw):
        who = ["-n", "admin"] if login else []
        return program.run("pki", "-d", folder / "db", "-U", f"https://localhost:{ca.https}", *who, *argv, env=env, **kw)
    call("client-init", login=False)
    call("client-cert-import", "CA", "--ca-cert", ca.ca_crt, login=False)
    p12 = folder / "admin.p12"
    subprocess.run(["openssl", "pkcs12", "-export", "-in", ca.admin_pem, "-out", p12, "-name", "admin",
                    "-passout", "pass:Secret.123"], check=True)
    call("pkcs12-import", "--pkcs12", p12, "--pkcs12-password", "Secret.123", login=False)
    return call


def test_the_domains_commands(ca, pki, tmp_path):
    shown = pki("securitydomain-show", login=False).stdout
    name = re.search(r"Host ID: (CA localhost (\d+))", shown)
    assert re.match(r"  Domain: .+\n\n  CA Subsystem:\n\n    Host ID: CA ", shown)
    assert re.search(f"    Host ID: {name[1]}\n    Hostname: localhost\n    Port: \\d+\n    Secure Port: {name[2]}\n"
                     "    Domain Manager: TRUE\n", shown)
    pki("securitydomain-host-add", "TPS tps.example.com 8443", "--port", 8080)
    assert pki("securitydomain-host-show", "TPS tps.example.com 8443", login=False).stdout == (
        "  Host ID: TPS tps.example.com 8443\n  Hostname: tps.example.com\n  Port: 8080\n  Secure Port: 8443\n"
        "  Domain Manager: FALSE\n  Clone: FALSE\n")
    found = pki("securitydomain-host-find", login=False).stdout
    assert f"  Host ID: {name[1]}\n" in found and "\n\n  Host ID: TPS tps.example.com 8443\n" in found
    pki("securitydomain-host-del", "TPS tps.example.com 8443")
    assert "Host ID: TPS" not in pki("securitydomain-host-find", login=False).stdout
    got = pki("securitydomain-get-install-token", "--hostname", "new.example.com", "--subsystem", "CA").stdout
    file = tmp_path / "token"
    file.write_text(re.search(r"\d+", got)[0])
    form = ("--install-token", file)
    out = pki("ca-config-export", "--names", "cs.type", *form, "--output-format", "json", login=False).stdout
    assert json.loads(out) == {"Properties": {"cs.type": "CA"}}
    out = json.loads(pki("ca-range-request", "replica", *form, "--output-format", "json", login=False).stdout)
    assert int(out["begin"]) <= int(out["end"])
    pki("ca-sd-join", "CA new.example.com 8443", "--unsecure-port", 8080, "--clone", *form, login=False)
    assert "Host ID: CA new.example.com 8443" in pki("securitydomain-show", login=False).stdout
    spent = pki("ca-config-export", "--names", "cs.type", *form, login=False, status=None)
    assert spent.returncode != 0 and "Error: Not authenticated" in spent.stderr
    pki("ca-sd-leave", "CA new.example.com 8443", *form, login=False)
    assert "Host ID: CA new" not in pki("securitydomain-show", login=False).stdout


def test_the_connectors_commands(pki, transport, tmp_path):
    file = tmp_path / "kra.json"
    file.write_text(json.dumps({"host": "kra1", "port": "8443", "transportCert": transport}))
    refused = pki("ca-kraconnector-show", status=None)
    assert refused.returncode != 0 and "ConnectorNotFoundException: No KRA connectors" in refused.stderr
    refused = pki("ca-kraconnector-add", "--host", "kra2", "--port", 8443, status=None)
    assert "Cannot add new host to existing connector.  No connector currently exists" in refused.stderr
    assert "\nAdded KRA connector\n" in pki("ca-kraconnector-add", "--input-file", file).stdout
    refused = pki("ca-kraconnector-add", "--input-file", file, status=None)
    assert "Cannot add new connector from file.  Delete the existing connector first" in refused.stderr
    assert '\nAdded KRA host "kra2:8443"\n' in pki("ca-kraconnector-add", "--host", "kra2", "--port", 8443).stdout
    assert pki("ca-kraconnector-show").stdout.startswith(
        "\nHost: kra1:8443 kra2:8443\nEnabled: true\nLocal: false\nTimeout: 30\nURI: /kra/agent/kra/connector\n"
        "Transport Cert:\n\n" + transport[:64] + "\n")
    assert '\nRemoved KRA host "kra2:8443"\n' in pki("ca-kraconnector-del", "--host", "kra2", "--port", 8443).stdout
    assert pki("ca-kraconnector-show").stdout.startswith("\nHost: kra1:8443\n")


# --- leaving -----------------------------------------------------------------------------

def test_pkidestroy_leaves_the_domain(ca, agent, pair):
    name, user = f"CA localhost {pair.https}", f"CA-localhost-{pair.https}"
    assert agent.call("PUT", "securityDomain/hosts", {"id": name})[0] == 204
    agent.json("POST", "admin/users", {"UserID": user, "id": user, "FullName": user})
    done = program.run("pkidestroy", "--root", pair.root, "-s", "CA", "-i", pair.name, env=pair.env)
    assert "WARNING" not in done.stderr
    assert name not in hosts(agent)
    expect(404, lambda: agent.json("GET", f"admin/users/{user}"))


def test_pkidestroy_goes_on_without_the_manager(golden):
    server = instance.Ca(golden)
    try:
        server.settings({"securitydomain.select": "existing", "securitydomain.host": "localhost",
                         "securitydomain.httpsadminport": program.free_port()})
        done = program.run("pkidestroy", "--root", server.root, "-s", "CA", "-i", server.name, env=server.env)
        assert "WARNING: security domain" in done.stderr and "securitydomain-host-del" in done.stderr
        assert not server.lib.exists()
    finally:
        server.remove(check=False)


# --- pki-server ------------------------------------------------------------------------------

MEMBER = "KRA kra.example.com 8443"
MEMBER_LINES = """  Subsystem ID: KRA kra.example.com 8443
  Hostname: kra.example.com
  Unsecure Port: 8080
  Secure Port: 8443
  Domain Manager: FALSE
  Clone: TRUE
"""


@pytest.mark.parametrize("runs", [True, False])
def test_pki_server_keeps_the_members(golden, runs):
    server = instance.Ca(golden)

    def call(*argv, **kw):
        return program.run("pki-server", "--root", server.root, *argv, "-i", server.name, env=server.env, **kw)
    try:
        if runs:
            server.start()
        call("ca-sd-subsystem-add", MEMBER, "--subsystem", "KRA", "--hostname", "kra.example.com", "--unsecure-port",
             8080, "--secure-port", 8443, "--clone")
        found = call("ca-sd-subsystem-find").stdout
        assert found.startswith("  Subsystem ID: CA localhost ") and found.endswith("\n\n" + MEMBER_LINES)
        old = call("sd-subsystem-find")
        assert old.stdout == found
        assert "WARNING: The sd-subsystem-find command is deprecated. Use ca-sd-subsystem-find instead." in old.stderr
        assert "Invalid host ID" in call("ca-sd-subsystem-add", "KRA kra", status=1).stderr
        call("ca-sd-subsystem-del", MEMBER)
        assert MEMBER not in call("ca-sd-subsystem-find").stdout
        assert "not found" in call("ca-sd-subsystem-del", MEMBER, status=1).stderr
    finally:
        server.remove()


def test_pki_server_makes_a_manager_and_a_connector(golden, tmp_path):
    server = instance.Ca(golden)

    def call(*argv, **kw):
        return program.run("pki-server", "--root", server.root, *argv, "-i", server.name, env=server.env, **kw)
    try:
        server.settings({"securitydomain.select": "existing", "securitydomain.host": "elsewhere"})
        call("ca-sd-create", "--name", "EXAMPLE")
        for kind in ("CA", "kra"):
            call("ca-sd-type-add", kind)
        assert "Invalid subsystem type: XX" in call("ca-sd-type-add", "XX", status=1).stderr
        assert call("ca-connector-find").stdout == ""
        assert "Missing URL" in call("ca-connector-add", "KRA", status=1).stderr
        key = call("ca-connector-add", "KRA", "--url", "https://kra1.example.com:8443", "--url",
                   "https://kra2.example.com:9443", "--transport-cert", server.ca_crt, "--nickname", "subsystem")
        assert key.stdout == ""
        shown = """  Connector ID: KRA
  Enabled: true
  URL: https://kra1.example.com:8443 https://kra2.example.com:9443
  Nickname: subsystem
"""
        assert call("ca-connector-find").stdout == shown
        more = call("ca-connector-find", "--show-all").stdout
        assert more.startswith(shown + "  Local: false\n  Path: /kra/agent/kra/connector\n  Timeout: 30\n"
                               "  Transport Cert: MII")
        server.start()
        info = server.anonymous().json("GET", "securityDomain/domainInfo")
        assert info["id"] == "EXAMPLE"
        assert server.agent().json("GET", "admin/kraconnector")["port"] == "8443"
    finally:
        server.remove()
