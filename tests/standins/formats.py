"""Write packages: .deb by hand, since that is two tar files in an ar file, and .rpm by one run of rpmbuild for many."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

EPOCH = 1_700_000_000  # of every file, so that one input gives one output
# What dpkg and rpm call an architecture.
DEB_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}


class StandinError(ValueError):
    """The data cannot be built. Its message is one sentence that names the file and the key."""


@dataclass(frozen=True)
class File:
    content: bytes = b""
    mode: int = 0o644
    link: str = ""
    directory: bool = False


@dataclass(frozen=True)
class Package:
    """What both formats need to know of a package; `version` holds epoch and revision as the manager writes them."""

    name: str
    version: str
    arch: str
    summary: str
    files: dict[str, File] = field(default_factory=dict)
    relations: dict[str, list[str]] = field(default_factory=dict)  # depends, provides, conflicts, replaces
    scripts: dict[str, str] = field(default_factory=dict)  # postinst, prerm, postrm

    @property
    def deb_name(self) -> str:
        return f"{self.name}_{self.version.partition(':')[2] or self.version}_{DEB_ARCH[self.arch]}.deb"

    @property
    def evr(self) -> tuple[str, str, str]:
        """Epoch, version and release for rpm."""
        epoch, _, rest = self.version.rpartition(":")
        version, _, release = rest.rpartition("-") if "-" in rest else (rest, "", "1")
        return epoch, version, release

    @property
    def rpm_name(self) -> str:
        _, version, release = self.evr
        return f"{self.name}-{version}-{release}.{self.arch}.rpm"


def tree(files: dict[str, File]) -> list[tuple[str, File]]:
    """The files and the directories above them, parents first, as relative paths."""
    entries = {path.strip("/"): file for path, file in files.items()}
    for path in list(entries):
        for parent in Path(path).parents:
            entries.setdefault(str(parent), File(mode=0o755, directory=True))
    entries.pop(".", None)
    return sorted(entries.items())


# Without the time of day, which gzip would note.
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": lambda content: gzip.compress(content, 1, mtime=EPOCH),
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
}


def tar(files: dict[str, File], prefix: str = "", compression: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, file in tree(files):
            member = tarfile.TarInfo(prefix + path)
            member.mode, member.mtime, member.uname, member.gname = file.mode, EPOCH, "root", "root"
            member.size = len(file.content)
            if file.directory:
                member.type = tarfile.DIRTYPE
            elif file.link:
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, file.link, 0o777
            archive.addfile(member, io.BytesIO(file.content))
    return COMPRESSIONS[compression](out.getvalue())


def zipped(files: dict[str, File]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, file in tree(files):
            if not file.directory:
                member = zipfile.ZipInfo(path)
                member.external_attr = (0o100000 | file.mode) << 16
                archive.writestr(member, file.content)
    return out.getvalue()


# --- Debian -----------------------------------------------------------------------------------------------------------

DEB_FIELDS = ("depends", "provides", "conflicts", "replaces")


def control(package: Package) -> str:
    lines = [f"Package: {package.name}", f"Version: {package.version}", f"Architecture: {DEB_ARCH[package.arch]}"]
    lines += ["Maintainer: stand-in <root@localhost>", "Section: misc", "Priority: optional"]
    lines += [f"{key.capitalize()}: {', '.join(words)}" for key in DEB_FIELDS if (words := package.relations.get(key))]
    return "\n".join([*lines, f"Description: {package.summary}", ""])


def deb(package: Package) -> bytes:
    about = {"control": File(control(package).encode())}
    for name, text in package.scripts.items():
        about[name] = File(f"#!/bin/sh\nset -e\n{text}".encode(), 0o755)
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar": tar(about, "./"),
        "data.tar": tar(package.files or {"usr/share/doc": File(mode=0o755, directory=True)}, "./"),
    }
    out = b"!<arch>\n"
    for name, content in parts.items():
        out += f"{name:<16}{EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    return out


# --- RPM --------------------------------------------------------------------------------------------------------------

RPM_TAGS = {"depends": "Requires", "provides": "Provides", "conflicts": "Conflicts", "replaces": "Obsoletes"}
RPM_SCRIPTS = {"postinst": "%post", "prerm": "%preun", "postrm": "%postun"}
RPM_HEAD = """\
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _build_id_links none
%define _binary_payload w0.ufdio
Name: standins
Version: 1
Release: 1
Summary: stand-ins
License: none
%description
Stand-ins.
"""


def rpms(packages: list[Package], into: Path, work: Path) -> None:
    """Build all packages with as few runs of rpmbuild as their names and files allow."""
    batches: list[list[Package]] = []
    for package in packages:
        home = next((batch for batch in batches if not _clash(package, batch)), None)
        if home is None:
            batches.append(home := [])
        home.append(package)
    for number, batch in enumerate(batches):
        _rpmbuild(batch, into, work / str(number))


def _clash(package: Package, batch: list[Package]) -> bool:
    """Whether one build cannot hold both: it has one tree of files, and one package of a name."""
    return any(
        other.name == package.name
        or any(other.files[path] != package.files[path] for path in other.files.keys() & package.files.keys())
        for other in batch
    )


def _rpmbuild(batch: list[Package], into: Path, work: Path) -> None:
    root = work / "root"
    for package in batch:
        lay(package.files, root)
    root.mkdir(parents=True, exist_ok=True)
    spec = work / "standins.spec"
    # rpmbuild empties its build root; the files come back by link.
    copy = f"%install\nmkdir -p %{{buildroot}}\ncp -a {root}/. %{{buildroot}}/\n"
    spec.write_text(RPM_HEAD + copy + "".join(_stanza(package) for package in batch))
    defines = {"_topdir": str(work), "_rpmdir": str(into), "_dbpath": str(work / "db")}
    defines["_rpmfilename"] = "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"
    words = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
    run("rpmbuild", "-bb", "--quiet", "--nodeps", "--target", batch[0].arch, *words, str(spec))


def _stanza(package: Package) -> str:
    epoch, version, release = package.evr
    lines = [f"%package -n {package.name}", f"Version: {version}", f"Release: {release}"]
    lines += [f"Epoch: {epoch}"] if epoch else []
    lines += [f"Summary: {package.summary}", "AutoReqProv: no"]
    for key, tag in RPM_TAGS.items():
        # Debian writes `name (= 1.2)` where rpm has `name = 1.2`.
        lines += [f"{tag}: {word.replace('(', '').replace(')', '')}" for word in package.relations.get(key, [])]
    lines += [f"%description -n {package.name}", "A stand-in."]
    for name, text in package.scripts.items():
        lines += [f"{RPM_SCRIPTS[name]} -n {package.name}", text.replace("%", "%%")]
    lines += [f"%files -n {package.name}"]
    for path, file in sorted(package.files.items()):
        mode = "-" if file.link else oct(file.mode)[2:]
        lines.append(f'{"%dir " if file.directory else ""}%attr({mode},root,root) "{path}"')
    return "\n".join([*lines, "", ""])


def lay(files: dict[str, File], root: Path) -> None:
    """Write files below a directory."""
    for path, file in tree(files):
        target = root / path
        if file.directory:
            target.mkdir(parents=True, exist_ok=True)
        elif file.link:
            target.unlink(missing_ok=True)
            target.symlink_to(file.link)
        else:
            target.write_bytes(file.content)
            target.chmod(file.mode)


def run(*argv: str, **env: str) -> str:
    done = subprocess.run(
        argv, env={**os.environ, **env}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
    )
    if done.returncode != 0:
        raise StandinError(
            f"standins: {' '.join(argv[:3])} ended with {done.returncode}: {done.stdout.strip()[-2000:]}"
        )
    return done.stdout
