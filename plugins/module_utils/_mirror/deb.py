# Private to awsome.training: its API may change without notice.
"""What apt reads of a repository: Release and Packages. Pure."""

from __future__ import annotations

import re
from itertools import zip_longest

from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Index, Package, Relation
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

_OPS = {"<<": "<", ">>": ">", "<": "<=", ">": ">="}
_RELATION = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?")
_FIELDS = (
    b"Package", b"Version", b"Architecture", b"Filename", b"SHA256", b"Size", b"Provides", b"Depends", b"Pre-Depends",
)  # fmt: skip
_WANTED = re.compile(rb"^(" + b"|".join(_FIELDS) + rb"):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)


def release(text: str, label: str) -> dict[str, tuple[str, int]]:
    """The files that a Release lists, each with its sha256 and size."""
    block = re.search(r"^SHA256:[ \t]*\n((?:[ \t]+\S.*\n?)+)", text.replace("\r\n", "\n"), re.MULTILINE)
    if block is None:
        raise MirrorError(f"{label}: its Release lists no SHA256 sums, so that nothing in it can be checked.")
    found = {}
    for line in block[1].splitlines():
        words = line.split()
        if len(words) != 3 or not re.fullmatch(r"[0-9a-f]{64}", words[0]) or not words[1].isdigit():
            raise MirrorError(
                f"{label}: its Release has the line {line.strip()!r}, expected a sha256, a size and a path."
            )
        found[words[2].removeprefix("./")] = (words[0], int(words[1]))
    return found


def index(content: bytes, arch: str, label: str) -> Index:
    """The packages of a Packages file that a machine of this architecture can install."""
    found = []
    for stanza in content.replace(b"\r\n", b"\n").split(b"\n\n"):
        fields = {name.lower(): value for name, value in _WANTED.findall(stanza)}
        if not fields or fields.get(b"architecture") not in (arch.encode(), b"all"):
            continue
        try:
            name, version, file, sha256 = (
                fields[key].decode() for key in (b"package", b"version", b"filename", b"sha256")
            )
            size = int(fields[b"size"])
        except (KeyError, ValueError) as error:
            shown = stanza.strip().split(b"\n")[0].decode(errors="replace")
            raise MirrorError(f"{label}: its Packages has an entry {shown!r} without a good {_word(error)}.") from None
        provided = fields.get(b"provides", b"").decode(errors="replace")
        needed = b",".join(fields[key] for key in (b"pre-depends", b"depends") if fields.get(key))
        gives = tuple(need[0] for need in relations(provided)) if provided else ()
        found.append(Package(name, version, file, sha256, size, gives, needed.decode(errors="replace")))
    return Index(label, found, compare, read_needs=relations)


def _word(error: Exception) -> str:
    return error.args[0].decode() if isinstance(error, KeyError) else "size"


def relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """The needs of a field such as Depends, each with its alternatives."""
    found = []
    for need in text.split(","):
        choices = [_RELATION.match(choice.strip()) for choice in need.split("|")]
        found.append(
            tuple(Relation(one[1], _OPS.get(one[2], one[2] or ""), one[3] or "") for one in choices if one is not None)
        )
    return tuple(need for need in found if need)


def compare(one: str, two: str) -> int:
    """Which version is newer, as dpkg has it (deb-version(7)): negative, zero or positive."""
    first, second = _parts(one), _parts(two)
    return (
        (first[0] > second[0]) - (first[0] < second[0])
        or _compare(first[1], second[1])
        or _compare(first[2], second[2])
    )


def _parts(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isdigit()):
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return int(epoch), upstream if dash else rest, revision if dash else ""


def _compare(one: str, two: str) -> int:
    # Words and numbers in turn, beginning with a word; the end of a word sorts after '~' and before all else.
    pairs = zip_longest(re.findall(r"(\D*)(\d*)", one), re.findall(r"(\D*)(\d*)", two), fillvalue=("", ""))
    for (word, number), (other_word, other_number) in pairs:
        for left, right in zip_longest(map(_order, word), map(_order, other_word), fillvalue=0):
            if left != right:
                return left - right
        if int(number or 0) != int(other_number or 0):
            return int(number or 0) - int(other_number or 0)
    return 0


def _order(letter: str) -> int:
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256
