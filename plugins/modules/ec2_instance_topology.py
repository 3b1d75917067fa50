#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Ask EC2 where the instances of hosts are in its network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_instance_topology
short_description: Ask EC2 where the instances of hosts are in its network
version_added: 0.3.0
author: awsome.training contributors
description:
  - Turns EC2's DescribeInstanceTopology into the switches above each host and its block, as role slurm takes them, and
    into an order of ranks that keeps near hosts together.
  - What EC2 does not tell is never made up. If it tells nothing, RV(status) is V(not-checked) and the topology is flat;
    if it tells the place of some hosts only, the others hang on a switch of their own. RV(notes) says so in sentences.
  - It changes nothing.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
options:
  instances:
    description: The id of each host's instance, by the host's name.
    type: dict
    required: true
attributes:
  check_mode:
    description: It changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Ask where two hosts are
  awsome.training.ec2_instance_topology:
    region: us-west-2
    instances:
      gpu-1: i-0123456789abcdef0
      gpu-2: i-0fedcba9876543210
  register: topology

- name: Show the order in which ranks are near each other
  ansible.builtin.debug:
    var: topology.order
"""

RETURN = r"""
hosts:
  description: The variables of each host, by its name, as far as they are known.
  returned: success
  type: dict
  contains:
    slurm_node_switches:
      description: The switches above the host, from the root down. EC2's own names of its network nodes are kept.
      type: list
    slurm_node_block:
      description: The UltraServer that the host is part of, by its CapacityBlockId. Set for all hosts or for none.
      type: str
order:
  description: All hosts, so that those below one switch or of one UltraServer follow each other.
  returned: success
  type: list
status:
  description: V(pass), or V(not-checked) where EC2 told nothing.
  returned: success
  type: str
notes:
  description: What EC2 did not tell, and what follows.
  returned: success
  type: list
"""

import re
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.awsome.training.plugins.module_utils._aws.topology import api
from ansible_collections.awsome.training.plugins.module_utils._aws.topology.places import Found, places
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import compress


def faults(instances: dict[str, Any]) -> list[str]:
    bad = {host: one for host, one in instances.items() if not re.fullmatch(r"i-[0-9a-f]{8,17}", str(one or ""))}
    found = [
        f"instances: {host} has {one!r}, expected the id of an EC2 instance such as i-0123456789abcdef0; correct it."
        for host, one in bad.items()
        if one
    ]
    without = [host for host, one in bad.items() if not one]
    if without:
        found.append(
            f"instances: {compress(without)} has no id, expected that of an EC2 instance; "
            "set instance_id for these hosts, or take an inventory that does."
        )
    return found


def variables(found: Found) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for host, path in found.switches.items():
        made.setdefault(host, {})["slurm_node_switches"] = path
    for host, block in found.blocks.items():
        made.setdefault(host, {})["slurm_node_block"] = block
    return made


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"instances": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    instances = module.params["instances"]
    wrong = faults(instances)
    if wrong:
        module.fail_json(msg="\n".join(wrong))
    client = module.client("ec2", retry_decorator=AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=20))
    try:
        answers, unknown = api.describe(client, instances.values())
    except api.errors() as error:
        module.fail_json_aws(error, msg=f"ec2_instance_topology: EC2 does not answer{api.refused(error)}")
    found = places(instances, answers)
    if unknown:
        strangers = compress([host for host, one in instances.items() if one in unknown])
        found.notes.insert(
            0,
            f"EC2 does not know the instances of {strangers}; they are gone, or belong to another account or region.",
        )
    module.exit_json(changed=False, hosts=variables(found), order=found.order, status=found.status, notes=found.notes)


if __name__ == "__main__":
    main()
