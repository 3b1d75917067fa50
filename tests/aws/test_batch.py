"""The queue of AWS Batch, deployed against moto and read back."""

from __future__ import annotations

from typing import Any

import pytest
from aws.harness import Aws, Played

NAME = "train"
TOLD: dict[str, Any] = {
    "cluster_name": NAME,
    "aws_region": "us-east-1",
    "batch_instance_type": "p4d.24xlarge",
    "batch_nodes": 2,
    "batch_repository": True,
    "batch_container_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
    "batch_job_script": "torchrun --nnodes $NNODES --node-rank $NODE_RANK --master-addr $MASTER_ADDR train.py\n",
}


def role(tmp_path: Any) -> str:
    path = tmp_path / "batch_role.yml"
    path.write_text(
        "[{hosts: localhost, connection: local, gather_facts: false,"
        " vars: {ansible_python_interpreter: '{{ ansible_playbook_python }}'},"
        " tasks: [{ansible.builtin.include_role: {name: awsome.training.batch}}]}]"
    )
    return str(path)


@pytest.fixture
def place(aws: Aws) -> dict[str, Any]:
    """A subnet and a group that exist already."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="efa", Description="efa", VpcId=vpc)["GroupId"]
    return {"batch_subnet_ids": [subnet], "batch_security_group_ids": [group]}


def test_a_queue_takes_jobs_and_goes_again(aws: Aws, place: dict[str, Any], tmp_path: Any) -> None:
    path, told = role(tmp_path), {**TOLD, **place}
    planned = aws.playbook(path, "--check", **told)
    assert planned.returncode == 0, planned.stdout[-4000:]
    batch = aws.client("batch")
    assert batch.describe_job_queues()["jobQueues"] == []

    done = aws.playbook(path, **told)
    assert done.returncode == 0, done.stdout[-4000:]
    queue = batch.describe_job_queues(jobQueues=[NAME])["jobQueues"][0]
    [environment] = batch.describe_compute_environments()["computeEnvironments"]
    assert [one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]] == [
        environment["computeEnvironmentArn"]
    ]
    assert environment["computeResources"]["instanceTypes"] == ["p4d.24xlarge"]
    assert environment["computeResources"]["maxvCpus"] == 2 * 96

    [launch] = aws.client("ec2").describe_launch_templates()["LaunchTemplates"]
    version = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=launch["LaunchTemplateId"])
    data = version["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert sum("efa" in one["InterfaceType"] for one in data["NetworkInterfaces"]) == 4
    assert data["MetadataOptions"]["HttpTokens"] == "required"

    [definition] = batch.describe_job_definitions(jobDefinitionName=NAME)["jobDefinitions"]
    assert definition["type"] == "multinode"
    aws.configure(batch={"use_docker": False})
    job = batch.submit_job(jobName="first", jobQueue=NAME, jobDefinition=NAME)["jobId"]
    assert batch.describe_jobs(jobs=[job])["jobs"][0]["nodeProperties"]["numNodes"] == 2

    gone = aws.playbook(path, **{**told, "batch_state": "absent"})
    assert gone.returncode == 0, gone.stdout[-4000:]
    assert batch.describe_job_queues()["jobQueues"] == []
    assert aws.client("ecr").describe_repositories()["repositories"][0]["repositoryName"] == NAME


def test_every_fault_is_told_before_anything_is_made(aws: Aws, tmp_path: Any) -> None:
    done: Played = aws.playbook(role(tmp_path), **{**TOLD, "batch_capacity": "capacity_block"})
    assert done.returncode != 0
    for said in (
        "batch_subnet_ids is empty",
        "batch_security_group_ids is empty",
        "batch_capacity_reservation_id is ''",
    ):
        assert said in done.told
    assert aws.asked("CreateStack") == []


def test_the_playbook_builds_all_of_it(aws: Aws) -> None:
    done = aws.playbook("batch", **TOLD, network_availability_zones=["us-east-1a"])
    assert done.returncode == 0, done.stdout[-4000:]
    [environment] = aws.client("batch").describe_compute_environments()["computeEnvironments"]
    assert environment["computeResources"]["subnets"] == done.outputs["network"]["private_subnet_ids"][:1]
