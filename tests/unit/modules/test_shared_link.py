"""A directory that the first node shares and all others find; a lock with an owner and an end."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _shared_lock as lock
from ansible_collections.awsome.training.plugins.modules import shared_link


def test_the_first_node_shares_what_it_has(tmp_path: Path) -> None:
    own, target = tmp_path / "etc", tmp_path / "shared/etc"
    (own / "sub").mkdir(parents=True)
    (own / "slurm.conf").write_text("ClusterName=x\n")
    target.parent.mkdir()
    shared_link.publish(own, target)
    shared_link.link(own, target)
    assert (own / "slurm.conf").read_text() == "ClusterName=x\n" and own.is_symlink()
    assert (tmp_path / "etc.of-this-node/slurm.conf").is_file() and list(target.parent.iterdir()) == [target]


def test_a_second_node_keeps_its_own_beside_the_link(tmp_path: Path) -> None:
    own, target = tmp_path / "etc", tmp_path / "shared"
    target.mkdir()
    for _ in range(2):
        own.unlink(missing_ok=True)
        own.mkdir()
        shared_link.link(own, target)
    assert (tmp_path / "etc.of-this-node").is_dir() and (tmp_path / "etc.of-this-node-2").is_dir()


def count(folder: Path, lock_path: Path) -> None:
    for _ in range(20):
        with lock.hold(lock_path, 30, 30, 0.001):
            number = int((folder / "number").read_text())
            time.sleep(0.0005)
            (folder / "number").write_text(str(number + 1))


def test_of_several_only_one_holds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=count, args=(tmp_path, tmp_path / "lock")) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert (tmp_path / "number").read_text() == "80"
    assert [path.name for path in tmp_path.iterdir()] == ["number"]


def test_a_lock_that_is_held_names_its_owner(tmp_path: Path) -> None:
    with lock.hold(tmp_path / "lock", 30, 1):
        assert lock.read(tmp_path / "lock")["pid"] == os.getpid()
        with pytest.raises(lock.LockError, match=rf"process {os.getpid()}, until .* UTC\), and was not given back"):  # noqa: SIM117
            with lock.hold(tmp_path / "lock", 30, 0):
                pass
    assert not (tmp_path / "lock").exists()


def test_the_lock_of_one_who_is_gone_ends(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock/owner.json").write_text(json.dumps({"host": "gone", "pid": 1, "until": time.time() - 1}))
    with lock.hold(tmp_path / "lock", 30, 0):
        assert lock.read(tmp_path / "lock")["pid"] == os.getpid()
    (tmp_path / "lock").mkdir()  # one that lost its owner's name
    os.utime(tmp_path / "lock", (1, 1))
    with lock.hold(tmp_path / "lock", 30, 0):
        assert lock.read(tmp_path / "lock")["pid"] == os.getpid()
