# SPDX-License-Identifier: Apache-2.0
"""Numbers in ranges with a real pkid: the worked numbers of one server (spec
deployment 4.8), exhaustion as clients see it, conversion, kill -9."""
import json
import re
import shutil

import pytest

import instance
import pair
import program
from instance import Refused, csr, set_lines

REQUESTS = ["pki_audit_signing_nickname=ca_audit_signing", "pki_request_number_range_start=1",
            "pki_request_number_range_end=10",
            "pki_request_number_range_increment=10", "pki_request_number_range_minimum=5",
            "pki_request_number_range_transfer=5"]


def serials(begin, end, increment, nine):
    return [f"pki_serial_number_range_{k}={v}" for k, v in
            {"start": begin, "end": end, "increment": increment, "minimum": nine, "transfer": nine}.items()]


GENERATORS = {
    "legacy": ["pki_request_id_generator=legacy", "pki_cert_id_generator=legacy", *REQUESTS,
               *serials("9", "18", "12", "9")],
    "legacy2": ["pki_request_id_generator=legacy2", "pki_cert_id_generator=legacy2", *REQUESTS,
                *serials("0x9", "0x18", "0x12", "0x9")],
    "rsnv1": ["pki_request_id_generator=legacy", "pki_cert_id_generator=legacy",
              "pki_random_serial_numbers_enable=True",
              "pki_audit_signing_nickname=ca_audit_signing"],
}


@pytest.fixture(scope="module")
def goldens():
    made = {}

    def call(generator):
        if generator not in made:
            made[generator] = instance.Golden(*GENERATORS[generator])
        return made[generator]
    yield call
    for g in made.values():
        g.remove()


@pytest.fixture
def make(goldens):
    made = []

    def call(generator):
        made.append(instance.Ca(goldens(generator)))
        return made[-1]
    yield call
    for ca in made:
        ca.remove()


def settings(ca):
    return dict(line.split("=", 1) for line in ca.cs_cfg.read_text().splitlines())


def span(ca, kind):
    s = settings(ca)
    text = f"{s[f'dbs.begin{kind}Number']}-{s[f'dbs.end{kind}Number']}"
    if f"dbs.nextBegin{kind}Number" in s:
        text += f" next {s[f'dbs.nextBegin{kind}Number']}-{s[f'dbs.nextEnd{kind}Number']}"
    return text


def server(ca, *argv, **kw):
    return program.run("pki-server", "--root", ca.root, *argv, "-i", ca.name, env=ca.env, **kw).stdout


def manage(ca):
    """What an operator does: pki-server ca-config-set, and a restart."""
    ca.settings({"dbs.enableSerialManagement": "true"})


class Operator:
    """One CA, its requests and the numbers they got."""

    def __init__(self, ca):
        self.ca, self.agent = ca, ca.agent()

    def enrol(self, n):
        """(request ids, serial numbers) of n enrolments."""
        ids, made = [], []
        for _ in range(n):
            info = self.agent.submit(csr())[0]
            ids.append(int(info["requestID"], 16))
            self.agent.act(info["requestID"], "approve")
            made.append(int(self.agent.request(info["requestID"])["certId"], 16))
        return ids, made

    def job(self):
        self.agent.json("POST", "jobs/serialNumberUpdate/start")

    def close(self):
        self.agent.close()


def exhausted_request(agent, limit):
    with pytest.raises(Refused) as why:
        agent.submit(csr())
    assert why.value.text == ("Unable to create enrollment request: Unable to create enrollment request: "
                              f"All serial numbers are used. The max serial number is {limit}")
    assert why.value.status == 503


def exhausted_serial(agent, number):
    rid = agent.submit(csr())[0]["requestID"]
    with pytest.raises(Refused) as why:
        agent.act(rid, "approve")
    assert why.value.text == (f"Server Internal Error: Request {number} was completed with errors.\n"
                              "CA has exhausted all available serial numbers")
    return rid


