# SPDX-License-Identifier: Apache-2.0
"""script/demo does and prints what it says, with the programs that are built."""
import os
import re

import ds
import program

TIMEOUT = 900  # seconds; a minute on a quiet machine


def demo(*argv):
    env = dict(os.environ, BUILD_DIR=str(program.BUILD), SIGNET_DS_DIR=str(ds.home()))
    env.pop("PKI_ROOT", None)
    done = program.run(program.TOP / "script/demo", "--ec", "--built", *argv, env=env, timeout=TIMEOUT)
    return done.stdout


def test_demo_of_one_ca():
    told = demo()
    for line in ("www.crt: OK", "www.crt: good", "www.crt: revoked", "crlNumber="):
        assert line in told, told


def test_demo_of_a_master_and_its_clone():
    """The documented test; the master down and back, killed, replaced, back as a clone, handed back."""
    told = demo("--clone")
    for line in ("is a clone.", "requested on localhost:", "revoked there", "Nothing needs attention.",
                 "does not answer; if it is stopped, say --holder-is-stopped", "this instance is a clone now",
                 "Promoted localhost:"):
        assert line in told, told
    assert told.count("is on it\n") == 4, told
    # the table: no CRL number ever goes back
    table = re.findall(r"^  .{58} +[0-9.]+ s   ([0-9]+|-)$", told, re.M)
    assert len(table) == 8 and table[:2] == ["-", "-"], told
    numbers = [int(x) for x in table[2:]]
    assert numbers == sorted(numbers) and numbers[4] < numbers[5] and numbers[3] >= 1 << 36, told
    leave = [s.name for s in ds.servers() if s.name.startswith("demo") and s.name[4:-1] in told]
    assert not leave
