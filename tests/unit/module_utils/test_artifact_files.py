"""A release appears whole and checked, or not at all."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _artifact_files as files
from unit.module_utils.network import MIRROR, URL, Answer, Network, missing
from unit.openpgp.keys import FINGERPRINTS, RELEASE, signature


def archive(*members: tuple[str, bytes | str]) -> bytes:
    """A tar file; a member whose content is a string is a link to it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.uid = 4242
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


GOOD = archive(("tool-1/README", b"hello"))


def planned(content: bytes = GOOD, mirror: str = "", url: str = URL) -> artifact.Plan:
    checksum = hashlib.sha256(content).hexdigest()
    return artifact.plan({"name": "tool", "version": "1", "url": url, "sha256": checksum}, "x86_64", mirror)


def test_an_archive_is_unpacked_and_its_one_directory_entered(tmp_path: Path) -> None:
    plan, place = planned(), tmp_path / "opt/tool"
    files.install(plan, place, True, 1, Network(vendor=[GOOD]))
    assert (files.entered(place) / "README").read_text() == "hello"
    assert files.held(plan, place, True)
    assert sorted(path.name for path in place.parent.iterdir()) == ["tool"]


def test_a_new_release_takes_the_place_of_the_old(tmp_path: Path) -> None:
    place, newer = tmp_path / "tool", archive(("tool-2/NEW", b"new"))
    files.install(planned(), place, True, 1, Network(vendor=[GOOD]))
    files.install(planned(newer), place, True, 1, Network(vendor=[newer]))
    assert files.entered(place) == place / "tool-2" and not files.held(planned(), place, True)


def test_a_wrong_checksum_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "tool"
    files.install(planned(), place, True, 1, Network(vendor=[GOOD]))
    network = Network(vendor=[b"evil"])
    with pytest.raises(artifact.ArtifactError, match=rf"tool 1: {URL} has sha256 \w{{64}}, expected \w{{64}}"):
        files.install(planned(archive(("x", b""))), place, True, 5, network)
    assert len(network.asked) == 1 and files.held(planned(), place, True)


def test_a_strangers_directory_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    network = Network(vendor=[GOOD])
    with pytest.raises(artifact.ArtifactError, match="holds files that no earlier fetch laid there"):
        files.install(planned(), tmp_path, True, 1, network)
    assert network.asked == []


def test_a_plain_file_is_judged_by_its_content(tmp_path: Path) -> None:
    plan = planned(b"#!/bin/sh\n", url="https://vendor.example/run.sh")
    files.install(plan, tmp_path, False, 1, Network(vendor=[b"#!/bin/sh\n"]))
    assert files.held(plan, tmp_path, False)
    (tmp_path / "run.sh").write_text("changed")
    assert not files.held(plan, tmp_path, False)


@pytest.mark.parametrize("unpacks", [True, False])
def test_a_release_is_judged_by_its_sha512_where_that_is_what_is_known(tmp_path: Path, unpacks: bool) -> None:
    record = {"name": "tool", "version": "1", "url": URL, "sha512": hashlib.sha512(GOOD).hexdigest()}
    plan, place = artifact.plan(record, "x86_64", ""), tmp_path / "tool"
    files.install(plan, place, unpacks, 1, Network(vendor=[GOOD]))
    assert files.held(plan, place, unpacks)
    other = artifact.plan({**record, "sha512": "ab" * 64}, "x86_64", "")
    assert not files.held(other, place, unpacks)
    with pytest.raises(artifact.ArtifactError, match=rf"tool 1: {URL} has sha512 \w{{128}}, expected abab"):
        files.install(other, place, unpacks, 1, Network(vendor=[GOOD]))


PROGRAM = pytest.mark.skipif(not (shutil.which("gpgv") or shutil.which("sqv")), reason="needs gpgv or sqv")
TXT = "https://vendor.example/release.txt"


