"""The reader: what it answers, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError

COMPONENTS = """
both:
  version: "2"
  url: "https://a/{version}/{arch}.deb"
  sha256: {x86_64: aa, aarch64: bb}
  arch_names: {aarch64: arm64}
unknown: {version: "1", url: "https://a/{version}", sha256: unverified}
signed:
  version: "3"
  url: "https://a/{version}.tgz"
  sha256: unverified
  signature_url: "https://a/{version}.tgz.sig"
  signing_key: {url: "https://a/{arch}.key", fingerprint: F}
packaged: {version: "4", repository: vendor}
"""
REPOSITORIES = """
vendor:
  description: d
  key_url: https://v.example/{arch}/key.asc
  fingerprint: A
  platforms:
    debian12: {url: "https://v.example/deb/{arch}", suite: /, arch_names: {aarch64: sbsa}, architectures: [aarch64]}
    rhel9: {url: "https://v.example/el9/{arch}", key_url: https://v.example/rpm.asc, fingerprint: B, repo_gpgcheck: yes}
"""
PLATFORMS = """
debian12: {family: debian, distribution: debian, major: "12"}
ubuntu2404: {family: debian, distribution: ubuntu, major: "24"}
al2023: {family: redhat, distribution: amazon, major: "2023"}
rhel9: {family: redhat, distribution: redhat, major: "9"}
rhel9_image: {base: rhel9, user: other}
"""
INSTANCES = """
accelerators:
  chip: {kind: nvidia, model: C, memory_mib: 10, bf16_tflops: 100, nvlink: {generation: 4, links: 2, switch: true}}
fabrics: {wire: {description: a wire}}
families:
  x1:
    arch: x86_64
    processor: P
    threads: 2
    socket_cores: 48
    accelerator: chip
    fabric: wire
    sizes:
      big: {vcpus: 192, memory_mib: 4, accelerators: 8, efa: 4, cards: 5, nvme: [8, 100]}
      one: {vcpus: 16, memory_mib: 2, accelerators: 1}
      part: {vcpus: 4, memory_mib: 1, accelerators: 1, fraction: 0.5, fraction_memory_mib: 5}
"""


def catalogue(tmp_path: Path, **files: str) -> _catalog.Catalog:
    for name, text in files.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return _catalog.load(tmp_path)


def test_component_settles_url_and_checksum_for_the_architecture(tmp_path: Path) -> None:
    record = catalogue(tmp_path, components=COMPONENTS).component("both", "aarch64")
    assert (record["url"], record["sha256"]) == ("https://a/2/arm64.deb", "bb")


def test_component_without_a_known_checksum_says_so(tmp_path: Path) -> None:
    assert catalogue(tmp_path, components=COMPONENTS).component("unknown", "x86_64")["sha256"] == "unverified"


def test_a_signed_record_has_its_signature_and_key_settled(tmp_path: Path) -> None:
    record = catalogue(tmp_path, components=COMPONENTS).component("signed", "x86_64")
    assert (record["sha256"], record["signature_url"]) == ("unverified", "https://a/3.tgz.sig")
    assert record["signing_key"] == {"url": "https://a/x86_64.key", "fingerprint": "F"}


def test_a_packaged_component_has_no_file(tmp_path: Path) -> None:
    record = catalogue(tmp_path, components=COMPONENTS).component("packaged")
    assert record == {"name": "packaged", "version": "4", "repository": "vendor"}


def test_a_repository_is_settled_for_the_system(tmp_path: Path) -> None:
    known = catalogue(tmp_path, repositories=REPOSITORIES, platforms=PLATFORMS)
    row = known.repository("vendor", "debian12", "aarch64")
    assert (row["type"], row["arch"], row["suite"], row["fingerprint"]) == ("apt", "arm64", "/", "A")
    assert (row["url"], row["key_url"]) == ("https://v.example/deb/sbsa", "https://v.example/sbsa/key.asc")
    row = known.repository("vendor", "rhel9", "x86_64")
    assert (row["type"], row["arch"], row["fingerprint"], row["repo_gpgcheck"]) == ("dnf", "x86_64", "B", True)
    assert (row["url"], row["key_url"]) == ("https://v.example/el9/x86_64", "https://v.example/rpm.asc")


def test_a_mirror_keeps_the_vendors_host_and_path(tmp_path: Path) -> None:
    known = catalogue(tmp_path, repositories=REPOSITORIES, platforms=PLATFORMS)
    row = known.repository("vendor", "rhel9", "x86_64", "file:///srv/mirror/")
    assert row["url"] == "file:///srv/mirror/v.example/el9/x86_64"
    assert row["key_url"] == "file:///srv/mirror/v.example/rpm.asc"


@pytest.mark.parametrize(
    ("name", "platform", "arch", "sentence"),
    [
        ("vendor", "ubuntu2404", "x86_64", r"vendor has no row for ubuntu2404, only for debian12, rhel9; this vendor"),
        ("vendor", "debian12", "x86_64", r"vendor serves aarch64 on debian12, and this host is x86_64\."),
        ("vendro", "debian12", "x86_64", r"repositories.yml has no 'vendro'; the nearest are vendor\."),
        ("vendor", "debian11", "x86_64", r"platforms.yml has no 'debian11'; the nearest are debian12"),
    ],
)
def test_a_repository_that_does_not_serve_the_system_is_refused(
    tmp_path: Path, name: str, platform: str, arch: str, sentence: str
) -> None:
    with pytest.raises(CatalogError, match=sentence):
        catalogue(tmp_path, repositories=REPOSITORIES, platforms=PLATFORMS).repository(name, platform, arch)


@pytest.mark.parametrize(
    ("distribution", "major", "platform"),
    [
        *[(name, "9", "rhel9") for name in ("RedHat", "Rocky", "AlmaLinux", "CentOS", "OracleLinux")],
        ("Amazon", "2023", "al2023"),
        ("Ubuntu", "24", "ubuntu2404"),
        ("Debian", "12", "debian12"),
    ],
)
def test_facts_name_a_platform(tmp_path: Path, distribution: str, major: str, platform: str) -> None:
    assert catalogue(tmp_path, platforms=PLATFORMS).platform_of(distribution, major) == platform


def test_an_unknown_system_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogError, match=r"no row for Rocky 8; it knows debian12, ubuntu2404, al2023, rhel9, rhel9_image"
    ):
        catalogue(tmp_path, platforms=PLATFORMS).platform_of("Rocky", "8")


@pytest.mark.parametrize(
    ("arch", "sentence"),
    [
        (None, "both differs by architecture"),
        ("riscv64", "both has no sha256 for architecture riscv64, only for x86_64, aarch64"),
    ],
)
def test_component_refuses_an_architecture_that_it_cannot_serve(
    tmp_path: Path, arch: str | None, sentence: str
) -> None:
    with pytest.raises(CatalogError, match=sentence):
        catalogue(tmp_path, components=COMPONENTS).component("both", arch)


def test_instance_rows_are_whole(tmp_path: Path) -> None:
    row = catalogue(tmp_path, instances=INSTANCES).instance("ml.x1.big")
    assert row == {
        "instance_type": "x1.big",
        "family": "x1",
        "arch": "x86_64",
        "processor": "P",
        "vcpus": 192,
        "sockets": 2,
        "cores": 48,
        "threads": 2,
        "memory_mib": 4,
        "accelerator": {
            "kind": "nvidia",
            "model": "C",
            "count": 8,
            "fraction": 1,
            "memory_mib": 10,
            "neuron_cores": None,
            "bf16_tflops": 100,
            "nvlink": {"generation": 4, "links": 2, "switch": True},
        },
        "efa_interfaces": 4,
        "network_cards": 5,
        "local_nvme": {"count": 8, "size_gb": 100},
        "fabric": "wire",
        "unverified": ["sockets", "cores"],
        "differs": {},
    }


def test_one_accelerator_has_no_link_and_no_efa_means_no_fabric(tmp_path: Path) -> None:
    row = catalogue(tmp_path, instances=INSTANCES).instance("x1.one")
    assert (row["sockets"], row["cores"], row["accelerator"]["nvlink"], row["fabric"]) == (1, 8, None, None)


def test_a_part_of_an_accelerator_has_no_known_peak(tmp_path: Path) -> None:
    chip = catalogue(tmp_path, instances=INSTANCES).instance("x1.part")["accelerator"]
    assert (chip["count"], chip["memory_mib"], chip["bf16_tflops"]) == (1, 5, None)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("accelerator: chip", "accelerator: chop", "x1.big names 'chop'; its accelerators are chip"),
        ("fabric: wire", "fabric: wine", "x1.big names 'wine'; its fabrics are wire"),
        ("vcpus: 16,", "vcpus: 17,", "x1.one has 17 vcpus, which is not 1 sockets of whole cores"),
    ],
)
def test_a_wrong_instance_record_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(CatalogError, match=sentence):
        _ = catalogue(tmp_path, instances=INSTANCES.replace(old, new)).instances


def test_an_unknown_key_names_the_file_and_the_nearest() -> None:
    with pytest.raises(
        CatalogError, match=r"catalog/platforms.yml has no 'debain12'; the nearest are debian12, debian13\."
    ):
        _catalog.load().platform("debain12")
    with pytest.raises(CatalogError, match=r"catalog/profiles.yml has no 'zzz'; it knows controller, login, compute"):
        _catalog.load().profile("zzz")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "platforms.yml cannot be read at "),
        ("[1", "platforms.yml is not YAML"),
        ("[1]", "platforms.yml holds list"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str | None, sentence: str) -> None:
    with pytest.raises(CatalogError, match=sentence):
        _ = catalogue(tmp_path, **({} if text is None else {"platforms": text})).platforms


def test_an_image_has_the_facts_of_its_base_but_not_what_the_lab_builds_it_from(tmp_path: Path) -> None:
    table = """
    one: {family: debian, major: "1", user: a, suite: s, bootstrap: b, image: {owner: o}}
    two: {base: one, user: b}
    """
    two = catalogue(tmp_path, platforms=table).platform("two")
    assert two == {"name": "two", "base": "one", "family": "debian", "major": "1", "user": "b"}


def test_an_image_of_an_unknown_base_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"catalog/platforms.yml: two names 'won'; its platforms are one, two\."):
        _ = catalogue(tmp_path, platforms="one: {user: a}\ntwo: {base: won}").platforms


def test_answers_are_copies() -> None:
    _catalog.load().profile("compute")["roles"].clear()
    assert _catalog.load().profile("compute")["roles"]


def test_merged_orders_keep_each_order() -> None:
    assert _catalog.merge_orders({"a": ["m", "s", "u"], "b": ["m", "d", "s"], "c": ["n", "u"]}) == [
        "m",
        "d",
        "s",
        "n",
        "u",
    ]


def test_contradicting_orders_are_refused() -> None:
    with pytest.raises(CatalogError, match="the profiles a, b allow no common order of the roles s, u"):
        _catalog.merge_orders({"a": ["m", "s", "u"], "b": ["m", "u", "s"]})


def test_vars_files_go_from_the_general_to_the_particular(tmp_path: Path) -> None:
    (tmp_path / "vars").mkdir()
    for name in ("redhat", "amazon_2023", "debian", "rocky"):
        (tmp_path / "vars" / f"{name}.yml").touch()
    found = _catalog.vars_files(tmp_path, "RedHat", "Amazon", "2023")
    assert [path.name for path in found] == ["redhat.yml", "amazon_2023.yml"]
    assert [path.name for path in _catalog.vars_files(tmp_path, "Debian", "Debian", "12")] == ["debian.yml"]
