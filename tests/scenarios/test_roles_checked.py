# SPDX-License-Identifier: Apache-2.0
"""What a promotion checks, and what it does when a check fails (docs/roles.md)."""
import datetime
import http.server
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import instance

PATIENT = ("--wait", "90")
NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


class Impostor:
    """An HTTPS server in place of a CA, with that certificate and that CRL."""

    def __init__(self, pem, crl):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(crl)))
                self.end_headers()
                self.wfile.write(crl)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(pem))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def own_certificate(path):
    """A certificate for localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(7).not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=9))
            .sign(key, hashes.SHA256()))
    return instance.write_pem(path, key, cert)


def issued_certificate(ca, path):
    """A certificate for localhost of this CA."""
    key = instance.make_key()
    agent = ca.agent()
    cert = agent.cert(agent.issue(instance.csr("localhost", key), "caAgentServerCert"))
    agent.close()
    return instance.write_pem(path, key, cert)


def forged(crl):
    """The same list with a higher number, signed by somebody else."""
    crl = x509.load_der_x509_crl(crl)
    b = (x509.CertificateRevocationListBuilder().issuer_name(crl.issuer).last_update(NOW)
         .next_update(NOW + datetime.timedelta(days=9)).add_extension(x509.CRLNumber(1 << 60), False))
    return b.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("wrong", ["server certificate", "signature"])
def test_a_hand_over_is_rolled_back_when_the_new_crl_is_not_served(make_pair, wrong):
    p = make_pair().start()
    if wrong == "signature":
        fake = Impostor(issued_certificate(p.a, p.b.folder / "fake.pem"), forged(p.a.crl_der()))
    else:
        fake = Impostor(own_certificate(p.b.folder / "fake.pem"), p.a.crl_der())
    try:
        instance.set_lines(p.b.server_cfg, {"https.port": fake.port})  # where the CRL's URL points
        said = p.server(p.b, "ca-promote", *PATIENT, status=1)
    finally:
        fake.close()
    assert ("not a CRL of this CA" if wrong == "signature" else "UNTRUSTED_ISSUER") in said or \
        (wrong != "signature" and "UNKNOWN_ISSUER" in said), said
    # the master is the master again, and goes on above every number
    p.until_states(p.a, "held")
    p.until_states(p.b, "clone")
    number = p.number(p.a)
    agent = p.a.agent()
    agent.crl_update()
    agent.close()
    assert p.number(p.a) > number
    assert p.setting(p.a, "ca.crl.MasterCRL.enableCRLUpdates") == "true"
    p.until("the other to be its clone", lambda: p.setting(p.b, "ca.crl.MasterCRL.enableCRLUpdates") == "false")
