# Private to awsome.training: its API may change without notice.
"""What software an image holds, as a bill of materials in CycloneDX's JSON.

Three sources: the package manager, the Python environments (each distribution leaves a .dist-info), and the releases
that the role artifact fetched (each leaves a mark). Nothing is asked of the network, and the same image gives the same
text, but for the time.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]

MARK = ".awsome-artifact.json"
SPECIFICATION = "1.5"

# One line a package, its fields apart by tabs. rpm prints "(none)" for what a package lacks.
QUERIES = {
    "deb": ["dpkg-query", "-W", r"-f=${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"],
    "rpm": ["rpm", "-qa", "--qf", r"%{NAME}\t%{EPOCH}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{VENDOR}\n"],
}


def os_release(text: str) -> dict[str, str]:
    """The fields of /etc/os-release."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def purl(kind: str, namespace: str, name: str, version: str, **qualifiers: str) -> str:
    """A package URL; empty parts are left out, and qualifiers stand in the order of their names."""
    path = "/".join(quote(part, safe="") for part in (namespace, name) if part)
    told = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in sorted(qualifiers.items()) if value)
    return f"pkg:{kind}/{path}@{quote(version, safe='')}{'?' + told if told else ''}"


def packages(kind: str, listing: str, system: Mapping[str, str]) -> list[Component]:
    """The packages of one package manager, from what its query printed."""
    distro = "-".join(filter(None, (system.get("ID"), system.get("VERSION_ID"))))
    found = []
    for line in listing.splitlines():
        fields = line.split("\t")
        if kind == "deb" and len(fields) == 4 and fields[0] == "installed":
            _, name, version, arch = fields
            url = purl("deb", system.get("ID", "debian"), name, version, arch=arch, distro=distro)
            found.append({"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url})
        elif kind == "rpm" and len(fields) == 5:
            name, epoch, version, arch, vendor = (field.replace("(none)", "") for field in fields)
            url = purl("rpm", system.get("ID", "redhat"), name, version, arch=arch, epoch=epoch, distro=distro)
            publisher = {"publisher": vendor} if vendor else {}
            # Several versions of one package may be installed, kernels for one; one version is listed once.
            found.append(
                {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url, **publisher}
            )
    return found


def walk(roots: Iterable[str]) -> Iterator[Path]:
    """The marks and the METADATA of Python distributions below some directories; links are not followed."""
    for root in roots:
        for directory, below, files in os.walk(root):
            below.sort()
            if directory.endswith(".dist-info") and "METADATA" in files:
                yield Path(directory, "METADATA")
                below.clear()
            elif MARK in files:
                yield Path(directory, MARK)


def distribution(path: Path, text: str) -> Component | None:
    """The Python distribution that a METADATA describes; its reference holds its place, for it may be in many."""
    headers = HeaderParser().parsestr(text)
    name, version = headers.get("Name"), headers.get("Version")
    if not name or not version:
        return None
    url = purl("pypi", "", name.lower().replace("_", "-"), version)
    place = str(path.parent.parent)
    return {
        "type": "library",
        "bom-ref": f"{url}#{quote(place)}",
        "name": name,
        "version": version,
        "purl": url,
        "properties": [{"name": "awsome:directory", "value": place}],
    }


def artefact(path: Path, text: str) -> Component | None:
    """The fetched release that a mark tells of."""
    mark = json.loads(text)
    name, version = mark.get("name"), mark.get("version")
    if not name or not version:
        return None
    checksum = str(mark.get("sha256") or "")
    checksum = checksum if len(checksum) == 64 else ""
    url = purl("generic", "", name, version, checksum=checksum and f"sha256:{checksum}")
    component: Component = {
        "type": "application",
        "bom-ref": f"{url}#{quote(str(path.parent))}",
        "name": name,
        "version": version,
        "purl": url,
        "properties": [{"name": "awsome:directory", "value": str(path.parent)}],
    }
    if checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if str(mark.get("url", "")).startswith("https://"):
        component["externalReferences"] = [{"type": "distribution", "url": mark["url"]}]
    return component


def files(roots: Iterable[str], troubles: list[str]) -> list[Component]:
    """Everything that left a trace below the roots; a trace that cannot be read is told, not passed over."""
    found = []
    for path in walk(roots):
        try:
            text = path.read_text(errors="replace")
            component = artefact(path, text) if path.name == MARK else distribution(path, text)
        except (OSError, ValueError) as error:
            troubles.append(f"{path} cannot be read: {error}")
            continue
        if component is None:
            troubles.append(f"{path} names no release: expected a name and a version in it")
        else:
            found.append(component)
    return found


def bill(name: str, version: str, components: Iterable[Component], built: str) -> dict[str, Any]:
    """The whole document. Its serial number follows from what it lists."""
    listed = sorted({part["bom-ref"]: part for part in components}.values(), key=lambda part: str(part["bom-ref"]))
    subject = {
        "type": "operating-system",
        "bom-ref": "image",
        "name": name,
        **({"version": version} if version else {}),
    }
    metadata: dict[str, Any] = {"component": subject}
    if built:
        metadata = {"timestamp": built, **metadata}
    content = json.dumps([metadata, listed], sort_keys=True)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": metadata,
        "components": listed,
    }
