"""Build stand-ins for what vendors ship: signed repositories and archives, with the catalogue's names and versions.

    python tests/standins/build.py      # says where they are: ~/.cache/awsome-training/standins-<hash of their inputs>

There lie
    mirror/                        what lab machines mount at /srv/mirror:
      repositories/<host>/<path>   each vendor's apt or dnf repository and its key (repository_mirror_url)
      repositories/distribution/<platform>   what would come from the system's own archive and is too big for a test
      <sha256>/<file>              each fetched release (artifact_mirror_url)
      signed/<host>/<path>         each signed release, its signature and its key, as the vendor's URLs have them
    vars.yml                       variables that make every role use them: fingerprints, checksums, the two mirrors
    inventory.yml                  the same as an inventory
    gnupg/, key.asc                the key that signed it all

The data are tests/standins/<component>.yml, one file for each component of the catalogue, and distribution.yml for the
system's own packages. Versions, URLs and keys come from the catalogue: a new pin needs no change here. A file whose
component the catalogue lacks is skipped. What takes the place of a system's package has at least that one's epoch: apt
removes what declares that it breaks older ones. base.yml is what rpm_machine.sh puts into a machine of the RPM family.

    component: cuda            # the catalogue's record; default: the one that the file is named after
    repository: nvidia_cuda    # where its packages lie; default: the record's, else `distribution`, the system's own
    packages:
      - name: {apt: libnccl2, dnf: libnccl}     # see "By system" below
        version: "{{ version }}-1+cuda12.9"     # as the manager spells it; default: "{{ version }}-1"
        depends: ["libc6 (>= 2.28)"]            # also provides, conflicts, replaces; in Debian's spelling for rpm, too
        repository: distribution                # default: the file's
        files:
          /usr/bin/nvcc: |                      # a text; one that begins with #! is executable
            #!/bin/sh
            echo "release {{ version }}"
          /usr/lib/libnccl.so.2: ""             # an empty file
          /usr/lib/libnccl.so: {link: libnccl.so.2}
          /usr/lib/libnvidia-ml.so.1: {library: libnvidia-ml.so.1}   # a shared library of that name, empty
          /etc/nvidia: {directory: true}
          /etc/secret: {content: "x", mode: "0600"}
        units:                                  # services that sleep
          nvidia-persistenced: {}
          docker: {starts: true}                # the .deb enables and starts it, unless policy-rc.d forbids
          nvidia-imex: {before: sockets.target}
          odd.timer: {content: "the whole unit"}
        scripts: {postinst: "echo hello", prerm: "...", postrm: "..."}
    artefacts:                                  # releases that are fetched by URL; the URL's ending says what it is:
      - component: efa                          #   default: the file's
        root: aws-efa-installer                 #   an archive (.tar.gz, .zip ...); root: the directory at its top
        files:
          efa_installer.sh: "#!/bin/sh"
          DEBS/libfabric1-aws.deb: {package: {name: libfabric1-aws, files: {}}}    # a package within the archive
      - package: {name: enroot, files: {}}      #   a .deb or .rpm
      - content: "..."                          #   any other file

Texts are Jinja templates of
    version, record         of the component, settled for this architecture
    components              all records: "{{ components.cuda.version }}"
    platform                the row of platforms.yml, with its name
    arch, deb_arch          x86_64 or aarch64, amd64 or arm64
    manager                 apt or dnf
    kernel                  the running kernel's release, which is that of every lab machine

By system: any value may be a mapping by platform (debian12, debian13, al2023), family (debian, redhat), manager (apt,
dnf) or `default`. The first of these, in this order, that fits is taken; where none fits, the value is left out, and
with its name a package. An archive is one for all systems: only `default` fits there.
"""

from __future__ import annotations

import hashlib
import json
import platform as host
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / ".collections"), str(HERE.parent)]

from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, load  # noqa: E402
from standins import indexes  # noqa: E402
from standins.elf import library  # noqa: E402
from standins.formats import DEB_ARCH, File, Package, StandinError, deb, rpms, tar, zipped  # noqa: E402

