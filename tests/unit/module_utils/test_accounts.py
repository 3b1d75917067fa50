"""The accounts of a node: what differs is done, what would give one user's files to another is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _accounts as accounts
from ansible_collections.awsome.training.plugins.module_utils._accounts import Group, Seen, User

DEMO: dict[str, Any] = {"name": "demo", "uid": 2000}


def seen(**changes: Any) -> Seen:
    users = {"root": User(0, 0, "/root", "/bin/bash"), "demo": User(2000, 2000, "/fsx/home/demo", "/bin/bash")}
    groups = {"root": Group(0), "demo": Group(2000), "docker": Group(998, frozenset({"demo"}))}
    return Seen(users | changes.get("users", {}), groups | changes.get("groups", {}))


def plan(users: list[dict[str, Any]], groups: Any = (), state: Seen | None = None, **options: Any) -> list[list[str]]:
    return accounts.plan(list(groups), users, state or seen(), "/fsx/home", **options)


def test_what_is_right_is_left_alone() -> None:
    assert plan([DEMO]) == []


def test_a_new_user_gets_a_group_of_the_same_number() -> None:
    group, user = plan([{"name": "eve", "uid": 2001, "comment": "Eve"}])
    assert group == ["groupadd", "--gid", "2001", "eve"]
    assert user[:3] == ["useradd", "--uid", "2001"] and user[-3:] == ["--password", "*", "eve"]
    assert user[user.index("--home-dir") + 1] == "/fsx/home/eve" and "--no-create-home" in user


def test_groups_come_before_their_members() -> None:
    first, *_, last = plan([{**DEMO, "groups": ["research"]}], [{"name": "research", "gid": 3000}])
    assert first == ["groupadd", "--gid", "3000", "research"]
    assert last == ["usermod", "--groups", "docker,research", "demo"]


def test_membership_in_a_group_of_ours_ends_and_in_others_stays() -> None:
    state = seen(groups={"research": Group(3000, frozenset({"demo"}))})
    assert plan([DEMO], [{"name": "research", "gid": 3000}], state) == [["usermod", "--groups", "docker", "demo"]]


def test_a_changed_shell_is_one_command() -> None:
    assert plan([{**DEMO, "shell": "/bin/sh"}]) == [["usermod", "--shell", "/bin/sh", "demo"]]


def test_absent_users_go_and_homes_only_on_the_node_that_makes_them() -> None:
    gone = {**DEMO, "state": "absent", "remove_home": True}
    assert plan([gone]) == [["userdel", "demo"]]
    assert plan([gone], removes_homes=True) == [["userdel", "--remove", "demo"]]
    assert plan([{"name": "nobody-here", "state": "absent"}]) == []


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"name": "demo", "uid": 2001}, "user 'demo' has uid 2000 on this host, expected 2001"),
        ({"name": "eve", "uid": 2000}, "user 'eve': uid 2000 belongs to 'demo' on this host"),
        ({"name": "eve", "uid": 998}, "user 'eve': gid 998 belongs to 'docker' on this host"),
        ({"name": "Eve", "uid": 2001}, "user 'Eve' is no name that Linux takes"),
    ],
)
def test_what_would_do_harm_is_refused(user: dict[str, Any], sentence: str) -> None:
    with pytest.raises(accounts.AccountError, match=sentence):
        plan([user])


def test_doubles_are_refused() -> None:
    with pytest.raises(accounts.AccountError, match="'demo' is listed twice"):
        plan([DEMO, dict(DEMO)])
    with pytest.raises(accounts.AccountError, match="uid 2001 is also given to 'eve'"):
        plan([{"name": "eve", "uid": 2001}, {"name": "adam", "uid": 2001}])


def test_authorized_keys_keep_the_users_own_lines() -> None:
    first = accounts.authorized("ssh-ed25519 OWN me\n", ["ssh-ed25519 A", "ssh-ed25519 B\n"])
    assert first.splitlines()[-1] == "ssh-ed25519 OWN me"
    assert accounts.authorized(first, ["ssh-ed25519 A", "ssh-ed25519 B"]) == first
    withdrawn = accounts.authorized(first, ["ssh-ed25519 A"])
    assert "ssh-ed25519 B" not in withdrawn and "OWN" in withdrawn
    assert accounts.authorized(first, []) == "ssh-ed25519 OWN me\n"


IMAGE = {"ubuntu": User(1000, 1000, "/home/ubuntu", "/bin/zsh", "Ubuntu")}


def test_a_user_of_the_image_is_adopted_and_only_its_home_moves() -> None:
    state = seen(users=IMAGE)
    assert plan([{"name": "ubuntu", "adopt": True, "home": "/fsx/ubuntu"}], state=state) == [
        ["usermod", "--home", "/fsx/ubuntu", "ubuntu"]
    ]
    assert plan([{"name": "ubuntu", "adopt": True, "home": "/home/ubuntu"}], state=state) == []


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"name": "ec2-user", "adopt": True}, "'ec2-user' is to be adopted, and this host has no such user"),
        ({"name": "ubuntu", "adopt": True, "uid": 1001}, "adopted with uid 1001, and has 1000"),
    ],
)
def test_who_cannot_be_adopted_is_refused(user: dict[str, Any], sentence: str) -> None:
    with pytest.raises(accounts.AccountError, match=sentence):
        plan([user], state=seen(users=IMAGE))
