"""The rules of the catalogue, each tried with examples that its own data give, and the checker."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._compatibility import (
    ALLOWED,
    KINDS,
    REFUSED,
    UNKNOWN,
    CompatibilityError,
    complete,
    judge,
    told,
)
from ansible_collections.awsome.training.plugins.module_utils._version import holds

CATALOG = _catalog.load()
RULES = CATALOG.compatibility
each_rule = pytest.mark.parametrize("name", RULES)


def rule(kind: str, **data: Any) -> dict[str, dict[str, Any]]:
    return {"it": {"kind": kind, "reason": "It was tried.", "source": "a thread", **data}}


def verdicts(rules: dict[str, Any], **facts: Any) -> list[str]:
    return [finding.verdict for finding in judge(rules, facts)]


# --- examples out of a rule's own data


def pick(wanted: str, outside: bool = False) -> str:
    """A version within a range, or outside of it, made of the range's own bounds."""
    limits = re.findall(r"[0-9a-z][^\s,<>=!]*", wanted)
    if not limits[0][0].isdigit():
        return "something_else" if outside else limits[0]
    made = list(limits)
    for limit in limits:
        numbers = re.match(r"[\d.-]*\d", limit).group()  # type: ignore[union-attr]
        head, last = re.fullmatch(r"(.*?)(\d+)", numbers).groups()  # type: ignore[union-attr]
        made += [numbers + ".1", f"{head}{int(last) + 1}", f"{head}{max(int(last) - 1, 0)}"]
    return next(one for one in [*made, "9999", "0.0.1"] if holds(one, wanted) is not outside)


