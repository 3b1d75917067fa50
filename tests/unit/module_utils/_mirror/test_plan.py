"""What the catalogue asks the mirror to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog
from ansible_collections.awsome.training.plugins.module_utils._mirror import plan
from ansible_collections.awsome.training.plugins.module_utils._mirror.roles import Option
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

SUM, FINGERPRINT = "a" * 64, "F" * 40
COMPONENTS: dict[str, Any] = {
    "tool": {
        "version": "1", "source": "x", "url": "https://v.example/{arch}/tool-{version}.zip", "sha256": {"x86_64": SUM},
    },
    "odd": {"version": "1", "source": "x", "url": "https://v.example/odd.bin", "sha256": "unverified"},
    "signed": {
        "version": "1", "source": "x", "url": "https://v.example/efa.tar.gz", "sha256": "unverified",
        "signature_url": "https://v.example/efa.tar.gz.sig",
        "signing_key": {"url": "https://v.example/k.key", "fingerprint": FINGERPRINT},
    },
    "nccl": {"version": "2", "source": "x", "repository": "cuda"},
}  # fmt: skip
REPOSITORIES: dict[str, Any] = {
    "cuda": {
        "description": "CUDA", "source": "x", "key_url": "https://v.example/{arch}/k.pub", "fingerprint": FINGERPRINT,
        "platforms": {"ubuntu2404": {"url": "https://v.example/{arch}", "suite": "/", "architectures": ["x86_64"]}},
    }
}  # fmt: skip
PLATFORMS = {
    "ubuntu2404": {"family": "debian", "distribution": "ubuntu", "major": "24"},
    "al2023": {"family": "redhat", "distribution": "amazon", "major": "2023"},
}
PROFILES = {"gpu": {"functions": ["compute"], "roles": ["cuda", "nccl"]}, "controller": {"roles": ["slurm"]}}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    for name, table in {
        "components": COMPONENTS,
        "repositories": REPOSITORIES,
        "platforms": PLATFORMS,
        "profiles": PROFILES,
    }.items():
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(table))
    return Catalog(tmp_path)


def components(catalog: Catalog, name: str, arch: str = "x86_64", **overrides: Any) -> plan.Plan:
    made = plan.Plan()
    plan.add_component(made, catalog, Option("role", f"{name}_release", "component", (name,)), arch, overrides)
    return made


def test_releases_have_their_places_in_the_mirror(catalog: Catalog) -> None:
    (tool,) = components(catalog, "tool").artefacts
    assert (tool.path, tool.url) == (f"{SUM}/tool-1.zip", "https://v.example/x86_64/tool-1.zip")
    (signed,) = components(catalog, "signed").artefacts
    assert (signed.path, signed.sha256) == ("signed/v.example/efa.tar.gz", "")
    assert (signed.signature_url, signed.fingerprint) == ("https://v.example/efa.tar.gz.sig", FINGERPRINT)
    (odd,) = components(catalog, "odd").artefacts
    assert (odd.path, odd.sha256, odd.fingerprint) == ("", "", "")
    assert not components(catalog, "nccl").artefacts


def test_what_a_vendor_does_not_offer_is_skipped_and_told(catalog: Catalog) -> None:
    made = components(catalog, "tool", "aarch64")
    assert not made.artefacts
    assert made.skipped == {"tool on aarch64: catalog/components.yml knows it for x86_64 only"}


def test_the_users_record_stands_in_the_place_of_the_catalogues(catalog: Catalog) -> None:
    own = {"name": "mine", "version": "9", "url": "https://own.example/mine-9.zip", "sha256": "b" * 64}
    (found,) = components(catalog, "tool", tool_release=own).artefacts
    assert found.url == "https://own.example/mine-9.zip"
    with pytest.raises(ArtifactError, match="says 'latest'"):
        components(catalog, "tool", tool_release={**own, "url": "https://own.example/latest/mine.zip"})


def test_a_release_names_its_repository(catalog: Catalog) -> None:
    made, platform = plan.Plan(), catalog.platform("ubuntu2404")
    release = Option("nccl", "nccl_release", "component", ("nccl",))
    option = Option("nccl", "nccl_repository", "repository", (), ("nccl_release",))
    (found,) = plan.repository_of(made, catalog, option, [release, option], (platform, "x86_64"), {})
    assert (found.name, found.url, found.key_url) == (
        "cuda",
        "https://v.example/x86_64",
        "https://v.example/x86_64/k.pub",
    )
    for system in ((platform, "aarch64"), (catalog.platform("al2023"), "x86_64")):
        assert plan.repository_of(made, catalog, option, [release, option], system, {}) == []
    assert made.skipped == {
        "repository cuda on ubuntu2404 (aarch64): the vendor does not serve it",
        "repository cuda on al2023 (x86_64): the vendor does not serve it",
    }
    plan.add_source(made, found, "one", ["b"])
    plan.add_source(made, found, "two", ["a"], ["c"], ["d"])
    ((source, users),) = made.sources.items()
    assert (source.names, source.required, source.assumed) == (("a", "b"), ("c",), ("d",))
    assert users == {"one", "two"}
    assert made.lines == ["repository cuda (https://v.example/x86_64, amd64): a, b, c, d"]


def test_the_digest_changes_with_what_is_asked_for(catalog: Catalog) -> None:
    one, two = components(catalog, "tool"), components(catalog, "signed")
    assert one.digest == components(catalog, "tool").digest != two.digest


def test_profiles_platforms_and_architectures(catalog: Catalog) -> None:
    assert plan.image_profiles(catalog) == ["gpu"] and plan.roles_of(catalog, ["gpu", "controller"]) == [
        "cuda",
        "nccl",
        "slurm",
    ]
    rows = plan.systems(catalog, ["al2023"], ["x86_64", "aarch64"])
    assert [(row["name"], arch) for row, arch in rows] == [("al2023", "x86_64"), ("al2023", "aarch64")]
    with pytest.raises(MirrorError) as caught:
        plan.systems(catalog, [], ["x86_64"])
    assert str(caught.value) == (
        "mirror: platforms is empty, expected those of your nodes; the catalogue knows al2023, ubuntu2404."
    )
    with pytest.raises(MirrorError, match=r"mirror: architectures holds 'amd64', expected x86_64 or aarch64."):
        plan.systems(catalog, ["al2023"], ["amd64"])
