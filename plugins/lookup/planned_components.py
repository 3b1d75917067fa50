# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The versions that a profile would install on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: planned_components
short_description: The versions that a profile would install on a host
version_added: 0.2.0
author: awsome.training contributors
description:
  - >-
    Gives every component that the roles of a profile would install, with its version: that of the host's variable
    C(<role>_release), else of the role's default. What comes along is told, too, such as the libfabric of an EFA
    installer.
  - Where the version is not the role's to choose, for instance the distribution's, it is null.
  - The host's kernel is among them where its facts tell it and it is no container.
extends_documentation_fragment: [awsome.training.lookup.names]
"""

EXAMPLES = r"""
- name: Say what would be installed
  ansible.builtin.debug:
    msg: "{{ lookup('awsome.training.planned_components', 'gpu') }}"
"""

RETURN = r"""
_raw:
  description: For each profile, versions by component.
  type: list
  elements: dict
"""

import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils import _pins as pins
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 trusts every string

    def trust_as_template(value: str) -> str:
        return value


ROLES = Path(__file__).parents[2] / "roles"
COMPONENT = re.compile(r"lookup\('awsome\.training\.component', '(\w+)'")


def trusted(value: Any) -> Any:
    """A role's own default, which may be a template."""
    return trust_as_template(value) if isinstance(value, str) else value


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        facts = known.get("ansible_facts") or {}

        def ask(catalog: Catalog, name: str) -> dict[str, str | None]:
            def value(variable: str, default: Any) -> Any:
                if variable in known:
                    return self._templar.template(known[variable])
                try:
                    return self._templar.template(trusted(default))
                except AnsibleError:
                    # Defaults that ask for facts which nobody gathered; of a release, its name is enough.
                    component = COMPONENT.search(str(default))
                    return catalog.components.get(component.group(1)) if component else None

            found = pins.planned(catalog, catalog.profile(name)["roles"], ROLES, value)
            virtual = facts.get("virtualization_tech_guest")
            if facts.get("kernel") and virtual is not None and "container" not in virtual:
                found["kernel"] = facts["kernel"]
            return found

        try:
            return answer(terms, ask)
        except pins.PinError as error:
            raise AnsibleLookupError(f"planned_components: {error}") from error
