# SPDX-License-Identifier: Apache-2.0
"""What all clones need reaches them by itself: profiles and settings of two CAs on two replicated directories."""
import concurrent.futures
import re

import pytest

import instance
import pair
import program

PROFILE = "caServerCert"
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def two(directory_golden):
    p = pair.Pair(directory_golden, apart=True)
    p.start()
    yield p
    p.remove()


# --- profiles ---------------------------------------------------------------------------------

def profile_file(ca, name=PROFILE):
    return ca.cs_cfg.parent / f"profiles/ca/{name}.cfg"


def in_file(ca, key, name=PROFILE):
    path = profile_file(ca, name)
    found = re.search(rf"(?m)^{re.escape(key)}=(.*)$", path.read_text()) if path.exists() else None
    return found and found[1]


def raw(ca, name=PROFILE):
    """The profile as REST has it; None when there is none."""
    agent = ca.agent()
    status, body = agent.call("GET", f"profiles/{name}/raw")
    agent.close()
    assert status in (200, 404), body
    return body.decode() if status == 200 else None


def says(ca, line, name=PROFILE):
    text = raw(ca, name)
    return text is not None and line in text.splitlines()


def change(ca, *calls):
    agent = ca.agent()
    for method, path, *body in calls:
        status, answer = agent.call(method, path, body[0] if body else None, RAW if body else None)
        assert status < 300, answer
    agent.close()


def redescribe(ca, text, name=PROFILE):
    """Disable, change, enable, as administrator and agent do."""
    program.wait_for("an earlier change to end", lambda: says(ca, "enable=true", name), pair.LIMIT)
    changed = re.sub(r"(?m)^desc=.*$", f"desc={text}", raw(ca, name))
    change(ca, ("POST", f"profiles/{name}?action=disable"), ("PUT", f"profiles/{name}/raw", changed),
           ("POST", f"profiles/{name}?action=enable"))


def everywhere(p, key, value, name=PROFILE):
    for ca in p.all:
        p.until(f"{key}={value} in memory of {ca.name}", lambda: says(ca, f"{key}={value}", name))
        p.until(f"{key}={value} in the file of {ca.name}", lambda: in_file(ca, key, name) == value)


def test_a_profile_changed_on_one_ca_stands_on_the_other(two):
    text = re.sub(r"(?m)^(profileId|desc)=.*$", r"\1=added", raw(two.a))
    change(two.a, ("POST", "profiles/raw", text))
    everywhere(two, "desc", "added", "added")
    everywhere(two, "enable", "false", "added")
    change(two.b, ("POST", "profiles/added?action=enable"))
    everywhere(two, "enable", "true", "added")
    # used there at once
    agent = two.a.agent()
    assert agent.submit(instance.csr(), "added")
    agent.close()
    redescribe(two.b, "changed", "added")
    everywhere(two, "desc", "changed", "added")
    everywhere(two, "enable", "true", "added")
    change(two.a, ("POST", "profiles/added?action=disable"), ("DELETE", "profiles/added"))
    two.until("its end there", lambda: raw(two.b, "added") is None and not profile_file(two.b, "added").exists())
    assert not profile_file(two.a, "added").exists()


def test_an_edited_file_and_a_change_elsewhere_both_count(two):
    """The one by hand while the CA is down, the other one meanwhile."""
    two.b.stop()
    path = profile_file(two.b)
    path.write_text(re.sub(r"(?m)^name=.*$", "name=By hand", path.read_text()))
    redescribe(two.a, "Meanwhile")
    two.net.wait()
    two.b.start()
    everywhere(two, "name", "By hand")
    everywhere(two, "desc", "Meanwhile")


def test_of_two_changes_while_cut_apart_the_later_counts(two):
    two.net.pause()
    redescribe(two.a, "earlier")
    redescribe(two.b, "later")
    two.net.resume()
    everywhere(two, "desc", "later")
    two.until("the warning about it",
              lambda: any("was changed on two CAs at once" in ca.log.read_text() for ca in two.all))


# --- parameters of CS.cfg ----------------------------------------------------------------------

def settings(p, name):
    return [p.setting(ca, name) for ca in p.all]


