#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Bring all groups, users and homes of a node to what is wanted, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user_accounts
short_description: Manage all groups, users and homes of a node in one call
version_added: 0.1.0
description:
  - Compares the wanted accounts with the node's and does only what differs, so that fifty users cost as much as one.
  - >-
    Where O(homes) is set, makes each home with a key pair that lets the user go from node to node. Below a home it
    works with the user's own rights: a link that a user lays there leads nowhere that the user could not go.
  - What is not named is left alone. A number that differs from the wanted one is refused, never changed.
author: awsome.training contributors
options:
  groups:
    description: Groups, each with C(name), C(gid) and C(state).
    type: list
    elements: dict
    default: []
  users:
    description:
      - >-
        Users, each with C(name), C(uid), C(group) (default: one of the same name and number), C(groups), C(shell),
        C(comment), C(home), C(ssh_authorized_keys), C(state) and C(remove_home).
    type: list
    elements: dict
    default: []
  home_root:
    description: The directory that holds the homes.
    type: path
    required: true
  homes:
    description: Whether to make the homes. Where they are shared, set it for one node only.
    type: bool
    default: false
  mount_point:
    description: A path that must be mounted before a home is made below it.
    type: path
  keys:
    description: Whether to make a key pair for each user and let it in.
    type: bool
    default: true
attributes:
  check_mode:
    description: Prints the plan.
    support: full
"""

EXAMPLES = r"""
- name: Make the accounts, and on the controller the homes
  awsome.training.user_accounts:
    users:
      - name: demo
        uid: 2000
    home_root: /fsx/home
    homes: "{{ inventory_hostname == groups['controller'] | first }}"
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done.
  returned: always
  type: list
  elements: str
"""

import grp
import json
import os
import pwd
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _accounts as accounts


def look() -> accounts.Seen:
    users = {
        line.pw_name: accounts.User(line.pw_uid, line.pw_gid, line.pw_dir, line.pw_shell, line.pw_gecos)
        for line in pwd.getpwall()
    }
    groups = {line.gr_name: accounts.Group(line.gr_gid, frozenset(line.gr_mem)) for line in grp.getgrall()}
    return accounts.Seen(users, groups)


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


def make_homes(module: AnsibleModule, seen: accounts.Seen) -> list[str]:
    wanted, check = module.params, module.check_mode
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
            home.mkdir(mode=0o700)
            os.chown(home, user.pw_uid, user.pw_gid)
        elif home.stat().st_uid != user.pw_uid:
            raise accounts.AccountError(
                f"user {entry['name']!r}: {home} belongs to uid {home.stat().st_uid}, expected {user.pw_uid}; look "
                f"whose it is, then give it to the user (chown -R) or choose another home."
            )
        keys, label = list(entry.get("ssh_authorized_keys") or []), f"{entry['name']}@cluster"
        done += as_user(entry["name"], lambda: furnish(home, keys, wanted["keys"], label, check))  # noqa: B023
    return done


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "list", "elements": "dict", "default": []},
            "users": {"type": "list", "elements": "dict", "default": [], "no_log": False},
            "home_root": {"type": "path", "required": True},
            "homes": {"type": "bool", "default": False},
            "mount_point": {"type": "path"},
            "keys": {"type": "bool", "default": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    wanted, done = module.params, []
    try:
        seen = look()
        for action in accounts.plan(wanted["groups"], wanted["users"], seen, wanted["home_root"], wanted["homes"]):
            if not module.check_mode:
                rc, out, err = module.run_command(action)
                if rc != 0:
                    raise accounts.AccountError(f"{shlex.join(action)} ended with {rc}: {(err or out).strip()}")
            done.append(shlex.join(action))
        if wanted["homes"]:
            done += make_homes(module, seen)
    except (accounts.AccountError, OSError) as error:
        module.fail_json(msg=f"user_accounts: {error}", changed=bool(done), actions=done)
    except KeyError as error:
        module.fail_json(msg=f"user_accounts: an entry lacks the key {error}; see the module's documentation.")
    module.exit_json(changed=bool(done), actions=done)


if __name__ == "__main__":
    main()
