#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Containers with systemd that stand for the machines of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_machines
short_description: Containers with systemd that stand for the machines of a cluster
version_added: 0.1.0
description:
  - Makes the podman network and the containers of one lab what they should be, and waits until each takes logins.
  - Touches nothing that does not carry the lab's own label. A name that something else holds is refused.
  - In check mode it tells what it would do.
author: awsome.training contributors
attributes:
  check_mode:
    description: Supported.
    support: full
options:
  prefix:
    description: Name of the lab, of its network, and the first part of each machine's name.
    type: str
    required: true
  state:
    description: Whether the machines exist. V(absent) removes every machine of the lab, and the network.
    type: str
    choices: [present, absent]
    default: present
  kind:
    description: Whether these are the lab's nodes, or machines that live only while an image is baked.
    type: str
    choices: [node, bake]
    default: node
  platform:
    description: The platform of the machines; an existing machine of another one is refused.
    type: str
  subnet:
    description: The lab's network, a /24.
    type: str
  num_controller:
    description: How many controllers.
    type: int
    default: 1
    version_added: 0.3.0
  num_login:
    description: Number of login nodes, with O(kind=node).
    type: int
    default: 0
  num_compute:
    description: Number of compute nodes, with O(kind=node).
    type: int
    default: 0
  node_profiles:
    description:
      - >-
        The profile of the machines of a function, with O(kind=node), where it is not named after the function; a list
        is given to them in turn.
    type: dict
    default: {}
    version_added: 0.2.0
  profiles:
    description: The profiles to bake, with O(kind=bake).
    type: list
    elements: str
    default: []
  images:
    description: The image of each profile.
    type: dict
    default: {}
  state_dir:
    description: Directory with the lab's keys and names; C(etc/hosts) in it is kept up to date.
    type: path
  mounts:
    description: What every machine mounts, as podman's C(--volume) takes it.
    type: list
    elements: str
    default: []
  options:
    description: More arguments of C(podman run).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that a machine may take to boot.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Have one controller and two compute nodes
  awsome.training.lab_machines:
    prefix: lab
    platform: debian12
    subnet: 10.64.0.0/24
    num_compute: 2
    images: {controller: "localhost/base:12", compute: "localhost/base:12"}
    state_dir: /var/lib/lab
"""

RETURN = r"""
actions:
  description: What was done, or would be.
  type: list
  elements: str
  returned: always
machines:
  description: Name, address, function, profile and image of each machine that was asked for.
  type: list
  elements: dict
  returned: when state is present
missing_profiles:
  description: Profiles of machines that are to be created and whose image does not exist.
  type: list
  elements: str
  returned: when state is present
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils._lab import nodes, plan
from ansible_collections.awsome.training.plugins.module_utils._lab import podman as host


def wanted_machines(params: dict[str, Any]) -> list[dict[str, Any]]:
    if params["kind"] == "bake":
        machines = nodes.bake_nodes(params["prefix"], params["subnet"], params["profiles"])
    else:
        counts = params["num_login"], params["num_compute"]
        machines = nodes.lab_nodes(
            params["prefix"], params["subnet"], *counts, params["node_profiles"], params["num_controller"]
        )
    return [{**machine, "image": params["images"].get(machine["profile"], "")} for machine in machines]


def present(module: AnsibleModule, podman: host.Podman, seen: list[dict[str, Any]]) -> dict[str, Any]:
    params = module.params
    machines = wanted_machines(params)
    containers = {machine["name"]: plan.container(machine, params) for machine in machines}
    actions = plan.plan(list(containers.values()), seen, params["prefix"], params["kind"])
    networks = json.loads(podman("network", "ls", "--format", "json"))
    network_exists = plan.owned_network(networks, params["prefix"], params["subnet"])
    touched = {action.name for action in actions if action.verb != "remove"}
    new = {action.name for action in actions if action.verb == "create"}
    missing = {
        machine["profile"] for machine in machines if machine["name"] in new and not podman.has_image(machine["image"])
    }
    result: dict[str, Any] = {
        "changed": bool(actions) or not network_exists,
        "actions": [f"{action.verb} {action.name}" for action in actions],
        "machines": machines,
        "missing_profiles": sorted(missing),
    }
    if module.check_mode:
        return result
    if missing:
        raise nodes.LabError(
            f"There is no image for {', '.join(sorted(missing))}: run playbooks/lab_create.yml, which makes it."
        )
    if not network_exists:
        label = f"{plan.LAB}={params['prefix']}"
        podman(
            "network", "create", "--label", label, "--subnet", params["subnet"], params["prefix"], about="the network"
        )
    if params["kind"] == "node":
        names = nodes.hosts_file({machine["name"]: machine["address"] for machine in machines})
        result["changed"] |= host.write_hosts(Path(params["state_dir"], "etc", "hosts"), names)
    for action in actions:
        host.apply(podman, action, containers)
    host.wait_for_logins(podman, [machine for machine in machines if machine["name"] in touched], params["timeout"])
    return result


def absent(module: AnsibleModule, podman: host.Podman, seen: list[dict[str, Any]]) -> dict[str, Any]:
    prefix = module.params["prefix"]
    actions = plan.removal(seen, prefix)
    networks = json.loads(podman("network", "ls", "--format", "json"))
    network_exists = any(
        row["name"] == prefix and (row.get("labels") or {}).get(plan.LAB) == prefix for row in networks
    )
    if not module.check_mode:
        if actions:
            podman("rm", "--force", "--time", "0", "--volumes", *(action.name for action in actions))
        if network_exists:
            podman("network", "rm", "--force", prefix)
    return {
        "changed": bool(actions) or network_exists,
        "actions": [f"{action.verb} {action.name}" for action in actions],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "kind": {"type": "str", "choices": ["node", "bake"], "default": "node"},
            "platform": {"type": "str"},
            "subnet": {"type": "str"},
            "num_controller": {"type": "int", "default": 1},
            "num_login": {"type": "int", "default": 0},
            "num_compute": {"type": "int", "default": 0},
            "node_profiles": {"type": "dict", "default": {}},
            "profiles": {"type": "list", "elements": "str", "default": []},
            "images": {"type": "dict", "default": {}},
            "state_dir": {"type": "path"},
            "mounts": {"type": "list", "elements": "str", "default": []},
            "options": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 120},
        },
        required_if=[("state", "present", ("platform", "subnet", "state_dir"))],
        supports_check_mode=True,
    )
    try:
        podman = host.Podman(module)
        seen = json.loads(podman("ps", "--all", "--format", "json"))
        act = present if module.params["state"] == "present" else absent
        module.exit_json(**act(module, podman, seen))
    except nodes.LabError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
