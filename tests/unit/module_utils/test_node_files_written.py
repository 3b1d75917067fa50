"""What the module node_files does to real files."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _node_files as node_files
from ansible_collections.awsome.training.plugins.module_utils._node_files import FileError

ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def ensure(path: Path, check: bool = False, complaint: str = "", **options: Any) -> Any:
    entry = {"state": "file", "mode": None, "keep_lines": None, "secret": False, "validate": None, **ME, **options}
    return node_files.ensure({"path": str(path), **entry}, lambda argv: complaint, check)


def test_a_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    assert ensure(path, content="a\n", mode="0600")["after"] == "a\n"
    assert path.read_text() == "a\n" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure(path, content="a\n", mode="0600") is None
    assert [member.name for member in path.parent.iterdir()] == ["file"]


def test_a_mode_alone_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ensure(path, content="a")
    assert ensure(path, content="a", mode="0600") and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert ensure(tmp_path / "file", check=True, content="a")
    assert ensure(tmp_path / "file", check=True, content="a", owner="nobody-of-this-name")
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_not_in_the_diff(tmp_path: Path) -> None:
    diff = ensure(tmp_path / "file", content="hush", secret=True)
    assert "hush" not in str(diff)


def test_what_its_judge_refuses_does_not_take_the_place(tmp_path: Path) -> None:
    path = tmp_path / "sudoers"
    ensure(path, content="good\n")
    with pytest.raises(FileError, match="sudoers: visudo refuses the new text: line 1 is wrong"):
        ensure(path, content="bad\n", validate="visudo -cf %s", complaint="line 1 is wrong")
    assert path.read_text() == "good\n" and len(list(tmp_path.iterdir())) == 1


def test_through_a_link_the_file_behind_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    ensure(tmp_path / "link/file", content="a")
    assert (tmp_path / "real/file").read_text() == "a" and (tmp_path / "link").is_symlink()


def test_directories_and_absence(tmp_path: Path) -> None:
    assert ensure(tmp_path / "d/e", state="directory", mode="0700")
    assert ensure(tmp_path / "d/e", state="directory", mode="0700") is None
    ensure(tmp_path / "file", content="a")
    assert ensure(tmp_path / "file", state="absent") and ensure(tmp_path / "file", state="absent") is None


def test_an_unknown_owner_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no user 'nobody-of-this-name'"):
        ensure(tmp_path / "file", content="a", owner="nobody-of-this-name")
