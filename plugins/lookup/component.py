# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's record of a third-party release."""

from __future__ import annotations

DOCUMENTATION = r"""
name: component
short_description: The catalogue's record of a third-party release
version_added: 0.1.0
author: awsome.training contributors
description:
  - Looks components up in C(catalog/components.yml), and settles each one's URL and checksum for one architecture.
extends_documentation_fragment: [awsome.training.lookup.names]
options:
  arch:
    description:
      - The architecture, as the kernel names it (V(x86_64) or V(aarch64)).
      - Without it, the architecture among the host's facts is used.
      - A component that is the same everywhere needs neither.
    type: str
"""

EXAMPLES = r"""
- name: Say which Slurm the catalogue pins
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.component', 'slurm').version }}"
"""

RETURN = r"""
_raw:
  description: One record for each name.
  type: list
  elements: dict
  contains:
    name:
      description: The component.
      type: str
    version:
      description: Its release.
      type: str
    url:
      description: Where it is fetched from.
      type: str
    sha256:
      description: Its checksum for the architecture, or V(unverified) where none is known.
      type: str
    source:
      description: Where the version and the checksum were read.
      type: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        arch = self.get_option("arch") or ((variables or {}).get("ansible_facts") or {}).get("architecture")
        return answer(terms, lambda catalog, name: catalog.component(name, arch))
