# Private to awsome.training: its API may change without notice.
"""Reading a vendor's package repository: every byte of it is proved before it is believed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import posixpath
import shutil
import subprocess
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable

from ansible_collections.awsome.training.plugins.module_utils._mirror import deb, gpg, rpm
from ansible_collections.awsome.training.plugins.module_utils._mirror.closure import Index
from ansible_collections.awsome.training.plugins.module_utils._mirror.net import NotThere
from ansible_collections.awsome.training.plugins.module_utils._mirror.plan import Source
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError, beside

Fetch = Callable[[str, str], bytes]  # a URL and a label to the content
ENDINGS = ("", ".xz", ".gz", ".zst", ".bz2", ".lzma", ".lz4")


@dataclass
class Reading:
    """A repository as it was read: its files that a package manager asks for, and its packages."""

    base: str  # below which packages lie
    index: Index
    files: dict[str, bytes] = field(default_factory=dict)  # by URL
    notes: list[str] = field(default_factory=list)


def read(source: Source, fetch: Fetch) -> Reading:
    found = source.repository
    key = gpg.Key(found.key_url, fetch(found.key_url, f"the key of {source.label}"), found.fingerprint)
    reading = _apt(source, key, fetch) if found.type == "apt" else _dnf(source, key, fetch)
    reading.files[found.key_url] = key.content
    return reading


def _apt(source: Source, key: gpg.Key, fetch: Fetch) -> Reading:
    url, suite, label = source.repository.url.rstrip("/"), source.repository.suite, source.label
    flat = suite.endswith("/")
    base = f"{url}/{suite.strip('/')}".rstrip("/") if flat else f"{url}/dists/{suite}"
    files: dict[str, bytes] = {}
    try:
        files[f"{base}/InRelease"] = content = fetch(f"{base}/InRelease", label)
        release = gpg.clear(content, key, f"{base}/InRelease", label)
    except NotThere:
        for name in ("Release", "Release.gpg"):
            files[f"{base}/{name}"] = fetch(f"{base}/{name}", label)
        release = files[f"{base}/Release"]
        gpg.detached(release, files[f"{base}/Release.gpg"], key, f"{base}/Release", label)
    sums = deb.release(release.decode(errors="replace"), label)
    directories = [""]
    if not flat:
        directories = [
            f"{component}/binary-{arch}/"
            for component in source.repository.components
            for arch in (source.repository.arch, "all")
        ]
    packages = b""
    for directory in directories:
        variants = _variants(base, f"{directory}Packages", sums, fetch, label)
        if not variants and not directory.endswith("-all/"):
            raise MirrorError(
                f"{label}: {base} lists no {directory}Packages that its server has, so that the packages for "
                f"{source.repository.arch} are not known; correct the record's suite, components or architectures."
            )
        files.update(variants)
        name = next(iter(variants), "")
        packages += unpacked(variants[name], name, label) + b"\n\n" if name else b""
    for component in source.repository.components:
        files.update(_variants(base, f"{component}/i18n/Translation-en", sums, fetch, label))
    return Reading(url, deb.index(packages, source.repository.arch, label), files)


def _variants(base: str, name: str, sums: Mapping[str, tuple[str, int]], fetch: Fetch, label: str) -> dict[str, bytes]:
    """The forms of one index that the server has; apt chooses among them by what it can unpack."""
    found: dict[str, bytes] = {}
    for ending in (*ENDINGS[1:], ""):
        if f"{name}{ending}" not in sums or (not ending and found):
            continue
        url = f"{base}/{name}{ending}"
        try:
            content = fetch(url, label)
        except NotThere:
            continue
        _prove(content, "sha256", sums[f"{name}{ending}"][0], url, label)
        found[url] = content
    return found


def _dnf(source: Source, key: gpg.Key, fetch: Fetch) -> Reading:
    base, label = source.repository.url.rstrip("/"), source.label
    url = f"{base}/repodata/repomd.xml"
    files = {url: fetch(url, label)}
    notes = []
    if source.repository.repo_gpgcheck:
        files[f"{url}.asc"] = fetch(f"{url}.asc", label)
        gpg.detached(files[url], files[f"{url}.asc"], key, url, label)
    else:
        notes.append(f"{label}: its index is not signed; each package is, and rpm checks that when it installs it")
    primary = b""
    for part in rpm.repomd(files[url], label):
        place = beside(base, part.file, label)
        content = fetch(place, label)
        _prove(content, part.hash, part.checksum, place, label)
        files[place] = content
        if part.kind == "primary":
            primary = unpacked(content, part.file, label)
    return Reading(base, rpm.index(primary, source.repository.arch, label), files, notes)


def _prove(content: bytes, kind: str, expected: str, url: str, label: str) -> None:
    got = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    if got != expected:
        raise MirrorError(
            f"{label}: {url} has {kind} {got}, its signed index expects {expected}; nothing was taken from there. A "
            f"mirror or cache of the vendor is half updated, or someone changed the file: try again later."
        )


def unpacked(content: bytes, name: str, label: str) -> bytes:
    ending = posixpath.splitext(name)[1]
    try:
        if ending == ".gz":
            return gzip.decompress(content)
        if ending in (".xz", ".lzma"):
            return lzma.decompress(content)
        if ending == ".bz2":
            return bz2.decompress(content)
        if ending in (".zst", ".lz4"):
            return _by_program("zstd" if ending == ".zst" else "lz4", content, name, label)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise MirrorError(f"{label}: {name} cannot be unpacked: {error}.") from None
    return content


def _by_program(program: str, content: bytes, name: str, label: str) -> bytes:
    if shutil.which(program) is None:
        raise MirrorError(f"{label}: {name} cannot be unpacked, for this machine has no program {program}; install it.")
    done = subprocess.run([program, "-dc"], input=content, capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        raise MirrorError(f"{label}: {name} cannot be unpacked: {done.stderr.decode(errors='replace').strip()}.")
    return done.stdout
