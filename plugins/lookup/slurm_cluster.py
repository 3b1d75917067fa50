# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Slurm's configuration files for the hosts of the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: slurm_cluster
short_description: Slurm's configuration files for the hosts of the inventory
version_added: 0.1.0
author: awsome.training contributors
description:
  - Renders the files of Slurm's configuration directory. The nodes are the hosts of the group C(compute); the groups
    directly below it are the partitions, and hosts that are in none of them form the partition C(compute).
  - A node's hardware comes from the catalogue's row of its C(instance_type), else from what it answered to role slurm,
    else from its line in the present configuration.
  - >-
    Of each host the variables C(instance_type), C(slurm_node_settings), C(slurm_node_address),
    C(slurm_node_switches) and C(slurm_node_block) are read.
extends_documentation_fragment: [awsome.training.lookup.nothing]
options:
  settings:
    description: Keys of C(slurm.conf), laid over those that follow from the hosts.
    type: dict
    default: {}
  overrides:
    description: The user's keys, laid over O(settings). A null drops a key.
    type: dict
    default: {}
  partitions:
    description: Keys for each partition. A null drops a partition; one that is no group needs C(Nodes).
    type: dict
    default: {}
  cgroup:
    description: Keys of C(cgroup.conf). A null drops a key.
    type: dict
    default: {}
  answers:
    description: What hosts that take no part in this play answered, by name.
    type: dict
    default: {}
  controller:
    description: What the controller answered; of hosts that are silent, its present configuration stands.
    type: str
    default: ""
  memory_fraction:
    description: The part of a node's memory that jobs may have.
    type: float
    default: 1.0
  gres_devices:
    description: Whether C(gres.conf) names device files. Without them the nodes only count what they pretend to have.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show slurm.conf
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.slurm_cluster', settings={'ClusterName': 'demo'}).files['slurm.conf'] }}"
"""

RETURN = r"""
_raw:
  description: One answer.
  type: list
  elements: dict
  contains:
    files:
      description: The text of each file, by name.
      type: dict
    missing:
      description: Hosts whose hardware is not known. Without them the files are not complete.
      type: list
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._catalog import load
from ansible_collections.awsome.training.plugins.module_utils._slurm import conf, inventory, probe


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        variables = variables or {}
        answers = self.get_option("answers")
        hostvars = variables["hostvars"]
        names = list(variables["groups"].get("compute", []))
        hosts = [self._host(name, hostvars[name], answers.get(name)) for name in names]
        try:
            return [self._answer(hosts, partition_groups(hostvars, names))]
        except ValueError as error:
            raise AnsibleLookupError(str(error)) from error

    def _host(self, name: str, known: Mapping[str, Any], answer: str | None) -> inventory.Host:
        instance_type = known.get("instance_type")
        if answer is None:
            answer = (known.get("__slurm_asked") or {}).get("stdout")
        return inventory.Host(
            name=name,
            instance=load().instance(instance_type) if instance_type else None,
            answer=None if answer is None else probe.parse(answer),
            hostname=(known.get("ansible_facts") or {}).get("hostname", ""),
            address=known.get("slurm_node_address") or "",
            settings=known.get("slurm_node_settings") or {},
            switches=known.get("slurm_node_switches") or (),
            block=str(known.get("slurm_node_block") or ""),
        )

    def _answer(self, hosts: list[inventory.Host], groups: dict[str, list[str]]) -> dict[str, Any]:
        controller = probe.parse(self.get_option("controller"))
        nodes, missing = inventory.nodes(hosts, controller.present, self.get_option("memory_fraction"))
        jobs = conf.merge(inventory.job_settings(hosts, controller), self.get_option("settings"))
        settings = conf.merge(jobs, self.get_option("overrides"))
        cluster = conf.Cluster(
            settings=settings,
            nodes=tuple(nodes),
            partitions=conf.partitions_of(groups, self.get_option("partitions")),
            cgroup=conf.merge(inventory.cgroup_settings(settings, controller.version), self.get_option("cgroup")),
            gres_devices=self.get_option("gres_devices"),
            version=controller.version,
        )
        return {"files": conf.render_files(cluster), "missing": missing}


def partition_groups(hostvars: Any, names: list[str]) -> dict[str, list[str]]:
    """The groups directly below compute with their hosts, and compute itself with the hosts that are in none of them.

    Only the inventory knows which group lies below which; Ansible tells variables no more than a group's hosts.
    """
    compute = hostvars._inventory.groups.get("compute")
    below = {group.name: [host.name for host in group.get_hosts()] for group in compute.child_groups} if compute else {}
    wanted = set(names)
    groups = {name: [host for host in hosts if host in wanted] for name, hosts in below.items()}
    placed = {host for hosts in groups.values() for host in hosts}
    rest = [name for name in names if name not in placed]
    if rest:
        groups["compute"] = rest
    return {name: hosts for name, hosts in groups.items() if hosts}
