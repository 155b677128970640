# SPDX-License-Identifier: Apache-2.0
"""A CA of canned answers, to test the client alone: it keeps a session cookie,
demands a login below agent/ and admin/, and the nonce of a review."""
import base64
import http.server
import json
import ssl
import threading
import urllib.parse

PASSWORD = "Secret.123"


def entry(serial, status="VALID", **more):
    return {"id": serial, "SubjectDN": "CN=www.example.com,O=EXAMPLE",
            "IssuerDN": "CN=CA Signing Certificate,O=EXAMPLE", "Status": status,
            "Type": "X.509", "Version": 2, "KeyAlgorithmOID": "1.2.840.113549.1.1.1",
            "KeyLength": 2048, "NotValidBefore": 1700000000000, "NotValidAfter": 1731536000000,
            "IssuedOn": 1700000000000, "IssuedBy": "caadmin", **more}


class Ca(http.server.ThreadingHTTPServer):
    """Ca(pem) serves the certificate `pem` under every serial number."""

    def __init__(self, pem, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pem, self.status, self.nonce = pem, {}, 8446744073709551615 // 2
        self.seen = []  # (method, path, body)
        self.banner = None
        self.requests = {}
        self.users = {"caadmin": {"id": "caadmin", "UserID": "caadmin", "FullName": "Admin",
                                  "Email": "a@example.com", "type": "adminType", "state": "1"}}
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def paths(self):
        return [f"{m} {p}" for m, p, _ in self.seen]

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()

    def handle_error(self, request, client_address):
        pass  # a client that refuses our certificate


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def log_message(self, *_):
        pass

    def answer(self, code, body=None, type_="application/json", cookie=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        if cookie:
            self.send_header("Set-Cookie", f"JSESSIONID={cookie}; Path=/; HttpOnly")
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, code, name, text):
        self.answer(code, {"Attributes": {"Attribute": []}, "Code": code, "Message": text,
                           "ClassName": f"com.netscape.certsrv.base.{name}"})

    def handle_one(self):
        ca = self.server
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        ca.seen.append((self.command, self.path, raw))
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if path == "/pki/v2/info":
            info = {"Name": "Signet", "Version": "11.10.0"}
            return self.answer(200, {**info, "Banner": ca.banner} if ca.banner else info)
        if path == "/pki/v2/login":
            return self.answer(204)
        if path == "/ca/agent/ca/updateCRL":
            return self.answer(200, b"<xml><header><crlIssuingPoint>MasterCRL</crlIssuingPoint>"
                               b"<crlUpdate>Success</crlUpdate></header><fixed/></xml>", "application/xml")
        if not path.startswith("/ca/v2/"):
            return self.answer(404)
        path = path[len("/ca/v2/"):]
        logged_in = "JSESSIONID=s1" in self.headers.get("Cookie", "")
        if path == "account/login":
            want = "Basic " + base64.b64encode(f"caadmin:{PASSWORD}".encode()).decode()
            if self.headers.get("Authorization") != want:
                return self.answer(401, b"<html>401</html>", "text/html")
            return self.answer(200, {"id": "caadmin", "Roles": []}, cookie="s1")
        if path == "account/logout":
            return self.answer(204)
        if path.split("/")[0] in ("agent", "admin") and not logged_in:
            return self.fail(403, "ForbiddenException", "No user principal provided.")
        body = None
        if raw and self.headers.get("Content-Type") == "application/json":
            try:
                body = json.loads(raw)
            except ValueError:
                body = raw.decode()
        return self.rest(path, query, body)

    def cert(self, serial, nonce=False):
        ca = self.server
        status = ca.status.get(serial, "VALID")
        o = {"id": serial, "IssuerDN": "CN=CA Signing Certificate,O=EXAMPLE",
             "SubjectDN": "CN=www.example.com,O=EXAMPLE", "Status": status, "Encoded": ca.pem,
             "NotBefore": "2023-11-14 22:13:20 +0000", "NotAfter": "2024-11-13 22:13:20 +0000"}
        if status == "REVOKED":
            o.update(RevokedOn=1700000100000, RevokedBy="caadmin")
        if nonce:
            o["Nonce"] = ca.nonce
        return o

    def rest(self, path, query, body):
        ca, parts, method = self.server, path.split("/"), self.command
        if parts[0] == "certs" and method == "POST":
            return self.answer(200, {"entries": [entry("0x1"), entry(
                "0x2", "REVOKED", KeyAlgorithmOID="1.2.840.10045.2.1", RevokedOn=1700000100000,
                RevokedBy="caadmin")]})
        if parts[0] == "certs":
            if parts[1] == "0x5":
                return self.fail(404, "ResourceNotFoundException", "Certificate ID 0x5 not found")
            return self.answer(200, self.cert(parts[1]))
        if path == "config/cert/signing":
            return self.answer(200, self.cert("0x1"))
        if path.startswith("agent/certs/"):
            return self.agent_cert(parts, body)
        if parts[0] == "certrequests" or path.startswith("agent/certrequests"):
            return self.enrollment(parts, query, body)
        if parts[0] == "admin":
            return self.admin(parts, body)
        if parts[0] == "profiles":
            return self.profile(parts, query)
        if path == "selftests/run":
            return self.answer(200, {"entries": [{"id": "CAPresence", "status": "PASSED"}]})
        return self.answer(404)

    def agent_cert(self, parts, body):
        ca, serial = self.server, parts[2]
        if len(parts) == 3:
            return self.answer(200, self.cert(serial, nonce=True))
        info = {"requestID": "0x9", "requestType": "revocation", "requestStatus": "complete",
                "operationResult": "success"}
        if parts[3] == "unrevoke":
            if ca.status.get(serial) != "REVOKED":
                return self.answer(200, {**info, "operationResult": "error",
                                         "errorMessage": "certificate is not on hold"})
            ca.status[serial] = "VALID"
            return self.answer(200, info)
        if body.get("Nonce") != ca.nonce:
            return self.fail(400, "BadRequestException", "Missing nonce.")
        if ca.status.get(serial) == "REVOKED":
            return self.fail(400, "BadRequestException",
                             f"certificate #{serial[2:]} has already been revoked")
        ca.status[serial] = "REVOKED"
        return self.answer(200, info)

    def enrollment(self, parts, query, body):
        ca = self.server
        if parts[:2] == ["certrequests", "profiles"]:
            if len(parts) == 2:
                return self.answer(200, {"total": 1, "entries": [
                    {"profileId": "caServerCert", "profileName": "Server", "profileDescription": "For servers"}]})
            if parts[2] != "caServerCert":
                return self.fail(400, "BadRequestException", f"Cannot provide enrollment template for profile `{parts[2]}`.")
            return self.answer(200, {
                "ProfileID": parts[2], "Renewal": False, "RemoteHost": "", "RemoteAddress": "",
                "Attributes": {"Attribute": []}, "Output": [],
                "Input": [{"id": "i1", "ClassID": "certReqInputImpl", "Name": "Certificate Request Input",
                           "ConfigAttribute": [], "Attribute": [
                    {"name": n, "Value": "", "Descriptor": {"Syntax": n, "Description": n}}
                    for n in ("cert_request_type", "cert_request", "requestor_name", "req_san_type_0",
                              "req_san_pattern_0")]}]})
        info = {"requestID": "0x7", "requestType": "enrollment", "requestStatus": "pending",
                "operationResult": "success", "creationTime": 1700000000000,
                "modificationTime": 1700000000000}
        if parts == ["certrequests"]:
            ca.requests["0x7"] = body
            return self.answer(200, {"entries": [info]})
        done = {**info, "requestStatus": "complete", "certId": "0x1a"}
        if parts[0] == "certrequests":
            return self.answer(200, done if ca.requests.get("done") else info)
        if len(parts) == 2:
            return self.answer(200, {"total": 1, "entries": [info]})
        if len(parts) == 3:
            return self.answer(200, {"nonce": "42", "requestId": parts[2], "Input": []})
        if body.get("nonce") != "42":
            return self.fail(400, "BadRequestException", "Missing nonce.")
        ca.requests["done"] = True
        return self.answer(204)

    def admin(self, parts, body):
        ca, method = self.server, self.command
        if parts[1] != "users":
            return self.answer(404)
        if len(parts) == 2 and method == "GET":
            return self.answer(200, {"total": len(ca.users), "entries": list(ca.users.values())})
        if len(parts) == 2:
            ca.users[body["UserID"]] = {k: v for k, v in body.items() if k != "password"}
            return self.answer(201, ca.users[body["UserID"]])
        user = ca.users.get(parts[2])
        if user is None:
            return self.fail(404, "UserNotFoundException", f"User {parts[2]} not found")
        if len(parts) == 3:
            if method == "DELETE":
                del ca.users[parts[2]]
                return self.answer(204)
            if method == "PATCH":
                user.update(body)
            return self.answer(200, user)
        if parts[3] == "memberships":
            return self.answer(201, {"id": body, "userID": parts[2]})
        return self.answer(201, {"id": "2;7;CN=i;CN=s", "Version": 2, "SerialNumber": "7",
                                 "IssuerDN": "CN=i", "SubjectDN": "CN=s"})

    def profile(self, parts, query):
        if len(parts) == 3:
            return self.answer(200, b"profileId=caServerCert\nclassId=caEnrollImpl\n", "application/octet-stream")
        if query.get("action"):
            return self.answer(204)
        return self.answer(200, {"id": parts[1], "name": "Server", "description": "For servers",
                                 "enabled": True, "visible": True, "inputs": [], "outputs": []})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one
