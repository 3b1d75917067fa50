"""What a node is told of a repository, and how it is laid: whole, checked, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils import _repository_files as files
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository, RepositoryError, judge
from unit.module_utils.network import Network, missing
from unit.openpgp.keys import ARMOURED, FINGERPRINTS, MANY, VENDOR_FINGERPRINT

APT = {
    "name": "vendor",
    "type": "apt",
    "description": "What the vendor\n  makes",
    "url": "https://vendor.example/deb",
    "suite": "stable",
    "components": ["main", "extra"],
    "arch": "amd64",
    "key_url": "https://vendor.example/key.asc",
    "fingerprint": VENDOR_FINGERPRINT,
}
DNF = {**APT, "type": "dnf", "suite": "", "components": [], "arch": "x86_64", "repo_gpgcheck": True}
KEY = openpgp.pick(ARMOURED, VENDOR_FINGERPRINT)


def apt(**change: Any) -> Repository:
    return judge({**APT, **change})


def test_apt_reads_a_source_that_trusts_one_key() -> None:
    assert apt().source_path == "/etc/apt/sources.list.d/vendor.sources"
    assert apt().source == (
        "# Written by awsome.training: changes are lost at its next run.\n"
        "X-Repolib-Name: What the vendor makes\n"
        "Types: deb\n"
        "URIs: https://vendor.example/deb\n"
        "Suites: stable\n"
        "Components: main extra\n"
        "Architectures: amd64\n"
        "Signed-By: /etc/apt/keyrings/vendor.gpg\n"
    )


def test_a_flat_repository_has_no_components() -> None:
    source = apt(suite="/", components=[]).source
    assert "Suites: /\n" in source and "Components" not in source


def test_dnf_checks_packages_and_where_the_record_says_so_the_index() -> None:
    wanted = judge(DNF, "dnf5")
    assert wanted.source_path == "/etc/yum.repos.d/vendor.repo"
    assert wanted.source == (
        "# Written by awsome.training: changes are lost at its next run.\n"
        "[vendor]\n"
        "name=What the vendor makes\n"
        "baseurl=https://vendor.example/deb\n"
        "enabled=1\n"
        "gpgcheck=1\n"
        "repo_gpgcheck=1\n"
        "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-vendor\n"
    )
    assert "repo_gpgcheck=0\n" in judge({**DNF, "repo_gpgcheck": False}).source


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "../x"}, r"repository '\.\./x': the name is no word"),
        ({"type": "zypper"}, "repository vendor: type is 'zypper', expected apt or dnf"),
        ({"url": "vendor.example/deb"}, "url is 'vendor.example/deb', expected an http, https or file address"),
        ({"url": "https://vendor.example/deb\nTrusted: yes"}, "expected an http, https or file address"),
        ({"key_url": None}, "key_url is None, expected an http"),
        ({"fingerprint": "unverified"}, "fingerprint is 'unverified', expected the 40 hexadecimal digits"),
        ({"suite": ""}, "no suite is given, expected a suite, or '/'"),
        ({"suite": "/"}, r"the suite '/' with the components \['main', 'extra'\] does not fit"),
        ({"components": []}, r"the suite 'stable' with the components \[\] does not fit"),
    ],
)
def test_a_record_that_no_node_could_use_or_check_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RepositoryError, match=sentence):
        apt(**change)


def test_a_repository_of_another_package_manager_is_refused() -> None:
    with pytest.raises(RepositoryError, match="type is apt, and this node's package manager is dnf"):
        judge(APT, "dnf")


def fetched(network: Network, wanted: Repository | None = None) -> bytes:
    return files.fetch_key(wanted or apt(), 1, network)


def test_the_wanted_key_is_kept_alone_in_the_managers_form() -> None:
    assert fetched(Network(vendor=[MANY])) == KEY
    assert fetched(Network(vendor=[MANY]), judge(DNF)) == ARMOURED


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            openpgp.pick(MANY, FINGERPRINTS["other"]),
            f"holds {FINGERPRINTS['other']}, expected the key {VENDOR_FINGERPRINT}",
        ),
        (b"<html>", "is not the key that signs it: it is no OpenPGP key"),
        (ARMOURED[:700], "breaks off in the middle; nothing was changed"),
    ],
)
def test_another_key_is_refused(answer: bytes, sentence: str) -> None:
    with pytest.raises(RepositoryError, match=rf"repository vendor: https://vendor.example/key.asc .*{sentence}"):
        fetched(Network(vendor=[answer]))


def test_a_key_that_is_away_is_told_with_the_mirror() -> None:
    with pytest.raises(ArtifactError, match=r"key of repository vendor could not be .* or set repository_mirror_url"):
        fetched(Network(vendor=[missing()]))


def test_both_files_are_laid_for_all_to_read(tmp_path: Path) -> None:
    with files.laid(apt(), KEY, tmp_path):
        pass
    laid = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [path.name for path in laid] == ["vendor.gpg", "vendor.sources"]
    assert [path.stat().st_mode & 0o777 for path in laid] == [0o644, 0o644]


def test_a_failure_gives_back_what_was_there(tmp_path: Path) -> None:
    for wanted in (apt(), apt(suite="new")):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(RepositoryError), files.laid(wanted, b"other", tmp_path):
            raise RepositoryError("no index")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        with files.laid(apt(), KEY, tmp_path):
            pass


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with (
        pytest.raises(
            ArtifactError, match=r"vendor cannot be written below .*: No space left on device; nothing .*free"
        ),
        files.laid(apt(), KEY, tmp_path),
    ):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_this_repositorys_index_is_read() -> None:
    asked = files.refresh_command(apt())
    assert f"Dir::Etc::SourceList={apt().source_path}" in asked and "APT::Get::List-Cleanup=0" in asked
    assert "--enablerepo=vendor" in files.refresh_command(judge(DNF))