def test_a_parameter_that_clones_share_follows_on_the_other(two):
    """Set by command on one that runs, by hand on one that is down, both at once; what is a host's own stays."""
    two.server(two.a, "ca-config-set", "ca.ocspAnswerLifetime", "120")
    two.server(two.a, "ca-config-set", "ca.notification.requestInQ.emailSubject", "mine")
    two.b.stop()
    two.b.settings({"ca.SAN.entryNum": "9"})
    two.a.restart()
    two.b.start()
    for name, value in (("ca.ocspAnswerLifetime", "120"), ("ca.SAN.entryNum", "9")):
        two.until(f"{name}={value}", lambda: settings(two, name) == [value] * 2)
    assert two.setting(two.b, "ca.notification.requestInQ.emailSubject") != "mine"
    two.server(two.b, "ca-config-unset", "ca.SAN.entryNum")
    two.b.restart()
    two.until("the parameter to go", lambda: settings(two, "ca.SAN.entryNum") == [None] * 2)
    assert settings(two, "ca.ocspAnswerLifetime") == ["120"] * 2


def test_a_shared_parameter_counts_at_once_on_the_other(two):
    """A ready OCSP answer that says otherwise is no longer given out either."""
    cert, runs = two.b.ca_cert(), two.b.pid()
    assert two.b.ocsp(cert).next_update is None
    two.server(two.a, "ca-config-set", "ca.ocspNextUpdate", "true")
    two.a.restart()
    two.until("nextUpdate in the other's answer", lambda: two.b.ocsp(cert).next_update is not None)
    two.server(two.a, "ca-config-unset", "ca.ocspNextUpdate")
    two.a.restart()
    two.until("its end", lambda: two.b.ocsp(cert).next_update is None)
    assert two.b.pid() == runs
    two.until("the log to name it",
              lambda: "settings as the other CAs have it now: ca.ocspNextUpdate" in two.b.log.read_text())


def test_no_edit_of_a_running_instances_settings_is_lost(two):
    """Many commands at once, and pkid's own writes between."""
    names = [f"test.edit{i}" for i in range(12)]
    hosts = [f"kra{i}.example.com" for i in range(6)]
    cert = two.a.ca_cert().public_bytes(instance.serialization.Encoding.PEM).decode()
    cert = "".join(cert.splitlines()[1:-1])
    agent = two.a.agent()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        edits = [pool.submit(two.server, two.a, "ca-config-set", name, "here") for name in names]
        for host in hosts:
            agent.json("POST", "admin/kraconnector/add", {"host": host, "port": "8443", "transportCert": cert})
        for edit in edits:
            edit.result()
    assert [two.setting(two.a, name) for name in names] == ["here"] * len(names)
    assert two.setting(two.a, "ca.connector.KRA.host") == " ".join(f"{h}:8443" for h in hosts)
    for host in hosts:
        agent.json("POST", f"admin/kraconnector/remove?host={host}&port=8443")
    agent.close()


# --- a host that is no more ----------------------------------------------------------------------

def test_a_retired_host_leaves_the_connector_of_every_ca(two):
    cert = "".join(two.a.ca_cert().public_bytes(instance.serialization.Encoding.PEM).decode().splitlines()[1:-1])
    agent = two.a.agent()
    for host in ("gone.example.com", "stays.example.com"):
        two.server(two.a, "ca-sd-subsystem-add", f"KRA {host} 8443", "--hostname", host,
                   "--secure-port", "8443")
        agent.json("POST", "admin/kraconnector/add", {"host": host, "port": "8443", "transportCert": cert})
    two.until("both there", lambda: settings(two, "ca.connector.KRA.host")
              == ["gone.example.com:8443 stays.example.com:8443"] * 2)
    done = two.server(two.b, "ca-clone-retire", "KRA gone.example.com 8443")
    assert "has left the domain" in done and "no connector and no role points to it" in done
    two.until("one to go", lambda: settings(two, "ca.connector.KRA.host") == ["stays.example.com"] * 2)
    assert "gone.example.com" not in two.server(two.b, "ca-sd-subsystem-find")
    two.server(two.b, "ca-clone-retire", "KRA stays.example.com 8443")
    two.until("the connector to go", lambda: settings(two, "ca.connector.KRA.host") == [None] * 2)
    agent.close()
