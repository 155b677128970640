# SPDX-License-Identifier: Apache-2.0
"""The servlets of a served CA as programs and browsers use them: submit, follow,
review with its nonce, approve, show, list, revoke, release."""
import html.parser
import json
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

import curl_ca
import program


@pytest.fixture(scope="module")
def ca(golden):
    server = curl_ca.CurlCa(golden).start()
    yield server
    server.remove()


@pytest.fixture
def agent(ca, tmp_path):
    """agent(path, **form): an agent's request with its session's cookies."""
    jar = tmp_path / "cookies"

    def call(path, *argv, xml=True, **form):
        data = [a for k, v in form.items() for a in ("--data-urlencode", f"{k}={v}")]
        more = ["--data", "xml=true"] if xml else []
        text = ca.curl("/ca/agent/ca/" + path, "-b", jar, "-c", jar, *data, *more, *argv)
        return ET.fromstring(text) if xml else text
    return call


def ee(ca, path, *argv, xml=True, **form):
    data = [a for k, v in form.items() for a in ("--data-urlencode", f"{k}={v}")]
    more = ["--data", "xml=true"] if xml else []
    text = ca.curl("/ca/ee/ca/" + path, *data, *more, *argv, agent=False)
    return ET.fromstring(text) if xml else text


def make_csr(tmp_path, subject="/O=EXAMPLE/CN=www.example.com"):
    path = tmp_path / "req.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem",
                    "-subj", subject, "-out", path], check=True, stderr=subprocess.DEVNULL)
    return path.read_text()


def submit(ca, csr, profile="caServerCert"):
    return ee(ca, "profileSubmit", profileId=profile, cert_request_type="pkcs10", cert_request=csr)


def issue(ca, agent, csr):
    """Serial number (hex) of a certificate that an agent approved."""
    request = submit(ca, csr).findtext("RequestId")
    review = agent("profileReview", requestId=request)
    done = agent("profileProcess", requestId=request, op="approve", nonce=review.findtext(".//nonce"))
    assert done.findtext("output/set/errorCode") == "0"
    assert done.findtext("output/set/requestStatus") == "complete"
    return ee(ca, "checkRequest", requestId=request).findtext("records/record/serialNumber")


def change_nonce(agent, serial):
    return agent("displayBySerial", serialNumber="0x" + serial).findtext("header/nonce")


def test_request_is_followed_from_pending_to_its_certificate(ca, agent, tmp_path):
    answer = submit(ca, make_csr(tmp_path))
    assert answer.tag == "XMLResponse" and answer.findtext("Status") == "2"
    request = answer.findtext("RequestId")
    assert request.isdigit()
    assert ee(ca, "checkRequest", requestId=request).findtext("header/status") == "pending"
    refused = ee(ca, "displayCertFromRequest", requestId=request)
    assert refused.findtext("fixed/requestStatus") == "7" and "pending" in refused.findtext("fixed/unexpectedError")
    review = agent("profileReview", requestId=request)
    agent("profileProcess", requestId=request, op="approve", nonce=review.findtext(".//nonce"))
    assert ee(ca, "checkRequest", requestId=request).findtext("header/status") == "complete"
    pem = ee(ca, "displayCertFromRequest", requestId=request).findtext("records/record/base64Cert")
    out = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    assert "www.example.com" in out


def test_nonce_of_a_review_is_needed_and_serves_once(ca, agent, tmp_path):
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    nonce = agent("profileReview", requestId=request).findtext(".//nonce")
    for wrong in ({}, {"nonce": "1"}):
        answer = agent("profileProcess", requestId=request, op="approve", **wrong)
        assert answer.findtext("output/set/errorCode") == "1"
        assert "nonce" in answer.findtext("output/set/errorReason")
    assert agent("profileProcess", requestId=request, op="update", nonce=nonce).findtext(".//errorCode") == "0"
    assert agent("profileProcess", requestId=request, op="approve", nonce=nonce).findtext(".//errorCode") == "1"


