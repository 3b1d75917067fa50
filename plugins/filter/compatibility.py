# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters that judge versions by the catalogue's compatibility rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils import _audit as auditing
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils import _compatibility as rules


def compatibility(
    components: Mapping[str, Any],
    platform: str = "",
    instance_types: Iterable[str] = (),
    gpu_models: Iterable[str] | None = None,
) -> list[dict[str, str]]:
    """What every rule that is about these components says of them."""
    try:
        return auditing.judged(_catalog.load(), components, platform, instance_types, gpu_models)
    except (_catalog.CatalogError, rules.CompatibilityError) as error:
        raise AnsibleFilterError(f"compatibility: {error}") from error


def audit(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, Any]:
    """Compare what playbooks/audit.yml found on hosts."""
    found, silent = {}, []
    for host in hosts:
        facts = hostvars[host].get("audit_facts")
        if facts:
            found[facts["name"]] = facts
        else:
            silent.append(host)
    try:
        return auditing.audit(_catalog.load(), found, silent)
    except (_catalog.CatalogError, rules.CompatibilityError) as error:
        raise AnsibleFilterError(f"audit: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "compatibility": compatibility,
            "compatibility_sentences": rules.told,
            "audit": audit,
            "audit_table": auditing.told,
        }
