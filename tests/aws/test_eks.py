"""EKS: the playbook against moto, a stand-in for Kubernetes' API and a recorder in the place of helm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.eks import action, wait
from ansible_collections.awsome.training.plugins.modules import eks_cluster, eks_node_groups
from aws import kube
from aws.harness import Aws, Played, serving

CATALOG = _catalog.load()
PLAYED = {"cluster_name": "train", "aws_region": "us-east-1"}
DIGEST = f"sha256:{'0' * 64}"
STORAGE = {
    "lustre_id": "fs-0123456789abcdef0",
    "lustre_dns_name": "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com",
    "lustre_mount_name": "abcdefgh",
    "openzfs_dns_name": "fs-0123456789abcdef1.fsx.us-east-1.amazonaws.com",
    "openzfs_volume_path": "/fsx",
}
GROUPS = [
    {"name": "system", "instance_type": "m7i.2xlarge", "min_size": 2},
    {
        "name": "block",
        "instance_type": "p5.48xlarge",
        "min_size": 8,
        "capacity": "capacity_block",
        "capacity_reservation_id": "cr-0123456789abcdef0",
    },
    {
        "name": "reserved",
        "instance_type": "p5en.48xlarge",
        "max_size": 4,
        "capacity": "reservation",
        "capacity_reservation_id": "cr-0123456789abcdef1",
        "labels": {"team": "a"},
    },
    {"name": "neuron", "instance_type": "trn2.48xlarge", "max_size": 4},
    {"name": "cheap", "instance_type": "g6e.48xlarge", "max_size": 2, "capacity": "spot", "efa": False},
]


@dataclass(frozen=True)
class World:
    """AWS, a cluster and helm, and playbooks that are run against them."""

    aws: Aws
    kube: kube.Kube
    place: Path
    subnets: list[str]

    def __call__(self, *arguments: str, playbook: str = "eks", **variables: Any) -> Played:
        told = {
            **PLAYED,
            "eks_subnet_ids": self.subnets,
            "eks_security_group_ids": ["sg-0123456789abcdef0"],
            "eks_kubeconfig": str(self.place / "kubeconfig.yml"),
            "eks_node_groups": GROUPS,
            "kubernetes_storage": STORAGE,
            "kubernetes_efa_release": {**CATALOG.component("efa_device_plugin"), "digest": DIGEST},
            **variables,
        }
        return self.aws.playbook(playbook, *arguments, **told)

    @property
    def helm(self) -> list[list[str]]:
        log = self.place / "helm.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def releases(self) -> dict[str, Any]:
        return dict(json.loads((self.place / "releases.json").read_text()))

    def groups(self) -> dict[str, Any]:
        eks = self.aws.client("eks")
        names = eks.list_nodegroups(clusterName="train")["nodegroups"]
        return {name: eks.describe_nodegroup(clusterName="train", nodegroupName=name)["nodegroup"] for name in names}

    def template(self, group: str) -> dict[str, Any]:
        told = {"LaunchTemplateName": f"train-{group}", "Versions": ["$Latest"]}
        versions = self.aws.client("ec2").describe_launch_template_versions(**told)["LaunchTemplateVersions"]
        return dict(versions[0]["LaunchTemplateData"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("eks")
    tools = place / "bin"
    tools.mkdir()
    helm = f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("helm.py")} "$@"\n'
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "status": {"token": "some-token"},
    }
    for name, text in {"helm": helm, "aws": f"#!/bin/sh\necho '{json.dumps(token)}'\n"}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    charts = {
        f"{row['chart']}@{row['digest']}": row["version"] for row in CATALOG.components.values() if "chart" in row
    }
    with (
        kube.serving() as cluster,
        serving(place, MOTO_IAM_LOAD_MANAGED_POLICIES="true", KUBE_ENDPOINT=cluster.endpoint) as aws,
    ):
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{one}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for one, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        more = {"HELM_PLACE": str(place), "HELM_CHARTS": json.dumps(charts), "HOME": str(place)}
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PATH", f"{tools}:{os.environ['PATH']}")
            yield World(replace(aws, env={**aws.env, **more}), cluster, place, subnets)


Module = Callable[..., dict[str, Any]]


@pytest.fixture
def module(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Module:
    """Runs a module in this process, and answers what it said."""
    for key, value in world.aws.env.items():
        monkeypatch.setenv(key, value)

    def run(face: Any, check: bool = False, **options: Any) -> dict[str, Any]:
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            face.main()
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return run


@pytest.fixture(scope="module")
def first(world: World) -> Played:
    done = world()
    assert done.returncode == 0, done.stdout[-8000:]
    return done


def test_the_control_plane_is_as_wanted(world: World, first: Played) -> None:
    cluster = world.aws.client("eks").describe_cluster(name="train")["cluster"]
    assert cluster["version"] == CATALOG.component("eks")["version"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    reach = cluster["resourcesVpcConfig"]
    assert reach["endpointPrivateAccess"] and not reach["endpointPublicAccess"]
    assert cluster["encryptionConfig"][0]["resources"] == ["secrets"]
    assert cluster["logging"]["clusterLogging"] == [
        {"types": ["api", "audit", "authenticator", "controllerManager", "scheduler"], "enabled": True}
    ]
    assert cluster["tags"] == {"awsome:cluster": "train"}
    assert first.outputs["eks"]["devices"] == ["efa", "neuron", "nvidia"]
    assert first.outputs["eks"]["cluster_arn"] == cluster["arn"]


def test_add_ons_have_the_roles_that_their_pods_need(world: World, first: Played) -> None:
    eks, iam = world.aws.client("eks"), world.aws.client("iam")
    assert eks.list_addons(clusterName="train")["addons"] == [
        "aws-fsx-csi-driver",
        "coredns",
        "eks-node-monitoring-agent",
        "eks-pod-identity-agent",
        "kube-proxy",
        "vpc-cni",
    ]
    roles = {}
    for addon in ("vpc-cni", "aws-fsx-csi-driver"):
        arn = eks.describe_addon(clusterName="train", addonName=addon)["addon"]["podIdentityAssociations"][0]
        told = {"clusterName": "train", "associationId": arn.rpartition("/")[2]}
        association = eks.describe_pod_identity_association(**told)["association"]
        roles[association["serviceAccount"]] = association["roleArn"].rpartition("/")[2]
    assert set(roles) == {"aws-node", "fsx-csi-controller-sa"}
    trust = iam.get_role(RoleName=roles["aws-node"])["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    nodes = world.groups()["system"]["nodeRole"].rpartition("/")[2]
    attached = iam.list_attached_role_policies(RoleName=nodes)["AttachedPolicies"]
    assert "AmazonEKS_CNI_Policy" not in [one["PolicyName"] for one in attached]


def test_node_groups_come_from_where_they_are_told_to(world: World, first: Played) -> None:
    groups = world.groups()
    assert {name: (group["capacityType"], group["amiType"]) for name, group in groups.items()} == {
        "system": ("ON_DEMAND", "AL2023_x86_64_STANDARD"),
        "block": ("CAPACITY_BLOCK", "AL2023_x86_64_NVIDIA"),
        "reserved": ("ON_DEMAND", "AL2023_x86_64_NVIDIA"),
        "neuron": ("ON_DEMAND", "AL2023_x86_64_NEURON"),
        "cheap": ("SPOT", "AL2023_x86_64_NVIDIA"),
    }
    assert groups["block"]["scalingConfig"] == {"minSize": 8, "maxSize": 8, "desiredSize": 8}
    assert groups["reserved"]["labels"]["team"] == "a"
    assert groups["block"]["nodeRepairConfig"] == {"enabled": True}
    assert {tuple(group["subnets"]) for group in groups.values()} == {(world.subnets[0],)}


def test_their_launch_templates_hold_all_efa(world: World, first: Played) -> None:
    security = world.aws.client("eks").describe_cluster(name="train")["cluster"]["resourcesVpcConfig"]
    for name, count, reservation in (("block", 32, "cr-0123456789abcdef0"), ("reserved", 16, "cr-0123456789abcdef1")):
        data = world.template(name)
        kinds = [one["InterfaceType"] for one in data["NetworkInterfaces"]]
        assert kinds == ["interface", *["efa-only"] * count]
        assert data["NetworkInterfaces"][5]["Groups"] == [security["clusterSecurityGroupId"], "sg-0123456789abcdef0"]
        target = data["CapacityReservationSpecification"]["CapacityReservationTarget"]
        assert target == {"CapacityReservationId": reservation}
    assert world.template("block")["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert world.template("cheap")["NetworkInterfaces"][0]["InterfaceType"] == "interface"
    placed = world.aws.client("ec2").describe_placement_groups()["PlacementGroups"]
    assert {one["GroupName"] for one in placed} == {"train-reserved", "train-neuron"}


def test_objects_in_the_cluster_are_what_kubernetes_takes(world: World, first: Played) -> None:
    # The stand-in refuses what its schemas refuse, so that they are there says that they are well formed.
    pods = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in world.kube.kinds("DaemonSet")}
    assert set(pods) == {"nvidia-device-plugin", "efa-device-plugin", "neuron-device-plugin"}
    images = {name: pod["containers"][0]["image"] for name, pod in pods.items()}
    assert all("@sha256:" in image for image in images.values())
    assert images["efa-device-plugin"].startswith("602401143452.dkr.ecr.us-east-1.amazonaws.com/")
    labels = {**world.groups()["block"]["labels"], **world.groups()["neuron"]["labels"]}
    for pod in pods.values():
        ((key, value),) = pod["nodeSelector"].items()
        assert key in labels and value in ("nvidia", "neuron", "true")
    volume = world.kube.find("PersistentVolume", "training-lustre")["spec"]
    assert volume["csi"]["driver"] == "fsx.csi.aws.com" and volume["csi"]["volumeHandle"] == STORAGE["lustre_id"]
    assert volume["csi"]["volumeAttributes"]["mountname"] == STORAGE["lustre_mount_name"]
    assert world.kube.find("PersistentVolume", "training-home")["spec"]["nfs"]["path"] == "/fsx"
    claims = {one["metadata"]["name"]: one["spec"]["volumeName"] for one in world.kube.kinds("PersistentVolumeClaim")}
    assert claims == {"lustre": "training-lustre", "home": "training-home"}


def test_jobset_is_installed_by_its_digest(world: World, first: Played) -> None:
    record = CATALOG.component("jobset")
    assert world.releases["jobset"]["ref"] == f"{record['chart']}@{record['digest']}"
    assert next(told for told in world.helm if told[0] == "upgrade")[-2] == "jobset"


def test_a_second_run_changes_nothing(world: World, first: Played) -> None:
    objects, requests = len(world.kube.changes), len(world.aws.requests)
    second = world()
    assert second.returncode == 0 and second.changed == 0, second.stdout[-4000:]
    assert len(world.kube.changes) == objects
    asked = {one["action"] for one in world.aws.requests[requests:] if one["service"] == "eks"}
    assert not [name for name in asked if name.startswith(("Create", "Update", "Delete", "Associate"))]


def test_a_plan_before_there_is_anything_makes_nothing(world: World) -> None:
    requests = len(world.aws.requests)
    done = world("--check", cluster_name="other", eks_kubeconfig=str(world.place / "other.yml"))
    assert done.returncode == 0, done.stdout[-6000:]
    assert not [one for one in world.aws.requests[requests:] if one["service"] == "eks" and "Create" in one["action"]]
    assert done.outputs["eks"]["cluster_arn"] is None and not (world.place / "other.yml").exists()


def test_a_plan_tells_and_does_nothing(world: World, first: Played, module: Module) -> None:
    requests = len(world.aws.requests)
    told = {**group_options(world), "node_groups": [{**GROUPS[0], "desired_size": 3, "max_size": 4}]}
    planned = module(eks_node_groups, check=True, **told)
    assert [one["says"] for one in planned["actions"] if one["operation"] != "Wait"] == ["change node group system"]
    assert not [one for one in world.aws.requests[requests:] if one["action"].startswith(("Update", "Create"))]


def group_options(world: World) -> dict[str, Any]:
    role = world.groups()["system"]["nodeRole"]
    types = {group["instance_type"] for group in GROUPS}
    return {
        "cluster_name": "train",
        "role_arn": role,
        "subnet_ids": world.subnets[:1],
        "security_group_ids": ["sg-0123456789abcdef0"],
        "tags": {"awsome:cluster": "train"},
        "instances": {name: CATALOG.instance(name) for name in types},
    }


def test_node_groups_change_in_place(world: World, first: Played, module: Module) -> None:
    changed = {
        **GROUPS[2],
        "max_size": 6,
        "labels": {"team": "b"},
        "taints": [{"key": "reserved", "value": "yes", "effect": "NoExecute"}],
        "volume_gib": 500,
    }
    options = {**group_options(world), "node_groups": [GROUPS[0], changed]}
    told = module(eks_node_groups, **options)
    assert [one["operation"] for one in told["actions"] if one["operation"] != "Wait"] == [
        "CreateLaunchTemplateVersion",
        "UpdateNodegroupConfig",
        "UpdateNodegroupVersion",
    ]
    group = world.groups()["reserved"]
    assert group["scalingConfig"]["maxSize"] == 6 and group["labels"]["team"] == "b"
    assert group["taints"] == [{"key": "reserved", "value": "yes", "effect": "NO_EXECUTE"}]
    assert group["launchTemplate"]["version"] == "2"
    assert world.template("reserved")["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 500
    assert module(eks_node_groups, **options)["changed"] is False
    back = module(eks_node_groups, **{**options, "node_groups": GROUPS})
    assert back["changed"] and world.groups()["reserved"]["labels"]["team"] == "a"


def test_what_a_group_keeps_for_life_is_not_changed_silently(world: World, first: Played, module: Module) -> None:
    options = {**group_options(world), "node_groups": [GROUPS[0], {**GROUPS[4], "capacity": "on_demand"}]}
    told = module(eks_node_groups, **options)
    assert told["failed"] and "cheap has its capacity type for life: it is SPOT, wanted is ON_DEMAND" in told["msg"]


def test_throttling_is_survived(world: World, first: Played, module: Module) -> None:
    options = group_options(world)
    world.aws.refuse("DescribeNodegroup", times=2)
    told = module(eks_node_groups, **options, node_groups=GROUPS)
    assert told["changed"] is False


def test_a_failed_node_group_is_told_with_its_reason() -> None:
    class Broken:
        def find(self, *_: Any, **__: Any) -> dict[str, Any]:
            issues = [{"code": "AsgInstanceLaunchFailures", "message": "no capacity"}]
            return {"status": "CREATE_FAILED", "health": {"issues": issues}}

    step = action.wait("nodegroup", "until it is ready", clusterName="train", nodegroupName="block")
    with pytest.raises(wait.TimedOut, match="block is CREATE_FAILED: AsgInstanceLaunchFailures: no capacity"):
        wait.Waiter(Broken(), 60, print)(step)  # type: ignore[arg-type]


def test_waiting_ends(world: World) -> None:
    class Slow:
        def find(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"status": "CREATING"}

    pauses: list[float] = []
    step = action.wait("cluster", "until it is ready", name="train")
    with pytest.raises(wait.TimedOut, match="cluster train is still CREATING after 60 s"):
        wait.Waiter(Slow(), 60, print, pauses.append)(step)  # type: ignore[arg-type]
    assert sum(pauses) >= 60 and pauses == sorted(pauses)


def test_refusals_come_before_anything_is_made(world: World, first: Played) -> None:
    before = len([one for one in world.aws.requests if one["action"].startswith("Create")])
    done = world(
        eks_node_groups=[
            {"name": "a", "instance_type": "p5.49xlarge"},
            {"name": "b", "instance_type": "g5.xlarge", "efa": True},
            {"name": "c", "instance_type": "p5.48xlarge", "subnet_ids": world.subnets},
        ]
    )
    assert done.returncode != 0
    assert "catalog/instances.yml has no 'p5.49xlarge'; the nearest are" in done.told
    assert "b asks for EFA, which g5.xlarge does not have" in done.told
    assert "c has subnets in us-east-1a, us-east-1b, but a cluster placement group lies in one" in done.told
    assert len([one for one in world.aws.requests if one["action"].startswith("Create")]) == before


TEAMS = [
    {"name": "llm", "fair_share_weight": 80, "resources": [{"instance_type": "ml.p5.48xlarge", "count": 6}]},
    {"name": "vision", "resources": [{"instance_type": "ml.p5.48xlarge", "accelerators": 16}]},
]


@pytest.fixture(scope="module")
def hyperpod(world: World) -> Callable[..., Played]:
    """playbooks/hyperpod_eks.yml, with a chart that stands in for AWS's."""
    world.aws.client("s3").create_bucket(Bucket="sagemaker-train-boot")
    about = {
        "apiVersion": "v2",
        "name": "hyperpod-helm-chart",
        "version": "0.1.0",
        "dependencies": [{"name": "mlflow"}],
    }
    chart = world.place / "chart.tar.gz"
    with tarfile.open(chart, "w:gz") as archive:
        text = yaml.safe_dump({**about, "dependencies": [{"name": "mlflow"}]}).encode()
        entry = tarfile.TarInfo("cli/helm_chart/HyperPodHelmChart/Chart.yaml")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    record = CATALOG.component("hyperpod_helm_chart")
    ours = {"url": chart.as_uri(), "sha256": hashlib.sha256(chart.read_bytes()).hexdigest()}
    told = {
        "cluster_name": "hyper",
        "eks_kubeconfig": str(world.place / "hyper.yml"),
        "eks_node_groups": [],
        "kubernetes_hyperpod_release": {**record, **ours},
        "hyperpod_subnet_ids": world.subnets[:1],
        "hyperpod_security_group_ids": ["sg-0123456789abcdef0"],
        "hyperpod_bucket": "sagemaker-train-boot",
        "hyperpod_groups": [
            {
                "instance_group_name": "worker",
                "instance_type": "ml.p5.48xlarge",
                "instance_count": 2,
                "on_start_deep_health_checks": ["InstanceStress", "InstanceConnectivity"],
            }
        ],
        "hyperpod_options": {"poll_seconds": 0},
        "task_governance_teams": TEAMS[:1],
    }
    return lambda *arguments: world(*arguments, playbook="hyperpod_eks", **told)


