"""What role users writes for a whole cluster."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _node_files as node_files
from ansible_collections.awsome.training.plugins.module_utils import _users as users

HOSTS: dict[str, Any] = {
    "lab-controller": {
        "ansible_host": "10.0.0.1",
        "ansible_facts": {
            "hostname": "lab-controller",
            "fqdn": "lab-controller.example",
            "ssh_host_key_ed25519_public": "AAAA",
            "ssh_host_key_ed25519_public_keytype": "ssh-ed25519",
        },
    },
    "lab-compute-1": {"ansible_host": "10.0.0.2"},
    "lab-compute-10": {},
}


def test_a_host_is_known_by_all_its_names() -> None:
    text = users.known_hosts(HOSTS, HOSTS)
    assert text == "lab-controller,10.0.0.1,lab-controller.example ssh-ed25519 AAAA\n"


def test_lines_of_hosts_outside_the_play_are_matched_and_only_those() -> None:
    pattern = users.unknown_hosts(HOSTS, ["lab-controller", "lab-compute-1"])
    assert re.search(pattern, "lab-compute-1,10.0.0.2 ssh-ed25519 B")
    assert not re.search(pattern, "lab-compute-10,10.0.0.3 ssh-ed25519 B")
    assert not re.search(pattern, "lab-controller ssh-ed25519 B")
    assert users.unknown_hosts(HOSTS, ["lab-controller"]) == ""


def test_rights_are_data() -> None:
    people = [
        {"name": "a", "sudo": True},
        {"name": "b", "sudo": ["/usr/bin/scontrol", "/usr/bin/sacctmgr"]},
        {"name": "c"},
        {"name": "d", "sudo": True, "state": "absent"},
    ]
    assert users.sudoers(people) == (
        "a ALL=(ALL:ALL) NOPASSWD: ALL\nb ALL=(ALL:ALL) NOPASSWD: /usr/bin/scontrol, /usr/bin/sacctmgr\n"
    )


def test_users_without_an_account_of_their_own_get_the_default() -> None:
    people = [{"name": "a"}, {"name": "b", "slurm_account": "x", "slurm_settings": {"MaxJobs": 1}}]
    people += [{"name": "c", "slurm_account": False}, {"name": "d", "state": "absent"}]
    assert users.slurm_users(people, "users") == [
        {"name": "a", "state": "present", "default_account": "users"},
        {"name": "b", "state": "present", "default_account": "x", "settings": {"MaxJobs": 1}},
        {"name": "d", "state": "absent", "default_account": "users"},
    ]


def test_a_limited_and_a_whole_play_write_the_same_file() -> None:
    fact = {"ssh_host_key_rsa_public": "KEY", "ssh_host_key_rsa_public_keytype": "ssh-rsa"}
    all_known = {host: {"ansible_facts": fact} for host in ("n2", "n10", "controller")}
    one_known = {**all_known, "n10": {}, "controller": {}}
    whole = users.known_hosts(all_known, all_known).encode()
    limited = users.known_hosts(one_known, one_known).encode()
    assert node_files.keep(limited, whole, users.unknown_hosts(one_known, one_known)) == whole


def test_a_host_tells_its_keys_under_each_of_its_names() -> None:
    files = users.host_keys(HOSTS, "lab-controller", "/fsx/keys")
    assert [entry["path"].rsplit("/", 1)[1] for entry in files] == [
        "lab-controller",
        "10.0.0.1",
        "lab-controller.example",
    ]
    assert {entry["content"] for entry in files} == {users.known_hosts(HOSTS, ["lab-controller"])}
    assert users.host_keys(HOSTS, "lab-compute-10", "/fsx/keys") == []
