"""What may be fetched, and from where."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact

SUM = "ab" * 32
URL = "https://vendor.example/tool-1.2.tar.gz"
RECORD: dict[str, Any] = {"name": "tool", "version": "1.2", "url": URL, "sha256": SUM}


def test_a_mirror_is_asked_first() -> None:
    plan = artifact.plan(RECORD, "x86_64", "http://mirror.example/")
    assert plan.sources == (f"http://mirror.example/{SUM}/tool-1.2.tar.gz", URL)
    assert plan.is_archive and plan.label == "tool 1.2"


def test_architectures_have_their_own_files() -> None:
    record = {
        "name": "tool",
        "version": "1.2",
        "urls": {"x86_64": URL, "aarch64": f"{URL}.arm"},
        "sha256": {"noarch": SUM},
    }
    assert artifact.plan(record, "aarch64").sources == (f"{URL}.arm",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"sha256": "unverified"},
            f"tool 1.2: the sha256 of {URL} is unverified and no signature is known, so it is not",
        ),
        ({"sha256": None}, "tool: the record has no sha256"),
        ({"sha256": "abc"}, "sha256 'abc' is no checksum"),
        ({"sha256": "unverified", "sha512": SUM}, "sha512 '(ab)+' is no checksum of 128 hexadecimal digits"),
        ({"sha256": None, "sha512": {"aarch64": SUM * 2}}, "no sha512 for architecture 'x86_64', only for aarch64"),
        ({"sha256": {"aarch64": SUM}}, "no sha256 for architecture 'x86_64', only for aarch64"),
        ({"version": "latest"}, "says 'latest', which is no version"),
        ({"url": "https://vendor.example/latest/tool.tar.gz"}, "says 'latest'"),
        ({"url": "ftp://vendor.example/tool"}, "is no http, https or file address"),
        ({"url": "https://vendor.example/"}, "is no http, https or file address"),
        ({"name": None}, "has no name"),
    ],
)
def test_what_cannot_be_checked_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(artifact.ArtifactError, match=sentence):
        artifact.plan({**RECORD, **change}, "x86_64")


def test_pauses_grow_and_end() -> None:
    assert artifact.pauses(8) == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_sha512_proves_a_release_that_has_no_sha256() -> None:
    record = {**RECORD, "sha256": "unverified", "sha512": {"noarch": SUM * 2}}
    plan = artifact.plan(record, "x86_64", "http://mirror.example")
    assert (plan.sha256, plan.sha512) == ("", SUM * 2)
    assert plan.sources == (f"http://mirror.example/{SUM * 2}/tool-1.2.tar.gz", URL)
    assert artifact.plan({**RECORD, "sha512": SUM * 2}, "x86_64").sha512 == ""  # its sha256 is asked
