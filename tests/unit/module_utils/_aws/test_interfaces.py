"""The interfaces of every instance type of the catalogue that has EFA, by what EC2 documents and by botocore's "
"model."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws import shape
from ansible_collections.awsome.training.plugins.module_utils._aws.interfaces import interfaces

ROWS = _catalog.load().instances
EFA = sorted(name for name, row in ROWS.items() if row["efa_interfaces"])


def made(name: str, efa: bool = True) -> list[dict[str, Any]]:
    return interfaces(ROWS[name], ["sg-0123456789abcdef0"], efa)


def places(rows: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(row["NetworkCardIndex"], row["DeviceIndex"], row["InterfaceType"]) for row in rows]


@pytest.mark.parametrize("name", EFA)
def test_all_the_efa_of_a_type_is_used_and_every_card(name: str) -> None:
    rows = made(name)
    assert sum("efa" in row["InterfaceType"] for row in rows) == ROWS[name]["efa_interfaces"]
    assert {row["NetworkCardIndex"] for row in rows} == set(range(ROWS[name]["network_cards"]))
    assert len(set(places(rows))) == len(rows)
    # The first one has the node's address: it is no EFA-only interface, and no other has an address.
    assert places(rows)[0][:2] == (0, 0) and rows[0]["InterfaceType"] in ("interface", "efa")
    assert {row["InterfaceType"] for row in rows[1:]} <= {"efa-only"}
    data = {"InstanceType": name, "NetworkInterfaces": rows}
    told = {"LaunchTemplateName": "one", "LaunchTemplateData": data}
    # p6e-gb200 is in no list of types: EC2's own data leaves it out.
    assert [fault for fault in shape.faults("ec2", "CreateLaunchTemplate", told) if "InstanceType" not in fault] == []


def test_one_card_has_ena_and_efa_in_one_interface() -> None:
    assert places(made("g6e.8xlarge")) == [(0, 0, "efa")]


def test_several_cards_have_ena_once_and_efa_each() -> None:
    first = [(0, 0, "interface"), (0, 1, "efa-only")]
    assert places(made("p5.48xlarge")) == first + [(card, 0, "efa-only") for card in range(1, 32)]
    assert places(made("p4d.24xlarge")) == first + [(card, 0, "efa-only") for card in range(1, 4)]


@pytest.mark.parametrize("name", ["p6-b300.48xlarge", "p6e-gb200.36xlarge"])
def test_a_card_for_ena_alone_takes_no_efa(name: str) -> None:
    assert places(made(name)) == [(0, 0, "interface")] + [(card, 0, "efa-only") for card in range(1, 17)]


def test_without_efa_there_is_one_plain_interface() -> None:
    assert places(made("p5.48xlarge", efa=False)) == [(0, 0, "interface")]
    assert places(made("g5.xlarge")) == [(0, 0, "interface")]
