# SPDX-License-Identifier: Apache-2.0
"""Backup and restore of an instance, store included: online, and by a plain tar
of the documented set (spec deployment 1.2); what a restored instance knows."""
import os
import shutil
import subprocess
import tarfile
import threading

import pytest

import instance
import program
from instance import csr

RANGES = ["pki_request_id_generator=legacy2", "pki_cert_id_generator=legacy2"]
SET = ["etc/pki/t", "etc/sysconfig/t", "etc/sysconfig/pki/tomcat/t", "var/lib/pki/t", "var/log/pki/t"]
KEY_IDS = {  # spec deployment 6
    "a7b0944b7b8397729a4c8c9af3a9c2b96f49c6f3": "-584f6bb4847c688d65b373650c563d4690b6390d",
    "6006094af3e5d02aaa91426594ca66cb53e73ac0": "6006094af3e5d02aaa91426594ca66cb53e73ac0",
    "d684da39bf4f2789a3fc9d42204596f4578ad2d9": "-297b25c640b0d8765c0362bddfba690ba8752d27",
    "a8edd7c2b5c94f13144cacd99624578ae30b7e43": "-5712283d4a36b0ecebb3532669dba8751cf481bd",
    "2fe35d9d46b373efabe9ef01b8436667a70df096": "2fe35d9d46b373efabe9ef01b8436667a70df096",
}


@pytest.fixture(scope="module")
def ranged():
    made = instance.Golden(*RANGES)
    yield made
    made.remove()


@pytest.fixture
def ca(ranged):
    made = instance.Ca(ranged)
    yield made
    made.remove()


def server(ca, *argv, **kw):
    return program.run("pki-server", "--root", ca.root, *argv, env=ca.env, **kw)


def machine_lost(ca):
    """All of the instance and what its host knew of it."""
    for path in [*SET, "var/lib/pki/.host"]:
        full = ca.root / path
        if full.is_dir() and not full.is_symlink():
            shutil.rmtree(full)
        elif full.exists():
            full.unlink()


def numbers(agent, n):
    return [int(agent.issue(csr(), "caAgentServerCert"), 16) for _ in range(n)]


def test_a_backup_made_under_load_restores_what_was_acknowledged(ca, tmp_path):
    ca.start()
    agent = ca.agent()
    before = numbers(agent, 3)
    stop, meanwhile = threading.Event(), []

    def load():
        other = ca.agent()
        while not stop.is_set():
            meanwhile.extend(numbers(other, 1))
        other.close()
    thread = threading.Thread(target=load)
    thread.start()
    try:
        program.wait_for("some load", lambda: len(meanwhile) > 2, 60)
        file = tmp_path / "backup.tgz"
        done = server(ca, "backup", "t", "--file", file)
        assert "Backed up instance \"t\"" in done.stdout
    finally:
        stop.set()
        thread.join()
    after = numbers(agent, 3)
    agent.close()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list((ca.root / "var/lib/pki/.host/t").glob("backup.*"))
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert "var/lib/pki/t/ca/db/data.mdb" in names and not [n for n in names if ".host" in n or "stage" in n]
    assert names.count("var/lib/pki/t/ca/db/data.mdb") == 1

    ca.kill()
    machine_lost(ca)
    assert "restore-accept" in server(ca, "restore", "t", "--file", file).stdout
    ca.start()
    assert "restored or copied" in ca.log.read_text()
    agent = ca.agent()
    for serial in before:
        assert agent.cert(hex(serial)).serial_number == serial
    again = numbers(agent, 3)
    # nothing that the lost machine issued after its backup comes again
    assert not set(again) & set(before + meanwhile + after)
    assert min(again) > 0x10000000
    agent.close()
    assert server(ca, "ca-restore-accept", "-i", "t").stdout


def test_a_plain_tar_of_the_documented_set_restores(ca, tmp_path):
    ca.start()
    agent = ca.agent()
    made = numbers(agent, 2)
    agent.close()
    ca.stop()
    there = [p for p in SET if (ca.root / p).exists()]
    subprocess.run(["tar", "-C", ca.root, "-cf", tmp_path / "set.tar", *there], check=True)
    machine_lost(ca)
    subprocess.run(["tar", "-C", ca.root, "-xpf", tmp_path / "set.tar"], check=True)
    ca.start()
    assert "restored or copied" in ca.log.read_text()
    agent = ca.agent()
    assert agent.cert(hex(made[0])).serial_number == made[0]
    assert min(numbers(agent, 1)) > 0x10000000
    agent.close()


def test_a_stopped_instance_is_backed_up_and_put_over_itself(ca, tmp_path):
    file = tmp_path / "b.tar"
    server(ca, "backup", "t", "--file", file)
    done = server(ca, "restore", "t", "--file", file, status=1)
    assert "already exists" in done.stderr
    ca.start()
    done = server(ca, "restore", "t", "--file", file, "--force", status=1)
    assert "stop it first" in done.stderr
    agent = ca.agent()
    made = numbers(agent, 2)
    agent.close()
    ca.stop()
    server(ca, "restore", "t", "--file", file, "--force")
    # old files are no edits of what the clones have since
    assert not list((ca.root / "var/lib/pki/.host/t").glob("*.applied"))
    ca.start()
    assert "the store is behind" in ca.log.read_text()
    agent = ca.agent()
    assert not set(numbers(agent, 2)) & set(made)
    agent.close()


def test_what_is_no_backup_of_the_instance_is_refused(ca, tmp_path):
    file = tmp_path / "b.tar"
    server(ca, "backup", "t", "--file", file)
    done = server(ca, "backup", "t", "--file", file, status=1)
    assert "already exists" in done.stderr
    done = server(ca, "restore", "other", "--file", file, status=1)
    assert "no part of" in done.stderr and not (ca.root / "etc/pki/other").exists()
    text = tmp_path / "text.tar"
    text.write_text("no archive")
    assert "no readable archive" in server(ca, "restore", "t", "--file", text, status=1).stderr
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[:100000])
    assert server(ca, "restore", "t", "--file", cut, "--force", status=1).stderr
    bad = tmp_path / "bad.tar"
    with tarfile.open(bad, "w") as tar:
        info = tarfile.TarInfo("etc/pki/t/../../shadow")
        tar.addfile(info)
    assert "no part of" in server(ca, "restore", "t", "--file", bad, "--force", status=1).stderr
    ca.start()  # nothing was touched


@pytest.mark.parametrize("plain,signed", KEY_IDS.items())
def test_key_ids_convert_both_ways(plain, signed):
    want = f"  certutil: {plain}\n  CS.cfg: {signed}\n"
    for text in (plain, signed):
        assert program.run("pki-server", "key-id-convert", "--", text, env=dict(os.environ)).stdout == want
