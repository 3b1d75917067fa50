"""The role artifact on a machine: from a mirror, and when the network lies."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.harness import ROOT, Lab, run
from unit.openpgp.keys import FINGERPRINTS

pytestmark = pytest.mark.lab


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("", 0), functools.partial(Quiet, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@pytest.fixture
def release() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("tool-1/README")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    return stream.getvalue()


def fetch(lab: Lab, tmp_path: Path, **variables: Any) -> Any:
    play = {
        "hosts": "controller",
        "gather_facts": False,
        "tasks": [{"name": "Fetch", "ansible.builtin.include_role": {"name": "awsome.training.artifact"}}],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    extra = yaml.safe_dump(
        {"artifact_destination": "/opt/artifact-test", **variables}, default_flow_style=True, width=9**9
    )
    return run("ansible-playbook", "-i", str(lab.inventory), str(tmp_path / "play.yml"), "-e", extra)


def test_a_release_comes_from_the_mirror_once_and_a_wrong_one_never(lab: Lab, tmp_path: Path, release: bytes) -> None:
    controller, checksum = lab.host("controller"), hashlib.sha256(release).hexdigest()
    gateway = controller.check_output("ip -4 route show default").split()[2]
    record = {"name": "tool", "version": "1", "url": "http://127.0.0.1:9/tool.tar.gz", "sha256": checksum}
    place = tmp_path / "mirror" / checksum / "tool.tar.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(release)
    with serving(tmp_path / "mirror") as port:
        mirror = {"artifact_mirror_url": f"http://{gateway}:{port}", "artifact_attempts": 1}
        first = fetch(lab, tmp_path, artifact_release=record, **mirror)
        again = fetch(lab, tmp_path, artifact_release=record, **mirror)
        place.write_bytes(b"something else")
        evil = fetch(lab, tmp_path, artifact_release=record, artifact_destination="/opt/artifact-evil", **mirror)
    assert first.returncode == 0 and "changed=1" in first.stdout, first.stdout
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout
    assert controller.file("/opt/artifact-test/tool-1/README").content_string == "hello"
    told = " ".join(evil.stdout.split())
    assert evil.returncode != 0 and f"tool 1: http://{gateway}:{port}/{checksum}/tool.tar.gz has sha256" in told
    assert not controller.file("/opt/artifact-evil").exists
    controller.check_output("rm -r /opt/artifact-test")


OPENPGP = ROOT / "tests/unit/openpgp"


def signed(place: Path) -> dict[str, Any]:
    """A record without a checksum, and what a mirror has of it: a vendor's file, its signature and its key."""
    for name, source in {"tool.txt": "release.txt", "tool.txt.sig": "vendor.sig.asc", "key.asc": "many.gpg"}.items():
        (place / name).write_bytes((OPENPGP / source).read_bytes())
    vendor = "http://127.0.0.1:9/x"
    key = {"url": f"{vendor}/key.asc", "fingerprint": FINGERPRINTS["vendor"]}
    record = {"name": "tool", "version": "1", "url": f"{vendor}/tool.txt", "sha256": "unverified"}
    return {**record, "signature_url": f"{vendor}/tool.txt.sig", "signing_key": key}


def test_a_signature_is_checked_and_a_full_disk_told(lab: Lab, tmp_path: Path) -> None:
    controller = lab.host("controller")
    gateway = controller.check_output("ip -4 route show default").split()[2]
    place = tmp_path / "mirror/signed/127.0.0.1:9/x"
    place.mkdir(parents=True)
    record = signed(place)
    with serving(tmp_path / "mirror") as port:

        def get(**change: Any) -> str:
            mirror = {"artifact_mirror_url": f"http://{gateway}:{port}", "artifact_attempts": 1}
            told = fetch(lab, tmp_path, **{"artifact_release": record, **mirror, **change})
            assert (told.returncode == 0) == ("failed=0" in told.stdout)
            return " ".join(told.stdout.split())

        assert "changed=1" in get() and "changed=0" in get()
        (place / "tool.txt").write_bytes(b"someone else's")
        evil = get(artifact_release={**record, "version": "2"})
        assert f"does not prove that the key {FINGERPRINTS['vendor']} signed http://127.0.0.1:9/x/tool.txt; the" in evil
        assert controller.file("/opt/artifact-test/tool.txt").content == (OPENPGP / "release.txt").read_bytes()
        (place / "key.asc").write_bytes((OPENPGP / "expired.gpg").read_bytes())
        stranger = get(artifact_release={**record, "version": "2"})
        assert f"key.asc is not the key that signs it: it holds {FINGERPRINTS['expired']}, expected" in stranger

        signed(place)
        controller.check_output("cat /dev/zero > /dev/shm/fill 2> /dev/null || true")
        try:
            full = get(artifact_destination="/dev/shm/tool")
        finally:
            controller.check_output("rm /dev/shm/fill")
        assert (
            "cannot be written below /dev/shm" in full
            and "No space left on device; nothing was installed, free" in full
        )
        assert "changed=1" in get(artifact_destination="/dev/shm/tool")
    assert "could not be fetched" in get(artifact_release={**record, "version": "2"})
    controller.check_output("rm -r /opt/artifact-test /dev/shm/tool")
