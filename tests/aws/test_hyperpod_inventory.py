"""`ansible-inventory` over the inventory plugin hyperpod, against SageMaker's stand-in."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.constants import config
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.inventory.helpers import get_group_vars
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.inventory import hyperpod
from aws.harness import BIN, ROOT, Aws

ARGUMENTS = {"plugin": "awsome.training.hyperpod", "region": "us-east-1", "clusters": ["research"]}
SLURM = {"head": {"NodeType": "Controller"}, "door": {"NodeType": "Login"}}


def create(aws: Aws, name: str = "research", slurm: bool = True, polls: int = 0, **counts: int) -> None:
    groups = [
        {
            "InstanceGroupName": group,
            "InstanceType": "ml.p5.48xlarge" if group == "workers" else "ml.m5.4xlarge",
            "InstanceCount": count,
            "ExecutionRole": "arn:aws:iam::123456789012:role/hyperpod",
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-research/boot", "OnCreate": "on_create.sh"},
            "SlurmConfig": SLURM.get(group, {"NodeType": "Compute", "PartitionNames": ["gpu"]}),
        }
        for group, count in (counts or {"head": 1, "door": 1, "workers": 2}).items()
    ]
    if not slurm:
        groups = [{key: value for key, value in group.items() if key != "SlurmConfig"} for group in groups]
    # How many looks it takes to be made: see tests/aws/patches/sagemaker.py.
    tags = [{"Key": "test:polls", "Value": str(polls)}]
    aws.client("sagemaker").create_cluster(ClusterName=name, InstanceGroups=groups, Tags=tags)
    aws.log.write_text("")


def names(aws: Aws, group: str, name: str = "research") -> list[str]:
    """What SageMaker calls the nodes of a group."""
    nodes = aws.client("sagemaker").list_cluster_nodes(ClusterName=name, MaxResults=100)["ClusterNodeSummaries"]
    aws.log.write_text("")
    return [one["PrivateDnsHostname"].partition(".")[0] for one in nodes if one["InstanceGroupName"] == group]


def write(place: Path, **options: Any) -> Path:
    source = place / "research.hyperpod.yml"
    source.write_text(yaml.safe_dump({**ARGUMENTS, **options}))
    return source


def ask(aws: Aws, place: Path, *arguments: str, **options: Any) -> Any:
    """The whole `ansible-inventory`; most tests read the inventory here instead, since to start it takes long."""
    return subprocess.run(
        [BIN / "ansible-inventory", "-i", str(write(place, **options)), *arguments],
        cwd=ROOT,
        env={**os.environ, **aws.env},
        capture_output=True,
        text=True,
        timeout=300,
    )


@dataclass
class Read:
    """An inventory as the plugin fills it, and what it warns of."""

    data: InventoryData
    warnings: str

    def hosts(self, group: str) -> list[str]:
        return [host.name for host in self.data.groups[group].get_hosts()] if group in self.data.groups else []

    def variables(self, name: str) -> dict[str, Any]:
        host = self.data.hosts[name]
        return {**get_group_vars(host.get_groups()), **host.get_vars()}


def options() -> dict[str, Any]:
    """The plugin's options with those of the fragments, which Ansible's loader would find for it.

    That loader finds no collection once a test has imported it without Ansible's help.
    """
    told = yaml.safe_load(hyperpod.DOCUMENTATION)
    found = dict(told["options"])
    for name in told["extends_documentation_fragment"]:
        parts = name.removeprefix("amazon.aws.").split(".")
        home = "ansible_collections.amazon.aws" if name.startswith("amazon.aws.") else "ansible"
        fragment = importlib.import_module(f"{home}.plugins.doc_fragments.{parts[0]}").ModuleDocFragment()
        found.update(yaml.safe_load(getattr(fragment, parts[1].upper() if parts[1:] else "DOCUMENTATION"))["options"])
    return found


@pytest.fixture
def read(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Read]:
    config.initialize_plugin_configuration_definitions("inventory", hyperpod.InventoryModule.NAME, options())
    for name, value in aws.env.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda self, msg, *_, **__: said.append(" ".join(str(msg).split())))

    def read(**options: Any) -> Read:
        said.clear()
        data, plugin = InventoryData(), hyperpod.InventoryModule()
        plugin._load_name = plugin.ansible_name = plugin.NAME
        plugin.parse(data, DataLoader(), str(write(tmp_path, **options)))
        data.reconcile_inventory()
        return Read(data, "\n".join(said))

    return read


def test_groups_are_those_of_this_collection(aws: Aws, tmp_path: Path) -> None:
    create(aws)
    workers = names(aws, "workers")
    done = ask(aws, tmp_path, "--graph")
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    graph = [line.replace("|", " ").strip().removeprefix("--") for line in done.stdout.splitlines()]
    start = graph.index("@compute:")
    assert graph[start : start + 4] == ["@compute:", "@gpu:", *workers]
    assert graph[graph.index("@controller:") + 1] == names(aws, "head")[0]
    assert graph[graph.index("@login:") + 1] == names(aws, "door")[0]
    assert "@instance_group_workers:" in graph and "@hyperpod_research:" in graph


def test_the_whole_list_is_printed_and_a_cache_saves_the_calls_until_it_is_flushed(aws: Aws, tmp_path: Path) -> None:
    create(aws)
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = ask(aws, tmp_path, "--list", **cache)
    assert first.returncode == 0, first.stderr
    assert len(json.loads(first.stdout)["_meta"]["hostvars"]) == 4
    assert ask(aws, tmp_path, "--list", **cache).stdout == first.stdout
    assert len(aws.asked("ListClusterNodes")) == 1
    assert ask(aws, tmp_path, "--list", "--flush-cache", **cache).returncode == 0
    assert len(aws.asked("ListClusterNodes")) == 2


def test_hosts_can_be_reached_by_session_manager(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    name = names(aws, "workers")[0]
    host = read(ssm_bucket="transfers", ssm_document="as-ubuntu", ssm_plugin="/opt/session-manager-plugin").variables(
        name
    )
    identity = aws.client("sagemaker").describe_cluster(ClusterName="research")["ClusterArn"].rpartition("/")[2]
    assert {key: value for key, value in host.items() if key.startswith("ansible_")} == {
        "ansible_host": f"sagemaker-cluster:{identity}_workers-{host['sagemaker_instance_id']}",
        "ansible_connection": "amazon.aws.aws_ssm",
        "ansible_aws_ssm_region": "us-east-1",
        "ansible_aws_ssm_bucket_name": "transfers",
        "ansible_aws_ssm_document": "as-ubuntu",
        "ansible_aws_ssm_plugin": "/opt/session-manager-plugin",
    }
    assert (host["instance_type"], host["cluster_name"]) == ("p5.48xlarge", "research")
    assert (host["node_profile"], host["sagemaker_node_status"]) == ("hyperpod_compute", "Running")
    assert "ip-" + host["sagemaker_private_ip"].replace(".", "-") == name


def test_another_connection_gets_no_variables_of_session_manager(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    told = read(connection="ansible.builtin.ssh", ssm_bucket="b", node_profiles={}).variables(names(aws, "head")[0])
    assert told["ansible_connection"] == "ansible.builtin.ssh" and "node_profile" not in told
    assert not [key for key in told if key.startswith("ansible_aws")]


def test_a_playbook_that_judges_inventories_accepts_it(aws: Aws, tmp_path: Path) -> None:
    """No variable of ours is taken for a misspelt one of a role. The profiles are the user's here."""
    create(aws)
    profiles = {"controller": "controller", "login": "login", "compute": "gpu"}
    play = tmp_path / "judge.yml"
    play.write_text("- {hosts: localhost, gather_facts: false, tasks: [{awsome.training.validate_inventory: {}}]}\n")
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", str(write(tmp_path, node_profiles=profiles)), str(play)],
        cwd=ROOT,
        env={**os.environ, **aws.env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_the_connection_plugin_knows_our_variables() -> None:
    """amazon.aws.aws_ssm as it is installed: a renamed option must not pass unseen."""
    source = Path(importlib.import_module("ansible_collections.amazon.aws.plugins.connection.aws_ssm").__file__ or "")
    documentation = ast.literal_eval(
        next(
            node.value
            for node in ast.parse(source.read_text()).body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION"
        )
    )
    options = yaml.safe_load(documentation)["options"]
    known = {variable["name"] for option in options.values() for variable in option.get("vars", [])}
    names = ("region", "profile", "bucket_name", "document", "plugin")
    assert {f"ansible_aws_ssm_{name}" for name in names} <= known


def test_all_pages_and_few_calls(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws, head=1, workers=250)
    assert len(read().hosts("all")) == 251
    assert [one["action"] for one in aws.requests] == ["DescribeCluster", *["ListClusterNodes"] * 3]
    assert {one["MaxResults"] for one in aws.asked("ListClusterNodes")} == {100}


def test_nodes_are_described_one_by_one_only_when_asked(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    name = names(aws, "head")[0]
    assert "sagemaker_availability_zone" not in read().variables(name)
    assert read(describe_nodes=True).variables(name)["sagemaker_availability_zone"] == "us-east-1a"
    assert len(aws.asked("DescribeClusterNode")) == 4


def test_several_clusters_in_one_inventory(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws, "research", head=1)
    create(aws, "other", head=1)
    both = {"clusters": ["research", "other"]}
    told = read(hostname="group_and_instance_id", **both)
    assert len(told.hosts("hyperpod_research")) == 1 and len(told.hosts("controller")) == 2
    # Each cluster has its own network, so both controllers have one address here.
    with pytest.raises(AnsibleError, match="'dns' calls both head/i-"):
        read(**both)


def test_expressions_make_variables_and_groups(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    workers = names(aws, "workers")
    told = read(
        compose={"rack": "sagemaker_instance_group ~ '-rack'"},
        groups={"big": "sagemaker_instance_type is match('ml.p5')"},
        keyed_groups=[{"key": "sagemaker_node_status", "prefix": "status"}],
        strict=True,
    )
    assert told.variables(workers[0])["rack"] == "workers-rack"
    assert told.hosts("big") == workers and len(told.hosts("status_Running")) == 4


def test_the_file_of_the_hooks_gives_the_functions(aws: Aws, tmp_path: Path, read: Callable[..., Read]) -> None:
    create(aws, slurm=False)
    workers = [{"instance_group_name": "workers", "partition_name": "dev"}]
    told = {"version": "1.0.0", "workload_manager": "slurm", "controller_group": "head", "worker_groups": workers}
    (tmp_path / "provisioning_parameters.json").write_text(json.dumps(told))
    inventory = read(provisioning_parameters="provisioning_parameters.json")
    assert inventory.hosts("controller") == names(aws, "head")
    assert inventory.hosts("dev") == names(aws, "workers") and inventory.hosts("login") == []


def test_a_cluster_that_is_just_made_has_no_hosts(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws, polls=9)
    assert read().hosts("all") == []


def test_throttling_is_waited_out(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    aws.refuse("DescribeCluster", times=1)
    aws.refuse("ListClusterNodes", times=2)
    assert len(read().hosts("all")) == 4
    assert [one["status"] for one in aws.requests] == [400, 200, 400, 400, 200]


def test_left_out_nodes_are_a_warning(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    assert read(statuses=["Pending"]).warnings == (
        "hyperpod: cluster research: 4 of 4 nodes are left out (4 Running); see `statuses`."
    )
    assert read().warnings == ""


def test_a_cluster_without_functions_is_listed_with_a_warning(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws, slurm=False)
    told = read(functions={"controller": ["head"]})
    assert "cluster research: the instance groups door, workers have no SlurmConfig" in told.warnings
    assert told.hosts("controller") == names(aws, "head") and told.hosts("compute") == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"clusters": ["reserch"]},
            "hyperpod: cluster reserch in region us-east-1: there is no such cluster, expected one of research; "
            "correct the name, the region or the profile.",
        ),
        (
            {"functions": {"worker": ["workers"]}},
            "hyperpod: functions: 'worker' is no function of a node, expected one of controller,",
        ),
        (
            {"functions": {"compute": ["wrkers"]}},
            "hyperpod: functions.compute: no cluster has an instance group 'wrkers', expected one of door, head,",
        ),
        ({"provisioning_parameters": "none.json"}, "none.json cannot be read"),
        ({"hostname": "ip"}, "hostname"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    aws: Aws, read: Callable[..., Read], options: dict[str, Any], sentence: str
) -> None:
    create(aws)
    with pytest.raises(AnsibleError) as told:
        read(**options)
    assert sentence in " ".join(str(told.value).split())


def test_a_region_that_is_none_is_told(read: Callable[..., Read], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its endpoint cannot be reached, as the name of a region that does not exist cannot be resolved."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(AnsibleError, match="cluster research in region us-wst-2: SageMaker cannot be reached"):
        read(region="us-wst-2", aws_config={"retries": {"total_max_attempts": 1}})


def test_no_permission_is_told_and_not_asked_again(aws: Aws, read: Callable[..., Read]) -> None:
    create(aws)
    aws.refuse("ListClusterNodes", times=9, code="AccessDeniedException")
    with pytest.raises(AnsibleError, match=r"may not do sagemaker:ListClusterNodes \(Rate exceeded\); allow it"):
        read()
    assert len(aws.asked("ListClusterNodes")) == 1
