# SPDX-License-Identifier: Apache-2.0
"""Moves of roles that are cut short at any step, settings that were put back, clocks, sinks and copies (docs/roles.md,
docs/crl-numbers.md)."""
import pytest

import instance
import pair
import program

ROOM = 1 << 36
PATIENT = ("--wait", "90")


@pytest.fixture(scope="module")
def golden():
    g = instance.DirectoryGolden()
    yield g
    g.remove()


@pytest.fixture
def make(golden):
    made = []

    def new(**kw):
        made.append(pair.Pair(golden, **kw))
        return made[-1]
    yield new
    for p in made:
        p.remove()


def makes_a_list(p, ca):
    """That CA's next list: its number."""
    before = p.number(ca)
    agent = ca.agent()
    agent.crl_update()
    agent.close()
    assert p.number(ca) > before
    return p.number(ca)


# --- CS.cfg of the past -----------------------------------------------------------

def test_settings_put_back_from_a_backup_do_not_retake_the_roles(make):
    p = make().start()
    as_master, as_clone = p.a.cs_cfg.read_text(), p.b.cs_cfg.read_text()
    p.server(p.b, "ca-promote", *PATIENT)
    p.until_states(p.a, "clone")
    claim = p.roles(p.b)["crl.MasterCRL"]["claim"]
    # the former master's file says again that it makes the lists
    p.a.stop()
    p.a.cs_cfg.write_text(as_master)
    p.a.start()
    assert p.states(p.a) == {"clone"} and p.roles(p.b)["crl.MasterCRL"]["claim"] == claim
    assert p.setting(p.a, "ca.crl.MasterCRL.enableCRLUpdates") == "false"
    assert p.setting(p.a, "master.ca.agent.port") == str(p.b.https)
    said = p.server(p.a, "ca-role-find")
    assert f"put back from before localhost:{p.b.https} took this role" in said and "pki-server ca-promote" in said
    assert "put back" in p.server(p.a, "status")
    # the new master's says that it does not: it goes on
    p.b.stop()
    p.b.cs_cfg.write_text(as_clone)
    p.b.start()
    p.until_states(p.b, "held")
    assert p.setting(p.b, "ca.crl.MasterCRL.enableCRLUpdates") == "true"
    makes_a_list(p, p.b)
    # an edit by hand of the file as it is now is a wish
    p.b.stop()
    p.b.settings(pair.clone_lines(p.a))
    p.a.stop()
    p.a.settings(pair.MASTER_LINES)
    p.a.start()
    p.until_states(p.a, "held")
    p.b.start()
    assert p.states(p.b) == {"clone"}
