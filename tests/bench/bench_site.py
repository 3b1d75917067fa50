"""The first site.yml on fresh machines against a plain shell script that lays the same packages and files.

    python tests/bench/bench_site.py            # takes about five minutes; needs podman

The script is derived from what site.yml did: it installs the packages that came, unpacks the files that changed, and
starts the daemons in the order that they need. Both end when Slurm shows every compute node idle. Goal: a ratio of at
most 1.5. The second site.yml is timed, too (goal: 20 s, and nothing changed).
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.harness import Lab

PACKAGES = "dpkg-query -W -f '${Package}\\n' | sort"
# What package scripts keep themselves is not for the script to lay.
KEPT = (
    "alternatives|ld.so.cache|mailcap|passwd-?|group-?|g?shadow-?|subuid-?|subgid-?|rc[0-6S].d|systemd/system/.*wants"
)
FILES = (
    "{ find /etc /usr/local /var/lib/awsome /root -xdev -newer /run/bench-began \\( -type f -o -type l \\); "
    "find /var/lib /var/spool /var/log -maxdepth 1 -type d -name '*slurm*'; } 2>/dev/null "
    f"| grep -Ev '^/etc/({KEPT})|/\\.ansible|dpkg' || true"
)
DATABASE = """
systemctl start mariadb
mysql -e "CREATE DATABASE slurm_acct_db; CREATE USER 'slurm'@'localhost' IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'localhost'"
systemctl enable --now slurmdbd
for turn in $(seq 300); do sacctmgr -n list cluster >/dev/null 2>&1 && break; sleep 0.2; done
"""
START = {
    "controller": f"{DATABASE} systemctl enable --now slurmctld",
    "login": "true",
    "compute": "systemctl enable --now slurmd",
}
IDLE = 'until [ "$(sinfo -h -t idle -o %D)" = 2 ]; do sleep 0.2; done'


def function_of(name: str) -> str:
    return re.sub(r"^bench-|-\d+$", "", name)


class Bench:
    def __init__(self) -> None:
        self.lab = Lab("bench", {"lab_image_stage": "base"})

    def fresh(self) -> None:
        self.lab.destroy()
        made = self.lab.create()
        assert made.returncode == 0, made.stdout[-3000:]

    def ssh(self, name: str, script: str, stdin: bytes = b"") -> bytes:
        key, known = self.lab.state / "ssh/id_ed25519", self.lab.state / "ssh/known_hosts"
        options = ["-q", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        address = self.lab.addresses()[name]
        done = subprocess.run(
            ["ssh", *options, f"root@{address}", script], input=stdin, stdout=subprocess.PIPE, timeout=600, check=True
        )
        return done.stdout

    def everywhere(self, *calls: tuple[str, str, bytes]) -> list[bytes]:
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.ssh(*call), calls))

    def by_site(self) -> tuple[float, dict[str, tuple[list[str], bytes]], float]:
        """Seconds of site.yml, what it laid on each machine, and the seconds of a second run."""
        self.fresh()
        names = self.lab.names()
        before = [self.ssh(name, f"touch /run/bench-began; {PACKAGES}").split() for name in names]
        began = time.monotonic()
        self.site()
        self.ssh("bench-controller", IDLE)
        seconds = time.monotonic() - began
        laid = {}
        for name, had in zip(names, before):
            packages = sorted(set(self.ssh(name, PACKAGES).split()) - set(had))
            files = self.ssh(name, f"{FILES}").split()
            archive = self.ssh(name, "tar -cf - --no-recursion --files-from=- 2>/dev/null", b"\n".join(files))
            laid[name] = [package.decode() for package in packages], archive
        began = time.monotonic()
        recap = self.site()
        again = time.monotonic() - began
        assert set(re.findall(r"changed=(\d+)", recap)) == {"0"}, recap[-3000:]
        return seconds, laid, again

    def site(self) -> str:
        result = self.lab.playbook("site")
        assert result.returncode == 0, result.stdout[-3000:]
        return str(result.stdout)

    def by_script(self, laid: dict[str, tuple[list[str], bytes]]) -> float:
        self.fresh()
        began = time.monotonic()
        install = "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -qqy {} >/dev/null"
        hold = "printf 'exit 101' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d"
        self.everywhere(
            *((n, f"{hold}; {install.format(' '.join(packages))}", b"") for n, (packages, _) in laid.items())
        )
        unpack = "rm /usr/sbin/policy-rc.d; tar -xf - -C /; systemctl daemon-reload; systemctl restart munge"
        self.everywhere(*((name, unpack, archive) for name, (_, archive) in laid.items()))
        self.ssh("bench-controller", START["controller"])
        others = [name for name in laid if name != "bench-controller"]
        self.everywhere(*((name, START[function_of(name)], b"") for name in others))
        self.ssh("bench-controller", f"timeout 120 sh -c '{IDLE}'")
        return time.monotonic() - began


def main() -> None:
    bench = Bench()
    try:
        site, laid, again = bench.by_site()
        script = bench.by_script(laid)
    finally:
        bench.lab.destroy()
    print(f"first site.yml    {site:6.1f} s")
    print(f"plain script      {script:6.1f} s   ratio {site / script:.2f} (goal: at most 1.5)")
    print(f"second site.yml   {again:6.1f} s   changed 0 (goal: at most 20 s)")


if __name__ == "__main__":
    main()