def test_value_of_the_form_is_taken_and_the_others_stay(ca, agent, tmp_path):
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    nonce = agent("profileReview", requestId=request).findtext(".//nonce")
    done = agent("profileProcess", requestId=request, op="approve", nonce=nonce, name="CN=other.example.com,O=X")
    assert done.findtext("output/set/requestStatus") == "complete", ET.tostring(done)
    pem = ee(ca, "displayCertFromRequest", requestId=request).findtext("records/record/base64Cert")
    text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    assert "CN = other.example.com" in text and "TLS Web Server Authentication" in text


@pytest.mark.parametrize("op,state", [("reject", "rejected"), ("cancel", "canceled")])
def test_request_that_an_agent_ends_has_no_certificate(ca, agent, tmp_path, op, state):
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    nonce = agent("profileReview", requestId=request).findtext(".//nonce")
    assert agent("profileProcess", requestId=request, op=op, nonce=nonce).findtext(".//requestStatus") == state
    assert ee(ca, "checkRequest", requestId=request).findtext("header/status") == state


def test_hold_and_release_through_the_servlets(ca, agent, tmp_path):
    serial = issue(ca, agent, make_csr(tmp_path))
    answer = agent("doRevoke", op="doRevoke", revocationReason="6", totalRecordCount="1",
                   revokeAll=f"(|(certRecordId=0x{serial}))", nonce=f"0x{serial}:{change_nonce(agent, serial)}")
    assert answer.findtext("header/revoked") == "yes", ET.tostring(answer)
    shown = ee(ca, "displayBySerial", serialNumber="0x" + serial)
    assert shown.findtext("header/certStatus") == "REVOKED"
    answer = agent("doUnrevoke", serialNumber="0x" + serial, nonce=change_nonce(agent, serial))
    assert answer.findtext("header/unrevoked") == "yes"
    assert ee(ca, "displayBySerial", serialNumber="0x" + serial).findtext("header/certStatus") == "VALID"


def test_revocation_without_a_nonce_or_of_an_unknown_attribute_is_refused(ca, agent, tmp_path):
    serial = issue(ca, agent, make_csr(tmp_path))
    answer = agent("doRevoke", revocationReason="1", serialNumber="0x" + serial)
    assert "nonce" in answer.findtext("fixed/unexpectedError").lower()
    answer = agent("doRevoke", revocationReason="1", revokeAll="(userPassword=*)")
    assert "unknown attribute" in answer.findtext("fixed/unexpectedError")
    assert ee(ca, "displayBySerial", serialNumber="0x" + serial).findtext("header/certStatus") == "VALID"


def test_owner_revokes_an_own_certificate_only(ca, agent, tmp_path):
    csr = make_csr(tmp_path, "/O=EXAMPLE/CN=owner.example.com")
    serial = issue(ca, agent, csr)
    pem = ee(ca, "displayBySerial", serialNumber="0x" + serial).findtext("records/record/base64Cert")
    own = tmp_path / "own.pem"
    own.write_text(pem + (tmp_path / "key.pem").read_text())
    other = issue(ca, agent, make_csr(tmp_path))

    def revoke(number):
        return ET.fromstring(ca.curl("/ca/ee/ca/doRevoke", "--cert", own, "--data",
                                     f"xml=true&revocationReason=4&serialNumber=0x{number}", agent=False))
    assert "different subject" in revoke(other).findtext("fixed/unexpectedError")
    assert revoke(serial).findtext("header/revoked") == "yes"
    assert "not a valid one" in revoke(serial).findtext("fixed/unexpectedError")


