"""HyperPod against a server that behaves as SageMaker documents it: the modules, the role and its playbook."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.modules import hyperpod_cluster, hyperpod_cluster_info
from aws.harness import Aws, Played

ROLE = "arn:aws:iam::123456789012:role/train-hyperpod"
VPC = {"subnets": ["subnet-0123456789abcdef0"], "security_group_ids": ["sg-0123456789abcdef0"]}
BOOT = {"source_s3_uri": "s3://sagemaker-train/boot", "on_create": "on_create.sh"}
Told = dict[str, Any]


def group(name: str, count: int = 1, **more: Any) -> Told:
    plain = {"instance_type": "ml.c5.xlarge", "execution_role": ROLE, "life_cycle_config": BOOT}
    return {"instance_group_name": name, "instance_count": count, **plain, **more}


CONTROLLER = group("controller", slurm_config={"node_type": "Controller"})
WORKER = group("worker", 2, instance_type="ml.p6-b200.48xlarge", slurm_config={"node_type": "Compute"})
SLURM: Told = {
    "instance_groups": [CONTROLLER, WORKER],
    "orchestrator": {"slurm": {"slurm_config_strategy": "Managed"}},
    "vpc_config": VPC,
    "tags": {"team": "research"},
}


@pytest.fixture(scope="module", autouse=True)
def one_client() -> Iterator[None]:
    """All runs of a module share one client: to make one takes most of a second."""
    made, make = {}, AnsibleAWSModule.client

    def client(self: Any, service: str, **more: Any) -> Any:
        if service not in made:
            made[service] = make(self, service, **more)
        return made[service]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AnsibleAWSModule, "client", client)
        yield


@pytest.fixture
def module(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Runs a module in this process, and answers what it said."""
    for key, value in aws.env.items():
        monkeypatch.setenv(key, value)

    def run(face: Any = hyperpod_cluster, check: bool = False, **options: Any) -> Told:
        quick = {"name": "train", "poll_seconds": 0} if face is hyperpod_cluster else {}
        with patch_module_args({**quick, **options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            face.main()
        told: Told = json.loads(capsys.readouterr().out)
        return told

    return run


def did(told: Told) -> list[str]:
    assert not told.get("failed"), told.get("msg")
    return [one["operation"] for one in told["plan"]]


def test_a_slurm_cluster_lives_and_dies(aws: Aws, module: Callable[..., Told]) -> None:
    foretold = module(check=True, **SLURM)
    assert did(foretold) == ["CreateCluster"] and foretold["changed"] and foretold["cluster"] is None
    assert aws.asked("CreateCluster") == []

    made = module(**SLURM)
    assert did(made) == ["CreateCluster"]
    assert made["progress"] == [
        "train: create cluster train with controller 1, worker 2",
        "train Creating: controller 0/1 Creating, worker 0/2 Creating",
        "train InService: controller 1/1, worker 2/2",
    ]
    assert made["cluster"]["orchestrator"] == {"slurm": {"slurm_config_strategy": "Managed"}}
    arn = made["cluster"]["cluster_arn"]
    assert made["log_group"] == f"/aws/sagemaker/Clusters/train/{arn.rpartition('/')[2]}"
    again = module(**SLURM)
    assert did(again) == [] and not again["changed"]

    grown = module(instance_groups=[{"instance_group_name": "worker", "instance_count": 4}])
    assert did(grown) == ["UpdateCluster"]
    assert grown["progress"][1] == "train Updating: controller 1/1, worker 2/4 Updating"
    assert (
        len(aws.client("sagemaker").list_cluster_nodes(ClusterName="train", MaxResults=100)["ClusterNodeSummaries"])
        == 5
    )

    groups = [CONTROLLER, group("new", 2)]
    moved = module(instance_groups=groups, purge_instance_groups=True, tags={"team": "platform"})
    assert did(moved) == ["AddTags", "UpdateCluster"]
    assert [one["instance_group_name"] for one in moved["cluster"]["instance_groups"]] == ["controller", "new"]
    assert aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "platform"}]
    assert did(module(instance_groups=groups, purge_instance_groups=True, tags={"team": "platform"})) == []

    assert did(module(state="absent", check=True)) == ["DeleteCluster"]
    gone = module(state="absent")
    assert did(gone) == ["DeleteCluster"] and gone["cluster"] is None and gone["progress"][-1] == "it is gone"
    assert did(module(state="absent")) == []


