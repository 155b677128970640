# SPDX-License-Identifier: Apache-2.0
"""Private 389 Directory Server instances, without systemd.

One stopped instance ("golden copy": TLS certificate, no suffix) is made once a
machine and user with dscreate, in about ten seconds. Each server is a copy of it
with its own folder, ports and suffix, started as ns-slapd directly, in about one
second. Everything lies below one folder; nothing of the system's is touched.

    server = ds.start("t1", suffix="dc=example,dc=com")
    server.url, server.ldaps_url, server.ca_file, server.suffix
    server.connect()      # python-ldap, bound as Directory Manager
    server.stop(), server.start(), server.kill(), server.remove()
    ds.unindexed               # searches without an index, of servers that are gone
    ds.copy(server, "t2")      # a stopped server's copy
"""
import fcntl
import grp
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

import program

BIND_DN = "cn=Directory Manager"
PASSWORD = "Secret.123"
DEFAULTS_INF = "/usr/share/dirsrv/inf/defaults.inf"
START_TIMEOUT = 60
LATE = 20  # lines in which what began during a task may end
unindexed = []  # tests/conftest.py fails the test that added to it
STOP_TIMEOUT = 60

SMALL = """\
nsslapd-cache-autosize: 0
nsslapd-dbcachesize: 33554432"""


