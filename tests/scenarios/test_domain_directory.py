# SPDX-License-Identifier: Apache-2.0
"""The security domain of a CA whose records are in a 389 Directory Server: entries as existing deployments have
them, shared by every manager on that directory."""
import base64
import urllib.parse
import xml.etree.ElementTree as xml

import ldap
import pytest
from cryptography.hazmat.primitives import serialization

import instance
import program

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLONE = "clone.example.com"


@pytest.fixture(scope="module")
def ca(directory_golden):
    c = instance.Ca(directory_golden).directory()
    try:
        c.start()
        yield c
    finally:
        c.remove(check=False)


@pytest.fixture
def twin(ca, directory_golden):
    """A second manager of the domain on the same directory."""
    c = instance.Ca(directory_golden)
    try:
        c.settings({"internaldb.ldapconn.port": ca.ds.port})
        c.start()
        yield c
    finally:
        c.remove(check=False)


def post(client, path, **form):
    status, body = client.call("POST", path, urllib.parse.urlencode(form), FORM)
    assert status == 200, body
    return {x.tag: x.text for x in xml.fromstring(body)}


def token(client, subsystem="CA"):
    return client.json("GET", f"securityDomain/installToken?hostname={CLONE}&subsystem={subsystem}")["token"]


def join(client, session):
    return post(client, "/ca/admin/ca/updateDomainXML", sessionID=session, list="CAList", type="CA",
                name=f"CA {CLONE} 8443", host=CLONE, sport=8443, httpport=8080, clone="true")


def entries(ca, where):
    """{first RDN: attributes} below ou=Security Domain."""
    c = ca.ds.connect()
    try:
        base = next(x.split("=", 1)[1] for x in ca.cs_cfg.read_text().splitlines()
                    if x.startswith("internaldb.basedn="))
        found = c.search_s(f"{where},ou=Security Domain,{base}", ldap.SCOPE_ONELEVEL,
                           "(|(objectClass=pkiSubsystem)(objectClass=securityDomainSessionEntry))")
        return {dn.split(",")[0]: {k: [v.decode() for v in vs] for k, vs in attrs.items()} for dn, attrs in found}
    finally:
        c.unbind_s()


def test_members_and_tokens_are_entries_as_deployments_have_them(ca):
    agent = ca.agent()
    (first,) = entries(ca, "cn=CAList").values()
    assert first["host"] == ["localhost"] and first["DomainManager"] == ["TRUE"] and first["Clone"] == ["FALSE"]
    session = token(agent)
    found = entries(ca, "ou=sessions")[f"cn={session}"]
    assert "securityDomainSessionEntry" in found["objectClass"] and "127.0.0.1" in found["host"]
    assert found["uid"] == ["caadmin"] and found["cmsUserGroup"] == ["Enterprise CA Administrators"]
    assert found["dateOfCreate"][0].isdigit() and len(found["dateOfCreate"][0]) == 13
    assert join(agent, session)["Status"] == "0"
    entry = entries(ca, "cn=CAList")[f"cn={CLONE}:8443"]
    assert {k: entry[k] for k in ("SecurePort", "SecureAgentPort", "SecureAdminPort", "SecureEEClientAuthPort",
                                  "UnSecurePort", "DomainManager", "Clone", "SubsystemName", "host")} == {
        "SecurePort": ["8443"], "SecureAgentPort": ["8443"], "SecureAdminPort": ["8443"],
        "SecureEEClientAuthPort": ["8443"], "UnSecurePort": ["8080"], "DomainManager": ["FALSE"], "Clone": ["TRUE"],
        "SubsystemName": [f"CA {CLONE} 8443"], "host": [CLONE]}
    # again with another port: replaced, not doubled
    assert join(agent, token(agent))["Status"] == "0"
    name = urllib.parse.quote(f"CA {CLONE} 8443")
    assert agent.call("DELETE", f"securityDomain/hosts/{name}")[0] == 204
    assert f"cn={CLONE}:8443" not in entries(ca, "cn=CAList")


