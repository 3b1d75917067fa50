"""Roots of recorded files: what a survey finds, and that nothing of them is run or left."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils._health import check
from ansible_collections.awsome.training.plugins.module_utils._versions import root as roots
from ansible_collections.awsome.training.plugins.module_utils._versions import survey

from . import outputs as said
from .test_parse import elf


def make(base: Path, files: dict[str, str | bytes]) -> roots.Root:
    for name, content in files.items():
        path = base / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return roots.Root(str(base))


def told(root: roots.Root) -> dict[str, str | None]:
    return {name: one["version"] for name, one in survey.survey(root).items() if one}


GPU_NODE: dict[str, str | bytes] = {
    "/etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="24.04"\n',
    "/var/lib/dpkg/status": said.DPKG,
    "/proc/driver/nvidia/version": said.NVIDIA_OPEN,
    "/proc/driver/nvidia/gpus/0000:10:1c.0/information": said.GPU_INFORMATION,
    "/opt/amazon/efa_installed_packages": said.EFA_RPM,
    "/opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so": said.OFI_PLUGIN,
    "/opt/slurm/include/slurm/slurm_version.h": said.SLURM_HEADER,
    "/usr/local/lib/slurm/spank_pyxis.so": elf(b"plugin_version", 0x180B05),
    "/opt/awsome/artifacts/pyxis-0.24.0/.awsome-artifact.json": json.dumps({"name": "pyxis", "version": "0.24.0"}),
    "/lib/modules/6.8.0-1024-aws/modules.dep": "",
    "/usr/local/cuda-12.9/version.json": said.CUDA_JSON.replace("13.1.1", "12.9.1"),
}


def test_a_gpu_node_is_read(tmp_path: Path) -> None:
    root = make(tmp_path, GPU_NODE)
    (tmp_path / "usr/local/cuda").symlink_to("/etc/alternatives/cuda")
    (tmp_path / "etc/alternatives").mkdir()
    (tmp_path / "etc/alternatives/cuda").symlink_to("/usr/local/cuda-12.9")
    assert told(root) == {
        "kernel": "6.8.0-1024-aws",
        "nvidia_driver": "580.95.05",
        "nvidia_module": "open",
        "cuda": "12.9.1",
        "nccl": "2.27.7+cuda12.9",
        "efa": "1.22.0",
        "libfabric": "2.4.0amzn3.0",
        "aws_ofi_nccl": "1.16.3",
        "dcgm": "4.6.1",
        "dcgm_cuda": "13",
        "docker": "20.10.24",
        "slurm": "24.11.5",
        "pyxis": "0.24.0",
        "pyxis_slurm": "24.11.5",
    }
    assert survey.gpu_models(root) == ["NVIDIA A100-SXM4-80GB"]
    assert survey.system(root) == {"id": "ubuntu", "version_id": "24.04"}


def test_how_tells_the_source(tmp_path: Path) -> None:
    found = survey.survey(make(tmp_path, GPU_NODE))
    assert found["nccl"] == {"version": "2.27.7+cuda12.9", "how": "package libnccl2 2.27.7-1+cuda12.9"}
    assert found["efa"] == {"version": "1.22.0", "how": "/opt/amazon/efa_installed_packages"}
    assert found["lustre"] is None


def test_the_package_tells_the_driver_where_it_does_not_run(tmp_path: Path) -> None:
    files = {name: content for name, content in GPU_NODE.items() if not name.startswith("/proc")}
    found = told(make(tmp_path, files))
    assert (found["nvidia_driver"], found["nvidia_module"]) == ("580.126.20", "open")


def test_what_is_there_without_a_version_is_told_as_that(tmp_path: Path) -> None:
    root = make(tmp_path, {"/usr/lib64/slurm/spank_pyxis.so": b"", "/opt/amazon/efa_installed_packages": "garbled"})
    found = survey.survey(root)
    assert found["pyxis"] == {"version": None, "how": "/usr/lib64/slurm/spank_pyxis.so"}
    assert found["efa"] == {"version": None, "how": "/opt/amazon/efa_installed_packages"}


def test_two_versions_are_none(tmp_path: Path) -> None:
    names = ("5.14.0-503.19.1.el9_5.x86_64", "5.14.0-611.5.1.el9_7.x86_64")
    found = survey.survey(make(tmp_path, {f"/lib/modules/{name}/modules.dep": "" for name in names}))["kernel"]
    assert found is not None and found["version"] is None
    assert str(found["how"]).startswith("several versions: 5.14.0-503.19.1.el9_5.x86_64 (/lib/modules/")


def test_an_empty_root_has_nothing(tmp_path: Path) -> None:
    assert told(roots.Root(str(tmp_path))) == {}


def test_a_neuron_node_is_read(tmp_path: Path) -> None:
    status = "".join(
        f"Package: aws-neuronx-{part}\nStatus: install ok installed\nVersion: {version}\n\n"
        for part, version in [("dkms", "2.30.2.0"), ("runtime-lib", "2.34.10.0-af12"), ("tools", "2.32.28.0")]
    )
    assert told(make(tmp_path, {"/var/lib/dpkg/status": status})) == {
        "neuron_driver": "2.30.2.0",
        "neuron_runtime": "2.34.10.0",
        "neuron_tools": "2.32.28.0",
    }


def test_packages_alone_tell_components() -> None:
    packages = {"aws-neuronx-dkms": "2.31.7.0", "containerd.io": "2.3.6"}
    assert survey.of_packages(packages) == {"neuron_driver": "2.31.7.0"}


# --- roots


def test_nothing_of_another_root_is_run(tmp_path: Path) -> None:
    def runner(argv: list[str], timeout: float) -> check.Output:
        raise AssertionError(f"ran {argv}")

    survey.survey(roots.Root(str(tmp_path), runner))


def test_programs_of_this_machine_are_asked() -> None:
    asked = []

    def runner(argv: list[str], timeout: float) -> check.Output:
        asked.append(argv[0])
        return check.Output(0, said.LFS) if argv[0] == "lfs" else check.Output(None, trouble="missing")

    root = roots.Root("/", runner)
    root.packages = {}
    found = survey.survey(root)["lustre"]
    assert found == {"version": "2.15.6", "how": "lfs --version"}
    assert "nv-fabricmanager" in asked


def test_no_link_leads_out(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("1.2.3")
    base = tmp_path / "root"
    (base / "sys/module/neuron").mkdir(parents=True)
    (base / "sys/module/neuron/version").symlink_to("../../../../../../secret")
    (base / "sys/module/gdrdrv").symlink_to(str(tmp_path))
    (base / "loop").symlink_to("/loop")
    root = roots.Root(str(base))
    assert told(root) == {}
    assert root.resolve("/loop") is None and root.text("/loop/x") == ""
    (base / "secret").write_text("2.23.9.0\n")
    assert told(root) == {"neuron_driver": "2.23.9.0"}


def test_a_root_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(roots.RootError, match="is no directory; name the root of a system, such as a mounted image"):
        roots.Root(str(tmp_path / "nowhere"))


def test_only_installed_packages_count() -> None:
    found = roots.dpkg(said.DPKG)
    assert "enroot" not in found and found["libnccl2"] == "2.27.7-1+cuda12.9"
    assert roots.dpkg("Package: base-files\nVersion: 12.4\n") == {"base-files": "12.4"}


@pytest.mark.skipif(shutil.which("rpmbuild") is None, reason="rpmbuild is missing")
def test_a_real_rpm_database_is_read(tmp_path: Path) -> None:
    spec = tmp_path / "x.spec"
    spec.write_text(
        "Name: libnccl\nVersion: 2.27.7\nRelease: 1+cuda12.9\nSummary: x\nLicense: x\nBuildArch: noarch\n"
        "%description\nx\n%files\n"
    )
    build = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}/build", str(spec)]
    subprocess.run(build, check=True, capture_output=True, timeout=60)
    (package,) = (tmp_path / "build/RPMS").rglob("*.rpm")
    base = tmp_path / "root"
    (base / "var/lib/rpm").mkdir(parents=True)
    options = [
        "--dbpath",
        str(base / "var/lib/rpm"),
        "--define",
        "_db_backend sqlite",
        "--nodeps",
        "--justdb",
        "--nosignature",
    ]
    subprocess.run(["rpm", *options, "-i", str(package)], check=True, capture_output=True, timeout=60)
    before = sorted(path.name for path in (base / "var/lib/rpm").iterdir())
    root = roots.Root(str(base))
    assert root.packages == {"libnccl": "2.27.7-1+cuda12.9"}
    assert told(root) == {"nccl": "2.27.7+cuda12.9"}
    assert sorted(path.name for path in (base / "var/lib/rpm").iterdir()) == before


def test_a_database_that_is_none_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rpmdb.sqlite"
    path.write_bytes(b"no database")
    assert roots.rpm(path) == {}
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Packages (hnum INTEGER, blob BLOB)")
        database.execute("INSERT INTO Packages VALUES (1, ?)", (b"\0\0\0\x01",))
    assert roots.rpm(path) == {}
