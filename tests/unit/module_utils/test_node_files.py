"""What a file should hold."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _node_files as node_files


def test_bytes_that_are_no_text_travel_as_base64() -> None:
    assert node_files.content({"path": "/k", "content_base64": base64.b64encode(b"\x00\xff").decode()}) == b"\x00\xff"


def test_a_bad_secret_is_not_quoted() -> None:
    with pytest.raises(node_files.FileError, match=r"^/k: content_base64 is not base64\.$"):
        node_files.content({"path": "/k", "content_base64": "s3cret!"})


def test_a_directory_has_no_content() -> None:
    assert node_files.content({"path": "/d", "state": "directory"}) is None


def test_lines_that_match_stay_once() -> None:
    before = b"old ssh-ed25519 A\ngone ssh-ed25519 B\nnew ssh-ed25519 C\n"
    after = node_files.keep(b"new ssh-ed25519 C\n", before, "^(old|new)[, ]")
    assert after == b"new ssh-ed25519 C\nold ssh-ed25519 A\n"  # sorted
    assert node_files.keep(after, after, "^(old|new)[, ]") == after


def test_without_a_pattern_nothing_stays() -> None:
    assert node_files.keep(b"a\n", b"b\n", None) == b"a\n"


def test_a_mode_is_octal() -> None:
    assert node_files.mode({"path": "/f", "mode": "0440"}) == 0o440
    with pytest.raises(node_files.FileError, match="'0999' is not octal"):
        node_files.mode({"path": "/f", "mode": "0999"})
