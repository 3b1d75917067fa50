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
      - >-
        With C(adopt), a user that the image brought, whose number, primary group and shell stay. Where its home is
        made, what it has is copied there. Added in version 0.3.0.
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
import pwd
import shlex

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _accounts as accounts
from ansible_collections.awsome.training.plugins.module_utils import _homes as homes


def look() -> accounts.Seen:
    users = {
        line.pw_name: accounts.User(line.pw_uid, line.pw_gid, line.pw_dir, line.pw_shell, line.pw_gecos)
        for line in pwd.getpwall()
    }
    groups = {line.gr_name: accounts.Group(line.gr_gid, frozenset(line.gr_mem)) for line in grp.getgrall()}
    return accounts.Seen(users, groups)


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
            done += homes.make(wanted, seen, module.check_mode)
    except (accounts.AccountError, OSError) as error:
        module.fail_json(msg=f"user_accounts: {error}", changed=bool(done), actions=done)
    except KeyError as error:
        module.fail_json(msg=f"user_accounts: an entry lacks the key {error}; see the module's documentation.")
    module.exit_json(changed=bool(done), actions=done)


if __name__ == "__main__":
    main()
