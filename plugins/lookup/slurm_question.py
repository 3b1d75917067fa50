# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The shell script by which role slurm asks a node about its Slurm and its hardware."""

from __future__ import annotations

DOCUMENTATION = r"""
name: slurm_question
short_description: The shell script by which role slurm asks a node about its Slurm and its hardware
version_added: 0.1.0
author: awsome.training contributors
description:
  - Gives one script, so that a node is asked everything in one call. It changes nothing; what is missing leaves a gap.
  - The filter P(awsome.training.slurm_answer#filter) reads what it prints.
extends_documentation_fragment: [awsome.training.lookup.nothing]
options:
  bin:
    description: The directories of Slurm's programs, with colons between them.
    type: str
    required: true
  directory:
    description: Slurm's configuration directory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Ask a node
  ansible.builtin.command:
    argv: [sh, -c, "{{ lookup('awsome.training.slurm_question', bin='/usr/sbin', directory='/etc/slurm') }}"]
  changed_when: false
"""

RETURN = r"""
_raw:
  description: The script.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._slurm.probe import script


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        return [script(self.get_option("bin"), self.get_option("directory"))]
