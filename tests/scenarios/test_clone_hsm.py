# SPDX-License-Identifier: Apache-2.0
"""A clone whose keys are in the HSM that its master uses too: nothing is carried over but the chain."""
import re

import pytest

import ca_site
import program

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PIN, TOKEN = "Hsm.Pin.1", "Shared HSM"


@pytest.fixture
def site():
    made = ca_site.Site()
    made.env["SOFTHSM2_CONF"] = str(made.folder / "softhsm2.conf")
    yield made
    made.remove()


def parameters(site):
    (site.folder / "tokens").mkdir()
    (site.folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {site.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    program.run("softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "1234567",
                env=site.env)
    return ["pki_user=root", "pki_group=root",  # the tokens are root's, whether there is a pkiuser or not
            "pki_hsm_enable=True", f"pki_hsm_libfile={SOFTHSM}", "pki_hsm_modulename=softhsm",
            f"pki_token_name={TOKEN}", f"pki_token_password={PIN}", "pki_sslserver_token=internal"]


def keys(site):
    """Labels of the token's private keys."""
    out = program.run("pkcs11-tool", "--module", SOFTHSM, "--token-label", TOKEN, "--login", "--pin", PIN,
                      "--list-objects", "--type", "privkey", env=site.env).stdout
    return sorted(re.findall(r"ID: +(\S+)", out))


def test_a_clone_finds_its_masters_keys_in_the_hsm(site):
    hsm = parameters(site)
    m = site.master(*hsm)
    before = keys(site)
    assert len(before) >= 3
    c = site.clone(m, site.directories[0], *hsm, "pki_ds_setup=False", "pki_clone_pkcs12_path=",
                   "pki_clone_pkcs12_password=", f"pki_cert_chain_path={m.conf}/alias/ca.crt")
    c.spawn()
    assert keys(site) == before, "the clone made or copied a key"
    for tag in ("ca_signing", "ca_ocsp_signing", "subsystem"):
        assert m.server("cert-show", tag).stdout == c.server("cert-show", tag).stdout
    assert c.cs()["ca.signing.tokenname"] == TOKEN
    serial = re.search(r"Serial Number: (\S+)", m.server("cert-show", "subsystem").stdout)[1]
    assert serial in c.pki("ca-cert-show", serial, user=False).stdout
    # it signs: its own answer about a certificate of the master
    pin = site.folder / "pin"
    pin.write_text(ca_site.PASSWORD + "\n")
    told = c.server("ca-clone-check", "-d", site.client, "-C", pin, "-n", "caadmin", status=None).stdout
    assert "approved and fetched there" in told and "found on CRL " in told, told
