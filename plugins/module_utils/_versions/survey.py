# Private to awsome.training: its API may change without notice.
"""Which versions of the stack a root file system holds, and which file or command told each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional

from ansible_collections.awsome.training.plugins.module_utils._versions import parse
from ansible_collections.awsome.training.plugins.module_utils._versions.root import Packages, Root

TextParser = Callable[[str], Optional[str]]
DataParser = Callable[[bytes], Optional[str]]


@dataclass(frozen=True)
class Answer:
    """A component that is there; its version may not be known."""

    version: str | None
    how: str


# A probe looks in one place, and returns None where that place knows nothing of the component.
Probe = Callable[[Root], Optional[Answer]]


def survey(root: Root) -> dict[str, dict[str, str | None] | None]:
    """Every component's version and source; None for one that is not there."""
    found: dict[str, dict[str, str | None] | None] = {}
    for name, probes in PROBES.items():
        answers: list[Answer] = []
        for probe in probes:
            answer = probe(root)
            if answer:
                answers.append(answer)
                if answer.version:
                    break
        best = next((one for one in answers if one.version), answers[0] if answers else None)
        found[name] = {"version": best.version, "how": best.how} if best else None
    return found


def system(root: Root) -> dict[str, str]:
    """Which system it is, from /etc/os-release."""
    fields = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', root.text("/etc/os-release"), re.MULTILINE))
    return {key.lower(): value for key, value in fields.items()}


def of_packages(packages: Mapping[str, str]) -> dict[str, str]:
    """The versions of the components that a set of packages would install."""
    looks = ((name, probe(Packages(packages))) for name, probes in PROBES.items() for probe in probes)
    return {name: answer.version for name, answer in looks if answer and answer.version}


def gpu_models(root: Root) -> list[str]:
    """The models of the GPUs that NVIDIA's driver runs."""
    texts = map(root.text, root.find("/proc/driver/nvidia/gpus/*/information"))
    return [model for model in map(parse.gpu_model, texts) if model]


# --- the kinds of probes


def _agree(seen: list[tuple[str | None, str]]) -> Answer | None:
    """One answer of several places; where they differ, none is right."""
    versions = list(dict.fromkeys(version for version, _ in seen if version))
    if not seen:
        return None
    if len(versions) > 1:
        return Answer(None, "several versions: " + ", ".join(f"{version} ({how})" for version, how in seen if version))
    return next((Answer(version, how) for version, how in seen if version), Answer(None, seen[0][1]))


def package(*names: str, parser: TextParser = parse.package) -> Probe:
    """Packages by regular expressions; the first expression that one matches counts."""

    def probe(root: Root) -> Answer | None:
        for pattern in names:
            hits = [(name, version) for name, version in root.packages.items() if re.fullmatch(pattern, name)]
            if hits:
                return _agree([(parser(version), f"package {name} {version}") for name, version in sorted(hits)])
        return None

    return probe


def flavour(word: str, *names: str) -> Probe:
    """A package whose name alone says it."""

    def probe(root: Root) -> Answer | None:
        hit = next((name for name in sorted(root.packages) if any(re.fullmatch(one, name) for one in names)), None)
        return Answer(word, f"package {hit}") if hit else None

    return probe


def package_name(pattern: str) -> Probe:
    """Packages that carry the version in their name."""

    def probe(root: Root) -> Answer | None:
        hits = [(re.fullmatch(pattern, name), name) for name in sorted(root.packages)]
        return _agree([(hit.group(1), f"package {name}") for hit, name in hits if hit])

    return probe


def file(parser: TextParser, *patterns: str) -> Probe:
    def probe(root: Root) -> Answer | None:
        return _agree([(parser(root.text(path)), path) for pattern in patterns for path in root.find(pattern)])

    return probe


def data(parser: DataParser, *patterns: str) -> Probe:
    def probe(root: Root) -> Answer | None:
        return _agree([(parser(root.data(path)), path) for pattern in patterns for path in root.find(pattern)])

    return probe


