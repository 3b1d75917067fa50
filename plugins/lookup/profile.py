# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's record of a node profile."""

from __future__ import annotations

DOCUMENTATION = r"""
name: profile
short_description: The catalogue's record of a node profile
version_added: 0.1.0
author: awsome.training contributors
description:
  - Looks node profiles up in C(catalog/profiles.yml).
extends_documentation_fragment: [awsome.training.lookup.names]
"""

EXAMPLES = r"""
- name: List the roles of this node
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.profile', node_profile).roles }}"
"""

RETURN = r"""
_raw:
  description: One record for each name.
  type: list
  elements: dict
  contains:
    name:
      description: The profile.
      type: str
    description:
      description: What such a node does.
      type: str
    roles:
      description: The roles that it is made of, in order.
      type: list
      elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        return answer(terms, lambda catalog, name: catalog.profile(name))