def test_hyperpod_on_eks_from_nothing_to_quotas(world: World, hyperpod: Callable[..., Played]) -> None:
    done = hyperpod()
    assert done.returncode == 0, done.stdout[-6000:]
    (request,) = world.aws.asked("CreateCluster")[-1:]
    assert request["ClusterName"] == "hyper" and request["InstanceGroups"][0]["InstanceType"] == "ml.p5.48xlarge"
    arn = world.aws.client("eks").describe_cluster(name="hyper")["cluster"]["arn"]
    assert request["Orchestrator"] == {"Eks": {"ClusterArn": arn}}
    assert request["InstanceGroups"][0]["OnStartDeepHealthChecks"] == ["InstanceStress", "InstanceConnectivity"]
    addons = world.aws.client("eks").list_addons(clusterName="hyper")["addons"]
    assert "amazon-sagemaker-hyperpod-taskgovernance" in addons
    assert world.aws.client("eks").list_nodegroups(clusterName="hyper")["nodegroups"] == []
    # The chart is installed before the nodes ask for it.
    made = [one["action"] for one in world.aws.requests]
    release = world.releases["hyperpod-dependencies"]
    assert release["chart"] == "hyperpod-helm-chart-0.1.0"
    assert release["values"]["nvidia-device-plugin"] == {"devicePlugin": {"enabled": True}}
    assert [told for told in world.helm if told[:2] == ["dependency", "update"]]
    assert made[::-1].index("CreateComputeQuota") < made[::-1].index("CreateCluster")


@pytest.mark.slow
def test_a_second_run_of_hyperpod_on_eks_changes_nothing(world: World, hyperpod: Callable[..., Played]) -> None:
    assert hyperpod().returncode == 0
    second = hyperpod()
    assert second.returncode == 0 and second.changed == 0, second.stdout[-6000:]


def test_all_of_it_goes_again(world: World, first: Played, module: Module) -> None:
    told = module(eks_node_groups, cluster_name="train", state="absent")
    assert told["changed"] and world.groups() == {}
    assert world.aws.client("ec2").describe_placement_groups()["PlacementGroups"] == []
    assert module(eks_cluster, name="train", state="absent")["changed"]
    assert module(eks_cluster, name="train", state="absent")["changed"] is False
