"""The configuration of a cluster of ParallelCluster: rendered, judged by our rules, and by the package's own schema."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import driver, rules, shape
from goldens import assert_golden

CATALOG = _catalog.load()
ACCELERATED = [name for name, row in CATALOG.instances.items() if row["accelerator"]]
BLOCK = {"capacity_type": "capacity_block", "capacity_reservation": "cr-0123456789abcdef0"}

BASE: dict[str, Any] = {
    "region": "us-east-1",
    "image": {"os": "ubuntu2204"},
    "head_node": {"instance_type": "m5.8xlarge", "root_volume_gib": 500, "allowed_ips": "203.0.113.0/24"},
    "queues": [],
    "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "slurm": {"scaling_strategy": "all-or-nothing", "idle_minutes": 10},
    "monitoring": {"log_days": 30},
    "tags": {"awsome:cluster": "train"},
}
WHOLE: dict[str, Any] = {
    "image": {"os": "ubuntu2204", "ami": "ami-0123456789abcdef0"},
    "login_pools": [{"name": "login", "instance_type": "m5.2xlarge", "count": 2, "grace_minutes": 10}],
    "shared_storage": [
        {"type": "lustre", "id": "fs-0123456789abcdef0", "mount_dir": "/fsx"},
        {"type": "openzfs", "id": "fsvol-0123456789abcdef0", "mount_dir": "/home"},
        {"type": "efs", "id": "fs-0123456789abcdef1", "mount_dir": "/tools/shared"},
    ],
    "accounting": {
        "endpoint": "accounting.example.org",
        "port": 3306,
        "secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:slurm",
    },
    "bundle_uri": "s3://training-bucket/boot/train",
    "policies": ["arn:aws:iam::123456789012:policy/train-bundle"],
    "slurm": {
        "idle_minutes": -1,
        "queue_update_strategy": "DRAIN",
        "settings": {"JobRequeue": 1, "MaxArraySize": 20001},
    },
}
CASES: dict[str, dict[str, Any]] = {
    "gpu": {
        **WHOLE,
        "queues": [
            {
                "name": "gpu",
                "nodes": [
                    {"instance_type": "p5.48xlarge", "max": 8},
                    {"instance_type": "p4d.24xlarge", "min": 2, "max": 4, "multithreading": True},
                    {"name": "small", "instance_type": "g5.8xlarge", "efa": False},
                ],
            }
        ],
    },
    "block": {
        "queues": [{"name": "p6", **BLOCK, "nodes": [{"instance_type": "p6-b200.48xlarge", "min": 4, "max": 4}]}]
    },
    "trn": {
        "queues": [
            {
                "name": "trn",
                "nodes": [{"instance_type": "trn1.32xlarge", "capacity_reservation": "cr-0123456789abcdef0"}],
                "slurm_settings": {"MaxTime": "2-00:00:00"},
            }
        ]
    },
    "cpu": {
        "queues": [
            {
                "name": "cpu",
                "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                "capacity_type": "spot",
                "allocation_strategy": "capacity-optimized",
                "nodes": [{"instance_types": ["c6i.32xlarge", "c7i.48xlarge"], "max": 100}],
            }
        ]
    },
}


def options(**changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BASE), **copy.deepcopy(changed)}


def queue(*nodes: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"name": "q", "nodes": list(nodes), **more}]


def render(**changed: Any) -> dict[str, Any]:
    return shape.configuration(options(**changed), CATALOG.instance)


def faults(**changed: Any) -> list[str]:
    return rules.faults(options(**changed), CATALOG.instance)


@pytest.fixture(scope="module")
def judged() -> Iterator[Callable[[dict[str, Any]], list[str]]]:
    """The package's own schema, and its validators that need no AWS."""
    pytest.importorskip("pcluster")
    with pytest.MonkeyPatch.context() as patch:
        # What the driver sets in its own process is taken back here.
        names = ("AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        for name in (*names, "AWS_EC2_METADATA_DISABLED", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            patch.setenv(name, "x")
        yield lambda configuration: driver.judge("train", copy.deepcopy(configuration))["faults"]  # type: ignore[no-any-return]


# --- the renderer


@pytest.mark.parametrize("name", CASES)
def test_configurations_are_as_a_person_saw_them_last(name: str, judged: Callable[[dict[str, Any]], list[str]]) -> None:
    assert faults(**CASES[name]) == []
    rendered = render(**CASES[name])
    assert_golden(f"parallelcluster/{name}.yml", yaml.safe_dump(rendered, sort_keys=False))
    assert judged(rendered) == []


@pytest.mark.parametrize("more", [{}, BLOCK], ids=["on_demand", "capacity_block"])
def test_every_accelerated_type_makes_a_configuration_that_the_package_takes(
    more: dict[str, Any], judged: Callable[[dict[str, Any]], list[str]]
) -> None:
    for kind in ACCELERATED:
        head = "m5.8xlarge" if CATALOG.instance(kind)["arch"] == "x86_64" else "m7g.8xlarge"
        wanted = {
            "head_node": {"instance_type": head},
            "queues": queue({"instance_type": kind, "min": 2, "max": 2}, **more),
        }
        assert faults(**wanted) == [], kind
        rendered = render(**wanted)
        assert judged(rendered) == [], kind
        resource = rendered["Scheduling"]["SlurmQueues"][0]["ComputeResources"][0]
        row = CATALOG.instance(kind)
        assert resource.get("Efa", {}).get("Enabled", False) == bool(row["efa_interfaces"])
        if row["efa_interfaces"]:
            assert resource["Networking"]["PlacementGroup"]["Enabled"] is (not more)


def test_a_reservation_gets_no_placement_group_unless_one_is_asked_for() -> None:
    node = {"instance_type": "p5.48xlarge", "capacity_reservation": "cr-0123456789abcdef0"}

    def group(**more: Any) -> Any:
        return render(queues=queue(node, **more))["Scheduling"]["SlurmQueues"][0]["ComputeResources"][0]["Networking"]

    assert group() == {"PlacementGroup": {"Enabled": False}}
    assert group(placement_group=True) == {"PlacementGroup": {"Enabled": True}}
    named = render(queues=queue(node, placement_group="mine"))["Scheduling"]["SlurmQueues"][0]
    assert named["Networking"]["PlacementGroup"] == {"Enabled": True, "Name": "mine"}
    assert "Networking" not in named["ComputeResources"][0]


def test_a_resource_group_is_told_from_a_reservation() -> None:
    arn = "arn:aws:resource-groups:us-east-1:123456789012:group/odcr"
    rendered = render(queues=queue({"instance_type": "p5.48xlarge"}, capacity_reservation=arn))
    target = rendered["Scheduling"]["SlurmQueues"][0]["CapacityReservationTarget"]
    assert target == {"CapacityReservationResourceGroupArn": arn}


def test_nobody_reads_more_than_the_bundle_and_all_instances_keep_their_metadata() -> None:
    rendered = render(**CASES["gpu"])
    access = [{"BucketName": "training-bucket", "KeyName": "boot/train/*"}]
    assert rendered["HeadNode"]["Iam"]["S3Access"] == access
    assert rendered["Scheduling"]["SlurmQueues"][0]["Iam"]["S3Access"] == access
    assert "S3Access" not in rendered["LoginNodes"]["Pools"][0]["Iam"]
    assert rendered["Imds"] == {"ImdsSupport": "v2.0"} and rendered["HeadNode"]["Imds"] == {"Secured": True}
    assert rendered["HeadNode"]["LocalStorage"]["RootVolume"]["Encrypted"]


def test_what_is_laid_over_wins_and_null_drops_a_key() -> None:
    rendered = render(
        queues=queue({"instance_type": "p5.48xlarge", "config": {"Efa": {"GdrSupport": True}, "HealthChecks": None}}),
        config={"Monitoring": {"Alarms": {"Enabled": False}}, "DeploymentSettings": {"DefaultUserHome": "Local"}},
    )
    node = rendered["Scheduling"]["SlurmQueues"][0]["ComputeResources"][0]
    assert node["Efa"] == {"Enabled": True, "GdrSupport": True} and "HealthChecks" not in node
    assert rendered["Monitoring"]["Alarms"] == {"Enabled": False} and rendered["Monitoring"]["Dashboards"]
    assert rendered["DeploymentSettings"] == {"DefaultUserHome": "Local"}


# --- our rules


P5 = {"instance_type": "p5.48xlarge"}
TWO_SUBNETS = {"subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no head": ({"head_node": {}, "queues": queue(P5)}, "parallelcluster_head_node.instance_type is missing"),
    "no queue": ({}, "parallelcluster_queues is empty; a cluster needs a queue with nodes."),
    "no nodes": ({"queues": queue()}, "parallelcluster_queues[q].nodes is empty"),
    "no type": ({"queues": queue({"max": 1})}, "nodes[0] must have either instance_type or instance_types"),
    "two types": (
        {"queues": queue({**P5, "instance_types": ["p4d.24xlarge"]})},
        "nodes[0] must have either instance_type or instance_types",
    ),
    "unknown": (
        {"queues": queue({"instance_type": "p5.47xlarge"})},
        "parallelcluster_queues[q].nodes[0].instance_type: catalog/instances.yml has no 'p5.47xlarge'; the nearest are",
    ),
    "names": ({"queues": queue(P5, P5)}, "parallelcluster_queues[q].nodes has 'p5-48xlarge' 2 times"),
    "bundle": ({"queues": queue(P5), "bundle_uri": "s3://bucket"}, "is 's3://bucket'; it must be s3://BUCKET/PREFIX"),
    "policy": (
        {
            "queues": queue(P5),
            "bundle_uri": "s3://bucket/prefix",
            "login_pools": [{"name": "l", "instance_type": "m5.large"}],
        },
        "name a policy that reads the bundle in parallelcluster_policies.",
    ),
    "subnet": (
        {
            "queues": queue(P5),
            "subnet_ids": [],
            "head_node": {"instance_type": "m5.large", "subnet_id": "subnet-0123456789abcdef0"},
        },
        "parallelcluster_queues[q].subnet_ids is missing; set it, or parallelcluster_subnet_ids for all.",
    ),
    "arch": (
        {"queues": queue({"instance_type": "p6e-gb200.36xlarge"})},
        "is p6e-gb200.36xlarge, which is aarch64, but the head node is x86_64",
    ),
    "group and subnets": (
        {"queues": queue({"instance_types": ["c6i.32xlarge"]}, **TWO_SUBNETS, placement_group=True)},
        "placement_group cannot hold nodes of several subnets",
    ),
    "group and block": (
        {"queues": queue({**P5, "min": 1, "max": 1}, **BLOCK, placement_group=True)},
        "placement_group must not be set for a capacity block",
    ),
    "reservation": (
        {"queues": queue({**P5, "capacity_reservation": "mine"})},
        "capacity_reservation is 'mine'; it must be the id of a reservation (cr-...)",
    ),
    "counts": ({"queues": queue({**P5, "min": 3, "max": 2})}, "has min 3 and max 2; min can be at most max."),
    "no efa": (
        {"queues": queue({"instance_type": "g5.xlarge", "efa": True})},
        "nodes[g5-xlarge].efa is true, but g5.xlarge has no EFA",
    ),
    "public": ({"queues": queue(P5, public_ip=True)}, "to which EC2 gives no public address"),
    "efa and subnets": (
        {"queues": queue({"instance_types": ["p5.48xlarge"], "efa": True}, **TWO_SUBNETS)},
        "EFA does not cross availability zones",
    ),
    "type and subnets": (
        {"queues": queue(P5, **TWO_SUBNETS)},
        "ParallelCluster takes several subnets only with instance_types",
    ),
    "block without": (
        {"queues": queue({**P5, "min": 1, "max": 1}, capacity_type="capacity_block")},
        "is of a capacity block, so it needs capacity_reservation",
    ),
    "block counts": (
        {"queues": queue({**P5, "min": 0, "max": 4}, **BLOCK)},
        "has min 0 and max 4; nodes of a capacity block are always on",
    ),
    "types and reservation": (
        {"queues": queue({"instance_types": ["p5.48xlarge"], "capacity_reservation": "cr-0123456789abcdef0"})},
        "but the reservation cr-0123456789abcdef0 is for one type",
    ),
    "storage": (
        {"queues": queue(P5), "shared_storage": [{"type": "openzfs", "mount_dir": "/home"}]},
        "parallelcluster_shared_storage[/home].id is missing; ParallelCluster makes no openzfs",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_in_a_sentence(case: str) -> None:
    changed, sentence = BAD[case]
    found = faults(**changed)
    assert len(found) == 1 and sentence in found[0], found


def test_all_faults_are_told_at_once() -> None:
    found = faults(
        queues=queue({**P5, "min": 3, "max": 2, "capacity_reservation": "mine"}, **TWO_SUBNETS, public_ip=True),
        bundle_uri="bucket/prefix",
    )
    assert len(found) == 5, found


# --- the package's judgement


def test_the_package_names_every_fault_by_its_path(judged: Callable[[dict[str, Any]], list[str]]) -> None:
    rendered = render(queues=queue({**P5, "max": "many"}), config={"Imds": {"ImdsSupport": "v3.0"}, "Colour": "red"})
    rendered["HeadNode"]["Networking"]["SubnetId"] = "subnet"
    assert judged(rendered) == [
        "Colour: Unknown field (it is 'red').",
        "HeadNode.Networking.SubnetId: String does not match expected pattern (it is 'subnet').",
        "Imds.ImdsSupport: Must be one of: v1.0, v2.0 (it is 'v3.0').",
        "Scheduling.SlurmQueues[q].ComputeResources[p5-48xlarge].MaxCount: Not a valid integer (it is 'many').",
    ]


def test_limits_are_the_packages_own(judged: Callable[[dict[str, Any]], list[str]]) -> None:
    from pcluster.validators.cluster_validators import NAME_MAX_LENGTH

    long, most = "q" * (NAME_MAX_LENGTH + 1), "q" * NAME_MAX_LENGTH
    name = [{"name": long, "nodes": [{**P5, "name": "Big"}, {**P5, "name": most}]}]
    found = judged(render(queues=name, slurm={"settings": {"Prolog": "/x"}}))
    assert found == [
        "SlurmSettings: Using the following custom Slurm settings at SlurmConf level is not allowed: Prolog",
        f"SlurmQueues[{long}]: Invalid name '{long}'. Name can be at most {NAME_MAX_LENGTH} chars long.",
        f"SlurmQueues[{long}].ComputeResources[Big]: Invalid name 'Big'. Name must begin with a letter and only "
        "contain lowercase letters, digits and hyphens.",
    ]
    many = [{"name": f"q{number}", "nodes": [P5]} for number in range(51)]
    assert [one for one in judged(render(queues=many)) if "SlurmQueues" in one and "up to 50" in one]
