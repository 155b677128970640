# SPDX-License-Identifier: Apache-2.0
"""A machine of a test's own: the real paths (/etc/pki, /var/lib/pki ...) without a root folder, in private mount,
network, host name and process namespaces. Nothing reaches the real /etc, /var, /run, /root or /usr/share."""
import os
import pathlib
import shutil
import subprocess

import instance
import program

# what becomes empty, or a copy, before a word of the test runs
SETUP = r"""
set -eu
mount --make-rprivate /
cp -a /etc "$T/etc"
for d in lib log run root share tmp; do mkdir "$T/$d"; done
mkdir "$T/share/pki"
cp -r "$SHARE/." "$T/share/pki/"
chmod 700 "$T/root"
chmod 1777 "$T/tmp"
mount --bind "$T/etc" /etc
mount --bind "$T/lib" /var/lib
mount --bind "$T/log" /var/log
mount --bind "$T/root" /root
mount --bind "$T/share" /usr/share
mount --bind "$T/run" /run
hostname "$HOST"
printf '127.0.0.1 localhost\n127.0.0.1 %s\n' "$HOST" >/etc/hosts
ip link set lo up
"""


class Machine:
    def __init__(self, host="pki.example.com"):
        self.folder = instance.temp_root("sgm-")
        self.host = host
        share = self.folder / "data"
        instance.share(share)
        data = program.TOP / "data/deployment"
        (share / "server/examples").mkdir(parents=True)
        shutil.copytree(data / "examples", share / "server/examples/installation")
        shutil.copytree(data / "certs", share / "server/certs")
        (share / "tools/examples").mkdir(parents=True)
        shutil.copytree(data / "tools", share / "tools/examples/certs")
        self.env = {"PATH": f"{program.BUILD}/src/tools:{program.BUILD}/src/pkid:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": "/root", "LC_ALL": "C.UTF-8", "T": str(self.folder), "SHARE": str(share), "HOST": host}

    def run(self, script, timeout=120, status=0):
        """Runs a shell script to its end; what it started ends with it. Its output, both streams."""
        argv = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc",
                "bash", "-c", SETUP + "cd /root\n" + script]
        done = subprocess.run(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
        assert status is None or done.returncode == status, f"exit {done.returncode}\n{done.stdout}"
        return done.stdout

    def path(self, path):
        """Where a file of the machine is seen from outside; only below the folders that it has of its own."""
        for inside, own in (("/etc", "etc"), ("/var/lib", "lib"), ("/var/log", "log"), ("/root", "root"),
                            ("/run", "run")):
            if path.startswith(inside + "/"):
                return self.folder / own / path[len(inside) + 1:]
        raise ValueError(path)

    def remove(self):
        if os.environ.get("KEEP"):
            print(f"kept {self.folder}")
        else:
            shutil.rmtree(pathlib.Path(self.folder), ignore_errors=True)