CACHE = Path.home() / ".cache/awsome-training"
PLATFORMS = ("debian12", "debian13", "al2023")  # of the machines that the tests can make
OWN = ("distribution", "base")  # repositories that no vendor has
MANAGERS = {"debian": "apt", "redhat": "dnf"}
ARCH = host.machine()
RELATIONS = ("depends", "provides", "conflicts", "replaces")
KEYS = {"name", "version", "repository", "files", "units", "scripts", *RELATIONS}
UNIT = """\
[Unit]
Description={{ name }}, a stand-in
{% if before %}Before={{ before }}
{% endif %}
[Service]
ExecStart=/usr/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""
START = """\
deb-systemd-helper enable {0} >/dev/null
[ ! -d /run/systemd/system ] || deb-systemd-invoke start {0} >/dev/null
"""
# Comments are switched off, since a shell has ${#name}.
JINJA = jinja2.Environment(
    undefined=jinja2.StrictUndefined, keep_trailing_newline=True, comment_start_string="{##{", comment_end_string="}##}"
)


class Source:
    """One data file, as it holds on one platform; platform "" is the archives', which serve all."""

    def __init__(self, path: Path, catalog: Catalog, platform: str) -> None:
        self.path, self.catalog, self.platform = path, catalog, platform
        row = catalog.platform(platform) if platform else {"name": "", "family": ""}
        manager = MANAGERS.get(row["family"], "")
        self.fits = [word for word in (platform, row["family"], manager, "default") if word]
        self.known = {*catalog.platforms, *MANAGERS, *MANAGERS.values(), "default"}
        self.words = {"arch": ARCH, "deb_arch": DEB_ARCH[ARCH], "platform": row, "manager": manager}
        self.words |= {"kernel": host.release(), "components": catalog.components}
        self.data = self.choose(yaml.safe_load(path.read_text()) or {}) or {}

    def refuse(self, what: str) -> StandinError:
        return StandinError(f"standins: {self.path.name}: {what}")

    def choose(self, value: Any) -> Any:
        """The value for this system; None where there is none."""
        if isinstance(value, dict):
            if value and value.keys() <= self.known:
                return self.choose(next((value[word] for word in self.fits if word in value), None))
            chosen = {key: self.choose(item) for key, item in value.items()}
            return {key: item for key, item in chosen.items() if item is not None or value[key] is None}
        if isinstance(value, list):
            return [chosen for item in value if (chosen := self.choose(item)) is not None]
        return value

    def record(self, name: str) -> dict[str, Any]:
        return self.catalog.component(name, ARCH)

    def component(self, item: dict[str, Any] | None = None) -> str:
        return str((item or {}).get("component") or self.data.get("component") or self.path.stem)

    def text(self, value: Any, component: str = "") -> str:
        words = dict(self.words)
        if (component or self.component()) in self.catalog.components:
            record = self.record(component or self.component())
            words |= {"record": record, "version": record["version"]}
        try:
            return JINJA.from_string(str(value)).render(words)
        except jinja2.TemplateError as error:
            raise self.refuse(f"{str(value)[:60]!r} cannot be rendered: {error}.") from error

    def packages(self) -> Iterator[tuple[str, Package]]:
        """Every package with the repository in which it lies."""
        record: dict[str, Any] = self.catalog.components.get(self.component(), {})
        default = self.data.get("repository") or record.get("repository") or "distribution"
        for item in self.data.get("packages", []):
            if "name" in item:  # else there is none on this system
                yield item.get("repository", default), self.package(item)

    def package(self, item: dict[str, Any], component: str = "") -> Package:
        if odd := item.keys() - KEYS:
            raise self.refuse(
                f"package {item.get('name')} has {', '.join(sorted(odd))}; it knows {', '.join(sorted(KEYS))}."
            )
        name = self.text(item["name"], component)
        files = self.files(item.get("files", {}), component)
        scripts = {key: self.text(text, component) for key, text in item.get("scripts", {}).items()}
        # A package of whose files each also belongs to another would disappear.
        files[f"/usr/share/doc/{name}/stand-in"] = File(b"")
        for unit, about in item.get("units", {}).items():
            content = (about or {}).get("content") or JINJA.from_string(UNIT).render(
                name=unit, **{"before": "", **(about or {})}
            )
            file = unit if "." in unit else f"{unit}.service"
            files[f"/usr/lib/systemd/system/{file}"] = File(self.text(content, component).encode())
            if (about or {}).get("starts") and self.words["manager"] != "dnf":
                scripts["postinst"] = scripts.get("postinst", "") + START.format(file)
        return Package(
            name,
            self.text(item.get("version", "{{ version }}-1"), component),
            ARCH,
            f"stand-in for {name}",
            files,
            {key: [self.text(word, component) for word in item.get(key, [])] for key in RELATIONS},
            scripts,
        )

    def files(self, items: dict[str, Any], component: str = "") -> dict[str, File]:
        return {self.text(path, component): self.file(path, item, component) for path, item in items.items()}

    def file(self, path: str, item: Any, component: str) -> File:
        about: dict[str, Any] = item if isinstance(item, dict) else {"content": item or ""}
        if "link" in about:
            return File(link=self.text(about["link"], component))
        if about.get("directory"):
            return File(mode=int(str(about.get("mode", "0755")), 8), directory=True)
        if "package" in about:
            return File(packed(self.package(about["package"], component), path))
        if "library" in about:
            return File(library(self.text(about["library"], component)), 0o755)
        if odd := about.keys() - {"content", "mode"}:
            raise self.refuse(
                f"file {path} has {', '.join(sorted(odd))}; it knows content, mode, link, directory, library, package."
            )
        content = self.text(about["content"], component)
        mode = about.get("mode", "0755" if content.startswith("#!") else "0644")
        return File(content.encode(), int(str(mode), 8))

    def artefacts(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Every fetched release with its content."""
        for item in self.data.get("artefacts", []):
            name = self.component(item)
            record = self.record(name)
            if "url" not in record:
                raise self.refuse(f"{name} has an artefact, and its record in catalog/components.yml has no url.")
            yield record, self.content(item, record)

    def content(self, item: dict[str, Any], record: dict[str, Any]) -> bytes:
        url, name = record["url"], record["name"]
        if "package" in item:
            return packed(self.package(item["package"], name), url)
        if "content" in item:
            return self.text(item["content"], name).encode()
        root = self.text(item["root"], name) + "/" if item.get("root") else ""
        files = {root + path: file for path, file in self.files(item.get("files", {}), name).items()}
        if url.endswith(".zip"):
            return zipped(files)
        found = re.search(r"\.(tar\.gz|tgz|tar\.bz2|tar\.xz|tar)$", url)
        if not found:
            raise self.refuse(f"{url} is no archive; give `content` or `package` in place of `files`.")
        ending = found[1].rpartition(".")[2]
        return tar(files, compression={"tgz": "gz", "tar": ""}.get(ending, ending))


def packed(package: Package, path: str) -> bytes:
    """One package on its own, in the format that the name of its file tells."""
    if path.endswith(".deb"):
        return deb(package)
    with tempfile.TemporaryDirectory() as work:
        rpms([package], Path(work), Path(work) / "build")
        return (Path(work) / package.rpm_name).read_bytes()


def place(mirror: Path, top: str, url: str) -> Path:
    """Where the mirror has what a vendor has at url."""
    parts = urlsplit(url)
    return mirror / top / parts.netloc / parts.path.strip("/")


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def repositories(catalog: Catalog, platform: str) -> dict[str, dict[str, Any]]:
    """The record of every repository that has packages for a platform, the system's own among them."""
    row = catalog.platform(platform)
    settled = {
        name: catalog.repository(name, platform, ARCH)
        for name, record in catalog.repositories.items()
        if platform in record["platforms"] and ARCH in record["platforms"][platform].get("architectures", [ARCH])
    }
    flat = {"type": MANAGERS[row["family"]], "suite": "/", "components": []}
    return {**settled, **{name: {"url": f"file://{name}/{platform}", **flat} for name in OWN}}


def gather(catalog: Catalog) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[tuple[str, str], dict[str, Package]]]:
    """Every repository of every platform by (url, suite), and what lies in it: some serve several platforms."""
    records: dict[tuple[str, str], dict[str, Any]] = {}
    content: dict[tuple[str, str], dict[str, Package]] = {}
    for platform in PLATFORMS:
        known = repositories(catalog, platform)
        keys = {name: (record["url"], record["suite"]) for name, record in known.items()}
        for name, record in known.items():
            records.setdefault(keys[name], record)
            content.setdefault(keys[name], {})
        for source in sources(catalog, platform):
            for name, package in source.packages():
                if name not in known and name not in catalog.repositories:
                    raise source.refuse(
                        f"package {package.name} is in repository {name!r}, which the catalogue does not know."
                    )
                if name in known:
                    _add(content[keys[name]], package, source)
    return records, content