def test_an_eks_cluster_provisions_continuously(aws: Aws, module: Callable[..., Told]) -> None:
    eks = {"eks": {"cluster_arn": "arn:aws:eks:us-east-1:123456789012:cluster/train"}}
    workers = group("worker", 3, kubernetes_config={"labels": {"pool": "gpu"}})
    options = {"orchestrator": eks, "vpc_config": VPC, "node_provisioning_mode": "Continuous"}
    made = module(**options, instance_groups=[workers])
    assert "train InService: worker 0/3 Creating" in made["progress"]  # in service, and still waited for
    assert did(module(**options, instance_groups=[workers])) == []
    labelled = module(instance_groups=[{**workers, "kubernetes_config": {"labels": {"pool": "cpu"}}}])
    assert did(labelled) == ["UpdateCluster"]
    assert aws.asked("UpdateCluster")[0]["InstanceGroups"][0]["KubernetesConfig"] == {"Labels": {"pool": "cpu"}}

    told = module(hyperpod_cluster_info, events=5, node_details=True)["clusters"]
    assert [one["cluster_name"] for one in told] == ["train"]
    node = told[0]["nodes"][0]
    cluster_id = told[0]["cluster_arn"].rpartition("/")[2]
    assert node["ssm_target"] == f"sagemaker-cluster:{cluster_id}_worker-{node['instance_id']}"
    assert node["private_primary_ip"].startswith("10.1.")
    assert told[0]["events"][-1]["description"] == "cluster train is being created"


def test_nodes_are_listed_to_the_last_page(aws: Aws, module: Callable[..., Told]) -> None:
    module(instance_groups=[group("worker", 230)])
    (told,) = module(hyperpod_cluster_info, name="train")["clusters"]
    assert len({one["instance_id"] for one in told["nodes"]}) == 230
    assert len(aws.asked("ListClusterNodes")) == 3
    assert module(hyperpod_cluster_info, name="none")["clusters"] == []


def test_software_is_updated_once(aws: Aws, module: Callable[..., Told]) -> None:
    module(instance_groups=[CONTROLLER, {**WORKER, "image_release_version": "1.0.0"}])
    refused = module(instance_groups=[{"instance_group_name": "worker", "image_release_version": "2.0.0"}])
    assert "so ask for it by software_update." in refused["msg"]
    rolling = {"rolling_update_policy": {"maximum_batch_size": {"type": "CAPACITY_PERCENTAGE", "value": "25"}}}
    update = {"instance_groups": [{"instance_group_name": "worker"}], "deployment_config": rolling}
    updated = module(software_update=update)
    assert did(updated) == ["UpdateClusterSoftware"]
    assert "train SystemUpdating: controller 1/1, worker 2/2 software InProgress" in updated["progress"]
    (asked,) = aws.asked("UpdateClusterSoftware")
    assert asked["DeploymentConfig"] == {
        "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENTAGE", "Value": 25}}
    }
    assert did(module(software_update=update)) == []


def test_nodes_are_replaced_rebooted_and_deleted(aws: Aws, module: Callable[..., Told]) -> None:
    module(instance_groups=[CONTROLLER, WORKER])

    def nodes() -> list[str]:
        (told,) = module(hyperpod_cluster_info, name="train")["clusters"]
        return [one["instance_id"] for one in told["nodes"] if one["instance_group_name"] == "worker"]

    first, second = nodes()
    replaced = module(replace_nodes=[first])
    assert did(replaced) == ["BatchReplaceClusterNodes"]
    assert any("1 nodes are busy" in line for line in replaced["progress"])
    assert first not in nodes() and len(nodes()) == 2
    assert did(module(reboot_nodes=[second])) == ["BatchRebootClusterNodes"]
    assert did(module(delete_nodes=[second])) == ["BatchDeleteClusterNodes"]
    assert second not in nodes() and did(module(delete_nodes=[second])) == []
    assert "reboot_nodes names i-00000000, which cluster train has not" in module(reboot_nodes=["i-00000000"])["msg"]


