"""Whether a node has NVSwitches of its own, by its PCI devices."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/nvidia_driver/files/has_nvswitch.sh"
GPU, SWITCH, CONTROLLER = "0x10de 0x2330 0x030200", "0x10de 0x22a3 0x068000", "0x15b3 0x1021 0x020700"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([], False),
        ([GPU] * 8, False),
        ([GPU] * 8 + [SWITCH] * 4, True),
        ([GPU] * 8 + [CONTROLLER] * 2, True),
        ([GPU] * 8 + [CONTROLLER], False),
        (["0x10de 0x2941 0x030200"] * 4 + [CONTROLLER] * 4, False),
        (["0x1d0f 0xefa1 0x020000"], False),
    ],
    ids=["nothing", "pcie_gpus", "hopper", "blackwell", "one_controller", "gb200", "efa"],
)
def test_switches_are_told_by_vendor_and_class(tmp_path: Path, devices: list[str], expected: bool) -> None:
    for number, device in enumerate(devices):
        place = tmp_path / f"0000:00:{number:02x}.0"
        place.mkdir()
        for name, value in zip(("vendor", "device", "class"), device.split()):
            (place / name).write_text(f"{value}\n")
    done = subprocess.run(["sh", str(SCRIPT), str(tmp_path)], timeout=10, check=False)
    assert (done.returncode == 0) is expected
