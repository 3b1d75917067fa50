"""Node groups: what an entry becomes, for every accelerated type of the catalogue, and what is refused."""

from __future__ import annotations

import base64
import email
import json
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws import shape
from ansible_collections.awsome.training.plugins.module_utils._aws.eks import action, groups, groups_plan

ROWS = _catalog.load().instances
ACCELERATED = sorted(name for name, row in ROWS.items() if row["accelerator"])
ZONES = {"subnet-a": "us-east-1a", "subnet-b": "us-east-1b"}
SYSTEM = {"name": "system", "instance_type": "m7i.2xlarge", "min_size": 2}


def settled(**entry: Any) -> dict[str, Any]:
    told = {"name": "train", "instance_type": "p5.48xlarge", **entry}
    return groups.settle(told, ROWS[told["instance_type"]], ["subnet-a"])


def template(**entry: Any) -> dict[str, Any]:
    group = settled(**entry)
    return groups.launch_template("one", group, ROWS[group["instance_type"]], ["sg-0123456789abcdef0"])


def refused(*entries: dict[str, Any], subnets: list[str] | None = None) -> list[str]:
    rows = {entry["instance_type"]: ROWS.get(entry["instance_type"], "no such type.") for entry in entries}
    with pytest.raises(action.Refused) as told:
        groups_plan.settle(entries, rows, subnets or ["subnet-a"], ZONES)
    return told.value.faults


@pytest.mark.parametrize("name", ACCELERATED)
def test_every_accelerated_type_becomes_a_request_that_the_services_take(name: str) -> None:
    row, group = ROWS[name], settled(instance_type=name)
    data = groups.launch_template("one", group, row, ["sg-0123456789abcdef0"])
    told = {"LaunchTemplateName": "one-train", "LaunchTemplateData": data}
    faults = shape.faults("ec2", "CreateLaunchTemplate", told)
    assert [fault for fault in faults if not (name.startswith("p6e") and "InstanceType" in fault)] == []
    asked = action.filled(groups.request("one", group, "arn:aws:iam::123456789012:role/n", 1, {}))
    assert shape.faults("eks", "CreateNodegroup", asked) == []
    kind, arch = row["accelerator"]["kind"], {"x86_64": "x86_64", "aarch64": "ARM_64"}[row["arch"]]
    assert asked["amiType"] == f"AL2023_{arch}_{kind.upper()}"
    resource = {"nvidia": "nvidia.com/gpu", "neuron": "aws.amazon.com/neuron"}[kind]
    assert asked["taints"] == [{"key": resource, "effect": "NO_SCHEDULE"}]
    assert sum("efa" in one["InterfaceType"] for one in data["NetworkInterfaces"]) == row["efa_interfaces"]
    assert ("Placement" in data) == bool(row["efa_interfaces"])
    assert ("RAID0" in base64.b64decode(data["UserData"]).decode()) == bool(row["local_nvme"])


def test_a_node_is_closed_and_encrypted() -> None:
    data = template()
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert all(one["Ebs"]["Encrypted"] for one in data["BlockDeviceMappings"])
    # What a managed node group must not have in its template.
    assert not {"IamInstanceProfile", "SecurityGroupIds", "HibernationOptions"} & set(data)
    assert not [one for one in data["NetworkInterfaces"] if "SubnetId" in one]


