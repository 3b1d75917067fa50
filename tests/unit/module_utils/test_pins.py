"""What the roles of a profile would install, and that the catalogue's own pins go together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _audit, _catalog, _pins

ROOT = Path(__file__).parents[3]
CATALOG = _catalog.load()
COMPONENT = re.compile(r"lookup\('awsome\.training\.component', '(\w+)'")


def value(variable: str, default: Any) -> Any:
    """What a variable comes to without a host: a release is its record, another template is not known."""
    found = COMPONENT.search(str(default))
    if found:
        record = CATALOG.components[found.group(1)]
        return record["version"].split(".")[0] if ".split('.')" in str(default) else record
    return None if "{{" in str(default) else default


def roles(base: Path, **defaults: dict[str, Any]) -> Path:
    for name, variables in defaults.items():
        (base / name / "defaults").mkdir(parents=True)
        (base / name / "defaults/main.yml").write_text(yaml.safe_dump(variables))
    return base


def given(**releases: Any) -> Any:
    return lambda variable, default: releases.get(variable, default)


def test_a_release_is_told_by_the_name_of_its_role(tmp_path: Path) -> None:
    place = roles(tmp_path, enroot={"enroot_release": None}, munge={})
    record = {"name": "enroot_rpm", "version": "4.2.1"}
    found = _pins.planned(CATALOG, ["enroot", "munge"], place, given(enroot_release=record))
    assert found == {"enroot": "4.2.1"}


def test_a_version_that_is_not_the_roles_to_choose_is_null(tmp_path: Path) -> None:
    place = roles(tmp_path, slurm={"slurm_source": "packages", "slurm_release": {"version": "26.05.4"}})
    assert _pins.planned(CATALOG, ["slurm"], place, given()) == {"slurm": None}
    assert _pins.planned(CATALOG, ["slurm"], place, given(slurm_source="source")) == {"slurm": "26.05.4"}


def test_what_an_installer_carries_is_planned_unless_another_is_pinned(tmp_path: Path) -> None:
    place = roles(
        tmp_path,
        efa={"efa_release": {"version": "1.47.0"}},
        aws_ofi_nccl={"aws_ofi_nccl_source": "bundle", "aws_ofi_nccl_release": {"version": "1.21.1"}},
    )
    both = ["efa", "aws_ofi_nccl"]
    bundled = _pins.planned(CATALOG, both, place, given())
    assert bundled == {"efa": "1.47.0", "libfabric": "2.4.0amzn1.0", "aws_ofi_nccl": "1.18.0"}
    assert _pins.planned(CATALOG, both, place, given(aws_ofi_nccl_source="release"))["aws_ofi_nccl"] == "1.21.1"


def test_packages_and_options_name_more(tmp_path: Path) -> None:
    record = {"version": "2.28.9", "cuda": "13.0"}
    neuron = {"version": "2.33.0", "packages": {"aws-neuronx-dkms": "2.31.7.0"}}
    place = roles(
        tmp_path,
        nccl={"nccl_release": record},
        neuron={"neuron_release": neuron},
        nvidia_driver={"nvidia_driver_module": "open"},
    )
    found = _pins.planned(CATALOG, ["nccl", "neuron", "nvidia_driver"], place, given())
    assert (found["nccl"], found["nccl_cuda"]) == ("2.28.9+cuda13.0", "13.0")
    assert (found["neuron"], found["neuron_driver"]) == ("2.33.0", "2.31.7.0")
    assert (found["nvidia_driver"], found["nvidia_module"]) == (None, "open")


@pytest.mark.parametrize("wrong", ["1.47.0", {"url": "https://example.org"}, {"version": 1.47}])
def test_a_release_that_is_no_record_is_named(tmp_path: Path, wrong: Any) -> None:
    place = roles(tmp_path, efa={"efa_release": wrong})
    with pytest.raises(_pins.PinError, match=r"efa_release is .*, expected a record such as lookup"):
        _pins.planned(CATALOG, ["efa"], place, given())


@pytest.mark.parametrize("profile", CATALOG.profiles)
@pytest.mark.parametrize("platform", CATALOG.platforms)
def test_the_catalogues_own_pins_go_together(profile: str, platform: str) -> None:
    found = _pins.planned(CATALOG, CATALOG.profile(profile)["roles"], ROOT / "roles", value)
    said = _audit.judged(CATALOG, found, platform)
    assert [one for one in said if one["verdict"] == "refused"] == []


@pytest.mark.parametrize(
    "instance_type", ["p4d.24xlarge", "p5.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge", "g6.12xlarge"]
)
def test_the_pins_of_the_gpu_image_are_right_for_these_types(instance_type: str) -> None:
    found = _pins.planned(CATALOG, CATALOG.profile("gpu")["roles"], ROOT / "roles", value)
    said = _audit.judged(CATALOG, found, "ubuntu2404", [instance_type])
    assert [one for one in said if one["verdict"] == "refused"] == []
