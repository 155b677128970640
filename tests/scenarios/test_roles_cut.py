# SPDX-License-Identifier: Apache-2.0
"""Moves of roles that are cut short at any step, settings that were put back, clocks, sinks and copies (docs/roles.md,
docs/crl-numbers.md)."""
import contextlib
import pathlib

import ldap
import pytest

import ldap_cut
import pair
import program

ROOM = 1 << 36
PATIENT = ("--wait", "90")


def makes_a_list(p, ca):
    """That CA's next list: its number."""
    before = p.number(ca)
    agent = ca.agent()
    agent.crl_update()
    agent.close()
    assert p.number(ca) > before
    return p.number(ca)


# --- CS.cfg of the past -----------------------------------------------------------

def test_settings_put_back_from_a_backup_do_not_retake_the_roles(make_pair):
    p = make_pair().start()
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


# --- kill -9 at each step ----------------------------------------------------------

@pytest.fixture
def cut(make_pair):
    """A pair whose hosts each reach the directory through a relay that cuts them off at a claim or note."""
    p = make_pair()
    with contextlib.ExitStack() as stack:
        p.cuts = {}
        for ca in p.all:
            p.cuts[ca] = stack.enter_context(ldap_cut.Cut(p.a.ds.port, b"ou=claims,"))
            ca.settings({"internaldb.ldapconn.port": p.cuts[ca].port})
        yield p.start()


def begin(p, ca, command, *argv):
    """That command in the background."""
    return program.spawn(program.find("pki-server"), "--root", ca.root, command, "-i", ca.name, *argv,
                         env=ca.env, log=ca.folder / "promote.log")


def promote(p, ca, *argv):
    return begin(p, ca, "ca-promote", *argv)


def killed_at(p, ca, nth, command):
    """Kills that CA at its nth note or claim of the move, and starts it again."""
    p.cuts[ca].arm(nth, ca.process.kill)
    moving = command()
    p.until(f"step {nth}", lambda: p.cuts[ca].done)
    ca.kill()
    ca.start()
    return moving


def in_one_hand(p):
    """The CA that holds all roles."""
    def found():
        states = [p.states(ca) for ca in (p.a, p.b)]
        return sorted(map(sorted, states)) == [["clone"], ["held"]] and (p.a if "held" in states[0] else p.b)
    return p.until("all roles in one hand", found)


def test_successor_killed_at_each_step_of_a_hand_over(cut):
    p = cut
    number = p.number(p.a)
    # asked for one role, for two; the CRLs claimed, and the statuses too
    for nth in (1, 2, 4, 5):
        moving = killed_at(p, p.b, nth, lambda: promote(p, p.b, *PATIENT))
        moving.wait(pair.LIMIT)
        holder = in_one_hand(p)
        assert makes_a_list(p, holder) > number
        number = p.number(holder)
        if nth > 3:
            assert holder is p.b  # what was released to it is not lost
        if holder is p.b:
            p.server(p.a, "ca-promote", *PATIENT)


def test_holder_killed_at_each_step_of_a_hand_over(cut):
    p = cut
    for nth, (old, new) in enumerate([(p.a, p.b), (p.b, p.a), (p.a, p.b)], 1):
        number = p.number(old)
        moving = killed_at(p, old, nth, lambda ca=new: promote(p, ca, *PATIENT))
        # the command goes on when it is back
        assert moving.wait(2 * pair.LIMIT) == 0, (new.folder / "promote.log").read_text()
        assert in_one_hand(p) is new and makes_a_list(p, new) > number


def test_take_over_killed_after_its_first_claim_is_finished(cut):
    p = cut
    p.a.kill()
    moving = killed_at(p, p.b, 1, lambda: promote(p, p.b, "--holder-is-stopped", "--above", str(3 * ROOM), *PATIENT))
    moving.wait(pair.LIMIT)
    p.until_states(p.b, "held")
    p.until("its first list, above what was said", lambda: p.number(p.b) > 3 * ROOM)
    p.a.start()
    assert in_one_hand(p) is p.b


def test_either_side_killed_in_a_demotion(cut):
    p = cut
    for victim, nth in ((p.a, 2), (p.b, 3)):  # the second release; the last claim
        number = p.number(p.a)
        moving = killed_at(p, victim, nth, lambda: begin(p, p.a, "ca-demote", "--to", f"localhost:{p.b.https}", *PATIENT))
        moving.wait(2 * pair.LIMIT)
        assert in_one_hand(p) is p.b and makes_a_list(p, p.b) > number
        p.server(p.a, "ca-promote", *PATIENT)
        p.until_states(p.b, "clone")


def test_a_command_that_is_killed_changes_nothing_of_the_move(cut):
    p = cut
    number = p.number(p.a)
    moving = promote(p, p.b, *PATIENT)
    p.until("the question", lambda: "asked" in (p.b.folder / "promote.log").read_text())
    moving.kill()
    moving.wait()
    p.until_states(p.b, "held")
    assert in_one_hand(p) is p.b and makes_a_list(p, p.b) > number


