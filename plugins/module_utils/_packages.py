# Private to awsome.training: its API may change without notice.
"""Which packages a node lacks, and what to tell its package manager: pure, so that it is tested without a node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# What asks the node's own database, quickly, and without its index of the archive. The names are appended.
QUERIES: dict[str, list[str]] = {
    "apt": ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n"],
    "dnf": ["rpm", "-q", "--qf", "installed %{NAME} %{VERSION}-%{RELEASE}\\n"],
}
QUERIES["dnf5"] = QUERIES["dnf"]


class PackageError(ValueError):
    """A request that no package manager could carry out."""


def query(manager: str, names: Iterable[str]) -> list[str]:
    if manager not in QUERIES:
        known = ", ".join(sorted(QUERIES))
        raise PackageError(f"packages: the node's package manager is {manager!r}, expected one of {known}.")
    return [*QUERIES[manager], *(split(name)[0] for name in names)]


def split(name: str) -> tuple[str, str]:
    """Part `name=version` into its two halves; the version is empty where none is asked for."""
    package, _, version = name.partition("=")
    return package, version


def missing(names: Iterable[str], output: str) -> list[str]:
    """Return those names that the node's own database does not list as installed, in the version asked for."""
    installed = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "installed":
            installed[words[1]] = words[2]
    return [name for name in names if not _satisfied(*split(name), installed)]


def _satisfied(package: str, version: str, installed: dict[str, str]) -> bool:
    seen = installed.get(package)
    return seen is not None and (not version or seen == version)


def arguments(manager: str, names: list[str], options: dict[str, Any], *, refresh: bool) -> dict[str, Any]:
    """Return the arguments of the manager's own module that installs names and starts nothing."""
    wanted: dict[str, Any] = {
        "name": names if manager == "apt" else [name.replace("=", "-", 1) for name in names],
        "state": "present",
        "lock_timeout": options["lock_timeout_seconds"],
    }
    if manager == "apt":
        # 101 is what a policy-rc.d answers to forbid a start; the module removes the file again afterwards.
        wanted |= {"policy_rc_d": 101, "install_recommends": options["recommends"]}
        wanted |= {"update_cache": True} if refresh else {"cache_valid_time": options["cache_valid_seconds"]}
    else:
        wanted |= {"install_weak_deps": options["recommends"], "update_cache": refresh}
    return wanted


def is_stale_index(message: str) -> bool:
    """Say whether the node's index of the archive knows too little: a refresh helps then, and waiting does not."""
    return "No package matching" in message


def pauses(attempts: int, first_seconds: float = 5.0) -> list[float]:
    """Return the pauses between attempts, each twice as long as the one before."""
    return [first_seconds * 2**turn for turn in range(attempts - 1)]
