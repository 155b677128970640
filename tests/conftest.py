# SPDX-License-Identifier: Apache-2.0
"""Harness of the scenarios: see tests/README.md for the fixtures."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import program  # noqa: E402  (tests/lib)


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: script/check runs it under the sanitizers too")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A scenario that cannot start its real part fails; it is never skipped."""
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, which counts as failed: {report.longrepr}"
    if getattr(report, "wasxfail", None) is not None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: marked xfail, which counts as failed"
        del report.wasxfail


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown():
    """No search without an index in any directory server that this ended."""
    yield
    ds = sys.modules.get("ds")
    if ds is not None and ds.unindexed:
        found, ds.unindexed[:] = list(ds.unindexed), []
        raise AssertionError("searched without an index:\n" + "\n".join(found))


@pytest.fixture
def root():
    """A scratch root for --root / PKI_ROOT: short (socket paths), searchable by
    other users, gone after the test unless KEEP=1."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sg-", dir=os.environ.get("TMPDIR", "/tmp")))
    path.chmod(0o755)
    yield path
    if os.environ.get("KEEP"):
        print(f"kept {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def build_dir():
    return program.BUILD


@pytest.fixture
def run(root):
    """run("pki", "--version"): a built or system program, environment with
    PKI_ROOT = root; fails the test on a status other than `status`."""
    def call(*argv, **kw):
        env = dict(os.environ, PKI_ROOT=str(root), **kw.pop("env", {}))
        return program.run(*argv, env=env, **kw)
    return call


@pytest.fixture
def spawn(root):
    """spawn("pkid", ...): a program in the background, ended after the test."""
    started = []

    def call(*argv, **kw):
        env = dict(os.environ, PKI_ROOT=str(root), **kw.pop("env", {}))
        started.append(program.spawn(*argv, env=env, **kw))
        return started[-1]
    yield call
    for p in reversed(started):
        program.end(p)


@pytest.fixture
def free_port():
    """free_port(): a TCP port on loopback that nobody else was given."""
    return program.free_port


@pytest.fixture
def small_disk():
    """mount(folder, bytes): the folder's content on a small file system."""
    mounted = []

    def mount(folder, size):
        away = folder.with_name(folder.name + ".away")
        folder.rename(away)
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        mounted.append(folder)
        subprocess.run(["cp", "-a", f"{away}/.", folder], check=True)
        shutil.rmtree(away)
    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def directory():
    """directory(suffix="dc=...", ...): a started private 389 DS with a name of
    its own (ds.Server), removed after the test unless KEEP=1."""
    import ds
    started = []

    def call(suffix="dc=example,dc=com", **kw):
        port = kw.pop("port", None) or program.free_port()
        started.append(ds.start(f"t{os.getpid()}p{port}", suffix=suffix, port=port, **kw))
        return started[-1]
    yield call
    for server in started:
        if os.environ.get("KEEP"):
            server.stop()
        else:
            server.remove()


@pytest.fixture
def replicas():
    """replicas(2, suffix="dc=...", ...): that many started private 389 DS that
    replicate a suffix with one another (replica.Net), removed after the test
    unless KEEP=1."""
    import replica
    started = []

    def call(n=2, suffix="dc=example,dc=com", **kw):
        port = program.free_port()
        names = [f"t{os.getpid()}p{port}{chr(97 + i)}" for i in range(n)]
        started.append(replica.start(names, suffix=suffix, **kw))
        return started[-1]
    yield call
    for net in started:
        for server in net.servers:
            if os.environ.get("KEEP"):
                server.stop()
            else:
                server.remove()


# --- certificate authorities (tests/lib/instance.py) ---------------------------


@pytest.fixture(scope="session")
def golden():
    """The stopped instance that all others are copies of."""
    import instance
    made = instance.Golden()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def directory_golden():
    """The same with its records in a private 389 Directory Server, stopped too."""
    import instance
    made = instance.DirectoryGolden()
    yield made
    made.remove()


@pytest.fixture
def make_pair(directory_golden):
    """make_pair(**kw): a master and its clone (pair.Pair), not started yet."""
    import pair
    made = []

    def call(**kw):
        made.append(pair.Pair(directory_golden, **kw))
        return made[-1]
    yield call
    for p in made:
        p.remove()


def _factory(golden):
    import instance
    made = []

    def call(start=True, edit=None):
        ca = instance.Ca(golden)
        made.append(ca)
        if edit is not None:
            edit(ca)
        return ca.start() if start else ca
    return made, call


def _end(made):
    errors = []
    for ca in reversed(made):
        try:
            ca.remove()
        except AssertionError as e:
            errors.append(str(e))
    assert not errors, errors


@pytest.fixture
def new_ca(golden):
    """new_ca(start=True, edit=None): a private CA (instance.Ca); edit(ca) may
    change its files first. Must end with exit code 0 unless the test ended it."""
    made, call = _factory(golden)
    yield call
    _end(made)


@pytest.fixture
def ca(new_ca):
    """A started private CA."""
    return new_ca()


@pytest.fixture(scope="module")
def shared_ca(golden):
    """A started CA that the cases of one file share."""
    made, call = _factory(golden)
    yield call()
    _end(made)