@pytest.mark.quick
def test_legacy2_has_the_documented_numbers(make):
    ca = make("legacy2")
    assert span(ca, "Serial") == "0x9-0x18" and span(ca, "Request") == "1-10"
    assert span(ca, "Replica") == "1-100"
    manage(ca)
    ca.start()
    op = Operator(ca)
    assert span(ca, "Request") == "1-10 next 11-20"
    assert op.enrol(10) == (list(range(7, 17)), list(range(15, 25)))
    assert span(ca, "Request") == "11-20"
    waiting = exhausted_serial(op.agent, 17)
    op.job()
    assert span(ca, "Serial") == "0x9-0x18 next 0x19-0x2a"
    assert span(ca, "Request") == "11-20 next 21-30"
    # what waited loses nothing
    op.agent.act(waiting, "approve")
    assert int(op.agent.request(waiting)["certId"], 16) == 25
    ids, made = op.enrol(13)
    assert ids == list(range(18, 31)) and made == list(range(26, 39))
    exhausted_request(op.agent, 30)
    op.job()
    assert span(ca, "Serial") == "0x19-0x2a next 0x2b-0x3c"
    assert op.enrol(2) == ([31, 32], [39, 40])
    op.close()


def test_a_clean_restart_wastes_no_number_and_kill_9_gives_none_twice(make):
    ca = make("legacy2")
    manage(ca)
    ca.start()
    seen_ids, seen = [], []
    for how in ("stop", "kill", "kill", "stop", "kill"):
        op = Operator(ca)
        op.job()
        ids, made = op.enrol(4)
        seen_ids, seen = seen_ids + ids, seen + made
        op.job()
        op.close()
        getattr(ca, how)()
        ca.start()
    assert len(set(seen)) == len(seen) and len(set(seen_ids)) == len(seen_ids)
    # ranges of this size are covered number by number: no gap either
    assert seen == list(range(15, 15 + len(seen)))


def test_a_death_in_a_range_change_gives_no_number_twice(make):
    """CS.cfg, the high-water file or the store as of before the change."""
    ca = make("legacy2")
    manage(ca)
    ca.start()
    op = Operator(ca)
    _, first = op.enrol(3)
    before = ca.cs_cfg.read_bytes()
    op.enrol(7)
    op.job()
    _, last = op.enrol(2)
    assert last == [25, 26]
    op.close()
    ca.kill()
    ca.cs_cfg.write_bytes(before)  # the change of CS.cfg is lost
    ca.start()
    op = Operator(ca)
    op.job()
    ids, made = op.enrol(2)
    assert min(made) > max(last) and not set(made) & set(first)
    op.close()


def test_legacy_is_continued_and_converted(make):
    ca = make("legacy")
    assert span(ca, "Serial") == "9-18"
    manage(ca)
    ca.start()
    op = Operator(ca)
    _, made = op.enrol(10)
    assert made == list(range(15, 25))
    exhausted_serial(op.agent, 17)
    op.job()
    assert span(ca, "Serial") == "9-18 next 19-2a"
    op.enrol(13)
    op.job()
    assert span(ca, "Serial") == "19-2a next 37-48"
    ids, made = op.enrol(10)
    # the gap that the model has: texts are decimal there and hex here
    assert made == [38, 39, 40, 41, 42, 55, 56, 57, 58, 59]
    op.close()
    server(ca, "ca-id-generator-update", "--type", "legacy2", "cert", status=1)
    ca.stop()
    server(ca, "ca-id-generator-update", "--type", "legacy2", "cert")
    server(ca, "ca-id-generator-update", "--type", "legacy2", "request")
    assert span(ca, "Serial") == "0x37-0x54"
    assert settings(ca)["dbs.serialRangeDN"] == "ou=certificateRepository,ou=ranges_v2"
    assert "Cert ID generator: legacy2" in server(ca, "ca-id-generator-show")
    ca.start()
    op = Operator(ca)
    op.job()
    _, made = op.enrol(5)
    assert made == list(range(60, 65))
    op.close()
    ca.stop()
    for what in ("cert", "request"):
        server(ca, "ca-id-generator-update", "--type", "random", what)
    assert not [n for n in settings(ca) if re.match(r"dbs\.(next)?(begin|end)(Serial|Request)", n, re.I)]
    ca.start()
    op = Operator(ca)
    _, made = op.enrol(1)
    assert made[0] > 1 << 64
    op.close()


def test_random_serials_stay_in_their_range(make):
    ca = make("rsnv1")
    assert settings(ca)["dbs.enableRandomSerialNumbers"] == "true"
    ca.start()
    op = Operator(ca)
    ids, made = op.enrol(5)
    assert ids == list(range(7, 12))
    assert len(set(made)) == 5 and all(1 <= s <= 0x10000000 for s in made) and max(made) > 1000
    op.close()


