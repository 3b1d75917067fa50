"""Small vendors: signed apt and dnf repositories in a directory, and a network that reaches nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from standins.indexes import Key

ROOT = "https://vendor.example"


class Answer(io.BytesIO):
    def __init__(self, content: bytes, promised: int | None = None) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if promised is None else promised)}


@dataclass
class Network:
    """Answers for the files below a directory, as if it were the vendor's. `troubles` come first, one a question."""

    root: Path
    troubles: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def __call__(self, url: str, method: str = "GET") -> Answer:
        self.asked.append(f"{method} {url}")
        if self.is_away:
            raise URLError("Connection refused")
        trouble = self.troubles.get(url)
        if trouble:
            answer = trouble.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]
        file = self.root / urlsplit(url).path.lstrip("/")
        if not file.is_file():
            raise HTTPError(url, 404, "Not Found", None, None)  # type: ignore[arg-type]
        return Answer(b"", file.stat().st_size) if method == "HEAD" else Answer(file.read_bytes())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def stanza(name: str, version: str, content: bytes, file: str, arch: str = "amd64", **more: str) -> str:
    fields = {"Package": name, "Version": version, "Architecture": arch, **more}
    fields |= {"Filename": file, "Size": str(len(content)), "SHA256": sha256(content)}
    return "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items())


def apt(
    root: Path, key: Key, stanzas: list[str], suite: str = "/", component: str = "main", *, inrelease: bool = True
) -> None:
    """Write the indexes of a repository whose packages lie below root already."""
    flat = suite.endswith("/")
    base = root / suite.strip("/") if flat else root / "dists" / suite
    text = "\n".join(stanzas).encode()
    lists = {"Packages": text, "Packages.gz": gzip.compress(text, mtime=0)}
    if not flat:
        lists = {f"{component}/binary-amd64/{name}": content for name, content in lists.items()}
    for name, content in lists.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)
    sums = "".join(f" {sha256(content)} {len(content)} {name}\n" for name, content in lists.items())
    release = base / "Release"
    about = "" if flat else f"Suite: {suite}\nCodename: {suite}\nComponents: {component}\n"
    release.write_text(
        f"Origin: vendor\nLabel: vendor\n{about}Date: Tue, 24 Nov 2026 08:00:00 UTC\nArchitectures: amd64\n"
        f"Acquire-By-Hash: yes\nSHA256:\n{sums}"
    )
    if inrelease:
        (base / "InRelease").write_bytes(key.sign(release, "--clearsign"))
        release.unlink()
    else:
        (base / "Release.gpg").write_bytes(key.sign(release))


def rpm_row(
    name: str, version: str, content: bytes, file: str, arch: str = "x86_64", **entries: list[Mapping[str, str]]
) -> str:
    epoch, _, rest = version.rpartition(":")
    number, _, release = rest.partition("-")
    parts = ""
    for tag, rows in entries.items():
        words = ["".join(f' {key}="{value}"' for key, value in row.items()) for row in rows]
        parts += f"<rpm:{tag}>{''.join(f'<rpm:entry{word}/>' for word in words)}</rpm:{tag}>"
    return (
        f'<package type="rpm"><name>{name}</name><arch>{arch}</arch>'
        f'<version epoch="{epoch or 0}" ver="{number}" rel="{release}"/>'
        f'<checksum type="sha256" pkgid="YES">{sha256(content)}</checksum>'
        f'<size package="{len(content)}" installed="1" archive="1"/><location href="{file}"/>'
        f"<format>{parts}</format></package>"
    )


def dnf(root: Path, key: Key | None, rows: list[str], compression: str = "gz") -> None:
    repodata = root / "repodata"
    repodata.mkdir(parents=True, exist_ok=True)
    spaces = "http://linux.duke.edu/metadata"
    head = f'<metadata xmlns="{spaces}/common" xmlns:rpm="{spaces}/rpm" packages="1">'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{"".join(rows)}</metadata>\n'.encode()
    if compression == "zst":
        packed = subprocess.run(["zstd", "-c"], input=text, capture_output=True, check=True).stdout
    else:
        packed = gzip.compress(text, mtime=0)
    data = ""
    for kind, content in (
        ("primary", packed),
        ("filelists", gzip.compress(b"<filelists/>", mtime=0)),
        ("primary_db", b"x"),
    ):
        name = f"{sha256(content)}-{kind}.xml.{compression if kind == 'primary' else 'gz'}"
        (repodata / name).write_bytes(content)
        data += (
            f'<data type="{kind}"><checksum type="sha256">{sha256(content)}</checksum>'
            f'<location href="repodata/{name}"/></data>'
        )
    repomd = repodata / "repomd.xml"
    repomd.write_text(f'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>{data}</repomd>\n')
    if key:
        (repodata / "repomd.xml.asc").write_bytes(key.sign(repomd, "--armor", "--detach-sign"))
