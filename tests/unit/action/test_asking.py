"""What a node is asked before anything is done: one command, whose failure is an answer."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.awsome.training.plugins.action import node_ask, packages


class Node:
    """A connection of sorts: commands run here, and what it was asked is kept."""

    def __init__(self, end: str = "\n", greeting: str = "", sudo: bool = True) -> None:
        self.end, self.greeting, self.sudo = end, greeting, sudo
        self.asked: list[str] = []
        self.sent: list[dict[str, Any]] = []

    def play(self, plugin: Any, check: bool = False, **arguments: Any) -> dict[str, Any]:
        task = SimpleNamespace(args=arguments, check_mode=check, async_val=0, action="x", diff=False)
        action = plugin.ActionModule(task, SimpleNamespace(), SimpleNamespace(), None, None, None)
        action._low_level_execute_command = self.run
        action._execute_module = self.send
        action._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        answer: dict[str, Any] = action.run(None, {"ansible_facts": {"pkg_mgr": "apt"}})
        return answer

    def run(self, command: str) -> dict[str, Any]:
        self.asked.append(command)
        if not self.sudo:
            return {"rc": 1, "stdout": "", "stderr": "sudo: a password is required"}
        done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
        return {"rc": done.returncode, "stdout": (self.greeting + done.stdout).replace("\n", self.end)}

    def send(self, name: str, arguments: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.sent.append({"name": name, **arguments})
        return {"changed": True}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_answer_has_its_lines_whatever_the_terminal_made_of_them(end: str) -> None:
    told = Node(end).play(node_ask, argv=["sh", "-c", "echo 'a  b'; echo c; echo d >&2"])
    assert (told["stdout"], told["stdout_lines"], told["changed"]) == ("a  b\nc", ["a  b", "c"], False)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_sudo_warns_of_is_no_answer(end: str) -> None:
    node = Node(end, greeting="sudo: unable to resolve host node-1: Name or service not known\n")
    assert node.play(node_ask, argv=["echo", "a"])["stdout"] == "a"


def test_a_command_that_was_not_run_has_no_answer() -> None:
    for plugin, told in ((node_ask, {"argv": ["true"]}), (packages, {"name": ["bash"]})):
        with pytest.raises(AnsibleActionFail, match=r"it said: sudo: a password is required$"):
            Node(sudo=False).play(plugin, check=True, **told)


def test_packages_do_not_mistake_a_warning_for_a_package() -> None:
    node = Node(greeting="install installed warned 1\n")
    assert node.play(packages, check=True, name=["warned"])["missing"] == ["warned"]


@pytest.mark.parametrize(("argv", "rc"), [(["false"], 1), (["no-such-program"], 127), (["test", "-e", "/no $HOME"], 1)])
def test_a_failure_is_an_answer_in_a_dry_run_too(argv: list[str], rc: int) -> None:
    told = Node().play(node_ask, check=True, argv=argv)
    assert (told["rc"], told["failed"], told["stdout"]) == (rc, False, "")


def test_packages_are_asked_for_before_the_module_is_sent() -> None:
    node = Node()
    assert node.play(packages, check=True, name=["no-such-package"])["missing"] == ["no-such-package"]
    assert not node.sent and len(node.asked) == 1
    assert node.play(packages, name=["no-such-package=1.*"]) == {"changed": True}
    assert node.sent[0]["name"] == ["no-such-package=1.*"] and node.sent[0]["manager"] == "apt"


def test_a_repository_that_no_node_could_use_is_refused_here() -> None:
    told = Node().play(packages, name=["x"], repository={"name": "vendor", "type": "dnf"})
    assert told["failed"] and told["msg"].startswith("packages: repository vendor: type is dnf, and this node's")