def test_faults_are_told_before_anything_is_asked(aws: Aws, module: Callable[..., Told]) -> None:
    wrong = {**WORKER, "instance_type": "ml.p6-b200.48xlrge", "lifecycle_config": {}}
    told = module(instance_groups=[wrong], node_recovery="auto")
    assert told["failed"]
    for sentence in (
        "instance_groups[0].instance_type: 'ml.p6-b200.48xlrge' is not one of its values; did you mean ml.p6-b200.48",
        "instance_groups[0].lifecycle_config: is no key here; did you mean life_cycle_config?",
        "node_recovery: 'auto' is not one of its values, expected one of Automatic, None.",
    ):
        assert sentence in told["msg"]
    assert {one["action"] for one in aws.requests} == {"DescribeCluster"}


def test_what_cannot_be_changed_is_refused(aws: Aws, module: Callable[..., Told]) -> None:
    module(**SLURM)
    told = module(
        instance_groups=[{**WORKER, "instance_type": "ml.p5.48xlarge"}], vpc_config={**VPC, "subnets": ["subnet-1"]}
    )
    assert "instance_type of group worker is ml.p6-b200.48xlarge and shall be ml.p5.48xlarge" in told["msg"]
    assert "vpc_config is" in told["msg"] and aws.asked("UpdateCluster") == []


def test_a_creation_that_fails_says_why_and_where_to_read_on(aws: Aws, module: Callable[..., Told]) -> None:
    told = module(**{**SLURM, "tags": {"test:fails": "Lifecycle scripts did not run"}})
    assert told["failed"]
    (cluster,) = module(hyperpod_cluster_info)["clusters"]
    (node,) = cluster["nodes"]
    assert told["msg"] == (
        "hyperpod_cluster: cluster train is Failed: Lifecycle scripts did not run. Group controller has 0 of 1 nodes,"
        f" worker has 1 of 2 nodes. Node {node['instance_id']} of worker: Lifecycle scripts did not run. Read"
        f" CloudWatch's log group {cluster['log_group']}, stream LifecycleConfig/worker/{node['instance_id']}."
    )
    assert "remove it with state absent, and run again." in module(**SLURM)["msg"]
    assert did(module(state="absent")) == ["DeleteCluster"]


def test_an_update_that_is_taken_back_is_no_success(aws: Aws, module: Callable[..., Told]) -> None:
    module(**{**SLURM, "tags": {"test:rolls-back": "no capacity in the subnets"}})
    told = module(instance_groups=[{"instance_group_name": "worker", "instance_count": 9}])
    assert told["failed"]
    assert "took the change back: instance_count of group worker is 2, shall be 9." in told["msg"]
    assert "no capacity in the subnets." in told["msg"]


def test_waiting_has_an_end(aws: Aws, module: Callable[..., Told]) -> None:
    told = module(**{**SLURM, "tags": {"test:polls": "1000000"}}, wait_timeout=1)
    assert told["failed"] and "it is not done after 1 s: train Creating: controller 0/1 Creating" in told["msg"]
    without = module(instance_groups=[{"instance_group_name": "worker", "instance_count": 3}], wait=False)
    assert "cluster train is Creating and takes no change meanwhile; run again later." in without["msg"]


def test_without_waiting_only_one_change_is_made(aws: Aws, module: Callable[..., Told]) -> None:
    assert did(module(**SLURM, wait=False)) == ["CreateCluster"]
    more = [{"instance_group_name": "worker", "instance_count": 3}]
    assert did(module(instance_groups=more)) == ["UpdateCluster"]  # after what the first one began
    told = module(instance_groups=[WORKER], software_update={"image_id": "ami-01234567"}, wait=False)
    assert "UpdateCluster, UpdateClusterSoftware are due, and each keeps the cluster busy;" in told["msg"]


def test_throttling_is_survived(aws: Aws, module: Callable[..., Told]) -> None:
    for action in ("DescribeCluster", "CreateCluster", "ListTags"):
        aws.refuse(action, times=2)
    assert did(module(**SLURM)) == ["CreateCluster"]
    assert did(module(**SLURM)) == []
    assert [one["status"] for one in aws.requests if one["action"] == "CreateCluster"] == [400, 400, 200]
    assert [one["status"] for one in aws.requests if one["action"] == "ListTags"] == [400, 400, 200]


def test_another_error_of_the_service_is_told(aws: Aws, module: Callable[..., Told]) -> None:
    aws.refuse("CreateCluster", code="ResourceLimitExceeded")
    told = module(**SLURM)
    assert told["failed"] and told["msg"].startswith(
        "hyperpod_cluster: train: An error occurred (ResourceLimitExceeded)"
    )


