# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The vars files of a role that apply to the host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: platform_vars
short_description: The vars files of a role that apply to the host
version_added: 0.1.0
author: awsome.training contributors
description:
  - >-
    Lists those of C(vars/FAMILY.yml), C(vars/DISTRIBUTION.yml) and C(vars/DISTRIBUTION_MAJOR.yml) that exist in a role,
    in this order and in lower case, so that loading them one after the other lets the particular win over the general.
  - Needs the facts of the subset V(min). Use C(query), which always gives a list.
options:
  _terms:
    description: Paths of roles, as a rule C(role_path).
    required: true
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Load what differs on this platform
  ansible.builtin.include_vars: "{{ item }}"
  loop: "{{ query('awsome.training.platform_vars', role_path) }}"
"""

RETURN = r"""
_raw:
  description: Paths of files.
  type: list
  elements: path
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._catalog import vars_files

FACTS = ("os_family", "distribution", "distribution_major_version")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        facts = (variables or {}).get("ansible_facts") or {}
        missing = [name for name in FACTS if name not in facts]
        if missing:
            raise AnsibleLookupError(
                f"platform_vars: the host has no fact {', '.join(missing)}; gather the subset 'min' first."
            )
        system = [str(facts[name]) for name in FACTS]
        return [str(path) for term in terms for path in vars_files(Path(term), *system)]