def _add(held: dict[str, Package], package: Package, source: Source) -> None:
    other = held.setdefault(package.deb_name, package)
    if other.files != package.files or other.relations != package.relations:
        raise source.refuse(
            f"{package.name} {package.version} is in one repository twice, with different content; give one of them "
            f"another name or repository (two platforms may share a repository)."
        )


def data_files() -> list[Path]:
    return sorted(HERE.glob("*.yml"))


def sources(catalog: Catalog, platform: str) -> list[Source]:
    """Every data file whose component the catalogue has."""
    found = [Source(path, catalog, platform) for path in data_files()]
    return [one for one in found if one.path.stem in OWN or one.component() in catalog.components]


def digest() -> str:
    inputs = [*sorted(HERE.glob("*.py")), HERE / "prepare.sh", *data_files(), *sorted((ROOT / "catalog").glob("*.yml"))]
    inputs += [ROOT / "plugins/module_utils/_catalog.py", ROOT / "plugins/module_utils/_repository.py"]
    total = hashlib.sha256(f"{ARCH} {host.release()}".encode())
    for path in inputs:
        total.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def build(catalog: Catalog | None = None) -> Path:
    """The directory of the stand-ins, built if they are not there."""
    target = CACHE / f"standins-{digest()}"
    if not (target / "facts.json").is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".standins-", dir=CACHE) as name:
            made = Path(name) / "made"
            made.mkdir()
            _make(made, catalog or load())
            if not target.exists():  # another run may have been faster
                made.rename(target)
    _tell(target)
    return target


