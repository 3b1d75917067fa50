"""The template of a queue: right for every instance type, and refused where it cannot work."""

from __future__ import annotations

import email
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import shape
from ansible_collections.awsome.training.plugins.module_utils._aws.batch import job, rules, template
from ansible_collections.awsome.training.plugins.module_utils._catalog import load

CATALOG = load()
EFA = [name for name in CATALOG.instances if CATALOG.instance(name)["efa_interfaces"]]
ASKED: dict[str, Any] = {
    "name": "train",
    "nodes": 4,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "capacity": "on_demand",
    "capacity_reservation_id": "",
    "placement_group": True,
    "image_id": "",
    "volume_gib": 200,
    "user_data": "",
    "instance_policies": [],
    "job_policies": [],
    "container_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
    "job_script": "hostname\n",
    "job_environment": {"FI_PROVIDER": "efa"},
    "job_hours": 24,
    "shared_dir": "/fsx",
    "repository": True,
    "runnable_minutes": 60,
}
BLOCK = {"capacity": "capacity_block", "capacity_reservation_id": "cr-0123456789abcdef0", "placement_group": False}


def rendered(instance_type: str, **other: Any) -> dict[str, Any]:
    return template.render({**ASKED, **other}, CATALOG.instance(instance_type))


def properties(instance_type: str, resource: str, **other: Any) -> Any:
    return rendered(instance_type, **other)["Resources"][resource]["Properties"]


