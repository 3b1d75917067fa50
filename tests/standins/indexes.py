"""Repositories as apt and dnf read them, and the key that signs them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from standins.formats import EPOCH, Package, control, deb, rpms, run

OWNER = "Stand-in <root@localhost>"


@dataclass(frozen=True)
class Key:
    home: Path
    fingerprint: str
    public: bytes

    @classmethod
    def make(cls, directory: Path) -> Key:
        home = directory / "gnupg"
        home.mkdir(mode=0o700)
        gpg = ("gpg", "--homedir", str(home), "--batch")
        # RSA, which every rpm knows.
        run(*gpg, "--quiet", "--passphrase", "", "--quick-generate-key", OWNER, "rsa2048", "sign", "never")
        listed = run(*gpg, "--with-colons", "--list-keys").splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        public = run(*gpg, "--armor", "--export").encode()
        (directory / "key.asc").write_bytes(public)
        return cls(home, fingerprint, public)

    def sign(self, file: Path, *options: str) -> bytes:
        """A signature of its own, or with --clearsign the text within it."""
        with tempfile.TemporaryDirectory() as work:
            out = Path(work) / "out"
            how = options or ("--detach-sign",)
            run("gpg", "--homedir", str(self.home), "--batch", "--quiet", "--output", str(out), *how, str(file))
            return out.read_bytes()

    def sign_rpms(self, files: list[Path]) -> None:
        if files:
            defines = {"_gpg_name": self.fingerprint, "_gpg_path": str(self.home), "__gpg": shutil.which("gpg")}
            words = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
            run("rpmsign", *words, "--addsign", *map(str, files))

    def rest(self) -> None:
        """Leave no agent behind."""
        run("gpgconf", "--homedir", str(self.home), "--kill", "all")


def apt(directory: Path, record: dict[str, Any], packages: list[Package], key: Key, arch: str) -> None:
    flat = record["suite"].endswith("/")
    suite = directory / record["suite"].strip("/") if flat else directory / "dists" / record["suite"]
    pool = suite if flat else directory / "pool" / record["suite"]
    pool.mkdir(parents=True, exist_ok=True)
    rows = []
    for package in packages:
        content = deb(package)
        # A colon or a plus may stand in a version; a file's name has no epoch.
        (pool / package.deb_name).write_bytes(content)
        where = (pool / package.deb_name).relative_to(directory)
        checksum = hashlib.sha256(content).hexdigest()
        rows.append(f"{control(package)}Filename: {where}\nSize: {len(content)}\nSHA256: {checksum}\n")
    # All packages lie in the first component, and the others are empty.
    lists = {"Packages": "\n".join(rows)} if flat else {}
    for number, component in enumerate(record["components"]):
        lists[f"{component}/binary-{arch}/Packages"] = "\n".join(rows) if number == 0 else ""
    sums = []
    for name, text in lists.items():
        (suite / name).parent.mkdir(parents=True, exist_ok=True)
        (suite / name).write_text(text)
        sums.append(f" {hashlib.sha256(text.encode()).hexdigest()} {len(text.encode())} {name}")
    words = {
        "Origin": "standins",
        "Label": f"standins-{directory.parent.name}",
        "Suite": record["suite"].strip("/"),
        "Date": formatdate(EPOCH, usegmt=True),
    }
    words |= {"Architectures": arch, "Components": " ".join(record["components"]), "SHA256": "\n" + "\n".join(sums)}
    release = suite / "Release"
    release.write_text("".join(f"{word}: {value}\n" for word, value in words.items() if value))
    (suite / "InRelease").write_bytes(key.sign(release, "--clearsign"))
    (suite / "Release.gpg").write_bytes(key.sign(release, "--armor", "--detach-sign"))


def dnf(directory: Path, packages: list[Package], key: Key) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        rpms(packages, directory, Path(work))
    key.sign_rpms(sorted(directory.glob("*.rpm")))
    run("createrepo_c", "--quiet", "--no-database", "--simple-md-filenames", str(directory))
    repomd = directory / "repodata/repomd.xml"
    repomd.with_suffix(".xml.asc").write_bytes(key.sign(repomd, "--armor", "--detach-sign"))
