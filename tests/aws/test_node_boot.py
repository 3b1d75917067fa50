"""The role that makes the bundle, as users run it. It asks AWS for nothing: what it makes is uploaded by others."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from lab.hyperpod import PARAMETERS, make_bundle

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("boot") / "bundle"
    made = make_bundle(path, node_boot_pythons=[PYTHON])
    assert made.returncode == 0, made.stdout[-3000:]
    return path


def test_a_second_run_changes_nothing(bundle: Path) -> None:
    before = (bundle / "bundle.tar.gz").read_bytes()
    made = make_bundle(bundle, node_boot_pythons=[PYTHON])
    assert made.returncode == 0 and "changed=0" in made.stdout, made.stdout[-3000:]
    assert (bundle / "bundle.tar.gz").read_bytes() == before


def test_the_same_input_gives_the_same_bytes_elsewhere(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert make_bundle(other, node_boot_pythons=[PYTHON]).returncode == 0
    files = sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert all((bundle / name).read_bytes() == (other / name).read_bytes() for name in files)


def test_the_bundle_is_whole(bundle: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((bundle / "bundle.tar.gz").read_bytes()).hexdigest()
    assert (bundle / "bundle.tar.gz.sha256").read_text().split()[0] == digest
    with tarfile.open(bundle / "bundle.tar.gz") as stream:
        names = stream.getnames()
    assert any(name.startswith("wheels/ansible_core-") for name in names)
    assert any("/community/mysql/" in name for name in names)
    # The hook finds all that it needs in it, and stops where there is no cluster.
    code = "import sys; sys.path.insert(0, '.'); from boot.bundle import unpack; from pathlib import Path; "
    code += f"tree = unpack(Path('bundle.tar.gz'), Path({str(tmp_path)!r})); print(tree.site)"
    site = subprocess.run(
        [sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, check=True
    ).stdout.strip()
    told = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "--version"],
        env={"PYTHONPATH": site, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0 and site in told.stdout, told.stderr


def test_every_fault_of_the_input_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    made = make_bundle(
        tmp_path / "bundle",
        node_boot_pythons=[PYTHON],
        node_boot_cluster={"features": {"contaners": False}, "variabels": {}},
        node_boot_users=[{"name": "bob", "uid": 2001, "home": "home"}],
        node_boot_parameters=PARAMETERS,
    )
    assert made.returncode != 0
    for words in (
        "did you mean 'features.containers'?",
        "did you mean 'variables'?",
        "home 'home' of 'bob' is no absolute path",
    ):
        assert words in made.stdout, made.stdout
    assert not (tmp_path / "bundle").exists()
