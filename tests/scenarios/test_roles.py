# SPDX-License-Identifier: Apache-2.0
"""Who makes the CRLs: the role is held by the greatest claim in the directory, moves by command and by the documented
edits, and is never in two hands while the directories reach one another (docs/roles.md)."""
import re

import instance
import pair
import program

AUTOMATIC = "caAgentServerCert"  # issues at once to an agent
ROOM = 1 << 36
PATIENT = ("--wait", "90")


def revoked(ca):
    """A serial number, revoked through that CA."""
    agent = ca.agent()
    serial = agent.issue(instance.csr(), AUTOMATIC)
    agent.revoke(serial)
    agent.close()
    return serial


def update(ca):
    """What the agent's updateCRL says."""
    agent = ca.agent()
    _, body = agent.call("GET", "/ca/agent/ca/updateCRL?op=updateCRL&xml=true&crlIssuingPoint=MasterCRL")
    agent.close()
    return re.search(rb"<crlUpdate>(\w+)<", body)[1].decode()


# --- a clone ------------------------------------------------------------------

def test_first_installation_holds_the_roles_and_a_clone_none(make_pair):
    p = make_pair().start()
    assert p.states(p.a) == {"held"} and p.states(p.b) == {"clone"}
    here = p.roles(p.b)["crl.MasterCRL"]
    assert here["holder"] == f"localhost:{p.a.https}" and here["kind"] == "first"
    assert update(p.b) == "Disabled" and update(p.a) == "Success"
    # downloads deliver the replicated list, byte for byte
    p.until("the clone to serve it", lambda: p.number(p.b) == p.number(p.a))
    assert p.b.crl_der() == p.a.crl_der()
    # pages go to the master
    agent = p.b.agent()
    for path in ("/ca/agent/ca/updateCRL?op=updateCRL&crlIssuingPoint=MasterCRL", "/ca/agent/ca/displayCRL?x=%20a"):
        status, _ = agent.call("GET", path)
        assert status == 302
        assert agent.headers["Location"] == f"https://localhost:{p.a.https}{path}"
    agent.close()
    # who holds what, by which claim, is seen everywhere
    master, claim = f"localhost:{p.a.https}", here["claim"]
    out = p.server(p.b, "ca-role-find")
    assert "  Role: crl.MasterCRL\n  State: clone\n" in out and f"  Holder: {master}\n  Claim: {claim}\n" in out
    metrics = {ca: ca.metrics() for ca in p.all}
    for role, r in p.roles(p.b).items():
        for ca, held in ((p.a, 1), (p.b, 0)):
            assert metrics[ca][f'pki_ca_role_held{{role="{role}"}}'] == held
            assert metrics[ca][f'pki_ca_role_claim_info{{role="{role}",claim="{r["claim"]}",holder="{master}"}}'] == 1
    assert f"CRLs made by:        {master} (MasterCRL, clone, claim {claim})" in p.server(p.b, "status")
    topology = program.run("pki-server", "--root", p.b.root, "ca-clone-check", "-i", p.b.name, env=p.b.env,
                           status=None, timeout=2 * pair.LIMIT).stdout
    assert f"    crl.MasterCRL: {master} (clone, claim {claim})\n" in topology
    # a revocation on the clone is on the master's next list
    serial = revoked(p.b)
    assert update(p.a) == "Success" and p.lists(p.a, serial)
    assert "another host makes its lists" in p.server(p.b, "ca-crl-update", "MasterCRL", status=1)


# --- by command ---------------------------------------------------------------

def test_roles_are_handed_over_and_back(make_pair):
    p = make_pair()
    moves = {"ca.crl.MasterCRL.nextUpdateGracePeriod": "7", "ca.publish.rule.instance.r.enable": "false",
             "jobsScheduler.job.serialNumberUpdate.cron": "0 4 * * 1"}
    p.a.settings(moves)
    p.start()
    serial = revoked(p.a)
    assert update(p.a) == "Success"
    last = p.number(p.a)
    plan = p.server(p.b, "ca-promote", "--dry-run")
    assert f"ask localhost:{p.a.https} for its roles" in plan and p.states(p.a) == {"held"}
    out = p.server(p.b, "ca-promote", *PATIENT)
    assert "Promoted" in out and "fetched from" in out
    p.until_states(p.b, "held")
    # the next number, nothing left out, and the old one is a clone that says so
    assert p.number(p.b) == last + 1 and p.lists(p.b, serial)
    p.until_states(p.a, "clone")
    p.until("its own word for it", lambda: "this instance is a clone now" in p.a.log.read_text())
    assert p.setting(p.a, "ca.crl.MasterCRL.enableCRLUpdates") == "false"
    assert p.setting(p.a, "ca.certStatusUpdateInterval") == "0"
    assert p.setting(p.a, "master.ca.agent.port") == str(p.b.https)
    assert p.setting(p.b, "ca.crl.MasterCRL.enableCRLUpdates") == "true"
    assert p.setting(p.b, "ca.certStatusUpdateInterval") != "0"
    assert p.setting(p.b, "ca.listenToCloneModifications") == "true"
    assert p.setting(p.b, "master.ca.agent.host") is None
    assert list((p.a.conf / "ca/archives").glob("CS.cfg.bak.*"))
    # what the former holder had of lists, publishing and jobs
    assert {name: p.setting(p.b, name) for name in moves} == moves
    assert update(p.a) == "Disabled" and update(p.b) == "Success"
    # neither restart changes it
    p.a.restart()
    p.b.restart()
    assert p.states(p.a) == {"clone"} and p.states(p.b) == {"held"}
    # refused: what is there already, and what would leave none
    assert "holds all roles already" in p.server(p.b, "ca-promote", status=1)
    assert "nobody would make CRLs" in p.server(p.b, "ca-demote", "--to",
                                                f"localhost:{program.free_port()}", status=1)
    assert "there would be two" in p.server(p.a, "ca-promote", "--holder-is-stopped", status=1)
    # and back, from the other side
    last = p.number(p.b)
    out = p.server(p.b, "ca-demote", "--to", f"localhost:{p.a.https}", *PATIENT)
    assert "Demoted" in out
    p.until_states(p.a, "held")
    p.until_states(p.b, "clone")
    assert p.number(p.a) > last and p.number(p.a) < ROOM and p.lists(p.a, serial)


