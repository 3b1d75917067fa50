# Private to awsome.training: its API may change without notice.
"""Extend a slurm.conf that somebody else wrote by one include line, and define nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Callable

from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import expand, fold

# Our file beside a service's slurm.conf, and the words by which a file of ours is known.
OURS = "awsome.conf"
MARK = "Written by awsome.training"

# Lines that define an object; the rest are keys that may stand once.
OBJECTS = ("nodename", "partitionname", "nodeset", "downnodes", "frontendname", "switchname")

_WORD = re.compile(r'([A-Za-z][\w/]*)\s*=\s*("[^"]*"|\S+)')
_INCLUDE = re.compile(r"^\s*include\s+(\S+)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Extension:
    """Their file with our include line, our file without what theirs defines, and what a person should know."""

    base: str
    ours: str
    notes: tuple[str, ...]


def words_of(line: str) -> list[tuple[str, str]]:
    """The key=value pairs of a line, comments left out."""
    return _WORD.findall(line.split("#", 1)[0])


def included(text: str) -> list[str]:
    """The names of the files that a configuration includes."""
    return [match.group(1) for match in map(_INCLUDE.match, text.splitlines()) if match]


def whole(text: str, read: Callable[[str], str | None], skip: Iterable[str] = ()) -> str:
    """A configuration with its includes put in; files that are missing or skipped count as empty."""
    seen = set(skip)

    def put_in(part: str) -> list[str]:
        lines: list[str] = []
        for line in part.splitlines():
            match = _INCLUDE.match(line)
            if match is None:
                lines.append(line)
            elif match.group(1) not in seen:
                seen.add(match.group(1))
                lines += put_in(read(match.group(1)) or "")
        return lines

    return "\n".join(put_in(text))


def nodes_of(text: str) -> dict[str, dict[str, str]]:
    """The nodes that a configuration defines, each with the keys of its line."""
    nodes: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        words = words_of(line)
        if words and words[0][0].lower() == "nodename" and words[0][1] != "DEFAULT":
            settings = {key: value for key, value in words[1:] if key.lower() not in ("nodehostname", "nodeaddr")}
            nodes.update(dict.fromkeys(expand(words[0][1]), settings))
    return nodes


def extend(base: str, base_whole: str, ours: str, name: str, wanted: Iterable[str] = ()) -> Extension:
    """Let base include our file called name, and leave out of it what base_whole defines already.

    Of keys that both set, ours stay only if wanted: a default of ours gives way to the other's choice.
    """
    theirs = {
        words[0][0].lower(): words[0][1]
        for words in map(words_of, base_whole.splitlines())
        if words and words[0][0].lower() not in OBJECTS
    }
    their_nodes = nodes_of(base_whole)
    their_partitions = {
        words[0][1]
        for words in map(words_of, base_whole.splitlines())
        if words and words[0][0].lower() == "partitionname"
    }
    their_default = any(
        words[0][0].lower() == "partitionname" and ("default", "yes") in {(k.lower(), v.lower()) for k, v in words}
        for words in map(words_of, base_whole.splitlines())
        if words
    )
    wanted_keys = {key.lower() for key in wanted}
    lines, notes, yielded = [], [], []
    for line in ours.splitlines():
        words = words_of(line)
        key, value = (words[0][0].lower(), words[0][1]) if words else ("", "")
        if key == "nodename":
            names = [node for node in expand(value) if node not in their_nodes]
            if names:
                # Parallel lists (NodeAddr, NodeHostname) cannot be cut by name, so such a line stands or falls whole.
                parallel = len(names) < len(expand(value)) and len(
                    {"nodeaddr", "nodehostname"} & {w[0].lower() for w in words}
                )
                if parallel:
                    notes.append(
                        f"The nodes {value} are only partly defined by the service; none of the rest was added."
                    )
                    continue
                lines.append(line.replace(f"={value}", f"={fold(names)}", 1))
        elif key == "partitionname" and value in their_partitions:
            continue
        elif key == "partitionname" and their_default:
            lines.append(line.replace(" Default=YES", ""))
        elif key in theirs and key not in OBJECTS:
            if theirs[key].lower() == value.lower():
                continue
            if key in wanted_keys:
                notes.append(
                    f"{words[0][0]} is {theirs[key]} in the service's file and {value} in {name}; Slurm takes the last."
                )
                lines.append(line)
            else:
                yielded.append(f"{words[0][0]} ({theirs[key]})")
        else:
            lines.append(line)
    if yielded:
        notes.append(f"The service's file decides {_listed(yielded)}.")
    return Extension(_with_include(base, name), "\n".join(lines).rstrip() + "\n", tuple(notes))


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _with_include(base: str, name: str) -> str:
    """Keep exactly one include line of ours, where it stands; without one, put it last."""
    kept, found = [], False
    for line in base.splitlines(keepends=True):
        match = _INCLUDE.match(line)
        if match and match.group(1) == name:
            if found:
                continue
            found = True
        kept.append(line)
    text = "".join(kept)
    if found:
        return text
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}include {name}\n"


def adopt(
    texts: Mapping[str, str | None], read: Callable[[str], str | None], extending: bool, wanted: Iterable[str] = ()
) -> tuple[dict[str, str | None], list[str]]:
    """Say which texts may be written, and what a person should know: what others wrote is never overwritten."""
    present = {name: read(name) for name in texts}
    foreign = [name for name, text in present.items() if text is not None and MARK not in text]
    if not extending:
        if "slurm.conf" in foreign:
            raise ValueError(
                "slurm.conf was not written by this collection, and is not overwritten; if a service keeps it, set "
                "slurm_extends_service_config: true, else move it away."
            )
        return dict(texts), []
    base = present.get("slurm.conf")
    if base is None or "slurm.conf" not in foreign:
        raise ValueError(
            "there is no slurm.conf of a service to extend; wait until the service has written it, or set "
            "slurm_extends_service_config: false."
        )
    extension = extend(base, whole(base, read, skip=[OURS]), texts["slurm.conf"] or "", OURS, wanted)
    others = [name for name in texts if name != "slurm.conf"]
    notes = [f"{name} is the service's own and was left as it is." for name in others if name in foreign]
    # Our file comes before the line that names it.
    ours = {name: texts[name] for name in others if name not in foreign}
    return {**ours, OURS: extension.ours, "slurm.conf": extension.base}, [*extension.notes, *notes]
