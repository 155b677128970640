# SPDX-License-Identifier: Apache-2.0
"""A directory filled in the documented forms of the model (spec directory 2), values that it serialises in its own way
included: a CA of ours is pointed at it, serves, revokes and makes CRLs, and every entry stays one that the model reads.
What is ours alone stands below ou=signet."""
import datetime
import re

import ldap
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from cryptography.x509 import ocsp

import instance
import program
from instance import hashes, x509

BASE = "o=t-CA"
CERTS = f"ou=certificateRepository,ou=ca,{BASE}"
REQUESTS = f"ou=ca,ou=requests,{BASE}"
POINT = f"cn=MasterCRL,ou=crlIssuingPoints,ou=ca,{BASE}"
OURS = f"ou=signet,{BASE}".lower()
# how a Java object stream begins, then a class name; nobody but Java reads on
JAVA = b"\xac\xed\x00\x05sr\x00\x13java.util.Hashtable\x13\xbb\x0f\x25\x21\x4a\xe4\xb8"
TABLES = ("revokedCerts", "unrevokedCerts", "expiredCerts")
NUMBER = 41  # of the CRL that the model made last
GOOD, BAD, HELD = 0x1001, 0x1002, 0x1003
CERT_ATTRS = {x.lower() for x in (
    "objectClass", "cn", "serialno", "dateOfCreate", "dateOfModify", "certStatus", "autoRenew", "issueInfo", "metaInfo",
    "revInfo", "version", "duration", "notAfter", "notBefore", "algorithmId", "subjectName", "signingAlgorithmId",
    "userCertificate;binary", "issuedBy", "revokedBy", "revokedOn", "extension", "publicKeyData", "issuerName")}
DATE = r"\d{14}Z"
FORMS = {"serialno": r"\d{3,}", "dateofcreate": DATE, "dateofmodify": DATE, "notbefore": DATE, "notafter": DATE,
         "certstatus": "VALID|INVALID|EXPIRED|REVOKED|REVOKED_EXPIRED", "autorenew": "ENABLED|DISABLED|DONE|NOTIFIED",
         "duration": r"\d{3,}", "version": r"\d+", "revokedon": DATE, "metainfo": "[^:]+:.*",
         "revinfo": rf"{DATE}(;CRLReasonExtension=\d+)?(;InvalidityDateExtension={DATE})?", "requestid": r"\d{3,}",
         "requeststate": "begin|pending|approved|svc_pending|canceled|rejected|complete",
         "crlnumber": r"0\d+|[1-9]\d+", "deltanumber": r"0\d+|[1-9]\d+", "thisupdate": DATE, "nextupdate": DATE}
CLASSES = {"top", "certificaterecord", "request", "extensibleobject", "crlissuingpointrecord", "repository"}


@pytest.fixture
def ca(directory_golden):
    c = instance.Ca(directory_golden).directory()
    try:
        yield c
    finally:
        c.remove(check=False)


def prefixed(n):
    return f"{len(str(n)):02d}{n}"


def date(t):
    return t.strftime("%Y%m%d%H%M%SZ")


