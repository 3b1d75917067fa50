# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The nodes of SageMaker HyperPod clusters as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hyperpod
short_description: The nodes of SageMaker HyperPod clusters
version_added: 0.3.0
author: awsome.training contributors
description:
  - Lists the nodes of one or several clusters, and puts them into the groups that this collection works with.
  - The file's name ends in C(hyperpod.yml) or C(hyperpod.yaml).
  - >-
    Each node is in C(hyperpod_CLUSTER) and in C(instance_group_NAME). From the SlurmConfig of its instance group, or
    from O(functions), follows whether it is in C(controller), C(login) or C(compute); the partition is a group below
    C(compute).
  - >-
    C(ansible_host) is the target by which AWS Systems Manager knows the node, for the connection plugin
    amazon.aws.aws_ssm, which needs AWS's Session Manager plugin beside Ansible, and an S3 bucket for the files that it
    transfers.
  - >-
    C(instance_type) is set where the catalogue has a record of it. What SageMaker says of a node is in
    C(sagemaker_instance_id), C(sagemaker_instance_type), C(sagemaker_node_logical_id),
    C(sagemaker_node_status), C(sagemaker_node_message),
    C(sagemaker_private_dns), C(sagemaker_private_ip), C(sagemaker_ultraserver_id), C(sagemaker_image_version),
    C(sagemaker_launch_time) and C(sagemaker_availability_zone), as far as it is known.
  - Two calls are made for each cluster, and one more for each further hundred nodes.
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [awsome.training.hyperpod]
  clusters:
    description: Names or ARNs of the clusters.
    type: list
    elements: str
    required: true
  functions:
    description: >-
      Which instance groups are C(controller), C(login) or C(compute), by these names. It wins over the cluster's own
      SlurmConfig, and is needed where a cluster has none.
    type: dict
    default: {}
  partitions:
    description: The partition of an instance group, by the group's name. It wins over the cluster's own SlurmConfig.
    type: dict
    default: {}
  provisioning_parameters:
    description: >-
      A path to the C(provisioning_parameters.json) of the cluster, from which functions and partitions are read;
      relative to this file.
    type: str
  statuses:
    description: >-
      Nodes of these statuses are listed; V(all) lists all that have an instance. How many are left out is told in a
      warning.
    type: list
    elements: str
    default: [Running]
  hostname:
    description: >-
      What a host is called. V(dns) is the first word of its private DNS name, C(ip-10-0-0-1), which is what Slurm
      calls it on HyperPod; where SageMaker does not tell it, it is the instance's id.
    type: str
    choices: [dns, instance_id, group_and_instance_id]
    default: dns
  describe_nodes:
    description: >-
      Ask for each node's details as well, among them its availability zone and logical id. That is one call a node.
    type: bool
    default: false
  connection:
    description: >-
      The connection plugin of the hosts. V(amazon.aws.aws_ssm) is told region, profile and what the next options say.
    type: str
    default: amazon.aws.aws_ssm
  ssm_bucket:
    description: >-
      The S3 bucket through which files go to and fro. Without it, set C(ansible_aws_ssm_bucket_name) elsewhere.
    type: str
  ssm_document:
    description: The Session Manager document to connect with, where sessions should not run as the default user.
    type: str
  ssm_plugin:
    description: Where AWS's C(session-manager-plugin) is, if not in C(PATH) or C(/usr/local/bin).
    type: str
  node_profiles:
    description: The profile of each function, as group variable C(node_profile). An empty dictionary sets none.
    type: dict
    default: {controller: hyperpod_controller, login: hyperpod_login, compute: hyperpod_compute}
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# research.hyperpod.yml
plugin: awsome.training.hyperpod
region: us-west-2
clusters: [research]
ssm_bucket: research-ansible

---
# A cluster whose instance groups have no SlurmConfig, all nodes whatever their status, cached for five minutes.
plugin: awsome.training.hyperpod
region: us-west-2
clusters: [research]
functions:
  controller: [controller-machine]
  login: [login-machine]
  compute: [worker-group-1]
partitions:
  worker-group-1: gpu
statuses: [all]
keyed_groups:
  - {key: sagemaker_node_status, prefix: status}
