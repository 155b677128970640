# SPDX-License-Identifier: Apache-2.0
"""Clients that enrol and revoke at once and remember what was acknowledged."""
import http.client
import random
import ssl
import threading
import time

from cryptography import x509

import instance


class Load:
    """Threads that work until stop(), or until the server goes away.

    acks: (time.monotonic() of the reply, what, id), what one of "cert", "request",
    "pending", "revoked", "held", "released"."""

    def __init__(self, ca, threads=4, seed=0):
        self.ca, self.acks, self.errors = ca, [], []
        self.crl_numbers = []
        self.csr = instance.csr("load.example.com")
        self.halt = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(random.Random(seed * 1000 + i), i), daemon=True)
                        for i in range(threads)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self, timeout=20):
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
                self.step(client, rnd, i)
        except (OSError, ssl.SSLError, http.client.HTTPException):
            pass  # the server was killed
        except Exception as e:  # noqa: BLE001 a refusal under load is a finding
            self.errors.append(repr(e))
        finally:
            client.close()

    def step(self, client, rnd, i):
        what = rnd.random()
        if what < 0.1:
            self.ack("pending", client.submit(self.csr)[0]["requestID"])
            return
        if what < 0.15 and i == 0:
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