def test_jobs_are_listed_shown_and_started(make):
    ca = make("legacy2")
    set_lines(ca.cs_cfg, {"jobsScheduler.job.serialNumberUpdate.enabled": "false",
                          "jobsScheduler.job.serialNumberUpdate.cron": "0 0 * * 0",
                          "jobsScheduler.job.serialNumberUpdate.note": "x"})
    ca.start()
    agent = ca.agent()
    assert [j["id"] for j in agent.json("GET", "jobs")["entries"]] == ["serialNumberUpdate"]
    job = agent.json("GET", "jobs/serialNumberUpdate")
    assert job["cron"] == "0 0 * * 0" and job["enabled"] is False and job["parameters"] == {"note": "x"}
    agent.json("POST", "jobs/serialNumberUpdate/start")
    with pytest.raises(Refused) as why:
        agent.json("GET", "jobs/none")
    assert why.value.status == 404
    nobody = ca.anonymous()
    with pytest.raises(Refused) as why:
        nobody.json("POST", "jobs/serialNumberUpdate/start")
    assert why.value.status == 401
    agent.close()
    nobody.close()


def test_ids_that_are_taken_are_passed_over_and_lists_begin_at_an_id(make):
    """Two ranges whose requests lie in one another's way."""
    ca = make("legacy2")
    ca.start()
    op = Operator(ca)
    ids, _ = op.enrol(2)
    assert ids == [7, 8]
    op.close()
    ca.stop()
    # the host forgets how far it was
    file = ca.root / "var/lib/pki/.host/t/ca.highwater"
    set_lines(file, {"range.request.mark": "7"})
    ca.start()
    op = Operator(ca)
    before = op.agent.request("0x7")
    ids, _ = op.enrol(1)
    assert ids == [9] and op.agent.request("0x7") == before
    listed = server(ca, "ca-cert-request-find")
    assert re.findall(r"Request ID: (.*)", listed) == [str(n) for n in range(1, 10)]
    page = op.agent.json("GET", "/ca/v1/agent/certrequests?start=5&size=3")
    assert [int(r["requestID"], 16) for r in page["entries"]] == [5, 6, 7] and page["total"] == 9
    page = op.agent.json("GET", "agent/certrequests?start=5&size=3")
    assert [int(r["requestID"], 16) for r in page["entries"]] == [6, 7, 8]
    op.close()


def test_a_bad_range_is_refused_before_anything_is_made(root, run):
    for extra, told in ((["pki_cert_id_generator=legacy2", "pki_serial_number_range_start=9"],
                         "pki_serial_number_range_start must start with 0x"),
                        (["pki_cert_id_generator=legacy", "pki_serial_number_range_end=xyz"],
                         "pki_serial_number_range_end"),
                        (["pki_request_id_generator=none"], "pki_request_id_generator")):
        argv = instance.spawn_arguments(root, program.free_port(), program.free_port(), *extra)
        done = run(*argv, "--no-start", status=1)
        assert told in done.stderr + done.stdout
        assert not (root / "etc/pki/t").exists() and not (root / "var/lib/pki").exists()


def test_range_commands(make):
    ca = make("legacy2")
    shown = server(ca, "ca-range-show")
    assert "Begin serial number: 0x9\n" in shown and "End request ID: 10\n" in shown
    assert "Enable serial management: false\n" in shown
    server(ca, "ca-range-update")
    server(ca, "ca-id-generator-update", "--type", "legacy2", "cert")  # as it is
    server(ca, "ca-id-generator-update", "--type", "legacy", "cert", status=1)
    server(ca, "ca-id-generator-update", "--type", "random", "key", status=1)
    # a start that cannot be read says which line
    ca.settings({"dbs.endSerialNumber": "0xzz"})
    status, text = ca.fail()
    assert status != 0 and "dbs.endSerialNumber" in text


# --- restored and copied ------------------------------------------------------------

