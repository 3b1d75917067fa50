"""The whole build, as a user runs it: real Packer, real Ansible, EC2 played by moto, the instance by a container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from lab.harness import ROOT

CATALOG = _catalog.load()
pytestmark = pytest.mark.lab
TEMPLATE = str(ROOT / "packer/gpu-ami.pkr.hcl")
PROFILE = "gpu"
BROKEN = "/etc/sudoers.d/broken"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def build(ec2: Any, machine: Any, standins: Path, packer: Any, work: Path) -> Any:
    ec2.client("ec2").import_key_pair(KeyName="build", PublicKeyMaterial=machine.key.with_suffix(".pub").read_bytes())
    trial = {
        "endpoint": ec2.endpoint,
        "ssh_host": machine.address,
        "ssh_user": "admin",
        "ssh_key": str(machine.key),
        "ssh_key_name": "build",
    }

    def run(name: str, profile: str = PROFILE, **extra_vars: Any) -> Any:
        ours = {**yaml.safe_load((standins / "vars.yml").read_text()), **extra_vars}
        (work / f"{name}.vars.json").write_text(json.dumps(ours))
        told = {"profile": profile, "platform": "debian12", "name": name, "trial": trial}
        return packer("build", work, "-color=false", TEMPLATE, extra_vars=f"@{work}/{name}.vars.json", **told)

    return run


@pytest.fixture(scope="module")
def refused(build: Any) -> Any:
    """A build of versions that are known not to go together."""
    return build("refused", "gpu", nvidia_driver_release={"name": "nvidia_driver", "version": "470.82.01"})


@pytest.fixture(scope="module")
def failed(refused: Any, build: Any, machine: Any) -> Any:
    """A build on a machine that does not pass its checks."""
    machine(f"echo 'nobody may (' >{BROKEN}")
    done = build("broken")
    machine(f"rm {BROKEN}")
    return done


@pytest.fixture(scope="module")
def built(failed: Any, build: Any) -> Any:
    """The same build once the machine is mended."""
    done = build("whole")
    assert done.returncode == 0, done.stdout[-6000:]
    return done


def leftovers(ec2: Any) -> dict[str, list[str]]:
    client = ec2.client("ec2")
    instances = [one for all in client.describe_instances()["Reservations"] for one in all["Instances"]]
    return {
        "instances": [one["InstanceId"] for one in instances if one["State"]["Name"] != "terminated"],
        "keys": [one["KeyName"] for one in client.describe_key_pairs()["KeyPairs"] if one["KeyName"] != "build"],
        "groups": [
            one["GroupName"]
            for one in client.describe_security_groups()["SecurityGroups"]
            if one["GroupName"] != "default"
        ],
    }


NOTHING: dict[str, list[str]] = {"instances": [], "keys": [], "groups": []}


def test_versions_that_do_not_go_together_are_refused_before_anything_is_installed(refused: Any, work: Path) -> None:
    told = " ".join(refused.stdout.split())
    assert refused.returncode != 0
    assert "Programs of a CUDA toolkit run on the drivers of its major release and on newer ones." in told, (
        refused.stdout[-6000:]
    )
    assert "470.82.01" in told and "Walk through the door" not in told
    assert not (work / "refused.verify.json").exists()


def test_a_failed_check_fails_the_build_and_leaves_nothing(failed: Any, ec2: Any, work: Path) -> None:
    told = " ".join(failed.stdout.split())
    assert failed.returncode != 0
    assert "image: users.rights: fail: sudo refuses its own configuration" in told, failed.stdout[-6000:]
    result = json.loads((work / "broken.verify.json").read_text())
    assert result["status"] == "fail" and result["counts"]["fail"] == 1
    assert ec2.client("ec2").describe_images(Filters=[{"Name": "name", "Values": ["broken*"]}])["Images"] == []
    assert leftovers(ec2) == NOTHING


def test_the_image_is_there_and_nothing_else(built: Any, ec2: Any) -> None:
    (image,) = ec2.client("ec2").describe_images(Filters=[{"Name": "name", "Values": ["whole"]}])["Images"]
    tags = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
    assert (tags["Name"], tags["awsome:profile"], tags["awsome:platform"]) == ("whole", PROFILE, "debian12")
    assert len(tags["awsome:commit"]) == 40
    pinned = {role for role in CATALOG.profile(PROFILE)["roles"] if role in CATALOG.components and role != "slurm"}
    assert {"nccl", "efa"} <= pinned
    assert {role: tags[f"awsome:{role}"] for role in pinned} == {
        role: CATALOG.components[role]["version"] for role in pinned
    }
    assert leftovers(ec2) == NOTHING


def test_it_is_built_on_the_newest_image_and_encrypted(built: Any, ec2: Any) -> None:
    asked = ec2.asked("RunInstances")[-1]
    disk = {key.rpartition(".")[2]: value for key, value in asked.items() if key.startswith("BlockDeviceMapping.1.")}
    assert (disk["DeviceName"], disk["Encrypted"], disk["VolumeType"]) == ("/dev/xvda", "true", "gp3")
    (source,) = ec2.client("ec2").describe_images(ImageIds=[asked["ImageId"]])["Images"]
    assert source["Name"].startswith("debian-12-amd64-")


def test_only_imdsv2_is_answered(built: Any, ec2: Any) -> None:
    instances = [one for all in ec2.client("ec2").describe_instances()["Reservations"] for one in all["Instances"]]
    assert {one["MetadataOptions"]["HttpTokens"] for one in instances} == {"required"}
    (image,) = ec2.client("ec2").describe_images(Filters=[{"Name": "name", "Values": ["whole"]}])["Images"]
    asked = ec2.asked("ModifyImageAttribute")[-1]
    assert (asked["ImageId"], asked["ImdsSupport.Value"]) == (image["ImageId"], "v2.0")


def test_it_was_verified(built: Any, work: Path) -> None:
    result = json.loads((work / "whole.verify.json").read_text())
    statuses = {check["check"]: check["status"] for check in result["checks"]}
    assert result["counts"]["fail"] == 0
    assert statuses["munge.program"] == statuses["slurm.slurmd_program"] == statuses["image.host_keys"] == "pass"
    assert statuses["munge.service"] == "not-checked"


def test_it_says_what_it_is(built: Any, machine: Any, ec2: Any) -> None:
    said = json.loads(machine("cat /etc/awsome/image.json"))
    assert (said["name"], said["profile"], said["platform"]) == ("whole", PROFILE, "debian12")
    (image,) = ec2.client("ec2").describe_images(Filters=[{"Name": "name", "Values": ["whole"]}])["Images"]
    assert {"Key": "awsome:commit", "Value": said["commit"]} in image["Tags"]
    assert said["built"].endswith("Z")
    assert said["components"]["slurm"]["version"] in machine("dpkg-query -W -f='${Version}' slurmd")
    assert said["components"]["cuda"]["version"] == CATALOG.components["cuda"]["version"]
    assert said["components"]["neuron_runtime"] is None
    assert said["verify"]["status"] != "fail" and said["verify"]["counts"]["pass"] > 0


def test_it_lists_what_it_holds(built: Any, machine: Any) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = machine("cat /etc/awsome/sbom.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    listed = json.loads(text)["components"]
    parts = {part["name"]: part["version"] for part in listed}
    assert [part["hashes"] for part in listed if part["name"] == "pyxis" and "hashes" in part]
    assert parts["munge"] == machine("dpkg-query -W -f='${Version}' munge")


def test_nothing_of_the_build_is_left_in_it(built: Any, machine: Any) -> None:
    kept = machine(
        "ls -d /etc/ssh/ssh_host_* /home/admin/.ssh/authorized_keys /*/.ansible /home/*/.ansible 2>/dev/null || :"
    )
    assert kept == ""
    assert machine("stat -c %s /etc/machine-id").strip() == "0"


def test_the_manifest_names_the_image(built: Any, work: Path, ec2: Any) -> None:
    (entry,) = json.loads((work / "whole.manifest.json").read_text())["builds"]
    (image,) = ec2.client("ec2").describe_images(Filters=[{"Name": "name", "Values": ["whole"]}])["Images"]
    assert entry["artifact_id"] == f"us-east-1:{image['ImageId']}"
    assert entry["custom_data"]["profile"] == PROFILE
