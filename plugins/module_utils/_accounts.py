# Private to awsome.training: its API may change without notice.
"""The accounts of a node: from (wanted, seen) to a list of commands. Pure; the module user_accounts runs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Action = list[str]

BEGIN = "# Managed by awsome.training: changes between these two lines are lost."
END = "# End of what awsome.training manages."
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


class AccountError(ValueError):
    """A wish that would harm what is there already; the sentence names the account, both numbers and the way out."""


@dataclass(frozen=True)
class User:
    """One line of the password database."""

    uid: int
    gid: int
    home: str
    shell: str
    comment: str = ""


@dataclass(frozen=True)
class Group:
    gid: int
    members: frozenset[str] = frozenset()


@dataclass
class Seen:
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


def home(entry: Mapping[str, Any], root: str) -> str:
    return str(entry.get("home") or f"{root.rstrip('/')}/{entry['name']}")


def check(groups: Iterable[Mapping[str, Any]], users: Iterable[Mapping[str, Any]], seen: Seen) -> None:
    """Refuse what useradd would refuse half-way through, and what would give one user's files to another."""
    names: set[tuple[str, str]] = set()
    numbers: dict[int, str] = {}
    for kind, number, entries in (("group", "gid", groups), ("user", "uid", users)):
        for entry in entries:
            name = str(entry["name"])
            if not _NAME.fullmatch(name):
                raise AccountError(
                    f"{kind} {name!r} is no name that Linux takes: small letters, digits, _ and -, up to 32."
                )
            if (kind, name) in names:
                raise AccountError(f"{kind} {name!r} is listed twice.")
            names.add((kind, name))
            if entry.get("state") == "absent":
                continue
            if kind == "user" and entry.get("adopt"):
                _check_adopted(entry, seen)
                continue
            wanted = int(entry[number])
            if kind == "user" and wanted in numbers:
                raise AccountError(f"user {name!r}: uid {wanted} is also given to {numbers[wanted]!r}.")
            if kind == "user":
                numbers[wanted] = name
            _check_number(kind, number, name, wanted, seen)


def _check_adopted(entry: Mapping[str, Any], seen: Seen) -> None:
    """A user of the image's own keeps its number, so it must be there."""
    user = seen.users.get(entry["name"])
    if user is None:
        raise AccountError(
            f"user {entry['name']!r} is to be adopted, and this host has no such user; correct the name, or give a uid "
            "instead of adopt."
        )
    if entry.get("uid") is not None and int(entry["uid"]) != user.uid:
        raise AccountError(
            f"user {entry['name']!r} is to be adopted with uid {entry['uid']}, and has {user.uid} on this host; take "
            "the uid out."
        )


def _check_number(kind: str, number: str, name: str, wanted: int, seen: Seen) -> None:
    known: Mapping[str, Any] = seen.groups if kind == "group" else seen.users
    if name in known and getattr(known[name], number) != wanted:
        raise AccountError(
            f"{kind} {name!r} has {number} {getattr(known[name], number)} on this host, expected {wanted}; renumber it "
            f"and its files by hand, or change the {number} in the inventory."
        )
    taken = [other for other, line in known.items() if getattr(line, number) == wanted and other != name]
    if taken:
        raise AccountError(f"{kind} {name!r}: {number} {wanted} belongs to {taken[0]!r} on this host; choose another.")


def plan(
    groups: list[dict[str, Any]], users: list[dict[str, Any]], seen: Seen, root: str, removes_homes: bool = False
) -> list[Action]:
    """Return the commands in the order in which they work: groups, users, then what goes."""
    check(groups, users, seen)
    managed = {str(entry["name"]) for entry in groups}
    present = [entry for entry in users if entry.get("state") != "absent"]
    actions: list[Action] = []
    for entry in groups:
        if entry.get("state") != "absent" and entry["name"] not in seen.groups:
            actions.append(["groupadd", "--gid", str(entry["gid"]), entry["name"]])
    for entry in present:
        if entry.get("adopt"):
            actions += _adopted(entry, seen, root, managed)
            continue
        actions += _own_group(entry, seen)
        actions += _user(entry, seen, root, managed)
    for entry in users:
        if entry.get("state") == "absent" and entry["name"] in seen.users:
            with_home = ["--remove"] if removes_homes and entry.get("remove_home") else []
            actions.append(["userdel", *with_home, entry["name"]])
    for entry in groups:
        if entry.get("state") == "absent" and entry["name"] in seen.groups:
            actions.append(["groupdel", entry["name"]])
    return actions


def _own_group(entry: dict[str, Any], seen: Seen) -> list[Action]:
    """A user without a named primary group gets one of the same name and number."""
    if entry.get("group") or entry["name"] in seen.groups or entry["name"] in seen.users:
        return []
    taken = [name for name, group in seen.groups.items() if group.gid == int(entry["uid"])]
    if taken:
        raise AccountError(
            f"user {entry['name']!r}: gid {entry['uid']} belongs to {taken[0]!r} on this host; name a group."
        )
    return [["groupadd", "--gid", str(entry["uid"]), entry["name"]]]


def _user(entry: dict[str, Any], seen: Seen, root: str, managed: set[str], own_group: bool = True) -> list[Action]:
    name, wanted_home = entry["name"], home(entry, root)
    shell, comment, primary = entry.get("shell") or "/bin/bash", entry.get("comment") or "", entry.get("group") or name
    groups = {str(group) for group in entry.get("groups") or []}
    user = seen.users.get(name)
    if user is None:
        words = ["--uid", str(entry["uid"]), "--gid", primary, "--home-dir", wanted_home, "--no-create-home"]
        words += ["--shell", shell, "--comment", comment]
        words += ["--groups", ",".join(sorted(groups))] if groups else []
        # `*` is no password that could be typed, and unlike `!` it does not lock the account for keys.
        return [["useradd", *words, "--password", "*", name]]
    words = []
    if own_group and primary in seen.groups and seen.groups[primary].gid != user.gid:
        words += ["--gid", primary]
    for option, value, before in (("--home", wanted_home, user.home), ("--shell", shell, user.shell)):
        words += [option, value] if value != before else []
    words += ["--comment", comment] if comment != user.comment else []
    # Groups that are none of ours (docker, video) are another role's business: membership there stays.
    held = {group for group, line in seen.groups.items() if name in line.members}
    wanted = groups | (held - managed)
    words += ["--groups", ",".join(sorted(wanted))] if wanted != held else []
    return [["usermod", *words, name]] if words else []


def _adopted(entry: dict[str, Any], seen: Seen, root: str, managed: set[str]) -> list[Action]:
    """Of a user that the image brought, the home and the groups are ours; all else stays."""
    user = seen.users[entry["name"]]
    kept = {"group": None, "shell": user.shell, "comment": user.comment}
    return _user({**entry, **kept, "uid": user.uid}, seen, root, managed, own_group=False)


def authorized(existing: str, keys: Iterable[str]) -> str:
    """Return the text of authorized_keys: ours between two marks, and the user's own lines as they are."""
    lines, own, inside = existing.splitlines(), [], False
    for line in lines:
        if line == BEGIN:
            inside = True
        elif line == END:
            inside = False
        elif not inside:
            own.append(line)
    ours = [key.strip() for key in keys if key.strip()]
    block = [BEGIN, *dict.fromkeys(ours), END] if ours else []
    return "".join(f"{line}\n" for line in [*block, *own])
