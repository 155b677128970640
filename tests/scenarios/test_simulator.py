# SPDX-License-Identifier: Apache-2.0
"""The simulator of tests/cluster merges as 389 Directory Server does: the same writes on both sides of two replicas,
real and simulated, get the same answers and leave the same entries (src/store/sim.h, tests/merging/player.c)."""
import os
import random
import subprocess
import time

import ds
import program
import replica

BASE = "o=merge,dc=merge,dc=test"
SUFFIX = "dc=merge,dc=test"
SECOND = 1.1  # changes are ordered by the second
CASES, PHASES = 64, 4  # of random writes

# Each case: what happens to an entry after both sides know it, one second after the other.
NAMED = {
    "last_replacement_wins": ["mod 0 {} =metaInfo=a", "mod 1 {} =metaInfo=b"],
    "earlier_replacement_loses": ["mod 1 {} =metaInfo=b", "mod 0 {} =metaInfo=a"],
    "both_added_values_stay": ["mod 0 {} +revInfo=a", "mod 1 {} +revInfo=b"],
    "one_value_added_on_both": ["mod 0 {} +revInfo=a", "mod 1 {} +revInfo=a"],
    "both_swaps_of_a_counter_succeed": ["mod 0 {} -revInfo=first +revInfo=x", "mod 1 {} -revInfo=first +revInfo=x"],
    "swaps_to_two_values": ["mod 0 {} -revInfo=first +revInfo=x", "mod 1 {} -revInfo=first +revInfo=y"],
    "replaced_then_added": ["mod 0 {} =revInfo=x", "mod 1 {} +revInfo=y"],
    "added_then_replaced": ["mod 0 {} +revInfo=x", "mod 1 {} =revInfo=y"],
    "cleared_then_added": ["mod 0 {} =revInfo=", "mod 1 {} +revInfo=y"],
    "added_then_cleared": ["mod 0 {} +revInfo=y", "mod 1 {} =revInfo="],
    "deleted_then_modified": ["del 0 {}", "mod 1 {} =metaInfo=late"],
    "modified_then_deleted": ["mod 0 {} =metaInfo=lost", "del 1 {}"],
    "deleted_on_both": ["del 0 {}", "del 1 {}"],
    "deleted_and_added_anew": ["del 0 {}", "mod 1 {} =metaInfo=late", "add 0 {} +metaInfo=new"],
    "single_value_of_the_later": ["mod 0 {} =SecurePort=1", "mod 1 {} =SecurePort=2"],
    "single_value_added_on_both": ["mod 0 {} -SecurePort=7 +SecurePort=8", "mod 1 {} -SecurePort=7 +SecurePort=9"],
    "what_is_not_there_cannot_go": ["mod 0 {} -revInfo=never", "add 1 {} +metaInfo=twice"],
}
# And to a name that nobody has.
NEW = {
    "earlier_add_keeps_the_name": ["add 0 {} +metaInfo=a", "add 1 {} +metaInfo=b"],
    "earlier_add_of_the_other_keeps_it": ["add 1 {} +metaInfo=b", "add 0 {} +metaInfo=a"],
    "added_on_both_and_changed": ["add 0 {} +metaInfo=a", "add 1 {} +metaInfo=b", "mod 1 {} +revInfo=c"],
}


