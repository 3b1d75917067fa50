# Private to awsome.training: its API may change without notice.
"""The homes of users: a directory, a key pair, and who may come in. Below a home everything is done as its user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils import _accounts as accounts


def as_user(name: str, work: Callable[[], list[str]]) -> list[str]:
    """Run work in a child that is the user, and return what it did."""
    user = pwd.getpwnam(name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer: dict[str, Any]
        try:
            os.initgroups(name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os.umask(0o077)
            answer = {"done": work()}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = json.loads(stream.read() or b'{"error": "no answer"}')
    os.waitpid(child, 0)
    if "error" in answer:
        raise accounts.AccountError(f"user {name!r}: the home could not be made: {answer['error']}")
    return list(answer["done"])


def furnish(home: Path, keys: list[str], pair: bool, label: str, check: bool) -> list[str]:
    """Make what belongs into a home: a key pair, and who may come in; an empty home gets the skeleton first."""
    done = []
    empty = not any(home.iterdir())
    ssh = home / ".ssh"
    private, public, allowed = ssh / "id_ed25519", ssh / "id_ed25519.pub", ssh / "authorized_keys"
    if not ssh.is_dir():
        done.append(f"furnish {home}")
        if not check:
            if empty:
                shutil.copytree("/etc/skel", home, dirs_exist_ok=True)
                home.chmod(0o700)
            ssh.mkdir(mode=0o700)
    if pair and not private.exists():
        done.append(f"ssh-keygen {private}")
        if not check:
            # Made under another name and renamed: a key that was half written is never taken for one.
            draft = ssh / ".id_ed25519.new"
            draft.unlink(missing_ok=True)
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", label, "-f", str(draft)]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)
            Path(f"{draft}.pub").replace(public)
            draft.replace(private)
    own = [public.read_text()] if pair and public.exists() else []
    before = allowed.read_text() if allowed.exists() else ""
    after = accounts.authorized(before, [*own, *keys])
    if after != before:
        done.append(f"write {allowed}")
        if not check:
            draft = ssh / ".authorized_keys.new"
            draft.write_text(after)
            draft.chmod(0o600)
            draft.replace(allowed)
    return done


def make_one(home: Path, user: pwd.struct_passwd, before: Path | None) -> None:
    """Make a home; that of an adopted user holds what the image gave it, the keys that may log in among it."""
    # Under another name first: a copy that was cut short is never taken for a home.
    draft = home.with_name(f".{home.name}.new") if before else home
    if before:
        shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    os.chown(draft, user.pw_uid, user.pw_gid)
    if before:
        as_user(user.pw_name, lambda: copy(before, draft))
        draft.rename(home)


def copy(before: Path, home: Path) -> list[str]:
    def odd(directory: str, names: list[str]) -> list[str]:
        paths = {name: Path(directory, name) for name in names}
        return [name for name, path in paths.items() if not (path.is_symlink() or path.is_file() or path.is_dir())]

    shutil.copytree(before, home, symlinks=True, dirs_exist_ok=True, ignore=odd)
    home.chmod(0o700)
    return []


def make(wanted: Mapping[str, Any], seen: accounts.Seen, check: bool) -> list[str]:
    """Make the homes of all wanted users, and return what was done."""
    root, mount = Path(wanted["home_root"]), wanted["mount_point"]
    if mount and not os.path.ismount(mount):
        raise accounts.AccountError(
            f"{mount} is not mounted, and homes would be made on this node's own disk; mount it first."
        )
    done = []
    for entry in wanted["users"]:
        if entry.get("state") == "absent" or (check and entry["name"] not in seen.users):
            continue
        home, user = Path(accounts.home(entry, str(root))), pwd.getpwnam(entry["name"])
        if not home.is_dir():
            done.append(f"mkdir {home}")
            if check:
                continue
            home.parent.mkdir(parents=True, exist_ok=True)
            before = Path(seen.users[entry["name"]].home) if entry.get("adopt") else None
            make_one(home, user, before if before and before.is_dir() else None)
            done += [f"copy {before} to {home}"] if before and before.is_dir() else []
        elif home.stat().st_uid != user.pw_uid:
            raise accounts.AccountError(
                f"user {entry['name']!r}: {home} belongs to uid {home.stat().st_uid}, expected {user.pw_uid}; look "
                f"whose it is, then give it to the user (chown -R) or choose another home."
            )
        keys, label = list(entry.get("ssh_authorized_keys") or []), f"{entry['name']}@cluster"
        done += as_user(entry["name"], lambda: furnish(home, keys, wanted["keys"], label, check))  # noqa: B023
    return done
