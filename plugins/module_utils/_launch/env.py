# Private to awsome.training: its API may change without notice.
"""From hardware to environment: what NCCL, libfabric, gloo and OpenMP must be told, and no more.

Current libfabric and aws-ofi-nccl find EFA, choose its protocols and tune NCCL by themselves. What older releases
wanted (a provider's name, a protocol, device RDMA, fork safety) is a no-op today or does harm, and is not written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ansible_collections.awsome.training.plugins.module_utils._launch.spec import Launch

# The one name that every release of aws-ofi-nccl answers to: up to 1.11 its only name, since then an alias of
# "Libfabric" (aws/aws-ofi-nccl, pull request 530). With NCCL_NET set, NCCL uses that network or ends with an error
# (docs.nvidia.com/deeplearning/nccl, "NCCL_NET"): a plugin that is missing cannot turn into slow sockets unseen.
EFA_NETWORK = "AWS Libfabric"


@dataclass(frozen=True)
class Variable:
    """One variable; `reason` becomes its comment. A value with `shell` is worked out on the node."""

    name: str
    value: str
    reason: str = ""
    shell: bool = False


def variables(launch: Launch) -> list[Variable]:
    """The environment of each process, in the order in which a reader wants it."""
    chosen = [*_threads(launch), *_network(launch), _instance(launch)]
    mine = [Variable(name, value, "of this workload or launch") for name, value in launch.environment.items() if value]
    return [variable for variable in chosen if variable.name not in launch.environment] + mine


def _threads(launch: Launch) -> list[Variable]:
    reason = "cores of a node, shared by its processes"
    processes = launch.processes_per_node
    if launch.hardware.cores:
        return [Variable("OMP_NUM_THREADS", str(max(1, launch.hardware.cores // processes)), reason)]
    share = f"$(( CPUS > {processes} ? CPUS / {processes} : 1 ))" if processes > 1 else "$CPUS"
    return [Variable("OMP_NUM_THREADS", share, reason, shell=True)]


def _network(launch: Launch) -> list[Variable]:
    """NCCL's `=` asks for exactly that name; gloo takes names as they are and knows no prefixes."""
    hardware = launch.hardware
    gloo = Variable("GLOO_SOCKET_IFNAME", "$INTERFACE", "carries this node's traffic to the others", shell=True)
    if hardware.kind != "nvidia":
        return [gloo]
    found = [gloo, Variable("NCCL_SOCKET_IFNAME", "=$INTERFACE", "for NCCL's bootstrap; exactly this one", shell=True)]
    if hardware.efa_interfaces and launch.nodes > 1:
        found.append(Variable("NCCL_NET", EFA_NETWORK, "EFA or an error: never sockets unseen"))
    return found


def _instance(launch: Launch) -> Variable:
    row = json.dumps(dict(launch.hardware.row), sort_keys=True, separators=(",", ":"))
    return Variable("AWSOME_INSTANCE", row, "the catalogue's row; utilisation is measured against it")
