"""Slurm's files for clusters of four sizes, from the laptop to the racks, are what was read and committed."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf, inventory, probe
from goldens import ROOT, assert_golden

LAPTOP = probe.parse(
    "@version\nslurm-wlm 22.05.8\n@hardware\n"
    "NodeName=x CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=24105\n"
    "@cgroup\ntmpfs\n@container\npodman\n"
)
METAL = probe.parse("@version\nslurm 24.11.5\n@cgroup\ncgroup2fs\n@container\nnone\n")


def cluster(
    hosts: list[inventory.Host], partitions: dict[str, list[str]], overrides: dict[str, object]
) -> dict[str, str]:
    nodes, missing = inventory.nodes(hosts, memory_fraction=0.95)
    assert not missing
    settings = conf.merge(
        {**inventory.job_settings(hosts), "ClusterName": "golden", "SlurmctldHost": "head(10.0.0.10)"}, overrides
    )
    files = conf.render_files(
        conf.Cluster(
            settings=settings,
            nodes=tuple(nodes),
            partitions=conf.partitions_of(partitions, {}),
            cgroup=inventory.cgroup_settings(settings, hosts[0].answer.version if hosts[0].answer else ""),
        )
    )
    return {name: text for name, text in files.items() if text is not None}


def gpu_hosts(count: int, instance_type: str, racks: int = 0) -> list[inventory.Host]:
    row = _catalog.load().instance(instance_type)
    return [
        inventory.Host(
            f"gpu-{number}",
            instance=row,
            answer=METAL,
            address=f"10.0.{number // 250}.{number % 250 + 1}",
            switches=("spine", f"rack-{number % racks}") if racks else (),
        )
        for number in range(1, count + 1)
    ]


def mixed() -> dict[str, str]:
    row = _catalog.load().instance("c7i.48xlarge")
    cpus = [inventory.Host(f"node-{number}", instance=row, answer=METAL) for number in range(1, 9)]
    gpus = gpu_hosts(56, "p5.48xlarge")
    groups = {"gpu": [host.name for host in gpus], "cpu": [host.name for host in cpus]}
    accounting = {"AccountingStorageType": "accounting_storage/slurmdbd", "AccountingStorageHost": "head"}
    return cluster([*gpus, *cpus], groups, accounting)


def laptop(count: int) -> dict[str, str]:
    names = [f"lab-compute-{number}" for number in range(1, count + 1)]
    return cluster([inventory.Host(name, answer=LAPTOP) for name in names], {"cpu": names}, {"MpiDefault": "none"})


def racks() -> dict[str, str]:
    hosts = gpu_hosts(512, "p5en.48xlarge", racks=16)
    return cluster(hosts, {"gpu": [host.name for host in hosts]}, {})


SIZES = {1: lambda: laptop(1), 8: lambda: laptop(8), 64: mixed, 512: racks}


@pytest.mark.parametrize("size", SIZES)
def test_the_files_of_a_cluster(size: int) -> None:
    files = SIZES[size]()
    for name, text in files.items():
        assert_golden(f"slurm/nodes-{size}/{name}", text)
    assert {path.name for path in (ROOT / f"slurm/nodes-{size}").iterdir()} == set(files)