class Signed(Network):
    """A vendor with a file, its signature and a key, each of which may be another than it should be."""

    def __init__(self, release: bytes = RELEASE, sig: str = "vendor.sig.asc", asc: str = "vendor.asc") -> None:
        super().__init__()
        self.files = {TXT: release, f"{TXT}.sig": signature(sig), "https://keys.example/v.asc": signature(asc)}

    def __call__(self, url: str) -> Answer:
        self.asked.append(url)
        return Answer(self.files[url])


def signed(signer: str = "vendor", **change: str) -> artifact.Plan:
    key = {"url": "https://keys.example/v.asc", "fingerprint": FINGERPRINTS[signer]}
    record = {"name": "tool", "version": "1", "url": TXT, "sha256": "unverified", "signing_key": key}
    return artifact.plan({**record, "signature_url": f"{TXT}.sig", **change}, "x86_64")


@PROGRAM
@pytest.mark.parametrize(
    ("signer", "network"),
    [
        ("vendor", Signed()),
        ("vendor", Signed(sig="subkey.sig", asc="many.gpg")),
        ("other", Signed(sig="other.sig", asc="many.gpg")),
        # Signed while the key was good: an old release stays what it was.
        ("expired", Signed(sig="expired.sig", asc="expired.gpg")),
    ],
)
def test_a_signed_release_is_installed_and_known_again(tmp_path: Path, signer: str, network: Signed) -> None:
    plan, place = signed(signer), tmp_path / "tool"
    files.install(plan, place, False, 1, network)
    assert (place / "release.txt").read_bytes() == RELEASE and files.held(plan, place, False)
    assert not files.held(signed(signer, version="2"), place, False)
    assert not files.held(signed("curve"), place, False)
    (place / "release.txt").write_text("changed")
    assert not files.held(plan, place, False)


