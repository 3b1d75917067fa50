# Private to awsome.training: its API may change without notice.
"""What a node lacks, and what to tell its package manager: pure, so that it is tested without a node."""

from __future__ import annotations

import base64
import fnmatch
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository

# What asks the node's own database, quickly, and without its index of the archive. The names are appended. Each line
# says what is wanted, what is, the package, its version and, for rpm, its epoch.
QUERIES: dict[str, list[str]] = {
    "apt": ["dpkg-query", "-W", "-f", "${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\\n"],
    "dnf": ["rpm", "-q", "--qf", "install installed %{NAME} %{VERSION}-%{RELEASE} %|EPOCH?{%{EPOCH}}:{0}|\\n"],
}
QUERIES["dnf5"] = QUERIES["dnf"]
LOCKS, LOCK_PLUGIN = "/etc/dnf/plugins/versionlock.list", "/etc/dnf/plugins/versionlock.conf"
LOCK_PACKAGE = "python3-dnf-plugin-versionlock"

# Finishes what a killed run or a full disk left half done.
MEND = """dpkg --configure -a --force-confdef --force-confold &&
apt-get -qq -y -o DPkg::Lock::Timeout=60 --fix-broken install"""

_TELLING = re.compile(
    r"held by process|^dpkg(-deb)?: error|^ (cannot|unable|installed \S+ package|unpacked)|No space left|^No match for"
)


class PackageError(ValueError):
    """A request that no package manager could carry out."""


@dataclass(frozen=True)
class Installed:
    version: str
    epoch: str = "0"
    held: bool = False


@dataclass
class Answer:
    """What the node said of itself. rpm may hold several versions of one package."""

    installed: dict[str, list[Installed]] = field(default_factory=dict)
    source: str = ""
    key: bytes = b""
    locks: str = ""
    lock_plugin: bool = False


def question(manager: str, names: Iterable[str], repository: Repository | None = None, *, hold: bool = False) -> str:
    """One command for the node's shell that asks all there is to know."""
    if manager not in QUERIES:
        known = ", ".join(sorted(QUERIES))
        raise PackageError(f"packages: the node's package manager is {manager!r}, expected one of {known}.")
    if hold and manager == "dnf5":
        raise PackageError("packages: hold is not known for dnf5; leave it out, and lock the packages yourself.")
    asked = [shlex.join([*QUERIES[manager], *(split(name)[0] for name in names)])]
    if repository:
        asked += ["echo '--- source'", shlex.join(["cat", repository.source_path])]
        asked += ["echo; echo '--- key'", shlex.join(["base64", repository.key_path])]
    if hold and manager == "dnf":
        asked += ["echo '--- locks'", f"cat {LOCKS}", "echo '--- plugin'", f"ls {LOCK_PLUGIN}"]
    return f"{{ {'; '.join(asked)}; }} 2>/dev/null; true"


def read(output: str) -> Answer:
    """Understand what the question made the node say."""
    parts = re.split(r"^--- (\w+)\n", output.replace("\r\n", "\n"), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2]))
    answer = Answer(locks=sections.get("locks", ""), lock_plugin=bool(sections.get("plugin", "").strip()))
    for line in parts[0].splitlines():
        words = line.split()
        if len(words) in (4, 5) and words[1] == "installed":
            seen = Installed(words[3], words[4] if len(words) == 5 else "0", words[0] == "hold")
            answer.installed.setdefault(words[2], []).append(seen)
    answer.source = sections.get("source", "").removesuffix("\n")
    try:
        answer.key = base64.b64decode("".join(sections.get("key", "").split()), validate=True)
    except ValueError:
        answer.key = b""
    return answer


def plan(
    manager: str, names: list[str], repository: Repository | None, seen: Answer, *, hold: bool = False
) -> dict[str, Any]:
    """What is to be done, in the words of the module's answer."""
    lacking = missing(names, seen)
    loose = unheld(manager, names, seen) if hold else []
    strange = bool(repository and not repository_is_right(repository, seen))
    return {"changed": bool(lacking or loose or strange), "missing": lacking, "repository_changed": strange}


def split(name: str) -> tuple[str, str]:
    """Part `name=version` into its two halves; the version is empty where none is asked for."""
    package, _, version = name.partition("=")
    return package, version


