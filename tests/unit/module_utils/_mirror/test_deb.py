"""Debian's versions, needs and indexes."""

from __future__ import annotations

import itertools
import time

import pytest
from ansible_collections.awsome.training.plugins.module_utils._mirror import deb
from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Relation, closure
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from mirror_vendor import stanza

ORDERED = [
    "0~~", "0~~a", "0~", "0", "1.0~rc1-1", "1.0-1", "1.0-1+b1", "1.0a-1", "1.0+dfsg-1", "1.0.1-1", "1.2-1",
    "1.10-1", "2", "1:0.1", "5:28.3.2-1~ubuntu.24.04~noble",
]  # fmt: skip


def test_versions_are_ordered_as_dpkg_orders_them() -> None:
    for one, two in itertools.combinations(ORDERED, 2):
        assert deb.compare(one, two) < 0 < deb.compare(two, one), (one, two)
    assert deb.compare("1.0-1", "0:1.0-1") == 0 and deb.compare("1.01", "1.1") == 0


def test_needs_are_read_with_alternatives_and_versions() -> None:
    text = "libc6 (>= 2.34), nvidia-open (= 1-1) | nvidia-driver:any, python3:any (<< 3.14) , ${odd}"
    assert deb.relations(text) == (
        (Relation("libc6", ">=", "2.34"),),
        (Relation("nvidia-open", "=", "1-1"), Relation("nvidia-driver")),
        (Relation("python3", "<", "3.14"),),
    )


def test_a_release_lists_its_files() -> None:
    sums = f"MD5Sum:\n {'0' * 32} 3 Packages\nSHA256:\n {'a' * 64} 3 ./Packages\n {'b' * 64} 9 main/x\nSHA512:\n"
    text = f"Origin: x\n{sums}"
    assert deb.release(text, "r") == {"Packages": ("a" * 64, 3), "main/x": ("b" * 64, 9)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Origin: x\n", "r: its Release lists no SHA256 sums, so that nothing in it can be checked."),
        (
            "SHA256:\n abc 3 Packages\n",
            "r: its Release has the line 'abc 3 Packages', expected a sha256, a size and a path.",
        ),
    ],
)
def test_a_release_that_proves_nothing_is_refused(text: str, told: str) -> None:
    with pytest.raises(MirrorError) as caught:
        deb.release(text, "r")
    assert str(caught.value) == told


def test_an_entry_without_a_checksum_is_refused() -> None:
    text = stanza("a", "1", b"x", "a.deb").partition("SHA256")[0]
    with pytest.raises(MirrorError, match="r: its Packages has an entry 'Package: a' without a good sha256"):
        deb.index(text.encode(), "amd64", "r")


def test_other_architectures_are_left_out() -> None:
    rows = [stanza(arch, "1", b"x", "a.deb", arch=arch) for arch in ("amd64", "all", "arm64", "i386")]
    assert sorted(deb.index("\n".join(rows).encode(), "amd64", "r").by_name) == ["all", "amd64"]


def test_a_large_index_is_read_in_seconds() -> None:
    more = {
        "Depends": "libc6 (>= 2.34), pkg-0 (>= 1) | other",
        "Provides": "virtual (= 1)",
        "Maintainer": "x",
        "Section": "y",
    }
    rows = [
        stanza(
            f"pkg-{number % 2000}", f"{number}.0-1", b"x", f"./p{number}.deb", **more, Description="d\n " + "long " * 40
        )
        for number in range(20_000)
    ]
    started = time.monotonic()
    index = deb.index("\n".join(rows).encode(), "amd64", "r")
    chosen, _ = closure(index, ["pkg-1", "pkg-7=7.0-*"])
    assert len(index.packages) == 20_000
    assert [(package.name, package.version) for package in chosen] == [
        ("pkg-0", "18000.0-1"), ("pkg-1", "18001.0-1"), ("pkg-7", "7.0-1")
    ]  # fmt: skip
    assert time.monotonic() - started < 5
