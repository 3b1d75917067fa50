# Private to awsome.training: its API may change without notice.
"""Bringing a node's packages to what is wanted, on the node: repository, index, installation and hold in one go."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _artifact_files as artifacts
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages
from ansible_collections.awsome.training.plugins.module_utils import _repository_files as files
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository, RepositoryError

# The scripts of Debian's packages ask this program whether they may start a daemon; 101 says no.
POLICY_PATH, POLICY = Path("/usr/sbin/policy-rc.d"), "#!/bin/sh\n# Written by awsome.training\nexit 101\n"
# What apt touches when it has read its indexes, the first that there is.
STAMPS = (Path("/var/lib/apt/periodic/update-success-stamp"), Path("/var/lib/apt/lists"))
LOCK_POLL_SECONDS = 1.0


@dataclass
class Wanted:
    """The module's options."""

    manager: str
    names: list[str]
    repository: Repository | None = None
    files: dict[str, str] = field(default_factory=dict)
    hold: bool = False
    recommends: bool = False
    lock_timeout_seconds: int = 600
    cache_valid_seconds: int = 86400
    attempts: int = 3


@dataclass
class Node:
    """How the node is reached: the tests give one of their own."""

    run: artifacts.Runner = artifacts.run_command
    opener: artifacts.Opener = open
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    root: Path = Path("/")
    warnings: list[str] = field(default_factory=list)


def converge(wanted: Wanted, node: Node, *, check: bool = False) -> dict[str, Any]:
    """Bring the node to what is wanted, and say what that took."""
    return _Run(wanted, node).converge(check)