def test_a_store_put_back_burns_its_range(make):
    ca = make("legacy2")
    manage(ca)
    ca.start()
    ca.stop()
    old = (ca.db / "data.mdb").read_bytes()
    ca.start()
    op = Operator(ca)
    _, made = op.enrol(3)
    op.close()
    ca.stop()
    (ca.db / "data.mdb").write_bytes(old)
    ca.start()
    assert "restored or copied" in ca.log.read_text()
    op = Operator(ca)
    _, again = op.enrol(3)
    # the rest of its range and the block behind it are not touched
    assert min(again) > 0x18 and not set(again) & set(made)
    op.close()
    assert "Restored: 20" in server(ca, "status") and "behind" in server(ca, "status")
    assert "behind" in json.loads(ca.plain("GET", "/health")[1])["checks"][0]["restored"]
    assert b'pki_restored{subsystem="ca"} 1' in ca.plain("GET", "/metrics")[1]
    server(ca, "ca-restore-accept")
    assert "Restored" not in server(ca, "status")
    assert b'pki_restored{subsystem="ca"} 0' in ca.plain("GET", "/metrics")[1]
    ca.restart()
    op = Operator(ca)
    _, more = op.enrol(1)
    assert more == [max(again) + 1]
    op.close()


def test_a_copy_on_another_host_burns_its_range(make):
    ca = make("legacy2")
    ca.start()
    ca.stop()
    shutil.rmtree(ca.root / "var/lib/pki/.host")
    ca.start()
    op = Operator(ca)
    ids, made = op.enrol(1)
    assert made[0] > 0x18 + 0x12 and ids[0] > 20
    op.close()
    assert b'pki_range_left{subsystem="ca",kind="serial"}' in ca.plain("GET", "/metrics")[1]


# --- two CAs on two suppliers -----------------------------------------------------------

@pytest.fixture
def apart():
    """A master and its clone, a directory each, ranges divided as a clone's
    installation does (spec deployment 4.7)."""
    golden = instance.DirectoryGolden(*GENERATORS["legacy2"])
    p = None
    try:
        p = pair.Pair(golden, apart=True)
        manage(p.a)
        p.a.settings({"dbs.endSerialNumber": "0xf"})
        p.b.settings({"dbs.enableSerialManagement": "true", "subsystem.select": "Clone",
                      "dbs.beginRequestNumber": "16", "dbs.endRequestNumber": "20",
                      "dbs.beginSerialNumber": "0x10", "dbs.endSerialNumber": "0x18",
                      "dbs.beginReplicaNumber": "98", "dbs.endReplicaNumber": "100"})
        yield p
    finally:
        if p is not None:
            p.remove()
        golden.remove()


def transferred(op, kind):
    """What an installation of a clone of op's is given."""
    query = "hostname=third.example.com&subsystem=CA"
    session = op.agent.json("GET", f"securityDomain/installToken?{query}")["token"]
    op.agent.close()  # another connection, which waits longer
    status, body = op.agent.call("POST", "/ca/admin/ca/updateNumberRange", f"type={kind}&sessionID={session}",
                                 {"Content-Type": "application/x-www-form-urlencoded"}, timeout=2 * pair.LIMIT)
    assert status == 200, body
    said = json.loads(body)["Response"]
    assert said["Status"] == "0", said
    return said["beginNumber"], said["endNumber"]


def test_a_clone_on_another_supplier_asks_the_holder(apart):
    p = apart.start()
    a, b = Operator(p.a), Operator(p.b)
    ids, made_b = b.enrol(2)
    assert ids == [16, 17] and made_b == [16, 17]
    assert span(p.a, "Serial") == "0x9-0xf next 0x19-0x2a"
    b.job()  # returns when the master has answered through the directories
    assert span(p.b, "Serial") == "0x10-0x18 next 0x2b-0x3c"
    _, made_a = a.enrol(3)
    assert made_a == [15, 25, 26]
    # cut off from the holder it lives on what it has
    a.close()
    p.a.kill()
    _, more = b.enrol(5)
    assert more == list(range(18, 23))
    # and divides it with another clone, for whose directory it has no other id
    assert transferred(b, "replicaId") == ("99", "100") and span(p.b, "Replica") == "98-98"
    p.a.start()
    a = Operator(p.a)
    seen = made_a + made_b + more
    for op in (b, a, b):
        op.job()
        seen += op.enrol(4)[1]
    assert len(set(seen)) == len(seen)
    a.close()
    b.close()
