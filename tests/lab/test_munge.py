"""munge on the running cluster."""

from __future__ import annotations

import pytest
from lab.harness import Lab

pytestmark = pytest.mark.lab
KEY = "/etc/munge/munge.key"


def test_all_nodes_have_one_key_and_it_is_munges_alone(lab: Lab) -> None:
    keys = {lab.host(name.removeprefix(f"{lab.prefix}-")).file(KEY).sha256sum for name in lab.names()}
    assert len(keys) == 1
    key = lab.host("compute-1").file(KEY)
    assert (key.user, key.group, key.mode) == ("munge", "munge", 0o400)


def test_every_node_reads_what_another_wrote(lab: Lab) -> None:
    credential = lab.host("controller").check_output("munge -n")
    for function in ("login", "compute-1", "compute-2"):
        assert "Success" in lab.host(function).check_output("printf %%s %s | unmunge", credential)


def test_the_key_is_in_no_log(lab: Lab) -> None:
    node = lab.host("compute-1")
    start = node.check_output(f"head -c 30 {KEY} | base64")
    assert start not in node.check_output("journalctl --no-pager")


def test_a_lost_key_comes_back_from_a_controller_outside_the_play(lab: Lab) -> None:
    node = lab.host("compute-1")
    before = node.file(KEY).sha256sum
    node.check_output(f"rm {KEY}")
    result = lab.playbook("site", "--limit", f"{lab.prefix}-compute-1")
    assert result.returncode == 0, result.stdout[-4000:]
    assert node.file(KEY).sha256sum == before
    assert "Success" in node.check_output("printf %%s %s | unmunge", lab.host("controller").check_output("munge -n"))