def test_dead_holder_is_taken_over_and_comes_back_as_a_clone(make_pair):
    p = make_pair().start()
    serial = revoked(p.a)
    last = p.number(p.a)
    p.a.kill()
    assert "does not answer" in p.server(p.b, "ca-promote", status=1)
    out = p.server(p.b, "ca-promote", "--holder-is-stopped", *PATIENT)
    assert "Promoted" in out
    assert p.number(p.b) >= ROOM > last and p.lists(p.b, serial)
    audit = p.b.logs / "ca/signedAudit/ca_audit"
    p.until("the audit line", lambda: b"forced+role;;crl.MasterCRL" in audit.read_bytes())
    p.a.start()
    p.until_states(p.a, "clone")
    assert p.setting(p.a, "ca.crl.MasterCRL.enableCRLUpdates") == "false"
    assert update(p.a) == "Disabled"
    p.until("the clone to serve it", lambda: p.number(p.a) == p.number(p.b))
    # handed back
    p.server(p.a, "ca-promote", *PATIENT)
    assert p.number(p.a) > ROOM and p.states(p.a) == {"held"}
    p.until_states(p.b, "clone")


def test_take_over_goes_above_what_a_sink_has(make_pair):
    p = make_pair().start()
    p.a.kill()
    p.server(p.b, "ca-promote", "--holder-is-stopped", "--above", str(5 * ROOM + 17), *PATIENT)
    assert 6 * ROOM < p.number(p.b) < 7 * ROOM




# --- by hand, as documented -----------------------------------------------------

def crl_lines(ca):
    return dict(line.split("=", 1) for line in ca.cs_cfg.read_text().splitlines() if line.startswith("ca.crl."))


def test_documented_conversion_gives_the_documented_result(make_pair):
    p = make_pair()
    p.a.settings({"ca.crl.MasterCRL.nextUpdateGracePeriod": "77"})
    p.start()
    serial = revoked(p.b)
    # 1 to 3: stop the master, set it as a clone
    p.a.stop()
    former = crl_lines(p.a)
    p.a.settings(pair.clone_lines(p.b))
    # 4 to 6: stop the clone, its ca.crl. lines go, the former master's come
    p.b.stop()
    p.b.settings({name: None for name in crl_lines(p.b)})
    p.b.settings(former)
    p.b.settings(pair.MASTER_LINES)
    # 7
    p.b.start()
    p.until_states(p.b, "held")
    assert p.roles(p.b)["crl.MasterCRL"]["kind"] == "forced"
    p.until("its first CRL", lambda: p.number(p.b) >= ROOM)
    assert p.lists(p.b, serial) and p.setting(p.b, "ca.crl.MasterCRL.nextUpdateGracePeriod") == "77"
    p.a.start()
    assert p.states(p.a) == {"clone"} and update(p.a) == "Disabled"
    number = p.number(p.b)
    # the same wish again claims nothing again
    p.b.restart()
    p.a.restart()
    assert p.roles(p.b)["crl.MasterCRL"]["claim"] == p.roles(p.a)["crl.MasterCRL"]["claim"]
    assert p.number(p.b) >= number and update(p.b) == "Success"


