# Private to awsome.training: its API may change without notice.
"""Build a Python environment once, whole or not at all, however many nodes ask for it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MARKER = ".complete"  # the last file of an environment: without it the environment is a ruin
LOG = "build.log"


class EnvError(RuntimeError):
    """The environment cannot be built; told in one sentence and the builder's last lines."""


def key(requirements: str, python_version: str) -> str:
    """Same lock, same Python, same architecture: same environment."""
    words = "\n".join(line for line in requirements.splitlines() if line.strip() and not line.startswith("#"))
    return hashlib.sha256(f"{words}\n{python_version} {platform.machine()}".encode()).hexdigest()[:12]


def is_complete(path: Path) -> bool:
    return (path / MARKER).exists() and (path / "bin" / "python").exists()


@contextlib.contextmanager
def locked(path: Path, timeout_seconds: float, pause: float = 1.0) -> Iterator[None]:
    """Hold a lock that other nodes see, too, where the shared file system keeps POSIX locks."""
    with path.open("a") as stream:
        end = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise EnvError(f"another node still builds after {timeout_seconds:.0f} s (lock {path}).") from None
                time.sleep(pause)
            except OSError as error:
                raise EnvError(
                    f"{path} cannot be locked ({error.strerror}): mount the shared file system with locks."
                ) from error
        yield


def build(path: Path, python: str, requirements: str, wheelhouse: Path | None, timeout_seconds: float) -> None:
    """Build in place, since an environment holds its own path, and mark it when it is whole."""
    shutil.rmtree(path, ignore_errors=True)
    _run([python, "-m", "venv", str(path)], path, timeout_seconds, "its venv module is missing or broken")
    lock = path / "requirements.txt"
    lock.write_text(requirements)
    where = ["--no-index", "--find-links", str(wheelhouse)] if wheelhouse else []
    pip = [str(path / "bin" / "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    source = f"the wheelhouse {wheelhouse} lacks something" if wheelhouse else "this node's pip cannot get everything"
    _run([*pip, *where, "--requirement", str(lock)], path, timeout_seconds, source)
    (path / MARKER).write_text(f"{python}\n")


def wheels(wheelhouse: str) -> Path | None:
    """The directory, if it holds any wheel; an empty one means that there is none."""
    path = Path(wheelhouse) if wheelhouse else None
    return path if path and path.is_dir() and any(path.glob("*.whl")) else None


def _run(argv: Sequence[str], path: Path, timeout_seconds: float, likely: str) -> None:
    try:
        done = subprocess.run(
            list(argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvError(
            f"{' '.join(argv[:4])} did not end within {timeout_seconds:.0f} s; {path} stays half built."
        ) from error
    except OSError as error:
        raise EnvError(f"{argv[0]} cannot be run: {error.strerror}.") from error
    if path.is_dir():
        with (path / LOG).open("a") as log:
            log.write(done.stdout)
    if done.returncode != 0:
        last = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-6:])
        raise EnvError(
            f"{path} cannot be built, {likely}: '{' '.join(argv[:4])}' exited with {done.returncode}:\n{last}"
        )
