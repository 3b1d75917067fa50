"""Hardware, from the catalogue, from slurmd and from a line of slurm.conf."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._slurm import hardware
from ansible_collections.awsome.training.plugins.module_utils._slurm.hardware import Gres, Hardware

SLURMD_22 = """\
NodeName=slurm-n1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=24105
UpTime=0-00:55:31
"""
SLURMD_GPU = (
    "NodeName=g CPUs=192 Boards=2 SocketsPerBoard=1 CoresPerSocket=48 ThreadsPerCore=2 "
    "RealMemory=2000 Gres=gpu:h100:8\n"
)


def test_slurmd_tells_the_hardware() -> None:
    assert hardware.from_slurmd(SLURMD_22) == Hardware(1, 2, 1, 24105)


def test_boards_multiply_and_gres_are_read() -> None:
    found = hardware.from_slurmd(SLURMD_GPU)
    assert found.sockets == 2
    assert found.gres == (Gres("gpu", "h100", 8, "/dev/nvidia"),)


@pytest.mark.parametrize("text", ["", "slurmd: command not found", "NodeName=x CPUs=2", "NodeName=x RealMemory=big"])
def test_an_answer_without_hardware_is_an_error(text: str) -> None:
    with pytest.raises(hardware.HardwareError):
        hardware.from_slurmd(text)


def test_the_catalogue_tells_accelerators() -> None:
    settings = hardware.from_instance(_catalog.load().instance("p5.48xlarge")).settings(0.95)
    assert settings["Gres"] == "gpu:h100:8"
    assert settings["RealMemory"] == int(2 * 1024 * 1024 * 0.95)


def test_neuron_is_a_kind_of_its_own() -> None:
    found = hardware.from_instance(_catalog.load().instance("trn1.32xlarge"))
    assert [(gres.name, gres.count, gres.device) for gres in found.gres] == [("neuron", 16, "/dev/neuron")]


@pytest.mark.parametrize("instance_type", sorted(_catalog.load().instances))
def test_every_instance_type_has_hardware(instance_type: str) -> None:
    row = _catalog.load().instance(instance_type)
    found = hardware.from_instance(row)
    assert found.sockets * found.cores * found.threads == row["vcpus"]
    assert all(" " not in str(gres) for gres in found.gres)
