"""What a list of names takes from a repository."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._mirror import deb
from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Index, closure
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from mirror_vendor import stanza


def index(*rows: tuple[str, str, dict[str, str]]) -> Index:
    texts = [stanza(name, version, b"x", f"{name}_{version}.deb", **more) for name, version, more in rows]
    return deb.index("\n".join(texts).encode(), "amd64", "repository r")


NCCL = index(
    ("libnccl2", "2.27-1+cuda12.9", {}),
    ("libnccl2", "2.28-1+cuda13.0", {}),
    ("libnccl-dev", "2.27-1+cuda12.9", {"Depends": "libnccl2 (= 2.27-1+cuda12.9), libc6"}),
    ("libnccl-dev", "2.28-1+cuda13.0", {"Depends": "libnccl2 (= 2.28-1+cuda13.0)"}),
    ("driver", "580-1", {"Provides": "kernel-module (= 580-1)"}),
    ("driver-open", "580-1", {"Provides": "kernel-module"}),
    ("tools", "1", {"Depends": "gone | driver-open, kernel-module (>= 500)", "Pre-Depends": "loop"}),
    ("loop", "1", {"Depends": "tools"}),
)


def names(*wanted: str, required: tuple[str, ...] = ()) -> list[str]:
    return [f"{package.name}={package.version}" for package in closure(NCCL, wanted, required)[0]]


def test_the_newest_is_taken_unless_a_version_is_asked_for() -> None:
    assert names("libnccl2") == ["libnccl2=2.28-1+cuda13.0"]
    assert names("libnccl2=2.27-1*") == ["libnccl2=2.27-1+cuda12.9"]
    assert names("libnccl-dev=*cuda12.9") == ["libnccl-dev=2.27-1+cuda12.9", "libnccl2=2.27-1+cuda12.9"]
    # A name that someone else pins is met by that.
    assert names("libnccl2", "libnccl2=2.27-1+cuda12.9") == ["libnccl2=2.27-1+cuda12.9"]


def test_alternatives_versions_of_provides_and_circles() -> None:
    # driver-open provides kernel-module without a version, which meets no version.
    assert names("tools") == ["driver=580-1", "driver-open=580-1", "loop=1", "tools=1"]


def test_names_may_hold_stars() -> None:
    assert names("driver*", required=("lib*2",)) == ["driver=580-1", "driver-open=580-1", "libnccl2=2.28-1+cuda13.0"]


def test_what_the_repository_lacks_is_the_distributions_or_a_fault() -> None:
    assert closure(NCCL, ["gcc", "loop"])[1] == ["gcc"]
    # What some nodes alone ask for may be missing in any version.
    assert closure(NCCL, ["loop"], assumed=["libnccl2=2.29-*", "driver"])[1] == ["libnccl2=2.29-*"]
    with pytest.raises(MirrorError) as caught:
        names("libnccl2=2.29-*")
    assert str(caught.value) == (
        "repository r has no package libnccl2=2.29-*; of libnccl2 it has 2.28-1+cuda13.0, 2.27-1+cuda12.9: name one of "
        "these in the catalogue."
    )
    with pytest.raises(MirrorError) as caught:
        names(required=("libncl2",))
    assert str(caught.value) == (
        "repository r has no package libncl2; the nearest are libnccl2, libnccl-dev: correct the name, or the "
        "repository."
    )
