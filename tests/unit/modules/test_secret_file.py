"""A secret is made once."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from ansible_collections.awsome.training.plugins.modules import secret_file


def make(path: Path) -> bool:
    me, mine = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    return secret_file.make(path, 64, me, mine, 0o400)


def test_the_first_wins_and_nothing_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert make(path)
    first = path.read_bytes()
    assert len(first) == 64 and stat.S_IMODE(path.stat().st_mode) == 0o400
    assert not make(path)
    assert path.read_bytes() == first and [member.name for member in tmp_path.iterdir()] == ["key"]
