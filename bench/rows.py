# SPDX-License-Identifier: Apache-2.0
"""What the Python parts of bench/ share: rows as script/bench wants them, and the
test library's masters, clones and directories."""
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time
import types

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests/lib"))

import ca_site  # noqa: E402
import instance  # noqa: E402
import program  # noqa: E402

SMALL = os.environ.get("BENCH_SCALE") == "small"
TOOLS = program.BUILD / "bench"


def row(path, value, unit, limit, what):
    print(f"{path}\t{value}\t{unit}\t{limit}\t{what}", flush=True)


def ms(seconds):
    return f"{seconds * 1000:.1f}"


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


median = statistics.median


def took(what, *args, **kw):
    """Seconds that a call took."""
    began = time.monotonic()
    what(*args, **kw)
    return time.monotonic() - began


def words(*argv):
    """The shell words that one of the programs of bench/ prints, as a dict."""
    out = subprocess.run([TOOLS / argv[0], *map(str, argv[1:])], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {k: float(v) for k, v in re.findall(r"(\w+)=([0-9.]+)", out)}


def admin_pem(site):
    """The administrator's certificate and key in one file."""
    p12 = next(site.m.root.rglob("ca_admin_cert.p12"))
    pem = site.folder / "admin.pem"
    subprocess.run(["openssl", "pkcs12", "-in", p12, "-nodes", "-passin", f"pass:{ca_site.PASSWORD}", "-out", pem],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return pem


def agent(member, pem):
    """A REST client of a member (tests/lib/instance.py)."""
    return instance.Client(types.SimpleNamespace(ca_crt=member.conf / "alias/ca.crt", https=member.https), pem)


def control(member, command):
    """The answer of a running pkid at its control socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(member.root / f"run/pki/{member.name}.sock"))
        s.sendall(json.dumps({"command": command}).encode() + b"\n")
        with s.makefile() as f:
            told = json.loads(f.readline())
    assert told["ok"], told
    return told["result"]


def healthy(member):
    try:
        with socket.create_connection(("127.0.0.1", member.http), 1) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(32).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start(member):
    """Seconds from the start of pkid to its first answer."""
    began = time.monotonic()
    p = program.spawn("pkid", "--root", member.root, member.name, env=member.site.env,
                      log=member.site.folder / f"{member.name}.log")
    program.wait_for("pkid", lambda: healthy(member) or p.poll() is not None, 120, 0.002)
    assert p.poll() is None, (member.site.folder / f"{member.name}.log").read_text()
    seconds = time.monotonic() - began
    program.wait_for("its pid file", (member.root / f"run/pki/{member.name}.pid").exists)
    member.process = p
    return seconds


def stop(member):
    member.server("stop", status=None)
    if getattr(member, "process", None):
        member.process.wait(60)
        member.process = None
