# SPDX-License-Identifier: Apache-2.0
"""Requests leave no memory behind. MEMORY_REQUESTS (default 2000)."""
import os

from instance import csr

REQUESTS = int(os.environ.get("MEMORY_REQUESTS", "2000"))
GROWTH_MAX = 1 << 20
WINDOWS = 3


def work(ca, client, n, request):
    """n requests of all sorts."""
    for i in range(n // 8):
        serial = client.issue(request, "caAgentServerCert") if i % 4 == 0 else None
        client.json("GET", "certs?size=20")
        client.json("GET", "agent/certrequests?pageSize=20")
        client.json("GET", "profiles/caServerCert")
        client.call("GET", "certs/0x1")
        client.call("POST", "certrequests", "{")
        ca.plain("GET", "/health")
        ca.plain("POST", "/ca/ocsp", b"nonsense", {"Content-Type": "application/ocsp-request"})
        if serial:
            client.revoke(serial)


def test_requests_leave_no_memory_behind(ca):
    client, request = ca.agent(), csr()
    work(ca, client, 1000, request)  # warm-up: pools, caches, arenas
    growths = []
    for _ in range(WINDOWS):  # another thread's arena may warm up late; a leak goes on
        before = ca.memory()
        work(ca, client, REQUESTS, request)
        growths.append(ca.memory() - before)
        if growths[-1] < GROWTH_MAX:
            break
    print(f"{growths} bytes after {REQUESTS} requests each")
    assert growths[-1] < GROWTH_MAX
    client.close()
