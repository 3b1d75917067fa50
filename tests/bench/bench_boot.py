"""From a hook's start to nodes that are idle in Slurm: python tests/bench/bench_boot.py [baked] [unbaked] [many]

baked    an image that has the packages and the bundle, against a plain shell that writes the same files and starts
         the same daemons
unbaked  a node without the packages, against the package installations alone
many     16 compute nodes at once, against one: the CPU that each takes, and the time that it explains on these cores

Each figure is the median of RUNS runs, the two sides in turn, so that a busy machine is busy for both. Seconds of CPU
are told beside those of the clock.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / ".collections"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.harness import Podman, run
from lab.hyperpod import Cluster, Node, image, make_bundle

RUNS = int(os.environ.get("RUNS", "3"))
PODMAN = Podman()
PACKAGES = {"controller": "nfs-common mariadb-server python3-pymysql sudo", "compute": "nfs-common sudo"}

# What a boot leaves in files, and what a shell would do with them.
KEPT = (
    "/etc/awsome /etc/systemd/system /opt/slurm/etc /etc/logrotate.d /etc/motd.d /etc/mysql/mariadb.conf.d "
    "/etc/sudoers.d "
    "/etc/security/limits.d /etc/ssh/ssh_known_hosts /etc/ssh/ssh_config.d /usr/local/libexec /etc/profile.d"
)
COMMON = """
set -e
tar xzf /opt/plain.tgz -C /
mkdir -p /var/log/slurm /var/spool/slurmctld /var/spool/slurmd
chown slurm: /var/log/slurm /var/spool/slurmctld
systemctl daemon-reload
systemctl enable --now munge
"""
PLAIN = {
    "controller": COMMON
    + """
systemctl enable --now mariadb
mysql -e "create database slurm_acct_db; create user slurm@localhost identified via unix_socket;
          grant all on slurm_acct_db.* to slurm@localhost"
systemctl enable --now slurmdbd
until sacctmgr -i add cluster {prefix} >/dev/null 2>&1; do sleep 0.2; done
systemctl enable --now slurmctld
useradd --create-home --uid 2001 alice
sacctmgr -i add account users >/dev/null
sacctmgr -i add user alice account=users >/dev/null
""",
    "compute": COMMON
    + """
until (echo > /dev/tcp/{controller}/6817) 2>/dev/null; do sleep 0.2; done
systemctl enable --now slurmd
useradd --uid 2001 alice
""",
}


def cpu_seconds(cluster: Cluster, nodes: list[Node]) -> float:
    names = [cluster.container(node) for node in nodes]
    rows = json.loads(PODMAN("stats", "--no-stream", "--format", "json", *names))
    return sum(_seconds(row["cpu_time"]) for row in rows)


def _seconds(text: str) -> float:
    """podman's way to write a duration: 1m2.5s, 350.1ms."""
    total, number = 0.0, ""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6}
    unit = ""
    for letter in f"{text} ":
        if letter.isdigit() or letter in ". ":
            if unit:
                total, number, unit = total + float(number) * units[unit], "", ""
            number += letter.strip()
        else:
            unit += letter
    return total


def until_idle(cluster: Cluster, act: Callable[[Node], None], nodes: list[Node]) -> tuple[float, float]:
    """Act on all nodes at once; the seconds until every compute node is idle, by the clock and of CPU."""
    before, start = cpu_seconds(cluster, nodes), time.monotonic()
    with ThreadPoolExecutor(len(nodes)) as pool:
        done = [pool.submit(act, node) for node in nodes]
        if "controller" in {node.function for node in nodes}:
            wanted, head = len(cluster.of("compute")), cluster.of("controller")[0]
            ask = "/opt/slurm/bin/sinfo --noheader --Node --states=idle --format=%N | grep -c ip-"
            while cluster.sh(head, ask).stdout.strip() != str(wanted):
                assert time.monotonic() - start < 500, cluster.sh(head, "/opt/slurm/bin/sinfo").stdout
                time.sleep(0.2)
            took = time.monotonic() - start
        for one in done:
            one.result()
        if "controller" not in {node.function for node in nodes}:
            took = time.monotonic() - start
    return took, cpu_seconds(cluster, nodes) - before


def booted(cluster: Cluster) -> Callable[[Node], None]:
    def act(node: Node) -> None:
        done = cluster.hook(node)
        assert done.returncode == 0, done.stdout[-3000:]

    return act


def plainly(cluster: Cluster) -> Callable[[Node], None]:
    def act(node: Node) -> None:
        text = PLAIN[node.function].replace("{prefix}", cluster.prefix)
        cluster.ok(node, text.replace("{controller}", cluster.of("controller")[0].address))

    return act


def keep(cluster: Cluster, node: Node, name: str) -> None:
    PODMAN("commit", "--quiet", cluster.container(node), name)


