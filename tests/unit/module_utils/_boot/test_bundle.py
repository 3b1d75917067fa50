"""The bundle: the same bytes of the same input, and nothing of what nodes have no use for."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils._boot import bundle

ROOT = Path(__file__).parents[4]
ROLES = ["munge", "slurm_accounting"]


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    path = tmp_path / "wheels"
    path.mkdir()
    (path / "a-1-py3-none-any.whl").write_bytes(b"wheel")
    return path


def test_the_same_input_gives_the_same_bytes(wheels: Path) -> None:
    files = bundle.members(ROOT, ROLES, {}, {"3.11": wheels}, None)
    first = bundle.archive(files)
    os.utime(wheels / "a-1-py3-none-any.whl", (0, 0))
    assert bundle.archive(dict(reversed(list(files.items())))) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as stream:
        members = stream.getmembers()
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in members} == {(0, 0, 0, "")}
    assert all(one.isfile() for one in members)


def test_it_holds_the_walks_roles_and_no_others(wheels: Path) -> None:
    names = bundle.members(ROOT, ROLES, {}, {"3.11": wheels}, None)
    roles = {name.split("/")[5] for name in names if name.startswith(f"{bundle.HOME}/awsome/training/roles/")}
    assert roles == {*ROLES, *bundle.SHARED}
    assert f"{bundle.HOME}/awsome/training/playbooks/boot.yml" in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name or "/molecule/" in name]
    assert names["wheels/pythons"] == b"3.11\n"


def test_the_collections_that_its_roles_need_are_found() -> None:
    assert bundle.needed_collections(ROOT, ROLES) == ["community.mysql"]
    assert bundle.needed_collections(ROOT, ["munge"]) == []


def test_what_is_missing_is_told(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(bundle.BundleError, match=r"holds no wheels for Python 3.12"):
        bundle.members(ROOT, ROLES, {}, {"3.12": tmp_path / "none"}, None)
    with pytest.raises(
        bundle.BundleError, match=r"mirror is .*, expected a directory; make it with playbooks/mirror.yml"
    ):
        bundle.members(ROOT, ROLES, {}, {"3.11": wheels}, tmp_path / "none")
    with pytest.raises(bundle.BundleError, match=r"provider is 'azure', expected one of hyperpod"):
        bundle.directory(ROOT / "roles/node_boot/files", "azure", {}, b"")


def test_a_directory_is_laid_once_and_what_left_it_goes(tmp_path: Path) -> None:
    files = bundle.directory(
        ROOT / "roles/node_boot/files", "hyperpod", {"cluster.yml": "a: 1\n", "x": None}, b"packed"
    )
    target = tmp_path / "bundle"
    assert set(bundle.lay(target, files, check_mode=True)) == set(files) and not target.exists()
    assert set(bundle.lay(target, files)) == set(files)
    assert bundle.lay(target, files) == []
    assert os.access(target / "on_create.sh", os.X_OK) and (target / "cluster.yml").read_text() == "a: 1\n"
    del files["cluster.yml"]
    assert bundle.lay(target, files) == ["cluster.yml"] and not (target / "cluster.yml").exists()


@pytest.mark.parametrize("provider", bundle.HOOKS)
def test_every_provider_has_its_hooks(provider: str) -> None:
    files = bundle.directory(ROOT / "roles/node_boot/files", provider, {}, b"")
    assert {Path(name).name for name in bundle.HOOKS[provider]} <= set(files)
    assert "boot/__main__.py" in files