class Model:
    """Writes entries as the model does, with the CA's own key."""

    def __init__(self, ca):
        pins = dict(x.split("=", 1) for x in (ca.conf / "password.conf").read_text().splitlines())
        pin = ca.folder / "pin"
        pin.write_text(pins["internal"])
        out = ca.folder / "ca.p12"
        nick = re.search(r"^ca\.cert\.signing\.nickname=(.*)$", ca.cs_cfg.read_text(), re.M)[1]
        program.run("pk12util", "-o", out, "-d", ca.conf / "alias", "-n", nick, "-k", pin, "-W", "secret")
        self.key, self.cert, _ = pkcs12.load_key_and_certificates(out.read_bytes(), b"secret")
        self.now = datetime.datetime.utcnow().replace(microsecond=0)
        self.c = ca.ds.connect()

    def add(self, dn, classes, **values):
        attrs = [("objectClass", [b"top", *(x.encode() for x in classes)])]
        for name, value in values.items():
            listed = value if isinstance(value, list) else [value]
            attrs.append((name, [x if isinstance(x, bytes) else str(x).encode() for x in listed]))
        self.c.add_s(dn, attrs)

    def certificate(self, serial, status, request, old=False, **more):
        """old: as an early release wrote it, without issuerName."""
        begin, end = self.now - datetime.timedelta(days=1), self.now + datetime.timedelta(days=99)
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"host{serial}.example.com")])
        cert = (x509.CertificateBuilder().subject_name(name).issuer_name(self.cert.subject).public_key(key)
                .serial_number(serial).not_valid_before(begin).not_valid_after(end)
                .add_extension(x509.BasicConstraints(False, None), True).sign(self.key, hashes.SHA256()))
        if not old:
            more["issuerName"] = self.cert.subject.rfc4514_string()
        values = {"userCertificate;binary": cert.public_bytes(Encoding.DER)}
        self.add(f"cn={serial},{CERTS}", ["certificateRecord"], cn=serial, serialno=prefixed(serial), certStatus=status,
                 dateOfCreate=date(begin), dateOfModify=date(begin), autoRenew="ENABLED", issueInfo=JAVA,
                 metaInfo=[f"requestId:{request}", "profileId:caServerCert", "inLdapPublishDir:false"],
                 notBefore=date(begin), notAfter=date(end), duration=prefixed(100 * 86400000), version="2",
                 algorithmId="1.2.840.10045.2.1", signingAlgorithmId="1.2.840.10045.4.3.2",
                 subjectName=name.rfc4514_string(), issuedBy="caadmin", extension="2.5.29.19;isCA=false,pathLen=-1",
                 publicKeyData=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), **values, **more)
        return cert

    def request(self, number, kind, **extdata):
        values = {f"extdata-{k}": v for k, v in extdata.items()}
        self.add(f"cn={number},{REQUESTS}", ["request", "extensibleObject"], cn=number, requestId=prefixed(number),
                 requestState="complete", requestType=kind, dateOfCreate=date(self.now), dateOfModify=date(self.now),
                 **{"extdata-requesttype": kind, "extdata-requestversion": "1.0.0", "extdata-dbstatus": "UPDATED",
                    "extdata-result": "1", "extdata-requeststatus": "complete", **values})

    def crl(self):
        """The issuing point with its list and the tables that stand beside it."""
        crl = (x509.CertificateRevocationListBuilder().issuer_name(self.cert.subject)
               .last_update(self.now - datetime.timedelta(days=1)).next_update(self.now)
               .add_extension(x509.CRLNumber(NUMBER), False).sign(self.key, hashes.SHA256()))
        values = {"crlNumber": prefixed(NUMBER), "deltaNumber": prefixed(0), "crlSize": prefixed(0),
                  "deltaSize": prefixed(-1), "thisUpdate": date(self.now - datetime.timedelta(days=1)),
                  "nextUpdate": date(self.now), "firstUnsaved": "602",
                  "certificateRevocationList": crl.public_bytes(Encoding.DER)}
        values |= {t: JAVA for t in TABLES}
        try:
            self.c.delete_s(POINT)
        except ldap.NO_SUCH_OBJECT:
            pass
        self.add(POINT, ["crlIssuingPointRecord"], cn="MasterCRL", **values)


def entries(ca):
    """{DN: {attribute: sorted values}} of the whole suffix, ours below ou=signet left out."""
    c = ca.ds.connect()
    found = c.search_s(BASE, ldap.SCOPE_SUBTREE, "(objectClass=top)", ["*"])
    c.unbind_s()
    return {dn.lower(): {k.lower(): sorted(v) for k, v in attrs.items()} for dn, attrs in found
            if not dn.lower().endswith(OURS)}


def in_the_models_form(all_entries):
    """Nothing that only we know, and every value of a record in its documented form."""
    for dn, attrs in all_entries.items():
        classes = {x.decode().lower() for x in attrs["objectclass"]}
        assert not any(x.startswith("signet") for x in (*classes, *attrs)), (dn, attrs)
        if "certificaterecord" in classes:
            assert set(attrs) <= CERT_ATTRS, (dn, set(attrs) - CERT_ATTRS)
        if "request" in classes:
            odd = [a for a in attrs if a.startswith("extdata-") and not re.fullmatch(
                r"extdata-([a-z0-9]|--[0-9a-f]{4}|-)+(;([a-z0-9]|--[0-9a-f]{4}|-)+)?", a)]
            assert not odd, (dn, odd)
        if not classes & {"certificaterecord", "request", "crlissuingpointrecord"}:
            continue
        for name in attrs.keys() & FORMS.keys():
            for value in attrs[name]:
                assert re.fullmatch(FORMS[name], value.decode()), (dn, name, value)
        for name in attrs.keys() & {"serialno", "requestid", "crlnumber", "deltanumber", "duration"}:
            for value in attrs[name]:
                assert int(value[:2]) == len(value) - 2, (dn, name, value)


