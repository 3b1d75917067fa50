# Private to awsome.training: its API may change without notice.
"""What programs and files say of their versions. Every parser returns a version, or None: none guesses."""

from __future__ import annotations

import json
import re
import struct
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._version import head

_NUMBERS = r"(\d+(?:\.\d+)+)"


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None


def whole(text: str) -> str | None:
    """A file that holds a version and nothing else, such as those below /sys/module."""
    return _first(r"\A\s*v?(\d+(?:\.\d+)+\S*)\s*\Z", text)


def nvidia_proc(text: str) -> str | None:
    """/proc/driver/nvidia/version. The compiler's version stands on its second line."""
    return _first(rf"^NVRM version:.*Kernel Module(?: for \S+)?\s+{_NUMBERS}\s", text)


def nvidia_flavour(text: str) -> str | None:
    """The flavour of the kernel module, from /proc/driver/nvidia/version."""
    found = re.search(r"^NVRM version: NVIDIA UNIX (Open )?", text, re.MULTILINE)
    return None if found is None else "open" if found.group(1) else "proprietary"


def nvidia_license(text: str) -> str | None:
    """The flavour, from the licence that modinfo tells."""
    return {"Dual MIT/GPL": "open", "NVIDIA": "proprietary"}.get(text.strip())


def gpu_model(text: str) -> str | None:
    """/proc/driver/nvidia/gpus/*/information."""
    return _first(r"^Model:\s*(\S.*?)\s*$", text)


def fabric_manager(text: str) -> str | None:
    return _first(rf"^\s*Fabric Manager version is\s*:\s*{_NUMBERS}", text)


def cuda_json(text: str) -> str | None:
    """version.json of a toolkit. Some hold the date of their build where others have the patch level."""
    try:
        version = json.loads(text)["cuda"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return _first(r"\A(\d+\.\d+(?:\.\d{1,3})?)(?:\.\d{8})?\Z", str(version))


def cuda_text(text: str) -> str | None:
    """version.txt of toolkits before CUDA 11."""
    return _first(rf"^CUDA Version {_NUMBERS}", text)


def nvcc(text: str) -> str | None:
    return _first(rf"^Cuda compilation tools, release {_NUMBERS},", text)


def nccl_header(text: str) -> str | None:
    parts = [_first(rf"^#define\s+NCCL_{part}\s+(\d+)\s*$", text) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(part for part in parts if part) if all(parts) else None


def efa_packages(text: str) -> str | None:
    """/opt/amazon/efa_installed_packages."""
    return _first(rf"^#?\s*EFA installer version:\s*{_NUMBERS}\s*$", text)


def fi_info(text: str) -> str | None:
    """fi_info --version."""
    return _first(r"^libfabric:\s*(\d+(?:\.\d+)+\S*)\s*$", text)


def pkg_config(text: str) -> str | None:
    return _first(r"^Version:\s*(\d+(?:\.\d+)+\S*)\s*$", text)


def ofi_plugin(data: bytes) -> str | None:
    """The plugin's library, which tells NCCL's log its name; one that was built of no release says GitHub-dev."""
    found = {match.decode() for match in re.findall(rb"aws-ofi-nccl (\d+\.\d+\.\d+)(?:-aws)?(?=[^0-9.])", data)}
    return found.pop() if len(found) == 1 else None


def dcgmi(text: str) -> str | None:
    return _first(rf"^\s*(?:dcgmi\s+)?version\s*:\s*{_NUMBERS}", text)


def slurm(text: str) -> str | None:
    """slurmd -V, sinfo -V and all others."""
    return _first(r"^slurm(?:-wlm)? (\d+\.\d+\.\d+)", text)


def slurm_header(text: str) -> str | None:
    """slurm/slurm_version.h."""
    number = _first(r"^#define\s+SLURM_VERSION_NUMBER\s+(0x[0-9a-fA-F]+)", text)
    return slurm_number(int(number, 16)) if number else None


def slurm_number(number: int) -> str:
    return f"{number >> 16}.{number >> 8 & 255:02d}.{number & 255}"


def slurm_plugin(data: bytes) -> str | None:
    """The Slurm that a plugin was compiled against: the number behind its symbol plugin_version."""
    value = elf_number(data, b"plugin_version")
    return slurm_number(value) if value else None


def enroot(text: str) -> str | None:
    return _first(rf"\A\s*v?{_NUMBERS}\s*\Z", text)


def docker(text: str) -> str | None:
    return _first(rf"^Docker version {_NUMBERS}", text)


def nvidia_ctk(text: str) -> str | None:
    return _first(rf"^NVIDIA Container Toolkit CLI version {_NUMBERS}", text)


def lustre(text: str) -> str | None:
    """lfs --version, lctl --version, and /sys/fs/lustre/version, which holds the number alone."""
    return _first(r"^(?:(?:lfs|lctl|lustre:)\s+)?(\d+\.\d+\.\d+\S*)\s*$", text)


def aws_cli(text: str) -> str | None:
    return _first(rf"^aws-cli/{_NUMBERS} ", text)


def artefact(text: str) -> str | None:
    """The mark that a fetched release leaves."""
    try:
        version = json.loads(text).get("version")
    except (ValueError, AttributeError):
        return None
    return version if isinstance(version, str) and version[:1].isdigit() else None


def package(version: str) -> str | None:
    """The vendor's version in a package's."""
    return _first(r"\A(\d+(?:\.\d+)+(?:~amzn\S*|[^~\s]*))", head(version))


def nccl_package(version: str) -> str | None:
    """NCCL's packages also tell the CUDA that they were built for."""
    cuda = _first(r"(\+cuda\d+(?:\.\d+)*)", version)
    plain = package(version)
    return f"{plain}{cuda or ''}" if plain else None


def elf_number(data: bytes, name: bytes) -> int | None:
    """The 32-bit number that a symbol of a 64-bit little-endian ELF file names."""
    try:
        if data[:6] != b"\x7fELF\x02\x01":
            return None
        table, size, count = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 58)
        # name, type, flags, address, offset, size, link, info, alignment, entry size
        sections: list[Any] = [struct.unpack_from("<IIQQQQIIQQ", data, table + size * index) for index in range(count)]
        for section in sections:
            if section[1] not in (2, 11):  # symbols, or those of the dynamic linker
                continue
            strings = sections[section[6]][4]
            for at in range(section[4], section[4] + section[5], 24):
                label, _, _, owner, value, _ = struct.unpack_from("<IBBHQQ", data, at)
                start = strings + label
                if 0 < owner < count and data[start : start + len(name) + 1] == name + b"\0":
                    home = sections[owner]
                    return int(struct.unpack_from("<I", data, home[4] + value - home[3])[0])
    except (struct.error, IndexError):
        return None
    return None