def bake(cluster: Cluster) -> dict[str, str]:
    """Images of what the install doors and `boot prepare` leave, as image.yml makes them."""
    made = {}
    with cluster.running():
        for function in ("controller", "compute"):
            node = cluster.of(function)[0]
            cluster.ok(node, "cd /opt/lifecycle && python3 -m boot prepare")
            # The same hook, cut off behind its install doors.
            cut = "sed -i 's/for door in doors/for door in doors[:1]/' boot/plan.py"
            cluster.ok(node, f"cd /opt/lifecycle && {cut} && ./on_create.sh")
            cluster.write(node, "/etc/awsome/image.json", json.dumps({"profile": f"hyperpod_{function}"}))
            cluster.ok(node, "rm -rf /var/lib/awsome /opt/lifecycle /etc/awsome/node.yml /etc/awsome/inventory.json")
            made[function] = f"localhost/awsome-hyperpod-bench:{function}"
            keep(cluster, node, made[function])
    return made


def side(cluster: Cluster, act: Callable[[Cluster], Callable[[Node], None]]) -> tuple[float, float]:
    with cluster.running():
        return until_idle(cluster, act(cluster), cluster.nodes)


def tell(name: str, ours: list[tuple[float, float]], theirs: list[tuple[float, float]], other: str) -> None:
    clock, cpu = (statistics.median(row[index] for row in ours) for index in (0, 1))
    other_clock, other_cpu = (statistics.median(row[index] for row in theirs) for index in (0, 1))
    print(
        f"{name}: boot {clock:.1f} s (CPU {cpu:.1f} s), {other} {other_clock:.1f} s (CPU {other_cpu:.1f} s), "
        f"ratio {clock / other_clock:.2f} (CPU {cpu / other_cpu:.2f}); load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def bench_baked(cluster: Cluster) -> None:
    cluster = replace(cluster, images=bake(cluster))
    with cluster.running():
        until_idle(cluster, booted(cluster), cluster.nodes)
        for node in cluster.nodes:
            cluster.ok(node, f"tar czf /fsx/{node.function}.tgz --ignore-failed-read {KEPT} 2>/dev/null; true")
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(side(cluster, booted))
        with cluster.running():
            for node in cluster.nodes:
                cluster.ok(node, f"cp /fsx/{node.function}.tgz /opt/plain.tgz")
            theirs.append(until_idle(cluster, plainly(cluster), cluster.nodes))
    tell("baked", ours, theirs, "plain shell")


def bench_unbaked(cluster: Cluster) -> None:
    ours, theirs = [], []

    quiet = "DEBIAN_FRONTEND=noninteractive SUDO_FORCE_REMOVE=yes apt-get -qq -y"

    def installed(node: Node) -> None:
        cluster.ok(node, f"apt-get -qq update && {quiet} install --no-install-recommends {PACKAGES[node.function]}")

    for _ in range(RUNS):
        for rows, act in ((ours, booted(cluster)), (theirs, installed)):
            with cluster.running():
                for node in cluster.nodes:
                    cluster.ok(node, f"{quiet} purge --autoremove {PACKAGES[node.function]} && apt-get clean")
                rows.append(timed(cluster, act, cluster.nodes))
    tell("unbaked", ours, theirs, "packages alone")


def timed(cluster: Cluster, act: Callable[[Node], None], nodes: list[Node]) -> tuple[float, float]:
    before, start = cpu_seconds(cluster, nodes), time.monotonic()
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(act, nodes))
    return time.monotonic() - start, cpu_seconds(cluster, nodes) - before


def bench_many(cluster: Cluster, number: int = 16) -> None:
    images = {function: f"localhost/awsome-hyperpod-bench:{function}" for function in ("controller", "compute")}
    if run("podman", "image", "exists", images["compute"]).returncode:
        images = bake(cluster)
    figures = {}
    for count in (1, number):
        many = replace(cluster, images=images, num_compute=count)
        with many.running():
            head = many.of("controller")[0]
            booted(many)(head)
            figures[count] = timed(many, booted(many), many.of("compute"))
    one, all_of_them = figures[1], figures[number]
    explained = max(one[0], all_of_them[1] / (os.cpu_count() or 1))
    cores = os.cpu_count() or 1
    told = f"{number} at once {all_of_them[0]:.1f} s (CPU {all_of_them[1]:.1f} s, {all_of_them[1] / number:.1f} s each)"
    print(
        f"many: one node {one[0]:.1f} s (CPU {one[1]:.1f} s); {told}; on {cores} cores that takes {explained:.1f} s: "
        f"ratio {all_of_them[0] / explained:.2f}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        made = make_bundle(Path(place) / "bundle", node_boot_pythons=["3.13"])
        assert made.returncode == 0, made.stdout
        shared = Path(place) / "shared"
        shared.mkdir()
        cluster = Cluster(
            "awt-hp", PODMAN, Path(place) / "bundle", image(PODMAN), num_compute=1, num_login=0, shared=shared
        )
        for name, bench in {"baked": bench_baked, "unbaked": bench_unbaked, "many": bench_many}.items():
            if not wanted or name in wanted:
                bench(cluster)


if __name__ == "__main__":
    main(sys.argv[1:])
