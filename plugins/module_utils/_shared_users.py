# Private to awsome.training: its API may change without notice.
"""The file shared_users: from its text, or from what YAML made of it, to the options of role users. Pure.

Three forms say the same:
    name,uid,home                       one user a line, no header, as HyperPod's shared_users.txt
    a CSV whose first line is a header  columns by name; several groups or accounts in one field are parted by `;`
    YAML                                a list of users, or a mapping with users, groups and slurm_accounts
A group is `name`, or `name:gid` for one that the cluster makes.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Mapping
from typing import Any

COLUMNS: tuple[str, ...] = ("name", "uid", "home", "group", "groups", "shell", "comment", "ssh_authorized_keys")
COLUMNS += ("slurm_account", "slurm_accounts", "slurm_admin_level", "slurm_settings")
COLUMNS += ("sudo", "state", "remove_home", "adopt")
LISTS = ("groups", "ssh_authorized_keys", "slurm_accounts")
FILE_ONLY = ("slurm_settings", "sudo", "remove_home", "adopt")  # are no text, so a CSV cannot say them
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ADVICE = "expected name,uid,home such as 'demo,2000,/fsx/demo'"


class SharedUsersError(ValueError):
    """All that is wrong with the file, one sentence a line."""


def read(source: Any, home_root: str = "", where: str = "shared_users") -> dict[str, Any]:
    """Return accounts, groups and slurm_accounts, as role users has them. With home_root all homes are below it."""
    faults: list[str] = []
    groups: dict[str, int] = {}
    accounts: list[dict[str, Any]] = []
    if isinstance(source, str):
        rows = _rows(source, where, faults)
    else:
        rows, accounts = _entries(source, groups, where, faults)
    users = []
    for place, row in rows:
        _add_groups(row, groups, place, faults)
        users.append(_user(row, home_root, place, faults))
    _doubles(users, where, faults)
    if faults:
        raise SharedUsersError("\n".join(faults))
    named = [user.get("slurm_account") for user in users if user.get("slurm_account")]
    named += [one for user in users for one in user.get("slurm_accounts", [])]
    known = {account["name"] for account in accounts}
    accounts += [{"name": name} for name in dict.fromkeys(named) if name not in known]
    return {
        "accounts": users,
        "groups": [{"name": name, "gid": gid} for name, gid in groups.items()],
        "slurm_accounts": accounts,
    }


def _rows(text: str, where: str, faults: list[str]) -> list[tuple[str, dict[str, Any]]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    rows, columns, plain = [], ["name", "uid", "home"], True
    for number, line in lines:
        fields = [field.strip() for field in next(csv.reader(io.StringIO(line)))]
        if number == lines[0][0] and "name" in fields and "uid" in fields:
            columns, plain = fields, False
            odd = sorted(name for name in set(fields) if name not in COLUMNS or name in FILE_ONLY)
            if odd:
                faults.append(f"{where}, line {number}: column {', '.join(odd)} is not known; expected {_columns()}.")
            continue
        if len(fields) > len(columns) or (plain and len(fields) < 2):
            faults.append(f"{where}, line {number}: {line!r} has {len(fields)} fields; {_ADVICE}.")
            continue
        row: dict[str, Any] = {key: value for key, value in zip(columns, fields) if value and key in COLUMNS}
        for key in LISTS:
            if key in row:
                row[key] = [part.strip() for part in row[key].split(";") if part.strip()]
        rows.append((f"{where}, line {number}", row))
    return rows


def _columns() -> str:
    return ", ".join(name for name in COLUMNS if name not in FILE_ONLY)


def _entries(
    source: Any, groups: dict[str, int], where: str, faults: list[str]
) -> tuple[list[tuple[str, dict[str, Any]]], list[dict[str, Any]]]:
    told = {"users": source} if isinstance(source, list) else source
    if not isinstance(told, Mapping):
        faults.append(f"{where}: it holds {type(source).__name__}, expected lines, a list of users, or a mapping.")
        return [], []
    for key in sorted(set(told) - {"users", "groups", "slurm_accounts"}):
        faults.append(f"{where}: key {key!r} is not known; expected users, groups and slurm_accounts.")
    for entry in told.get("groups") or []:
        _group(str(entry.get("name")), entry.get("gid"), groups, f"{where}, groups", faults)
    rows = []
    for number, entry in enumerate(told.get("users") or [], 1):
        place = f"{where}, user {number}"
        if not isinstance(entry, Mapping):
            faults.append(f"{place}: {entry!r} is no mapping; expected name, uid and home.")
            continue
        for key in sorted(set(entry) - set(COLUMNS)):
            faults.append(f"{place}: key {key!r} is not known; expected {', '.join(COLUMNS)}.")
        rows.append((place, dict(entry)))
    accounts = [one if isinstance(one, dict) else {"name": str(one)} for one in told.get("slurm_accounts") or []]
    return rows, accounts


def _add_groups(row: dict[str, Any], groups: dict[str, int], place: str, faults: list[str]) -> None:
    """Take the numbers out of what the row says of groups."""
    for key in ("group", "groups"):
        said = row.get(key) or []
        names = []
        for one in said if isinstance(said, list) else [said]:
            name, _, number = str(one).partition(":")
            names.append(name)
            if number:
                _group(name, number, groups, place, faults)
        if names:
            row[key] = names if key == "groups" else names[0]


def _group(name: str, number: Any, groups: dict[str, int], place: str, faults: list[str]) -> None:
    if not _NAME.fullmatch(name) or not str(number).isdigit():
        faults.append(f"{place}: group {name!r} with gid {number!r} cannot be made; expected such as research:3000.")
    elif groups.setdefault(name, int(number)) != int(number):
        faults.append(f"{place}: group {name!r} has gid {number} here and {groups[name]} before; give it one number.")


def _user(row: dict[str, Any], home_root: str, place: str, faults: list[str]) -> dict[str, Any]:
    name, uid, home = str(row.get("name") or ""), row.get("uid"), row.get("home")
    goes, adopted = row.get("state") == "absent", bool(row.get("adopt"))
    if not _NAME.fullmatch(name):
        faults.append(f"{place}: {name!r} is no name that Linux takes; {_ADVICE}.")
    if not goes and not (adopted and uid is None):
        if not str(uid if uid is not None else "").isdigit():
            faults.append(f"{place}: uid {uid!r} of {name!r} is no number; {_ADVICE}.")
        elif int(str(uid)) < 1000:
            faults.append(f"{place}: uid {uid} of {name!r} is the system's; expected 1000 or more.")
    if home and not posixpath.isabs(str(home)):
        faults.append(f"{place}: home {home!r} of {name!r} is no absolute path; {_ADVICE}.")
    user = {**row, "name": name}
    if str(uid).isdigit():
        user["uid"] = int(str(uid))
    if home_root:
        user["home"] = posixpath.join(home_root, name)
    return user


def _doubles(users: list[dict[str, Any]], where: str, faults: list[str]) -> None:
    for key in ("name", "uid"):
        seen: dict[Any, str] = {}
        for user in users:
            value = user.get(key)
            if value is not None and value in seen:
                faults.append(f"{where}: {key} {value!r} is given twice, to {seen[value]!r} and {user['name']!r}.")
            seen.setdefault(value, user["name"])
