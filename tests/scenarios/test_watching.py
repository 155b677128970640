# SPDX-License-Identifier: Apache-2.0
"""What watches a server: metrics as Prometheus reads them, health for load balancers and for people, self tests."""
import json
import re
import shutil

import instance
import program

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (-?[0-9.eE+-]+|NaN|[+-]Inf)")


def families(text):
    """The text format 0.0.4, strictly: {family: (type, {labels: value})}."""
    assert text.endswith("\n")
    found, family = {}, None
    for line in text.splitlines():
        head = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line)
        if head:
            family = head.group(1)
            assert family not in found, f"{family} twice"
            found[family] = [None, {}]
            continue
        kind = re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge)", line)
        if kind:
            assert kind.group(1) == family and found[family] == [None, {}], line
            found[family][0] = kind.group(2)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample and sample.group(1) == family and found[family][0], line
        assert sample.group(2) not in found[family][1], f"{line} twice"
        found[family][1][sample.group(2)] = float(sample.group(3))
    for name, (kind, _) in found.items():
        assert (kind == "counter") == name.endswith("_total"), name
    return found


def checks(ca):
    status, body = ca.plain("GET", "/health")
    return status, json.loads(body)["checks"][0]


def test_metrics_are_prometheus_text(shared_ca):
    before = families(shared_ca.plain("GET", "/metrics")[1].decode())
    agent = shared_ca.agent()
    agent.issue(instance.csr(), "caAgentServerCert")
    agent.close()
    after = families(shared_ca.plain("GET", "/metrics")[1].decode())
    assert before.keys() == after.keys()
    assert after["pki_ca_issued_total"][1][None] == before["pki_ca_issued_total"][1][None] + 1
    assert after["pki_ca_role_held"][1]['role="crl.MasterCRL"'] == 1
    for kind, samples in after.values():
        assert kind and samples


def test_health_is_for_balancers_programs_and_people(shared_ca):
    for method in ("GET", "HEAD"):
        assert shared_ca.plain(method, "/health")[0] == 200
    assert checks(shared_ca) == (200, {"subsystem": "ca", "status": "ok"})
    page = shared_ca.plain("GET", "/health", headers={"Accept": "text/html,*/*;q=0.8"})[1].decode()
    assert "<h1>Health: ok</h1>" in page and "ca: ok" in page


def test_a_failed_self_test_is_in_health_and_metrics(new_ca):
    ca = new_ca()
    agent = ca.agent()
    alias, away = ca.conf / "alias", ca.folder / "away"
    shutil.copytree(alias, away)

    def run():
        found = {r["id"]: r["status"] for r in agent.json("POST", "selftests/run")["entries"]}
        passed = families(ca.plain("GET", "/metrics")[1].decode())["pki_ca_selftest_passed"][1]
        return found["SystemCertsVerification"], passed['test="SystemCertsVerification"'], checks(ca)

    program.run("certutil", "-D", "-d", alias, "-n", f"subsystemCert cert-{instance.NAME}")
    status, passed, health = run()
    assert (status, passed, health[0]) == ("FAILED", 0, 200), "it goes on serving"
    assert health[1]["warnings"] == ["self test SystemCertsVerification failed: selftests.log tells why"]
    assert "subsystemCert" in (ca.logs / "ca/selftests.log").read_text()
    for name in ("cert9.db", "key4.db"):
        shutil.copy(away / name, alias / name)
    assert run() == ("PASSED", 1, (200, {"subsystem": "ca", "status": "ok"}))
    agent.close()


def test_the_level_of_the_log_is_a_setting(new_ca):
    ca = new_ca(start=False)
    good = ca.server_cfg.read_text()
    for level, lines in (("error", []), ("warning", []), ("info", ["info"]), ("debug", ["debug", "info"])):
        ca.server_cfg.write_text(f"{good}log.level={level}\n")
        ca.log.write_text("")
        ca.start()
        ca.plain("GET", "/ca/v2/certs/0x99")
        ca.stop()
        text = ca.log.read_text()
        assert (" debug http: GET /ca/v2/certs/0x99: status=404 " in text) == (level == "debug")
        assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) [a-z0-9]+: .*\n)*", text)
        found = set(re.findall(r"^\S+ (\w+) ", text, re.M)) - {"warning", "error"}  # memory may not be locked
        assert sorted(found) == lines, text
    ca.server_cfg.write_text(f"{good}log.level=loud\n")
    status, text = ca.fail()
    assert status == 1 and "log.level=loud: error, warning, info or debug" in text