def test_each_line_of_the_chapter_does_its_part(make_pair):
    p = make_pair().start()
    claim = p.roles(p.a)["crl.MasterCRL"]["claim"]

    def restarted(**lines):
        p.a.stop()
        p.a.settings({"ca." + k.replace("__", "."): v for k, v in lines.items()})
        p.a.start()
        return {name: r["state"] for name, r in p.roles(p.a).items()}
    # the maintenance thread alone
    states = restarted(certStatusUpdateInterval="0")
    assert states["status"] == "off" and states["crl.MasterCRL"] == "held"
    # whether changes are listened to: when, never whether
    restarted(certStatusUpdateInterval="600", listenToCloneModifications="false")
    serial = revoked(p.b)
    assert update(p.a) == "Success" and p.lists(p.a, serial)
    # the cache
    restarted(listenToCloneModifications="true", crl__MasterCRL__enableCRLCache="false")
    serial = revoked(p.b)
    assert update(p.a) == "Success" and p.lists(p.a, serial)
    # generation: nobody makes lists then, and what was made is still served
    states = restarted(crl__MasterCRL__enableCRLCache="true", crl__MasterCRL__enableCRLUpdates="false")
    assert states["crl.MasterCRL"] == "off" and states["status"] == "held"
    number = p.number(p.a)
    assert update(p.a) == "Disabled" and p.number(p.a) == number
    # and back, under the same claim
    states = restarted(crl__MasterCRL__enableCRLUpdates="true")
    assert set(states.values()) == {"held"} and update(p.a) == "Success" and p.number(p.a) > number
    assert p.roles(p.a)["crl.MasterCRL"]["claim"] == claim
    # the redirect of the clone
    p.b.stop()
    p.b.settings({"master.ca.agent.port": "1"})
    p.b.start()
    p.until("the redirect to follow", lambda: p.setting(p.b, "master.ca.agent.port") == str(p.a.https))


# --- cut short ------------------------------------------------------------------

def test_successor_killed_in_a_hand_over_leaves_one_holder(make_pair):
    p = make_pair().start()
    last = p.number(p.a)
    promoting = program.spawn(program.find("pki-server"), "--root", p.b.root, "ca-promote", "-i", p.b.name,
                              env=p.b.env, log=p.b.folder / "promote.log")
    p.until("the question", lambda: "asked" in (p.b.folder / "promote.log").read_text())
    p.b.kill()
    promoting.wait(pair.LIMIT)
    p.b.start()

    def in_one_hand():
        return {frozenset(p.states(p.a)), frozenset(p.states(p.b))} == {frozenset(["held"]), frozenset(["clone"])}
    # the holder lets all of them go or none
    p.until("all roles in one hand", in_one_hand)
    holder = p.a if p.roles(p.a)["crl.MasterCRL"]["state"] == "held" else p.b
    assert update(holder) == "Success" and p.number(holder) > last
    # the command again ends what was begun
    if p.states(p.b) != {"held"}:
        p.server(p.b, "ca-promote", *PATIENT)
    p.until_states(p.b, "held")
    p.until_states(p.a, "clone")


def test_promotion_cut_before_its_end_is_finished_at_the_next_start(make_pair):
    """Claimed, then dead: CS.cfg and the host's memory still say clone."""
    p = make_pair().start()
    p.a.kill()
    memory = p.b.root / f"var/lib/pki/.host/{p.b.name}/ca.highwater"
    settings = p.b.cs_cfg.read_text()
    rows = [x for x in memory.read_text().splitlines() if x.startswith("role.")]
    p.server(p.b, "ca-promote", "--holder-is-stopped", *PATIENT)
    number = p.number(p.b)
    p.b.kill()
    p.b.cs_cfg.write_text(settings)
    kept = [x for x in memory.read_text().splitlines() if not x.startswith("role.")]
    memory.write_text("\n".join(kept + rows) + "\n")
    p.b.start()
    p.until_states(p.b, "held")
    assert p.setting(p.b, "ca.crl.MasterCRL.enableCRLUpdates") == "true" and p.number(p.b) >= number


# --- directories apart ------------------------------------------------------------

def test_both_sides_of_a_cut_promoted_then_healed(make_pair):
    p = make_pair(apart=True).start()
    p.until("the clone to serve the CRL", lambda: p.number(p.b) == p.number(p.a) > 0)
    p.net.pause()
    here, there = revoked(p.a), revoked(p.b)
    p.server(p.b, "ca-promote", "--holder-is-stopped", status=1)  # it answers: refused
    p.a.stop()
    p.server(p.b, "ca-promote", "--holder-is-stopped", *PATIENT)
    p.a.start()  # cut off it cannot know: two, with numbers that never meet
    assert p.states(p.a) == {"held"} and p.states(p.b) == {"held"}
    assert update(p.a) == "Success" and update(p.b) == "Success"
    assert p.number(p.a) < ROOM <= p.number(p.b)
    assert not p.lists(p.a, there) and not p.lists(p.b, here)
    before = p.number(p.b)
    p.net.resume()
    p.until_states(p.a, "clone")
    assert p.states(p.b) == {"held"}

    def both():
        return p.number(p.b) > before and p.lists(p.b, here) and p.lists(p.b, there)
    if not both():
        p.until("the next CRL with the revocations of both", lambda: update(p.b) == "Success" and both())
    p.until("the clone to serve it", lambda: p.number(p.a) == p.number(p.b))
    assert p.a.crl_der() == p.b.crl_der()
    # handed back over replication
    last = p.number(p.b)
    p.server(p.a, "ca-promote", *PATIENT)
    assert p.number(p.a) > last and p.lists(p.a, there)
    p.until_states(p.b, "clone")
    p.until("the clone to serve it", lambda: p.number(p.b) == p.number(p.a))