compose:
  slurm_node_address: sagemaker_private_ip
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache/inventory
cache_timeout: 300
"""

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod_inventory import api, hosts


class InventoryModule(AWSInventoryBase):
    NAME = "awsome.training.hyperpod"
    INVENTORY_FILE_SUFFIXES = ("hyperpod.yml", "hyperpod.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        known, seen = self.get_cached_result(path, cache)
        try:
            if not known:
                seen = self._ask()
            made = hosts.inventory(seen, self._wanted(path))
        except hosts.HyperpodInventoryError as error:
            # Ansible would tell the cause behind the sentence once more.
            raise AnsibleParserError(f"hyperpod: {error}") from None
        self.update_cached_result(path, cache, seen)
        for note in made.notes:
            self.warn(f"hyperpod: {note}")
        self._fill(made)

    def _ask(self) -> list[dict[str, Any]]:
        client = self.client("sagemaker", config=api.CONFIG)
        region = client.meta.region_name
        describe = self.get_option("describe_nodes")
        return [{**api.read(client, name, region, describe), "region": region} for name in self.get_option("clusters")]

    def _wanted(self, path: str) -> hosts.Wanted:
        told = self._provisioned(path)
        functions = self.get_option("functions")
        unknown = sorted(set(functions) - set(hosts.FUNCTIONS))
        if unknown:
            raise hosts.HyperpodInventoryError(
                f"functions: {unknown[0]!r} is no function of a node, expected one of {', '.join(hosts.FUNCTIONS)}; "
                "correct it."
            )
        return hosts.Wanted(
            functions={**told.functions, **functions},
            partitions={**told.partitions, **self.get_option("partitions")},
            statuses=self.get_option("statuses"),
            hostname=self.get_option("hostname"),
            known_types=frozenset(_catalog.load().instances),
        )

    def _provisioned(self, path: str) -> hosts.Wanted:
        name = self.get_option("provisioning_parameters")
        if not name:
            return hosts.Wanted()
        source = Path(path).parent / Path(name).expanduser()
        try:
            return hosts.from_provisioning(json.loads(source.read_text()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise hosts.HyperpodInventoryError(
                f"provisioning_parameters: {source} cannot be read ({error}), expected HyperPod's "
                "provisioning_parameters.json; correct the path or the file."
            ) from error

    def _fill(self, made: hosts.Inventory) -> None:
        tree = self.inventory
        for function in hosts.FUNCTIONS:
            tree.add_group(function)
        for group, values in self._group_variables(made).items():
            tree.add_group(group)
            for key, value in values.items():
                if value is not None:
                    tree.set_variable(group, key, value)
        for parent, children in made.children.items():
            for child in children:
                tree.add_group(child)
                tree.add_child(parent, child)
        for host in made.hosts:
            for group in host.groups:
                tree.add_host(host.name, group=tree.add_group(group))
            # set_variable looks each name up again, and there are thousands.
            tree.hosts[host.name].vars.update(host.variables)
        self._construct(made)

    def _group_variables(self, made: hosts.Inventory) -> dict[str, dict[str, Any]]:
        profiles = self.get_option("node_profiles")
        connection = self.get_option("connection")
        shared: dict[str, Any] = {"aws_region": self.region, "ansible_connection": connection}
        if connection.endswith("aws_ssm"):
            shared["ansible_aws_ssm_region"] = self.region
            shared["ansible_aws_ssm_profile"] = self.get_option("profile")
            shared["ansible_aws_ssm_bucket_name"] = self.get_option("ssm_bucket")
            shared["ansible_aws_ssm_document"] = self.get_option("ssm_document")
            shared["ansible_aws_ssm_plugin"] = self.get_option("ssm_plugin")
        clusters = {name for name in made.variables if "sagemaker_cluster_arn" in made.variables[name]}
        variables = {
            name: {**values, **(shared if name in clusters else {})} for name, values in made.variables.items()
        }
        for function in hosts.FUNCTIONS:
            variables[function] = {"node_profile": profiles.get(function)}
        return variables

    def _construct(self, made: hosts.Inventory) -> None:
        compose, groups, keyed = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        if not (compose or groups or keyed):
            return
        strict = self.get_option("strict")
        for host in made.hosts:
            one = self.inventory.hosts[host.name]
            known = {**get_group_vars(one.get_groups()), **one.get_vars()}
            self._set_composite_vars(compose, known, host.name, strict=strict)
            self._add_host_to_composed_groups(groups, known, host.name, strict=strict)
            self._add_host_to_keyed_groups(keyed, known, host.name, strict=strict)
