"""The install doors of profile gpu on a fresh machine with a warm mirror, against a shell script that does the same.

    python tests/bench/bench_node_stack.py [--platform debian12]       # takes about three minutes; needs podman

The vendors' packages and archives are stand-ins on a mounted mirror; the system's own come from its archive. The
script is derived from what the walk did: it lays the lists of repositories and checks their keys, installs the
packages that came in the versions that came, holds what is held, copies each release from the mirror, checks and
unpacks it, and lays what was built and written. It is timed twice: component by component as the walk has them, with
an update of the index for each vendor's list, and all in one call of apt. The goal for the former is a ratio of at
most 1.3. Stand-ins are empty, so what this measures is the cost of asking. The second walk is timed, too (goal:
nothing changed). Beside the seconds stand those of processors, the machine's and this side's, which a busy host spoils
less.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.harness import BARE, ROOT, Lab, Podman, run
from standins import build

PACKAGES = "dpkg-query -W -f '${db:Status-Status} ${Package}=${Version}\\n' | sed -n 's/^installed //p' | sort"
HISTORY = "sed -n 's/^Install: //p' /var/log/apt/history.log"
LISTS = "etc/apt/sources.list.d etc/apt/keyrings etc/apt/preferences.d"
# What the scripts of packages keep themselves is not for the script to lay, nor are Ansible's own leftovers.
KEPT = (
    "alternatives|ld.so.cache|mailcap|passwd-?|group-?|g?shadow-?|subuid-?|subgid-?|rc[0-6S].d|systemd/system/.*wants"
)
FILES = (
    "find /etc /usr /opt /var/lib/awsome /root -xdev -newer /run/bench-began \\( -type f -o -type l \\) 2>/dev/null "
    f"| grep -Ev '^/etc/({KEPT})|/\\.ansible|/__pycache__/|dpkg' || true"
)
WALK = """\
- hosts: compute
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.setup: {{gather_subset: ["!all"]}}
    - ansible.builtin.import_tasks: {root}/playbooks/tasks/walk.yml
      vars: {{door: install}}
