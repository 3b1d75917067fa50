"""The bill of materials: what is found, how it is named, and that the format's own schema accepts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _image_sbom as sbom

DEBIAN = {"ID": "debian", "VERSION_ID": "12"}
AMAZON = {"ID": "amzn", "VERSION_ID": "2023"}
SUM = "ab" * 32


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    """An environment with one distribution, the same in another one, and a fetched release."""
    for name in ("one", "two"):
        info = tmp_path / f"opt/{name}/lib/python3.9/site-packages/Torch_Neuronx-2.7.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Torch_Neuronx\nVersion: 2.7.0+cpu\n\nLong text\n")
    release = tmp_path / "opt/awsome/artifacts/efa-1.0"
    release.mkdir(parents=True)
    (release / sbom.MARK).write_text(json.dumps({"name": "efa", "version": "1.0", "sha256": SUM}))
    return [str(tmp_path / "opt")]


def test_debian_packages_are_those_that_are_installed() -> None:
    listing = "installed\tlibc6\t2.36-9+deb12u9\tamd64\nconfig-files\told\t1\tall\n"
    (found,) = sbom.packages("deb", listing, DEBIAN)
    assert found["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"


def test_rpm_packages_have_an_epoch_only_where_they_have_one() -> None:
    listing = "bash\t(none)\t5.2.15-1.amzn2023\tx86_64\tAmazon Linux\nopenssl\t1\t3.0.8-1\tx86_64\t(none)\n"
    bash, openssl = sbom.packages("rpm", listing, AMAZON)
    assert bash["purl"] == "pkg:rpm/amzn/bash@5.2.15-1.amzn2023?arch=x86_64&distro=amzn-2023"
    assert bash["publisher"] == "Amazon Linux" and "publisher" not in openssl
    assert "epoch=1" in openssl["purl"]


def test_environments_and_releases_are_found(roots: list[str]) -> None:
    troubles: list[str] = []
    found = sbom.files(roots, troubles)
    assert troubles == []
    assert sorted(part["purl"] for part in found) == [
        f"pkg:generic/efa@1.0?checksum=sha256:{SUM}",
        "pkg:pypi/torch-neuronx@2.7.0%2Bcpu",
        "pkg:pypi/torch-neuronx@2.7.0%2Bcpu",
    ]
    assert len({part["bom-ref"] for part in found}) == 3
    (release,) = (part for part in found if part["name"] == "efa")
    assert release["hashes"] == [{"alg": "SHA-256", "content": SUM}]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (sbom.MARK, "{half", "cannot be read"),
        (sbom.MARK, "{}", "names no release: expected a name and a version in it"),
        ("x.dist-info/METADATA", "Name: x\n", "names no release: expected a name and a version in it"),
    ],
)
def test_a_trace_that_says_nothing_is_told(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    troubles: list[str] = []
    assert sbom.files([str(tmp_path)], troubles) == []
    assert len(troubles) == 1 and troubles[0].startswith(str(path)) and sentence in troubles[0]


def test_links_are_not_followed(roots: list[str], tmp_path: Path) -> None:
    (tmp_path / "opt/loop").symlink_to(tmp_path / "opt")
    assert len(sbom.files(roots, [])) == 3


def test_the_same_image_gives_the_same_bill(roots: list[str]) -> None:
    parts = sbom.files(roots, [])
    assert sbom.bill("i", "c", parts, "") == sbom.bill("i", "c", reversed(parts), "")
    assert "timestamp" not in sbom.bill("i", "c", parts, "")["metadata"]


def test_the_bill_is_valid_cyclonedx(roots: list[str]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    listing = "installed\tlibc6\t2.36\tamd64\n"
    parts = [*sbom.packages("deb", listing, DEBIAN), *sbom.files(roots, [])]
    text = json.dumps(sbom.bill("awsome-cpu", "", parts, "2026-01-31T12:00:00Z"))
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"library"', '"libary"')) is not None
