# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load, and the power cut below the page cache: what was
acknowledged is there. CRASH_ROUNDS (default 5) kills, seed in CRASH_SEED."""
import os
import random
import shutil
import struct
import subprocess
import time

import pytest
from cryptography import x509

import program
from load import Load, check_kept, state_of

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "5"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.randrange(1, 1 << 30)
CERT, REQUEST = 0, 1  # kinds of the store's id table
PAGE = 4096


def crl_number(ca):
    return ca.crl().extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_nothing_acknowledged_is_lost_by_kill_9(new_ca):
    print(f"CRASH_SEED={SEED}")
    rnd = random.Random(SEED)
    ca = new_ca()
    acks, highest = [], 0
    for i in range(ROUNDS):
        load = Load(ca, threads=4, seed=SEED + i).start()
        time.sleep(0.2 + rnd.random() * 0.8)
        load.until(1)
        ca.kill()
        acks += load.stop()
        highest = max([highest, *load.crl_numbers])
        ca.start()  # no repair by hand
        assert crl_number(ca) >= highest
        highest = check_kept(ca, acks)


# --- below the page cache ------------------------------------------------------------

@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    d = tmp_path_factory.mktemp("tools")
    lib = program.TOP / "tests/lib"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", d / "record.so", lib / "record_writes.c", "-lpthread"],
                   check=True)
    subprocess.run(["cc", "-O1", "-o", d / "list", lib / "list_store.c", "-llmdb"], check=True)
    return d


def read_log(path):
    """(what, began, ended, offset, bytes or length) in order; times in seconds."""
    data, at, out = path.read_bytes(), 0, []
    while at + 40 <= len(data):
        what, began, ended, offset, length = struct.unpack_from("<c7xqqqq", data, at)
        at += 40
        out.append((what, began / 1e9, ended / 1e9, offset, data[at:at + length]))
        at += length
    return out


class Disk:
    """The file as the platter has it: synced bytes, and writes still on the way."""

    def __init__(self, image):
        self.image, self.pending = bytearray(image), []

    def put(self, image, offset, data):
        if len(image) < offset + len(data):
            image.extend(bytes(offset + len(data) - len(image)))
        image[offset:offset + len(data)] = data

    def take(self, what, offset, data):
        """True when something became durable."""
        if what == b"w":
            self.pending.append((offset, data))
            return False
        if what == b"d":  # durable by itself, which says nothing about others
            self.put(self.image, offset, data)
            return True
        if what == b"s":
            for o, d in self.pending:
                self.put(self.image, o, d)
            self.pending = []
            return True
        raise AssertionError(f"unexpected {what} of the store's file")

    def torn(self, rnd):
        """What may be there after a cut: any pages of the writes on the way."""
        image = bytearray(self.image)
        for offset, data in self.pending:
            for at in range(0, len(data), PAGE):
                if rnd.random() < 0.5:
                    self.put(image, offset + at, data[at:at + PAGE])
        return bytes(image)


def listing(tools, folder, image):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "data.mdb").write_bytes(image)
    out = subprocess.run([tools / "list", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False, timeout=60)
    assert out.returncode == 0, f"the store of a cut does not open: {out.stderr}"
    found = {}
    for line in out.stdout.splitlines():
        kind, ident, revoked = line.split(" ", 2)
        found[int(kind), int(ident, 16)] = revoked == "1"
    return found


def check_acks(found, acks):
    for (kind, ident), what in state_of(acks).items():
        key = (CERT if kind == "cert" else REQUEST, int(ident, 16))
        assert key in found, f"{what} {ident} was acknowledged before the cut and is gone"
        if what == "revoked":
            assert found[key], f"the revocation of {ident} was acknowledged before the cut and is gone"


def test_a_reply_leaves_after_the_sync(new_ca, tools):
    """Replays the store's file as of each sync, with and without pages of the
    writes that were on the way, and looks for all that was acknowledged by then."""
    rnd = random.Random(SEED)
    print(f"CRASH_SEED={SEED}")
    ca = new_ca(start=False)
    before = (ca.db / "data.mdb").read_bytes()
    log = ca.folder / "writes"
    ca.start(env={"LD_PRELOAD": str(tools / "record.so"), "RECORD_WRITES": str(log)})
    load = Load(ca, threads=3, seed=SEED).start()
    time.sleep(1.5)
    load.until(200)
    acks = sorted(load.stop())
    ca.stop()
    events = read_log(log)
    syncs = sum(e[0] in (b"s", b"d") for e in events)
    assert syncs > 20, (syncs, len(acks))
    disk, n, work = Disk(before), 0, ca.folder / "cut"
    with pytest.raises(AssertionError, match="is gone"):  # the check can fail
        check_acks(listing(tools, work, before), acks[:1])
    wanted = set(rnd.sample(range(syncs), min(syncs, 60))) | {syncs - 1}
    for i, (what, _, _, offset, data) in enumerate(events):
        if not disk.take(what, offset, data):
            continue
        # until the next call on the file ends, this is what a cut leaves
        until = next((e[2] for e in events[i + 1:] if e[0] in (b"s", b"d")), float("inf"))
        if n in wanted:
            due = [a for a in acks if a[0] < until]
            check_acks(listing(tools, work, bytes(disk.image)), due)
            later = Disk(bytes(disk.image))
            for e in events[i + 1:]:
                if e[0] != b"w":
                    break
                later.take(e[0], e[3], e[4])
            check_acks(listing(tools, work, later.torn(rnd)), due)
        n += 1


def test_the_store_of_a_cut_serves(new_ca, tools):
    """pkid itself starts on the file of a cut in the middle of the load."""
    rnd = random.Random(SEED)
    ca = new_ca(start=False)
    before = (ca.db / "data.mdb").read_bytes()
    log = ca.folder / "writes"
    ca.start(env={"LD_PRELOAD": str(tools / "record.so"), "RECORD_WRITES": str(log)})
    load = Load(ca, threads=3, seed=SEED).start()
    time.sleep(0.8)
    load.until(20)
    ca.kill()
    acks = sorted(load.stop())
    events = read_log(log)
    cut = rnd.randrange(len(events) // 2, len(events))
    disk, durable_at = Disk(before), 0.0
    for what, _, ended, offset, data in events[:cut]:
        if disk.take(what, offset, data):
            durable_at = ended
    (ca.db / "data.mdb").write_bytes(disk.torn(rnd))
    ca.start()
    check_kept(ca, [a for a in acks if a[0] < durable_at])
