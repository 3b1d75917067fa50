"""One run: the lock, retries of what passes, secrets, and the bundle's checksum. Ansible is a function here."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from boot import bundle, runner
from boot.faults import BootError
from boot.plan import Node, Plan
from unit.boot.metadata import HyperPod

THIS = Node("ip-10-1-0-101", "10.1.0.101", "compute")
PLAN = Plan("hyperpod", "demo", THIS, (THIS,), {"compute": "hyperpod_compute"})
TREE = bundle.Tree(Path("/nowhere"), "0", Path("/nowhere"))


@pytest.fixture
def boot(hyperpod: HyperPod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runner.Boot:
    monkeypatch.setattr(runner.time, "sleep", lambda _: None)
    return runner.Boot(
        "hyperpod", "on_create", hyperpod.around(), tmp_path / "home", tmp_path / "trees", tmp_path / "etc"
    )


def playing(boot: runner.Boot, monkeypatch: pytest.MonkeyPatch, *errors: str) -> list[list[str]]:
    """Plays that fail at their first step with these errors, one after another; then one that succeeds."""
    asked: list[list[str]] = []

    def play(plan: Plan, tree: Any, left: list[str], held: int) -> int:
        asked.append(left)
        if len(asked) <= len(errors):
            boot.record.add("step_end", step=left[0], walk=True, state="failed", error=errors[len(asked) - 1])
            return 2
        for name in left:
            boot.record.add("step_end", step=name, walk=True, state="ok")
        return 0

    monkeypatch.setattr(boot, "_play", play)
    boot.record.add("run_begin")
    return asked


def test_what_passes_is_tried_again_and_goes_on_where_it_was(
    boot: runner.Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = playing(boot, monkeypatch, "Failed to fetch x: Temporary failure in name resolution", "Could not get lock")
    boot._walk(PLAN, TREE, ["install munge", "configure munge"], {"install munge"}, 0)
    assert asked == [["configure munge"]] * 3


def test_what_does_not_pass_fails_at_once_with_step_cause_and_advice(
    boot: runner.Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = playing(boot, monkeypatch, "slurm: there is no slurm.conf of a service to extend")
    with pytest.raises(BootError) as failed:
        boot._walk(PLAN, TREE, ["configure slurm"], set(), 0)
    assert str(failed.value) == (
        "configure slurm: slurm: there is no slurm.conf of a service to extend. "
        "When that is mended, run the hook again: it goes on here."
    )
    assert len(asked) == 1 and failed.value.code == 2


def test_retries_are_bounded(boot: runner.Boot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = playing(boot, monkeypatch, *["connection refused"] * 9)
    with pytest.raises(BootError, match=r"install efa \(tried 4 times\): connection refused"):
        boot._walk(PLAN, TREE, ["install efa"], set(), 0)
    assert len(asked) == 4


def test_a_secret_is_in_no_line(boot: runner.Boot, capsys: pytest.CaptureFixture[str]) -> None:
    boot.secrets.append("hunter2")
    boot.say("the password hunter2 was refused")
    assert capsys.readouterr().out == "boot: the password ******** was refused\n"


def test_one_run_at_a_time(boot: runner.Boot, capsys: pytest.CaptureFixture[str]) -> None:
    boot.lock_seconds = -1
    with (
        boot._alone(),
        pytest.raises(BootError, match=r"Another boot of this node holds .*/lock") as busy,
        boot._alone(),
    ):
        pass
    assert busy.value.code == 3
    with boot._alone():  # it is free again
        pass


def test_a_disk_that_is_nearly_full_is_told_first(boot: runner.Boot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "NEED_MIB", 1 << 40)
    assert boot.run() == 2 and not boot.home.exists()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    target = path / bundle.ARCHIVE
    with tarfile.open(target, "w:gz") as stream:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            stream.addfile(member, io.BytesIO(data))
    target.with_name(f"{target.name}.sha256").write_text(hashlib.sha256(target.read_bytes()).hexdigest() + "  x\n")
    return target


def test_a_bundle_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path, {"wheels/pythons": b""})
    with packed.open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(
        BootError, match=r"bundle.tar.gz: its sha256 is [0-9a-f]{64}, expected [0-9a-f]{64} as in bundle.tar.gz.sha256"
    ):
        bundle.unpack(packed, tmp_path / "trees")
    packed.unlink()
    with pytest.raises(BootError, match=r"bundle.tar.gz: cannot be read; upload the bundle whole"):
        bundle.unpack(packed, tmp_path / "trees")


def test_a_bundle_for_other_pythons_says_which(tmp_path: Path) -> None:
    packed = archive(tmp_path, {"wheels/pythons": b"3.7\n3.8\n"})
    (tmp_path / "trees").mkdir()
    with pytest.raises(BootError, match=r"only for 3.7, 3.8; add 3.\d+ to node_boot_pythons"):
        bundle.unpack(packed, tmp_path / "trees")


def test_nothing_leaves_the_bundles_directory(tmp_path: Path) -> None:
    packed = archive(tmp_path, {"../outside": b"x"})
    with pytest.raises(BootError, match=r"../outside is no plain file below the bundle"):
        bundle.unpack(packed, tmp_path / "trees")
    assert not (tmp_path / "outside").exists()


def test_an_old_bundle_goes_when_a_new_one_is_there(tmp_path: Path) -> None:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}".encode()
    (tmp_path / "trees/old").mkdir(parents=True)
    tree = bundle.unpack(archive(tmp_path, {"wheels/pythons": python}), tmp_path / "trees")
    assert set((tmp_path / "trees").iterdir()) == {tree.path, tree.site}


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("ansible_core-2.19.14-py3-none-any.whl", True),
        ("pyyaml-6.0.4-cp313-cp313-manylinux_2_28_x86_64.whl", True),
        ("pyyaml-6.0.4-cp312-cp312-manylinux_2_28_x86_64.whl", False),
        ("cryptography-50.0.2-cp311-abi3-manylinux_2_28_x86_64.whl", True),
        ("cryptography-50.0.2-cp311-abi3-manylinux_2_28_aarch64.whl", False),
    ],
)
def test_a_node_takes_the_wheels_of_its_tags(name: str, fits: bool) -> None:
    assert bundle.fits(name, 13, "x86_64") is fits
