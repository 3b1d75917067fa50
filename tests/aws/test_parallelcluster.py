"""Role parallelcluster against AWS on loopback: real schema, real validators, real API of aws-parallelcluster.

What CloudFormation would make of a cluster is played by pcluster_standin.py; the last test has the real one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import (
    api,
    cluster,
    plan,
    rules,
    shape,
)
from aws.harness import BIN, Aws, Played, serving

pytest.importorskip("pcluster")

# moto keeps no launch template that the package's validators would take.
SUPPRESSED = ["type:HeadNodeLaunchTemplateValidator", "type:ComputeResourceLaunchTemplateValidator"]
AMI = {
    "ami_id": "ami-0123456789abcdef0",
    "name": "aws-parallelcluster-{version}-ubuntu-2204-lts-hvm-x86_64-20260101",
    "owner_id": "123456789012",
    "owner_alias": "amazon",
    "public": True,
    "architecture": "x86_64",
    "virtualization_type": "hvm",
    "root_device_type": "ebs",
    "root_device_name": "/dev/sda1",
    "state": "available",
}


VARIABLES: dict[str, Any] = {
    "cluster_name": "train",
    "aws_region": "us-east-1",
    "network_availability_zones": ["us-east-1a"],
    "parallelcluster_head_node": {"instance_type": "m5.8xlarge"},
    "parallelcluster_queues": [{"name": "gpu", "nodes": [{"instance_type": "p5.48xlarge", "max": 4}]}],
    "parallelcluster_login_pools": [{"name": "login", "instance_type": "m5.2xlarge"}],
    "parallelcluster_shared_storage": [],
    "parallelcluster_bundle_uri": "s3://training-bucket/boot/train",
    "parallelcluster_suppressed_validators": SUPPRESSED,
    # The package's own bucket has a policy of which moto reads the Deny, but not the condition.
    "parallelcluster_config": {"CustomS3Bucket": "pcluster-bucket"},
}
OPTIONS: dict[str, Any] = {
    "region": "us-east-1",
    "image": {"os": "ubuntu2204"},
    "head_node": {"instance_type": "m5.8xlarge"},
    "queues": [{"name": "gpu", "nodes": [{"instance_type": "p5.48xlarge", "max": 4}]}],
    "config": {"CustomS3Bucket": "pcluster-bucket"},
}
CATALOG = _catalog.load()


@dataclass
class Account:
    """An account with a network and a bucket for ParallelCluster, and the package in a process that stays."""

    aws: Aws
    package: api.Package
    private: str
    public: str
    told: list[str] = field(default_factory=list)

    def configuration(self, **changed: Any) -> dict[str, Any]:
        options = {**OPTIONS, "subnet_ids": [self.private], **changed}
        assert rules.faults(options, CATALOG.instance) == []
        return shape.configuration(options, CATALOG.instance)

    @property
    def cluster(self) -> cluster.Cluster:
        pace = {"seconds": 60, "poll": 0.1}
        return cluster.Cluster(self.package, **pace, rollback=True, suppressed=SUPPRESSED, note=self.told.append)

    def plan(self, wanted: dict[str, Any], **how: bool) -> plan.Plan:
        how = {"stop_allowed": False, "checking": False, **how}
        return self.cluster.plan("present", wanted, self.cluster.seen(waiting=True), **how)

    def make(self, wanted: dict[str, Any], **how: bool) -> plan.Plan:
        todo = self.plan(wanted, **how)
        assert not todo.faults, todo.faults
        self.cluster.carry_out(todo.actions, wanted)
        return todo

    @property
    def status(self) -> tuple[str, str]:
        seen = self.package.describe() or {}
        return seen["clusterStatus"], seen["computeFleetStatus"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """With the image of this version of ParallelCluster, which AWS publishes."""
    from importlib.metadata import version

    place = tmp_path_factory.mktemp("parallelcluster")
    image = {**AMI, "name": AMI["name"].format(version=version("aws-parallelcluster"))}  # type: ignore[attr-defined]
    (place / "amis.json").write_text(json.dumps([image]))
    told = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_AMIS_PATH": str(place / "amis.json")}
    with serving(place, **told) as served:
        yield served


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("python") / "python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("pcluster_standin.py")} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def emptied(server: Aws) -> Aws:
    """Nothing is there but a bundle and a bucket for ParallelCluster."""
    server.reset()
    s3 = server.client("s3")
    for bucket in ("training-bucket", "pcluster-bucket"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for script in ("on_node_start.sh", "on_node_configured.sh"):
        s3.put_object(Bucket="training-bucket", Key=f"boot/train/{script}", Body=b"#!/bin/bash\n")
    return server


@pytest.fixture(scope="module")
def package(server: Aws, python: Path) -> Iterator[api.Package]:
    """One process for all tests: the package takes seconds to import."""
    asked = api.Package(str(python), "train", "us-east-1", server.env, sleep=lambda _: None)
    yield asked
    asked.close()


@pytest.fixture
def account(emptied: Aws, package: api.Package) -> Account:
    ec2 = emptied.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zone = {"VpcId": vpc, "AvailabilityZone": "us-east-1a"}
    private, public = (
        ec2.create_subnet(**zone, CidrBlock=block)["Subnet"]["SubnetId"] for block in ("10.0.0.0/20", "10.0.16.0/20")
    )
    ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
    return Account(emptied, package, private, public)


# --- the playbook


def test_from_nothing_to_a_cluster_and_back(emptied: Aws, python: Path) -> None:
    def play(*arguments: str, **changed: Any) -> Played:
        told = {**VARIABLES, "parallelcluster_python": str(python), **changed}
        played = emptied.playbook("parallelcluster", *arguments, **told)
        assert played.returncode == 0, played.stdout
        return played

    cloudformation, secrets = emptied.client("cloudformation"), emptied.client("secretsmanager")
    secret = secrets.create_secret(Name="accounting", SecretString='{"username": "slurm", "password": "secret"}')["ARN"]
    database = {"endpoint": "accounting.example.org", "secret_arn": secret, "secret_key": "password"}
    left = play(parallelcluster_accounting=database).outputs["parallelcluster"]
    assert (left["name"], left["status"]) == ("train", "CREATE_COMPLETE") and left["head_node_id"].startswith("i-")
    stack = cloudformation.describe_stacks(StackName="train-parallelcluster")["Stacks"][0]
    made = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    policy, plain = made["BundlePolicyArn"], made["DatabasePasswordArn"]
    # ParallelCluster takes the whole secret for the password.
    assert secrets.get_secret_value(SecretId=plain)["SecretString"] == "secret"
    iam = emptied.client("iam")
    version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]["Document"]
    assert [one["Resource"] for one in document["Statement"]] == [
        "arn:aws:s3:::training-bucket",
        "arn:aws:s3:::training-bucket/boot/train/*",
    ]

    s3 = emptied.client("s3")
    [key] = [
        one["Key"]
        for one in s3.list_objects_v2(Bucket="pcluster-bucket")["Contents"]
        if one["Key"].endswith("/cluster-config.yaml")
    ]
    kept = yaml.safe_load(s3.get_object(Bucket="pcluster-bucket", Key=key)["Body"])
    assert kept["Scheduling"]["SlurmSettings"]["Database"]["PasswordSecretArn"] == plain
    assert kept["LoginNodes"]["Pools"][0]["Iam"]["AdditionalIamPolicies"] == [{"Policy": policy}]

    again = play(parallelcluster_accounting=database)
    assert again.changed == 0 and not [one for one in emptied.asked("UpdateStack") if one["StackName"] == "train"]

    play(parallelcluster_state="absent")
    standing = cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert [one["StackName"] for one in standing] == ["train-network"]


def test_a_plan_of_everything_makes_nothing(emptied: Aws, python: Path) -> None:
    planned = emptied.playbook("parallelcluster", "--check", **VARIABLES, parallelcluster_python=str(python))
    assert planned.returncode == 0 and planned.outputs["parallelcluster"]["status"] == "planned", planned.stdout
    # The network is planned only, so the cluster cannot be judged whole; that is told, and is no failure.
    assert "what is only planned cannot be judged" in planned.told
    assert not [one for one in emptied.requests if one["action"] in ("CreateStack", "CreateVpc", "RunInstances")]


def test_the_playbook_tells_every_fault_of_the_options_before_anything_is_made(emptied: Aws) -> None:
    bad = [
        {
            "name": "gpu",
            "nodes": [{"instance_type": "p5.47xlarge"}, {"instance_type": "p5.48xlarge", "max": 1, "min": 2}],
        }
    ]
    told = {**VARIABLES, "parallelcluster_queues": bad, "parallelcluster_subnet_ids": ["subnet-0123456789abcdef0"]}
    played = emptied.playbook("parallelcluster", **told)
    assert played.returncode != 0 and "catalog/instances.yml has no 'p5.47xlarge'" in played.told
    assert not emptied.asked("CreateStack")


# --- validators


def test_validators_that_ask_aws_refuse_in_their_own_words(account: Account) -> None:
    ec2 = account.aws.client("ec2")
    elsewhere = ec2.create_capacity_reservation(
        InstanceType="p4d.24xlarge", InstancePlatform="Linux/UNIX", AvailabilityZone="us-east-1b", InstanceCount=1
    )["CapacityReservation"]["CapacityReservationId"]
    nodes = [{"instance_type": "p5.48xlarge", "capacity_reservation": elsewhere, "max": 2}]
    wanted = account.configuration(queues=[{"name": "gpu", "nodes": nodes, "subnet_ids": [account.public]}])
    with pytest.raises(cluster.ClusterError) as refused:
        account.plan(wanted)
    for sentence in (
        "train cannot be created:",
        f"Capacity reservation {elsewhere} must have the same instance type as p5.48xlarge.",
        "(CapacityReservationValidator)",
        f"Capacity reservation {elsewhere} must use the same availability zone as subnet {account.public}.",
        "auto-assign public IPs",
    ):
        assert sentence in str(refused.value)
    assert not account.aws.asked("CreateStack")


# --- create, update, delete


def test_an_update_follows_the_packages_own_policies(account: Account) -> None:
    assert account.make(account.configuration()).actions == ("create",)
    assert account.status == ("CREATE_COMPLETE", "RUNNING")

    # More nodes need nothing; fewer need the fleet stopped.
    nodes = {"instance_type": "p5.48xlarge"}
    more = account.configuration(queues=[{"name": "gpu", "nodes": [{**nodes, "max": 8}]}])
    made = account.make(more)
    assert made.actions == ("update",) and made.update.changes == (
        "Scheduling.SlurmQueues[gpu].ComputeResources[p5-48xlarge].MaxCount: 4 -> 8",
    )
    fewer = account.configuration(queues=[{"name": "gpu", "nodes": [{**nodes, "max": 2}]}])
    forbidden = account.plan(fewer)
    assert (
        forbidden.actions == ()
        and "MaxCount: 8 -> 2 is refused: All compute nodes must be stopped" in forbidden.faults[0]
    )
    assert account.plan(fewer, checking=True).actions == ("stop_fleet", "update", "start_fleet")
    account.told.clear()
    account.make(fewer, stop_allowed=True)
    assert [line.partition(": ")[2] for line in account.told if "fleet" in line] == ["fleet STOPPED", "fleet RUNNING"]
    assert account.status == ("UPDATE_COMPLETE", "RUNNING")

    # What cannot be updated at all is told, even where the fleet may be stopped.
    other = account.configuration(queues=fewer_queues(nodes), head_node={"instance_type": "m5.4xlarge"})
    refused = account.plan(other, stop_allowed=True)
    assert refused.actions == () and len(refused.faults) == 1
    assert "HeadNode.InstanceType: m5.8xlarge -> m5.4xlarge is refused" in refused.faults[0]

    account.cluster.carry_out(("delete",), {})
    assert account.package.describe() is None and account.plan(fewer).actions == ("create",)


def fewer_queues(nodes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "gpu", "nodes": [{**nodes, "max": 2}]}]


REASON = "WaitCondition received failed message: 'Failed to execute OnNodeConfigured script s3://b/x, return code: 1.'"


def test_a_creation_that_fails_is_explained_and_the_next_run_starts_over(account: Account, python: Path) -> None:
    wanted = account.configuration()
    env = {**account.aws.env, "PCLUSTER_STANDIN_FAILS": REASON}
    failing = Account(account.aws, api.Package(str(python), "train", "us-east-1", env), account.private, account.public)
    try:
        with pytest.raises(cluster.ClusterError) as failed:
            failing.make(wanted)
    finally:
        failing.package.close()
    for sentence in (
        "The creation of train in us-east-1 failed; it is CREATE_FAILED (ROLLBACK_COMPLETE).",
        "Failed to execute OnNodeConfigured script. (OnNodeConfiguredExecutionFailure)",
        f"HeadNodeWaitCondition20260101 (AWS::CloudFormation::WaitCondition) CREATE_FAILED: {REASON}",
        "pcluster list-cluster-log-streams --cluster-name train --region us-east-1",
    ):
        assert sentence in str(failed.value)

    again = account.make(wanted)
    assert again.actions == ("delete", "create") and "had failed" in again.warnings[0]
    assert account.status == ("CREATE_COMPLETE", "RUNNING")


def test_throttling_of_aws_is_survived(account: Account) -> None:
    account.aws.refuse("DescribeStacks", times=1, code="Throttling")
    assert account.package.describe() is None
    assert [one["status"] for one in account.aws.requests if one["action"] == "DescribeStacks"].count(400) == 2


@pytest.mark.slow
def test_the_real_template_holds_what_the_configuration_says(account: Account, python: Path, tmp_path: Path) -> None:
    """The package's CDK makes it, with Node.js; nothing of it is created here."""
    written = tmp_path / "template.json"
    env = {**account.aws.env, "PCLUSTER_STANDIN_TEMPLATE": str(written)}
    asked = api.Package(str(python), "train", "us-east-1", env)
    try:
        Account(account.aws, asked, account.private, account.public).make(account.configuration())
    finally:
        asked.close()
    linted = subprocess.run(
        [BIN / "cfn-lint", "-f", "parseable", "-r", "us-east-1", "--", written], capture_output=True, text=True
    )
    assert not [line for line in linted.stdout.splitlines() if ":E" in line], linted.stdout
    resources = json.loads(written.read_text())["Resources"]
    [head] = [
        one["Properties"]["LaunchTemplateData"]
        for one in resources.values()
        if one["Type"] == "AWS::EC2::LaunchTemplate" and "HeadNode" in json.dumps(one)
    ]
    assert head["MetadataOptions"]["HttpTokens"] == "required"
    assert all(disk["Ebs"]["Encrypted"] for disk in head["BlockDeviceMappings"] if "Ebs" in disk)
