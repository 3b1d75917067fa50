"""Every profile on every platform, and what is refused: `packer validate` asks neither EC2 nor a machine."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from lab.harness import ROOT

TEMPLATE = str(ROOT / "packer/gpu-ami.pkr.hcl")
CATALOG = _catalog.load()
IMAGES = [name for name, row in CATALOG.profiles.items() if "functions" in row and name != "training_container"]
# The architecture chooses a name and an instance type, the profile does not: one profile tries the others.
CASES = [
    (profile, platform, arch)
    for platform, row in CATALOG.platforms.items()
    for arch in row["image"]["name"]
    for profile in (IMAGES if arch == "x86_64" else IMAGES[:1])
]


@pytest.fixture(scope="module")
def validate(packer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Most of its time goes into asking Ansible for its version, so that answer is canned."""
    place = tmp_path_factory.mktemp("bin")
    (place / "ansible-playbook").write_text("#!/bin/sh\necho 'ansible-playbook [core 2.19.0]'\n")
    (place / "ansible-playbook").chmod(0o755)

    def run(*arguments: str, template: str = TEMPLATE, **variables: Any) -> Any:
        return packer("validate", place, *arguments, template, path=str(place), **variables)

    return run


def test_every_profile_builds_on_every_platform(validate: Any) -> None:
    def told(case: tuple[str, str, str]) -> str:
        profile, platform, arch = case
        done = validate(profile=profile, platform=platform, arch=arch)
        return "" if done.returncode == 0 else f"{profile} on {platform}, {arch}: {done.stdout}"

    assert {"gpu", "neuron", "cpu"} <= set(IMAGES) and len(CASES) >= 3 * len(CATALOG.platforms)
    with ThreadPoolExecutor(max_workers=2) as pool:
        assert [trouble for trouble in pool.map(told, CASES) if trouble] == []


def test_sharing_and_copying_are_valid(validate: Any) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    done = validate(
        kms_key_id=key,
        ami_users=["111122223333"],
        ami_regions={"us-east-1": key, "eu-west-1": key},
        network={"subnet_id": "subnet-1", "ssh_interface": "private_ip", "ssh_cidr": "10.0.0.0/8"},
        tags={"team": "training"},
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"platform": "debian11"}, "catalog/platforms.yml has no platform debian11"),
        ({"profile": "gpus"}, "catalog/profiles.yml has no profile gpus"),
        (
            {"platform": "eks_al2023_neuron", "arch": "aarch64"},
            "eks_al2023_neuron has no image for the architecture aarch64",
        ),
        ({"arch": "riscv"}, "ubuntu2404 has no image for the architecture riscv"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(validate: Any, variables: dict[str, str], sentence: str) -> None:
    done = validate(**variables)
    assert done.returncode != 0
    assert sentence in " ".join(done.stdout.split())


@pytest.mark.parametrize("template", sorted((ROOT / "packer").glob("*.pkr.hcl")), ids=lambda path: path.name)
def test_templates_are_formatted(packer: Any, template: Path) -> None:
    assert packer("fmt", ROOT, "-check", str(template)).stdout == ""


def test_the_container_is_valid_on_every_system(validate: Any) -> None:
    container = str(ROOT / "packer/training-container.pkr.hcl")
    for platform in (name for name, row in CATALOG.platforms.items() if "base" not in row):
        assert validate(platform=platform, template=container).returncode == 0
    told = validate(platform="debian11", template=container)
    assert "catalog/platforms.yml has no platform debian11" in " ".join(told.stdout.split())


def test_the_plugins_stand_apart() -> None:
    """Debian's Packer 1.6.6 knows no required_plugins; the current one needs them for `packer init`."""
    assert "required_plugins" not in Path(TEMPLATE).read_text()
    plugins = (ROOT / "packer/plugins.pkr.hcl").read_text()
    assert set(re.findall(r"github.com/hashicorp/(\w+)", plugins)) == {"amazon", "ansible", "docker"}
