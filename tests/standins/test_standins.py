"""What the builder makes of its data, and that the data fit the catalogue."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from standins import build
from standins.formats import StandinError, deb

CATALOG = _catalog.load()
DATA = """
component: docker
repository: {default: docker, al2023: distribution}
packages:
  - name: {apt: tool-ce, al2023: tool}
    version: {apt: "5:{{ version }}-1", dnf: "{{ version }}-1.amzn2023"}
    depends: ["libc6 (>= 2.28)"]
    files:
      /usr/bin/tool: "#!/bin/sh\\necho {{ version }} ${#x}\\n"
      /usr/lib/libtool.so: {link: libtool.so.1}
    units:
      toold: {starts: true}
"""


def source(directory: Path, text: str, platform: str = "debian12") -> build.Source:
    path = directory / "tool.yml"
    path.write_text(text)
    return build.Source(path, CATALOG, platform)


@pytest.mark.parametrize("path", build.data_files(), ids=lambda path: path.stem)
def test_data_are_of_a_component_that_the_catalogue_has(path: Path) -> None:
    data = yaml.safe_load(path.read_text())
    names = {item.get("component") for item in data.get("artefacts", [])} | {data.get("component", path.stem)}
    assert path.stem in build.OWN or names - {None} <= set(CATALOG.components)


def test_a_value_may_differ_by_system(tmp_path: Path) -> None:
    ((repository, package),) = source(tmp_path, DATA, "debian12").packages()
    version = CATALOG.components["docker"]["version"]
    assert (repository, package.name, package.version) == ("docker", "tool-ce", f"5:{version}-1")
    ((repository, package),) = source(tmp_path, DATA, "al2023").packages()
    assert (repository, package.name, package.evr) == ("distribution", "tool", ("", version, "1.amzn2023"))
    none = DATA.replace("{apt: tool-ce, al2023: tool}", "{apt: tool-ce}")
    assert list(source(tmp_path, none, "al2023").packages()) == []


def test_a_deb_is_what_dpkg_reads(tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is missing: this is no Debian")
    ((_, package),) = source(tmp_path, DATA).packages()
    (tmp_path / package.deb_name).write_bytes(deb(package))

    def ask(*arguments: str) -> str:
        return subprocess.check_output(["dpkg-deb", *arguments], text=True, cwd=tmp_path)

    assert ask("--field", package.deb_name, "Depends").strip() == "libc6 (>= 2.28)"
    listed = ask("--contents", package.deb_name)
    assert "-rwxr-xr-x root/root" in listed and "./usr/lib/libtool.so -> libtool.so.1" in listed
    ask("--control", package.deb_name)
    assert "deb-systemd-invoke start toold.service" in (tmp_path / "DEBIAN/postinst").read_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("    depends:", "    needs:"), "package .* has needs; it knows conflicts, depends"),
        (("{link: libtool.so.1}", "{to: x}"), "file /usr/lib/libtool.so has to; it knows content"),
        (("${#x}", "{{ versoin }}"), ".* cannot be rendered: 'versoin' is undefined"),
    ],
)
def test_data_that_cannot_be_built_are_refused(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(StandinError, match=rf"^standins: tool\.yml: {sentence}"):
        list(source(tmp_path, DATA.replace(*change)).packages())


@pytest.fixture(scope="module")
def made() -> Path:
    for program in ("gpg", "rpmbuild", "createrepo_c"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: run make setup")
    return build.build()


def test_every_repository_of_a_lab_platform_is_there_and_signed(made: Path) -> None:
    signed = {"apt": "InRelease", "dnf": "repodata/repomd.xml.asc"}
    for platform in build.PLATFORMS:
        for record in build.repositories(CATALOG, platform).values():
            directory = build.place(made / "mirror", "repositories", record["url"])
            suite = f"dists/{record['suite']}" if record["components"] else record["suite"].strip("/")
            where = directory / suite if record["type"] == "apt" else directory
            assert (where / signed[record["type"]]).is_file(), record
            if "key_url" in record:
                assert build.place(made / "mirror", "repositories", record["key_url"]).is_file()


def test_archives_lie_where_the_mirror_is_asked_for_them(made: Path) -> None:
    facts: dict[str, Any] = yaml.safe_load((made / "facts.json").read_text())
    for name, checksum in facts["sha256"].items():
        (file,) = (made / "mirror" / checksum).iterdir()
        assert file.name == CATALOG.component(name, build.ARCH)["url"].rpartition("/")[2]
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                assert all(not member.name.startswith(("/", "..")) for member in archive)


def test_every_question_of_a_role_is_overridden_where_it_stands() -> None:
    facts = {"fingerprint": "F", "sha256": {"efa": "1"}}
    call = "lookup('awsome.training.repository', f(x))"
    one = build._override(f"{{{{ {{}} if x else {call} }}}}", facts)
    assert one == f"{{{{ {{}} if x else ({call} | combine({{'fingerprint': 'F'}}, recursive=true)) }}}}"
    two = build._override("{{ lookup('awsome.training.component', 'efa') }}", facts)
    assert "combine({'sha256': '1', 'signing_key': {'fingerprint': 'F'}}" in two
    three = build._override("{{ lookup('awsome.training.component', 'efa' if x else 'slurm') }}", facts)
    assert "combine({'efa': {'sha256': '1'," in three and "}['efa' if x else 'slurm'], recursive=true)" in three
    assert build._override("{{ lookup('awsome.training.component', 'slurm') }}", facts) == ""
