# SPDX-License-Identifier: Apache-2.0
"""Clients that enrol and revoke at once and remember what was acknowledged."""
import http.client
import random
import ssl
import threading
import time

from cryptography import x509

import instance
import program


class Load:
    """Threads that work until stop(), or until the server goes away. patient: a 503 is waited out; crl: they
    ask for CRLs too.

    acks: (time.monotonic() of the reply, what, id), what one of "cert", "request",
    "pending", "revoked", "held", "released"."""

    def __init__(self, ca, threads=4, seed=0, patient=False, crl=True):
        self.ca, self.acks, self.errors = ca, [], []
        self.patient, self.crl, self.crl_numbers, self.refused = patient, crl, [], 0
        self.csr = instance.csr("load.example.com")
        self.halt = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(random.Random(seed * 1000 + i), i), daemon=True)
                        for i in range(threads)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def until(self, n):
        """Waits for n acknowledgements in all."""
        program.wait_for(f"{n} acknowledgements", lambda: self.errors or len(self.acks) >= n)

    def stop(self, timeout=60):
        self.halt.set()
        for t in self.threads:
            t.join(timeout)
            assert not t.is_alive(), "a client hangs"
        assert not self.errors, self.errors[:3]
        return self.acks

    def ack(self, what, ident):
        self.acks.append((time.monotonic(), what, ident))

    def work(self, rnd, i):
        client = self.ca.agent()
        try:
            while not self.halt.is_set():
                self.try_step(client, rnd, i)
        except (OSError, ssl.SSLError, http.client.HTTPException):
            pass  # the server was killed
        except Exception as e:  # noqa: BLE001 a refusal under load is a finding
            self.errors.append(repr(e))
        finally:
            client.close()

    def try_step(self, client, rnd, i):
        try:
            self.step(client, rnd, i)
        except instance.Refused as e:
            if not self.patient or e.status != 503:
                raise
            self.refused += 1
            time.sleep(0.1)

    def step(self, client, rnd, i):
        what = rnd.random()
        if what < 0.1:
            self.ack("pending", client.submit(self.csr)[0]["requestID"])
            return
        if what < 0.15 and i == 0 and self.crl:
            crl = client.crl_update()
            self.crl_numbers.append(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
            return
        info = client.submit(self.csr, "caAgentServerCert")[0]
        assert info["requestStatus"] == "complete", info
        serial = info["certId"]
        self.ack("cert", serial)
        self.ack("request", info["requestID"])
        if what < 0.5:
            client.revoke(serial, "Superseded")
            self.ack("revoked", serial)
        elif what < 0.6:
            client.revoke(serial, "Certificate_Hold")
            self.ack("held", serial)
            client.unrevoke(serial)
            self.ack("released", serial)


def state_of(acks):
    """What the last acknowledgements about each id promise."""
    want = {}
    for _, what, ident in acks:
        kind = "request" if what in ("request", "pending") else "cert"
        want[kind, ident] = what
    return want


def all_of(client, path, size_name):
    """Every entry of a paged list."""
    out, start = [], 0
    while True:
        page = client.json("GET", f"{path}?start={start}&{size_name}=500")["entries"]
        out += page
        if len(page) < 500:
            return out
        start += len(page)


def check_kept(ca, acks, crl=None):
    """Fails unless ca has what was acknowledged, once, and its CRL (a new one when crl is None) has the revocations.
    Returns the CRL's number."""
    agent = ca.agent()
    certs = all_of(agent, "certs", "size")
    requests = all_of(agent, "agent/certrequests", "pageSize")
    by_serial = {c["id"]: c for c in certs}
    by_request = {r["requestID"]: r for r in requests}
    assert len(by_serial) == len(certs) and len(by_request) == len(requests), "a record is doubled"
    revoked = {}
    for (kind, ident), what in state_of(acks).items():
        if kind == "cert":
            assert ident in by_serial, f"certificate {ident} was acknowledged and is gone"
            got = by_serial[ident]["Status"]
            # what was cut off after the last acknowledgement may have come true
            assert got in (("REVOKED",) if what == "revoked" else ("VALID", "REVOKED")), (ident, what, got)
            if what == "revoked":
                revoked[int(ident, 16)] = ident
        else:
            assert ident in by_request, f"request {ident} was acknowledged and is gone"
            status = by_request[ident]["requestStatus"]
            assert status == ("complete" if what == "request" else "pending"), (ident, what, status)
    enrolled = [r["certId"] for r in requests if r["requestType"] == "enrollment" and r.get("certId")]
    assert len(enrolled) == len(set(enrolled)), "two requests name one certificate"
    assert set(enrolled) <= set(by_serial), "a complete request's certificate is missing"
    crl = crl or agent.crl_update()
    on_list = {e.serial_number for e in crl}
    assert set(revoked) <= on_list, "a revocation is not on the CRL"
    agent.close()
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