class _Run:
    def __init__(self, wanted: Wanted, node: Node) -> None:
        self.wanted, self.node, self.manager = wanted, node, wanted.manager

    def converge(self, check: bool) -> dict[str, Any]:
        wanted, seen = self.wanted, self.ask()
        plan = packages.plan(self.manager, wanted.names, wanted.repository, seen, hold=wanted.hold)
        if check or not plan["changed"]:
            return plan
        missing = plan["missing"]
        if missing and self.manager == "apt" and self.is_old():
            self.refresh()
        if plan["repository_changed"] and wanted.repository:
            self.lay(wanted.repository)
        if missing:
            self.replace(seen, missing)
            seen = self.ask()
            left = packages.missing(wanted.names, seen)
            if left:
                raise packages.PackageError(
                    f"packages: the package manager succeeded, and yet {', '.join(left)} is not installed; look for "
                    f"what else this node installs or pins."
                )
        if wanted.hold:
            self.hold(seen)
        return plan

    def ask(self) -> packages.Answer:
        question = packages.question(self.manager, self.wanted.names, self.wanted.repository, hold=self.wanted.hold)
        return packages.read(self.node.run(["sh", "-c", question])[1])

    def call(self, command: list[str]) -> tuple[int, str]:
        """Run a command that needs the manager's lock: the one place that waits for it."""
        deadline = self.node.clock() + self.wanted.lock_timeout_seconds
        while True:
            code, output = self.node.run(command)
            # apt succeeds with a warning when it could not fetch an index.
            if code == 0 and "Failed to fetch" not in output:
                return 0, ""
            message = packages.told(output) or " ".join(output.split())[-600:]
            if not packages.is_locked(message):
                return code or 1, message
            if self.node.clock() > deadline:
                raise packages.PackageError(packages.lock_trouble(message, self.wanted.lock_timeout_seconds))
            self.node.sleep(LOCK_POLL_SECONDS)

    def is_old(self) -> bool:
        stamps = (self.node.root / str(path).lstrip("/") for path in STAMPS)
        read = next((path.stat().st_mtime for path in stamps if path.exists()), 0.0)
        return time.time() - read > self.wanted.cache_valid_seconds

    def refresh(self) -> None:
        """Read the indexes of all repositories. One that is away need not be the one that is asked."""
        if self.manager == "apt":
            code, message = self.call(["apt-get", "-q", "update"])
            if code != 0:
                self.node.warnings.append(f"packages: an index cannot be read: {message}")

    def lay(self, repository: Repository) -> None:
        """Lay a repository's key and source file, and read its index and no other's."""
        key = files.fetch_key(repository, self.wanted.attempts, self.node.opener)
        pauses = artifact.pauses(self.wanted.attempts)[1:]
        with files.laid(repository, key, self.node.root):
            while True:
                code, message = self.call(files.refresh_command(repository))
                if code == 0:
                    return
                if not pauses or files.is_final(message):
                    raise RepositoryError(
                        f"{repository.label}: the index at {repository.url} cannot be used: {message}; the node is as "
                        f"it was. Check the address and the key, or set repository_mirror_url."
                    )
                self.node.sleep(pauses.pop(0))

    def replace(self, seen: packages.Answer, missing: list[str]) -> None:
        """Install; a lock on the old version hides the new one from dnf, so it goes, and comes back if that fails."""
        locks = packages.unlocked(seen.locks, missing)
        if locks == seen.locks:
            return self.install(missing)
        self.write_locks(locks)
        try:
            return self.install(missing)
        except packages.PackageError:
            self.write_locks(seen.locks)
            raise

    def install(self, names: list[str]) -> None:
        """Try; refresh an index that knows too little, finish what an earlier run left undone, wait for a network."""
        pauses, attempts, refresh, mended = packages.pauses(self.wanted.attempts), 0, False, False
        while True:
            attempts += 1
            code, message = self.try_to_install(names, refresh)
            if code == 0:
                return
            if packages.is_stale_index(message):
                if refresh:
                    asked = [name for name in names if packages.split(name)[0] not in self.wanted.files]
                    said = packages.not_there(asked, self.wanted.repository, self.available(asked))
                    raise packages.PackageError(said or packages.trouble(names, message, 1))
            elif packages.is_half_done(message) and self.manager == "apt" and not mended:
                self.node.warnings.append(f"packages: finished what an earlier run left half done: {message}")
                with starting_nothing(self.node.root):
                    self.node.run(["sh", "-c", packages.MEND])
                mended = True
            elif packages.is_final(message) or not pauses:
                raise packages.PackageError(packages.trouble(names, message, attempts))
            else:
                pause = pauses.pop(0)
                self.node.warnings.append(f"packages: {message}; tried again after {pause:g} s")
                self.node.sleep(pause)
            refresh = True
            self.refresh()

    def try_to_install(self, names: list[str], refresh: bool) -> tuple[int, str]:
        # apt understands a pattern at the end of a version only.
        files = self.wanted.files
        patterns = [name for name in names if packages.is_pattern(name) and packages.split(name)[0] not in files]
        exact = packages.settled(names, self.available(patterns)) if self.manager == "apt" and patterns else names
        recommends = self.wanted.recommends
        command = packages.install_command(self.manager, exact, recommends=recommends, refresh=refresh, files=files)
        with starting_nothing(self.node.root) if self.manager == "apt" else contextlib.nullcontext():
            return self.call(command)

    def available(self, names: list[str]) -> dict[str, list[str]]:
        command = packages.available_command(self.manager, names)
        return packages.available(self.manager, self.node.run(["sh", "-c", command])[1])

    def hold(self, seen: packages.Answer) -> None:
        loose = packages.unheld(self.manager, self.wanted.names, seen)
        if not loose:
            return
        if self.manager == "dnf":
            if not seen.lock_plugin:
                self.install([packages.LOCK_PACKAGE])
            self.write_locks(packages.locked(self.wanted.names, seen))
            return
        code, message = self.call(["apt-mark", "hold", *loose])
        if code != 0:
            raise packages.PackageError(f"packages: {', '.join(loose)} cannot be held: {message}")

    def write_locks(self, text: str) -> None:
        new, old = shlex.quote(f"{packages.LOCKS}.new"), shlex.quote(packages.LOCKS)
        command = f"umask 022; printf %s {shlex.quote(text)} > {new} && mv {new} {old}"
        code, output = self.node.run(["sh", "-c", command])
        if code != 0:
            raise packages.PackageError(f"packages: {packages.LOCKS} cannot be written: {' '.join(output.split())}")


@contextlib.contextmanager
def starting_nothing(root: Path = Path("/")) -> Iterator[None]:
    """Forbid packages to start what they bring. A policy of the node's own comes back, if need be by the next run."""
    path = root / str(POLICY_PATH).lstrip("/")
    kept = path.with_name(f"{path.name}.awsome")
    if path.exists() and path.read_text(errors="replace") != POLICY:
        path.replace(kept)
    path.write_text(POLICY)
    path.chmod(0o755)
    try:
        yield
    finally:
        if kept.exists():
            kept.replace(path)
        else:
            path.unlink()
