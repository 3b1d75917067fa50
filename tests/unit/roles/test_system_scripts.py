"""What role system runs on a node: which disks it takes, which keys it sets, and what it tells the boot loader."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "roles/system/files"
EBS, STORE = "nvme-Amazon_Elastic_Block_Store_vol0", "nvme-Amazon_EC2_NVMe_Instance_Storage_AWS"


@dataclass(frozen=True)
class Machine:
    """A root directory, and shims for what would touch disks or a boot loader, which write down their arguments."""

    root: Path

    def write(self, name: str, text: str = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def shim(self, name: str, answer: str = "") -> None:
        text = f'#!/bin/sh\n[ "$*" = "" ] || echo "{name} $*" >> {self.root}/called\n{answer}\n'
        self.write(f"bin/{name}", text).chmod(0o755)

    def disk(self, kind: str, number: int, holder: str = "") -> Path:
        disk = self.write(f"dev/nvme{number}n1")
        block = self.root / "sys/class/block" / disk.name / "holders"
        (block / holder).mkdir(parents=True)
        links = self.root / "dev/disk/by-id"
        links.mkdir(parents=True, exist_ok=True)
        # udev gives a disk two names, and its partitions some more.
        for suffix in ("", "_1"):
            (links / f"{kind}{number}{suffix}").symlink_to(f"../../{disk.name}")
        (links / f"{kind}{number}-part1").symlink_to(f"../../{disk.name}p1")
        return disk

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "BOOT": f"{self.root}/boot"}
        return subprocess.run(
            ["sh", FILES / script, *arguments], env=environment, capture_output=True, text=True, timeout=30
        )

    def scratch(self) -> subprocess.CompletedProcess[str]:
        return self.run("scratch.sh", "/scratch", "1777", str(self.root))

    def called(self) -> list[str]:
        path = self.root / "called"
        text = path.read_text() if path.exists() else ""
        return [line.replace(str(self.root), "") for line in text.splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.write("proc/self/mounts", "/dev/nvme0n1p1 / ext4 rw 0 0\n")
    for name in ("mdadm", "mkfs.xfs", "mount", "wipefs"):
        made.shim(name)
    made.shim("blkid", "exit 2")
    return made


def changes(machine: Machine) -> list[str]:
    """The calls that would change a disk."""
    return [call for call in machine.called() if call.split()[0] in ("mkfs.xfs", "mount") or "--create" in call]


def test_a_machine_without_disks_of_its_own_is_left_alone(machine: Machine) -> None:
    machine.disk(EBS, 0)
    told = machine.scratch()
    assert (told.returncode, told.stdout) == (0, "scratch: this machine has no disks of its own\n")
    assert machine.called() == []


def test_one_disk_is_made_a_file_system_and_mounted(machine: Machine) -> None:
    machine.disk(EBS, 0)
    machine.disk(STORE, 1)
    assert machine.scratch().returncode == 0
    assert changes(machine) == [
        "mkfs.xfs -q -L awsome-scratch /dev/nvme1n1",
        "mount -o noatime /dev/nvme1n1 /scratch",
    ]
    assert (machine.root / "scratch").stat().st_mode & 0o7777 == 0o1777


def test_several_disks_become_one(machine: Machine) -> None:
    for number in (2, 1):
        machine.disk(STORE, number)
    assert machine.scratch().returncode == 0
    assert changes(machine) == [
        "mdadm --create /dev/md/awsome-scratch --run --level=0 --name=awsome-scratch --raid-devices=2"
        " /dev/nvme1n1 /dev/nvme2n1",
        "mkfs.xfs -q -L awsome-scratch /dev/md/awsome-scratch",
        "mount -o noatime /dev/md/awsome-scratch /scratch",
    ]


def test_after_a_reboot_what_is_there_is_mounted_and_not_made_again(machine: Machine) -> None:
    machine.disk(STORE, 1, holder="md127")
    machine.shim("blkid", "echo /dev/md127")
    assert machine.scratch().returncode == 0
    assert changes(machine) == ["mount -o noatime /dev/md127 /scratch"]


def test_an_array_that_got_no_file_system_gets_one(machine: Machine) -> None:
    """A boot that was cut short between the two: the disks hold an array by now, and are not free."""
    machine.disk(STORE, 1, holder="md127")
    machine.write("dev/md/ip-10-0-0-1:awsome-scratch")
    assert machine.scratch().returncode == 0
    assert changes(machine)[0] == "mkfs.xfs -q -L awsome-scratch /dev/md/ip-10-0-0-1:awsome-scratch"


def test_a_mounted_path_is_left_alone(machine: Machine) -> None:
    machine.disk(STORE, 1)
    machine.write("proc/self/mounts", "/dev/nvme1n1 /scratch xfs rw 0 0\n")
    assert machine.scratch().stdout == "scratch: /scratch is mounted already\n"
    assert machine.called() == []


@pytest.mark.parametrize("use", ["signature", "unreadable", "mounted", "holder", "partition"])
def test_a_disk_in_use_is_never_touched(machine: Machine, use: str) -> None:
    disk = machine.disk(STORE, 1, holder="dm-0" if use == "holder" else "")
    if use == "signature":
        machine.shim("wipefs", "echo 0x0 LVM2_member")
    if use == "unreadable":
        machine.shim("wipefs", "exit 1")
    if use == "mounted":
        machine.write("proc/self/mounts", "/dev/nvme1n1 /data ext4 rw 0 0\n")
    if use == "partition":
        (machine.root / "sys/class/block/nvme1n1p1").mkdir()
    told = machine.scratch()
    assert (told.returncode, told.stdout) == (0, f"scratch: {disk} is in use, left alone\n")
    assert changes(machine) == []


def test_a_failure_is_one_of_the_unit(machine: Machine) -> None:
    machine.disk(STORE, 1)
    machine.shim("mkfs.xfs", "exit 1")
    assert machine.scratch().returncode != 0
    assert not [call for call in machine.called() if call.startswith("mount")]


# Keys
@pytest.fixture
def keys(machine: Machine) -> str:
    machine.write("proc/sys/vm/max_map_count", "65530\n")
    machine.write("proc/sys/kernel/yama/ptrace_scope", "0\n")
    machine.write("proc/sys/net/ipv4/ip_local_port_range", "1024\t65000\n")
    text = (
        "# ours\nvm.max_map_count = 524288\nkernel.yama.ptrace_scope = 0\nnet.ipv4.ip_local_port_range = 1024 65000\n"
    )
    return str(machine.write("keys.conf", text))


def test_only_keys_that_differ_are_set(machine: Machine, keys: str) -> None:
    root = str(machine.root)
    before = machine.run("keys.sh", "check", keys, root)
    assert (before.returncode, before.stderr) == (1, "vm.max_map_count is 65530, expected 524288\n")
    assert machine.run("keys.sh", "apply", keys, root).stdout == "vm.max_map_count = 524288\n"
    assert machine.run("keys.sh", "apply", keys, root).stdout == ""
    assert machine.run("keys.sh", "check", keys, root).returncode == 0


def test_a_key_that_the_kernel_lacks_is_not_checked(machine: Machine, keys: str) -> None:
    (machine.root / "proc/sys/kernel/yama/ptrace_scope").unlink()
    assert machine.run("keys.sh", "apply", keys, str(machine.root)).returncode == 0
    told = machine.run("keys.sh", "check", keys, str(machine.root))
    assert (told.returncode, told.stderr) == (127, "kernel.yama.ptrace_scope: this kernel has no such key\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what nobody may")
def test_a_key_that_may_not_be_set_is_not_checked(machine: Machine, keys: str) -> None:
    (machine.root / "proc/sys/vm/max_map_count").chmod(0o444)
    assert machine.run("keys.sh", "apply", keys, str(machine.root)).stdout == ""
    told = machine.run("keys.sh", "check", keys, str(machine.root))
    assert (told.returncode, told.stderr) == (127, "vm.max_map_count: this machine may not set it\n")


# The boot loader
def test_without_a_boot_loader_nothing_is_done(machine: Machine) -> None:
    assert machine.run("kernel_arguments.sh", "1", "a=1").stdout == ""


def test_grub_is_told_once(machine: Machine) -> None:
    configuration = machine.write("boot/grub/grub.cfg", "linux /vmlinuz quiet\n")
    machine.shim("update-grub", f"echo 'linux /vmlinuz quiet a=1' > {configuration}")
    assert machine.run("kernel_arguments.sh", "0", "a=1", "-b").stdout == "a=1 -b\n"
    assert machine.run("kernel_arguments.sh", "0", "a=1", "-b").stdout == ""
    assert machine.run("kernel_arguments.sh", "1", "a=1").stdout == "a=1\n"


def test_every_kernel_of_grubby_is_told(machine: Machine) -> None:
    machine.write("boot/loader/entries/1.conf")
    machine.shim("grubby", '[ "$1" != --info=ALL ] || printf \'args="ro a=1 b=2"\\nargs="ro"\\n\'')
    assert machine.run("kernel_arguments.sh", "0", "a=1", "ro", "-b", "-c").stdout == "a=1\n-b\n"
    told = [call for call in machine.called() if "info" not in call]
    assert told == ["grubby --update-kernel=ALL --args=a=1", "grubby --update-kernel=ALL --remove-args=b"]