def name(pattern: str, *places: str) -> Probe:
    """Files that carry the version in their name."""

    def probe(root: Root) -> Answer | None:
        paths = [path for place in places for path in root.find(place)]
        hits = [(re.search(pattern, path), path) for path in paths]
        return _agree([(hit.group(1), path) for hit, path in hits if hit])

    return probe


def command(parser: TextParser, *argv: str) -> Probe:
    def probe(root: Root) -> Answer | None:
        version = parser(root.run(*argv))
        return Answer(version, " ".join(argv)) if version else None

    return probe


def if_there(place: str, probe: Probe) -> Probe:
    """Ask only where a file is there; without an answer, at least that is known."""

    def asked(root: Root) -> Answer | None:
        paths = root.find(place)
        return (probe(root) or Answer(None, paths[0])) if paths else None

    return asked


def kernel(root: Root) -> Answer | None:
    if root.is_host and root.is_container:
        return None  # a container runs the kernel of its host
    if root.is_host:
        return file(lambda text: text.strip() or None, "/proc/sys/kernel/osrelease")(root)
    return _agree([(path.split("/")[3], path) for path in root.find("/lib/modules/*/modules.dep")])


LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib/*-linux-gnu", "/usr/local/lib", "/usr/local/lib64")
SPANK = [
    f"{place}/{below}spank_pyxis.so"
    for place in (*LIBRARIES, "/opt/slurm/lib")
    for below in ("slurm/", "slurm-wlm/", "")
]
OWN_PLUGIN = [f"/opt/aws-ofi-nccl{below}/lib*/libnccl-net*.so" for below in ("", "/install")]
BUNDLED_PLUGIN = [
    f"/opt/amazon/{place}/lib*/{below}libnccl-net*.so" for place in ("ofi-nccl", "aws-ofi-nccl") for below in ("", "*/")
]


def in_libraries(file_name: str, *more: str) -> list[str]:
    return [f"{place}/{file_name}" for place in (*LIBRARIES, *more)]


def any_of(probe: Probe, places: list[str]) -> Probe:
    """`if_there` for the first of several places."""

    def asked(root: Root) -> Answer | None:
        return next((answer for place in places for answer in [if_there(place, probe)(root)] if answer), None)

    return asked


