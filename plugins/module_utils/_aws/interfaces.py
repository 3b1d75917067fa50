# Private to awsome.training: its API may change without notice.
"""The network interfaces of an instance that uses all the EFA its record knows. Pure.

Amazon EC2 User Guide, "Maximize network bandwidth on Amazon EC2 instances with multiple network cards": the primary
interface (card 0, device 0) is an ENA interface, never EFA-only; where card 0 takes EFA, an EFA-only interface is its
device 1; each other card has an EFA-only interface as device 0. An EFA-only interface takes no address, so a subnet
gives one address a node and not one a card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def interfaces(record: Mapping[str, Any], security_group_ids: Iterable[str], efa: bool = True) -> list[dict[str, Any]]:
    """What a launch template says of the interfaces; `record` is the catalogue's row of the instance type.

    With fewer EFA interfaces than cards, it is card 0 that takes none: so it is on types with a card for ENA alone.
    """
    count, cards, groups = record["efa_interfaces"], record["network_cards"], list(security_group_ids)
    if not efa or not count:
        return [_interface(0, 0, "interface", groups)]
    if cards == 1:
        return [_interface(0, 0, "efa", groups)]
    first = [_interface(0, 0, "interface", groups)]
    if count == cards:
        first.append(_interface(0, 1, "efa-only", groups))
    return first + [_interface(card, 0, "efa-only", groups) for card in range(1, min(count + 1, cards))]


def _interface(card: int, device: int, kind: str, groups: list[str]) -> dict[str, Any]:
    return {
        "NetworkCardIndex": card,
        "DeviceIndex": device,
        "InterfaceType": kind,
        "Groups": groups,
        "DeleteOnTermination": True,
        "Description": "EFA" if kind != "interface" else "ENA",
    }
