"""Slurm from source, and from a prefix that a service filled. Debian's source package holds SchedMD's own release."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from lab.harness import Lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

# Built to be quick to build, not to run.
CONFIGURE = ["--disable-slurmrestd", "--disable-debug", "CFLAGS=-O0"]
SERVICE = """\
# Written by the service
ClusterName={prefix}
SlurmctldHost={prefix}-controller
SlurmUser=slurm
StateSaveLocation=/var/spool/slurmctld
ProctrackType=proctrack/linuxproc
SlurmctldParameters=enable_configless
include nodes.conf
"""
NODES = """\
NodeName={prefix}-compute-1 CPUs=1
PartitionName=dev Nodes=ALL Default=YES State=UP
"""


@pytest.fixture(scope="module")
def release(bare: Lab) -> dict[str, Any]:
    """A record as the catalogue has them, of the tarball that Debian's source package holds."""
    controller = bare.host("controller")
    controller.check_output(
        "cd /fsx && sed 's/^deb /deb-src /' /etc/apt/sources.list > /etc/apt/sources.list.d/source.list"
        " && apt-get update -q && apt-get source -q --download-only --tar-only slurm-wlm"
    )
    (tarball,) = bare.shared.glob("slurm-wlm_*.orig.tar.*")
    version = re.findall(r"_([\d.]+)\.orig", tarball.name)[0]
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    return {"name": "slurm", "version": version, "url": f"file:///fsx/{tarball.name}", "sha256": digest}


def changes(output: str) -> list[str]:
    return re.findall(r"^(?!localhost)(\S+) .*changed=([1-9]\d*)", output, re.MULTILINE)


def test_slurm_is_built_once_and_runs(bare: Lab, release: dict[str, Any]) -> None:
    options = {"slurm_source": "source", "slurm_release": release, "slurm_configure_options": CONFIGURE}
    first = bare.playbook("site", "-e", json.dumps(options))
    assert first.returncode == 0, first.stdout[-6000:]
    controller = bare.host("controller")
    assert controller.check_output("/opt/slurm/bin/sinfo -V") == f"slurm {release['version']}"
    assert controller.check_output("cd /tmp && /opt/slurm/bin/srun hostname") == f"{bare.prefix}-compute-1"
    second = bare.playbook("site", "-e", json.dumps(options))
    assert second.returncode == 0 and not changes(second.stdout), second.stdout[-6000:]


def test_a_prefix_that_a_service_configured_is_extended(bare: Lab) -> None:
    """Takes the build for a service's image: its configuration, and no unit or file of ours."""
    for function in ("controller", "compute-1"):
        bare.host(function).check_output(
            "systemctl stop slurmctld slurmd 2>/dev/null; rm -rf /etc/systemd/system/slurm*ctld.service"
            " /etc/systemd/system/slurmd.service /etc/awsome/slurm /opt/slurm/etc/* ; systemctl daemon-reload"
        )
    controller = bare.host("controller")
    controller.check_output("mkdir -p /opt/slurm/etc")
    for name, text in (("slurm.conf", SERVICE), ("nodes.conf", NODES)):
        controller.check_output("printf %%s %s > /opt/slurm/etc/%s", text.format(prefix=bare.prefix), name)
    options = {"slurm_source": "prefix", "slurm_extends_service_config": True, "slurm_config": {"MaxArraySize": 2000}}
    for _ in range(2):
        result = bare.playbook("site", "-e", json.dumps(options))
        assert result.returncode == 0, result.stdout[-6000:]
    assert not changes(result.stdout), result.stdout[-6000:]
    written = controller.file("/opt/slurm/etc/slurm.conf").content_string
    assert written == SERVICE.format(prefix=bare.prefix) + "include awsome.conf\n"
    assert "MaxArraySize            = 2000" in controller.check_output("/opt/slurm/bin/scontrol show config")
    said = controller.check_output("/opt/slurm/bin/sinfo --noheader --format='%P %N'").splitlines()
    assert f"dev* {bare.prefix}-compute-1" in [line.strip() for line in said]
    assert controller.check_output("cd /tmp && /opt/slurm/bin/srun hostname") == f"{bare.prefix}-compute-1"