def missing(names: Iterable[str], answer: Answer) -> list[str]:
    """Return those names that the node does not have installed in the version asked for."""
    return [name for name in names if not _matching(name, answer)]


def _matching(name: str, answer: Answer) -> list[Installed]:
    package, version = split(name)
    seen = answer.installed.get(package, [])
    return [one for one in seen if not version or fnmatch.fnmatchcase(one.version, version)]


def repository_is_right(repository: Repository, answer: Answer) -> bool:
    """Say whether the node's source file is the one wanted and its key the one that the record names, and no other."""
    if answer.source != repository.source:
        return False
    try:
        return list(openpgp.keys(answer.key)) == [repository.fingerprint]
    except openpgp.KeyFileError:
        return False


def unheld(manager: str, names: Iterable[str], answer: Answer) -> list[str]:
    """Return the packages that an upgrade of the system would touch."""
    if manager == "apt":
        return [split(name)[0] for name in names if not any(one.held for one in _matching(name, answer))]
    lines = set(answer.locks.split("\n"))
    return [package for package, lock in _locks(names, answer).items() if lock not in lines]


def _locks(names: Iterable[str], answer: Answer) -> dict[str, str]:
    """The line of dnf's versionlock file for each package, as its own plugin writes it; empty if none is installed."""
    found = {}
    for name in names:
        package, seen = split(name)[0], _matching(name, answer)
        found[package] = f"{package}-{seen[-1].epoch}:{seen[-1].version}.*" if seen else ""
    return found


def unlocked(text: str, names: Iterable[str]) -> str:
    """dnf's versionlock file without the lines of some packages."""
    patterns = [re.compile(rf"!?{re.escape(split(name)[0])}-(\d+:)?\d[^-]*-[^-]*") for name in names]
    return "".join(
        f"{line}\n" for line in text.splitlines() if not any(pattern.fullmatch(line) for pattern in patterns)
    )


def locked(names: list[str], answer: Answer) -> str:
    """dnf's versionlock file with some packages locked to what is installed."""
    lines = [line for line in _locks(names, answer).values() if line]
    return unlocked(answer.locks, names) + "".join(f"{line}\n" for line in lines)


def install_command(
    manager: str,
    names: Iterable[str],
    *,
    recommends: bool,
    refresh: bool = False,
    files: Mapping[str, str] | None = None,
) -> list[str]:
    """What installs names without a question; refresh is for dnf, which has no command of its own for that."""
    names, files = list(names), files or {}
    own = [files[split(name)[0]] for name in names if split(name)[0] in files]
    others = [name for name in names if split(name)[0] not in files]
    if manager == "apt":
        words = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", f"APT::Install-Recommends={_yes(recommends)}"]
        for answer in ("confdef", "confold"):  # the node's own configuration files stay
            words += ["-o", f"Dpkg::Options::=--force-{answer}"]
        # A pin may go back as well as forward, and changes what it held.
        pinned = ["--allow-downgrades", "--allow-change-held-packages"] if any("=" in name for name in names) else []
        return [*words, *pinned, "install", *others, *own]
    words = [manager, "-y", f"--setopt=install_weak_deps={recommends}", *(["--refresh"] if refresh else [])]
    # dnf itself would wait for its lock without an end.
    words += ["--setopt=exit_on_lock=True", "--color=never"] if manager == "dnf" else []
    return [*words, "install", *(name.replace("=", "-", 1) for name in others), *own]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def settled(names: Iterable[str], has: Mapping[str, list[str]]) -> list[str]:
    """The names with the newest version that fits in place of a pattern; as they are where there is none."""
    found = []
    for name in names:
        package, version = split(name)
        fits = [one for one in has.get(package, []) if fnmatch.fnmatchcase(one, version)]
        found.append(f"{package}={fits[0]}" if version and fits else name)
    return found


def is_pattern(name: str) -> bool:
    return bool(re.search(r"[*?\[]", split(name)[1]))