class Player:
    """tests/merging/player: a line in, a line out."""

    def __init__(self, *argv, env=None):
        self.process = subprocess.Popen([str(program.BUILD / "tests/merging/player"), *argv], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def done(self):
        self.process.stdin.close()
        self.process.wait(program.TIMEOUT)
        self.process.stdout.close()


def index(server, *attributes):
    """As an installation has it; acts from the server's next start."""
    connection = server.connect()
    for name in attributes:
        connection.add_s(f"cn={name},cn=index,cn=userRoot,cn=ldbm database,cn=plugins,cn=config", [
            ("objectClass", [b"top", b"nsIndex"]), ("cn", name.encode()), ("nsSystemIndex", b"false"),
            ("nsIndexType", [b"eq", b"pres"])])
    connection.unbind_s()
    server.restart()


class Both:
    """Two real replicas and two simulated ones that are told the same."""

    def __init__(self, root):
        self.servers, self.players = [], []
        try:
            for n in range(2):
                self.servers.append(ds.start(f"m{os.getpid()}p{program.free_port()}", suffix=SUFFIX, usn=True))
            self.real = Player("ldap", *[s.url for s in self.servers], BASE, str(root),
                               env=dict(os.environ, PASSWORD=ds.PASSWORD))
            self.players.append(self.real)
            self.sim = Player("sim")
            self.players.append(self.sim)
            for n in range(2):
                (root / str(n)).mkdir()
            assert self.real("setup") == "ok"
            for s in self.servers:
                index(s, "certStatus", "requestState")
            self.net = replica.link(self.servers, SUFFIX)
            assert self.real("open") == "ok"
        except BaseException:
            self.remove()
            raise

    def both(self, line):
        """The answers have to be the same."""
        real, sim = self.real(line), self.sim(line)
        assert real.split(":")[0] == sim.split(":")[0], f"{line}: {real!r}, simulated {sim!r}"
        return real

    def later(self):
        time.sleep(SECOND)
        self.sim(f"tick {int(SECOND * 1000)}")

    def apart(self, phases):
        """Writes on both sides while nothing travels; then all of it does."""
        self.net.pause()
        for lines in phases:
            for line in lines:
                self.both(line)
            self.later()
        self.net.resume()
        self.net.wait()
        assert self.sim("settle") == "ok"
        self.later()

    def entries(self, player, n):
        """{id: values}."""
        text = player(f"dump {n}")
        assert text.endswith("|ok") or text == "ok", text
        return dict(x.partition(" ")[::2] for x in text[:-2].split("|") if x)

    def compare(self, told):
        for n in range(2):
            real, sim = self.entries(self.real, n), self.entries(self.sim, n)
            wrong = [f"{told[i]}: {real.get(i)!r}, simulated {sim.get(i)!r}" for i in told if real.get(i) != sim.get(i)]
            assert not wrong, f"replica {n}:\n" + "\n".join(wrong)
            assert len(self.net.conflicts(self.servers[n])) == int(self.sim(f"conflicts {n}").split()[0])

    def remove(self):
        for p in self.players:
            p.done()
        for s in self.servers:
            s.remove()


def random_write(draw, side, name):
    """Of everything that a client can do to an entry."""
    value = draw.choice("abc")
    what = draw.randrange(12)
    if what == 0:
        return f"del {side} {name}"
    if what == 1:
        return f"add {side} {name} +metaInfo={value}"
    attr = draw.choice(["metaInfo", "revInfo", "revInfo", "SecurePort"])
    value = str(ord(value)) if attr == "SecurePort" else value
    if what < 5:
        return f"mod {side} {name} ={attr}={value}"
    if what == 5:
        return f"mod {side} {name} ={attr}="
    if attr == "SecurePort":  # one value, as the schema has it, which the simulator does not look at
        return f"mod {side} {name} -{attr}={value}"
    return f"mod {side} {name} {draw.choice('++-')}{attr}={value}"


def columns(cases):
    """Lines of the first, of the second ... second."""
    return [[c[i] for c in cases if i < len(c)] for i in range(max(map(len, cases)))]


def test_the_same_writes_leave_the_same_entries(root):
    two = Both(root)
    try:
        named = list((NAMED | NEW).items())
        told = {f"{i + 1:x}": name for i, (name, _) in enumerate(named)}
        seed = int(os.environ.get("SEED", "1"))
        draw = random.Random(seed)
        drawn = {f"{0x100 + i:x}": [] for i in range(CASES)}
        for i, lines in drawn.items():
            lines += [random_write(draw, draw.randrange(2), i) for _ in range(PHASES)]
        for i in [i for i in told if told[i] in NAMED] + list(drawn):
            two.both(f"add 0 {i} +revInfo=first +metaInfo=first +SecurePort=7")
        two.net.wait()
        two.sim("settle")
        two.later()
        two.apart(columns([[line.format(i) for line in lines] for i, (_, lines) in zip(told, named)] +
                          list(drawn.values())))
        two.compare(told | {i: f"seed {seed}, {drawn[i]}" for i in drawn})
        # filled anew, a replica's numbers begin anew and what was kept of them is worth nothing
        before = {p: p("usn 1").split()[0] for p in two.players}
        assert two.real(f"since 1 {before[two.real]}") == two.sim(f"since 1 {before[two.sim]}") == "ok"
        two.net.initialise(*two.servers)
        assert two.sim("reinit 0") == "ok" and two.real("open") == "ok"
        for p in two.players:
            assert p(f"since 1 {before[p]}").startswith("gone"), p
    finally:
        two.remove()
