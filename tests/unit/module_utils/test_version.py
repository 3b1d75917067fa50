"""Versions as vendors and packagers spell them."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.awsome.training.plugins.module_utils._version import (
    VersionError,
    compare,
    head,
    holds,
    told_range,
)

# Ascending; each line is newer than the one above.
ASCENDING = [
    "1.16.0~amzn4.0",
    "1.16.0",
    "1.22.0amzn3.0",
    "1.22.0amzn4.0",
    "1.22.0amzn10.0",
    "2.1.0amzn5.0",
    "v2.27.7rc1",
    "2.27.7",
    "12.2.20230823",
    "12.9",
    "12.9.1",
    "24.11.5",
    "580.95.05",
    "580.126.20",
]


@pytest.mark.parametrize(("older", "newer"), list(itertools.combinations(ASCENDING, 2)))
def test_versions_are_ordered(older: str, newer: str) -> None:
    assert (compare(older, newer), compare(newer, older), compare(older, older)) == (-1, 1, 0)


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("2.27.7-1+cuda12.9", "2.27.7"),
        ("580.126.20-1ubuntu1", "580.126.20"),
        ("1:4.5.2-1", "4.5.2"),
        ("v1.47.0", "1.47.0"),
        ("12.9.0", "12.9"),
        (" 26.05.4\n", "26.5.4"),
    ],
)
def test_a_packagers_additions_do_not_count(spelled: str, plain: str) -> None:
    assert compare(spelled, plain) == 0


def test_a_kernels_revision_counts_where_the_bound_names_one() -> None:
    kernel = "5.14.0-687.5.3.el9_8.x86_64"
    assert holds(kernel, ">=5.14.0-687.5.3,<5.14.0-688")
    assert not holds(kernel, ">=5.14.0-611,<5.14.0-612")
    assert holds("6.8.0-1033-aws", ">=6.8.0-1024,<6.8.0-1034")
    assert holds(kernel, "<5.15")


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("12.9.1", "==12.9", True),
        ("12.9.1", "12.9", True),
        ("12.90", "==12.9", False),
        ("13.1", "==13.0", False),
        ("13", "==13.0", True),
        ("2.27.7", ">=2.17.1,<3", True),
        ("2.27.7", "!=2.27", False),
        ("2.1.0amzn5.0", "==2.1.0amzn5.0", True),
        ("2.1.0amzn4.0", "==2.1.0amzn5.0", False),
        ("1.22.0", ">=1.22.0amzn4.0", False),
        ("open", "open", True),
        ("proprietary", "==open", False),
    ],
)
def test_ranges(version: str, wanted: str, expected: bool) -> None:
    assert holds(version, wanted) is expected


def test_the_head_is_the_vendors_version() -> None:
    assert head("1:2.27.7-1+cuda12.9") == "2.27.7"


def test_a_range_is_told_in_words() -> None:
    assert [told_range(one) for one in ("==13", ">=1,<2")] == ["13", ">=1 and <2"]


def test_what_is_no_version_is_told() -> None:
    with pytest.raises(VersionError, match="'unknown' is no version: expected one that starts with a number"):
        compare("unknown", "1.0")


@pytest.mark.parametrize("wanted", ["", "1.2 or 1.3", "=>1.2", "*"])
def test_what_is_no_range_is_told(wanted: str) -> None:
    with pytest.raises(VersionError, match=r"is no range of versions: expected bounds such as >=1\.22"):
        holds("1.2", wanted)