def test_where_nodes_come_from() -> None:
    block = {"capacity": "capacity_block", "capacity_reservation_id": "cr-1"}
    target = {"CapacityReservationTarget": {"CapacityReservationId": "cr-1"}}
    data = template(**block)
    assert data["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert data["CapacityReservationSpecification"] == target and "Placement" not in data
    data = template(capacity="reservation", capacity_reservation_id="cr-1")
    assert data["CapacityReservationSpecification"] == target and "InstanceMarketOptions" not in data
    assert data["Placement"] == {"GroupName": "one-train"}
    arn = "arn:aws:resource-groups:us-east-1:123456789012:group/mine"
    data = template(capacity="reservation", capacity_reservation_group_arn=arn, placement_group="theirs")
    assert data["CapacityReservationSpecification"]["CapacityReservationTarget"] == {
        "CapacityReservationResourceGroupArn": arn
    }
    assert data["Placement"] == {"GroupName": "theirs"}
    assert "InstanceMarketOptions" not in template(capacity="spot")
    asked = {one: groups.request("c", settled(capacity=one), "r", 1, {})["capacityType"] for one in groups.CAPACITIES}
    assert asked == {
        "on_demand": "ON_DEMAND",
        "reservation": "ON_DEMAND",
        "capacity_block": "CAPACITY_BLOCK",
        "spot": "SPOT",
    }


def test_user_data_is_what_nodeadm_reads_and_then_the_scripts() -> None:
    text = base64.b64decode(template(user_data=["#!/bin/sh\necho one\n"])["UserData"]).decode()
    config, script = email.message_from_string(text).get_payload()
    assert config.get_content_type() == "application/node.eks.aws"
    told = json.loads(config.get_payload())
    assert told["kind"] == "NodeConfig" and told["apiVersion"] == "node.eks.aws/v1alpha1"
    assert told["spec"]["instance"]["localStorage"] == {"strategy": "RAID0"}
    assert script.get_content_type() == "text/x-shellscript"
    assert script.get_payload().startswith("#!/bin/sh\necho one")
    assert template()["UserData"] == template()["UserData"]


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    cases = {
        "eks_node_groups: a names instance type p9.huge: no such type.": {"instance_type": "p9.huge"},
        "a asks for EFA, which g5.xlarge does not have": {"instance_type": "g5.xlarge", "efa": True},
        "a takes a capacity block and says none": {"capacity": "capacity_block"},
        "a takes a reservation and says none": {"capacity": "reservation"},
        "a names a reservation, but its capacity is on_demand": {"capacity_reservation_id": "cr-1"},
        "a has subnets in us-east-1a, us-east-1b, but a cluster placement group lies in one availability zone": {
            "subnet_ids": ["subnet-a", "subnet-b"]
        },
        "but a capacity block lies in one availability zone": {
            "subnet_ids": ["subnet-a", "subnet-b"],
            "capacity": "capacity_block",
            "capacity_reservation_id": "cr-1",
        },
        "a: min_size 4, desired_size 2 and max_size 3 are not in rising order": {
            "min_size": 4,
            "max_size": 3,
            "desired_size": 2,
        },
        "a asks for local_storage RAID0, but m7i.2xlarge has no local disk": {
            "instance_type": "m7i.2xlarge",
            "local_storage": "RAID0",
        },
        "a names subnet subnet-z, which does not exist": {"subnet_ids": ["subnet-z"]},
    }
    for sentence, more in cases.items():
        faults = refused(SYSTEM, {"name": "a", "instance_type": "p5.48xlarge", **more})
        assert len(faults) == 1 and sentence in faults[0], (sentence, faults)


def test_all_faults_are_told_at_once() -> None:
    faults = refused(
        {"name": "a", "instance_type": "g5.xlarge", "efa": True},
        {"name": "b", "instance_type": "p5.48xlarge", "capacity": "capacity_block"},
        {"name": "b", "instance_type": "p9.huge"},
    )
    assert [fault.split(";")[0] for fault in faults] == [
        "eks_node_groups: a asks for EFA, which g5.xlarge does not have",
        "eks_node_groups: b takes a capacity block and says none",
        "eks_node_groups: b names instance type p9.huge: no such type.",
        "eks_node_groups: b stands there twice",
    ]


def test_a_cluster_needs_nodes_for_what_asks_for_no_accelerator() -> None:
    assert "CoreDNS" in refused({"name": "a", "instance_type": "p5.48xlarge"})[0]
    free = {"name": "a", "instance_type": "p5.48xlarge", "taints": []}
    assert groups_plan.settle([free], ROWS, ["subnet-a"], ZONES)
