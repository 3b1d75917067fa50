"""A vendor of the test's own: a key, packages, and a signed apt repository of them in a directory."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path


class Vendor:
    def __init__(self, place: Path, home: Path) -> None:
        """The repository is below `place`; `home`, a short path, keeps the key."""
        self.place, self.home = place, home
        place.mkdir(parents=True, exist_ok=True)
        self.fingerprint = self.new_key()

    def gpg(self, *arguments: str) -> bytes:
        environment = {**os.environ, "GNUPGHOME": str(self.home)}
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--yes", "--passphrase", "", *arguments]
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout

    def new_key(self, name: str = "vendor") -> str:
        """Make a key, publish its public half as <name>.asc, and return its fingerprint."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.gpg("--quick-gen-key", f"{name}@vendor.example", "rsa2048", "sign,cert", "never")
        listed = self.gpg("--with-colons", "--list-keys", f"{name}@vendor.example").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        (self.place / f"{name}.asc").write_bytes(self.gpg("--armor", "--export", fingerprint))
        return fingerprint

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def add(self, name: str, version: str, files: dict[str, bytes] | None = None, script: str = "") -> None:
        """Build a package; `script` runs after its installation."""
        tree = self.place.parent / f"tree-{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: vendor\nDescription: test\n"
        (tree / "DEBIAN/control").write_text(control)
        if script:
            (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{script}\n")
            (tree / "DEBIAN/postinst").chmod(0o755)
        for path, content in (files or {}).items():
            (tree / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (tree / path.lstrip("/")).write_bytes(content)
        deb = self.place / f"{name}_{version.replace(':', '%3a')}_all.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, deb], check=True, capture_output=True
        )
        shutil.rmtree(tree)

    def publish(self, signer: str = "") -> None:
        """Write the index of all packages and sign it."""
        stanzas = []
        for deb in sorted(self.place.glob("*.deb")):
            control = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True).stdout
            content = deb.read_bytes()
            sums = f"Filename: ./{deb.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
            stanzas.append(control + sums)
        packages = "\n".join(stanzas).encode()
        (self.place / "Packages").write_bytes(packages)
        line = f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
        release = self.place / "Release"
        release.write_text(f"Origin: vendor\nDate: Tue, 24 Nov 2026 00:00:00 UTC\nSHA256:\n{line}")
        key = signer or self.fingerprint
        self.gpg("--local-user", f"{key}!", "--clearsign", "--output", str(self.place / "InRelease"), str(release))
        self.gpg("--local-user", f"{key}!", "--armor", "--detach-sign", "--output", f"{release}.gpg", str(release))
