"""What is mounted, what is in the way, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _mounts as mounts

FSX = {"type": "lustre", "source": "fs-01.fsx.example@tcp:/abcd", "path": "/fsx"}
HOME = {"type": "openzfs", "source": "fs-02.fsx.example:/fsx/home", "path": "/home/"}
OTHERS = "UUID=1 / ext4 defaults 0 1\n"


def after(*entries: dict[str, Any], fstab: str = OTHERS, seen: dict[str, str] | None = None) -> mounts.Plan:
    return mounts.plan(mounts.judge(entries), fstab, seen or {"/": "/dev/root"})


def test_a_new_mount_is_made_and_written_behind_the_lines_of_others() -> None:
    plan = after(FSX)
    assert [one.path for one in plan.mount] == ["/fsx"] and plan.unmount == ()
    line = "fs-01.fsx.example@tcp:/abcd /fsx lustre noatime,flock,_netdev,nofail 0 0"
    assert plan.fstab == f"{OTHERS}{mounts.BEGIN}\n{line}\n{mounts.END}\n"


def test_openzfs_is_nfs_with_many_connections() -> None:
    (mount,) = mounts.judge([HOME])
    assert (mount.kind, mount.path) == ("nfs", "/home") and "nconnect=16" in mount.options


def test_an_option_takes_the_place_of_that_of_its_name() -> None:
    (mount,) = mounts.judge([{**HOME, "options": ["nconnect=4", "atime", "ro"]}])
    assert {"nconnect=4", "atime", "ro"} <= set(mount.options) and not {"nconnect=16", "noatime"} & set(mount.options)


def test_a_second_run_does_nothing() -> None:
    plan = after(FSX, fstab=after(FSX).fstab, seen={"/fsx": FSX["source"]})
    assert (plan.mount, plan.unmount, plan.fstab) == ((), (), after(FSX).fstab)


def test_only_what_we_wrote_is_unmounted() -> None:
    plan = after(fstab=after(FSX).fstab, seen={"/fsx": FSX["source"], "/data": "server:/data"})
    assert plan.unmount == ("/fsx",) and plan.fstab == OTHERS
    assert after(fstab=after(FSX).fstab).unmount == ()  # it was not mounted


def test_a_changed_mount_is_made_anew() -> None:
    plan = after({**FSX, "options": ["ro"]}, fstab=after(FSX).fstab, seen={"/fsx": FSX["source"]})
    assert plan.unmount == ("/fsx",) and [one.options[-1] for one in plan.mount] == ["ro"]


def test_what_another_mounted_from_the_same_source_is_taken_over() -> None:
    plan = after(FSX, seen={"/fsx": FSX["source"]})
    assert (plan.mount, plan.unmount) == ((), ()) and FSX["source"] in plan.fstab


def test_parents_come_first_and_go_last() -> None:
    inner = {**HOME, "path": "/fsx/home"}
    plan = after(inner, FSX)
    assert [one.path for one in plan.mount] == ["/fsx", "/fsx/home"]
    assert after(fstab=plan.fstab, seen={"/fsx": "a", "/fsx/home": "b"}).unmount == ("/fsx/home", "/fsx")


@pytest.mark.parametrize(
    ("entries", "fstab", "seen", "sentence"),
    [
        (
            [{**FSX, "source": "fs-01:/abcd"}],
            "",
            {},
            "has the source 'fs-01:/abcd', expected <server>@tcp:/<mount name>",
        ),
        ([{**HOME, "source": "fs-02"}], "", {}, "has the source 'fs-02', expected <server>:/<path>"),
        ([{**FSX, "path": "fsx"}], "", {}, "has the path 'fsx', expected an absolute path below /"),
        ([{**FSX, "path": "/"}], "", {}, "has the path '/', expected an absolute path below /"),
        ([{**FSX, "path": "/a/../b"}], "", {}, "has the path '/a/../b'"),
        ([{**FSX, "options": ["ro,noatime"]}], "", {}, "has the option 'ro,noatime', expected one option in each item"),
        ([FSX, FSX], "", {}, "/fsx is listed twice"),
        ([FSX], "x:/y /fsx nfs defaults 0 0\n", {}, "/fsx stands in /etc/fstab already .*written by someone else"),
        ([FSX], "", {"/fsx": "server:/other"}, "/fsx is where server:/other is mounted, by someone else"),
    ],
)
def test_what_cannot_be_is_refused(
    entries: list[dict[str, Any]], fstab: str, seen: dict[str, str], sentence: str
) -> None:
    with pytest.raises(mounts.MountError, match=sentence):
        after(*entries, fstab=fstab, seen=seen)


def test_a_failure_says_which_mount_and_why() -> None:
    (mount,) = mounts.judge([FSX])
    assert mounts.trouble(mount, "mount.lustre: No such device\n", 60) == (
        "fs-01.fsx.example@tcp:/abcd cannot be mounted at /fsx: mount.lustre: No such device"
    )
    assert "no answer within 60 s; is the name right, and is TCP port 988 open" in mounts.trouble(mount, "", 60)


def test_the_last_mount_on_a_path_counts() -> None:
    line = "36 35 0:32 / /fsx rw,noatime shared:1 - lustre {} rw"
    assert mounts.mounted(f"{line.format('a')}\n{line.format('b')}\n") == {"/fsx": "b"}
