# Private to awsome.training: its API may change without notice.
"""What role users writes for a whole cluster: host keys, rights to sudo, and accounts in Slurm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

KEY_TYPES = ("ed25519", "ecdsa", "rsa")


def known_hosts(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> str:
    """Render ssh_known_hosts from the host keys among the facts, sorted; a host without facts has no line."""
    lines = []
    for host in hosts:
        facts = hostvars[host].get("ansible_facts", {})
        label = ",".join(_names(hostvars, host))
        for kind in KEY_TYPES:
            key = facts.get(f"ssh_host_key_{kind}_public")
            if key:
                lines.append(f"{label} {facts[f'ssh_host_key_{kind}_public_keytype']} {key}\n")
    return "".join(sorted(lines))


def _names(hostvars: Mapping[str, Any], host: str) -> list[str]:
    facts, address = hostvars[host].get("ansible_facts", {}), hostvars[host].get("slurm_node_address")
    names = [host, hostvars[host].get("ansible_host"), address]
    names += [facts.get(name) for name in ("hostname", "nodename", "fqdn")]
    return list(dict.fromkeys(str(name) for name in names if name and name not in ("localhost", "127.0.0.1")))


def host_keys(hostvars: Mapping[str, Any], host: str, directory: str) -> list[dict[str, Any]]:
    """Files below a directory that all nodes see: the keys of one host, once under each of its names."""
    text = known_hosts(hostvars, [host])
    return [{"path": f"{directory}/{name}", "content": text} for name in _names(hostvars, host)] if text else []


def unknown_hosts(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> str:
    """Match the lines of those hosts that this play did not ask, which must stay; empty where there are none."""
    silent = [host for host in hosts if not known_hosts(hostvars, [host])]
    return rf"^({'|'.join(re.escape(host) for host in silent)})[, ]" if silent else ""


def sudoers(users: Iterable[Mapping[str, Any]]) -> str:
    """Render the rights of those users who have some: `sudo: true` is everything, a list is these commands."""
    lines = []
    for user in users:
        right = user.get("sudo")
        if not right or user.get("state") == "absent":
            continue
        commands = "ALL" if right is True else ", ".join(right if isinstance(right, list) else [str(right)])
        lines.append(f"{user['name']} ALL=(ALL:ALL) NOPASSWD: {commands}\n")
    return "".join(lines)


def slurm_users(users: Iterable[Mapping[str, Any]], default_account: str) -> list[dict[str, Any]]:
    """Tell the module slurm_associations of the users; one whose slurm_account is false has no account in Slurm."""
    told = []
    for user in users:
        if user.get("slurm_account") is False:
            continue
        entry: dict[str, Any] = {"name": user["name"], "state": user.get("state") or "present"}
        entry["default_account"] = user.get("slurm_account") or default_account
        for key in ("accounts", "admin_level", "settings"):
            if user.get(f"slurm_{key}"):
                entry[key] = user[f"slurm_{key}"]
        told.append(entry)
    return told
