# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""All roles of all profiles, in one order."""

from __future__ import annotations

DOCUMENTATION = r"""
name: walk_order
short_description: All roles of all profiles, in one order
version_added: 0.1.0
author: awsome.training contributors
description:
  - Merges the role lists of C(catalog/profiles.yml) into the one order that agrees with each of them.
  - Takes no terms. Use C(query), which always gives a list.
extends_documentation_fragment: [awsome.training.lookup.nothing]
"""

EXAMPLES = r"""
- name: Show the order in which a door is walked
  ansible.builtin.debug:
    msg: "{{ query('awsome.training.walk_order') }}"
"""

RETURN = r"""
_raw:
  description: Names of roles.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        orders: list[list[str]] = answer([""], lambda catalog, _: list(catalog.walk_order))
        return orders[0]
