"""RPM's versions, needs and metadata."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.awsome.training.plugins.module_utils._mirror import rpm
from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Relation, closure
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from mirror_vendor import rpm_row

HEAD = '<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">'
ORDERED = [
    "1.0~rc1-1",
    "1.0-1",
    "1.0^git1-1",
    "1.0.a-1",
    "1.0.1-1",
    "1.2-1",
    "1.10-1",
    "1.10-2.el9",
    "2-1",
    "1:0-1",
    "3:580.1-1",
]


def primary(*rows: str) -> bytes:
    return f"{HEAD}{''.join(rows)}</metadata>".encode()


def test_versions_are_ordered_as_rpm_orders_them() -> None:
    for one, two in itertools.combinations(ORDERED, 2):
        assert rpm.compare(one, two) < 0 < rpm.compare(two, one), (one, two)
    assert rpm.compare("1.0", "1.0-7") == 0 and rpm.compare("0:1.01-1", "1.1-1") == 0


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("(a or b >= 2)", [(Relation("a"), Relation("b", ">=", "2"))]),
        ("(a and py(x) < 3)", [(Relation("a"),), (Relation("py(x)", "<", "3"),)]),
        ("(a if b)", [(Relation("a"),)]),
        ("(a if b else c)", [(Relation("a"),), (Relation("c"),)]),
        ("((a >= 1 with a < 2) or b)", [(Relation("a", ">=", "1"),), (Relation("a", "<", "2"), Relation("b"))]),
    ],
)
def test_boolean_needs_lose_their_conditions(text: str, needs: list[tuple[Relation, ...]]) -> None:
    assert rpm.rich_needs(text) == needs


def test_needs_are_met_by_name_version_provides_and_path() -> None:
    index = rpm.index(
        primary(
            rpm_row("top", "3:580.1-1.el9", b"t", "top.rpm", requires=[
                {"name": "lib", "flags": "LT", "epoch": "0", "ver": "2"}, {"name": "feature"},
                {"name": "libc.so.6()(64bit)"}, {"name": "(extra if odd)"},
            ]),
            rpm_row("lib", "1.5-1", b"1", "lib-1.rpm", arch="noarch"),
            rpm_row("lib", "2.0-1", b"2", "lib-2.rpm"),
            rpm_row("lib", "1.9-1", b"3", "lib-i686.rpm", arch="i686"),
            rpm_row("giver", "1-1", b"g", "giver.rpm", provides=[{"name": "feature", "flags": "EQ", "ver": "1"}]),
            rpm_row("extra", "1-1", b"e", "extra.rpm"),
        ),
        "x86_64",
        "r",
    )  # fmt: skip
    chosen, absent = closure(index, ["top=580.1-*", "gcc"])
    assert [package.file for package in chosen] == ["extra.rpm", "giver.rpm", "lib-1.rpm", "top.rpm"]
    assert absent == ["gcc"]
    assert closure(index, ["top=3:580.1-1.el9"])[0] == chosen


def test_metadata_lists_its_parts_without_databases() -> None:
    data = '<data type="{0}"><checksum type="sha256">{1}</checksum><location href="repodata/{0}"/></data>'
    text = '<repomd xmlns="http://linux.duke.edu/metadata/repo">{}</repomd>'
    both = text.format(data.format("primary", "a") + data.format("primary_db", "b"))
    assert [part.file for part in rpm.repomd(both.encode(), "r")] == ["repodata/primary"]
    with pytest.raises(MirrorError, match=r"r: its repomd.xml names no primary metadata"):
        rpm.repomd(text.format("").encode(), "r")
    with pytest.raises(MirrorError, match=r"r: its repomd.xml uses the checksum 'md5', expected sha256"):
        rpm.repomd(both.replace("sha256", "md5").encode(), "r")
    with pytest.raises(MirrorError, match=r"r: its repomd.xml is no XML"):
        rpm.repomd(b"<html", "r")


def test_a_weak_checksum_of_a_package_is_refused() -> None:
    row = rpm_row("a", "1-1", b"a", "a.rpm").replace('type="sha256"', 'type="sha"')
    with pytest.raises(MirrorError, match="r: the checksum of a is of type 'sha', expected sha256"):
        rpm.index(primary(row), "x86_64", "r")
