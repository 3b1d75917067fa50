#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Bring clusters, QOS, accounts and users of Slurm's accounting database to what is wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slurm_associations
short_description: Manage clusters, QOS, accounts and users of Slurm's accounting
version_added: 0.1.0
description:
  - Compares the wanted state with the one that C(sacctmgr) lists, and does only what differs.
  - What is not named is left alone, except that a user who is named belongs to exactly the accounts that are named.
  - A cluster without accounting changes nothing; RV(skip_reason) says so.
author: awsome.training contributors
options:
  cluster:
    description: The name of the cluster; it is added if the database does not know it.
    type: str
    required: true
  qos:
    description: Qualities of service, each with C(name), C(state) and C(settings), a dictionary in sacctmgr's words.
    type: list
    elements: dict
    default: []
  accounts:
    description:
      - >-
        Accounts, each with C(name), C(parent) (default C(root)), C(description), C(organization), C(state) and
        C(settings).
    type: list
    elements: dict
    default: []
  users:
    description:
      - >-
        Users, each with C(name), C(default_account), C(accounts) (others beside the default), C(admin_level) (C(None),
        C(Operator) or C(Admin)), C(state) and C(settings), which hold for each of the user's associations.
    type: list
    elements: dict
    default: []
  sacctmgr:
    description: The program.
    type: str
    default: sacctmgr
  accounting_host:
    description: The host of slurmdbd. With it, no slurm.conf is needed, so that it can be asked before Slurm is set up.
    type: str
  accounting_port:
    description: The port of slurmdbd.
    type: int
    default: 6819
  wait_seconds:
    description: How long to wait until slurmdbd answers.
    type: float
    default: 0
  state_save_location:
    description:
      - >-
        The StateSaveLocation of slurmctld. If a slurmctld has already run there without this database, the cluster is
        not added: slurmctld would stop with CLUSTER ID MISMATCH. The message says what to do.
    type: path
attributes:
  check_mode:
    description: Prints the plan; where slurmdbd does not run yet, all but the cluster itself.
    support: full
"""

EXAMPLES = r"""
- name: Give the team its account
  awsome.training.slurm_associations:
    cluster: training
    qos:
      - name: urgent
        settings: {Priority: 100, MaxWall: "12:00:00"}
    accounts:
      - name: research
        settings: {Fairshare: 10, GrpTRES: "gres/gpu=64"}
    users:
      - name: demo
        default_account: research
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, given to C(sacctmgr).
  returned: always
  type: list
  elements: str
skip_reason:
  description: Why nothing was looked at.
  returned: when the cluster has no accounting
  type: str
"""

import contextlib
import os
import shlex
import tempfile
import time
from collections.abc import Iterator

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _slurm_accounting as accounting


@contextlib.contextmanager
def configuration(module: AnsibleModule) -> Iterator[None]:
    """Let sacctmgr find slurmdbd: by slurm.conf, or by the host that was named."""
    if not (host := module.params["accounting_host"]):
        yield
        return
    with tempfile.NamedTemporaryFile("w", prefix="awsome-") as file:
        port = module.params["accounting_port"]
        print(accounting.slurm_conf(module.params["cluster"], host, port), file=file, flush=True)
        os.environ["SLURM_CONF"] = file.name
        yield


def sacctmgr(module: AnsibleModule, *arguments: str) -> str:
    argv = [module.params["sacctmgr"], *arguments]
    try:
        rc, out, err = module.run_command(argv, handle_exceptions=False)
    except OSError as error:
        raise accounting.AccountingError(f"{argv[0]} cannot be run: {error.strerror}") from error
    if "not running a supported accounting_storage plugin" in out + err:
        module.exit_json(changed=False, actions=[], skip_reason="this cluster has no accounting")
    if rc != 0:
        raise accounting.AccountingError(f"{shlex.join(argv)} ended with {rc}: {(err or out).strip()}")
    return str(out)


def ask(module: AnsibleModule, what: str, names: list[str], *conditions: str) -> list[dict[str, str]]:
    return accounting.rows(sacctmgr(module, "-nP", "list", what, *conditions, f"format={','.join(names)}"), names)


def wait(module: AnsibleModule) -> set[str]:
    """Return the clusters that slurmdbd knows, as soon as it answers."""
    deadline = time.monotonic() + (0 if module.check_mode else module.params["wait_seconds"])
    while True:
        try:
            return {row["Cluster"] for row in ask(module, "cluster", ["Cluster"])}
        except accounting.AccountingError as error:
            if time.monotonic() >= deadline:
                raise accounting.AccountingError(f"slurmdbd does not answer; read its log. {error}") from None
            time.sleep(0.3)


def look(module: AnsibleModule) -> accounting.Seen:
    wanted, cluster = module.params, module.params["cluster"].lower()
    try:
        seen = accounting.Seen(wait(module))
    except accounting.AccountingError:
        if not module.check_mode:
            raise
        return accounting.Seen(clusters={cluster})  # a dry run before the first start: all in it is still to be done
    if wanted["qos"]:
        names = accounting.columns(wanted["qos"], ["Name"])
        seen.qos = {row["Name"]: row for row in ask(module, "qos", names)}
    if wanted["accounts"] or wanted["users"]:
        found = ask(module, "account", ["Account", "Description", "Organization"])
        seen.accounts = {row["Account"]: row for row in found}
        found = ask(module, "user", ["User", "DefaultAccount", "AdminLevel"], "withassoc", f"cluster={cluster}")
        seen.users = {row["User"]: row for row in found}
        names = accounting.columns(
            [*wanted["accounts"], *wanted["users"]], ["Account", "User", "Partition", "ParentName"]
        )
        found = ask(module, "associations", names, f"cluster={cluster}")
        seen.associations = {(row["Account"], row["User"]): row for row in found if not row["Partition"]}
    return seen


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "cluster": {"type": "str", "required": True},
            "qos": {"type": "list", "elements": "dict", "default": []},
            "accounts": {"type": "list", "elements": "dict", "default": []},
            "users": {"type": "list", "elements": "dict", "default": []},
            "sacctmgr": {"type": "str", "default": "sacctmgr"},
            "accounting_host": {"type": "str"},
            "accounting_port": {"type": "int", "default": 6819},
            "wait_seconds": {"type": "float", "default": 0},
            "state_save_location": {"type": "path"},
        },
        supports_check_mode=True,
    )
    done: list[str] = []
    try:
        with configuration(module):
            seen = look(module)
            accounting.refuse_foreign_state(module.params["cluster"], module.params["state_save_location"], seen)
            actions = accounting.plan(module.params["cluster"], module.params, seen)
            for action in [] if module.check_mode else actions:
                sacctmgr(module, "-i", *action)
                done.append(shlex.join(action))
    except accounting.AccountingError as error:
        module.fail_json(msg=f"slurm_associations: {error}", changed=bool(done), actions=done)
    except KeyError as error:
        module.fail_json(msg=f"slurm_associations: an entry lacks the key {error}; see the module's documentation.")
    module.exit_json(changed=bool(actions), actions=[shlex.join(action) for action in actions])


if __name__ == "__main__":
    main()
