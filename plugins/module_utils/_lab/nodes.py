# This file is private to the awsome.training collection: do not import it from elsewhere.
"""Names and addresses of a lab's machines. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

# Offsets into the subnet: a node keeps its address when others come and go.
CONTROLLER, FIRST_LOGIN, FIRST_BAKE, FIRST_COMPUTE = 10, 20, 40, 100
FUNCTIONS = ("controller", "login", "compute")


class LabError(ValueError):
    """The lab cannot be as asked. Its message is one sentence for the user."""


def lab_nodes(
    prefix: str,
    subnet: str,
    num_login: int,
    num_compute: int,
    profiles: Mapping[str, Any] | None = None,
    num_controller: int = 1,
) -> list[dict[str, Any]]:
    """The machines of a lab, controllers first.

    lab_nodes("lab", "10.64.0.0/24", 0, 1) is the controller at 10.64.0.10 and lab-compute-1 at 10.64.0.101.
    A machine's profile is that of its function's name, or what `profiles` says of the function: one, or some in turn.
    """
    network = _network(subnet)
    chosen = {function: [function] for function in FUNCTIONS} | {
        function: [names] if isinstance(names, str) else list(names) for function, names in (profiles or {}).items()
    }
    odd = [function for function in chosen if function not in FUNCTIONS or not chosen[function]]
    if odd:
        raise LabError(
            f"lab_profiles has {odd[0]!r}: {(profiles or {})[odd[0]]!r}; it takes {', '.join(FUNCTIONS)}, "
            "each with a profile or a list of profiles."
        )
    if not 1 <= num_controller <= FIRST_LOGIN - CONTROLLER:
        raise LabError(f"lab_num_controller is {num_controller}: it can be 1 to {FIRST_LOGIN - CONTROLLER}.")
    for name, count, most in (
        ("lab_num_login", num_login, FIRST_BAKE - FIRST_LOGIN),
        ("lab_num_compute", num_compute, network.num_addresses - FIRST_COMPUTE - 2),
    ):
        if not 0 <= count <= most:
            raise LabError(f"{name} is {count}: it can be 0 to {most}.")

    def node(function: str, index: int, suffix: str, offset: int) -> dict[str, Any]:
        profile = chosen[function][index % len(chosen[function])]
        address = str(network[offset + index])
        return {"name": f"{prefix}-{suffix}", "function": function, "profile": profile, "address": address}

    def several(function: str, count: int, offset: int) -> list[dict[str, Any]]:
        names = [function, *(f"{function}-{index}" for index in range(2, count + 1))]
        return [node(function, index, names[index], offset) for index in range(count)]

    computes = [node("compute", index, f"compute-{index + 1}", FIRST_COMPUTE + 1) for index in range(num_compute)]
    return [
        *several("controller", num_controller, CONTROLLER),
        *several("login", num_login, FIRST_LOGIN),
        *computes,
    ]


def bake_nodes(prefix: str, subnet: str, profiles: list[str]) -> list[dict[str, Any]]:
    """One machine for each profile whose image is to be baked."""
    network = _network(subnet)
    return [
        {"name": f"{prefix}-bake-{profile}", "profile": profile, "address": str(network[FIRST_BAKE + index])}
        for index, profile in enumerate(sorted(profiles))
    ]


def hosts_file(names: dict[str, str]) -> str:
    """The text of /etc/hosts for machines that are known as {name: address}."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    return "\n".join([*lines, *(f"{address} {name}" for name, address in names.items())]) + "\n"


def _network(subnet: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise LabError(f"lab_subnet is {subnet!r}, which is no network: give a /24 such as 10.64.0.0/24.") from error
    if network.prefixlen != 24:
        raise LabError(f"lab_subnet is {subnet!r}: give a /24 such as 10.64.0.0/24.")
    return network
