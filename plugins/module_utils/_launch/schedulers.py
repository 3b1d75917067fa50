# Private to awsome.training: its API may change without notice.
"""Which schedulers there are: one row each. A further one is a renderer and a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils._launch import slurm
from ansible_collections.awsome.training.plugins.module_utils._launch.spec import Launch


@dataclass(frozen=True)
class Scheduler:
    """`render` turns a launch and the scheduler's own options into the text of `file`."""

    file: str
    parse_options: Callable[[Mapping[str, Any]], Any]
    render: Callable[[Launch, Any], str]


SCHEDULERS: dict[str, Scheduler] = {
    "slurm": Scheduler(slurm.FILE, slurm.parse_options, slurm.render),
}
