"""Packages, their repository and their hold come to a node in one go; here a small machine of Python plays the node."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils import _packages_run as running
from ansible_collections.awsome.training.plugins.module_utils._packages import PackageError
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError, judge
from unit.module_utils.network import Network
from unit.openpgp.keys import MANY, VENDOR_FINGERPRINT

KEY = openpgp.pick(MANY, VENDOR_FINGERPRINT)
REPOSITORY = judge(
    {
        "name": "vendor",
        "type": "apt",
        "url": "https://vendor.example/deb",
        "suite": "/",
        "key_url": "https://vendor.example/key.asc",
        "fingerprint": VENDOR_FINGERPRINT,
    }
)
LOCKED = (100, "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)")
Answer = tuple[int, str]


class Machine:
    """Its package manager installs what it has, unless `answers` holds something to say first."""

    def __init__(self, root: Path, has: dict[str, str], **answers: list[Answer]) -> None:
        self.root, self.has, self.answers = root, has, answers
        self.installed: dict[str, str] = {}
        self.held: set[str] = set()
        self.calls: list[str] = []
        self.started: list[bool] = []
        self.slept = 0.0
        (root / "usr/sbin").mkdir(parents=True)
        lists = root / "var/lib/apt/lists"
        lists.mkdir(parents=True)

    def __call__(self, command: list[str]) -> Answer:
        if command[:2] == ["sh", "-c"]:
            return self.shell(command[2])
        verb = next(word for word in command if word in ("install", "update", "hold"))
        one = "SourceList" in " ".join(command)
        self.calls.append("index" if one else verb)
        if self.answers.get(self.calls[-1]):
            return self.answers[self.calls[-1]].pop(0)
        names = command[command.index(verb) + 1 :]
        if verb == "hold":
            self.held |= set(names)
        if verb == "install":
            self.started.append(not (self.root / "usr/sbin/policy-rc.d").exists())
            for name in names:
                package, _, version = name.partition("=")
                if package not in self.has:
                    return 100, f"E: Unable to locate package {package}"
                self.installed[package] = version or self.has[package]
        return 0, ""

    def shell(self, script: str) -> Answer:
        if "madison" in script:
            return 0, "".join(f" {name} | {version} | x Packages\n" for name, version in self.has.items())
        if "--fix-broken" in script:
            self.calls.append("mend")
            return 0, ""
        lines = [
            f"{'hold' if name in self.held else 'install'} installed {name} {version}"
            for name, version in self.installed.items()
        ]
        source, key = (self.root / path.lstrip("/") for path in (REPOSITORY.source_path, REPOSITORY.key_path))
        if source.exists():
            lines += ["--- source", source.read_text(), "--- key", base64.b64encode(key.read_bytes()).decode()]
        return 0, "\n".join(lines) + "\n"

    def converge(self, *names: str, check: bool = False, **options: Any) -> Any:
        def sleep(seconds: float) -> None:
            self.slept += seconds

        node = running.Node(self, Network(vendor=[MANY]), sleep, lambda: self.slept, self.root)
        result = running.converge(running.Wanted("apt", list(names), **options), node, check=check)
        return {**result, "warnings": node.warnings}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, {"tool": "1.1-1", "extra": "2-1"})


def test_all_of_it_is_one_index_one_installation_and_one_hold(machine: Machine) -> None:
    result = machine.converge("tool=1.*", "extra", repository=REPOSITORY, hold=True)
    assert result == {"changed": True, "missing": ["tool=1.*", "extra"], "repository_changed": True, "warnings": []}
    assert machine.calls == ["index", "install", "hold"]
    assert machine.installed == {"tool": "1.1-1", "extra": "2-1"} and machine.held == {"tool", "extra"}
    assert machine.converge("tool=1.*", "extra", repository=REPOSITORY, hold=True)["changed"] is False
    assert machine.calls == ["index", "install", "hold"]


def test_a_file_is_asked_of_no_repository(machine: Machine) -> None:
    machine.has["/opt/own.deb"] = ""
    machine.answers = {"install": [(0, "")]}
    with pytest.raises(PackageError, match="yet own=2-"):
        machine.converge("own=2-*", files={"own": "/opt/own.deb"})
    machine.answers = {"install": [(100, "E: Unable to locate package own")] * 2}
    with pytest.raises(PackageError, match=r"own=2-. could not be installed: E: Unable"):
        machine.converge("own=2-*", files={"own": "/opt/own.deb"})


def test_a_dry_run_tells_and_does_nothing(machine: Machine) -> None:
    assert machine.converge("tool", repository=REPOSITORY, check=True)["missing"] == ["tool"]
    assert machine.calls == [] and not (machine.root / "etc").exists()


def test_an_old_index_is_read_once_and_a_new_one_is_not(machine: Machine) -> None:
    machine.converge("tool", cache_valid_seconds=-1)
    machine.converge("extra", cache_valid_seconds=60)
    assert machine.calls == ["update", "install", "install"]


def test_an_index_that_knows_too_little_is_read_again(machine: Machine) -> None:
    machine.answers = {"install": [(100, "E: Unable to locate package tool")]}
    machine.converge("tool")
    assert machine.calls == ["install", "update", "install"] and machine.slept == 0


def test_what_is_nowhere_is_told_after_one_refresh(machine: Machine) -> None:
    with pytest.raises(PackageError, match=r"no package tol in any repository of this node"):
        machine.converge("tol")
    assert machine.calls == ["install", "update", "install"]


def test_a_lock_is_waited_for_everywhere(machine: Machine) -> None:
    machine.answers = {"index": [LOCKED], "install": [LOCKED, LOCKED], "hold": [LOCKED]}
    machine.converge("tool", repository=REPOSITORY, hold=True)
    assert machine.calls == ["index"] * 2 + ["install"] * 3 + ["hold"] * 2 and machine.slept == 4
    assert machine.held == {"tool"}


def test_a_lock_that_stays_is_told_with_its_holder(machine: Machine) -> None:
    machine.answers = {"install": [LOCKED] * 9}
    with pytest.raises(PackageError, match=r"locked by process 7 \(apt-get\) for 3 s; nothing was installed"):
        machine.converge("tool", lock_timeout_seconds=3)


def test_a_network_is_waited_for_with_pauses_that_double(machine: Machine) -> None:
    machine.answers = {"install": [(100, "E: Failed to fetch http://a/b.deb  Connection timed out")] * 2}
    result = machine.converge("tool")
    assert machine.slept == 15 and "tried again after 5 s" in result["warnings"][0]
    machine.answers = {"install": [(100, "E: Failed to fetch http://a/c.deb  503")] * 3}
    with pytest.raises(PackageError, match="extra could not be installed in 3 attempts: E: Failed to fetch"):
        machine.converge("extra")


def test_a_full_disk_is_not_waited_for(machine: Machine) -> None:
    machine.answers = {"install": [(100, "dpkg: error: failed to write (No space left on device)")]}
    with pytest.raises(PackageError, match=r"No space left on device.*; free some space and run again"):
        machine.converge("tool")
    assert machine.slept == 0


def test_what_an_earlier_run_left_undone_is_finished_once(machine: Machine) -> None:
    undone = (100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'")
    machine.answers = {"install": [undone]}
    result = machine.converge("tool")
    assert machine.calls == ["install", "mend", "update", "install"] and "left half done" in result["warnings"][0]
    machine.answers = {"install": [undone] * 5}
    with pytest.raises(PackageError, match="dpkg was interrupted"):
        machine.converge("extra", attempts=1)


def test_a_package_that_does_not_come_is_told(machine: Machine) -> None:
    machine.answers = {"install": [(0, "")]}
    with pytest.raises(PackageError, match="succeeded, and yet tool is not installed"):
        machine.converge("tool")


def test_an_index_that_cannot_be_had_leaves_the_node_as_it_was(machine: Machine) -> None:
    machine.answers = {"index": [(0, "W: Failed to fetch https://vendor.example/deb  404")] * 3}
    with pytest.raises(RepositoryError, match=r"index at https://vendor.example/deb cannot be used: .* 404; the node"):
        machine.converge("tool", repository=REPOSITORY)
    assert machine.calls == ["index"] * 3 and machine.slept == 3
    assert not list((machine.root / "etc").rglob("vendor.*"))


def test_a_wrong_signature_is_not_waited_for(machine: Machine) -> None:
    machine.answers = {"index": [(100, "W: GPG error: NO_PUBKEY 123\nE: The repository ... is not signed. NO_PUBKEY")]}
    with pytest.raises(RepositoryError, match="NO_PUBKEY"):
        machine.converge("tool", repository=REPOSITORY)
    assert machine.calls == ["index"]


@pytest.mark.parametrize("own", [None, "#!/bin/sh\nexit 0\n", running.POLICY])
def test_nothing_is_started_and_the_nodes_own_policy_comes_back(machine: Machine, own: str | None) -> None:
    policy = machine.root / "usr/sbin/policy-rc.d"
    if own:  # ours is the leftover of a killed run
        policy.write_text(own)
    machine.converge("tool")
    assert machine.started == [False]
    assert (policy.read_text() if policy.exists() else None) == (None if own == running.POLICY else own)


def test_a_policy_that_a_killed_run_laid_aside_comes_back(machine: Machine) -> None:
    policy = machine.root / "usr/sbin/policy-rc.d"
    policy.write_text(running.POLICY)
    policy.with_name("policy-rc.d.awsome").write_text("own")
    machine.converge("tool")
    assert policy.read_text() == "own" and len(list(policy.parent.iterdir())) == 1
