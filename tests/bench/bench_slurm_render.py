"""How long slurm.conf, gres.conf and topology.conf take for 10,000 nodes: python tests/bench/bench_slurm_render.py

The naive way beside it is what a template usually does: a line for each node. Both run here, so their ratio says more
than either time. The naive way groups and checks nothing, and its files are what Slurm then has to read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import jinja2

sys.path.insert(0, str(Path(__file__).parents[2] / ".collections"))

from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf, inventory

NUM_NODES, NUM_RACKS = 10_000, 250

TEMPLATE = jinja2.Environment().from_string("""\
{% for h in hosts %}
NodeName={{ h.name }} NodeAddr={{ h.address }} Sockets={{ h.instance.sockets }} CoresPerSocket={{ h.instance.cores }} \
ThreadsPerCore={{ h.instance.threads }} RealMemory={{ (h.instance.memory_mib * 0.95) | int }} \
Gres=gpu:{{ h.instance.accelerator.count }}
{% endfor %}
PartitionName=gpu Nodes={{ hosts | map(attribute='name') | join(',') }}
{% for h in hosts %}
NodeName={{ h.name }} Name=gpu File=/dev/nvidia[0-{{ h.instance.accelerator.count - 1 }}]
{% endfor %}
{% for rack, members in hosts | groupby('rack') %}
SwitchName={{ rack }} Nodes={{ members | map(attribute='name') | join(',') }}
{% endfor %}
""")


def hosts() -> list[inventory.Host]:
    row = _catalog.load().instance("p5.48xlarge")
    return [
        inventory.Host(
            f"gpu-{number}",
            instance=row,
            address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            switches=("spine", f"rack-{number // (NUM_NODES // NUM_RACKS)}"),
        )
        for number in range(NUM_NODES)
    ]


def ours(known: list[inventory.Host]) -> int:
    nodes, _ = inventory.nodes(known, memory_fraction=0.95)
    partitions = conf.partitions_of({"gpu": [host.name for host in known]}, {})
    files = conf.render_files(conf.Cluster({"ClusterName": "bench"}, tuple(nodes), partitions))
    return sum(len(text or "") for text in files.values())


def naive(known: list[inventory.Host]) -> int:
    rows = [
        {"name": host.name, "address": host.address, "instance": host.instance, "rack": host.switches[-1]}
        for host in known
    ]
    return len(TEMPLATE.render(hosts=rows))


def best(way: Callable[[list[inventory.Host]], int], known: list[inventory.Host]) -> tuple[float, int]:
    seconds, size = [], 0
    for _ in range(5):
        began = time.perf_counter()
        size = way(known)
        seconds.append(time.perf_counter() - began)
    return min(seconds), size


if __name__ == "__main__":
    known = hosts()
    (our_seconds, our_size), (naive_seconds, naive_size) = best(ours, known), best(naive, known)
    print(f"{NUM_NODES} nodes, best of 5")
    print(f"ours:  {our_seconds:.3f} s, {our_size} bytes")
    print(f"naive: {naive_seconds:.3f} s, {naive_size} bytes")
    print(f"ratio: {our_seconds / naive_seconds:.2f} of its time, {our_size / naive_size:.3f} of its size")
