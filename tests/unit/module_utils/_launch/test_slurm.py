"""The sbatch file: golden, clean for shellcheck, and right where it is easy to be wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils._launch import slurm
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError
from goldens import assert_golden
from unit.module_utils._launch.launches import WORKLOADS, hardware, launch, raw

INSTANCES = (None, "c7i.48xlarge", "g5.12xlarge", "p5.48xlarge")
CASES = [
    (workload, instance)
    for workload in WORKLOADS
    for instance in INSTANCES
    if hardware(instance).kind in raw(workload).get("hardware", ["cpu", "nvidia"])
]


def text(workload: str = "fsdp", instance: str | None = None, nodes: int = 2, **options: str) -> str:
    return slurm.render(launch(workload, instance, nodes), slurm.parse_options(options))


@pytest.mark.parametrize(("workload", "instance"), CASES)
def test_golden(workload: str, instance: str | None) -> None:
    assert_golden(f"workloads/slurm/{workload}-{instance or 'undescribed'}.sbatch", text(workload, instance))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    paths = []
    for workload, instance in CASES:
        paths.append(tmp_path / f"{workload}-{instance}.sh")
        paths[-1].write_text(text(workload, instance))
    done = subprocess.run(["shellcheck", *map(str, paths)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_options_become_directives_and_empty_ones_do_not() -> None:
    found = text(partition="cpu", account="", qos="high")
    assert "#SBATCH --partition=cpu\n" in found and "#SBATCH --qos=high\n" in found
    assert "--account" not in found


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"partion": "x"}, r"the Slurm options: unknown key 'partion' \(did you mean 'partition'\?\)"),
        ({"partition": "a b"}, "the Slurm option partition is 'a b'"),
        ({"account": "x\n#SBATCH --uid=0"}, "the Slurm option account"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        slurm.parse_options(options)


def test_the_head_is_read_from_the_step_and_never_rendered() -> None:
    found = text()
    assert 'scontrol show hostnames "$SLURM_STEP_NODELIST"' in found
    assert found.index("node() {") < found.index("HEAD_ADDR=") < found.index("export -f node")


def test_only_the_steps_get_the_signal() -> None:
    assert "#SBATCH --signal=USR1@120\n" in text()


def test_accelerators_are_asked_for_where_there_are_any() -> None:
    assert "#SBATCH --gres=gpu:8\n" in text(instance="p5.48xlarge")
    assert "--gres" not in text()


FAKES = {
    "scontrol": 'echo one; echo two; [ "$3" = "one,two" ]',
    "getent": "echo '10.0.0.9 STREAM'",
    "ip": "echo '10.0.0.9 dev ens7 src 10.0.0.1 uid 0 \\    cache'",
    "python": 'printf "%s\\n" "$@"; env | grep -E "^(GLOO|NCCL|OMP|AWSOME|NODE_RANK|HEAD_ADDR|NUM_NODES|JOB_ID)"',
    "srun": 'while [ "$1" != bash ]; do shift; done; exec "$@"',
}


@pytest.mark.parametrize("node_id", [0, 1])
def test_the_file_runs_and_fills_in_the_node_contract(tmp_path: Path, node_id: int) -> None:
    commands, env_dir = tmp_path / "commands", tmp_path / "env/bin"
    commands.mkdir()
    env_dir.mkdir(parents=True)
    for name, body in FAKES.items():
        path = (env_dir if name == "python" else commands) / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    job = tmp_path / "job.sbatch"
    job.write_text(slurm.render(launch(env_dir=str(tmp_path / "env")), slurm.parse_options({})))
    done = subprocess.run(
        ["bash", str(job)],
        env={
            "PATH": f"{commands}:{os.environ['PATH']}",
            "SLURM_STEP_NODELIST": "one,two",
            "SLURM_NODEID": str(node_id),
            "SLURM_JOB_ID": "31234",
            "SLURM_CPUS_ON_NODE": "4",
        },
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    for expected in (
        *(f"NODE_RANK={node_id}", "NUM_NODES=2", "HEAD_ADDR=one", "JOB_ID=31234"),
        *("--nnodes=2", f"--node-rank={node_id}", "--master-addr=one", "--master-port=16234", "--nproc-per-node=1"),
        *("GLOO_SOCKET_IFNAME=ens7", "OMP_NUM_THREADS=4", "AWSOME_INSTANCE={}", "/fsx/awsome/code/code/fsdp/train.py"),
    ):
        assert expected in words


def test_a_node_that_cannot_find_its_interface_fails(tmp_path: Path) -> None:
    (tmp_path / "ip").write_text("#!/bin/bash\nexit 2\n")
    (tmp_path / "ip").chmod(0o755)
    node = text().split("# What each node does.\n")[1].split("export -f node")[0]
    done = subprocess.run(
        ["bash", "-c", f"scontrol() {{ echo one; }}; getent() {{ echo 1.2.3.4; }}; ENV_DIR=/none; {node} node"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_STEP_NODELIST": "one",
            "SLURM_NODEID": "0",
            "SLURM_JOB_ID": "1",
            "SLURM_CPUS_ON_NODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 2
    assert "interface" not in done.stdout
