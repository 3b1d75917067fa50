# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's compatibility rules, and what they ask of a host besides its versions."""

from __future__ import annotations

DOCUMENTATION = r"""
name: compatibility_rules
short_description: The catalogue's compatibility rules, and what they ask of a host besides its versions
version_added: 0.2.0
author: awsome.training contributors
description:
  - Gives what M(awsome.training.component_versions) takes to judge what is installed on a host.
extends_documentation_fragment: [awsome.training.lookup.nothing]
"""

EXAMPLES = r"""
- name: Compare what is installed with the rules
  awsome.training.component_versions:
    rules: "{{ asked.rules }}"
    platform: "{{ asked.platform }}"
    instance_types: "{{ asked.instance_types }}"
  vars:
    asked: "{{ lookup('awsome.training.compatibility_rules') }}"
"""

RETURN = r"""
_raw:
  description: One record.
  type: list
  elements: dict
  contains:
    rules:
      description: The rules of C(catalog/compatibility.yml).
      type: dict
    platform:
      description: The platform that the host's facts name; empty where the catalogue has none, or facts are missing.
      type: str
    instance_types:
      description: The host's C(instance_type), if it has one.
      type: list
      elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, CatalogError
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        facts = known.get("ansible_facts") or {}
        instance = self._templar.template(known.get("instance_type") or "")

        def ask(catalog: Catalog, _: str) -> dict[str, Any]:
            try:
                platform = catalog.platform_of(facts["distribution"], facts["distribution_major_version"])
            except (KeyError, CatalogError):
                platform = ""
            types = [instance] if instance else []
            return {"rules": catalog.compatibility, "platform": platform, "instance_types": types}

        return answer([""], ask)
