"""Everything that can be wrong is found before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._launch import plan
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError

GROUPS = {
    "all": ["h", "l", "c1", "c2", "g1"],
    "controller": ["h"],
    "login": ["l"],
    "compute": ["c1", "c2", "g1"],
    "cpu": ["c1", "c2"],
    "gpu": ["g1"],
}


def resolve(
    groups: dict[str, list[str]] | None = None, host: dict[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    variables: dict[str, dict[str, Any]] = {name: {"shared_dir": "/fsx", **(host or {})} for name in GROUPS["all"]}
    variables["g1"]["instance_type"] = "ml.p5.48xlarge"
    return plan.resolve(
        values, groups or GROUPS, variables, _catalog.load().instance, lambda path: yaml.safe_load(path.read_text()), 0
    )


def test_a_plan() -> None:
    found = resolve(train_partition="cpu", host={"users_accounts": [{"name": "demo"}]})
    assert (found["name"], found["recipe"], found["nodes"], found["instance"]) == ("fsdp", "debug", 2, {})
    assert found["run_dir"].startswith("/fsx/awsome/runs/fsdp-debug-19")
    assert found["code_dir"].startswith("/fsx/awsome/code/fsdp-")
    assert (found["submit_host"], found["user"]) == ("l", "demo")
    assert Path(found["requirements"]).is_file()


def test_the_instance_type_comes_from_the_partition() -> None:
    assert resolve(train_partition="gpu", nodes="1")["instance"]["instance_type"] == "p5.48xlarge"


def test_without_a_login_node_the_controller_submits() -> None:
    groups = {**GROUPS, "login": []}
    assert resolve(groups, train_partition="cpu")["submit_host"] == "h"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"workload": "fsdpp"}, "there is no workload 'fsdpp'"),
        ({"recipe": "debugg"}, "workload 'fsdp' has no recipe 'debugg' (did you mean 'debug'?); there are: debug"),
        ({"nodes": "3"}, "nodes is 3, but partition 'cpu' has 2 compute node(s)."),
        ({"nodes": "two"}, "nodes is 'two', expected a whole number."),
        ({"nodes": "-1"}, "nodes is -1, expected at least 1."),
        ({"train_partition": "gpuu"}, "train_partition is 'gpuu' (did you mean 'gpu'?); there are: compute, cpu, gpu."),
        ({"train_partition": ""}, "the nodes have several instance types (ml.p5.48xlarge, none)"),
        ({"instance_type": "trn1.32xlarge"}, "workload 'fsdp' does not run on neuron"),
        ({"workload": "cpu-ddp", "train_partition": "gpu", "nodes": 1}, "workload 'cpu-ddp' does not run on nvidia"),
        ({"train_arguments": "max_steps"}, "the argument 'max_steps' is not of the form key=value."),
        ({"train_account": "a b"}, "the Slurm option account is 'a b'"),
        ({"train_run_dir": "runs/1"}, "run_dir is 'runs/1', expected an absolute path"),
    ],
)
def test_a_fault_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError) as told:
        resolve(**{"train_partition": "cpu", **values})
    assert str(told.value).startswith(sentence)


def test_an_unknown_instance_type_is_the_catalogues_to_tell() -> None:
    with pytest.raises(_catalog.CatalogError, match=r"p5\.48xlarg"):
        resolve(train_partition="cpu", instance_type="p5.48xlarg")


def test_an_inventory_without_a_cluster_is_told() -> None:
    with pytest.raises(SpecError, match="the inventory has no group 'compute'"):
        resolve({"all": []})


@pytest.mark.parametrize(
    ("extra", "given", "sentence"),
    [
        (["recepie"], [], r"unknown variable 'recepie' \(did you mean 'recipe'\?\)\."),
        (["node"], [], r"unknown variable 'node' \(did you mean 'nodes'\?\)\."),
        ([], ["train_partion"], r"unknown variable 'train_partion' \(did you mean 'train_partition'\?\)\."),
        (["training"], [], "unknown variable 'training'"),
    ],
)
def test_a_misspelt_option_is_refused(extra: list[str], given: list[str], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        plan.check_names(extra, given)


def test_the_variables_of_others_are_left_alone() -> None:
    plan.check_names(
        [*plan.OPTIONS, "lab_prefix", "slurm_config", "ansible_user", "shared_dir", "cluster_name"],
        ["x", *plan.OPTIONS],
    )


def test_the_same_code_has_the_same_hash(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.py").write_text("1")
    first = plan.tree_hash([tmp_path / "a"])
    (tmp_path / "a/__pycache__").mkdir()
    (tmp_path / "a/__pycache__/x.pyc").write_text("2")
    assert plan.tree_hash([tmp_path / "a"]) == first
    (tmp_path / "a/x.py").write_text("2")
    assert plan.tree_hash([tmp_path / "a"]) != first
