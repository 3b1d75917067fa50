# Private to awsome.training: its API may change without notice.
"""Which packages of one repository a list of names takes, with all that they need from there. Pure."""

from __future__ import annotations

import difflib
import fnmatch
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.awsome.training.plugins.module_utils import _packages as packages
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError, listed

Compare = Callable[[str, str], int]
_HOLDS: dict[str, Callable[[int], bool]] = {
    "=": lambda sign: sign == 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


@dataclass(frozen=True)
class Relation:
    """A name, and perhaps the versions of it that will do."""

    name: str
    op: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.op} {self.version}".strip()


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    file: str  # relative to the repository
    sha256: str
    size: int
    provides: tuple[Relation, ...] = ()
    # Each member is one need, met by any of its alternatives. A deb's are kept as text until someone asks.
    needs: tuple[tuple[Relation, ...], ...] | str = ()


@dataclass
class Index:
    """All packages of a repository for one architecture."""

    label: str
    packages: list[Package]
    compare: Compare
    read_needs: Callable[[str], tuple[tuple[Relation, ...], ...]] = lambda text: ()
    bare_provides_suffice: bool = False  # rpm: what is provided without a version meets a need of any version
    spellings: Callable[[str], tuple[str, ...]] = lambda version: (version,)
    by_name: dict[str, list[Package]] = field(default_factory=dict)
    providers: dict[str, list[tuple[Package, Relation]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for package in self.packages:
            self.by_name.setdefault(package.name, []).append(package)
            for given in package.provides:
                if given.name != package.name:
                    self.providers.setdefault(given.name, []).append((package, given))

    def newest(self, candidates: Iterable[Package]) -> Package:
        order = functools.cmp_to_key(self.compare)
        return max(candidates, key=lambda package: order(package.version))

    def needs(self, package: Package) -> tuple[tuple[Relation, ...], ...]:
        return self.read_needs(package.needs) if isinstance(package.needs, str) else package.needs

    def fits(self, need: Relation, version: str) -> bool:
        return not need.op or _HOLDS[need.op](self.compare(version, need.version))

    def best(self, need: Relation) -> Package | None:
        """The newest package of that name that will do, else the newest of the first that provides it."""
        named = [package for package in self.by_name.get(need.name, []) if self.fits(need, package.version)]
        if named:
            return self.newest(named)
        provided = [package for package, given in self.providers.get(need.name, []) if self._gives(given, need)]
        first = min((package.name for package in provided), default="")
        return self.newest(package for package in provided if package.name == first) if provided else None

    def _gives(self, given: Relation, need: Relation) -> bool:
        if not need.op or not given.version:
            return not need.op or self.bare_provides_suffice
        return self.fits(need, given.version)

    def meets(self, package: Package, need: Relation) -> bool:
        if package.name == need.name and self.fits(need, package.version):
            return True
        return any(given.name == need.name and self._gives(given, need) for given in package.provides)

    def asked(self, name: str, may_lack: bool) -> list[Package]:
        """What one name of a role takes: `name`, `name=version`, either with `*`; nothing if it is not here."""
        plain, version = packages.split(name)
        names = fnmatch.filter(self.by_name, plain) if "*" in plain else [plain]
        found = []
        for one in sorted(names):
            fitting = [
                package
                for package in self.by_name.get(one, [])
                if not version or any(fnmatch.fnmatchcase(word, version) for word in self.spellings(package.version))
            ]
            if fitting:
                found.append(self.newest(fitting))
        if not found and not may_lack:
            raise MirrorError(f"{self.label} has no package {name}; {self._nearest(plain)}")
        return found

    def _nearest(self, name: str) -> str:
        ordered = functools.cmp_to_key(self.compare)
        versions = sorted({package.version for package in self.by_name.get(name, [])}, key=ordered, reverse=True)
        if versions:
            return f"of {name} it has {listed(versions)}: name one of these in the catalogue."
        near = difflib.get_close_matches(name, self.by_name, n=3)
        hint = f"the nearest are {', '.join(near)}" if near else f"it has {len(self.by_name)} others"
        return f"{hint}: correct the name, or the repository."


def closure(
    index: Index, names: Iterable[str], required: Iterable[str] = (), assumed: Iterable[str] = ()
) -> tuple[list[Package], list[str]]:
    """The packages that names take, and those names that this repository does not have.

    It must have what is required and what has a version, but for `assumed` names: perhaps no node asks for those.
    """
    chosen: dict[str, list[Package]] = {}
    queue: list[Package] = []
    absent: list[str] = []

    def take(package: Package) -> None:
        if package not in chosen.setdefault(package.name, []):
            chosen[package.name].append(package)
            queue.append(package)

    wanted = set(names)
    must = {*required, *(name for name in wanted if "=" in name)}
    # What asks for a version comes first: a name without one is then met by it.
    for name in sorted({*wanted, *must, *assumed}, key=lambda name: ("=" not in name, name)):
        if chosen.get(name):
            continue
        found = index.asked(name, may_lack=name not in must)
        absent += [] if found else [name]
        for package in found:
            take(package)
    providing: dict[str, list[Package]] = {}
    seen = 0
    while seen < len(queue):
        package = queue[seen]
        seen += 1
        for given in package.provides:
            providing.setdefault(given.name, []).append(package)
        for need in index.needs(package):
            have = (one for choice in need for one in (*chosen.get(choice.name, ()), *providing.get(choice.name, ())))
            held = list(have)
            if any(index.meets(one, choice) for choice in need for one in held):
                continue
            # What no alternative of this repository meets, the distribution must.
            best = next((best for choice in need if (best := index.best(choice)) is not None), None)
            if best is not None:
                take(best)
    return sorted(queue, key=lambda package: (package.name, package.file)), absent
