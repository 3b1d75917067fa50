"""The users of the running cluster."""

from __future__ import annotations

import itertools

import pytest
from lab.harness import Lab

pytestmark = pytest.mark.lab
FUNCTIONS = ("controller", "login", "compute-1", "compute-2")


def test_a_user_has_one_number_and_one_home(lab: Lab) -> None:
    for function in FUNCTIONS:
        user = lab.host(function).user("demo")
        assert (user.uid, user.home) == (2000, "/fsx/home/demo")
    home = lab.host("controller").file("/fsx/home/demo")
    assert (home.uid, home.mode) == (2000, 0o700)


@pytest.mark.parametrize(("here", "there"), [*itertools.permutations(("login", "compute-1", "controller"), 2)])
def test_a_user_goes_from_node_to_node_without_a_prompt(lab: Lab, here: str, there: str) -> None:
    name = f"{lab.prefix}-{there}"
    went = lab.host(here).run("runuser -u demo -- ssh -o BatchMode=yes -o StrictHostKeyChecking=yes %s hostname", name)
    assert (went.rc, went.stdout.strip()) == (0, name), went.stderr


def test_a_stranger_in_a_nodes_place_is_not_trusted(lab: Lab) -> None:
    login = lab.host("login")
    known = login.file("/etc/ssh/ssh_known_hosts").content_string
    assert known.count(" ssh-ed25519 ") == len(lab.names())
    assert "StrictHostKeyChecking" not in login.check_output("cat /etc/ssh/ssh_config.d/* 2>/dev/null || true")


def test_a_limited_play_forgets_no_host(lab: Lab) -> None:
    node = lab.host("compute-1")
    before = node.file("/etc/ssh/ssh_known_hosts").content_string
    result = lab.playbook("site", "--limit", f"{lab.prefix}-compute-1")
    assert result.returncode == 0, result.stdout[-4000:]
    assert node.file("/etc/ssh/ssh_known_hosts").content_string == before


def test_the_account_in_slurm_is_there(lab: Lab) -> None:
    listed = lab.host("login").check_output("sacctmgr -nP list associations user=demo format=Account,User")
    assert listed == "users|demo"
