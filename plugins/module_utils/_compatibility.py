# Private to awsome.training: its API may change without notice.
"""Judge a set of component versions by the rules of catalog/compatibility.yml. Pure, and of the standard library alone.

The facts: `components` (name: version; None where a component is there and its version is not known; one that is not
there is left out), `platform`, `instance_types`, `gpu_models`. A rule about something else than these says nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional

from ansible_collections.awsome.training.plugins.module_utils._version import (
    VersionError,
    compare,
    head,
    holds,
    told_range,
)

ALLOWED, REFUSED, UNKNOWN = "allowed", "refused", "unknown"
VERDICTS = (REFUSED, UNKNOWN, ALLOWED)

Rule = Mapping[str, Any]
Facts = Mapping[str, Any]
Components = Mapping[str, Optional[str]]
Said = Optional[tuple[str, str]]  # a verdict and its reason; None where the rule is about something else

# What a version says of other components.
_DERIVED = {"nccl_cuda": ("nccl", re.compile(r"\+cuda(\d+(?:\.\d+)*)"))}


class CompatibilityError(ValueError):
    """A rule that cannot be read; the sentence names it."""


@dataclass(frozen=True)
class Finding:
    """What one rule says."""

    rule: str
    verdict: str
    reason: str
    source: str


def judge(rules: Mapping[str, Rule], facts: Facts) -> list[Finding]:
    """What every rule that is about these facts says of them, in the order of the rules."""
    settled = {**facts, "components": complete(rules, facts.get("components", {}))}
    found = []
    for name, rule in rules.items():
        try:
            sense, source = (" ".join(rule[key].split()) for key in ("reason", "source"))
            said = _JUDGES[rule["kind"]](rule, settled)
        except KeyError as error:
            raise CompatibilityError(
                f"compatibility rule {name}: {error.args[0]!r} is missing or unknown; a rule has kind, reason and "
                f"source, and its kind is one of {', '.join(KINDS)}."
            ) from error
        except VersionError as error:
            said = UNKNOWN, str(error)
        if said:
            verdict, reason = said
            found.append(Finding(name, verdict, f"{reason} {sense}" if verdict == REFUSED else reason, source))
    return found


def complete(rules: Mapping[str, Rule], components: Components, planned: bool = False) -> dict[str, str | None]:
    """The components, and what follows from them: the release of some parts, what a package was built for.

    Of components that are only planned, the parts follow that an installer brings; on a machine they may be missing.
    """
    known = dict(components)
    bundles = [rule for rule in rules.values() if rule["kind"] == "bundle"]
    for rule in bundles:
        mark = rule.get("known_by")
        if mark in known and rule["of"] not in known:
            release = next((one for one, row in rule["rows"].items() if row.get(mark) == known[mark]), None)
            known[rule["of"]] = release
        if planned:
            with contextlib.suppress(VersionError):  # the rule itself will tell of it
                for part, version in (_row(rule, known.get(rule["of"])) or {}).items():
                    known.setdefault(part, version)
    for name, (owner, pattern) in _DERIVED.items():
        found = pattern.search(known.get(owner) or "")
        if found:
            known.setdefault(name, found.group(1))
    return known


def told(findings: Iterable[Finding | Mapping[str, Any]], verdicts: Sequence[str] = (REFUSED, UNKNOWN)) -> list[str]:
    """One sentence a finding, the refused ones first."""
    rows = [finding if isinstance(finding, Mapping) else asdict(finding) for finding in findings]
    return [
        f"{row['verdict']}: {row['rule']}: {row['reason']}" + (f" ({row['source']})" if verdict == REFUSED else "")
        for verdict in VERDICTS
        if verdict in verdicts
        for row in rows
        if row["verdict"] == verdict
    ]


# --- what the kinds of rules have in common


def _check(components: Components, given: Mapping[str, str], then: Mapping[str, str], about: str = "") -> Said:
    """Whether `then` holds where `given` does; `about` says what else the rule is about."""
    parts = {name: wanted for name, wanted in then.items() if name in components}
    if not set(given) <= set(components) or not parts:
        return None
    if not all(_may_hold(components[name], wanted) for name, wanted in given.items()):
        return None
    dark = [name for name in given if components[name] is None]
    if dark:
        return UNKNOWN, f"the version of {_and(dark)} is not known."
    because = about or _and(_called(components, name) for name in given)
    wrong = [name for name, wanted in parts.items() if not _may_hold(components[name], wanted)]
    if wrong:
        asks = _and(f"{name} {told_range(parts[name])}" for name in wrong)
        has = _and(_called(components, name) for name in wrong)
        return REFUSED, f"{because} asks for {asks}, and here is {has}; change one of them."
    dark = [name for name in parts if components[name] is None]
    if dark:
        asks = _and(f"{name} {told_range(parts[name])}" for name in dark)
        return UNKNOWN, f"{because} asks for {asks}, whose version is not known."
    return ALLOWED, f"{because} goes with {_and(_called(components, name) for name in parts)}."


def _may_hold(version: str | None, wanted: str) -> bool:
    return version is None or holds(version, wanted)


def _called(components: Components, name: str) -> str:
    return f"{name} {components[name] or 'of an unknown version'}"


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)


def _worst(said: Iterable[Said]) -> Said:
    return min((one for one in said if one), key=lambda one: VERDICTS.index(one[0]), default=None)


# --- the kinds, one function each


def _floor(rule: Rule, facts: Facts) -> Said:
    """if: components in these ranges; then: others in those."""
    return _check(facts["components"], rule["if"], rule["then"])


def _table(rule: Rule, facts: Facts) -> Said:
    """of, needs: two components; rows: ranges of the one, and what each needs of the other."""
    components, of, needs = facts["components"], rule["of"], rule["needs"]
    if of not in components or needs not in components:
        return None
    said = (_check(components, {of: range_}, {needs: wanted}) for range_, wanted in rule["rows"].items())
    return next((one for one in said if one), (UNKNOWN, f"no row is about {_called(components, of)}."))


def _bundle(rule: Rule, facts: Facts) -> Said:
    """of: what carries the parts of a row; exact: those that must be the row's; known_by: the part that tells it."""
    components, of = facts["components"], rule["of"]
    exact = [part for part in rule["exact"] if part in components]
    if of not in components or not exact:
        return None
    row = _row(rule, components[of])
    if row is None:
        return UNKNOWN, f"no row is about {_called(components, of)}."
    return _check(components, {of: ">=0"}, {part: f"=={row[part]}" for part in exact if part in row})


