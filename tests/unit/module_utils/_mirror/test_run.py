"""From a plan to a mirror, with a vendor that is honest, false, slow or away."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _repository
from ansible_collections.awsome.training.plugins.module_utils._mirror import lock, net, plan, run, store
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError
from mirror_vendor import ROOT, Answer, Network, apt, dnf, rpm_row, sha256, stanza
from standins.indexes import Key

TOOL, EFA, ODD = b"tool" * 50, b"efa" * 50, b"odd" * 50
DEBS = {"pool/app_1_amd64.deb": b"app", "pool/lib_1_amd64.deb": b"lib", "pool/old_1_amd64.deb": b"old"}


@pytest.fixture
def wanted(vendor: Network, key: Key) -> plan.Plan:
    """A plan of one release with a checksum, a signed one, one that nobody vouches for, and two repositories."""
    root = vendor.root
    for name, content in {"tool-1.zip": TOOL, "efa-1.tar.gz": EFA, "odd-1.bin": ODD}.items():
        (root / name).write_bytes(content)
    (root / "efa-1.tar.gz.sig").write_bytes(key.sign(root / "efa-1.tar.gz"))
    (root / "apt/pool").mkdir(parents=True)
    for name, content in DEBS.items():
        (root / "apt" / name).write_bytes(content)
    rows = [
        stanza("app", "1", b"app", "pool/app_1_amd64.deb", Depends="lib (>= 1), libc6"),
        stanza("lib", "1", b"lib", "./pool/lib_1_amd64.deb"),
        stanza("old", "1", b"old", "pool/old_1_amd64.deb"),
    ]
    apt(root / "apt", key, rows, "stable")
    (root / "dnf").mkdir()
    (root / "dnf/app-1.rpm").write_bytes(b"rpm")
    dnf(root / "dnf", key, [rpm_row("app", "1-1", b"rpm", "app-1.rpm")])
    made = plan.Plan()
    checksum, signed = sha256(TOOL), (f"{ROOT}/efa-1.tar.gz.sig", f"{ROOT}/key.asc", key.fingerprint)
    for one in (
        plan.Artefact("tool 1", f"{ROOT}/tool-1.zip", f"{checksum}/tool-1.zip", checksum),
        plan.Artefact("efa 1", f"{ROOT}/efa-1.tar.gz", "signed/vendor.example/efa-1.tar.gz", "", *signed),
        plan.Artefact("odd 1", f"{ROOT}/odd-1.bin", "", ""),
    ):
        made.artefacts[one] = {f"role of {one.label}"}
    about: dict[str, Any] = {"key_url": f"{ROOT}/key.asc", "fingerprint": key.fingerprint}
    deb = _repository.Repository(
        "vendor", "apt", f"{ROOT}/apt", suite="stable", components=("main",), arch="amd64", **about
    )
    rpm = _repository.Repository("vendor_rpm", "dnf", f"{ROOT}/dnf", arch="x86_64", repo_gpgcheck=True, **about)
    made.sources[plan.Source(deb, ("app", "gcc"), ())] = {"apps on debian12 (x86_64)"}
    made.sources[plan.Source(rpm, ("app=1-*",), ())] = {"apps on al2023 (x86_64)"}
    return made


@pytest.fixture
def mirror(tmp_path: Path) -> run.Mirror:
    return run.Mirror(store.Store(tmp_path / "mirror"), tmp_path / "mirror.lock.yml")


def have(mirror: run.Mirror, wanted: plan.Plan, vendor: Network, relock: bool = False) -> dict[str, Any]:
    return mirror.downloaded(wanted, net.Net(vendor, 3, lambda seconds: None), relock, 2)


def refused(mirror: run.Mirror, wanted: plan.Plan, vendor: Network, relock: bool = False) -> str:
    with pytest.raises(MirrorError) as caught:
        have(mirror, wanted, vendor, relock)
    left = [path for path in mirror.store.root.rglob("*") if ".partial" in path.parts and path.is_file()]
    assert left == []
    return str(caught.value)


def without(wanted: plan.Plan, *kinds: str) -> plan.Plan:
    """Only the artefacts, or only the sources of a plan."""
    return plan.Plan({} if "artefacts" in kinds else wanted.artefacts, {} if "sources" in kinds else wanted.sources)


def test_everything_is_laid_where_nodes_ask_for_it(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    result = have(mirror, wanted, vendor)
    held = sorted(str(path.relative_to(mirror.store.root)) for path in mirror.store.root.rglob("*") if path.is_file())
    dnf_parts = [path for path in held if path.startswith("repositories/vendor.example/dnf/repodata/")]
    assert [path for path in held if path not in dnf_parts and path != ".lock"] == sorted(
        [
            f"{sha256(TOOL)}/tool-1.zip",
            f"{sha256(ODD)}/odd-1.bin",
            "repositories/vendor.example/apt/dists/stable/InRelease",
            "repositories/vendor.example/apt/dists/stable/main/binary-amd64/Packages.gz",
            "repositories/vendor.example/apt/pool/app_1_amd64.deb",
            "repositories/vendor.example/apt/pool/lib_1_amd64.deb",
            "repositories/vendor.example/dnf/app-1.rpm",
            "repositories/vendor.example/key.asc",
            "signed/vendor.example/efa-1.tar.gz",
            "signed/vendor.example/efa-1.tar.gz.sig",
            "signed/vendor.example/key.asc",
        ]
    )
    assert [path.rpartition("-")[2].rpartition("/")[2] for path in sorted(dnf_parts)] and len(dnf_parts) == 4
    assert result["changed"] and result["msg"] == "Fetched 4 of 15 files, 209 bytes."
    assert result["filled"] == [f"role of odd 1: {ROOT}/odd-1.bin {sha256(ODD)}"]
    assert result["notes"] == [
        f"repository vendor ({ROOT}/apt stable, amd64) does not have gcc: the distribution's own archive must"
    ]
    assert mirror.checked()["msg"] == f"All 15 files of {mirror.store.root} are as locked."


def test_a_second_run_needs_no_network(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    have(mirror, wanted, vendor)
    text, vendor.is_away = mirror.lock_path.read_text(), True
    result = have(mirror, wanted, vendor)
    assert not result["changed"]
    assert result["msg"] == f"Nothing to fetch: all 15 files are in {mirror.store.root}."
    assert mirror.lock_path.read_text() == text


def test_the_lockfile_is_the_same_for_the_same_vendor(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    ways = net.Net(vendor, 1, lambda seconds: None)
    assert mirror.locked(wanted, ways)["changed"]
    assert not mirror.store.root.exists()
    text = mirror.lock_path.read_text()
    mirror.lock_path.unlink()
    assert mirror.locked(wanted, ways)["changed"] and mirror.lock_path.read_text() == text
    assert not mirror.locked(wanted, ways)["changed"]
    rows = {row["path"]: row for row in yaml.safe_load(text)["files"]}
    assert list(rows) == sorted(rows)
    assert rows[f"{sha256(TOOL)}/tool-1.zip"] == {
        "kind": "artefact", "url": f"{ROOT}/tool-1.zip", "path": f"{sha256(TOOL)}/tool-1.zip", "sha256": sha256(TOOL),
        "size": 200, "needed_by": ["role of tool 1"],
    }  # fmt: skip
    assert rows[f"{sha256(ODD)}/odd-1.bin"]["filled"] is True
    assert rows["signed/vendor.example/efa-1.tar.gz"]["sha256"] == sha256(EFA)
    # What is known by its checksum was not fetched to be locked.
    assert f"GET {ROOT}/tool-1.zip" not in vendor.asked and f"HEAD {ROOT}/tool-1.zip" in vendor.asked


def test_a_lockfile_of_another_plan_is_written_anew(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    have(mirror, without(wanted, "sources"), vendor)
    assert mirror.foretold(wanted, relock=False, only_lock=False)["changed"]
    result = have(mirror, wanted, vendor)
    assert result["changed"] and "Fetched 3 of 15" in result["msg"]
    assert not mirror.foretold(wanted, relock=False, only_lock=False)["changed"]


def test_half_a_download_is_tried_again(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    url = f"{ROOT}/apt/pool/app_1_amd64.deb"
    vendor.troubles[url] = [Answer(b"ap", promised=3), Answer(b"a", promised=3)]
    assert have(mirror, wanted, vendor)["changed"]
    assert vendor.asked.count(f"GET {url}") == 3


def test_what_stays_half_does_not_stop_the_rest(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    url = f"{ROOT}/apt/pool/app_1_amd64.deb"
    vendor.troubles[url] = [Answer(b"ap", promised=3) for _ in range(3)]
    assert refused(mirror, wanted, vendor) == (
        f"mirror: 1 of 15 files are missing in {mirror.store.root}; the others are kept, and the next run goes on from "
        f"there:\nmirror: apps on debian12 (x86_64): {url} could not be fetched in 3 attempts: the connection broke "
        f"after 2 of 3 bytes; check the way to vendor.example and run again, what is there already is kept."
    )
    vendor.asked.clear()
    assert have(mirror, wanted, vendor)["fetched"] == ["repositories/vendor.example/apt/pool/app_1_amd64.deb"]
    assert vendor.asked == [f"GET {url}"]


def test_a_wrong_checksum_is_not_kept(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    (vendor.root / "tool-1.zip").write_bytes(b"evil" * 50)
    told = refused(mirror, wanted, vendor)
    assert (
        f"mirror: role of tool 1: {ROOT}/tool-1.zip has sha256 {sha256(b'evil' * 50)}, expected {sha256(TOOL)}; it was "
        f"not kept. Someone changed the file, or the lockfile is wrong: run again with mirror_relock=true" in told
    )
    assert not (mirror.store.root / sha256(TOOL) / "tool-1.zip").exists()


def test_an_index_that_its_release_does_not_know_is_refused(
    mirror: run.Mirror, wanted: plan.Plan, vendor: Network
) -> None:
    (vendor.root / "apt/dists/stable/main/binary-amd64/Packages.gz").write_bytes(b"evil")
    told = refused(mirror, without(wanted, "artefacts"), vendor)
    assert told.startswith(
        f"repository vendor ({ROOT}/apt stable, amd64): {ROOT}/apt/dists/stable/main/binary-amd64/Packages.gz has "
        f"sha256 {sha256(b'evil')}, its signed index expects "
    )


@pytest.mark.parametrize(
    ("path", "url", "label"),
    [
        ("apt/dists/stable/InRelease", "apt/dists/stable/InRelease", "repository vendor ("),
        ("dnf/repodata/repomd.xml", "dnf/repodata/repomd.xml", "repository vendor_rpm ("),
        ("efa-1.tar.gz", "efa-1.tar.gz", "efa 1: "),
    ],
)
def test_a_bad_signature_is_refused(
    mirror: run.Mirror, wanted: plan.Plan, vendor: Network, key: Key, path: str, url: str, label: str
) -> None:
    file = vendor.root / path
    content = file.read_bytes()
    file.write_bytes(
        content.replace(b"vendor", b"wendor").replace(b"revision", b"revisiom").replace(b"efaefa", b"efaevil")
    )
    told = refused(mirror, wanted, vendor)
    assert told.startswith(label)
    assert (
        f"{ROOT}/{url} is not signed by the key {key.fingerprint} of {ROOT}/key.asc; the signature does not fit: "
        f"someone changed the file, or it is another release's. Nothing was taken from there" in told
    )
    assert not mirror.lock_path.exists()


def test_another_key_is_refused(
    mirror: run.Mirror, wanted: plan.Plan, vendor: Network, key: Key, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Key.make(tmp_path / "other")
    other.rest()
    (vendor.root / "key.asc").write_bytes(other.public)
    told = refused(mirror, wanted, vendor)
    assert f"{ROOT}/key.asc is not the key that signs it: it holds {other.fingerprint}, expected the key" in told


def test_an_index_without_a_signature_is_refused(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    (vendor.root / "dnf/repodata/repomd.xml.asc").unlink()
    told = refused(mirror, without(wanted, "artefacts"), vendor)
    assert f"{ROOT}/dnf/repodata/repomd.xml.asc is not there (HTTP 404); the catalogue's record is wrong" in told


def test_a_vendor_that_does_not_sign_its_index_is_told(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    (source,) = (source for source in wanted.sources if source.repository.type == "dnf")
    unsigned = replace(source, repository=replace(source.repository, repo_gpgcheck=False))
    result = have(mirror, plan.Plan({}, {unsigned: {"x"}}), vendor)
    assert result["notes"] == [
        f"{source.label}: its index is not signed; each package is, and rpm checks that when it installs it"
    ]


def test_a_release_signed_apart_and_zstandard(mirror: run.Mirror, wanted: plan.Plan, vendor: Network, key: Key) -> None:
    (vendor.root / "apt/dists/stable/InRelease").unlink()
    rows = [stanza("app", "1", b"app", "pool/app_1_amd64.deb"), stanza("gcc", "1", b"lib", "pool/lib_1_amd64.deb")]
    apt(vendor.root / "apt", key, rows, "stable", inrelease=False)
    dnf(vendor.root / "dnf", key, [rpm_row("app", "1-1", b"rpm", "app-1.rpm")], compression="zst")
    assert have(mirror, without(wanted, "artefacts"), vendor)["notes"] == []
    assert (mirror.store.root / "repositories/vendor.example/apt/dists/stable/Release.gpg").is_file()


def test_a_vendor_that_is_away(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    vendor.is_away = True
    told = refused(mirror, wanted, vendor)
    assert told == (
        f"tool 1: {ROOT}/tool-1.zip does not answer: Connection refused; check the way to vendor.example and run again."
    )
    told = refused(mirror, without(wanted, "artefacts"), vendor)
    assert told.startswith(
        f"the key of repository vendor ({ROOT}/apt stable, amd64): {ROOT}/key.asc could not be fetched in 3 "
    )


def test_a_package_that_the_repository_lacks(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    (source,) = (source for source in wanted.sources if source.repository.type == "apt")
    told = refused(mirror, plan.Plan({}, {replace(source, names=("app=2-*",)): {"x"}}), vendor)
    assert told == (
        f"repository vendor ({ROOT}/apt stable, amd64) has no package app=2-*; of app it has 1: name one of these in "
        f"the catalogue."
    )


def test_a_path_that_leaves_the_repository(mirror: run.Mirror, wanted: plan.Plan, vendor: Network, key: Key) -> None:
    apt(vendor.root / "apt", key, [stanza("app", "1", b"app", "../../etc/passwd")], "stable")
    told = refused(mirror, without(wanted, "artefacts"), vendor)
    assert "the index names the file '../../etc/passwd', expected one below https://vendor.example/apt" in told


def test_a_vendor_that_published_anew(mirror: run.Mirror, wanted: plan.Plan, vendor: Network, key: Key) -> None:
    ways = net.Net(vendor, 1, lambda seconds: None)
    mirror.locked(wanted, ways)
    apt(vendor.root / "apt", key, [stanza("app", "1", b"app", "pool/app_1_amd64.deb")], "stable")
    told = refused(mirror, wanted, vendor)
    assert "the vendor published anew since the lockfile was written: run again with mirror_relock=true." in told
    assert have(mirror, wanted, vendor, relock=True)["changed"]
    mirror.checked()


def test_missing_and_damaged_files_are_told(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    with pytest.raises(MirrorError, match=r"mirror.lock.yml does not exist, so that nothing says what"):
        mirror.checked()
    have(mirror, wanted, vendor)
    (mirror.store.root / "repositories/vendor.example/dnf/app-1.rpm").write_bytes(b"mpr")
    (mirror.store.root / "signed/vendor.example/efa-1.tar.gz").unlink()
    with pytest.raises(MirrorError) as caught:
        mirror.checked()
    assert str(caught.value) == (
        f"mirror: 2 of 15 files of {mirror.lock_path} are not in {mirror.store.root} as they must be; remove what is "
        f"damaged, then run with mirror_state=downloaded: repositories/vendor.example/dnf/app-1.rpm is damaged: its "
        f"sha256 is {sha256(b'mpr')}, expected {sha256(b'rpm')}; signed/vendor.example/efa-1.tar.gz is missing."
    )


def test_a_disk_that_is_too_small_is_told_first(
    mirror: run.Mirror, wanted: plan.Plan, vendor: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10}))
    told = refused(mirror, wanted, vendor)
    assert told.startswith(
        f"mirror: {mirror.store.root} has 10 bytes free, expected 209 bytes for 4 files; choose another mirror_dir"
    )


def test_two_runs_do_not_write_into_one_mirror(mirror: run.Mirror, wanted: plan.Plan, vendor: Network) -> None:
    with mirror.store.opened():
        told = refused(mirror, wanted, vendor)
    assert told == f"mirror: another run writes into {mirror.store.root}; wait until it has ended."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "m.yml is not YAML: "),
        ("a: b", "m.yml has no list 'files', so it is no lockfile; remove it and lock again."),
        (
            "files: [{kind: artefact, url: 'https://x/y', path: ../y}]",
            "m.yml: files[0]: path is '../y', which no lock writes",
        ),
        (
            "files: [{kind: artefact, url: 'https://x/y', path: y, sha256: x}]",
            "m.yml: files[0]: sha256 is 'x', which no lock",
        ),
        ("files: [{kind: program}]", "m.yml: files[0]: kind is 'program', which no lock writes"),
        ("files: [x]", "m.yml: files[0] is 'x', expected a mapping; remove the lockfile and lock again."),
    ],
)
def test_a_lockfile_that_was_tampered_with_is_refused(text: str, told: str) -> None:
    with pytest.raises(MirrorError) as caught:
        lock.read(text, "m.yml")
    assert str(caught.value).startswith(told)


def test_a_sha512_proves_a_file_and_the_lockfile_tells_its_sha256(mirror: run.Mirror, vendor: Network) -> None:
    (vendor.root / "tool-1.zip").write_bytes(TOOL)
    checksum = hashlib.sha512(TOOL).hexdigest()
    one = plan.Artefact("tool 1", f"{ROOT}/tool-1.zip", f"{checksum}/tool-1.zip", "", sha512=checksum)
    assert have(mirror, plan.Plan({one: {"x"}}), vendor)["filled"] == []
    (entry,) = lock.read(mirror.lock_path.read_text(), "m.yml").entries
    assert (entry.path, entry.sha256, entry.filled) == (f"{checksum}/tool-1.zip", sha256(TOOL), False)
    false = replace(one, path=f"{'0' * 128}/tool-1.zip", sha512="0" * 128)
    told = refused(mirror, plan.Plan({false: {"x"}}), vendor)
    assert told.startswith(
        f"mirror: tool 1: {ROOT}/tool-1.zip has sha512 {checksum}, expected {'0' * 128}; it was not kept."
    )
