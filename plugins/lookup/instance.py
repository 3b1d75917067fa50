# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's row of an EC2 instance type."""

from __future__ import annotations

DOCUMENTATION = r"""
name: instance
short_description: The catalogue's row of an EC2 instance type
version_added: 0.1.0
author: awsome.training contributors
description:
  - Looks instance types up in C(catalog/instances.yml). The C(ml.) that SageMaker puts in front is accepted.
extends_documentation_fragment: [awsome.training.lookup.names]
"""

EXAMPLES = r"""
- name: Say how many accelerators a node has
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.instance', 'p5.48xlarge').accelerator.count }}"
"""

RETURN = r"""
_raw:
  description: One row for each type.
  type: list
  elements: dict
  contains:
    instance_type:
      description: The type, without C(ml.).
      type: str
    arch:
      description: V(x86_64) or V(aarch64).
      type: str
    vcpus:
      description: Sockets times cores times threads.
      type: int
    sockets:
      description: Processor sockets.
      type: int
    cores:
      description: Cores in each socket.
      type: int
    threads:
      description: Threads in each core.
      type: int
    memory_mib:
      description: The memory of the instance.
      type: int
    accelerator:
      description: >-
        What computes: C(kind) (V(nvidia) or V(neuron)), C(model), C(count), C(memory_mib) and C(bf16_tflops) of each,
        and C(nvlink); null on a CPU type.
      type: dict
    efa_interfaces:
      description: How many EFA interfaces it takes at most; 0 without EFA.
      type: int
    network_cards:
      description: How many network cards it has.
      type: int
    local_nvme:
      description: C(count) and C(size_gb) of its local disks; null without any.
      type: dict
    fabric:
      description: The class of its network between nodes; null without EFA.
      type: str
    unverified:
      description: Which of these fields no source confirms.
      type: list
      elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        return answer(terms, lambda catalog, name: catalog.instance(name))
