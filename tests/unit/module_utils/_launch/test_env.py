"""Almost nothing must be said to NCCL and libfabric; what is said, is said for a reason."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._launch.env import variables
from unit.module_utils._launch.launches import launch

# No-ops on current releases, harmful ones, and knobs that are better left alone.
NEVER = (
    *("FI_PROVIDER", "FI_EFA_FORK_SAFE", "FI_EFA_USE_DEVICE_RDMA", "FI_EFA_ENABLE_SHM_TRANSFER"),
    *("FI_EFA_SET_CUDA_SYNC_MEMOPS", "NCCL_PROTO", "NCCL_ALGO", "NCCL_BUFFSIZE", "NCCL_P2P_NET_CHUNKSIZE"),
    *(
        "NCCL_MIN_CHANNELS",
        "NCCL_SOCKET_NTHREADS",
        "NCCL_NSOCKS_PERTHREAD",
        "NCCL_DEBUG",
        "NCCL_IB_DISABLE",
        "LD_PRELOAD",
    ),
)


def names_of(instance_type: str | None = None, **changes: object) -> dict[str, str]:
    return {variable.name: variable.value for variable in variables(launch("fsdp", instance_type, **changes))}


def test_no_instance_gets_a_variable_that_does_nothing_or_harm() -> None:
    for name, row in _catalog.load().instances.items():
        if (row.get("accelerator") or {}).get("kind", "cpu") == "neuron":
            continue
        found = names_of(name)
        assert not [variable for variable in found if variable in NEVER or variable.startswith("RDMAV_")], name


def test_every_instance_with_efa_fails_loudly_without_it_and_no_other_asks_for_it() -> None:
    for name, row in _catalog.load().instances.items():
        kind = (row.get("accelerator") or {}).get("kind", "cpu")
        if kind != "neuron":
            wants = kind == "nvidia" and bool(row["efa_interfaces"])
            assert names_of(name).get("NCCL_NET") == ("AWS Libfabric" if wants else None), name


def test_a_single_node_needs_no_network() -> None:
    assert "NCCL_NET" not in names_of("p5.48xlarge", nodes=1)


def test_nccl_asks_for_exactly_the_interface_that_gloo_uses() -> None:
    found = names_of("p5.48xlarge")
    assert found["NCCL_SOCKET_IFNAME"] == "=$INTERFACE"
    assert found["GLOO_SOCKET_IFNAME"] == "$INTERFACE"


def test_a_cpu_node_hears_nothing_of_nccl() -> None:
    assert not [name for name in names_of() if name.startswith(("NCCL", "FI_"))]


@pytest.mark.parametrize(("instance_type", "threads"), [("p5.48xlarge", "12"), (None, "$CPUS")])
def test_the_cores_are_shared_by_the_processes(instance_type: str | None, threads: str) -> None:
    assert names_of(instance_type)["OMP_NUM_THREADS"] == threads


def test_the_launch_wins_over_the_workload_and_an_empty_value_takes_a_variable_away() -> None:
    found = names_of("p5.48xlarge", environment={"NCCL_NET": None, "OMP_NUM_THREADS": 3, "FI_EFA_USE_HUGE_PAGE": 0})
    assert "NCCL_NET" not in found
    assert found["OMP_NUM_THREADS"] == "3"
    assert found["FI_EFA_USE_HUGE_PAGE"] == "0"