# The role and its playbook
GROUPS = [
    {
        "instance_group_name": "controller",
        "instance_type": "ml.c5.xlarge",
        "instance_count": 1,
        "node_type": "controller",
    },
    {
        "instance_group_name": "worker",
        "instance_type": "ml.p5.48xlarge",
        "instance_count": 2,
        "node_type": "compute",
        "partition": "gpu",
        "instance_storage_configs": [{"ebs_volume_config": {"volume_size_in_gb": 500}}],
    },
]
# What exists already, in place of what the roles network and storage make.
GIVEN: Told = {
    "hyperpod_subnet_ids": VPC["subnets"],
    "hyperpod_security_group_ids": VPC["security_group_ids"],
    "hyperpod_bucket": "sagemaker-train-123456789012",
}
OPTIONS: Told = {
    "cluster_name": "train",
    "aws_region": "us-east-1",
    "hyperpod_groups": GROUPS,
    "hyperpod_users": [{"name": "ada", "uid": 2001, "home": "/fsx/ada"}],
    "hyperpod_data_buckets": ["data-of-ours"],
    "hyperpod_options": {"poll_seconds": 0, "node_recovery": "Automatic"},
    # The wheels of Ansible are fetched from a package index; the bundle is whole but for them.
    "node_boot_pythons": [],
}


def test_the_playbook_brings_a_slurm_cluster_up_and_down(
    aws: Aws, playbook: Callable[..., Played], tmp_path: Path
) -> None:
    options = {**OPTIONS, "node_boot_dir": str(tmp_path / "bundle")}
    made = playbook("hyperpod", **options)
    assert made.returncode == 0, made.stdout[-6000:]
    outputs = made.outputs["hyperpod"]
    assert outputs["plan"] == ["create cluster train with controller 1, worker 2"]
    assert outputs["log_group"].startswith("/aws/sagemaker/Clusters/train/")
    assert "train Creating: controller 0/1 Creating, worker 0/2 Creating" in made.told  # while it waited

    (asked,) = aws.asked("CreateCluster")
    storage = made.outputs["storage"]
    life = {"SourceS3Uri": f"s3://{storage['bucket']}/hyperpod/train", "OnCreate": "on_create.sh"}
    assert [group["LifeCycleConfig"] for group in asked["InstanceGroups"]] == [life, life]
    assert {group["ExecutionRole"] for group in asked["InstanceGroups"]} == {outputs["execution_role_arn"]}
    assert asked["VpcConfig"] == {
        "Subnets": made.outputs["network"]["private_subnet_ids"][:1],
        "SecurityGroupIds": [made.outputs["network"]["security_group_id"]],
    }
    assert "SlurmConfig" not in asked["InstanceGroups"][0] and "Orchestrator" not in asked

    s3 = aws.client("s3")
    found = s3.list_objects_v2(Bucket=storage["bucket"], Prefix="hyperpod/train/")["Contents"]
    keys = {one["Key"].removeprefix("hyperpod/train/") for one in found}
    assert {"on_create.sh", "on_init_complete.sh", "bundle.tar.gz", "bundle.tar.gz.sha256", "shared_users.txt"} <= keys
    body = s3.get_object(Bucket=storage["bucket"], Key="hyperpod/train/provisioning_parameters.json")["Body"]
    assert json.loads(body.read()) == {
        "version": "1.0.0",
        "workload_manager": "slurm",
        "controller_group": "controller",
        "worker_groups": [{"instance_group_name": "worker", "partition_name": "gpu"}],
        "fsx_dns_name": storage["lustre_dns_name"],
        "fsx_mountname": storage["lustre_mount_name"],
    }
    policies = the_roles_policies(aws, outputs["execution_role_arn"])
    assert set(policies) == {"nodes", "network", "data"}
    (data,) = policies["data"]["Statement"]
    assert data["Resource"] == ["arn:aws:s3:::data-of-ours", "arn:aws:s3:::data-of-ours/*"]

    # Made, it is left alone: nothing is uploaded or asked for.
    before = len(aws.asked("PutObject"))
    lustre = {"dns_name": storage["lustre_dns_name"], "mount_name": storage["lustre_mount_name"]}
    options.update(hyperpod_subnet_ids=asked["VpcConfig"]["Subnets"], hyperpod_lustre=lustre)
    options.update(
        hyperpod_security_group_ids=asked["VpcConfig"]["SecurityGroupIds"], hyperpod_bucket=storage["bucket"]
    )
    options.update(hyperpod_bundle_dir=options["node_boot_dir"])
    again = playbook("hyperpod", **options)
    assert again.returncode == 0 and again.outputs["hyperpod"]["plan"] == [], again.stdout[-6000:]
    assert again.changed == 0 and len(aws.asked("PutObject")) == before

    gone = playbook("hyperpod", hyperpod_state="absent", **options)
    assert gone.returncode == 0 and gone.outputs["hyperpod"] == {}, gone.stdout[-6000:]
    assert aws.client("sagemaker").list_clusters()["ClusterSummaries"] == []
    assert not [one for one in aws.client("iam").list_roles()["Roles"] if "hyperpod" in one["RoleName"]]