def lower(value: Any) -> Any:
    """CloudFormation's keys as the API of Batch writes them."""
    if isinstance(value, dict):
        if set(value) in ({"Ref"}, {"Fn::GetAtt"}):
            return "arn:aws:iam::123456789012:role/one"
        return {key[:1].lower() + key[1:]: lower(one) for key, one in value.items()}
    return [lower(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("instance_type", EFA)
def test_every_type_with_efa_gives_its_jobs_all_it_has(instance_type: str) -> None:
    record = CATALOG.instance(instance_type)
    data = properties(instance_type, "LaunchTemplate")["LaunchTemplateData"]
    assert sum("efa" in one["InterfaceType"] for one in data["NetworkInterfaces"]) == record["efa_interfaces"]
    container = properties(instance_type, "JobDefinition")["NodeProperties"]["NodeRangeProperties"][0]["Container"]
    devices = [one["HostPath"] for one in container["LinuxParameters"]["Devices"]]
    assert sum("uverbs" in one for one in devices) == record["efa_interfaces"]
    accelerator = record["accelerator"] or {"kind": None, "count": 0}
    gpus = [one["Value"] for one in container["ResourceRequirements"] if one["Type"] == "GPU"]
    assert gpus == ([str(accelerator["count"])] if accelerator["kind"] == "nvidia" else [])
    assert sum("neuron" in one for one in devices) == (accelerator["count"] if accelerator["kind"] == "neuron" else 0)
    environment = properties(instance_type, "ComputeEnvironment")["ComputeResources"]
    assert environment["MaxvCpus"] == 4 * record["vcpus"]
    assert environment["Ec2Configuration"][0]["ImageType"].endswith("NVIDIA") == (accelerator["kind"] == "nvidia")


@pytest.mark.parametrize("instance_type", ["p5.48xlarge", "trn1.32xlarge"])
def test_what_batch_is_asked_fits_its_own_model(instance_type: str) -> None:
    definition = lower(properties(instance_type, "JobDefinition"))
    assert shape.faults("batch", "RegisterJobDefinition", definition) == []
    queue = lower(properties(instance_type, "JobQueue"))
    assert shape.faults("batch", "CreateJobQueue", queue) == []


@pytest.mark.parametrize(
    ("instance_type", "region"),
    [
        ("p4d.24xlarge", "us-east-1"),
        ("p5.48xlarge", "us-east-1"),
        ("p6-b200.48xlarge", "us-east-1"),
        ("trn2.48xlarge", "us-east-2"),
    ],
)
def test_cfn_lint_finds_nothing(instance_type: str, region: str, tmp_path: Path) -> None:
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(rendered(instance_type, **BLOCK, user_data="#!/bin/sh\ntrue\n")))
    done = subprocess.run(["cfn-lint", "-f", "parseable", "-r", region, "--", path], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_a_capacity_block_is_told_three_times() -> None:
    data = properties("p5.48xlarge", "LaunchTemplate", **BLOCK)["LaunchTemplateData"]
    assert data["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert (
        data["CapacityReservationSpecification"]["CapacityReservationTarget"]["CapacityReservationId"]
        == BLOCK["capacity_reservation_id"]
    )
    assert "Placement" not in data


def test_without_an_image_there_is_no_job_and_no_log() -> None:
    resources = rendered("p5.48xlarge", container_image="", repository=False)["Resources"]
    assert not {"JobDefinition", "LogGroup", "Repository"} & set(resources)


def test_user_data_is_a_part_that_batch_can_add_to() -> None:
    data = properties("p5.48xlarge", "LaunchTemplate", user_data="#!/bin/sh\necho a\n")["LaunchTemplateData"]
    message = email.message_from_string(data["UserData"]["Fn::Base64"])
    assert [part.get_content_type() for part in message.get_payload()] == ["text/x-shellscript"]  # type: ignore[union-attr]
    assert message.get_payload(0).get_payload() == "#!/bin/sh\necho a\n"  # type: ignore[union-attr]


@pytest.mark.parametrize(("index", "address"), [("0", "127.0.0.9"), ("1", "10.0.0.1")])
def test_every_node_of_a_job_finds_the_main_one(index: str, address: str, tmp_path: Path) -> None:
    (tmp_path / "hostname").write_text("#!/bin/sh\necho 127.0.0.9 10.9.9.9\n")
    (tmp_path / "hostname").chmod(0o755)
    told = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "AWS_BATCH_JOB_NUM_NODES": "2",
        "AWS_BATCH_JOB_NODE_INDEX": index,
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
        **({"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "10.0.0.1"} if index != "0" else {}),
    }
    script = job.PRELUDE + 'echo "$NNODES $NODE_RANK $MASTER_ADDR $MASTER_PORT"'
    done = subprocess.run(["bash", "-c", script], env=told, text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["2", index, address, "29500"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"name": "a b"}, "cluster_name is 'a b', expected"),
        ({"subnet_ids": []}, "batch_subnet_ids is empty; give the network's"),
        ({"subnet_ids": ["a", "b"]}, "batch_subnet_ids lists 2 subnets, and p5.48xlarge has EFA"),
        ({"security_group_ids": []}, "batch_security_group_ids is empty"),
        ({"nodes": 0}, "batch_nodes is 0, expected 1 or more."),
        ({"capacity": "spot"}, "batch_capacity is 'spot', expected one of on_demand, reservation, capacity_block"),
        ({"capacity": "reservation"}, "batch_capacity_reservation_id is '', expected an id such as"),
        ({"capacity_reservation_id": "cr-0123456789abcdef0"}, "and batch_capacity is on_demand"),
        ({**BLOCK, "placement_group": True}, "a capacity block has its machines near each other already"),
        ({"container_image": ""}, "batch_job_script is set and batch_container_image is not"),
        ({"job_script": ""}, "batch_container_image is set and batch_job_script is not"),
        ({"container_image": "train:latest"}, "give a tag or a digest that stays what it is"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(other: dict[str, Any], said: str) -> None:
    found = rules.faults({**ASKED, **other}, CATALOG.instance("p5.48xlarge"))
    assert any(said in one for one in found), found


def test_what_works_is_not_refused() -> None:
    assert rules.faults(ASKED, CATALOG.instance("p5.48xlarge")) == []
    assert rules.faults({**ASKED, **BLOCK}, CATALOG.instance("p5.48xlarge")) == []
