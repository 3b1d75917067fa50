# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Resolve a training run before anything is changed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: train_plan
short_description: Resolve a training run before anything is changed
version_added: 0.1.0
author: awsome.training contributors
description:
  - Reads the variables of C(playbooks/train.yml), the workload, the catalogue and the inventory, and settles
    everything that the playbook needs to know.
  - Whatever is wrong ends in one sentence. An option of the playbook that is misspelt on the command line is refused.
options:
  _terms:
    description: None are taken.
    required: false
"""

EXAMPLES = r"""
- name: Settle what is to be run
  ansible.builtin.set_fact:
    train_plan: "{{ lookup('awsome.training.train_plan') }}"
"""

RETURN = r"""
_raw:
  description: One plan.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load
from ansible_collections.awsome.training.plugins.module_utils._launch import plan
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        known = dict(variables or {})
        values = {name: self._templar.template(known[name]) for name in (*plan.OPTIONS, "shared_dir") if name in known}
        try:
            plan.check_names(load_extra_vars(self._loader), known)
            return [plan.resolve(values, known["groups"], known["hostvars"], load().instance, _read)]
        except (SpecError, CatalogError) as error:
            raise AnsibleLookupError(f"train: {error}") from error


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise SpecError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