# What is looked at, the best source first: what runs, then what is installed.
PROBES: dict[str, list[Probe]] = {
    "kernel": [kernel],
    "nvidia_driver": [
        file(parse.nvidia_proc, "/proc/driver/nvidia/version"),
        command(parse.whole, "modinfo", "-F", "version", "nvidia"),
        package(
            r"nvidia-(dkms|kernel-open-dkms|kernel-dkms|open-kernel-dkms)(-\d+)?(-server)?(-open)?",
            r"kmod-nvidia-(open|latest)-dkms",
            r"nvidia-open(-\d+)?|nvidia-driver(-cuda|-\d+(-server)?(-open)?)?|cuda-drivers(-\d+)?",
        ),
        name(r"\.so\.(\d+\.\d+(?:\.\d+)?)$", *in_libraries("libnvidia-ml.so.[0-9]*.[0-9]*")),
    ],
    "nvidia_module": [
        file(parse.nvidia_flavour, "/proc/driver/nvidia/version"),
        command(parse.nvidia_license, "modinfo", "-F", "license", "nvidia"),
        flavour("open", r"nvidia-(kernel-open|open-kernel)-dkms|kmod-nvidia-open-dkms", r"nvidia-dkms(-.*)?-open"),
        flavour("proprietary", r"nvidia-kernel-dkms|nvidia-dkms(-\d+(-server)?)?|kmod-nvidia-latest-dkms"),
    ],
    "fabric_manager": [
        package(r"nvidia-fabric-?manager(-\d+)?|cuda-drivers-fabricmanager(-\d+)?"),
        command(parse.fabric_manager, "nv-fabricmanager", "--version"),
    ],
    "cuda": [
        file(parse.cuda_json, "/usr/local/cuda/version.json"),
        file(parse.cuda_text, "/usr/local/cuda/version.txt"),
        command(parse.nvcc, "/usr/local/cuda/bin/nvcc", "--version"),
        package(r"cuda-toolkit-\d+-\d+", r"cuda-cudart-\d+-\d+", r"nvidia-cuda-toolkit"),
        file(parse.cuda_json, "/usr/local/cuda-*/version.json"),
    ],
    "gdrcopy": [
        file(parse.whole, "/sys/module/gdrdrv/version"),
        package(r"libgdrapi|gdrcopy|gdrdrv-dkms|gdrcopy-kmod"),
        name(r"\.so\.(\d+\.\d+(?:\.\d+)?)$", *in_libraries("libgdrapi.so.[0-9]*.[0-9]*", "/opt/gdrcopy/lib")),
    ],
    "nccl": [
        package(r"libnccl2|libnccl", parser=parse.nccl_package),
        name(r"\.so\.(\d+\.\d+\.\d+)$", *in_libraries("libnccl.so.[0-9]*.[0-9]*.[0-9]*", "/opt/nccl/build/lib")),
        file(parse.nccl_header, "/usr/include/nccl.h", "/usr/local/include/nccl.h", "/opt/nccl/build/include/nccl.h"),
    ],
    "efa": [file(parse.efa_packages, "/opt/amazon/efa_installed_packages")],
    "libfabric": [
        package(r"libfabric1-aws|libfabric-aws"),
        command(parse.fi_info, "/opt/amazon/efa/bin/fi_info", "--version"),
        file(parse.pkg_config, "/opt/amazon/efa/lib*/pkgconfig/libfabric.pc"),
        package(r"libfabric1?"),
        command(parse.fi_info, "fi_info", "--version"),
    ],
    "aws_ofi_nccl": [
        data(parse.ofi_plugin, *OWN_PLUGIN),
        package(r"libnccl-ofi(-ngc-v\d+)?"),
        data(parse.ofi_plugin, *BUNDLED_PLUGIN),
    ],
    "dcgm": [
        package(r"datacenter-gpu-manager-4-core", r"datacenter-gpu-manager"),
        command(parse.dcgmi, "dcgmi", "--version"),
    ],
    "dcgm_cuda": [package_name(r"datacenter-gpu-manager-4-cuda(\d+)")],
    "neuron_driver": [file(parse.whole, "/sys/module/neuron/version"), package(r"aws-neuronx-dkms")],
    "neuron_runtime": [package(r"aws-neuronx-runtime-lib")],
    "neuron_collectives": [package(r"aws-neuronx-collectives")],
    "neuron_tools": [package(r"aws-neuronx-tools")],
    "docker": [package(r"docker-ce|docker\.io|docker|moby-engine"), command(parse.docker, "docker", "--version")],
    "nvidia_container_toolkit": [
        package(r"nvidia-container-toolkit"),
        command(parse.nvidia_ctk, "nvidia-ctk", "--version"),
    ],
    "enroot": [package(r"enroot(-hardened)?"), command(parse.enroot, "enroot", "version")],
    "slurm": [
        file(parse.slurm_header, "/opt/slurm/include/slurm/slurm_version.h"),
        package(r"slurm-wlm|slurmd|slurmctld|slurm-client|slurm-smd|slurm-smd-client|slurm|slurm-slurmd"),
        command(parse.slurm, "sinfo", "-V"),
        file(parse.slurm_header, "/usr/local/include/slurm/slurm_version.h", "/usr/include/slurm/slurm_version.h"),
    ],
    "pyxis": [
        package(r"nvslurm-plugin-pyxis"),
        any_of(file(parse.artefact, "/opt/awsome/artifacts/pyxis-*/.awsome-artifact.json"), SPANK),
    ],
    "pyxis_slurm": [data(parse.slurm_plugin, *SPANK)],
    "lustre": [
        file(parse.lustre, "/sys/fs/lustre/version"),
        package(r"lustre-client|lustre-client-utils", r"kmod-lustre-client|lustre-client-modules-.*"),
        command(parse.lustre, "lfs", "--version"),
    ],
    "aws_cli": [
        command(parse.aws_cli, "/usr/local/bin/aws", "--version"),
        name(r"/v2/(\d+\.\d+\.\d+)$", "/usr/local/aws-cli/v2/[0-9]*"),
        package(r"awscli(-2)?"),
    ],
}
