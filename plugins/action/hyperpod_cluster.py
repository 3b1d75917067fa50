# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Show how far a HyperPod cluster is while the module waits for it; see plugins/modules/hyperpod_cluster.py."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


@contextlib.contextmanager
def shown(path: Path, every_seconds: float = 1) -> Iterator[None]:
    """Show each line that is added to a file."""
    done = threading.Event()

    def follow() -> None:
        with path.open() as stream:
            last = False
            while not last:
                last = done.wait(every_seconds)
                for line in stream.readlines():
                    display.display(line.rstrip("\n"))

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join(5)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        options = dict(self._task.args)
        # Elsewhere the module tells all of it at the end.
        here = self._connection.transport == "local" and not self._task.async_val and not options.get("progress_path")
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "progress"
            path.touch()
            with shown(path) if here else contextlib.nullcontext():
                if here:
                    options["progress_path"] = str(path)
                told: dict[str, Any] = self._execute_module(
                    module_args=options, task_vars=task_vars, wrap_async=self._task.async_val
                )
        return told