def test_lists_and_searches_find_certificates(ca, agent, tmp_path):
    serial = issue(ca, agent, make_csr(tmp_path, "/CN=find-me.example.com"))

    def found(path, **form):
        answer = ee(ca, path, **form)
        assert answer.findtext("fixed/requestStatus") == "2", ET.tostring(answer)
        return [r.findtext("serialNumber") for r in answer.iterfind("records/record")]
    assert found("listCerts", serialFrom="0x" + serial, serialTo="0x" + serial) == [serial]
    assert found("srchCerts", subjectInUse="on", commonName="find-me", match="partial") == [serial]
    assert found("srchCerts", subjectInUse="on", commonName="find-me", match="exact") == []
    assert found("listCerts", queryCertFilter=f"(&(certRecordId=0x{serial})(certStatus=VALID))") == [serial]
    assert len(found("listCerts", maxCount="2")) == 2


def test_queue_shows_requests_that_wait(ca, agent, tmp_path):
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    answer = agent("queryReq", reqType="enrollment", reqState="showPending", maxCount="1000")
    row = [r for r in answer.iterfind("records/record") if r.findtext("seqNum") == request]
    assert len(row) == 1 and "www.example.com" in row[0].findtext("subject")


def test_profiles_are_listed_and_selected(ca):
    ids = [e.text for e in ee(ca, "profileList").iter("profileId")]
    assert "caServerCert" in ids and ids == sorted(ids)
    inputs = [e.text for e in ee(ca, "profileSelect", profileId="caServerCert").iter("inputId")]
    assert inputs[:2] == ["cert_request_type", "cert_request"]
    assert "Not Found" in ee(ca, "profileSelect", profileId="nosuch").findtext(".//errorReason")


def test_agent_disables_and_enables_a_profile(ca, agent, tmp_path):
    def state():
        return agent("profileSelect", profileId="caUserCert").findtext("output/set/profileIsEnable")
    assert state() == "true"
    assert agent("profileApprove", profileId="caUserCert", op="disapprove").findtext(".//profileIsEnable") == "false"
    answer = submit(ca, make_csr(tmp_path), "caUserCert")
    assert answer.findtext("Status") == "1" and "not enabled" in answer.findtext("Error")
    assert "already" in agent("profileApprove", profileId="caUserCert", op="disapprove").findtext(".//errorReason")
    assert agent("profileApprove", profileId="caUserCert", op="approve").findtext(".//errorCode") == "0"
    assert state() == "true"
    assert agent("profileApprove", profileId="caUserCert").findtext(".//errorCode") == "1"


def test_pages_escape_what_a_request_says(ca, agent, tmp_path):
    request = submit(ca, make_csr(tmp_path, "/CN=<script>alert(1)<\\/script>")).findtext("RequestId")
    page = agent("profileReview", xml=False, requestId=request)
    assert "&lt;script" in page and "<script" not in page
    page = ee(ca, "profileSubmit", xml=False, profileId="<script>x</script>")
    assert "<script" not in page


def test_pages_carry_the_forms_of_an_enrolment(ca, agent, tmp_path):
    assert re.search(r'<form method="post" action="profileSubmit">',
                     ee(ca, "profileSelect", xml=False, profileId="caServerCert"))
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    page = agent("profileReview", xml=False, requestId=request)
    assert 'action="profileProcess"' in page and 'value="approve"' in page and 'name="nonce"' in page


