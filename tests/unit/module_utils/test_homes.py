"""The homes of users."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _homes as homes
from ansible_collections.awsome.training.plugins.module_utils._accounts import AccountError, Seen, User

ME = pwd.getpwuid(os.getuid())
KEYS = ["ssh-ed25519 AAAA me"]


def test_a_home_is_furnished_once(tmp_path: Path) -> None:
    assert len(homes.furnish(tmp_path, KEYS, True, "me@cluster", False)) == 3
    ssh = tmp_path / ".ssh"
    assert {path.name for path in ssh.iterdir()} == {"id_ed25519", "id_ed25519.pub", "authorized_keys"}
    assert stat.S_IMODE(ssh.stat().st_mode) == 0o700 and stat.S_IMODE((ssh / "id_ed25519").stat().st_mode) == 0o600
    allowed = (ssh / "authorized_keys").read_text()
    assert (ssh / "id_ed25519.pub").read_text().strip() in allowed and KEYS[0] in allowed
    assert homes.furnish(tmp_path, KEYS, True, "me@cluster", False) == []


def test_files_of_an_old_home_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("mine")
    homes.furnish(tmp_path, [], False, "", False)
    assert (tmp_path / ".bashrc").read_text() == "mine"


def test_check_mode_makes_nothing(tmp_path: Path) -> None:
    assert homes.furnish(tmp_path, KEYS, True, "me@cluster", True)
    assert list(tmp_path.iterdir()) == []


def make(root: Path, check: bool = False, **options: Any) -> list[str]:
    user = {"name": ME.pw_name, "uid": ME.pw_uid, "home": str(root / "home")}
    wanted = {"home_root": str(root), "mount_point": None, "keys": False, "users": [user], **options}
    seen = Seen({ME.pw_name: User(ME.pw_uid, ME.pw_gid, "", "")})
    return homes.make(wanted, seen, check)


def test_a_home_is_made_and_then_left(tmp_path: Path) -> None:
    assert make(tmp_path)[0] == f"mkdir {tmp_path}/home"
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert make(tmp_path) == []


def test_no_home_is_made_on_a_disk_that_should_be_a_mount(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match=f"{tmp_path} is not mounted"):
        make(tmp_path, mount_point=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_strangers_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 4242, 4242)
    with pytest.raises(AccountError, match="belongs to uid 4242, expected"):
        make(tmp_path)


def test_what_goes_wrong_in_the_child_is_told() -> None:
    def fail() -> list[str]:
        raise OSError("disk full")

    with pytest.raises(AccountError, match=f"user '{ME.pw_name}': the home could not be made: OSError: disk full"):
        homes.as_user(ME.pw_name, fail)


def test_an_adopted_user_takes_what_it_has_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "shared/new"
    (old / ".ssh").mkdir(parents=True)
    (old / ".ssh/authorized_keys").write_text("ssh-ed25519 BBBB cloud\n")
    os.mkfifo(old / "pipe")
    (tmp_path / "shared/.new.new").mkdir(parents=True)  # a copy that was cut short
    (tmp_path / "shared/.new.new/rest").write_text("x")
    wanted = {"home_root": str(tmp_path), "mount_point": None, "keys": True}
    user = {"name": ME.pw_name, "adopt": True, "home": str(new)}
    seen = Seen({ME.pw_name: User(ME.pw_uid, ME.pw_gid, str(old), "")})
    done = homes.make({**wanted, "users": [user]}, seen, False)
    assert done[:2] == [f"mkdir {new}", f"copy {old} to {new}"]
    assert "BBBB" in (new / ".ssh/authorized_keys").read_text() and (new / ".ssh/id_ed25519").is_file()
    assert sorted(path.name for path in new.iterdir()) == [".ssh"] and not (tmp_path / "shared/.new.new").exists()
    assert homes.make({**wanted, "users": [user]}, seen, False) == []
