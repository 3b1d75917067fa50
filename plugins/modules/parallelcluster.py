#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Create, update and delete a cluster of AWS ParallelCluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: parallelcluster
short_description: Create, update and delete a cluster of AWS ParallelCluster
version_added: 0.3.0
author: awsome.training contributors
description:
  - >-
    Judges the configuration by ParallelCluster's own schema and validators and lists every fault at once; then creates
    the cluster, or updates it by ParallelCluster's own rules, and waits until CloudFormation has finished.
  - >-
    What fails is explained: the events of CloudFormation that began it, the failure as ParallelCluster tells it, and
    where the nodes' logs are.
  - >-
    A cluster whose creation had failed is deleted before it is created again. One that something else is changing is
    waited for.
  - >-
    An update is possible only with the version of ParallelCluster that created the cluster; ParallelCluster refuses
    others.
requirements:
  - aws-parallelcluster and Node.js, where O(python) runs
options:
  name:
    description: The cluster's name, which is its CloudFormation stack's, too.
    type: str
    required: true
  state:
    description: V(present) creates or updates it, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  configuration:
    description: The cluster configuration as ParallelCluster reads it. Required with O(state=present).
    type: dict
  python:
    description: The Python in which aws-parallelcluster is installed. Unset, the one that runs this module.
    type: path
  fleet_stop_allowed:
    description: >-
      Whether the compute fleet may be stopped for changes that need it, and started afterwards. Running jobs end then.
      Without it, such changes are refused, each with ParallelCluster's reason.
    type: bool
    default: false
  rollback_on_failure:
    description: Whether CloudFormation removes what a failed creation made. V(false) leaves the head node to look at.
    type: bool
    default: true
  suppress_validators:
    description: Validators of ParallelCluster to leave out, as C(type:NAME), or V(ALL).
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long to wait for each step at most. What CloudFormation does goes on after that.
    type: int
    default: 5400
  poll_seconds:
    description: How long to wait before the second look at a step; later looks come more rarely.
    type: float
    default: 10
attributes:
  check_mode:
    description: Tells what would be done, with every change of an update, and changes nothing.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Have the cluster
  awsome.training.parallelcluster:
    name: train
    region: us-east-1
    python: /opt/parallelcluster/bin/python
    configuration: "{{ lookup('ansible.builtin.file', 'cluster.yml') | from_yaml }}"

- name: Delete it
  awsome.training.parallelcluster: {name: train, region: us-east-1, state: absent}
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: always
  type: list
  elements: str
  sample: [stop_fleet, update, start_fleet]
changes:
  description: The parameters that an update changes, each with its value now and then.
  returned: always
  type: list
  elements: str
fleet_stops:
  description: The changes for which the compute fleet must be stopped, in ParallelCluster's words.
  returned: always
  type: list
  elements: str
progress:
  description: When each status was seen first.
  returned: always
  type: list
  elements: str
cluster:
  description: What ParallelCluster tells of the cluster; empty where there is none.
  returned: success
  type: dict
"""

import re
import sys
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import api, cluster, plan, wait

Result = dict[str, Any]


def described(seen: dict[str, Any] | None) -> Result:
    """snake_case, without the signed URL of the configuration: it is a secret for an hour, and never the same twice."""

    def words(value: Any) -> Any:
        if isinstance(value, dict):
            return {re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(): words(one) for key, one in value.items()}
        return [words(one) for one in value] if isinstance(value, list) else value

    told: Result = words(seen or {})
    told.pop("cluster_configuration", None)
    return told


def run(module: AnsibleAWSModule, package: api.Package, result: Result) -> Result:
    params = module.params
    wanted = params["configuration"] or {}

    def note(line: str) -> None:
        result["progress"].append(line)
        module.log(f"{params['name']}: {line}")

    if params["state"] == "present" and (faults := package.faults(wanted)):
        raise cluster.ClusterError("\n".join([f"The configuration of {params['name']} does not hold:", *faults]))
    there = cluster.Cluster(
        package,
        seconds=params["timeout_seconds"],
        poll=params["poll_seconds"],
        rollback=params["rollback_on_failure"],
        suppressed=params["suppress_validators"],
        note=note,
    )
    seen = there.seen(waiting=not module.check_mode)
    todo: plan.Plan = there.plan(params["state"], wanted, seen, params["fleet_stop_allowed"], module.check_mode)
    result.update(actions=list(todo.actions), changes=list(todo.update.changes), fleet_stops=list(todo.update.fleet))
    for warning in todo.warnings:
        module.warn(warning)
    if todo.faults:
        raise cluster.ClusterError("\n".join([f"{params['name']} cannot be updated:", *todo.faults]))
    if todo.actions and not module.check_mode:
        there.carry_out(todo.actions, wanted)
        seen = package.describe()
    return {"changed": bool(todo.actions), "cluster": described(seen)}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "configuration": {"type": "dict"},
            "python": {"type": "path"},
            "fleet_stop_allowed": {"type": "bool", "default": False},
            "rollback_on_failure": {"type": "bool", "default": True},
            "suppress_validators": {"type": "list", "elements": "str", "default": []},
            "timeout_seconds": {"type": "int", "default": 5400},
            "poll_seconds": {"type": "float", "default": 10},
        },
        required_if=[("state", "present", ["configuration"])],
        supports_check_mode=True,
    )
    result: Result = {"actions": [], "changes": [], "fleet_stops": [], "progress": []}
    params = module.params
    package = api.Package(params["python"] or sys.executable, params["name"], module.region, api.environment(params))
    try:
        told = run(module, package, result)
        package.close()
        module.exit_json(**result, **told)
    except (api.PackageError, cluster.ClusterError, wait.WaitError) as error:
        package.close()
        module.fail_json(msg=f"parallelcluster: {error}", **result)


if __name__ == "__main__":
    main()
