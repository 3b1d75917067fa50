"""HyperPod's hook on EKS, with stand-ins for systemctl and mountpoint, in a root of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parents[3] / "roles/node_boot/files/hyperpod_eks/on_create.sh"


class Machine:
    def __init__(self, root: Path) -> None:
        self.root, self.bin = root, root / "bin"
        for name in ("bin", "var/lib/containerd", "etc/systemd/system", "mounted"):
            (root / name).mkdir(parents=True)
        (root / "var/lib/containerd/image").write_text("x")
        self.command("mountpoint", f'test -e {root}/mounted/$(echo "${{2#{root}}}" | tr / _)')
        self.command("systemctl", f'echo "$*" >> {root}/asked; [ "$1" != is-active ] || [ -e {root}/active ]')

    def command(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def mount(self, path: str) -> None:
        (self.root / "mounted" / path.replace("/", "_")).touch()

    def run(self) -> subprocess.CompletedProcess[str]:
        text = HOOK.read_text()
        for place in ("/var/log/", "/var/lib/", "/opt/", "/etc/systemd"):
            text = text.replace(place, f"{self.root}{place}")
        env = {"PATH": f"{self.bin}:/usr/bin:/bin"}
        return subprocess.run(["bash", "-c", text], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_images_and_pods_go_to_the_big_disk_and_none_is_lost(machine: Machine) -> None:
    machine.mount("/opt/sagemaker")
    (machine.root / "active").touch()
    done = machine.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (machine.root / "opt/sagemaker/awsome/containerd/image").read_text() == "x"
    unit = (machine.root / "etc/systemd/system/var-lib-containerd.mount").read_text()
    assert f"What={machine.root}/opt/sagemaker/awsome/containerd" in unit and "Before=containerd.service" in unit
    asked = (machine.root / "asked").read_text().splitlines()
    assert (
        asked.index("stop containerd")
        < asked.index("enable --now var-lib-containerd.mount")
        < asked.index("start containerd")
    )
    assert "boot: kubelet is on" in (machine.root / "var/log/provision/provisioning.log").read_text()


def test_a_second_run_changes_nothing(machine: Machine) -> None:
    for path in ("/opt/dlami/nvme", "/var/lib/containerd", "/var/lib/kubelet"):
        machine.mount(path)
    done = machine.run()
    assert done.returncode == 0 and done.stdout.count("already") == 2
    assert not (machine.root / "asked").exists()


def test_without_a_big_disk_all_stays_and_that_is_said(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 0 and "stay on the root disk" in done.stdout


def test_what_cannot_be_moved_fails_the_node(machine: Machine) -> None:
    machine.mount("/opt/sagemaker")
    machine.command("cp", "echo 'No space left on device' >&2; exit 1")
    done = machine.run()
    assert done.returncode == 2 and "containerd cannot be moved to" in done.stdout
