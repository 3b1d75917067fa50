"""The pure parts of the lab: names and addresses, the plan, the fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._lab import fingerprint, nodes, plan

SUBNET = "10.20.30.0/24"


def machine(name: str, **settings: str) -> plan.Machine:
    return plan.Machine(name, "image:1", {plan.LAB: "l", plan.KIND: "node"}, settings, ("--network", "l"))


def seen(name: str, state: str = "running", **labels: str) -> dict[str, Any]:
    return {"Names": [name], "State": state, "Labels": {"awsome.lab": "l", "awsome.kind": "node", **labels}}


def test_nodes_keep_their_address_when_others_come() -> None:
    few = {row["name"]: row["address"] for row in nodes.lab_nodes("l", SUBNET, 1, 2)}
    many = {row["name"]: row["address"] for row in nodes.lab_nodes("l", SUBNET, 3, 100)}
    assert few == {name: many[name] for name in few}
    assert few["l-controller"] == "10.20.30.10" and few["l-compute-2"] == "10.20.30.102"


def test_no_two_machines_share_a_name_or_an_address() -> None:
    rows = nodes.lab_nodes("l", SUBNET, 20, 154) + nodes.bake_nodes("l", SUBNET, ["login", "controller", "compute"])
    assert len({row["name"] for row in rows}) == len({row["address"] for row in rows}) == len(rows) == 178


@pytest.mark.parametrize(
    ("subnet", "logins", "computes", "sentence"),
    [
        ("10.20.30.0/24", 0, 155, "lab_num_compute is 155"),
        ("10.20.30.0/24", 21, 1, "lab_num_login is 21"),
        ("10.20.30.0/24", 0, -1, "lab_num_compute is -1"),
        ("10.20.30.5/24", 0, 1, "no network"),
        ("10.20.0.0/16", 0, 1, "give a /24"),
        ("here", 0, 1, "lab_subnet is 'here'"),
    ],
)
def test_an_impossible_lab_is_refused(subnet: str, logins: int, computes: int, sentence: str) -> None:
    with pytest.raises(nodes.LabError, match=sentence):
        nodes.lab_nodes("l", subnet, logins, computes)


def test_machines_of_a_function_take_its_profiles_in_turn() -> None:
    rows = nodes.lab_nodes("l", SUBNET, 1, 3, {"controller": "gpu", "compute": ["gpu", "cpu"]})
    assert [(row["function"], row["profile"]) for row in rows] == [
        ("controller", "gpu"),
        ("login", "login"),
        ("compute", "gpu"),
        ("compute", "cpu"),
        ("compute", "gpu"),
    ]


def test_a_lab_may_have_several_heads() -> None:
    rows = nodes.lab_nodes("l", SUBNET, 0, 0, None, 2)
    assert [(row["name"], row["address"]) for row in rows] == [
        ("l-controller", "10.20.30.10"),
        ("l-controller-2", "10.20.30.11"),
    ]
    with pytest.raises(nodes.LabError, match="lab_num_controller is 11: it can be 1 to 10"):
        nodes.lab_nodes("l", SUBNET, 0, 0, None, 11)


@pytest.mark.parametrize("profiles", [{"gpu": "gpu"}, {"compute": []}])
def test_a_profile_for_no_function_or_no_profile_is_refused(profiles: dict[str, Any]) -> None:
    with pytest.raises(nodes.LabError, match=r"lab_profiles has .*it takes controller, login, compute"):
        nodes.lab_nodes("l", SUBNET, 0, 1, profiles)


def test_hosts_file_names_this_machine_and_every_other() -> None:
    assert nodes.hosts_file({"a": "10.0.0.1"}).splitlines()[0] == "127.0.0.1 localhost"
    assert nodes.hosts_file({"a": "10.0.0.1"}).splitlines()[-1] == "10.0.0.1 a"


def test_plan_makes_seen_equal_wanted_and_removes_first() -> None:
    found = [seen("l-old"), seen("l-b", "exited"), seen("l-c")]
    actions = plan.plan([machine("l-a"), machine("l-b"), machine("l-c")], found, "l", "node")
    assert [(action.verb, action.name) for action in actions] == [
        ("remove", "l-old"),
        ("create", "l-a"),
        ("start", "l-b"),
    ]


def test_plan_leaves_other_labs_and_other_kinds_alone() -> None:
    others = [
        seen("k-a", **{"awsome.lab": "k"}),
        seen("l-bake-x", **{"awsome.kind": "bake"}),
        {"Names": ["mine"], "State": "running", "Labels": None},
    ]
    assert plan.plan([], others, "l", "node") == []
    assert [action.name for action in plan.removal(others, "l")] == ["l-bake-x"]


def test_plan_refuses_a_container_of_another_or_of_other_settings() -> None:
    with pytest.raises(plan.LabError, match="A container named l-a exists"):
        plan.plan([machine("l-a")], [{"Names": ["l-a"], "State": "running", "Labels": None}], "l", "node")
    with pytest.raises(plan.LabError, match="created with platform 'one' and 'two' is asked for"):
        plan.plan([machine("l-a", platform="two")], [seen("l-a", **{"awsome.platform": "one"})], "l", "node")


def test_a_network_is_refused_by_name_and_by_addresses() -> None:
    rows = [{"name": "l", "subnets": [{"subnet": SUBNET}], "labels": {"awsome.lab": "l"}}]
    assert plan.owned_network(rows, "l", SUBNET)
    assert not plan.owned_network([], "l", SUBNET)
    with pytest.raises(plan.LabError, match="A podman network named l exists"):
        plan.owned_network([{"name": "l"}], "l", SUBNET)
    with pytest.raises(plan.LabError, match="which the podman network wide holds"):
        plan.owned_network([{"name": "wide", "subnets": [{"subnet": "10.0.0.0/8"}]}], "l", SUBNET)


V1 = "tmpfs /sys/fs/cgroup tmpfs rw\ncgroup /sys/fs/cgroup/cpu cgroup rw\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw"
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0"


def test_the_runtime_suits_the_host() -> None:
    assert plan.runtime(V2, ["crun"]) == []
    assert plan.runtime(V1, ["crun", "runc"]) == ["--runtime", "runc"]
    with pytest.raises(plan.LabError, match="install the package runc"):
        plan.runtime(V1, ["crun"])


def test_arguments_carry_labels_and_limits() -> None:
    arguments = plan.create_arguments(machine("l-a", platform="p"), {"nofile": 20000})
    assert arguments[-2:] == ["image:1", "/sbin/init"]
    pairs = list(zip(arguments, arguments[1:]))
    assert {("--label", "awsome.platform=p"), ("--label", "awsome.lab=l"), ("--ulimit", "nofile=20000:20000")} <= set(
        pairs
    )


def test_podmans_last_word_becomes_a_sentence() -> None:
    text = plan.explain("l-a", "warning\nError: error setting rlimit type 7: operation not permitted")
    assert text.startswith("podman could not make l-a (Error: error setting rlimit") and "ulimit -n" in text
    assert plan.explain("l-a", "") == "podman could not make l-a (podman said nothing): see podman's message."


def test_the_fingerprint_is_of_what_install_reads(tmp_path: Path) -> None:
    for name in (
        "catalog/components.yml",
        "roles/r/tasks/install.yml",
        "roles/r/tasks/configure.yml",
        "roles/s/vars/main.yml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")

    def after(name: str) -> bool:
        before = fingerprint.install_fingerprint(tmp_path, ["r"])
        (tmp_path / name).write_text("two")
        return before != fingerprint.install_fingerprint(tmp_path, ["r"])

    assert after("catalog/components.yml") and after("roles/r/tasks/install.yml")
    assert not after("roles/r/tasks/configure.yml") and not after("roles/s/vars/main.yml")
