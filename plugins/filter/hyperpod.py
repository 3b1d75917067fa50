# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters that turn role hyperpod's groups into what the nodes and SageMaker are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import render


def hyperpod_parameters(groups: Iterable[Mapping[str, Any]], **shared: Any) -> dict[str, Any]:
    try:
        return render.parameters(groups, shared)
    except render.RenderError as error:
        raise AnsibleFilterError(str(error)) from error


def hyperpod_options(groups: Iterable[Mapping[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    return render.cluster(groups, asked)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hyperpod_parameters": hyperpod_parameters, "hyperpod_options": hyperpod_options}