def _row(rule: Rule, version: str | None) -> dict[str, str] | None:
    rows = rule["rows"].items() if version else ()
    return next((dict(parts) for release, parts in rows if compare(str(version), release) == 0), None)


def _equal(rule: Rule, facts: Facts) -> Said:
    """components: two of the same version, to so many `parts` of it (without: all)."""
    components, (one, other) = facts["components"], rule["components"]
    if one not in components or other not in components:
        return None
    series = ".".join(head(components[one] or "0").split(".")[: rule.get("parts")])
    return _check(components, {one: ">=0"}, {other: f"=={series}"})


def _order(rule: Rule, facts: Facts) -> Said:
    """components: the first at least as new as the second, and so on."""
    components = facts["components"]
    here = [name for name in rule["components"] if components.get(name)]
    pairs = zip(here[1:], here)
    return _worst(_check(components, {low: ">=0"}, {high: f">={head(components[low])}"}) for low, high in pairs)


def _window(rule: Rule, facts: Facts) -> Said:
    """components: none further behind the first than `behind` says, a range of the first and a number of `releases`."""
    components, releases = facts["components"], rule["releases"]
    here = [name for name in rule["components"] if components.get(name)]
    if len(here) < 2:
        return None
    first = here[0]
    newest = next((index for index, one in enumerate(releases) if holds(components[first], f"=={one}")), None)
    behind = next((width for since, width in rule["behind"].items() if holds(components[first], since)), None)
    if newest is None or behind is None:
        return UNKNOWN, f"no row is about {_called(components, first)}."
    oldest = releases[max(0, newest - behind)]
    return _worst(_check(components, {first: ">=0"}, {name: f">={oldest}"}) for name in here[1:])


def _bad_pair(rule: Rule, facts: Facts) -> Said:
    """pair: components that must not all be in these ranges."""
    components, pair = facts["components"], rule["pair"]
    if not set(pair) <= set(components):
        return None
    if not all(_may_hold(components[name], wanted) for name, wanted in pair.items()):
        return ALLOWED, f"{_and(_called(components, name) for name in pair)} are not the known bad pair."
    dark = [name for name in pair if components[name] is None]
    if dark:
        return UNKNOWN, f"the version of {_and(dark)} is not known."
    versions = " with ".join(_called(components, name) for name in pair)
    return REFUSED, f"{versions} is known to be bad; change one of them."


def _gpu(rule: Rule, facts: Facts) -> Said:
    """models: of GPUs, on which `then` must hold."""
    seen = [one for one in facts.get("gpu_models", ()) if any(_is_model(one, model) for model in rule["models"])]
    return _check(facts["components"], {}, rule["then"], _and(dict.fromkeys(seen))) if seen else None


def _is_model(seen: str, model: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(model)}(?![A-Za-z0-9])", seen, re.IGNORECASE) is not None


def _instance(rule: Rule, facts: Facts) -> Said:
    """families: of instance types, on which `then` must hold."""
    types = [
        one for one in facts.get("instance_types", ()) if re.sub(r"^ml\.", "", one).split(".")[0] in rule["families"]
    ]
    return _check(facts["components"], {}, rule["then"], _and(types)) if types else None


def _platform(rule: Rule, facts: Facts) -> Said:
    """of: a component that, on each of these platforms, needs another in one of some ranges."""
    components, platform, of, needs = facts["components"], facts.get("platform"), rule["of"], rule["needs"]
    ranges = rule["platforms"].get(platform)
    if ranges is None or of not in components:
        return None
    asks = f"{of} on {platform} asks for {needs} {' or '.join(map(told_range, ranges))}"
    version = components.get(needs)
    if version is None:
        return UNKNOWN, f"{asks}, whose version is not known."
    if any(holds(version, one) for one in ranges):
        return ALLOWED, f"{of} on {platform} goes with {needs} {version}."
    return REFUSED, f"{asks}, and here is {needs} {version}; change one of them."


_JUDGES = {
    "floor": _floor,
    "table": _table,
    "bundle": _bundle,
    "equal": _equal,
    "order": _order,
    "window": _window,
    "bad_pair": _bad_pair,
    "gpu": _gpu,
    "instance": _instance,
    "platform": _platform,
}
KINDS = tuple(_JUDGES)