def test_a_token_is_good_at_once_on_another_manager(ca, twin):
    session = token(ca.agent())
    path = "/ca/admin/ca/tokenAuthenticate"
    there = post(twin.anonymous(), path, sessionID=session, hostname="127.0.0.1")
    assert (there["Status"], there["uid"], there["spent"]) == ("0", "caadmin", "false")
    # and what was done there counts here
    assert join(twin.anonymous(), session)["Status"] == "0"
    assert post(ca.anonymous(), path, sessionID=session, hostname="127.0.0.1")["spent"] == "true"
    assert f"CA {CLONE} 8443" in {h["id"] for h in ca.anonymous().json("GET", "securityDomain/hosts")}


def test_a_user_is_registered_in_the_directory(ca):
    agent = ca.agent()
    cert = agent.cert(agent.issue(instance.csr("registered")))
    text = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    for uid in ("TPS-h-8443", "other"):
        assert post(agent, "/ca/admin/ca/registerUser", sessionID=token(agent, "TPS"), uid=uid, name="A subsystem",
                    certificate=text)["Status"] == "0"
    assert agent.json("GET", "admin/users/TPS-h-8443")["FullName"] == "A subsystem"
    assert agent.call("GET", "admin/users/other")[0] == 404


def test_a_manager_that_goes_takes_its_entry_along(ca, twin):
    name, user = f"CA localhost {twin.https}", f"CA-localhost-{twin.https}"
    agent = ca.agent()
    assert agent.call("PUT", "securityDomain/hosts", {"id": name, "Clone": "TRUE"})[0] == 204
    agent.json("POST", "admin/users", {"UserID": user, "id": user, "FullName": user})
    done = program.run("pkidestroy", "--root", twin.root, "-s", "CA", "-i", twin.name, env=twin.env)
    assert "WARNING" not in done.stderr
    assert name not in {h["id"] for h in agent.json("GET", "securityDomain/hosts")}
    assert agent.call("GET", f"admin/users/{user}")[0] == 404


# --- the KRA connector, a setting of all clones ----------------------------------------------

def lines(ca):
    return {k.removeprefix("ca.connector.KRA."): v for k, _, v in
            (x.partition("=") for x in ca.cs_cfg.read_text().splitlines()) if k.startswith("ca.connector.KRA.")}


def test_a_connector_added_on_one_ca_stands_on_every_other(ca, twin):
    agent, there = ca.agent(), twin.agent()
    cert = agent.cert(agent.issue(instance.csr("KRA Transport Certificate")))
    transport = base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()
    body = {"host": "kra1.example.com", "port": "8443", "transportCert": transport}
    assert agent.call("POST", "admin/kraconnector/add", body)[0] == 204
    program.wait_for("the connector there", lambda: lines(twin) == lines(ca) != {}, 60)
    assert len(lines(twin)) == 8 and lines(twin)["transportCert"] == transport
    # a host added there stands here
    assert there.call("POST", "admin/kraconnector/addHost?host=kra2.example.com&port=8443")[0] == 204
    both = "kra1.example.com:8443 kra2.example.com:8443"
    program.wait_for("the second host here", lambda: lines(ca)["host"] == both, 60)
    # what is edited by hand counts at the next start, what others changed meanwhile too
    twin.stop()
    twin.settings({"ca.connector.KRA.timeout": "60"})
    assert agent.call("POST", "admin/kraconnector/remove?host=kra1.example.com&port=8443")[0] == 204
    twin.start()
    program.wait_for("the edited line here", lambda: lines(ca)["timeout"] == "60", 60)
    program.wait_for("the removed host there", lambda: lines(twin)["host"] == "kra2.example.com", 60)
    assert lines(ca) == lines(twin)
    # with its last host the connector goes everywhere
    assert twin.agent().call("POST", "admin/kraconnector/remove?host=kra2.example.com&port=8443")[0] == 204
    program.wait_for("the end of the connector", lambda: lines(ca) == lines(twin) == {}, 60)


def test_old_tokens_are_purged(ca):
    agent = ca.agent()
    old = token(agent)
    ca.stop()
    ca.settings({"securitydomain.flushinterval": 1, "securitydomain.checkinterval": 1000})
    ca.start()
    program.wait_for("the purge", lambda: f"cn={old}" not in entries(ca, "ou=sessions"), 60)