def told(output: str) -> str:
    """What a package manager complains of, in one line: dpkg's own words, and its errors with what follows."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip() and not line.startswith(("W: ", "N: "))]
    first = next((at for at, line in enumerate(lines) if line.startswith(("E: ", "Error:"))), max(0, len(lines) - 3))
    telling = [line for line in lines[:first] if _TELLING.search(line)]
    return " ".join(" ".join([*dict.fromkeys(telling[-3:]), *lines[first:]]).split())[:1000]


def is_stale_index(message: str) -> bool:
    """Say whether the node's index of the archive knows too little: a refresh helps then, and waiting does not."""
    phrases = (
        r"Unable to locate package|Version '\S+' for '\S+' was not found|has no installation candidate"
        r"|No match for argument|Unable to find a match"
    )
    return bool(re.search(phrases, message))


def is_locked(message: str) -> bool:
    return bool(
        re.search(r"Could not get lock|Unable to acquire the dpkg|database is locked|already locked by \d+", message)
    )


def is_full(message: str) -> bool:
    return bool(
        re.search(r"No space left|enough free space|Disk quota|needs? \S+ more space|space needed on the", message)
    )


def is_final(message: str) -> bool:
    """Say whether another attempt would end as this one did: no room, or a package whose own script failed."""
    script = r"script subprocess returned error exit status|[Ss]criptlet failed"
    return is_full(message) or bool(re.search(script, message))


def is_half_done(message: str) -> bool:
    return bool(re.search(r"dpkg was interrupted|fix-broken|[Uu]nmet dependencies", message))


def lock_trouble(message: str, seconds: int) -> str:
    holder = re.search(r"held by (process \d+ \([^)]*\))", message)
    number = re.search(r"already locked by (\d+)", message)
    who = holder.group(1) if holder else f"process {number.group(1)}" if number else "another process"
    return (
        f"packages: the node's package manager was locked by {who} for {seconds} s; nothing was installed. Wait until "
        f"that ends, or end it, and run again."
    )


def trouble(names: list[str], message: str, attempts: int) -> str:
    tried = f" in {attempts} attempts" if attempts > 1 else ""
    hint = "free some space and run again" if is_full(message) else "run again once that is mended"
    return f"packages: {', '.join(names)} could not be installed{tried}: {message.rstrip('.')}; {hint}."


def available_command(manager: str, names: Iterable[str]) -> str:
    packages = [split(name)[0] for name in names]
    if manager == "apt":
        return shlex.join(["apt-cache", "madison", *packages]) + " | grep -v ' Sources$'"
    # A command may get a terminal, and dnf would colour its words and ask questions there.
    options = ["-q", "-y", "--color=never", "list", "--available", "--showduplicates"]
    return shlex.join([manager, *options, *packages]) + " 2>/dev/null </dev/null"


def available(manager: str, output: str) -> dict[str, list[str]]:
    """The versions of each package that the repositories have, newest first, from apt-cache madison or dnf list."""
    found: dict[str, list[str]] = {}
    lines = output.splitlines()
    for line in lines if manager == "apt" else reversed(lines):
        words = [word.strip() for word in line.split("|")] if manager == "apt" else line.split()
        if len(words) == 3:
            package = words[0] if manager == "apt" else words[0].rpartition(".")[0]
            # dnf shows an epoch, and is asked without one.
            version = words[1] if manager == "apt" else words[1].rpartition(":")[2]
            found.setdefault(package, []).append(version)
    return {package: list(dict.fromkeys(versions)) for package, versions in found.items() if package}


def not_there(names: list[str], repository: Repository | None, has: Mapping[str, list[str]]) -> str:
    """The sentence on packages, or versions of them, that no repository of the node has; empty if it has them all."""
    place = f"{repository.label} ({repository.url})" if repository else "any repository of this node"
    told = []
    for name in names:
        package, version = split(name)
        versions = has.get(package, [])
        if not versions:
            told.append(f"there is no package {package} in {place}; correct its name or the repository")
        elif version and not any(fnmatch.fnmatchcase(one, version) for one in versions):
            shown = ", ".join(versions[:5]) + (f" and {len(versions) - 5} more" if len(versions) > 5 else "")
            told.append(
                f"there is no version {version} of {package} in {place}, which has {shown}; ask for one of these"
            )
    return f"packages: {'; '.join(told)}." if told else ""


def pauses(attempts: int, first_seconds: float = 5.0) -> list[float]:
    """Return the pauses between attempts, each twice as long as the one before."""
    return [first_seconds * 2**turn for turn in range(attempts - 1)]
