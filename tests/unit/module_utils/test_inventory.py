"""Every fault of an inventory is found, in one readable list."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._inventory import Inventory, faults, role_options

OPTIONS = {"munge": ["munge_key"], "slurm": ["slurm_source"], "slurm_accounting": ["slurm_accounting_port"]}
ROLES = Path(__file__).parents[3] / "roles"


def good() -> dict[str, Any]:
    return {
        "groups": {"controller": ["c"], "login": ["l"], "compute": ["n1", "n2"], "cpu": ["n1", "n2"], "all": []},
        "variables": {
            "c": {"cluster_name": "lab", "node_profile": "controller"},
            "l": {"cluster_name": "lab", "node_profile": "login"},
            "n1": {"cluster_name": "lab", "node_profile": "compute"},
            "n2": {"cluster_name": "lab", "node_profile": "compute"},
        },
    }


def found(change: Any = None) -> list[str]:
    data = copy.deepcopy(good())
    if change:
        change(data)
    inventory = Inventory(**data, where=lambda _host, name: f"hosts.yml({name})")
    return faults(inventory, _catalog.load(), OPTIONS)


def each(name: str, value: Any) -> Any:
    return lambda data: [variables.__setitem__(name, value) for variables in data["variables"].values()]


def test_a_good_inventory_has_no_fault() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["groups"]["controller"].clear(), "group 'controller' has no host, expected exactly one"),
        (
            lambda d: d["groups"]["controller"].append("l"),
            "group 'controller' has 2 hosts (c, l), expected exactly one",
        ),
        (lambda d: d["groups"]["compute"].append("c"), "host 'c' is in the groups controller and compute"),
        (lambda d: d["groups"]["compute"].clear(), "group 'compute' has no host, expected at least one"),
        (lambda d: d["variables"]["n1"].pop("node_profile"), "no node_profile is set"),
        (lambda d: d["variables"]["c"].update(node_profile="contoller"), "node_profile is 'contoller'"),
        (lambda d: d["variables"]["n1"].update(instance_type="p5.48xlrge"), "instance_type is 'p5.48xlrge'"),
        (
            lambda d: d["variables"]["n1"].update(cluster_name="other"),
            "cluster_name differs between hosts (lab, other)",
        ),
        (each("cluster_name", "Lab One"), "cluster_name is 'Lab One', expected at most 40 lower-case"),
        (each("slurm_sorce", "prefix"), "'slurm_sorce' is no variable of this collection; did you mean 'slurm_source'"),
        (each("slrum_source", "prefix"), "'slrum_source' is no variable of this collection; did you mean 'slurm_sour"),
        (each("node_profil", "x"), "'node_profil' is no variable of this collection; did you mean 'node_profile'?"),
        (
            each("repository_miror_url", "x"),
            "'repository_miror_url' is no variable of this collection; did you mean 'rep",
        ),
        (each("munge_zzz_qqq_www_vvv", 1), "'munge_zzz_qqq_www_vvv' is no variable of this collection; role munge"),
    ],
)
def test_a_fault_is_said(change: Any, said: str) -> None:
    assert any(said in sentence for sentence in found(change)), found(change)


def test_several_controllers_need_the_role_that_makes_them_one() -> None:
    def change(data: dict[str, Any]) -> None:
        data["groups"].update(controller=["c", "l"], login=[])
        for host in "cl":
            data["variables"][host]["node_profile"] = "hyperpod_controller"

    assert found(change) == []


def test_everything_is_said_at_once_and_a_shared_fault_once() -> None:
    def change(data: dict[str, Any]) -> None:
        data["groups"]["controller"].append("l")
        each("slurm_sorce", "prefix")(data)

    said = found(change)
    assert len([one for one in said if "slurm_sorce" in one]) == 1
    assert any(one.endswith("(hosts c, l, n1 and 1 more)") for one in said)
    assert any("has 2 hosts" in one for one in said)


def test_a_fault_names_the_place() -> None:
    assert found(each("slurm_sorce", "prefix"))[0].startswith("hosts.yml(slurm_sorce): ")


@pytest.mark.parametrize(
    "name", ["my_own_setting", "ansible_host", "proxy", "slurm_accounting_port", "repository_mirror_url"]
)
def test_other_variables_are_left_alone(name: str) -> None:
    assert found(each(name, "x")) == []


def test_both_mirrors_may_be_set_for_a_whole_inventory() -> None:
    assert "artifact_mirror_url" in role_options(ROLES)["artifact"]
    assert found(each("repository_mirror_url", "http://mirror")) == []


def test_the_options_of_the_real_roles_are_read() -> None:
    assert "users_accounts" in role_options(ROLES)["users"]