class Form(html.parser.HTMLParser):
    """The fields of a page's form, as a browser would send them."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.area, self.select = {}, None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "input":
            self.fields[a["name"]] = a.get("value", "")
        elif tag == "textarea":
            self.area = a["name"]
            self.fields[self.area] = ""
        elif tag == "select":
            self.select = a["name"]
        elif tag == "option" and self.select and ("selected" in a or self.select not in self.fields):
            self.fields[self.select] = None if "selected" not in a else True

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data):
        if self.area:
            self.fields[self.area] += data.replace("\r\n", "\n").replace("\n", "\r\n")
        elif self.select and self.fields.get(self.select) in (None, True):
            self.fields[self.select] = data


def text_of(ca, request):
    pem = ee(ca, "displayCertFromRequest", requestId=request).findtext("records/record/base64Cert")
    text = subprocess.run(["openssl", "x509", "-noout", "-text", "-certopt", "no_serial,no_sigdump,no_validity"],
                          input=pem, text=True, check=True, stdout=subprocess.PIPE).stdout
    return text


@pytest.mark.parametrize("profile", ["caServerCert", "caSubsystemCert", "caCACert", "caOCSPCert"])
def test_page_sent_back_unchanged_gives_the_same_certificate(ca, agent, tmp_path, profile):
    csr = make_csr(tmp_path)
    direct, page = submit(ca, csr, profile), submit(ca, csr, profile)
    direct, page = direct.findtext("RequestId"), page.findtext("RequestId")
    nonce = agent("profileReview", requestId=direct).findtext(".//nonce")
    done = agent("profileProcess", requestId=direct, op="approve", nonce=nonce)
    assert done.findtext("output/set/errorCode") == "0"
    form = Form(agent("profileReview", xml=False, requestId=page)).fields
    assert len(form) > 4
    done = agent("profileProcess", **form, op="approve")
    assert done.findtext("output/set/errorCode") == "0", done.findtext("output/set/errorReason")
    assert text_of(ca, page) == text_of(ca, direct)


@pytest.mark.parametrize("path", ["profileProcess", "doRevoke", "doUnrevoke"])
def test_foreign_page_can_not_act_as_an_agent(ca, path):
    code = ca.curl("/ca/agent/ca/" + path, "-o", "/dev/null", "-w", "%{http_code}", "-H",
                   "Origin: https://evil.example", "--data", "xml=true")
    assert code == "403"


@pytest.mark.parametrize("path", ["profileReview?requestId=1", "queryReq", "listCerts", "displayBySerial?serialNumber=1",
                                  "doRevoke?serialNumber=1", "reasonToRevoke?serialNumber=1"])
def test_agent_pages_are_closed_to_others(ca, path):
    code = ca.curl("/ca/agent/ca/" + path, "-o", "/dev/null", "-w", "%{http_code}", agent=False)
    assert code in ("401", "403")


@pytest.mark.parametrize("path", ["checkRequest", "checkRequest?requestId=zz", "displayBySerial?serialNumber=-5",
                                  "getBySerial?serialNumber=0x1", "displayCertFromRequest?requestId=0x1",
                                  "listCerts?serialFrom=x", "listCerts?maxCount=99999999",
                                  "listCerts?queryCertFilter=((", "profileSubmit", "profileSelect"])
def test_malformed_calls_get_an_error_in_their_shape(ca, path):
    text = ca.curl("/ca/ee/ca/" + path + ("&" if "?" in path else "?") + "xml=true", agent=False)
    root = ET.fromstring(text)
    assert any(root.findtext(p) for p in ("fixed/unexpectedError", "Error", "output/set/errorReason")), text


def test_revoked_certificate_is_on_the_list_and_in_ocsp(ca, agent, tmp_path):
    serial = issue(ca, agent, make_csr(tmp_path))
    agent("doRevoke", revocationReason="1", serialNumber="0x" + serial, nonce=change_nonce(agent, serial))
    agent("updateCRL", crlIssuingPoint="MasterCRL")
    answer = ee(ca, "getCRL", op="checkCRL", crlIssuingPoint="MasterCRL", certSerialNumber="0x" + serial)
    assert answer.findtext("header/isOnCRL") == "true"
    done = program.run("openssl", "ocsp", "-issuer", ca.ca_file, "-serial", "0x" + serial, "-url", ca.url + "/ca/ocsp",
                       "-CAfile", ca.ca_file, status=None)
    assert f"0x{serial}: revoked" in done.stdout


@pytest.mark.parametrize("form,told", [
    ({}, "Success"), ({"waitForUpdate": "true", "clearCRLCache": "true", "signatureAlgorithm": "SHA512withEC"}, "Success"),
    ({"crlIssuingPoint": "Nothing"}, "Success"), ({"test": "reset"}, "testingNotEnabled"),
    ({"customFutureThisUpdateDateValue": "1900000000000"}, "Failure")])
def test_update_of_the_crl_says_what_came_of_it(ca, agent, form, told):
    answer = agent("updateCRL", **form)
    assert answer.findtext("header/crlUpdate") == told and answer.findtext("header/crlIssuingPoint") == "MasterCRL"
    made = agent("displayCRL", crlIssuingPoint="MasterCRL", crlDisplayType="deltaCRL")
    assert made.findtext("fixed/unexpectedError") == "there is no delta CRL"


def test_profiles_by_agent_json_and_servlet_agree(ca, agent, tmp_path):
    """A request made by one interface is seen by the other."""
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    info = json.loads(ca.curl(f"/ca/v2/certrequests/{request}", agent=False))
    assert info["requestStatus"] == "pending" and int(info["requestID"], 16) == int(request)


# --- what the CA tells of itself ------------------------------------------------------


def test_issuing_points_are_told_to_all_counters_to_agents(ca, agent):
    for info in (ee(ca, "getInfo"), agent("getInfo")):
        assert info.findtext("header/crlIssuingPoints") == "MasterCRL"
        assert info.findtext("header/crlNumbers").isdigit()
        assert "SHA256with" in info.findtext("header/validAlgorithms")
        assert info.find("header/master_host") is None
    stats = agent("getStats")
    assert "enrollment" in [x.text for x in stats.findall("records/record/name")]
    assert agent("getOCSPInfo").findtext("header/numReq").isdigit()
    for page in ("getStats", "getOCSPInfo", "getInfo"):
        refused = ca.curl(f"/ca/agent/ca/{page}?xml=true", agent=False)
        assert "requestStatus>2<" not in refused


def test_subsystem_certificate_is_for_everybody(ca):
    b64 = json.loads(ca.curl("/ca/admin/ca/getSubsystemCert", agent=False))["Response"]["Cert"]
    pem = (ca.conf / "certs/subsystem.crt").read_text()
    assert b64 == "".join(pem.split("-----")[2].split())


def test_requests_are_searched_by_a_filter_of_known_names(ca, agent, tmp_path):
    request = submit(ca, make_csr(tmp_path)).findtext("RequestId")
    found = agent("searchReqs", queryRequestFilter=f"(&(requestRecordId>={request})(requestRecordId<={request})(requestStatus=pending))")
    assert [x.text for x in found.findall("records/record/seqNum")] == [request]
    none = agent("searchReqs", queryRequestFilter=f"(&(requestRecordId={request})(requestStatus=complete))")
    assert none.findall("records/record") == [] and none.findtext("header/totalRecordCount") == "0"
    mine = agent("searchReqs", queryRequestFilter=f"(requestRecordId={request})", owner="self")
    assert mine.findall("records/record") == []
    for bad in ("(userPassword=*)", "(requestType=enroll*)", "nonsense"):
        assert agent("searchReqs", queryRequestFilter=bad).findtext("fixed/requestStatus") != "2"
    assert agent("processReq", "-L", seqNum=request).findtext("output/set/requestId") == request
    assert "not configured" in agent("updateDir", updateAll="yes").findtext("fixed/unexpectedError")


def test_certificate_on_hold_is_revoked_for_good(ca, agent, tmp_path):
    serial = issue(ca, agent, make_csr(tmp_path))

    def revoke(reason):
        nonce = change_nonce(agent, serial)
        return agent("doRevoke", serialNumber="0x" + serial, op="doRevoke", revocationReason=reason,
                     revokeAll=f"(certRecordId=0x{serial})", nonce=f"{nonce}").findtext("header/revoked")
    assert revoke("6") == "yes"
    assert revoke("6") != "yes", "it is on hold already"
    assert revoke("1") == "yes"
    assert revoke("4") != "yes", "nothing comes after for good"