@PROGRAM
@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Signed(release=b"evil"), "tool 1: .*release.txt.sig does not prove .* the signature does not fit the file"),
        (Signed(sig="other.sig"), "it was signed with another key"),
        (Signed(sig="vendor.asc"), "does not prove"),
        (Signed(asc="expired.gpg"), "v.asc is not the key that signs it: it holds .*, expected the key"),
        (Signed(asc="release.txt"), "v.asc is not the key that signs it: it is no OpenPGP key"),
    ],
)
def test_what_is_not_signed_by_that_key_is_refused_and_leaves_what_was_there(
    tmp_path: Path, network: Signed, sentence: str
) -> None:
    place = tmp_path / "tool"
    files.install(signed(version="0"), place, False, 1, Signed())
    with pytest.raises(artifact.ArtifactError, match=sentence):
        files.install(signed(), place, False, 1, network)
    assert files.held(signed(version="0"), place, False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tool"]
    files.install(signed(), place, False, 1, Signed())
    assert files.held(signed(), place, False)


@PROGRAM
def test_with_both_proofs_both_must_hold(tmp_path: Path) -> None:
    right = hashlib.sha256(RELEASE).hexdigest()
    files.install(signed(sha256=right), tmp_path / "tool", False, 1, Signed())
    assert files.held(signed(sha256=right), tmp_path / "tool", False)
    with pytest.raises(artifact.ArtifactError, match="expected abab"):
        files.install(signed(sha256="ab" * 32), tmp_path / "b", False, 1, Signed())
    with pytest.raises(artifact.ArtifactError, match="another key"):
        files.install(signed(sha256=right), tmp_path / "c", False, 1, Signed(sig="other.sig"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tool"]


def test_a_checksum_does_not_stand_in_for_a_signature(tmp_path: Path) -> None:
    """A release laid by its checksum alone is checked anew when the record starts to name a key."""
    right = hashlib.sha256(RELEASE).hexdigest()
    unsigned = artifact.plan({"name": "tool", "version": "1", "url": TXT, "sha256": right}, "x86_64")
    files.install(unsigned, tmp_path / "tool", False, 1, Signed())
    assert not files.held(signed(sha256=right), tmp_path / "tool", False)


@PROGRAM
def test_a_signed_archive_is_known_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = dataclasses.replace(signed(), url=TXT.replace(".txt", ".tar.gz"))
    network = Signed()
    network.files[TXT] = GOOD
    monkeypatch.setattr(files, "verify", lambda *_: None)
    files.install(plan, tmp_path / "tool", True, 1, network)
    assert files.held(plan, tmp_path / "tool", True)
    assert not files.held(dataclasses.replace(plan, version="2"), tmp_path / "tool", True)
    (tmp_path / "tool" / files.MARK).write_text("{half")
    assert not files.held(plan, tmp_path / "tool", True)


def test_a_node_that_cannot_check_a_signature_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.shutil, "which", lambda _: None)
    with pytest.raises(artifact.ArtifactError, match=r"neither gpgv nor sqv; install the package gpgv .*or gnupg2"):
        files.install(signed(), tmp_path / "tool", False, 1, Signed())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_taken_for_a_broken_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(vendor=[GOOD])

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(
        artifact.ArtifactError, match=r"tool 1 cannot be written below .*: No space left .*free some space"
    ):
        files.install(planned(), tmp_path / "tool", True, 5, network)
    monkeypatch.undo()
    assert len(network.asked) == 1 and list(tmp_path.iterdir()) == []
    files.install(planned(), tmp_path / "tool", True, 5, network)


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(artifact.ArtifactError, match="tool 1: its archive is broken"):
        files.install(planned(GOOD[:3] + b"x" * 40), tmp_path / "tool", True, 1, Network(vendor=[GOOD[:3] + b"x" * 40]))


def fetch(tmp_path: Path, network: Network, plan: artifact.Plan, attempts: int = 4) -> list[float]:
    slept: list[float] = []
    files.fetch(plan, tmp_path / "file", attempts, network, slept.append)
    return slept


def test_the_vendor_is_asked_when_the_mirror_has_no_such_file(tmp_path: Path) -> None:
    network = Network(mirror=[missing()], vendor=[GOOD])
    assert fetch(tmp_path, network, planned(mirror=MIRROR)) == [0]
    assert [url.startswith(MIRROR) for url in network.asked] == [True, False]


def test_trouble_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    broken = [URLError("no route"), Answer(GOOD[:-9], len(GOOD)), HTTPError(URL, 503, "", None, None), GOOD]  # type: ignore[arg-type]
    assert fetch(tmp_path, Network(vendor=broken), planned()) == [0, 1, 2, 4]


def test_a_missing_file_is_not_asked_for_again(tmp_path: Path) -> None:
    network = Network(vendor=[missing()])
    with pytest.raises(artifact.ArtifactError, match=f"tool 1 could not be fetched .{URL}: HTTP 404"):
        fetch(tmp_path, network, planned())
    assert len(network.asked) == 1


@pytest.mark.parametrize(
    "member", [("/etc/evil", b""), ("../evil", b""), ("a/../../evil", b""), ("link", "/etc"), ("a/link", "../../etc")]
)
def test_no_member_leaves_the_directory_on_an_old_python(
    tmp_path: Path, member: tuple[str, bytes | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    (tmp_path / "a.tar.gz").write_bytes(archive(member))
    with pytest.raises(artifact.ArtifactError, match="would leave its directory"):
        files.unpack(tmp_path / "a.tar.gz", "a.tar.gz", tmp_path / "into")


def test_a_link_inside_is_fine_and_owners_are_not_taken_over() -> None:
    link = tarfile.TarInfo("lib/a.so")
    link.type, link.linkname, link.uid = tarfile.SYMTYPE, "../real/a.so", 4242
    assert files.tamed(link, "a.tar").uid == 0


def test_a_program_in_a_zip_can_be_run(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, mode in (("aws/install", 0o755), ("aws/README", 0o644)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o100000 | mode) << 16
            archive.writestr(member, "#!/bin/sh")
    files.unpack(tmp_path / "a.zip", "a.zip", tmp_path / "into")
    modes = [(tmp_path / f"into/aws/{name}").stat().st_mode & 0o111 for name in ("install", "README")]
    assert modes == [0o111, 0]
