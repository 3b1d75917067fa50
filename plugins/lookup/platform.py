# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's row of an operating system."""

from __future__ import annotations

DOCUMENTATION = r"""
name: platform
short_description: The catalogue's row of an operating system
version_added: 0.1.0
author: awsome.training contributors
description:
  - Looks operating systems up in C(catalog/platforms.yml).
extends_documentation_fragment: [awsome.training.lookup.names]
"""

EXAMPLES = r"""
- name: Say which Debian suite a lab node is built from
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.platform', 'debian12').suite }}"
"""

RETURN = r"""
_raw:
  description: One row for each name.
  type: list
  elements: dict
  contains:
    name:
      description: The platform.
      type: str
    family:
      description: Ansible's C(os_family), in lower case.
      type: str
    distribution:
      description: Ansible's C(distribution), in lower case.
      type: str
    major:
      description: Its major version.
      type: str
    user:
      description: The login of the vendor's image on EC2.
      type: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        return answer(terms, lambda catalog, name: catalog.platform(name))
