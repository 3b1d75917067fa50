"""A key that signs what the tests' vendors offer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirror_vendor import Network
from standins.indexes import Key


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Key]:
    if shutil.which("gpg") is None or shutil.which("gpgv") is None:
        pytest.skip("gpg or gpgv is missing")
    made = Key.make(tmp_path_factory.mktemp("key"))
    yield made
    made.rest()


@pytest.fixture
def vendor(tmp_path: Path, key: Key) -> Network:
    """A vendor's server that has nothing but its key."""
    root = tmp_path / "vendor"
    root.mkdir()
    (root / "key.asc").write_bytes(key.public)
    return Network(root)
