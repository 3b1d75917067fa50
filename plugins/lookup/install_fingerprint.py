# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""What an image of a profile is made of, as one word."""

from __future__ import annotations

DOCUMENTATION = r"""
name: install_fingerprint
short_description: What an image of a profile is made of, as one word
version_added: 0.1.0
author: awsome.training contributors
description:
  - A digest of everything that the install door of a profile's roles reads in this collection.
  - Two equal answers mean that an image baked then need not be baked again.
extends_documentation_fragment: [awsome.training.lookup.names]
"""

EXAMPLES = r"""
- name: Name an image after what it is made of
  ansible.builtin.debug:
    msg: "compute-{{ lookup('awsome.training.install_fingerprint', 'compute') }}"
"""

RETURN = r"""
_raw:
  description: One digest for each profile.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.awsome.training.plugins.module_utils._lab.fingerprint import install_fingerprint
from ansible_collections.awsome.training.plugins.plugin_utils.catalog_lookup import answer

ROOT = Path(__file__).resolve().parents[2]


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        return answer(terms, lambda catalog, name: install_fingerprint(ROOT, catalog.profile(name)["roles"]))
