# SPDX-License-Identifier: Apache-2.0
"""Running our own programs and foreign tools from a scenario."""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR") or TOP / "build")
TIMEOUT = 60  # seconds a program may take unless told otherwise
PORT_FIRST, PORT_LAST = 20000, 29999  # below the kernel's ephemeral range


def find(name):
    """Path of a program: built ones first, else the system's."""
    if "/" in str(name):
        return str(name)
    for room in ("tools", "pkid", "deploy"):
        path = BUILD / "src" / room / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name}: neither built nor installed")
    return path


def run(*argv, status=0, input=None, timeout=TIMEOUT, env=None, cwd=None, text=True):
    """Runs to the end; CompletedProcess with stdout and stderr. Raises when the
    exit status is not `status` (None: any)."""
    argv = [find(argv[0])] + [str(a) for a in argv[1:]]
    done = subprocess.run(argv, input=input, timeout=timeout, env=env, cwd=cwd, text=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}, wanted {status}\n"
                             f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}")
    return done


def spawn(*argv, env=None, cwd=None, log=None):
    """Starts in a session of its own; output to the file `log` (or dropped)."""
    argv = [find(argv[0])] + [str(a) for a in argv[1:]]
    out = open(log, "ab") if log else subprocess.DEVNULL
    return subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                            stderr=subprocess.STDOUT, start_new_session=True)


def end(process, timeout=30):
    """SIGTERM, then SIGKILL to the whole session."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def free_port():
    """Ports are handed out in turn through a locked file, so that tests that run
    side by side never get the same one."""
    path = f"/tmp/signet-ports.{os.getuid()}"
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        text = f.read().strip()
        port = int(text) if text.isdigit() else PORT_FIRST
        for _ in range(PORT_LAST - PORT_FIRST):
            port = port + 1 if port < PORT_LAST else PORT_FIRST
            with socket.socket() as s:
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
            f.seek(0)
            f.truncate()
            f.write(str(port))
            return port
    raise RuntimeError("no free port")


def wait_for(what, check, timeout=60, every=0.05):
    """Calls check() until it gives something true; its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(every)


def port_open(port, host="127.0.0.1"):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


def fill(folder):
    """Fills a file system to its last page."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass
    return path