def cases(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of facts: one that the rule allows, and one that it refuses."""
    kind = data["kind"]
    if kind == "floor":
        given = {part: pick(wanted) for part, wanted in data["if"].items()}
        for part, wanted in data["then"].items():
            yield given | {part: pick(wanted)}, given | {part: pick(wanted, outside=True)}
    elif kind == "table":
        for of, wanted in data["rows"].items():
            given = {data["of"]: pick(of)}
            yield given | {data["needs"]: pick(wanted)}, given | {data["needs"]: pick(wanted, outside=True)}
    elif kind == "bundle":
        for release, parts in data["rows"].items():
            for part in set(data["exact"]) & set(parts):
                yield {data["of"]: release, part: parts[part]}, {data["of"]: release, part: "0.1"}
    elif kind == "equal":
        one, other = data["components"]
        yield {one: "12.4.1", other: "12.4.1"}, {one: "12.4.1", other: "13.4.1"}
    elif kind == "order":
        for high, low in itertools.pairwise(data["components"]):
            yield {high: "25.05.1", low: "24.11.2"}, {high: "24.11.2", low: "25.05.1"}
    elif kind == "window":
        one, other = data["components"][0], data["components"][-1]
        for width, newest in ((2, "24.05.1"), (3, "25.11.1")):
            at = data["releases"].index(newest[:5])
            yield (
                {one: newest, other: data["releases"][at - width]},
                {one: newest, other: data["releases"][at - width - 1]},
            )
    elif kind == "bad_pair":
        bad = {part: pick(wanted) for part, wanted in data["pair"].items()}
        part = next(part for part, wanted in data["pair"].items() if wanted != ">=0")
        yield bad | {part: pick(data["pair"][part], outside=True)}, bad


def facts_of(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    kind = data["kind"]
    if kind in ("gpu", "instance"):
        key, names = ("gpu_models", data["models"]) if kind == "gpu" else ("instance_types", data["families"])
        for name, (part, wanted) in itertools.product(names, data["then"].items()):
            about = {key: [f"NVIDIA {name} 80GB" if kind == "gpu" else f"ml.{name}.48xlarge"]}
            yield (
                about | {"components": {part: pick(wanted)}},
                about | {"components": {part: pick(wanted, outside=True)}},
            )
    elif kind == "platform":
        for platform, ranges in data["platforms"].items():
            for wanted in ranges:
                given: dict[str, Any] = {data["of"]: "1.0"}
                good, bad = given | {data["needs"]: pick(wanted)}, given | {data["needs"]: "0.1"}
                yield {"platform": platform, "components": good}, {"platform": platform, "components": bad}
    else:
        for good, bad in cases(data):
            yield {"components": good}, {"components": bad}


@each_rule
def test_every_rule_allows_and_refuses_what_its_data_say(name: str) -> None:
    tried = 0
    for good, bad in facts_of(RULES[name]):
        assert [one.verdict for one in judge({name: RULES[name]}, good)] == [ALLOWED], good
        (finding,) = judge({name: RULES[name]}, bad)
        assert finding.verdict == REFUSED, bad
        for part, version in bad["components"].items():
            if part != RULES[name].get("of") or RULES[name]["kind"] != "platform":
                assert part in finding.reason and str(version) in finding.reason
        assert "change one of them" in finding.reason
        assert finding.reason.endswith(" ".join(RULES[name]["reason"].split()))
        assert finding.source
        tried += 1
    assert tried


@each_rule
def test_every_rule_is_unknown_where_a_version_is(name: str) -> None:
    data = RULES[name]
    if data["kind"] in ("order", "window"):  # these compare those that are known
        return
    for good, bad in facts_of(data):
        if data["kind"] == "bad_pair":  # of which the half that is right says enough
            good = bad
        for part in good["components"]:
            if data["kind"] == "platform" and part == data["of"] and part != data["needs"]:
                continue  # whose version does not matter
            dark = {**good, "components": {**good["components"], part: None}}
            if data["kind"] == "bundle" and part == data["of"]:
                dark["components"] = {
                    key: value for key, value in dark["components"].items() if key != data.get("known_by")
                }
                if len(dark["components"]) == 1:
                    continue
            assert [one.verdict for one in judge({name: data}, dark)] == [UNKNOWN], dark


@each_rule
def test_every_rule_is_silent_about_something_else(name: str) -> None:
    assert (
        judge({name: RULES[name]}, {"components": {"munge": "0.5.15"}, "platform": "other", "gpu_models": ["T4"]}) == []
    )


def test_every_kind_is_used() -> None:
    assert {data["kind"] for data in RULES.values()} == set(KINDS)


def test_the_order_of_the_components_does_not_matter() -> None:
    components = {
        "nvidia_driver": "580.126.20",
        "fabric_manager": "580.95.05",
        "cuda": "13.0.2",
        "nccl": "2.28.9-1+cuda12.9",
        "efa": "1.47.0",
        "dcgm": "1:4.5.2-1",
        "pyxis": "0.24.0",
        "slurm": None,
        "kernel": "6.8.0-1024-aws",
        "lustre": None,
    }
    facts = {"platform": "ubuntu2404", "instance_types": ["p5.48xlarge"], "gpu_models": ["H100"]}
    whole = judge(RULES, {**facts, "components": components})
    assert {one.verdict for one in whole} == {ALLOWED, REFUSED, UNKNOWN}
    for turn in range(1, len(components)):
        names = list(components)[turn:] + list(components)[:turn]
        assert judge(RULES, {**facts, "components": {name: components[name] for name in names}}) == whole


def test_rules_name_families_models_and_platforms_that_the_catalogue_knows() -> None:
    families = {row["family"] for row in CATALOG.instances.values()}
    for data in RULES.values():
        assert set(data.get("families", ())) <= families
        assert set(data.get("platforms", ())) <= set(CATALOG.platforms)


def test_every_blackwell_of_the_catalogue_needs_the_open_module() -> None:
    for model in ("B200", "B300", "GB200", "RTX PRO Server 6000", "RTX PRO 4500"):
        assert any(row["accelerator"] and row["accelerator"]["model"] == model for row in CATALOG.instances.values())
        assert REFUSED in verdicts(RULES, gpu_models=[model], components={"nvidia_module": "proprietary"}), model


# --- the checker


def test_what_comes_with_a_component_is_known_and_may_be_told_better() -> None:
    parts = {"libfabric": "2.4.0amzn1.0", "aws_ofi_nccl": "1.18.0"}
    assert complete(RULES, {"efa": "1.47.0-1"}, planned=True) == {"efa": "1.47.0-1", **parts}
    assert complete(RULES, {"efa": "1.47.0", "aws_ofi_nccl": "1.20.0"}, planned=True)["aws_ofi_nccl"] == "1.20.0"
    assert complete(RULES, {"efa": "1.47.0"}) == {"efa": "1.47.0"}  # on a machine they may be missing
    assert complete(RULES, {"nccl": "2.27.7-1+cuda12.9"})["nccl_cuda"] == "12.9"
    assert complete(RULES, {"neuron_runtime": "2.34.10.0"})["neuron"] == "2.32.0"
    assert complete(RULES, {"neuron_runtime": "2.0.1"})["neuron"] is None


def test_parts_of_different_neuron_releases_are_refused() -> None:
    (finding,) = judge(RULES, {"components": {"neuron_runtime": "2.34.10.0", "neuron_tools": "2.33.38.0"}})
    assert finding.verdict == REFUSED
    assert "neuron 2.32.0 asks for neuron_tools 2.32.28.0, and here is neuron_tools 2.33.38.0" in finding.reason


def test_a_version_that_no_row_is_about_is_unknown() -> None:
    (finding,) = judge(rule("table", of="a", needs="b", rows={"==2": ">=1"}), {"components": {"a": "3", "b": "1"}})
    assert (finding.verdict, finding.reason) == (UNKNOWN, "no row is about a 3.")


def test_a_version_that_cannot_be_read_is_unknown() -> None:
    sentence = "'HEAD' is no version: expected one that starts with a number."
    (finding,) = judge(
        rule("floor", **{"if": {"a": ">=1"}, "then": {"b": ">=1"}}), {"components": {"a": "HEAD", "b": "1"}}
    )
    assert (finding.verdict, finding.reason) == (UNKNOWN, sentence)
    found = {one.rule: one for one in judge(RULES, {"components": {"efa": "HEAD", "libfabric": "2.1.0"}})}
    assert (found["efa_parts"].verdict, found["efa_parts"].reason) == (UNKNOWN, sentence)


def test_the_sentence_of_a_refusal_tells_all() -> None:
    (finding,) = judge(
        rule("floor", **{"if": {"a": ">=2"}, "then": {"b": ">=1,<2"}}), {"components": {"a": "2", "b": "3"}}
    )
    assert finding.reason == "a 2 asks for b >=1 and <2, and here is b 3; change one of them. It was tried."
    assert told([finding]) == [f"refused: it: {finding.reason} (a thread)"]


def test_refusals_are_told_first_and_what_is_allowed_only_when_asked() -> None:
    found = [{"rule": one, "verdict": one, "reason": "Why.", "source": "x"} for one in (ALLOWED, UNKNOWN, REFUSED)]
    assert [one.split(":")[0] for one in told(found)] == [REFUSED, UNKNOWN]
    assert [one.split(":")[0] for one in told(found, (ALLOWED,))] == [ALLOWED]


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ({"it": {"kind": "wish", "reason": "x", "source": "y"}}, "'wish'"),
        ({"it": {"kind": "floor", "reason": "x", "source": "y"}}, "'if'"),
        ({"it": {"kind": "gpu", "models": ["H100"], "then": {"a": ">=2"}, "reason": "x"}}, "'source'"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named(rules: dict[str, Any], missing: str) -> None:
    with pytest.raises(
        CompatibilityError, match=f"compatibility rule it: {missing} is missing or unknown; a rule has kind"
    ):
        judge(rules, {"components": {"a": "1", "b": "1"}, "gpu_models": ["H100"]})
