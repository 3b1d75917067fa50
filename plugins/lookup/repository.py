# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The catalogue's record of a vendor's package repository."""

from __future__ import annotations

DOCUMENTATION = r"""
name: repository
short_description: The catalogue's record of a vendor's package repository
version_added: 0.2.0
author: awsome.training contributors
description:
  - >-
    Looks repositories up in C(catalog/repositories.yml), and settles each one for the host's platform and architecture.
    The module M(awsome.training.packages) takes the answer as it is.
  - Rocky Linux, AlmaLinux, CentOS Stream and Oracle Linux count as Red Hat Enterprise Linux of the same major version.
extends_documentation_fragment: [awsome.training.lookup.names]
options:
  platform:
    description:
      - A platform of the catalogue.
      - Without it, the one that the host's facts name is used; they need the subset V(min).
    type: str
  arch:
    description:
      - The architecture, as the kernel names it (V(x86_64) or V(aarch64)).
      - Without it, the architecture among the host's facts is used.
    type: str
  mirror_url:
    description: A mirror of the vendors' repositories and keys, each as C(MIRROR/HOST/PATH) of the vendor's URL.
    type: str
    default: ""
    vars:
      - name: repository_mirror_url
"""

EXAMPLES = r"""
- name: Install a vendor's package
  awsome.training.packages:
    name: [docker-ce]
    repository: "{{ lookup('awsome.training.repository', 'docker') }}"
"""

RETURN = r"""
_raw:
  description: One record for each name.
  type: list
  elements: dict
  contains:
    name:
      description: The repository.
      type: str
    type:
      description: The package manager that reads it, V(apt) or V(dnf).
      type: str
    url:
      description: Its address, on the mirror where there is one.
      type: str
    suite:
      description: For apt, the suite; V(/) is a flat repository.
      type: str
    components:
      description: For apt, the components of the suite.
      type: list
      elements: str
    arch:
      description: The architecture, in the package manager's word.
      type: str
    key_url:
      description: Where the key is fetched that signs it.
      type: str
    fingerprint:
      description: The key's fingerprint, 40 hexadecimal digits.
      type: str
    repo_gpgcheck:
      description: For dnf, whether the vendor signs the index as well.
      type: bool
    description:
      description: What it holds.
      type: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        facts = (variables or {}).get("ansible_facts") or {}
        # Ansible hands an option that comes from a variable over as it was written.
        mirror = self._templar.template(self.get_option("mirror_url") or "")
        platform = self.get_option("platform")
        arch = self.get_option("arch") or facts.get("architecture")
        missing = (
            [] if platform else [name for name in ("distribution", "distribution_major_version") if name not in facts]
        )
        missing += [] if arch else ["architecture"]
        if missing:
            raise AnsibleLookupError(
                f"repository: the host has no fact {', '.join(missing)}; gather the subset 'min' first."
            )

        def ask(catalog: Catalog, name: str) -> Any:
            system = platform or catalog.platform_of(facts["distribution"], facts["distribution_major_version"])
            return catalog.repository(name, system, str(arch), mirror)

        return answer(terms, ask)
