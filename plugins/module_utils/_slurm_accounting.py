# Private to awsome.training: its API may change without notice.
"""Slurm's accounting database: from (wanted, seen) to a list of sacctmgr actions. Pure; the module runs them.

An action is what follows `sacctmgr -i`. Settings keep sacctmgr's own names (GrpTRES, MaxWall, Fairshare, QOS, ...), so
that its manual is the manual of this code, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Action = list[str]
Settings = dict[str, str]

# What sacctmgr calls a list by itself, so that the order of its members means nothing.
_LISTS = ("qos", "flags", "preempt", "preemptmode")
_UNITS = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}


class AccountingError(ValueError):
    """A wish that Slurm could not grant; the sentence says which name is wrong and what is known."""


@dataclass
class Seen:
    """What the database holds of one cluster."""

    clusters: set[str] = field(default_factory=set)
    qos: dict[str, Settings] = field(default_factory=dict)
    accounts: dict[str, Settings] = field(default_factory=dict)  # Description, Organization
    users: dict[str, Settings] = field(default_factory=dict)  # DefaultAccount, AdminLevel
    associations: dict[tuple[str, str], Settings] = field(default_factory=dict)  # (account, user or ""): settings


def columns(wanted: Iterable[Mapping[str, Any]], fixed: Iterable[str]) -> list[str]:
    """Return the columns to ask sacctmgr for: the fixed ones and every setting that someone wants."""
    named = {key.lower(): key for entry in wanted for key in entry.get("settings") or {}}
    return [*fixed, *(named[key] for key in sorted(named) if key not in {name.lower() for name in fixed})]


def rows(text: str, names: list[str]) -> list[Settings]:
    """Read the output of `sacctmgr -nP list ... format=names`."""
    found = []
    for line in filter(None, text.splitlines()):
        values = line.split("|")
        if len(values) != len(names):
            raise AccountingError(
                f"sacctmgr: expected {len(names)} columns ({', '.join(names)}), got the line {line!r}."
            )
        found.append(dict(zip(names, values)))
    return found


def plan(cluster: str, wanted: Mapping[str, list[dict[str, Any]]], seen: Seen) -> list[Action]:
    """Return the actions, in the order in which sacctmgr accepts them."""
    cluster = cluster.lower()
    qos, accounts, users = (wanted.get(kind) or [] for kind in ("qos", "accounts", "users"))
    _check(accounts, users, seen)
    actions: list[Action] = [] if cluster in seen.clusters else [["add", "cluster", cluster]]
    for entry in present(qos):
        actions += _qos(entry, seen)
    for entry in _parents_first(present(accounts)):
        actions += _account(cluster, entry, seen)
    for entry in present(users):
        actions += _user(cluster, entry, seen)
    gone = [(account, user) for account, user in sorted(seen.associations) if user in absent(users)]
    actions += [_forget_user(cluster, user, account) for account, user in gone]
    actions += [
        ["delete", "account", "where", f"name={name}", f"cluster={cluster}"]
        for name in absent(accounts)
        if (name, "") in seen.associations
    ]
    actions += [["delete", "qos", "where", f"name={name}"] for name in absent(qos) if name in seen.qos]
    return actions


def present(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if (entry.get("state") or "present") == "present"]


def absent(entries: Iterable[dict[str, Any]]) -> list[str]:
    return [str(entry["name"]).lower() for entry in entries if entry.get("state") == "absent"]


def _qos(entry: dict[str, Any], seen: Seen) -> list[Action]:
    name = entry["name"].lower()
    changes = differences(entry.get("settings"), seen.qos.get(name, {}))
    if name not in seen.qos:
        return [["add", "qos", name, *changes]]
    return [["modify", "qos", "where", f"name={name}", "set", *changes]] if changes else []


def _account(cluster: str, entry: dict[str, Any], seen: Seen) -> list[Action]:
    name, parent = entry["name"].lower(), str(entry.get("parent") or "root").lower()
    texts = {"Description": entry.get("description") or name, "Organization": entry.get("organization") or name}
    association = seen.associations.get((name, ""))
    changes = differences(entry.get("settings"), association or {})
    if association is None:
        words = [f"{key}={value}" for key, value in texts.items()] if name not in seen.accounts else []
        return [["add", "account", name, f"cluster={cluster}", f"parent={parent}", *words, *changes]]
    changes += [] if association.get("ParentName", parent) == parent else [f"parent={parent}"]
    changes += differences(texts, seen.accounts.get(name, {}))
    return [["modify", "account", "where", f"name={name}", f"cluster={cluster}", "set", *changes]] if changes else []


def _user(cluster: str, entry: dict[str, Any], seen: Seen) -> list[Action]:
    name, default = entry["name"].lower(), entry["default_account"].lower()
    accounts = list(dict.fromkeys([default, *(account.lower() for account in entry.get("accounts") or [])]))
    level = entry.get("admin_level") or "None"
    user, settings = seen.users.get(name), entry.get("settings")
    actions: list[Action] = []
    for account in accounts:
        association = seen.associations.get((account, name))
        changes = differences(settings, association or {})
        if association is None:
            actions.append(["add", "user", name, f"cluster={cluster}", f"account={account}", *changes])
        elif changes:
            where = [f"name={name}", f"cluster={cluster}", f"account={account}"]
            actions.append(["modify", "user", "where", *where, "set", *changes])
    held = [account for account, other in sorted(seen.associations) if other == name]
    # A user's first association becomes the default by itself.
    if held and user is not None and user.get("DefaultAccount", "").lower() != default:
        actions.append(
            ["modify", "user", "where", f"name={name}", f"cluster={cluster}", "set", f"defaultaccount={default}"]
        )
    if _admin(level) != _admin((user or {}).get("AdminLevel", "None")):
        actions.append(["modify", "user", "where", f"name={name}", "set", f"adminlevel={level}"])
    return actions + [_forget_user(cluster, name, account) for account in held if account not in accounts]


def _forget_user(cluster: str, name: str, account: str) -> Action:
    return ["delete", "user", "where", f"name={name}", f"cluster={cluster}", f"account={account}"]


def _admin(level: str) -> str:
    """sacctmgr writes `Administrator` and reads `Admin`."""
    return level.lower().replace("administrator", "admin")


def _check(accounts: list[dict[str, Any]], users: list[dict[str, Any]], seen: Seen) -> None:
    known = {"root"} | {entry["name"].lower() for entry in present(accounts)}
    known |= {account for account, user in seen.associations if not user} - set(absent(accounts))
    for entry in present(accounts):
        parent = str(entry.get("parent") or "root").lower()
        if parent not in known:
            raise AccountingError(
                f"account {entry['name']!r}: its parent {parent!r} is no account; known are {', '.join(sorted(known))}."
            )
    for entry in present(users):
        for account in [entry.get("default_account"), *(entry.get("accounts") or [])]:
            if not account or account.lower() not in known:
                raise AccountingError(
                    f"user {entry['name']!r}: {account!r} is no account; known are {', '.join(sorted(known))}."
                )


def _parents_first(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    waiting = {entry["name"].lower(): entry for entry in accounts}
    ordered: list[dict[str, Any]] = []
    while waiting:
        ready = [name for name, entry in waiting.items() if str(entry.get("parent") or "root").lower() not in waiting]
        if not ready:
            raise AccountingError(f"accounts: {', '.join(sorted(waiting))} are each other's parents.")
        ordered += [waiting.pop(name) for name in ready]
    return ordered


def differences(wanted: Mapping[str, Any] | None, seen: Settings) -> list[str]:
    """Return the words `key=value` that turn seen into wanted; a value that is empty or null takes a limit away."""
    present_values = {key.lower(): value for key, value in seen.items()}
    words = []
    for key, value in (wanted or {}).items():
        before = present_values.get(key.lower(), "")
        if canonical(key, value) != canonical(key, before):
            words.append(f"{key}={_spoken(key, value, before)}")
    return words


def _spoken(key: str, value: Any, before: str) -> str:
    text = ",".join(str(member) for member in value) if isinstance(value, list) else str("" if value is None else value)
    if "tres" in key.lower():
        # sacctmgr changes the resources that it is told and keeps the others; -1 takes one away.
        kept = {pair.partition("=")[0] for pair in text.split(",")}
        parts = [pair.partition("=")[0] for pair in filter(None, before.split(","))]
        return ",".join(filter(None, [text, *(f"{name}=-1" for name in parts if name not in kept)]))
    if not text and key.lower() not in (*_LISTS, "defaultqos", "description", "organization"):
        return "-1"
    return text


def canonical(key: str, value: Any) -> Any:
    """Return value so that two spellings of one thing are equal; the database holds small letters only."""
    if value is None or value == "" or value == -1 or value == "-1":
        return ""
    name = key.lower()
    text = ",".join(str(member) for member in value) if isinstance(value, list) else str(value)
    text = text.lower()
    if name in ("description", "organization"):
        return text
    if "tres" in name:
        return tuple(
            sorted(_quantity(*pair.partition("=")[::2]) for pair in text.split(",") if not pair.endswith("=-1"))
        )
    if name in _LISTS:
        return tuple(sorted(text.split(",")))
    if "wall" in name or name.endswith("time"):
        return seconds(text)
    return text


def _quantity(resource: str, amount: str) -> tuple[str, str]:
    if resource in ("mem", "bb/datawarp"):
        unit = amount[-1:].upper()
        return resource, f"{float(amount.rstrip('kmgtpKMGTP')) * _UNITS.get(unit, 1):g}"
    return resource, amount


def seconds(text: str) -> Any:
    """Read Slurm's times: minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]]."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if not match:
        return text
    days, first, second, third = (int(part) if part else 0 for part in match.groups())
    if match[1] is not None or match[4] is not None:
        return ((days * 24 + first) * 60 + second) * 60 + third
    return first * 60 + second


def cluster_id(text: str) -> str:
    """Return the number in slurmctld's `clustername` file; older releases write only the name there."""
    return text.strip().partition("|")[2]


def refuse_foreign_state(cluster: str, location: str | None, seen: Seen) -> None:
    """Stop before a slurmctld that has lived without this database would meet another number for its cluster there."""
    marker = Path(location or "/nonexistent") / "clustername"
    if cluster.lower() in seen.clusters or not marker.is_file():
        return
    number = cluster_id(marker.read_text(errors="replace"))
    if number:
        raise AccountingError(
            f"{marker}: slurmctld has already run here, with ClusterID {number}, and the accounting database does not "
            f"know cluster {cluster!r}; it would give another number, and slurmctld would stop with CLUSTER ID "
            f"MISMATCH. Stop slurmctld, remove this one file (the jobs' state is kept), and run again."
        )


def slurm_conf(cluster: str, host: str, port: int) -> str:
    """Render the least that lets sacctmgr find slurmdbd."""
    return (
        f"ClusterName={cluster}\nSlurmctldHost={host}\nAccountingStorageType=accounting_storage/slurmdbd\n"
        f"AccountingStorageHost={host}\nAccountingStoragePort={port}\n"
    )
