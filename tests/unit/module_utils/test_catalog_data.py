"""The records themselves: their shape, their sense, and EC2's own data where it knows better."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

import jsonschema
import moto
import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog, _repository

CATALOG = _catalog.load()
ROOT = Path(__file__).parents[3]
SCHEMAS = yaml.safe_load((Path(__file__).parent / "catalog_schema.yml").read_text())
EC2 = json.loads(gzip.decompress((Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz").read_bytes()))
ARCH = {"arm64": "aarch64", "x86_64": "x86_64"}

# What the collection promises to know, beside whatever else the file holds.
FAMILIES = {
    *("g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "p4d", "p4de", "p5", "p5e", "p5en"),
    *("p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn1n", "trn2", "trn2u", "inf2"),
    *("c7i", "m7i", "r7i", "c7g", "m7g", "r7g", "hpc6a", "hpc6id", "hpc7a", "hpc7g"),
}


def ec2_view(answer: dict[str, Any]) -> dict[str, Any]:
    """What EC2 says of a type, in the words of the catalogue. Leaves out what EC2 leaves out."""
    cpu, network = answer["VCpuInfo"], answer["NetworkInfo"]
    view: dict[str, Any] = {
        "arch": ARCH[answer["ProcessorInfo"]["SupportedArchitectures"][-1]],
        "vcpus": cpu["DefaultVCpus"],
        "memory_mib": answer["MemoryInfo"]["SizeInMiB"],
        "efa_interfaces": network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
        "network_cards": network["MaximumNetworkCards"],
        "local_nvme": None,
        "accelerator": None,
    }
    if "DefaultCores" in cpu:
        view |= {"cores in all": cpu["DefaultCores"], "threads": cpu["DefaultThreadsPerCore"]}
    for disks in answer.get("InstanceStorageInfo", {}).get("Disks", []):
        view["local_nvme"] = {"count": disks["Count"], "size_gb": disks["SizeInGB"]}
    for gpu in answer.get("GpuInfo", {}).get("Gpus", []):
        view["accelerator"] = {
            "kind": "nvidia",
            "model": gpu["Name"],
            "count": gpu["LogicalGpuCount"],
            "fraction": gpu["GpuPartitionSize"],
            "memory_mib": gpu["MemoryInfo"]["SizeInMiB"],
        }
    for chip in answer.get("NeuronInfo", {}).get("NeuronDevices", []):
        view["accelerator"] = {
            "kind": "neuron",
            "model": chip["Name"],
            "count": chip["Count"],
            "neuron_cores": chip["CoreInfo"]["Count"],
            "memory_mib": chip["MemoryInfo"]["SizeInMiB"],
        }
    return view


def differences(row: dict[str, Any], seen: dict[str, Any]) -> set[str]:
    ours = {**row, "cores in all": row["sockets"] * row["cores"]}
    found = {name for name, value in seen.items() if name != "accelerator" and ours[name] != value}
    chip, their_chip = row["accelerator"], seen["accelerator"]
    if (chip is None) != (their_chip is None):
        return found | {"accelerator"}
    return found | {f"accelerator.{name}" for name, value in (their_chip or {}).items() if chip[name] != value}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_file_has_its_shape(name: str) -> None:
    data = yaml.safe_load((ROOT / "catalog" / f"{name}.yml").read_text())
    validator = jsonschema.Draft202012Validator(SCHEMAS[name])
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)] == []


def test_a_components_further_keys_are_told_in_the_head() -> None:
    head = (ROOT / "catalog/components.yml").read_text().partition("\n\n")[0]
    known = set(SCHEMAS["components"]["additionalProperties"]["properties"])
    further = {key for record in CATALOG.components.values() for key in record} - known
    assert {key for key in further if not re.search(rf"^# +([\w, ]+, )?{key}\b", head, re.MULTILINE)} == set()


def test_a_packaged_component_names_a_repository() -> None:
    named = {record["repository"] for record in CATALOG.components.values() if "repository" in record}
    assert named <= set(CATALOG.repositories)


@pytest.mark.parametrize(
    ("name", "platform", "arch"),
    [
        (name, platform, arch)
        for name, record in CATALOG.repositories.items()
        for platform, row in record["platforms"].items()
        for arch in row.get("architectures", ["x86_64", "aarch64"])
    ],
)
def test_a_node_can_use_every_repository(name: str, platform: str, arch: str) -> None:
    settled = CATALOG.repository(name, platform, arch)
    assert "{" not in settled["url"] + settled["key_url"]
    assert _repository.judge(settled).source


def test_every_file_has_a_schema() -> None:
    assert {path.stem for path in (ROOT / "catalog").glob("*.yml")} == set(SCHEMAS)


def test_every_schema_is_closed() -> None:
    def open_objects(schema: Any, where: str) -> list[str]:
        if isinstance(schema, list):
            return [found for index, item in enumerate(schema) for found in open_objects(item, f"{where}[{index}]")]
        if not isinstance(schema, dict):
            return []
        mine = [where] if schema.get("type") == "object" and "additionalProperties" not in schema else []
        return mine + [found for key, item in schema.items() for found in open_objects(item, f"{where}.{key}")]

    assert open_objects(SCHEMAS, "") == []


def test_promised_families_are_known() -> None:
    assert FAMILIES - {row["family"] for row in CATALOG.instances.values()} == set()


def test_known_families_are_known_in_all_sizes() -> None:
    families = {row["family"] for row in CATALOG.instances.values()}
    assert {name for name in EC2 if name.split(".")[0] in families} <= set(CATALOG.instances)


@pytest.mark.parametrize("name", sorted(CATALOG.instances))
def test_instance_agrees_with_ec2_or_says_why_not(name: str) -> None:
    row = CATALOG.instances[name]
    if name not in EC2:
        assert yaml.safe_load((ROOT / "catalog/instances.yml").read_text())["families"][row["family"]].get("source")
        return
    assert differences(row, ec2_view(EC2[name])) == set(row["differs"])


@pytest.mark.parametrize("name", sorted(CATALOG.instances))
def test_instance_makes_sense(name: str) -> None:
    row = CATALOG.instances[name]
    assert row["vcpus"] == row["sockets"] * row["cores"] * row["threads"]
    assert row["efa_interfaces"] <= row["network_cards"]
    assert (row["fabric"] is None) == (row["efa_interfaces"] == 0)


def test_sockets_that_are_confirmed() -> None:
    known = {
        name: (CATALOG.instances[name]["sockets"], CATALOG.instances[name]["cores"])
        for name in ("p4d.24xlarge", "p5.48xlarge")
    }
    assert known == {"p4d.24xlarge": (2, 24), "p5.48xlarge": (2, 48)}


def test_every_accelerator_and_fabric_is_used() -> None:
    data = yaml.safe_load((ROOT / "catalog/instances.yml").read_text())
    families = data["families"].values()
    sizes = [size for family in families for size in family["sizes"].values()]
    assert set(data["accelerators"]) == {family["accelerator"] for family in families if "accelerator" in family}
    assert set(data["fabrics"]) == {owner["fabric"] for owner in [*families, *sizes] if "fabric" in owner}


def test_every_platform_has_an_image_that_can_be_named() -> None:
    for name, row in CATALOG.platforms.items():
        image = row["image"]
        assert ("release" in image) == any("{release}" in pattern for pattern in image["name"].values()), name
        assert set(image["name"]) <= set(image["build_on"]), name
        assert {arch: CATALOG.instances[kind]["arch"] for arch, kind in image["build_on"].items()} == {
            arch: arch for arch in image["build_on"]
        }, name


def test_an_image_that_is_built_on_a_system_is_that_system() -> None:
    for name, row in CATALOG.platforms.items():
        base = CATALOG.platforms[row.get("base", name)]
        assert "base" not in base, f"{name} is based on {row['base']}, which is based on another itself"
        assert CATALOG.platform_of(row["distribution"], row["major"]) == row.get("base", name)


def test_profiles_agree_on_one_order_that_keeps_each() -> None:
    order = CATALOG.walk_order
    for row in CATALOG.profiles.values():
        assert [role for role in order if role in row["roles"]] == row["roles"]


def test_roles_of_profiles_exist() -> None:
    assert [role for role in CATALOG.walk_order if not (ROOT / "roles" / role / "tasks/main.yml").is_file()] == []


def test_loading_is_cheap() -> None:
    """Each fork that asks a lookup pays for this once."""
    start = time.process_time()
    fresh = _catalog.Catalog(_catalog.HERE)
    _ = fresh.instances, fresh.components, fresh.repositories, fresh.platforms, fresh.compatibility, fresh.walk_order
    assert time.process_time() - start < 0.3