def test_two_controllers_share_a_database(aws: Aws, playbook: Callable[..., Played], tmp_path: Path) -> None:
    controllers = {**GROUPS[0], "instance_count": 2}
    made = playbook(
        "hyperpod",
        **{**OPTIONS, "hyperpod_groups": [controllers, *GROUPS[1:]], "node_boot_dir": str(tmp_path / "bundle")},
        with_accounting_database=True,
    )
    assert made.returncode == 0, made.stdout[-6000:]
    database = made.outputs["accounting_database"]
    told = json.loads((tmp_path / "bundle/provisioning_parameters.json").read_text())
    assert told["slurm_configurations"]["slurm_database_endpoint"] == database["endpoint"]
    assert told["slurm_configurations"]["slurm_database_secret_arn"] == database["secret_arn"]
    (reads,) = the_roles_policies(aws, made.outputs["hyperpod"]["execution_role_arn"])["database"]["Statement"]
    assert reads["Resource"] == database["secret_arn"] and reads["Action"] == "secretsmanager:GetSecretValue"


def the_roles_policies(aws: Aws, arn: str) -> dict[str, Any]:
    iam, name = aws.client("iam"), arn.rpartition("/")[2]
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    found = {one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in names}
    # What CloudFormation wrote, moto answers as the text of a Python value.
    return {one: ast.literal_eval(policy) if isinstance(policy, str) else policy for one, policy in found.items()}


def test_a_plan_of_an_eks_cluster_changes_nothing(aws: Aws, playbook: Callable[..., Played]) -> None:
    arn = "arn:aws:eks:us-east-1:123456789012:cluster/train"
    groups = [{"instance_group_name": "worker", "instance_type": "ml.p5.48xlarge", "instance_count": 4}]
    eks = {"hyperpod_orchestrator": "eks", "hyperpod_eks_cluster_arn": arn, "hyperpod_groups": groups}
    done = playbook("hyperpod", "--check", **{**OPTIONS, **eks, **GIVEN})
    assert done.returncode == 0, done.stdout[-6000:]
    assert done.outputs["hyperpod"]["plan"] == ["create cluster train with worker 4"]
    assert {one["action"] for one in aws.requests} & {"CreateCluster", "PutObject", "CreateStack"} == set()


def test_faults_end_the_playbook_before_anything_is_made(aws: Aws, playbook: Callable[..., Played]) -> None:
    groups = [GROUPS[0] | {"instance_count": 2}, GROUPS[1] | {"instance_type": "ml.p5.48xlrge"}]
    wrong = {
        "hyperpod_groups": groups,
        "hyperpod_lustre": {"dns_name": "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com"},
        "hyperpod_options": {"node_recvery": "Automatic"},
        "hyperpod_execution_role_arn": ROLE,
    }
    done = playbook("hyperpod", **{**OPTIONS, **GIVEN, **wrong})
    assert done.returncode == 2
    for sentence in (
        "node_recvery: is no option of hyperpod_cluster; did you mean node_recovery?",
        "instance_groups[1].instance_type: 'ml.p5.48xlrge' is not one of its values; did you mean ml.p5.48xlarge",
        "fsx_mountname is missing; fsx_dns_name cannot be mounted without it.",
        "slurm_configurations is missing, but 'controller' has 2 instances;",
    ):
        assert sentence in done.told, sentence
    assert aws.asked("CreateCluster") == [] == aws.asked("PutObject")