"""
SCRIPT = """\
set -e
export DEBIAN_FRONTEND=noninteractive
printf 'exit 101' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
tar -xf - -C /
sha256sum --check --quiet /root/bench-keys
apt-get update -qq
{install}
[ -z '{held}' ] || apt-mark hold {held} >/dev/null
rm /usr/sbin/policy-rc.d
{releases}
tar -xf /root/bench-files.tar -C /
ldconfig
systemctl daemon-reload
"""


RELEASE = """\
cp {file} /tmp/release
echo '{sha256}  /tmp/release' | sha256sum --check --quiet
mkdir -p /opt/bench/{number}
{unpack} /tmp/release {into}/opt/bench/{number}
"""


@dataclass(frozen=True)
class Spent:
    seconds: float
    processor: float

    def over(self, other: Spent) -> str:
        return f"{self.seconds / other.seconds:.2f}, of processors {self.processor / other.processor:.2f}"

    def __str__(self) -> str:
        return f"{self.seconds:6.1f} s ({self.processor:5.1f} s of processors)"


class Bench:
    def __init__(self, platform: str) -> None:
        self.standins = build.build()
        mount = f"--volume={self.standins}/mirror:/srv/mirror:ro"
        options: dict[str, Any] = {
            "lab_platform": platform,
            "lab_profiles": {"compute": "gpu"},
            "lab_run_options": [mount],
        }
        self.lab = Lab("bench-stack", {**BARE, **options})
        self.machine = "bench-stack-compute-1"

    def fresh(self) -> None:
        self.lab.destroy()
        made = self.lab.create()
        assert made.returncode == 0, made.stdout[-3000:]
        self.ssh("sh /srv/mirror/prepare.sh")

    def ssh(self, script: str, stdin: bytes = b"") -> bytes:
        key, known = self.lab.state / "ssh/id_ed25519", self.lab.state / "ssh/known_hosts"
        options = ["-q", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        words = ["ssh", *options, f"root@{self.lab.addresses()[self.machine]}", script]
        return subprocess.run(words, input=stdin, stdout=subprocess.PIPE, timeout=600, check=True).stdout

    def processor(self) -> float:
        """Seconds that processors worked for the machine, and for the programs that this one has run."""
        machine = float(Podman()("stats", "--no-stream", "--format", "{{.CPUNano}}", self.machine)) / 1e9
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return machine + own.ru_utime + own.ru_stime

    @contextmanager
    def timed(self) -> Iterator[list[Spent]]:
        spent: list[Spent] = []
        processor, began = self.processor(), time.monotonic()
        yield spent
        seconds = time.monotonic() - began
        spent.append(Spent(seconds, self.processor() - processor))

    def walk(self) -> tuple[Spent, str]:
        with tempfile.TemporaryDirectory() as work:
            playbook = Path(work) / "walk.yml"
            playbook.write_text(WALK.format(root=ROOT))
            inventories = ["-i", str(self.lab.inventory), "-i", str(self.standins / "inventory.yml")]
            with self.timed() as spent:
                done = run("ansible-playbook", *inventories, str(playbook), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"))
        assert done.returncode == 0, done.stdout[-3000:]
        return spent[0], done.stdout

    def by_walk(self) -> tuple[Spent, Spent, dict[str, Any]]:
        """What was spent on the first and the second walk, and what the first one did."""
        self.fresh()
        had = self.ssh(f"touch /run/bench-began; {PACKAGES}").split()
        first, _ = self.walk()
        came = sorted({name.decode() for name in self.ssh(PACKAGES).split()} - {name.decode() for name in had})
        files = self.ssh(FILES)
        done = {
            "packages": came,
            "steps": [
                re.findall(r"([^ ,:]+):\w+ \(([^,)]+)", line) for line in self.ssh(HISTORY).decode().splitlines()
            ],
            "held": self.ssh("apt-mark showhold").decode().split(),
            "num_lists": len(self.ssh("ls /etc/apt/sources.list.d/*.sources").split()),
            "lists": self.ssh(f"tar -cf - -C / {LISTS}"),
            "files": self.ssh("tar -cf - --no-recursion --files-from=- 2>/dev/null", files),
            "keys": self.ssh("sha256sum /etc/apt/keyrings/*"),
            "releases": self.releases(self.ssh("cat /opt/awsome/artifacts/*/.awsome-artifact.json")),
        }
        again, recap = self.walk()
        assert set(re.findall(r"changed=(\d+)", recap)) == {"0"}, recap[-3000:]
        return first, again, done

    def releases(self, marks: bytes) -> str:
        """What fetches, checks and unpacks the archives that the walk fetched."""
        lines = []
        for number, mark in enumerate(map(json.loads, marks.splitlines())):
            name = mark["url"].rpartition("/")[2]
            file = next((self.standins / "mirror").rglob(name)).relative_to(self.standins)
            unpack, into = ("python3 -m zipfile -e", "") if name.endswith(".zip") else ("tar -xf", "-C ")
            about = {"file": f"/srv/{file}", "sha256": mark["sha256"], "number": number}
            lines.append(RELEASE.format(**about, unpack=unpack, into=into))
        return "".join(lines)

    def by_script(self, done: dict[str, Any], steps: list[list[str]]) -> Spent:
        """What was spent on the script that installs the packages in these steps."""
        self.fresh()
        self.ssh("cat >/root/bench-files.tar", done["files"])
        self.ssh("cat >/root/bench-keys", done["keys"])
        # Packages that are releases of their own come from the mirror as files.
        files = {"=".join(file.name.split("_")[:2]): file for file in self.standins.glob("mirror/*/*.deb")}
        places = {name: f"/srv/{file.relative_to(self.standins)}" for name, file in files.items()}
        install = "apt-get install -qqy --no-install-recommends {} >/dev/null"
        lines = [install.format(" ".join(places.get(name, name) for name in step)) for step in steps]
        for _ in range(done["num_lists"] if len(steps) > 1 else 0):
            lines.insert(1, "apt-get update -qq")
        words = {"held": " ".join(done["held"]), "releases": done["releases"]}
        script = SCRIPT.format(install="\n".join(lines), **words)
        with self.timed() as spent:
            self.ssh(script, done["lists"])
        return spent[0]


def steps_of(done: dict[str, Any]) -> list[list[str]]:
    """The packages in the order and the company in which they came."""
    steps = [[f"{name}={version}" for name, version in step] for step in done["steps"]]
    left = set(done["packages"]) - {name for step in steps for name in step}
    return [[name for name in step if name in done["packages"]] for step in [*steps, sorted(left)] if step]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--platform", default="debian12", choices=["debian12", "debian13"])
    bench = Bench(parser.parse_args().platform)
    try:
        first, again, done = bench.by_walk()
        script = bench.by_script(done, steps_of(done))
        one = bench.by_script(done, [done["packages"]])
    finally:
        bench.lab.destroy()
    print(f"first walk      {first}, {len(done['packages'])} packages")
    print(f"plain script    {script}; ratio {first.over(script)} (goal: at most 1.3)")
    print(f"  in one call   {one}; ratio {first.over(one)}")
    print(f"second walk     {again}, changed 0")


if __name__ == "__main__":
    main()
