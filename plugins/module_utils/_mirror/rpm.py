# Private to awsome.training: its API may change without notice.
"""What dnf reads of a repository: repomd.xml and primary.xml. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from xml.etree import ElementTree

from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Index, Package, Relation
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

_COMMON, _RPM = "{http://linux.duke.edu/metadata/common}", "{http://linux.duke.edu/metadata/rpm}"
_REPO = "{http://linux.duke.edu/metadata/repo}"
_OPS = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_HASHES = {"sha": "sha1", "sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
# The boolean needs of rpm: what stands behind these words is a condition, no need of its own.
_CONDITIONS = {"if", "unless"}
_WORDS = {"and", "or", "with", "without", "else", *_CONDITIONS}


@dataclass(frozen=True)
class Part:
    """A file of the metadata."""

    kind: str
    file: str
    hash: str
    checksum: str


def repomd(content: bytes, label: str) -> list[Part]:
    """The files of the metadata; databases of older systems are left out, since dnf does not ask for them."""
    found = []
    try:
        for data in ElementTree.fromstring(content).iter(f"{_REPO}data"):
            location, checksum = data.find(f"{_REPO}location"), data.find(f"{_REPO}checksum")
            if data.get("type", "").endswith("_db") or location is None or checksum is None:
                continue
            kind = _HASHES.get(checksum.get("type", ""))
            if kind is None:
                raise MirrorError(
                    f"{label}: its repomd.xml uses the checksum {checksum.get('type')!r}, expected sha256."
                )
            found.append(Part(data.get("type", ""), location.get("href", ""), kind, (checksum.text or "").strip()))
    except ElementTree.ParseError as error:
        raise MirrorError(f"{label}: its repomd.xml is no XML: {error}.") from None
    if not any(part.kind == "primary" for part in found):
        raise MirrorError(f"{label}: its repomd.xml names no primary metadata, so that its packages are not known.")
    return found


def index(content: bytes, arch: str, label: str) -> Index:
    """The packages of a primary.xml that a machine of this architecture can install."""
    found = []
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(content)):
            if element.tag == f"{_COMMON}package":
                if element.findtext(f"{_COMMON}arch") in (arch, "noarch"):
                    found.append(_package(element, label))
                element.clear()
    except ElementTree.ParseError as error:
        raise MirrorError(f"{label}: its primary metadata is no XML: {error}.") from None
    return Index(label, found, compare, bare_provides_suffice=True, spellings=_spellings)


def _package(element: ElementTree.Element, label: str) -> Package:
    name = element.findtext(f"{_COMMON}name", "")
    version, checksum = element.find(f"{_COMMON}version"), element.find(f"{_COMMON}checksum")
    location, size = element.find(f"{_COMMON}location"), element.find(f"{_COMMON}size")
    if version is None or checksum is None or location is None or size is None:
        raise MirrorError(f"{label}: its primary metadata tells no version, checksum, place or size of {name!r}.")
    if checksum.get("type") != "sha256":
        raise MirrorError(f"{label}: the checksum of {name} is of type {checksum.get('type')!r}, expected sha256.")
    if location.get("{http://www.w3.org/XML/1998/namespace}base"):
        raise MirrorError(f"{label}: {name} lies at another address, which a mirror of this one cannot serve.")
    gives = [_entry(entry) for entry in element.iterfind(f"{_COMMON}format/{_RPM}provides/{_RPM}entry")]
    gives += [Relation(file.text or "") for file in element.iterfind(f"{_COMMON}format/{_COMMON}file")]
    needs: list[tuple[Relation, ...]] = []
    for entry in element.iterfind(f"{_COMMON}format/{_RPM}requires/{_RPM}entry"):
        rich = entry.get("name", "").startswith("(")
        needs += rich_needs(entry.get("name", "")) if rich else [(_entry(entry),)]
    file, total = location.get("href", ""), int(size.get("package", "0"))
    return Package(name, _evr(version), file, (checksum.text or "").strip(), total, tuple(gives), tuple(needs))


def _entry(entry: ElementTree.Element) -> Relation:
    op = _OPS.get(entry.get("flags", ""), "")
    return Relation(entry.get("name", ""), op, _evr(entry) if op else "")


def _evr(element: ElementTree.Element) -> str:
    epoch, release = element.get("epoch") or "0", element.get("rel")
    version = element.get("ver", "") + (f"-{release}" if release else "")
    return f"{epoch}:{version}" if epoch != "0" else version


def rich_needs(text: str) -> list[tuple[Relation, ...]]:
    """The needs of a boolean expression: every part of it but conditions; parts joined by `or` are alternatives."""
    found: list[list[Relation]] = []
    words = iter([*re.findall(r"[()]|[^\s()]+(?:\([^()]*\))*[^\s()]*", text), ""])
    word, joined, skipping = next(words), "", False
    while word:
        if word in _WORDS:
            joined, skipping = word, word in _CONDITIONS or (skipping and word != "else")
        elif word not in "()":
            relation, word = _rich_relation(word, words)
            if not skipping and joined == "or" and found:
                found[-1].append(relation)
            elif not skipping and joined != "without":
                found.append([relation])
            continue
        word = next(words)
    return [tuple(choices) for choices in found]


def _rich_relation(name: str, words: Iterator[str]) -> tuple[Relation, str]:
    op = next(words)
    if op not in _OPS.values():
        return Relation(name), op
    version = next(words)
    return Relation(name, op, version), next(words)


def _spellings(version: str) -> tuple[str, ...]:
    """A role asks for VERSION-RELEASE; the epoch may stand before it."""
    plain = version.partition(":")[2] or version
    return (version, plain)


def compare(one: str, two: str) -> int:
    """Which version is newer, as rpm has it: negative, zero or positive. A missing release fits any."""
    (epoch, version, release), (other_epoch, other_version, other_release) = _parts(one), _parts(two)
    if epoch != other_epoch:
        return epoch - other_epoch
    sign = _compare(version, other_version)
    return sign or (_compare(release, other_release) if release and other_release else 0)


def _parts(evr: str) -> tuple[int, str, str]:
    epoch, colon, rest = evr.rpartition(":")
    version, _, release = rest.partition("-")
    return int(epoch) if colon and epoch.isdigit() else 0, version, release


def _compare(one: str, two: str) -> int:
    pieces = re.compile(r"\d+|[A-Za-z]+|~|\^")
    for left, right in zip_longest(pieces.findall(one), pieces.findall(two)):
        if left == right:
            continue
        if "~" in (left, right):
            return -1 if left == "~" else 1
        if left is None or right is None:
            return -1 if left is None else 1
        if "^" in (left, right):
            return -1 if left == "^" else 1
        if left.isdigit() != right.isdigit():
            return 1 if left.isdigit() else -1
        if left.isdigit() and int(left) == int(right):
            continue
        return (int(left) > int(right)) - (int(left) < int(right)) if left.isdigit() else 1 if left > right else -1
    return 0
