"""HyperPod's plans: which calls a difference makes, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import words
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import plan, wait
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod.compare import same

ROLE = "arn:aws:iam::123456789012:role/train-hyperpod"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:cluster/abcdef012345"
VPC = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
LIFE = {"SourceS3Uri": "s3://sagemaker-train/boot", "OnCreate": "on_create.sh"}


def group(name: str, count: int = 2, **more: Any) -> dict[str, Any]:
    plain = {"InstanceType": "ml.c5.xlarge", "ExecutionRole": ROLE, "LifeCycleConfig": LIFE}
    return {"InstanceGroupName": name, "InstanceCount": count, **plain, **more}


def request(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ClusterName": "train", **({"InstanceGroups": list(groups)} if groups else {}), **more}


def seen(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    described = []
    for one in copy.deepcopy(groups):
        count = one.pop("InstanceCount")
        described.append({**one, "CurrentCount": count, "TargetCount": count, "Status": "InService"})
    plain = {"ClusterName": "train", "ClusterArn": ARN, "ClusterStatus": "InService", "VpcConfig": VPC}
    return {**plain, "Orchestrator": {"Slurm": {}}, "InstanceGroups": described, **more}


def present(
    wanted: dict[str, Any], there: dict[str, Any] | None, tags: dict[str, str] | None = None, **how: Any
) -> plan.Plan:
    nodes = how.pop("nodes", ())
    made = plan.present(plan.Wanted(wanted, **how), plan.Seen(there, tags or {}, frozenset(nodes)))
    assert not (made.actions and made.refusals), "what is refused is not begun"
    for action in made.actions:
        assert words.faults("sagemaker", action.operation, action.params) == []
    return made


def test_what_is_as_wanted_needs_nothing() -> None:
    wanted = request(group("controller", 1), group("worker"), VpcConfig=VPC, Orchestrator={"Slurm": {}})
    assert present(wanted, seen(group("worker"), group("controller", 1))) == plan.Plan()


def test_what_is_not_there_is_created() -> None:
    wanted = request(group("controller", 1), group("worker", 4))
    (action,) = present(wanted, None).actions
    assert (action.operation, action.params) == ("CreateCluster", wanted)
    assert action.why == "create cluster train with controller 1, worker 4"


def test_a_group_is_scaled_and_keeps_what_it_has() -> None:
    there = seen(group("controller", 1), group("worker", 2, ThreadsPerCore=1))
    (action,) = present(request({"InstanceGroupName": "worker", "InstanceCount": 6}), there).actions
    assert action.operation == "UpdateCluster"
    assert action.params == {"ClusterName": "train", "InstanceGroups": [group("worker", 6, ThreadsPerCore=1)]}
    assert action.why == "instance_count of group worker is 2, shall be 6"


def test_groups_are_added_and_removed() -> None:
    wanted, there = request(group("new", 3), group("kept")), seen(group("old"), group("kept"))
    (action,) = present(wanted, there).actions
    assert action.params == {"ClusterName": "train", "InstanceGroups": [group("new", 3)]}
    (action,) = present(wanted, there, purge_groups=True).actions
    assert action.params["InstanceGroupsToDelete"] == ["old"]
    assert action.why == "add group new with 3 nodes; remove groups old with all their nodes"


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"NodeRecovery": "None"}, {"NodeRecovery": "None"}),
        ({"NodeProvisioningMode": "Continuous"}, {"NodeProvisioningMode": "Continuous"}),
        (
            {"Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Merge"}}},
            {"Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Merge"}}},
        ),
        ({"TieredStorageConfig": {"Mode": "Enable"}}, {"TieredStorageConfig": {"Mode": "Enable"}}),
    ],
)
def test_the_cluster_itself_is_changed(more: dict[str, Any], sent: dict[str, Any]) -> None:
    (action,) = present(request(**more), seen(group("worker"), NodeRecovery="Automatic")).actions
    assert action.params == {"ClusterName": "train", **sent}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            request(Orchestrator={"Eks": {"ClusterArn": "arn:aws:eks:us-west-2:123456789012:cluster/x"}}),
            "orchestrator is slurm and shall be eks, which HyperPod cannot change in place; remove cluster train with"
            " state absent and create it anew, or take the change back.",
        ),
        (
            request(VpcConfig={**VPC, "SecurityGroupIds": ["sg-2"]}),
            "vpc_config is {subnets: [subnet-1, subnet-2], security_group_ids: [sg-1]} and shall be {subnets:"
            " [subnet-1, subnet-2], security_group_ids: [sg-2]}, which HyperPod cannot change in place; give the groups"
            " an override_vpc_config, or remove cluster train",
        ),
        (
            request(group("worker", InstanceType="ml.p5.48xlarge")),
            "instance_type of group worker is ml.c5.xlarge and shall be ml.p5.48xlarge, which HyperPod cannot change in"
            " place; make a group of another name and remove this one.",
        ),
        (
            request(group("worker", SlurmConfig={"NodeType": "Login"})),
            "slurm_config of group worker, node_type, is Compute and shall be Login, which HyperPod cannot change in"
            " place;",
        ),
        (
            request(group("worker", ImageReleaseVersion="1.2.4")),
            "image_release_version of group worker is 1.2.3 and shall be 1.2.4, which HyperPod cannot change in place;"
            " new software restarts its nodes, so ask for it by software_update.",
        ),
        (
            request({"InstanceGroupName": "wroker", "InstanceCount": 4}),
            "group wroker is not there yet and has no execution_role and no instance_type; give it, or correct the"
            " name: the cluster has worker.",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused(wanted: dict[str, Any], sentence: str) -> None:
    there = seen(group("worker", SlurmConfig={"NodeType": "Compute"}, CurrentImageReleaseVersion="1.2.3"))
    made = present(wanted, there)
    assert len(made.refusals) == 1 and made.refusals[0].startswith(sentence), made.refusals


def test_all_refusals_are_told_at_once() -> None:
    wanted = request(
        group("worker", InstanceType="ml.p5.48xlarge"), VpcConfig={"Subnets": ["x"], "SecurityGroupIds": ["y"]}
    )
    assert len(present(wanted, seen(group("worker"))).refusals) == 2


def test_another_eks_cluster_is_refused() -> None:
    arn = "arn:aws:eks:us-west-2:123456789012:cluster/"
    wanted = request(Orchestrator={"Eks": {"ClusterArn": f"{arn}new"}})
    (refusal,) = present(wanted, seen(group("w"), Orchestrator={"Eks": {"ClusterArn": f"{arn}old"}})).refusals
    assert refusal.startswith(f"orchestrator.eks.cluster_arn is {arn}old and shall be {arn}new, which HyperPod cannot")


def test_a_script_that_is_taken_away_is_a_change() -> None:
    there = seen(group("worker", LifeCycleConfig={**LIFE, "OnInitComplete": "on_init_complete.sh"}))
    (action,) = present(request(group("worker")), there).actions
    assert action.params["InstanceGroups"][0]["LifeCycleConfig"] == LIFE


def test_what_the_service_adds_is_no_difference() -> None:
    wanted = group("worker", InstanceStorageConfigs=[{"EbsVolumeConfig": {"VolumeSizeInGB": 500}}])
    there = group("worker", InstanceStorageConfigs=[{"EbsVolumeConfig": {"VolumeSizeInGB": 500, "RootVolume": False}}])
    assert present(request(wanted), seen(there)) == plan.Plan()
    assert not same(wanted["InstanceStorageConfigs"], [*there["InstanceStorageConfigs"], {"EbsVolumeConfig": {}}])
    assert same(["b", "a"], ["a", "b"]) and not same(["a", "a"], ["a", "b"])


def test_tags() -> None:
    wanted = request(Tags=[{"Key": "team", "Value": "research"}, {"Key": "same", "Value": "1"}])
    add, remove = present(wanted, seen(), {"same": "1", "old": "x", "aws:made": "y"}).actions
    assert (add.operation, add.params["Tags"]) == ("AddTags", [{"Key": "team", "Value": "research"}])
    assert (remove.operation, remove.params["TagKeys"]) == ("DeleteTags", ["old"])
    assert len(present(wanted, seen(), {"same": "1", "old": "x"}, purge_tags=False).actions) == 1


@pytest.mark.parametrize(
    ("software", "done"),
    [
        ({}, True),
        ({"InstanceGroups": [{"InstanceGroupName": "old"}]}, True),
        ({"InstanceGroups": [{"InstanceGroupName": "new"}]}, False),
        ({"InstanceGroups": [{"InstanceGroupName": "new", "ImageReleaseVersion": "1.2.3"}]}, True),
        ({"InstanceGroups": [{"InstanceGroupName": "new", "ImageReleaseVersion": "2.0.0"}]}, False),
        ({"ImageId": "ami-01234567"}, True),
    ],
)
def test_software_is_updated_where_it_is_old(software: dict[str, Any], done: bool) -> None:
    there = seen(
        group("old", ImageVersionStatus="UpdateAvailable", CurrentImageReleaseVersion="1.2.3"),
        group("new", ImageVersionStatus="UpToDate", CurrentImageReleaseVersion="2.0.0"),
    )
    actions = present(request(), there, software=software).actions
    assert [one.operation for one in actions] == (["UpdateClusterSoftware"] if done else [])
    assert all(one.params == {"ClusterName": "train", **software} for one in actions)


def test_nodes_are_touched_in_batches_that_the_service_takes() -> None:
    ids = tuple(f"i-{number:017x}" for number in range(60))
    actions = present(request(), seen(group("w", 60)), nodes=ids, replace=ids).actions
    assert [len(one.params["NodeIds"]) for one in actions] == [25, 25, 10]
    (action,) = present(request(), seen(group("w", 60)), nodes=ids[:2], delete=(*ids[:2], "i-gone")).actions
    assert action.params["NodeIds"] == list(ids[:2])
    (refusal,) = present(request(), seen(group("w", 60)), nodes=ids, reboot=("i-0aa", ids[0])).refusals
    assert refusal == "reboot_nodes names i-0aa, which cluster train has not; see hyperpod_cluster_info."


def test_nothing_is_touched_of_a_cluster_that_is_not_there() -> None:
    (refusal,) = present(request(group("w")), None, software={}).refusals
    assert refusal.startswith("there is no cluster train, so its software and nodes cannot be touched;")


def test_a_cluster_that_failed_is_not_changed() -> None:
    there = seen(group("w"), ClusterStatus="Failed", FailureMessage="no capacity")
    (refusal,) = present(request(group("w")), there).refusals
    assert "cluster train is Failed: no capacity." in refusal
    assert refusal.endswith("remove it with state absent, and run again.")


def test_absent() -> None:
    (action,) = plan.absent("train", seen(group("w", 3))).actions
    assert (action.operation, action.why) == ("DeleteCluster", "remove cluster train and its 3 nodes")
    assert plan.absent("train", None) == plan.Plan() == plan.absent("train", seen(ClusterStatus="Deleting"))


# Waiting
class Time:
    def __init__(self) -> None:
        self.at, self.pauses = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds


def waited(states: list[Any], timeout: float = 1000, nodes: Any = None) -> tuple[Any, list[str], list[float]]:
    time, told, left = Time(), list[str](), list(states)

    def describe() -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    clock = wait.Clock(lambda: time.at, time.sleep)
    found = wait.settled(describe, told.append, timeout, 10, nodes, clock)
    return found, told, time.pauses


def at(status: str, current: int, **more: Any) -> dict[str, Any]:
    groups = [{"InstanceGroupName": "worker", "CurrentCount": current, "TargetCount": 4, **more}]
    return {"ClusterName": "train", "ClusterStatus": status, "InstanceGroups": groups}


def test_progress_is_told_at_each_change() -> None:
    found, told, pauses = waited(
        [
            at("Creating", 0),
            at("Creating", 0),
            at("InService", 2),
            at("InService", 4, Status="Updating"),
            at("InService", 4),
        ]
    )
    assert found["InstanceGroups"][0]["CurrentCount"] == 4
    assert told == [
        "train Creating: worker 0/4",
        "train InService: worker 2/4",
        "train InService: worker 4/4 Updating",
        "train InService: worker 4/4",
    ]
    assert pauses == [10, 15, 10, 10]  # farther apart while nothing happens


def test_software_and_operations_are_waited_for() -> None:
    busy = [at("InService", 4, SoftwareUpdateStatus="InProgress"), at("InService", 4, ActiveOperations={"Scaling": 1})]
    assert len(waited([*busy, at("InService", 4)])[2]) == 2


def test_nodes_are_waited_for() -> None:
    states = iter(["Pending", "Running"])
    nodes = lambda: [{"InstanceId": "i-0aa", "InstanceStatus": {"Status": next(states)}}]  # noqa: E731
    _, told, _ = waited([at("InService", 4)], nodes=nodes)
    assert told == ["train InService: worker 4/4; 1 nodes are busy: i-0aa", "train InService: worker 4/4"]


def test_a_cluster_that_failed_or_is_gone_is_at_rest() -> None:
    assert waited([at("Creating", 0), at("Failed", 0)])[0]["ClusterStatus"] == "Failed"
    assert waited([at("Deleting", 0), None])[0] is None


def test_waiting_has_an_end() -> None:
    with pytest.raises(wait.WaitError) as error:
        waited([at("Creating", 1)], timeout=100)
    assert str(error.value).startswith("it is not done after 100 s: train Creating: worker 1/4. It goes on by itself:")
