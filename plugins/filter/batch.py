# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Filters of role batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.batch import rules, template


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"batch_faults": rules.faults, "batch_template": template.render}
