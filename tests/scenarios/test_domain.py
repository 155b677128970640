# SPDX-License-Identifier: Apache-2.0
"""The security domain of a served CA: members, install tokens, and the servlets
that an installing subsystem calls."""
import base64
import json
import re
import urllib.parse
import xml.etree.ElementTree as xml

import pytest
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
