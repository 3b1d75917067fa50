"""An environment is whole or it is built anew, and only one node builds it."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _python_env as env

# Stands for `python -m venv`: makes an environment whose own Python writes what pip is told.
PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$@" >>%s/pip\\n%s\\n' "$3" "$PIP" >"$3/bin/python"
chmod +x "$3/bin/python"
"""


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "python"
    path.write_text(PYTHON)
    path.chmod(0o755)
    monkeypatch.setenv("PIP", ":")
    return str(path)


def test_the_key_follows_what_is_installed_and_not_comments() -> None:
    assert env.key("a==1\nb==2\n", "3.11") == env.key("# lock\n\na==1\nb==2", "3.11")
    assert env.key("a==1", "3.11") != env.key("a==2", "3.11")
    assert env.key("a==1", "3.11") != env.key("a==1", "3.12")


def test_a_half_built_environment_is_removed_and_built_anew(tmp_path: Path, python: str) -> None:
    path = tmp_path / "env"
    (path / "bin").mkdir(parents=True)
    (path / "bin/ruin").touch()
    assert not env.is_complete(path)
    env.build(path, python, "a==1\n", None, 10)
    assert env.is_complete(path) and not (path / "bin/ruin").exists()
    assert (path / "pip").read_text().endswith(f"--requirement {path}/requirements.txt\n")


def test_a_wheelhouse_with_wheels_is_the_only_source(tmp_path: Path, python: str) -> None:
    house = tmp_path / "house"
    assert env.wheels(str(house)) is None
    house.mkdir()
    assert env.wheels(str(house)) is None and env.wheels("") is None
    (house / "a-1-py3-none-any.whl").touch()
    assert env.wheels(str(house)) == house
    env.build(tmp_path / "env", python, "a==1\n", house, 10)
    assert f"--no-index --find-links {house}" in (tmp_path / "env/pip").read_text()


def test_a_failed_build_tells_the_last_lines_and_leaves_no_marker(
    tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP", "echo no matching distribution; exit 1")
    with pytest.raises(env.EnvError, match=r"(?s)lacks something.*exited with 1:.*no matching distribution"):
        env.build(tmp_path / "env", python, "a==1\n", tmp_path, 10)
    assert not env.is_complete(tmp_path / "env")


def test_a_python_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(env.EnvError, match="/nowhere/python cannot be run: No such file"):
        env.build(tmp_path / "env", "/nowhere/python", "", None, 10)


def hold(path: Path, ready: object, release: object) -> None:
    with env.locked(path, 5):
        ready.set()  # type: ignore[attr-defined]
        release.wait(10)  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform != "linux", reason="POSIX locks between processes")
def test_two_processes_never_build_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "lock", ready, release))
    other.start()
    assert ready.wait(5)
    with pytest.raises(env.EnvError, match="another node still builds"), env.locked(tmp_path / "lock", 0, 0.01):
        pass
    release.set()
    with env.locked(tmp_path / "lock", 5, 0.01):
        pass
    other.join(5)
