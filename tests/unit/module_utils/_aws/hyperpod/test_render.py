"""Role hyperpod's groups as provisioning_parameters.json and as options of the module."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import provisioning, render, shape

ROOT = Path(__file__).parents[5]
GROUPS: list[dict[str, Any]] = [
    {"instance_group_name": "heads", "instance_type": "ml.c5.xlarge", "instance_count": 2, "node_type": "controller"},
    {"instance_group_name": "login", "instance_type": "ml.c5.xlarge", "instance_count": 1, "node_type": "login"},
    {"instance_group_name": "gpu", "instance_type": "ml.p5.48xlarge", "instance_count": 4, "node_type": "compute"},
    {
        "instance_group_name": "cpu",
        "instance_type": "ml.c5.xlarge",
        "instance_count": 1,
        "node_type": "compute",
        "partition": "dev",
    },
]
ASKED: dict[str, Any] = {
    "name": "train",
    "role_arn": "arn:aws:iam::123456789012:role/train-hyperpod",
    "source_s3_uri": "s3://sagemaker-train/hyperpod/train",
    "hook": "on_init_complete",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "slurm_config_strategy": "",
    "options": {"node_recovery": "Automatic"},
}
SHARED: dict[str, Any] = {
    "lustre": {"dns_name": "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com", "mount_name": "abcdefgh"},
    "openzfs_dns_name": "",
    "database": {
        "endpoint": "db.example.com",
        "secret_arn": "arn:aws:secretsmanager:us-west-2:123456789012:secret:slurm",
        "port": 3306,
    },
}


def test_what_is_rendered_is_valid_together() -> None:
    parameters, cluster = render.parameters(GROUPS, SHARED), render.cluster(GROUPS, ASKED)
    assert provisioning.faults(json.dumps(parameters), shape.wanted(cluster)) == []
    assert parameters["controller_group"] == "heads" and parameters["login_group"] == "login"
    assert parameters["worker_groups"] == [
        {"instance_group_name": "gpu", "partition_name": "gpu"},
        {"instance_group_name": "cpu", "partition_name": "dev"},
    ]
    assert parameters["slurm_configurations"]["slurm_shared_directory"] == "/fsx"
    assert "fsx_openzfs_dns_name" not in parameters
    assert cluster["instance_groups"][2]["life_cycle_config"]["on_init_complete"] == "on_init_complete.sh"
    assert "slurm_config" not in cluster["instance_groups"][2] and cluster["node_recovery"] == "Automatic"


def test_a_strategy_tells_the_service_what_nodes_are() -> None:
    cluster = render.cluster(GROUPS, {**ASKED, "slurm_config_strategy": "Merge"})
    assert cluster["orchestrator"] == {"slurm": {"slurm_config_strategy": "Merge"}}
    assert [one["slurm_config"] for one in cluster["instance_groups"]] == [
        {"node_type": "Controller"},
        {"node_type": "Login"},
        {"node_type": "Compute", "partition_names": ["gpu"]},
        {"node_type": "Compute", "partition_names": ["dev"]},
    ]
    parameters = render.parameters(GROUPS, SHARED)
    assert provisioning.faults(json.dumps(parameters), shape.wanted(cluster)) == []


def test_on_eks_groups_have_no_slurm() -> None:
    arn = "arn:aws:eks:us-west-2:123456789012:cluster/train"
    cluster = render.cluster(GROUPS[2:], {**ASKED, "eks_cluster_arn": arn, "slurm_config_strategy": "Merge"})
    assert cluster["orchestrator"] == {"eks": {"cluster_arn": arn}}
    assert "slurm_config" not in cluster["instance_groups"][0] and shape.faults(shape.wanted(cluster)) == []


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([{"node_type": "compute"}], "hyperpod_groups[0] has no instance_group_name."),
        (
            [{**GROUPS[0], "node_type": "head"}],
            "hyperpod_groups[0] (heads) has the node_type 'head', expected one of controller, login, compute.",
        ),
        (
            [GROUPS[0], {**GROUPS[0], "instance_group_name": "more"}],
            "hyperpod_groups: heads and more are controller groups, expected one; give one group more instances.",
        ),
        (GROUPS[:1], "hyperpod_groups has no group of node_type compute; a Slurm cluster needs one."),
    ],
)
def test_groups_that_make_no_cluster(groups: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(render.RenderError) as error:
        render.parameters(groups, {})
    assert str(error.value) == sentence


@pytest.mark.parametrize("name", ["hyperpod_cluster", "hyperpod_cluster_info"])
def test_the_modules_document_the_options_that_they_have(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.awsome.training.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    fragment = {"tags", "purge_tags"} if name == "hyperpod_cluster" else set()
    assert set(module.ARGUMENTS) == set(documented) | fragment
    for key, option in documented.items():
        kept = {one: option.get(one) for one in ("type", "elements", "default", "choices", "required")}
        assert kept == {one: module.ARGUMENTS[key].get(one) for one in kept}, key


def test_every_option_of_the_module_is_known_to_the_validator() -> None:
    module = importlib.import_module("ansible_collections.awsome.training.plugins.modules.hyperpod_cluster")
    assert set(shape.OTHERS) | set(shape.CLUSTER) == set(module.ARGUMENTS)


def test_the_role_passes_every_option_on() -> None:
    tasks = yaml.safe_load((ROOT / "roles/hyperpod/tasks/present.yml").read_text())
    (passed,) = [
        task["awsome.training.hyperpod_cluster"] for task in tasks if "awsome.training.hyperpod_cluster" in task
    ]
    assert set(passed) == (set(shape.OTHERS) | set(shape.CLUSTER) | {"region"}) - {"state", "progress_path"}
