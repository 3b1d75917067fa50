"""Every parser with a recorded output, and with what is none."""

from __future__ import annotations

import struct
from typing import Any, Callable

import pytest
from ansible_collections.awsome.training.plugins.module_utils._versions import parse

from . import outputs as said

RECORDED: list[tuple[Callable[[Any], str | None], Any, str]] = [
    (parse.nvidia_proc, said.NVIDIA_OPEN, "580.95.05"),
    (parse.nvidia_proc, said.NVIDIA_PROPRIETARY, "535.161.08"),
    (parse.nvidia_flavour, said.NVIDIA_OPEN, "open"),
    (parse.nvidia_flavour, said.NVIDIA_PROPRIETARY, "proprietary"),
    (parse.nvidia_license, "Dual MIT/GPL\n", "open"),
    (parse.nvidia_license, "NVIDIA\n", "proprietary"),
    (parse.gpu_model, said.GPU_INFORMATION, "NVIDIA A100-SXM4-80GB"),
    (parse.fabric_manager, said.FABRIC_MANAGER, "535.161.08"),
    (parse.fabric_manager, said.FABRIC_MANAGER_BUILD, "610.57.04"),
    (parse.cuda_json, said.CUDA_JSON, "13.1.1"),
    (parse.cuda_json, said.CUDA_JSON_DATED, "12.1"),
    (parse.cuda_text, said.CUDA_TEXT, "10.2.89"),
    (parse.nvcc, said.NVCC, "13.0"),
    (parse.nccl_header, said.NCCL_HEADER, "2.27.7"),
    (parse.efa_packages, said.EFA_RPM, "1.22.0"),
    (parse.efa_packages, said.EFA_DEB, "1.17.2"),
    (parse.fi_info, said.FI_INFO, "2.1.0"),
    (parse.fi_info, said.FI_INFO_AWS, "2.6.0amzn1.0"),
    (parse.pkg_config, said.LIBFABRIC_PC, "1.22.0amzn4.0"),
    (parse.ofi_plugin, said.OFI_PLUGIN, "1.16.3"),
    (parse.ofi_plugin, said.OFI_PLUGIN_OLD, "1.7.3"),
    (parse.dcgmi, said.DCGMI, "4.7.0"),
    (parse.slurm, said.SLURM, "22.05.8"),
    (parse.slurm, said.SLURM_SOURCE, "24.11.5"),
    (parse.slurm_header, said.SLURM_HEADER, "24.11.5"),
    (parse.enroot, said.ENROOT, "3.5.0"),
    (parse.docker, said.DOCKER, "29.2.1"),
    (parse.nvidia_ctk, said.NVIDIA_CTK, "1.19.0"),
    (parse.lustre, said.LFS, "2.15.6"),
    (parse.lustre, "2.15.6\n", "2.15.6"),
    (parse.aws_cli, said.AWS_CLI, "2.17.20"),
    (parse.whole, "2.23.9.0\n", "2.23.9.0"),
    (parse.artefact, '{"name": "pyxis", "version": "0.24.0"}', "0.24.0"),
    (parse.package, "580.126.20-1ubuntu1", "580.126.20"),
    (parse.package, "1:4.6.1-1", "4.6.1"),
    (parse.package, "5:27.3.1-1~ubuntu.24.04~noble", "27.3.1"),
    (parse.package, "20.10.24+dfsg1-1+deb12u1+b5", "20.10.24"),
    (parse.package, "2.4.0amzn3.0-1.amzn2023", "2.4.0amzn3.0"),
    (parse.package, "1.16.0~amzn3.0", "1.16.0~amzn3.0"),
    (parse.package, "11.8.89~11.8.0-5~deb12u1", "11.8.89"),
    (parse.nccl_package, "2.27.7-1+cuda12.9", "2.27.7+cuda12.9"),
    (parse.nccl_package, "2.18.5-1-2", "2.18.5"),
]


@pytest.mark.parametrize(("parser", "text", "expected"), RECORDED)
def test_what_was_recorded_is_read(parser: Callable[[Any], str | None], text: Any, expected: str) -> None:
    assert parser(text) == expected


@pytest.mark.parametrize("parser", dict.fromkeys(parser for parser, _, _ in RECORDED))
@pytest.mark.parametrize("text", ["", "command not found", "version unknown", "{}", "[]", "\0\xff"])
def test_no_parser_guesses(parser: Callable[[Any], str | None], text: str) -> None:
    assert parser(text.encode("latin-1") if parser is parse.ofi_plugin else text) is None


def test_the_compilers_version_is_not_taken_for_the_drivers() -> None:
    assert parse.nvidia_proc(said.NVIDIA_OPEN.splitlines()[1]) is None


def test_a_plugin_of_no_release_has_no_version() -> None:
    assert parse.ofi_plugin(said.OFI_PLUGIN_HEAD) is None
    assert parse.ofi_plugin(said.OFI_PLUGIN + said.OFI_PLUGIN_OLD) is None


# --- Slurm's plugins


def elf(name: bytes, value: int, kind: int = 11) -> bytes:
    """The least 64-bit ELF file with one symbol."""
    strings = b"\0" + name + b"\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 17, 0, 1, 0x4000, 4)
    parts = [struct.pack("<I", value), strings, symbols]
    offsets = [64, 64 + len(parts[0]), 64 + len(parts[0]) + len(parts[1])]
    table = offsets[2] + len(symbols)

    def section(kind: int, address: int, index: int, link: int = 0) -> bytes:
        return struct.pack("<IIQQQQIIQQ", 0, kind, 0, address, offsets[index], len(parts[index]), link, 0, 0, 24)

    sections = [bytes(64), section(1, 0x4000, 0), section(3, 0, 1), section(kind, 0, 2, link=2)]
    head = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 4, 0)
    )
    return head + b"".join(parts) + b"".join(sections)


@pytest.mark.parametrize("kind", [2, 11])
def test_a_plugin_tells_the_slurm_that_it_was_compiled_against(kind: int) -> None:
    assert parse.slurm_plugin(elf(b"plugin_version", 0x190B00, kind)) == "25.11.0"


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF\x02\x01", elf(b"plugin_type", 0x190B00), elf(b"plugin_version", 1)[:150]]
)
def test_another_file_tells_nothing(data: bytes) -> None:
    assert parse.slurm_plugin(data) is None
