"""Slurm's host lists. The examples of expand are what `scontrol show hostnames` says."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import (
    HostlistError,
    compress,
    expand,
    fold,
    natural_key,
)
from hypothesis import given
from hypothesis import strategies as st

STEMS = st.sampled_from(["n", "node-", "ip-10-0-", "gpu-st-p5-", "", "a1b"])
NAMES = st.builds(
    lambda stem, number, width: f"{stem}{number:0{width}}", STEMS, st.integers(0, 1200), st.integers(1, 5)
)
ANY_NAMES = st.lists(NAMES | st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), max_size=60)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("n[1-3]", ["n1", "n2", "n3"]),
        ("n[08-11]", ["n08", "n09", "n10", "n11"]),
        ("n[098-101]", ["n098", "n099", "n100", "n101"]),
        ("n[1,01]", ["n1", "n01"]),
        ("n[8-9,11],m1", ["n8", "n9", "n11", "m1"]),
        ("a[1-2]b[1-2]", ["a1b1", "a1b2", "a2b1", "a2b2"]),
        ("n1,n[2-3]", ["n1", "n2", "n3"]),
        ("login", ["login"]),
        ("", []),
    ],
)
def test_expand(expression: str, names: list[str]) -> None:
    assert expand(expression) == names


@pytest.mark.parametrize(
    ("names", "expression"),
    [
        (["n3", "n1", "n2", "n10"], "n[1-3,10]"),
        (["n9", "n10"], "n[9-10]"),
        (["n09", "n10"], "n[09-10]"),
        (["login"], "login"),
        (["n1"], "n1"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.[1-2]"),
        ([], ""),
    ],
)
def test_compress(names: list[str], expression: str) -> None:
    assert compress(names) == expression


@given(ANY_NAMES)
def test_compressed_names_come_back_each_once_in_natural_order(names: list[str]) -> None:
    assert expand(compress(names)) == sorted(set(names), key=natural_key)


@given(ANY_NAMES)
def test_fold_keeps_the_order(names: list[str]) -> None:
    assert expand(fold(names)) == names


def test_a_range_stays_within_what_slurm_expands() -> None:
    assert compress(f"n{number}" for number in range(1, 70001)) == "n[1-65536,65537-70000]"


@pytest.mark.parametrize("expression", ["n[1-", "n1]", "n[3-1]", "n[a-b]", "n[1-99999999]", "n[[1]]"])
def test_what_cannot_be_read_is_named(expression: str) -> None:
    with pytest.raises(HostlistError, match="host list"):
        expand(expression)
