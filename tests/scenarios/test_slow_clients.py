# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow on purpose hold up nobody and leave nothing behind."""
import os
import selectors
import socket
import threading
import time

import program
from instance import csr

TRICKLING, HALF_OPEN = 500, 50
SECONDS = 6  # how long the siege lasts
PATIENCE = 60  # seconds, for what must come
ANSWER_MAX = 20.0  # seconds; the machine may be busy, a client held up waits for ever


class Siege(threading.Thread):
    """Connections that send a byte a second, and handshakes that stop after the
    first bytes."""

    def __init__(self, ca):
        super().__init__(daemon=True)
        self.ca, self.halt, self.sent, self.cut = ca, threading.Event(), 0, 0
        self.socks = []

    def connect(self):
        for i in range(TRICKLING):
            s = socket.create_connection(("127.0.0.1", self.ca.http), 10)
            s.setblocking(False)
            self.socks.append(s)
        for i in range(HALF_OPEN):
            s = socket.create_connection(("127.0.0.1", self.ca.https), 10)
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a ClientHello that never ends
            self.socks.append(s)

    def run(self):
        text = b"POST /ca/ocsp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + b"0" * 50
        at = 0
        while not self.halt.wait(1):
            for s in self.socks[:TRICKLING]:
                try:
                    s.send(text[at % len(text):at % len(text) + 1])
                    self.sent += 1
                except OSError:
                    self.cut += 1
            at += 1

    def close(self):
        self.halt.set()
        self.join()
        for s in self.socks:
            s.close()


def test_slow_clients_hold_up_nobody(ca):
    agent = ca.agent()
    cert = agent.cert(agent.issue(csr(), "caAgentServerCert"))
    agent.close()
    program.wait_for("only this connection", lambda: ca.metrics()["pki_http_connections"] <= 1, PATIENCE)
    fds = len(os.listdir(f"/proc/{ca.pid()}/fd"))
    siege = Siege(ca)
    siege.connect()
    siege.start()
    slowest, answers, began_all = 0.0, 0, time.monotonic()
    while time.monotonic() < began_all + SECONDS or (
            time.monotonic() < began_all + PATIENCE and not (siege.sent >= TRICKLING * 3 and answers > 50)):
        for ask in (lambda: ca.ocsp(cert), lambda: ca.ocsp(cert, nonce=os.urandom(16)),
                    lambda: ca.plain("GET", "/health")):
            began = time.monotonic()
            assert ask() is not None
            slowest = max(slowest, time.monotonic() - began)
            answers += 1
        time.sleep(0.02)
    assert siege.sent >= TRICKLING * 3
    open_now = ca.metrics()["pki_http_connections"]
    assert open_now >= TRICKLING, "the siege was not one"
    client = ca.agent()  # a TLS log-in works too
    assert client.call("GET", "account/login")[0] == 200
    client.close()
    siege.close()
    print(f"{answers} answers, slowest {slowest * 1000:.0f} ms")
    assert slowest < ANSWER_MAX and answers > 50
    program.wait_for("connections end", lambda: ca.metrics()["pki_http_connections"] <= 1, PATIENCE)
    program.wait_for("descriptors are closed", lambda: len(os.listdir(f"/proc/{ca.pid()}/fd")) <= fds, PATIENCE)


def test_a_handshake_that_stops_is_cut(ca):
    with socket.create_connection(("127.0.0.1", ca.https), 10) as s:
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        s.settimeout(PATIENCE)
        began = time.monotonic()
        try:
            while s.recv(100):
                pass
        except ConnectionError:
            pass
        assert time.monotonic() - began < PATIENCE


def test_a_request_that_trickles_is_cut(ca):
    """The deadline is absolute: bytes do not extend it."""
    with socket.create_connection(("127.0.0.1", ca.http), 10) as s:
        s.setblocking(False)
        with selectors.DefaultSelector() as sel:
            sel.register(s, selectors.EVENT_READ)
            began = time.monotonic()
            ended = None
            while ended is None and time.monotonic() - began < 40:
                try:
                    s.send(b"G" if time.monotonic() - began < 1 else b"E")
                except OSError:
                    ended = time.monotonic()
                    break
                if sel.select(0.5):
                    ended = time.monotonic()
        assert ended is not None and ended - began < 30
