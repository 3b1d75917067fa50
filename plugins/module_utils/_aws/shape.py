# Private to awsome.training: its API may change without notice.
"""Judge a request against botocore's own model of a service, before it is sent.

botocore itself checks types, required keys and minimal lengths. It does not look at patterns, enums and maxima, and a
service tells one fault at a time, some of them minutes later. Only models are loaded here: nothing is called.
"""

from __future__ import annotations

import datetime
import difflib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

# More values than these are not listed in a sentence; the nearest ones are.
_LISTED = 12
_NUMBERS = {"integer": (int,), "long": (int,), "float": (int, float), "double": (int, float)}
_WORDS = {
    "structure": "a dictionary",
    "map": "a dictionary",
    "list": "a list",
    "string": "a string",
    "boolean": "true or false",
    "integer": "an integer",
    "long": "an integer",
    "float": "a number",
    "double": "a number",
    "timestamp": "a time",
    "blob": "text or bytes",
}


Words = Callable[[str], str]


def faults(service: str, operation: str, params: Mapping[str, Any], words: Words = str) -> list[str]:
    """Every fault of a request, a sentence each; none where the service's model has nothing against it.

    `operation` is the API's name, such as CreateCluster, and `params` what boto3 would be given. `words` turns the
    API's keys into those that the user wrote.
    """
    shape = asked(service, operation)
    if shape is None:
        return [f"{words(key)}: is no key here; {operation} takes none." for key in params]
    return list(_Judge(words).judge(shape, params, ""))


def asked(service: str, operation: str) -> Any:
    """The shape of a request in botocore's model, None where it takes no parameters."""
    return _model(service).operation_model(operation).input_shape


def answered(service: str, operation: str) -> Any:
    """The shape of an answer in botocore's model, None where there is none."""
    return _model(service).operation_model(operation).output_shape


def members(service: str, operation: str, *path: str) -> list[str]:
    """The keys that a request, or the structure at `path` in it, may have; lists and maps are looked into."""
    shape = asked(service, operation)
    for key in path:
        shape = _inner(shape.members[key])
    return list(shape.members)


def values(service: str, operation: str, *path: str) -> list[str]:
    """The words that the key at `path` may have."""
    *above, last = path
    shape = asked(service, operation)
    for key in above:
        shape = _inner(shape.members[key])
    return list(_inner(shape.members[last]).enum)


def _inner(shape: Any) -> Any:
    while shape.type_name in ("list", "map"):
        shape = shape.member if shape.type_name == "list" else shape.value
    return shape


@cache
def _model(service: str) -> Any:
    # Here, not above: a module that imports this file tells by itself when botocore is missing.
    import botocore.loaders
    import botocore.model

    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


@dataclass(frozen=True)
class _Judge:
    words: Words

    def judge(self, shape: Any, value: Any, path: str) -> Iterator[str]:
        kind = shape.type_name
        name = path or "the request"
        if value is None:
            yield f"{name}: is null, expected {_WORDS[kind]}; leave the key out, or give it a value."
        elif getattr(shape, "is_document_type", False):
            return  # any JSON
        elif not _is(kind, value):
            yield f"{name}: {_shown(value)} is {_type(value)}, expected {_WORDS[kind]}."
        elif kind == "structure":
            yield from self.structure(shape, value, path)
        elif kind == "map":
            yield from _length(shape, value, name, "entries")
            for key, one in value.items():
                yield from self.judge(shape.key, key, f"{path} (key {key!r})")
                yield from self.judge(shape.value, one, f"{path}[{key!r}]")
        elif kind == "list":
            yield from _length(shape, value, name, "items")
            for index, one in enumerate(value):
                yield from self.judge(shape.member, one, f"{path}[{index}]")
        elif kind == "string":
            yield from _string(shape, value, name)
        elif kind in _NUMBERS:
            yield from _range(shape, value, name)

    def structure(self, shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
        dot = f"{path}." if path else ""
        known = [self.words(key) for key in shape.members]
        for key in shape.required_members:
            if key not in value:
                yield f"{dot}{self.words(key)}: is missing; it is required."
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            given = ", ".join(map(self.words, value)) or "none"
            yield f"{path}: has {given}, expected exactly one of {', '.join(known)}."
        for key, one in value.items():
            if key in shape.members:
                yield from self.judge(shape.members[key], one, f"{dot}{self.words(key)}")
            else:
                yield f"{dot}{key}: is no key here{meant(str(key), known)}"


def _string(shape: Any, value: str, name: str) -> Iterator[str]:
    if shape.enum:
        if value not in shape.enum:
            yield f"{name}: {value!r} is not one of its values{meant(value, list(shape.enum))}"
        return
    yield from _length(shape, value, name, "characters")
    pattern = shape.metadata.get("pattern")
    compiled = _compiled(pattern) if pattern else None
    # Services match the whole of a value, also where the pattern of the model has no anchors.
    if compiled and not compiled.fullmatch(value):
        yield f"{name}: {value!r} does not have the form {pattern}."


def _length(shape: Any, value: Any, name: str, of: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield f"{name}: {len(value)} {of} are too few, expected {least} or more."
    if most is not None and len(value) > most:
        yield f"{name}: {len(value)} {of} are too many, expected {most} or fewer."


def _range(shape: Any, value: float, name: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield f"{name}: {value} is too small, expected {least} or more."
    if most is not None and value > most:
        yield f"{name}: {value} is too large, expected {most} or less."


def _is(kind: str, value: Any) -> bool:
    if kind in ("structure", "map"):
        return isinstance(value, Mapping)
    if kind == "list":
        return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "timestamp":
        return isinstance(value, (str, int, float, datetime.datetime)) and not isinstance(value, bool)
    if kind == "blob":
        return isinstance(value, (str, bytes, bytearray)) or hasattr(value, "read")
    return isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, Mapping):
        return "a dictionary"
    words = {str: "a string", int: "an integer", float: "a number", list: "a list", tuple: "a list"}
    return words.get(type(value), f"a {type(value).__name__}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def meant(word: str, known: list[str]) -> str:
    """The end of a sentence: all that is known where that is short, else what the word is near to."""
    if len(known) <= _LISTED:
        return f", expected {'one of ' if len(known) > 1 else ''}{', '.join(known)}." if known else "; it has none."
    lower = {one.lower(): one for one in known}
    near = [lower[one] for one in difflib.get_close_matches(word.lower(), lower, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(near)}?" if near else f", of which there are {len(known)}."


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A model's pattern as Python reads it, or None for the few that it cannot read."""
    text = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\\U00010000-\\U0010ffff")
    text = re.sub(r"\\p\{(\w+)\}", lambda found: _category(found.group(1)), text)
    try:
        return re.compile(text)
    except re.error:
        return None


@cache
def _category(name: str) -> str:
    """The inside of a character class for Java's \\p{...}: re has no Unicode categories."""
    if name == "Alnum":
        return "a-zA-Z0-9"
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
