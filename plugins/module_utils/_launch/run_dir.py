# Private to awsome.training: its API may change without notice.
"""Read and write a run directory."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, parse_events

METRICS = "metrics.jsonl"
WHOLE_BYTES = 16 * 2**20
TAIL_BYTES = 2**20


def read_run(run_dir: str) -> Run:
    return Run.of(parse_events(_read(Path(run_dir, METRICS))))


def read_log(run_dir: str, job_id: int) -> list[str]:
    return _read(Path(run_dir, f"slurm-{job_id}.out")).splitlines()


def write(path: str, text: str) -> bool:
    """Write a file whole or not at all; False when it was right already."""
    file = Path(path)
    if file.exists() and file.read_text() == text:
        return False
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(file)
    return True


def _read(path: Path) -> str:
    """A file, or of one that is very long its beginning and its end."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(min(size, WHOLE_BYTES))
        if size > WHOLE_BYTES:
            stream.seek(max(WHOLE_BYTES, size - TAIL_BYTES))
            data += b"\n" + stream.read()
    return data.decode(errors="replace")
