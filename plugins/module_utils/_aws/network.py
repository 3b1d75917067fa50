# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
# Private to awsome.training: its API may change without notice.
"""The subnets of a cluster's network, and what is wrong with what was asked for. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any

MAX_ZONES = 4
# A VPC's block is /16 at the largest, a subnet /28 at the smallest (EC2's CreateVpc and CreateSubnet). A public subnet
# is 8 bits smaller than the network.
LARGEST, SMALLEST = 16, 20


def subnets(cidr: str) -> dict[str, list[str]]:
    """Private and public subnets of four zones.

    Half of the block is the first zone's, where the machines are: one with 32 EFA interfaces takes as many addresses
    unless they are EFA-only. The next gets half of the rest, and so on, so that a zone which is added later moves none.
    Public subnets stand in the last sixteenth.
    """
    network = _network(cidr)
    if network is None or not LARGEST <= network.prefixlen <= SMALLEST:
        return {"private": [], "public": []}
    rest, private = network, []
    for _ in range(MAX_ZONES):
        half, rest = rest.subnets()
        private.append(str(half))
    public = [str(one) for one, _ in zip(rest.subnets(new_prefix=network.prefixlen + 8), range(MAX_ZONES))]
    return {"private": private, "public": public}


def zones(asked: list[str], offered: list[dict[str, Any]], default: int = 2) -> list[str]:
    """Names of zones, of which some may have been given by their ids; the region's first where none are asked for."""
    usual = [one for one in offered if one.get("zone_type", "availability-zone") == "availability-zone"]
    names = {one.get("zone_id"): one["zone_name"] for one in usual}
    return [names.get(one, one) for one in asked] or sorted(one["zone_name"] for one in usual)[:default]


def faults(asked: dict[str, Any], offered: list[dict[str, Any]], vpcs: list[dict[str, Any]] | None = None) -> list[str]:
    """Every fault of the options of role network, a sentence each.

    `asked` has the options by name without `network_`; `offered` are the region's zones as amazon.aws.aws_az_info tells
    them, and `vpcs` what amazon.aws.ec2_vpc_net_info tells of an existing VPC, with its `internet_gateway_id`.
    """
    found = _faults_of_zones(asked, offered)
    network = _network(asked["cidr"])
    if network is None:
        found.append(
            f"network_cidr is {asked['cidr']!r}, which is no block of IPv4 addresses; give one such as 10.0.0.0/16."
        )
    elif not LARGEST <= network.prefixlen <= SMALLEST:
        word = (
            "larger than a VPC may be" if network.prefixlen < LARGEST else "too small for four zones of EFA instances"
        )
        found.append(f"network_cidr {network} is {word}; give a block between /{LARGEST} and /{SMALLEST}.")
    else:
        found += _faults_of_subnets(asked, network)
        if vpcs is not None:
            found += _faults_of_vpc(asked["vpc_id"], network, vpcs)
    if _network(asked["egress_cidr"]) is None:
        found.append(
            f"network_egress_cidr is {asked['egress_cidr']!r}, which is no block of IPv4 addresses; "
            "0.0.0.0/0 is anywhere."
        )
    return found


def _faults_of_zones(asked: dict[str, Any], offered: list[dict[str, Any]]) -> list[str]:
    found, wanted = [], zones(asked["availability_zones"], offered)
    known = {one["zone_name"]: one["zone_id"] for one in offered}
    if len(wanted) > MAX_ZONES:
        found.append(f"network_availability_zones lists {len(wanted)} zones; at most {MAX_ZONES} fit.")
    if len(set(wanted)) < len(wanted):
        found.append(f"network_availability_zones names a zone twice: {', '.join(asked['availability_zones'])}.")
    told = ", ".join(f"{name} ({ident})" for name, ident in sorted(known.items()))
    found += [
        f"network_availability_zones names {one}, which {asked['region']} does not have; it has {told}."
        for one in wanted
        if one not in known
    ]
    return found


def _faults_of_subnets(asked: dict[str, Any], network: ipaddress.IPv4Network) -> list[str]:
    found: list[str] = []
    given: list[tuple[str, ipaddress.IPv4Network]] = []
    wanted = len(asked["availability_zones"])
    for key in ("private_cidrs", "public_cidrs"):
        if len(asked[key]) < wanted:
            found.append(f"network_{key} lists {len(asked[key])} blocks for {wanted} zones; give one for each zone.")
        for text in asked[key][:wanted]:
            block = _network(text)
            if block is None:
                found.append(f"network_{key} has {text!r}, which is no block of IPv4 addresses.")
            elif not block.subnet_of(network):
                found.append(f"network_{key} has {block}, which is not within network_cidr {network}.")
            elif block.prefixlen > 28:
                found.append(f"network_{key} has {block}; the smallest subnet of EC2 is a /28.")
            else:
                found += [
                    f"network_{key} has {block}, which overlaps {other} of network_{at}."
                    for at, other in given
                    if block.overlaps(other)
                ]
                given.append((key, block))
    return found


def _faults_of_vpc(vpc_id: str, network: ipaddress.IPv4Network, vpcs: list[dict[str, Any]]) -> list[str]:
    if not vpcs:
        return [f"network_vpc_id is {vpc_id}, and the region has no such VPC; give one of it, or none to make one."]
    found, vpc = [], vpcs[0]
    blocks = [one["cidr_block"] for one in vpc.get("cidr_block_association_set") or []] or [vpc["cidr_block"]]
    if not any(network.subnet_of(ipaddress.IPv4Network(one)) for one in blocks):
        found.append(
            f"network_cidr {network} is not within {vpc_id}, which has {', '.join(blocks)}; give a free block of it."
        )
    if not vpc.get("internet_gateway_id"):
        found.append(f"{vpc_id} has no internet gateway attached, which public subnets need; attach one.")
    return found


def _network(text: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None