def _make(made: Path, catalog: Catalog) -> None:
    mirror = made / "mirror"
    mirror.mkdir()
    key = indexes.Key.make(made)
    records, content = gather(catalog)
    for url in {record["key_url"] for record in records.values() if "key_url" in record}:
        write(place(mirror, "repositories", url), key.public)
    write(mirror / "key.asc", key.public)
    shutil.copy(HERE / "prepare.sh", mirror)
    sums = {}
    for source in sources(catalog, ""):
        for record, blob in source.artefacts():
            sums[record["name"]] = _lay_artefact(mirror, record, blob, key)

    def one(where: tuple[str, str]) -> None:
        record, packages = records[where], list(content[where].values())
        directory = place(mirror, "repositories", record["url"])
        if record["type"] == "apt":
            indexes.apt(directory, record, packages, key, DEB_ARCH[ARCH])
        else:
            indexes.dnf(directory, packages, key)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, sorted(records)))
    key.rest()
    (made / "facts.json").write_text(json.dumps({"fingerprint": key.fingerprint, "sha256": sums}, indent=2) + "\n")


def _lay_artefact(mirror: Path, record: dict[str, Any], blob: bytes, key: indexes.Key) -> str:
    checksum = hashlib.sha256(blob).hexdigest()
    name = record["url"].partition("?")[0].rpartition("/")[2]
    write(mirror / checksum / name, blob)
    if "signature_url" in record:
        signed = place(mirror, "signed", record["url"])
        write(signed, blob)
        write(place(mirror, "signed", record["signature_url"]), key.sign(mirror / checksum / name))
        write(place(mirror, "signed", record["signing_key"]["url"]), key.public)
    return checksum


# --- Variables --------------------------------------------------------------------------------------------------------


def _tell(target: Path) -> None:
    """Write the variables. They follow the roles' defaults, so they are written anew each time."""
    facts = json.loads((target / "facts.json").read_text())
    values = {"artifact_mirror_url": "file:///srv/mirror", "repository_mirror_url": "file:///srv/mirror/repositories"}
    for path in sorted((ROOT / "roles").glob("*/defaults/main.yml")):
        for name, default in (yaml.safe_load(path.read_text()) or {}).items():
            if isinstance(default, str) and (changed := _override(default, facts)):
                values[name] = changed
    for name, data in (("vars.yml", values), ("inventory.yml", {"all": {"vars": values}})):
        temporary = target / f".{name}"
        temporary.write_text(yaml.safe_dump(data, sort_keys=False, width=200))
        temporary.replace(target / name)


def _override(default: str, facts: dict[str, Any]) -> str:
    """A role's default that asks the catalogue, with the stand-in's fingerprint or checksum laid over the answer."""
    changed, done = "", 0
    for asked in re.finditer(r"lookup\('awsome\.training\.(repository|component)',\s*", default):
        end = _closing(default, default.index("(", asked.start()))
        over = _over(asked[1], default[asked.end() : end - 1], facts)
        if over:
            changed += (
                f"{default[done : asked.start()]}({default[asked.start() : end]} | combine({over}, recursive=true))"
            )
            done = end
    return changed + default[done:] if done else ""


def _over(kind: str, asked: str, facts: dict[str, Any]) -> str:
    """The expression of what is laid over the answer; `asked` is the expression of the record's name."""
    if kind == "repository":
        return repr({"fingerprint": facts["fingerprint"]})
    known = {}
    for name in re.findall(r"'(\w+)'", asked):
        if name in facts["sha256"]:
            signed = "signing_key" in load().components[name]
            key = {"signing_key": {"fingerprint": facts["fingerprint"]}} if signed else {}
            known[name] = {"sha256": facts["sha256"][name], **key}
    # The one record, or by the name on which the role decides.
    return repr(known[asked.strip("'")]) if asked.strip("'") in known else f"{known!r}[{asked}]" if known else ""


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that opens at start has been closed."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


if __name__ == "__main__":
    try:
        print(build())
    except StandinError as error:
        sys.exit(str(error))
