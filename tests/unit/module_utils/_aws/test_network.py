"""Subnets, and the sentences of what is wrong with a network."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import network
from hypothesis import given
from hypothesis import strategies as st

ZONES = [{"zone_name": f"us-east-1{one}", "zone_id": f"use1-az{at}"} for at, one in enumerate("abcde", 1)]
VPC = {"cidr_block": "10.0.0.0/16", "internet_gateway_id": "igw-1"}


def asked(cidr: str = "10.0.0.0/16", zones: list[str] | None = None, **changed: Any) -> dict[str, Any]:
    laid_out = network.subnets(cidr)
    named = {f"{key}_cidrs": value for key, value in laid_out.items()}
    names = network.zones(zones or [], ZONES)
    base = {"region": "us-east-1", "cidr": cidr, "vpc_id": "", "availability_zones": names, "egress_cidr": "0.0.0.0/0"}
    return {**base, **named, **changed}


@given(st.integers(network.LARGEST, network.SMALLEST), st.integers(0, 2**16 - 1))
def test_subnets_never_overlap_and_are_large_enough(prefix: int, at: int) -> None:
    whole = ipaddress.IPv4Network((0x0A000000 + (at << 8) & (0xFFFFFFFF << (32 - prefix)), prefix))
    found = network.subnets(str(whole))
    blocks = [ipaddress.IPv4Network(one) for one in found["private"] + found["public"]]
    assert len(blocks) == 8 and all(one.subnet_of(whole) and one.prefixlen <= 28 for one in blocks)
    assert not any(one.overlaps(other) for at, one in enumerate(blocks) for other in blocks[:at])
    assert min(one.num_addresses for one in blocks[:4]) >= 256
    assert network.faults(asked(str(whole)), ZONES) == []


def test_zones_are_named_whatever_they_were_given_as() -> None:
    assert network.zones(["use1-az3", "us-east-1a"], ZONES) == ["us-east-1c", "us-east-1a"]
    local = {"zone_name": "us-east-1-bos-1a", "zone_id": "use1-bos1-az1", "zone_type": "local-zone"}
    assert network.zones([], [local, *ZONES]) == ["us-east-1a", "us-east-1b"]


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert network.faults(asked(), ZONES) == []
    assert network.faults(asked(vpc_id="vpc-1"), ZONES, [VPC]) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"cidr": "10.0.0.1/16"},
            "network_cidr is '10.0.0.1/16', which is no block of IPv4 addresses; give one such as 10.0.0.0/16.",
        ),
        (
            {"cidr": "10.0.0.0/24"},
            "network_cidr 10.0.0.0/24 is too small for four zones of EFA instances; give a block between /16 and /20.",
        ),
        (
            {"cidr": "10.0.0.0/12"},
            "network_cidr 10.0.0.0/12 is larger than a VPC may be; give a block between /16 and /20.",
        ),
        (
            {"zones": ["us-east-1z"]},
            "network_availability_zones names us-east-1z, which us-east-1 does not have; it has us-east-1a (use1-az1)",
        ),
        (
            {"zones": ["us-east-1a", "us-east-1a"]},
            "network_availability_zones names a zone twice: us-east-1a, us-east-1a.",
        ),
        ({"zones": list("abcde")}, "network_availability_zones lists 5 zones; at most 4 fit."),
        (
            {"egress_cidr": "anywhere"},
            "network_egress_cidr is 'anywhere', which is no block of IPv4 addresses; 0.0.0.0/0 is",
        ),
        (
            {"private_cidrs": ["10.0.0.0/17"]},
            "network_private_cidrs lists 1 blocks for 2 zones; give one for each zone.",
        ),
        (
            {"private_cidrs": ["10.0.0.0/17", "10.0.64.0/18"]},
            "10.0.64.0/18, which overlaps 10.0.0.0/17 of network_private_cidrs.",
        ),
        (
            {"public_cidrs": ["10.9.0.0/24", "10.0.241.0/24"]},
            "network_public_cidrs has 10.9.0.0/24, which is not within network_cidr",
        ),
        (
            {"public_cidrs": ["10.0.240.0/29", "x"]},
            "network_public_cidrs has 10.0.240.0/29; the smallest subnet of EC2 is a /28.",
        ),
        (
            {"public_cidrs": ["10.0.240.0/29", "x"]},
            "network_public_cidrs has 'x', which is no block of IPv4 addresses.",
        ),
    ],
)
def test_a_fault_is_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    found = network.faults(asked(**changed), ZONES)
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize(
    ("vpcs", "sentence"),
    [
        ([], "network_vpc_id is vpc-1, and the region has no such VPC; give one of it, or none to make one."),
        (
            [{**VPC, "cidr_block": "10.8.0.0/16"}],
            "network_cidr 10.0.0.0/16 is not within vpc-1, which has 10.8.0.0/16; give a free block of it.",
        ),
        (
            [{**VPC, "internet_gateway_id": ""}],
            "vpc-1 has no internet gateway attached, which public subnets need; attach one.",
        ),
    ],
)
def test_a_vpc_that_exists_must_fit(vpcs: list[dict[str, Any]], sentence: str) -> None:
    assert network.faults(asked(vpc_id="vpc-1"), ZONES, vpcs) == [sentence]


def test_all_faults_are_told_at_once() -> None:
    assert len(network.faults(asked(cidr="x", zones=["y", "y"], egress_cidr="z"), ZONES)) == 5