def changed(before, after, dn):
    a, b = before[dn.lower()], after[dn.lower()]
    return {k for k in a.keys() | b.keys() if a.get(k) != b.get(k)}


def test_a_directory_of_the_model_is_served_and_stays_one(ca):
    model = Model(ca)
    good = model.certificate(GOOD, "VALID", 501)
    bad = model.certificate(BAD, "REVOKED", 502, old=True, revokedBy="caadmin", revokedOn=date(model.now),
                            revInfo=f"{date(model.now)};CRLReasonExtension=1;InvalidityDateExtension={date(model.now)}")
    held = model.certificate(HELD, "REVOKED", 503, revokedBy="agent", revokedOn=date(model.now),
                             revInfo=f"{date(model.now)};CRLReasonExtension=6")
    for number, serial in ((501, GOOD), (502, BAD), (503, HELD)):
        model.request(number, "enrollment", profile="true", profileid="caServerCert", **{
            "cert--005frequest--005ftype": "pkcs10", "auth--005ftoken;uid": "caadmin", "unknown--002ekey": "kept",
            "req--005fsubject--005fname;cn": f"host{serial}.example.com"})
    model.request(602, "revocation", revocationreason="1", requestortype="Agent", **{"old--005fserials;0": str(BAD)})
    model.crl()
    before = entries(ca)
    in_the_models_form(before)

    ca.start()
    agent = ca.agent()
    for cert, status in ((good, "VALID"), (bad, "REVOKED"), (held, "REVOKED")):
        assert agent.cert(hex(cert.serial_number)) == cert
        assert agent.cert_data(hex(cert.serial_number))["Status"] == status
    assert {hex(s) for s in (GOOD, BAD, HELD)} <= {c["id"] for c in agent.json("GET", "certs?size=1000")["entries"]}
    assert agent.json("GET", "certrequests/501")["requestStatus"] == "complete"
    states = {c.serial_number: ca.ocsp(c).certificate_status for c in (good, bad, held)}
    assert states == {GOOD: ocsp.OCSPCertStatus.GOOD, BAD: ocsp.OCSPCertStatus.REVOKED,
                      HELD: ocsp.OCSPCertStatus.REVOKED}
    agent.revoke(hex(GOOD))
    agent.unrevoke(hex(HELD))
    new = agent.cert(agent.issue(instance.csr(), "caAgentServerCert"))
    crl = agent.crl_update()
    listed = {x.serial_number for x in crl}
    assert {GOOD, BAD} <= listed and not {HELD, new.serial_number} & listed
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > NUMBER
    reason = crl.get_revoked_certificate_by_serial_number(BAD).extensions.get_extension_for_class(x509.CRLReason)
    assert reason.value.reason == x509.ReasonFlags.key_compromise
    ca.stop()

    after = entries(ca)
    in_the_models_form(after)
    revocation = {"certstatus", "dateofmodify", "revinfo", "revokedby", "revokedon"}
    assert changed(before, after, f"cn={GOOD},{CERTS}") <= revocation
    assert changed(before, after, f"cn={HELD},{CERTS}") <= revocation
    touched = {f"cn={GOOD},{CERTS}".lower(), f"cn={HELD},{CERTS}".lower(), POINT.lower()}
    for dn in before.keys() - touched:
        if re.match("cn=[0-9]+,", dn):  # a record of the model's that nobody asked to change
            assert after.get(dn) == before[dn], dn
    point = after[POINT.lower()]
    # a model that takes over again rebuilds, in place of believing its old tables
    assert point["firstunsaved"] == [b"-2"] and not {t.lower() for t in TABLES} & point.keys()
    assert int(point["crlnumber"][0][2:]) > NUMBER
    assert point["certificaterevocationlist"] == [crl.public_bytes(Encoding.DER)]
    for dn in after.keys() - before.keys():
        assert {x.decode().lower() for x in after[dn]["objectclass"]} <= CLASSES, (dn, after[dn])

    # and out again
    program.run("pkidestroy", "--root", ca.root, "-s", "CA", "-i", ca.name, "--force", env=ca.env)
    left = entries(ca)
    in_the_models_form(left)
    assert left.keys() <= after.keys() and {dn for dn in before if re.match("cn=[0-9]+,", dn)} <= left.keys()
