# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Install packages without starting what they bring; see plugins/modules/packages.py for the documentation."""

from __future__ import annotations

import shlex
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository, RepositoryError, judge

display = Display()

ARGUMENTS = {
    "name": {"type": "list", "elements": "str", "required": True},
    "repository": {"type": "dict"},
    "hold": {"type": "bool", "default": False},
    "recommends": {"type": "bool", "default": False},
    "lock_timeout_seconds": {"type": "int", "default": 600},
    "cache_valid_seconds": {"type": "int", "default": 86400},
    "attempts": {"type": "int", "default": 3},
}


class Failure(Exception):
    """What ends the task; its text is the sentence."""


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, self.options = self.validate_argument_spec(ARGUMENTS)
        self.variables = task_vars or {}
        self.names: list[str] = self.options["name"]
        self.repository: Repository | None = None
        self.manager = self.variables.get("ansible_facts", {}).get("pkg_mgr")
        if self.manager is None:
            return _failed("packages: the node has no fact pkg_mgr; gather the subset 'min' first.")
        try:
            if self.options["repository"]:  # an empty one is none
                self.repository = judge(self.options["repository"], self.manager)
            return self._converge()
        except RepositoryError as error:
            return _failed(f"packages: {error}")
        except (packages.PackageError, Failure) as error:
            return _failed(str(error))

    def _converge(self) -> dict[str, Any]:
        # Most runs end here, after one cheap question: the archive's index is opened only when something is missing.
        seen = self._ask()
        missing = packages.missing(self.names, seen)
        loose = packages.unheld(self.manager, self.names, seen) if self.options["hold"] else []
        strange = bool(self.repository and not packages.repository_is_right(self.repository, seen))
        result = {"changed": bool(missing or loose or strange), "missing": missing, "repository_changed": strange}
        if not result["changed"] or self._task.check_mode:
            return result
        if strange:
            self._lay_repository()
        if missing:
            self._replace(seen, missing)
            seen = self._ask()
            left = packages.missing(self.names, seen)
            if left:
                raise Failure(
                    f"packages: the package manager succeeded, and yet {', '.join(left)} is not installed; look for "
                    f"what else this node installs or pins."
                )
        if self.options["hold"]:
            self._hold(seen)
        return result

    def _ask(self) -> packages.Answer:
        hold = self.options["hold"]
        answer = self._command(packages.question(self.manager, self.names, self.repository, hold=hold))
        return packages.read(answer["stdout"])

    def _command(self, command: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._low_level_execute_command(command)
        return answer

    def _module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(name, arguments, task_vars=self.variables)
        return result

    def _lay_repository(self) -> None:
        keys = ("repository", "lock_timeout_seconds", "attempts")
        done = self._module("awsome.training.package_repository", {key: self.options[key] for key in keys})
        if done.get("failed"):
            raise Failure(packages.said(done))

    def _install(self, names: list[str]) -> None:
        """Try; refresh an index that knows too little, finish what an earlier run left undone, wait for a network."""
        pauses = packages.pauses(self.options["attempts"])
        attempts, refresh, mended = 0, False, False
        while True:
            attempts += 1
            arguments = packages.arguments(self.manager, names, self.options, refresh=refresh)
            result = self._module(f"ansible.legacy.{self.manager}", arguments)
            if not result.get("failed"):
                return
            message = packages.said(result)
            if packages.is_locked(message):
                raise Failure(packages.lock_trouble(message, self.options["lock_timeout_seconds"]))
            if packages.is_stale_index(message):
                if refresh:
                    raise Failure(self._not_there(names, message))
            elif packages.is_half_done(message) and self.manager == "apt" and not mended:
                display.warning(f"packages: finishing what an earlier run left half done: {message}")
                self._command(packages.MEND)
                mended = True
            elif packages.is_final(message) or not pauses:
                raise Failure(packages.trouble(names, message, attempts))
            else:
                pause = pauses.pop(0)
                display.warning(f"packages: {message}; trying again in {pause:g} s")
                time.sleep(pause)
            refresh = True

    def _not_there(self, names: list[str], message: str) -> str:
        answer = self._command(packages.available_command(self.manager, names))
        has = packages.available(self.manager, answer["stdout"])
        return packages.not_there(names, self.repository, has) or packages.trouble(names, message, 1)

    def _replace(self, seen: packages.Answer, missing: list[str]) -> None:
        """Install; a lock on the old version hides the new one from dnf, so it goes, and comes back if that fails."""
        locks = packages.unlocked(seen.locks, missing)
        if locks == seen.locks:
            return self._install(missing)
        self._write_locks(locks)
        try:
            return self._install(missing)
        except Failure:
            self._write_locks(seen.locks)
            raise

    def _hold(self, seen: packages.Answer) -> None:
        loose = packages.unheld(self.manager, self.names, seen)
        if not loose:
            return
        if self.manager == "dnf":
            if not seen.lock_plugin:
                self._install([packages.LOCK_PACKAGE])
            self._write_locks(packages.locked(self.names, seen))
            return
        deadline = time.monotonic() + self.options["lock_timeout_seconds"]
        while True:
            answer = self._command(shlex.join(["apt-mark", "hold", *loose]))
            if answer["rc"] == 0:
                return
            message = " ".join(answer["stderr"].split() or answer["stdout"].split())
            if not (packages.is_locked(message) or "is locked" in message) or time.monotonic() > deadline:
                raise Failure(f"packages: {', '.join(loose)} cannot be held: {message}")
            time.sleep(2)

    def _write_locks(self, text: str) -> None:
        new = shlex.quote(f"{packages.LOCKS}.new")
        answer = self._command(
            f"umask 022; printf %s {shlex.quote(text)} > {new} && mv {new} {shlex.quote(packages.LOCKS)}"
        )
        if answer["rc"] != 0:
            raise Failure(f"packages: {packages.LOCKS} cannot be written: {' '.join(answer['stderr'].split())}")


def _failed(message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message}
