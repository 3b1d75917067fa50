# Private to awsome.training: its API may change without notice.
"""Asking vendors' servers: with pauses between attempts, and an end to them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable
from urllib.error import HTTPError

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _artifact_files as files
from ansible_collections.awsome.training.plugins.module_utils._mirror.store import Store
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError, host


class NotThere(MirrorError):
    """The server answers, and has no such file."""


@dataclass(frozen=True)
class Net:
    opener: Callable[..., Any]  # a URL and perhaps a method to an open answer, as urllib gives it
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep

    def file(self, url: str, target: Path, label: str) -> str:
        """Fetch a file whole and return its sha256."""
        trouble = ""
        for pause in artifact.pauses(self.attempts):
            self.sleep(pause)
            try:
                return files.download(artifact.Wanted(label, (url,)), url, target, self.opener)
            except FileNotFoundError as error:
                raise _not_there(label, url, str(error)) from None
            except files.Trouble as error:
                trouble = str(error)
        noun = "attempt" if self.attempts == 1 else "attempts"
        raise MirrorError(
            f"{label}: {url} could not be fetched in {self.attempts} {noun}: {trouble}; check the way to {host(url)} "
            f"and run again, what is there already is kept."
        )

    def bytes(self, url: str, store: Store, label: str) -> bytes:
        with store.scratch() as file:
            self.file(url, file, label)
            return file.read_bytes()

    def size(self, url: str, label: str) -> int | None:
        """The size of a file, without fetching it; None where the server does not tell."""
        trouble = ""
        for pause in artifact.pauses(self.attempts):
            self.sleep(pause)
            try:
                with self.opener(url, method="HEAD") as answer:
                    told = answer.headers.get("Content-Length")
                    return int(told) if told else None
            except HTTPError as error:
                if error.code in (404, 410):
                    raise _not_there(label, url, f"HTTP {error.code}") from None
                if error.code in (401, 403, 405, 501):
                    return None
                trouble = f"HTTP {error.code}"
            except (OSError, ValueError) as error:
                trouble = str(getattr(error, "reason", error))
        raise MirrorError(f"{label}: {url} does not answer: {trouble}; check the way to {host(url)} and run again.")


def _not_there(label: str, url: str, trouble: str) -> NotThere:
    return NotThere(
        f"{label}: {url} is not there ({trouble}); the catalogue's record is wrong, or the vendor withdrew it."
    )
