# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters that fold the answers of node_check into one result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._health import result


def check_result(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, Any]:
    """Fold what the verify doors found on hosts; a host that answered nothing is told as not checked."""
    facts = {host: dict(hostvars[host].get("ansible_facts", {})) for host in hosts}
    answers = result.collect(facts)
    answered = {answer["host"] for answer in answers}
    return result.summarise(answers, [host for host in facts if host not in answered])


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"check_result": check_result, "check_sentences": result.sentences}
