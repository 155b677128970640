# SPDX-License-Identifier: Apache-2.0
"""An installation without a root folder, by root, at the real paths and with the service account (spec deployment
1.1, 1.2), on a machine of the test's own."""
import os
import re

import pytest

import machine

SPAWN = "pkispawn -s CA " + " ".join(
    f"-D pki_{key}_key_type=ecc -D pki_{key}_key_size=nistp256"
    for key in ("ca_signing", "ocsp_signing", "sslserver", "subsystem", "admin", "audit_signing"))

LIFE = SPAWN + r"""
id pkiuser
ps -o user:16=,cmd= -p "$(cat /run/pki/pki-tomcat.pid)"
for f in /etc/pki/pki-tomcat /var/lib/pki/pki-tomcat /var/log/pki/pki-tomcat; do stat -c '%n %U:%G %a' $f/ ; done
readlink -e /var/lib/pki/pki-tomcat/ca/conf/CS.cfg /var/lib/pki/pki-tomcat/conf/ca/CS.cfg
readlink /etc/systemd/system/pki-tomcatd.target.wants/pki-tomcatd@pki-tomcat.service
readlink /etc/systemd/system/multi-user.target.wants/pki-tomcatd.target
stat -c '%n %U %a' /etc/sysconfig/pki-tomcat /root/.dogtag/pki-tomcat/ca_admin_cert.p12
curl -sf http://pki.example.com:8080/ca/admin/ca/getStatus; echo
pki-server status
pki-server cert-find | grep 'Cert ID'
pki-server stop
pki-server start
pki-server ca-user-find | grep 'User ID'
pkidestroy -s CA
find /etc/pki /var/log/pki /var/lib/pki /run/pki /etc/sysconfig/pki /etc/systemd/system -name pki-tomcat -o -name 'pki-tomcat[.]*' -o -name '*@pki-tomcat*' -o -name 'pki-tomcatd*'
"""


@pytest.fixture
def box():
    m = machine.Machine()
    yield m
    m.remove()


def test_installation_at_the_real_paths(box):
    had = {p: os.path.exists(p) for p in ("/etc/pki/pki-tomcat", "/var/lib/pki/pki-tomcat", "/run/pki/pki-tomcat.pid")}
    out = box.run(LIFE)
    assert "uid=17(pkiuser) gid=17(pkiuser)" in out
    assert re.search(r"^pkiuser +.*pkid .*pki-tomcat$", out, re.M), out
    for folder in ("/etc/pki", "/var/lib/pki", "/var/log/pki"):
        assert f"{folder}/pki-tomcat/ pkiuser:pkiuser 770" in out
    assert out.count("/etc/pki/pki-tomcat/ca/CS.cfg\n") == 2
    assert "/usr/lib/systemd/system/pki-tomcatd@.service" in out
    assert "/usr/lib/systemd/system/pki-tomcatd.target" in out, "else nothing starts with the machine"
    assert "/root/.dogtag/pki-tomcat/ca_admin_cert.p12 root" in out
    assert "<Status>running</Status>" in out or '"running"' in out
    assert "SD Manager:          True" in out and "Active: True" in out
    assert "Cert ID: ca_signing" in out and "User ID: caadmin" in out
    # settings and logs stay, all else goes
    left = out[out.index("Uninstallation complete."):].split()[2:]
    assert left == ["/etc/pki/pki-tomcat", "/var/log/pki/pki-tomcat"], out
    assert had == {p: os.path.exists(p) for p in had}, "the machine's own paths stay as they were"
