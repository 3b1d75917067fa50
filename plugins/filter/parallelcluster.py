# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""The configuration of a cluster of AWS ParallelCluster."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import rules, shape


def parallelcluster_configuration(options: dict[str, Any]) -> dict[str, Any]:
    """Render the options of role parallelcluster, which must hold."""
    record = _catalog.load().instance
    if found := rules.faults(options, record):
        raise AnsibleFilterError("\n".join(found))
    return shape.configuration(options, record)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"parallelcluster_configuration": parallelcluster_configuration}
