# SPDX-License-Identifier: Apache-2.0
"""The harness itself: what all other scenarios lean on."""
import os
import shutil
import subprocess
import sys

import ldap
import program
import pytest


def test_a_skipped_test_counts_as_failed(root):
    shutil.copy(program.TOP / "tests/conftest.py", root)
    shutil.copytree(program.TOP / "tests/lib", root / "lib")
    (root / "test_x.py").write_text(
        "import pytest\n"
        "def test_skips():\n    pytest.skip('no')\n"
        "@pytest.mark.skip\ndef test_is_marked():\n    pass\n"
        "@pytest.mark.xfail\ndef test_expects_failure():\n    assert False\n"
        "def test_passes():\n    pass\n")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."], cwd=root,
                          stdout=subprocess.PIPE, text=True, check=False, timeout=60,
                          env=dict(os.environ, BUILD_DIR=str(program.BUILD)))
    assert done.returncode == 1, done.stdout
    assert "2 failed, 1 passed, 1 error" in done.stdout


@pytest.mark.quick
def test_ports_are_not_handed_out_twice(free_port):
    assert len({free_port() for _ in range(50)}) == 50


def test_directory_answers_plain_and_tls(directory, run):
    server = directory(suffix="dc=face,dc=test")
    assert server.connect().search_s("dc=face,dc=test", ldap.SCOPE_BASE)[0][1]["dc"] == [b"face"]
    out = run("ldapsearch", "-x", "-LLL", "-H", server.ldaps_url, "-D", server.bind_dn, "-w", server.password,
              "-b", server.suffix, "-s", "base", "dc", env={"LDAPTLS_CACERT": str(server.ca_file)})
    assert "dc: face" in out.stdout


def test_replicas_part_and_meet_again(replicas):
    net = replicas(2, suffix="dc=two,dc=test")
    a, b = net.servers
    top = f"cn=x,{net.suffix}"
    net.pause()
    for server in (a, b):
        server.connect().add_s(top, [("objectClass", b"nsContainer"), ("cn", b"x")])
    assert not net.in_sync()
    net.resume()
    net.wait()
    for server in (a, b):
        assert server.connect().search_s(top, ldap.SCOPE_BASE)
        assert len(net.conflicts(server)) == 1


def test_directory_keeps_an_acknowledged_entry_when_killed(directory):
    server = directory()
    server.connect().add_s(f"ou=kept,{server.suffix}", [("objectClass", b"organizationalUnit"), ("ou", b"kept")])
    server.kill()
    assert not server.running()
    server.start()
    assert server.connect().search_s(f"ou=kept,{server.suffix}", ldap.SCOPE_BASE)