def home():
    """Where golden copies and named servers of this user live."""
    path = pathlib.Path(os.environ.get("SIGNET_DS_DIR") or f"/tmp/sgds.{os.getuid()}")
    path.mkdir(mode=0o755, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise RuntimeError(f"{path}: belongs to somebody else")
    return path


def _me():
    who = pwd.getpwuid(os.getuid())
    return who.pw_name, grp.getgrgid(who.pw_gid).gr_name


def _inf(folder):
    """A copy of the packaged defaults with every changing path below folder."""
    user, group = _me()
    f, n = folder, "{instance_name}"
    set_ = {
        "with_systemd": "0", "user": user, "group": group,
        "sysconf_dir": f"{f}/etc", "initconfig_dir": f"{f}/etc/default",
        "config_dir": f"{f}/etc/dirsrv/slapd-{n}", "cert_dir": f"{f}/etc/dirsrv/slapd-{n}",
        "schema_dir": f"{f}/etc/dirsrv/slapd-{n}/schema", "local_state_dir": f"{f}/var",
        "tmp_dir": f"{f}/tmp", "run_dir": f"{f}/run", "pid_file": f"{f}/run/slapd-{n}.pid",
        "ldapi": f"{f}/run/{n}.socket", "inst_dir": f"{f}/inst/slapd-{n}",
        "lock_dir": f"{f}/lock/slapd-{n}", "log_dir": f"{f}/log/slapd-{n}",
        "access_log": f"{f}/log/slapd-{n}/access", "audit_log": f"{f}/log/slapd-{n}/audit",
        "auditfail_log": f"{f}/log/slapd-{n}/auditfail", "error_log": f"{f}/log/slapd-{n}/errors",
        "security_log": f"{f}/log/slapd-{n}/security",
        "db_dir": f"{f}/lib/slapd-{n}/db", "db_home_dir": f"{f}/lib/slapd-{n}/db",
        "backup_dir": f"{f}/lib/slapd-{n}/bak", "ldif_dir": f"{f}/lib/slapd-{n}/ldif",
    }
    out = []
    for line in open(DEFAULTS_INF, encoding="utf-8"):
        key = line.split("=")[0].strip()
        out.append(f"{key} = {set_[key]}\n" if "=" in line and key in set_ else line)
    return "".join(out)


def _golden():
    """The folder of the golden copy, made when it is not there yet."""
    recipe = hashlib.sha256()
    for path in (DEFAULTS_INF, __file__):
        recipe.update(pathlib.Path(path).read_bytes())
    recipe.update(socket.gethostname().encode())
    target = home() / f"golden-{recipe.hexdigest()[:12]}"
    with open(home() / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            for old in home().glob("golden-*"):
                if time.time() - old.stat().st_mtime > 86400:
                    shutil.rmtree(old, ignore_errors=True)
            _make_golden(target)
    return target


def _make_golden(target):
    work = target.with_name(f"new-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    for sub in ("run", "lock", "log", "lib", "inst", "tmp", "var", "etc/default",
                "etc/dirsrv/schema", "etc/dirsrv/config", "share/dirsrv/inf"):
        (work / sub).mkdir(parents=True)
    (work / "etc/dirsrv/schema/99user.ldif").write_text("dn: cn=schema\nobjectClass: top\n")
    (work / "etc/dirsrv/config/slapd-collations.conf").write_text("")
    (work / "etc/dirsrv/config/certmap.conf").write_text("certmap default default\n")
    (work / "share/dirsrv/inf/defaults.inf").write_text(_inf(work))
    name = f"golden{os.getpid()}"
    (work / "golden.inf").write_text(
        "[general]\nconfig_version = 2\nstrict_host_checking = False\n"
        f"full_machine_name = {socket.gethostname()}\n"
        f"[slapd]\ninstance_name = {name}\nroot_password = {PASSWORD}\n"
        f"port = {program.free_port()}\nsecure_port = {program.free_port()}\n"
        "self_sign_cert = True\n")
    subprocess.run(["dscreate", "from-file", str(work / "golden.inf")],
                   env=dict(os.environ, PREFIX=str(work)), check=True, timeout=120,
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    _stop_pid(work / f"run/slapd-{name}.pid", signal.SIGTERM)
    _remove_semaphore(name)
    for junk in [*(work / "run").iterdir(), *work.glob("lib/slapd-*/db/__db.*"),
                 *work.glob("log/slapd-*/*")]:
        junk.unlink()
    (work / "name").write_text(name)
    (work / "folder").write_text(str(work))
    work.rename(target)


def _alive(pid_file):
    """The pid when it is a running ns-slapd of ours, else None."""
    try:
        pid = int(pid_file.read_text())
        if b"ns-slapd" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                return pid
    except (OSError, ValueError):
        pass
    return None


def _stop_pid(pid_file, how):
    pid = _alive(pid_file)
    if pid is None:
        return
    os.kill(pid, how)
    program.wait_for(f"ns-slapd {pid} to end", lambda: _alive(pid_file) is None, STOP_TIMEOUT)


def _remove_semaphore(name):
    pathlib.Path(f"/dev/shm/sem.slapd-{name}.stats").unlink(missing_ok=True)


class Server:
    """One directory server below self.folder; see the text of this file."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        state = json.loads((self.folder / "server.json").read_text())
        self.name, self.host = state["name"], state["host"]
        self.port, self.secure_port = state["port"], state["secure_port"]
        self.suffix = state["suffix"]
        self.config = self.folder / f"etc/dirsrv/slapd-{self.name}"
        self.pid_file = self.folder / f"run/slapd-{self.name}.pid"
        self.errors = self.folder / f"log/slapd-{self.name}/errors"
        self.access = self.folder / f"log/slapd-{self.name}/access"
        self.ca_file = self.folder / "etc/dirsrv/ssca/ca.crt"
        self.bind_dn, self.password = BIND_DN, PASSWORD

    @property
    def url(self):
        return f"ldap://{self.host}:{self.port}"

    @property
    def ldaps_url(self):
        return f"ldaps://{socket.gethostname()}:{self.secure_port}"

    def running(self):
        return _alive(self.pid_file) is not None

    def start(self):
        """Starts it and waits until it answers."""
        if self.running():
            return self
        self.pid_file.unlink(missing_ok=True)
        done = subprocess.run(["ns-slapd", "-D", str(self.config), "-i", str(self.pid_file)],
                              start_new_session=True, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            if done.returncode != 0:
                raise AssertionError(f"ns-slapd: exit {done.returncode}: {done.stdout}")
            program.wait_for(f"{self.url} to answer", self._answers, START_TIMEOUT, 0.02)
        except AssertionError as e:
            tail = self.errors.read_text()[-2000:] if self.errors.exists() else ""
            raise AssertionError(f"{e}\n{tail}") from None
        return self

    def _answers(self):
        import ldap
        try:
            connection = ldap.initialize(self.url)
            connection.simple_bind_s(BIND_DN, PASSWORD)
            connection.unbind_s()
            return True
        except ldap.LDAPError:
            return False

    def stop(self):
        _stop_pid(self.pid_file, signal.SIGTERM)

    def kill(self):
        """SIGKILL; start() afterwards recovers."""
        _stop_pid(self.pid_file, signal.SIGKILL)
        _remove_semaphore(self.name)
        # it believes in these pid files, also while its zombie waits for init
        for lock in (self.folder / f"lock/slapd-{self.name}/server").iterdir():
            lock.unlink()

    def restart(self):
        self.stop()
        return self.start()

    def remove(self):
        unindexed.extend(self.unindexed())
        if self.running():
            self.kill()
        _remove_semaphore(self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, bind_dn=BIND_DN, password=PASSWORD):
        """A bound python-ldap connection."""
        import ldap
        connection = ldap.initialize(self.url)
        connection.simple_bind_s(bind_dn, password)
        return connection

    def log_lines(self, since=0):
        """Lines of the access log from number `since` on."""
        return self.access.read_text().splitlines()[since:] if self.access.exists() else []

    def writes(self, since=0):
        """Additions, modifications and deletions in the access log."""
        return [x for x in self.log_lines(since) if re.search(r" (ADD|MOD|DEL|MODRDN) dn=", x)]

    def unindexed(self):
        """Lines of the access log about searches without an index (notes=U, notes=A), but for those while
        an index was being built: from the addition of such a task to the last look at it."""
        lines = [x for path in sorted(self.access.parent.glob("access*"), key=lambda p: p.stat().st_mtime)
                 for x in path.read_bytes().splitlines()]
        tasks = {}
        for i, x in enumerate(lines):
            if b"cn=index,cn=tasks,cn=config" in x:
                dn = x.split(b'"')[1].lower()
                tasks[dn] = (tasks.get(dn, (i,))[0], i)
        keys = set()
        for i, x in enumerate(lines):
            bad = re.search(rb"( conn=\d+ op=\d+ )RESULT .* notes=[A-Z,]*[UA]", x)
            if bad and not any(begin <= i <= end + LATE for begin, end in tasks.values()):
                keys.add(bad[1])
        return [f"{self.name}: {x.decode(errors='replace')}" for x in lines if keys and any(k in x for k in keys)
                and (b" SRCH " in x or b" notes=" in x)]

    def add_suffix(self, suffix, database):
        """A back end, its mapping and its top entry."""
        import ldap
        import ldap.dn
        c = self.connect()
        c.add_s(f"cn={database},cn=ldbm database,cn=plugins,cn=config", [
            ("objectClass", [b"top", b"extensibleObject", b"nsBackendInstance"]),
            ("cn", database.encode()), ("nsslapd-suffix", suffix.encode()),
            ("nsslapd-cachememsize", b"67108864")])
        c.add_s(f'cn="{suffix}",cn=mapping tree,cn=config', [
            ("objectClass", [b"top", b"extensibleObject", b"nsMappingTree"]),
            ("cn", suffix.encode()), ("nsslapd-state", b"backend"),
            ("nsslapd-backend", database.encode())])
        key, value, _ = ldap.dn.str2dn(suffix)[0][0]
        kind = {"dc": b"domain", "o": b"organization", "ou": b"organizationalUnit"}[key.lower()]
        c.add_s(suffix, [("objectClass", [b"top", kind]), (key, value.encode())])
        c.unbind_s()


def _secure_address(host):
    """TLS is asked for by the machine's own name, which Debian's installer gives 127.0.1.1."""
    try:
        own = socket.gethostbyname(socket.gethostname())
    except OSError:
        return host
    return own if host == "127.0.0.1" and own.startswith("127.") else host


def _copy(golden, folder, name, port, secure_port, host, suffix, usn):
    """A copy of a stopped server's folder under another name, not yet started."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise ValueError(f"{name}: not a server name")
    if folder.exists():
        raise FileExistsError(f"{folder}: exists; stop and remove it first")
    old_name, old_folder = (golden / "name").read_text(), (golden / "folder").read_text()
    shutil.copytree(golden, folder, symlinks=True)
    port, secure_port = port or program.free_port(), secure_port or program.free_port()
    for path in sorted(folder.rglob(f"slapd-{old_name}"), reverse=True):
        path.rename(path.with_name(f"slapd-{name}"))
    dse = folder / f"etc/dirsrv/slapd-{name}/dse.ldif"
    text = dse.read_text().replace("\n ", "")
    text = text.replace(old_folder, str(folder)).replace(old_name, name)
    for key, value in {"nsslapd-port": port, "nsslapd-secureport": secure_port,
                       "nsslapd-listenhost": host, "nsslapd-securelistenhost": _secure_address(host),
                       "nsslapd-accesslog-logbuffering": "off"}.items():
        text, n = re.subn(rf"(?mi)^{key}:.*$", f"{key}: {value}", text)
        if n == 0:
            text = re.sub(r"(?mi)^(cn: config)$", rf"\1\n{key}: {value}", text, count=1)
    text = re.sub(r"(?mi)^nsslapd-cache-autosize:.*\n", "", text)
    text = re.sub(r"(?mi)^nsslapd-dbcachesize:.*\n", "", text)
    text = re.sub(r"(?mi)^(dn: (?:cn=bdb,)?cn=config,cn=ldbm database,cn=plugins,cn=config)$",
                  rf"\1\n{SMALL}", text)
    if usn:
        text = re.sub(r"(?mis)^(dn: cn=USN,cn=plugins,cn=config$.*?^nsslapd-pluginEnabled:) off$", r"\1 on",
                      text, count=1)
    dse.write_text(text)
    for extra in dse.parent.glob("dse.ldif.*"):
        extra.unlink()
    (folder / "server.json").write_text(json.dumps({
        "name": name, "host": host, "port": port, "secure_port": secure_port,
        "suffix": suffix}))
    return Server(folder)


def start(name, suffix="dc=example,dc=com", port=None, secure_port=None,
          host="127.0.0.1", folder=None, backend="userRoot", usn=False):
    """Makes and starts a new server. The name is unique on the machine (the
    server keeps a semaphore by it). suffix=None makes none. usn: with the USN
    plug-in acting from the first start."""
    folder = pathlib.Path(folder) if folder else home() / name
    server = _copy(_golden(), folder, name, port, secure_port, host, suffix, usn)
    try:
        server.start()
        if suffix:
            server.add_suffix(suffix, backend)
    except BaseException:
        if not os.environ.get("KEEP"):
            server.remove()
        raise
    return server


def copy(source, name):
    """A copy of a stopped server with all its data, not yet started: other name,
    other ports."""
    if source.running():
        raise ValueError(f"{source.name}: runs; stop it first")
    (source.folder / "name").write_text(source.name)
    (source.folder / "folder").write_text(str(source.folder))
    unindexed.extend(source.unindexed())
    for junk in [*(source.folder / "run").iterdir(), *source.folder.glob("lib/slapd-*/db/__db.*"),
                 *source.folder.glob("log/slapd-*/*")]:
        junk.unlink()
    return _copy(source.folder, home() / name, name, None, None, source.host, source.suffix, False)


def servers():
    """All named servers of this user."""
    return [Server(p.parent) for p in sorted(home().glob("*/server.json"))]