# --- clocks -----------------------------------------------------------------------

LIBFAKETIME = str(next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), "libfaketime"))


def test_a_holder_whose_clock_is_behind_waits_and_says_why(make_pair):
    p = make_pair().start()
    last = p.a.crl().last_update
    clock = p.b.folder / "clock"
    clock.write_text("-10m\n")
    p.b.stop()
    p.b.start(env={"LD_PRELOAD": LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    # handed over while the master runs, the roles go back to it
    said = p.server(p.b, "ca-promote", *PATIENT, status=1)
    assert "went back to" in said and "the clock is behind thisUpdate of the last CRL" in said
    assert in_one_hand(p) is p.a
    makes_a_list(p, p.a)
    last = p.a.crl().last_update
    # taken over, they stay: the list waits for the clock
    p.a.kill()
    said = p.server(p.b, "ca-promote", "--holder-is-stopped", "--wait", "2", status=1)
    assert "the clock is behind thisUpdate of the last CRL" in said
    assert "the clock is behind" in p.roles(p.b)["crl.MasterCRL"]["note"] and p.number(p.b) < ROOM
    clock.write_text("+0\n")
    p.until_states(p.b, "held")
    assert p.number(p.b) >= ROOM and p.b.crl().last_update >= last


# --- a sink with a higher number, a copy --------------------------------------------

def test_a_record_with_a_higher_number_is_gone_above(make_pair):
    p = make_pair().start()
    entry = f"cn=MasterCRL,ou=crlIssuingPoints,ou=ca,{pair.SUFFIX}"
    for high in (p.number(p.a) + 4711, 3 * ROOM + 17):  # in the claim's room, and far outside
        record = ldap.initialize(p.a.ds.url)
        record.simple_bind_s("cn=Directory Manager", p.a.ds.password)
        text = str(high)
        record.modify_s(entry, [(ldap.MOD_REPLACE, "crlNumber", [f"{len(text):02}{text}".encode()])])
        record.unbind_s()

        def above():
            assert p.number(p.a) not in (high, high - 1)
            agent = p.a.agent()
            agent.call("GET", "/ca/agent/ca/updateCRL?op=updateCRL&xml=true&crlIssuingPoint=MasterCRL")
            agent.close()
            return p.number(p.a) > high
        p.until("a list above the number in the record", above)
    assert p.roles(p.a)["crl.MasterCRL"]["kind"] in ("forced", "renewed")
    p.server(p.b, "ca-promote", *PATIENT)
    assert p.number(p.b) > 3 * ROOM


def test_a_copy_is_promoted_only_when_somebody_says_so(make_pair):
    p = make_pair().start()
    # what a machine looks like that was restored: without the memory of the host
    p.b.stop()
    (p.b.root / f"var/lib/pki/.host/{p.b.name}/ca.highwater").unlink()
    p.b.start()
    assert "restored" in p.server(p.b, "ca-promote", status=1)
    p.a.kill()
    assert "restored" in p.server(p.b, "ca-promote", "--holder-is-stopped", status=1)
    p.server(p.b, "ca-restore-accept")
    p.server(p.b, "ca-promote", "--holder-is-stopped", *PATIENT)
    assert p.number(p.b) >= ROOM
    p.a.start()
    assert in_one_hand(p) is p.b


def test_a_holder_that_was_restored_gets_its_roles_again_by_command(make_pair):
    p = make_pair().start()
    number = p.number(p.a)
    p.a.stop()
    (p.a.root / f"var/lib/pki/.host/{p.a.name}/ca.highwater").unlink()
    p.a.start()
    # whoever has them as this host is not this host any more, and no question helps
    p.server(p.a, "ca-restore-accept")
    assert p.states(p.a) == {"clone"} and p.roles(p.a)["crl.MasterCRL"]["holder"] == f"localhost:{p.a.https}"
    assert "this one, before it was restored" in p.server(p.a, "ca-promote", status=1)
    assert "does not answer" in p.server(p.b, "ca-promote", status=1)
    p.server(p.a, "ca-promote", "--holder-is-stopped", *PATIENT)
    assert in_one_hand(p) is p.a and p.number(p.a) >= ROOM > number


# --- roles in two hands ------------------------------------------------------------

def test_a_line_that_was_left_out_splits_the_roles_and_a_promotion_mends_it(make_pair):
    """The chapter by hand, but the maintenance thread is forgotten on the new master, and its redirect left in."""
    p = make_pair().start()
    p.a.stop()
    p.b.stop()
    p.a.settings(pair.clone_lines(p.b))
    p.b.settings({"ca.crl.MasterCRL.enableCRLCache": "true", "ca.crl.MasterCRL.enableCRLUpdates": "true"})
    p.b.start()
    p.a.start()
    p.until("the CRLs to be made here", lambda: p.roles(p.b)["crl.MasterCRL"]["state"] == "held")
    p.until("it to be seen there", lambda: p.roles(p.a)["crl.MasterCRL"]["state"] == "clone")
    assert p.roles(p.a)["status"]["state"] == "off"
    agent = p.b.agent()  # it is the master: no redirect to another, whatever the line says
    status, _ = agent.call("GET", "/ca/agent/ca/displayCRL?x=a")
    agent.close()
    assert status == 200
    for ca in p.all:
        said = p.server(ca, "ca-role-find")
        assert f"split: localhost:{p.a.https} has this role, localhost:{p.b.https} makes the CRLs" in said
        assert "pki-server ca-promote on that one" in said
    assert "split: " in p.server(p.b, "status")
    p.server(p.b, "ca-promote", *PATIENT)
    assert in_one_hand(p) is p.b and "split" not in p.server(p.b, "ca-role-find")


# --- three of them -----------------------------------------------------------------

def third(p):
    """One more clone, on the first one's directory."""
    c = p._ca(p.a.golden)
    c.ds = p.a.ds
    c.settings({"internaldb.ldapconn.port": p.a.ds.port, "internaldb.ldapconn.timeoutMs": "5000",
                **pair.clone_lines(p.a)})
    p.give_host_id(c, 2)
    return c.start()


def test_both_sides_of_a_cut_are_promoted_and_an_old_master_comes_back_in_a_hand_over(make_pair):
    p = make_pair(apart=True).start()
    c = third(p)
    p.server(c, "ca-promote", *PATIENT)
    for ca in (p.a, p.b):
        p.until_states(ca, "clone")
        p.until("it to serve the CRL", lambda ca=ca: p.number(ca) == p.number(c))
    c.kill()
    # both are promoted while they cannot see one another
    p.net.pause()
    for ca in (p.a, p.b):
        p.server(ca, "ca-promote", "--holder-is-stopped", *PATIENT)
    assert p.states(p.a) == {"held"} and p.states(p.b) == {"held"}
    numbers = {ca: {p.number(ca), makes_a_list(p, ca)} for ca in (p.a, p.b)}
    assert not numbers[p.a] & numbers[p.b] and min(numbers[p.a] | numbers[p.b]) >= ROOM
    p.net.resume()
    holder = in_one_hand(p)
    other = p.b if holder is p.a else p.a
    assert max(numbers[holder]) > max(numbers[other])  # the greater claim goes on
    p.until("one list on both", lambda: p.number(p.a) == p.number(p.b) >= max(numbers[holder]))
    # the first master is back while the roles move on
    number = p.number(holder)
    moving = promote(p, other, *PATIENT)
    c.start()
    assert moving.wait(2 * pair.LIMIT) == 0, (other.folder / "promote.log").read_text()
    assert in_one_hand(p) is other
    p.until_states(c, "clone")
    assert makes_a_list(p, other) > number
    p.until("all to serve it", lambda: len({p.number(ca) for ca in p.all}) == 1)


def test_a_chain_of_moves_with_a_dead_host_in_it_ends_in_one_hand(cut):
    p = cut
    c = third(p)
    number = p.number(p.a)
    # the CRLs have come to it, the rest is on its way, and it dies
    p.cuts[p.b].arm(4, p.b.process.kill)
    moving = promote(p, p.b)
    p.until("the first claim", lambda: p.cuts[p.b].done)
    p.b.kill()
    moving.wait(pair.LIMIT)
    p.until("the third to see it", lambda: p.roles(c)["crl.MasterCRL"]["holder"] == f"localhost:{p.b.https}")
    p.until("the rest to be given away", lambda: all(
        p.roles(c)[r].get("releasedTo") == f"localhost:{p.b.https}" for r in ("status", "ranges")))
    assert f"given to localhost:{p.b.https}, which has not taken it" in p.server(p.a, "ca-role-find")
    # the third one takes all of it, and the first has it handed back
    said = p.server(c, "ca-promote", status=1)
    assert f"localhost:{p.b.https} has " in said and "does not answer" in said
    p.server(c, "ca-promote", "--holder-is-stopped", *PATIENT)
    p.until_states(c, "held")
    p.until_states(p.a, "clone")
    assert makes_a_list(p, c) > max(number, ROOM)
    p.until("redirects to follow", lambda: p.setting(p.a, "master.ca.agent.port") == str(c.https))
    p.b.start()
    p.until_states(p.b, "clone")
    p.until("redirects to follow", lambda: p.setting(p.b, "master.ca.agent.port") == str(c.https))
    p.server(p.a, "ca-promote", *PATIENT)
    for ca, states in ((p.a, "held"), (p.b, "clone"), (c, "clone")):
        p.until_states(ca, states)
    for ca in (p.b, c):
        p.until("redirects to follow", lambda ca=ca: p.setting(ca, "master.ca.agent.port") == str(p.a.https))
        agent = ca.agent()
        status, _ = agent.call("GET", "/ca/agent/ca/displayCRL?x=a")
        assert status == 302 and agent.headers["Location"].startswith(f"https://localhost:{p.a.https}/")
        agent.close()
    assert makes_a_list(p, p.a) > ROOM
