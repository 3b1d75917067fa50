"""playbooks/topology.yml: from instances of EC2 to an inventory that role slurm takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._slurm import topology
from aws.harness import Aws


def launch(aws: Aws, *places: str, block: str = "") -> list[str]:
    """An instance at each place."""
    client = aws.client("ec2")
    image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ids = []
    for place in places:
        tags = [{"Key": "test:network", "Value": place}, {"Key": "test:capacity-block", "Value": block}]
        tags = [one for one in tags if one["Value"]] or [{"Key": "Name", "Value": "x"}]
        made = client.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="p5.48xlarge",
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        ids.append(made["Instances"][0]["InstanceId"])
    aws.log.write_text("")
    return ids


def inventory(place: Path, ids: list[str]) -> Path:
    hosts = {f"gpu-{number}": {"instance_id": one} if one else {} for number, one in enumerate(ids, 1)}
    source = place / "hosts.yml"
    source.write_text(yaml.safe_dump({"compute": {"hosts": hosts, "vars": {"aws_region": "us-east-1"}}}))
    return source


def played(aws: Aws, place: Path, ids: list[str], *arguments: str) -> Any:
    file = str(place / "topology.yml")
    return aws.playbook("topology", "-i", str(inventory(place, ids)), *arguments, topology_file=file)


def test_places_become_an_inventory_that_slurm_takes(aws: Aws, tmp_path: Path) -> None:
    ids = launch(aws, "nn-1/nn-2/nn-4", "nn-1/nn-3/nn-5", "nn-1/nn-2/nn-4", "")
    aws.refuse("DescribeInstanceTopology", times=2, code="RequestLimitExceeded")
    done = played(aws, tmp_path, ids)
    assert done.returncode == 0, done.stdout
    assert "EC2 does not tell the place of gpu-4" in done.told
    text = (tmp_path / "topology.yml").read_text()
    assert text.startswith(
        "# Written by playbooks/topology.yml from what EC2 says.\n# EC2 does not tell the place of gpu-4"
    )
    hosts = yaml.safe_load(text)["all"]["hosts"]
    assert topology.tree({name: one["slurm_node_switches"] for name, one in hosts.items()}) == [
        "SwitchName=cluster Switches=nn-1,unplaced",
        "SwitchName=nn-1 Switches=nn-[2-3]",
        "SwitchName=nn-2 Switches=nn-4",
        "SwitchName=nn-3 Switches=nn-5",
        "SwitchName=nn-4 Nodes=gpu-[1,3]",
        "SwitchName=nn-5 Nodes=gpu-2",
        "SwitchName=unplaced Nodes=gpu-4",
    ]
    assert [one["status"] for one in aws.requests] == [400, 400, 200]
    again = played(aws, tmp_path, ids)
    assert again.returncode == 0 and again.changed == 0


def test_an_ultraserver_is_a_block_and_check_mode_writes_nothing(aws: Aws, tmp_path: Path) -> None:
    ids = launch(aws, "nn-1/nn-2", "nn-1/nn-3", block="us-1")
    assert played(aws, tmp_path, ids, "--check").returncode == 0
    assert not (tmp_path / "topology.yml").exists()
    assert played(aws, tmp_path, ids).returncode == 0
    hosts = yaml.safe_load((tmp_path / "topology.yml").read_text())["all"]["hosts"]
    assert {one["slurm_node_block"] for one in hosts.values()} == {"us-1"}


def test_nothing_told_is_no_topology(aws: Aws, tmp_path: Path) -> None:
    done = played(aws, tmp_path, [*launch(aws, ""), "i-0123456789abcdef0"])
    assert done.returncode == 0, done.stdout
    assert "EC2 does not know the instances of gpu-2; they are gone, or belong to another account" in done.told
    assert "EC2 tells the place of none of 2 hosts, so the topology is not checked and left flat" in done.told
    assert yaml.safe_load((tmp_path / "topology.yml").read_text()) == {"all": {"hosts": {}}}


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (["", "i-0123456789abcdef0"], "instances: gpu-1 has no id, expected that of an EC2 instance; set instance_id"),
        (
            ["worker-1"],
            "instances: gpu-1 has 'worker-1', expected the id of an EC2 instance such as i-0123456789abcdef0",
        ),
        ([], "the group compute has 0 hosts, expected at least one"),
    ],
)
def test_a_mistake_is_told(aws: Aws, tmp_path: Path, ids: list[str], sentence: str) -> None:
    done = played(aws, tmp_path, ids)
    assert done.returncode != 0 and sentence in done.told.replace("''", "'")
    assert aws.requests == []


def test_no_permission_is_told(aws: Aws, tmp_path: Path) -> None:
    ids = launch(aws, "nn-1")
    aws.refuse("DescribeInstanceTopology", times=20, code="UnauthorizedOperation")
    done = played(aws, tmp_path, ids)
    assert done.returncode != 0 and "allow ec2:DescribeInstanceTopology to these credentials" in done.told
    assert json.dumps(aws.asked("DescribeInstanceTopology")).count(ids[0]) == 1
