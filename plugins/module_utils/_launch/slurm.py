# Private to awsome.training: its API may change without notice.
"""HOW a launch runs on Slurm: one readable sbatch file, which is also fit to be submitted by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch.env import Variable, variables
from ansible_collections.awsome.training.plugins.module_utils._launch.spec import Launch, quoted
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError, check_keys

FILE = "job.sbatch"
STOP_SECONDS = 120  # between the signal to stop and the time limit, for a last checkpoint; a fifth of a short limit
RENDEZVOUS_SECONDS = 1800  # a cold import of the framework from a shared file system may outlast the others' patience
WORD = re.compile(r"[A-Za-z0-9_.,:@+-]+")


@dataclass(frozen=True)
class Options:
    """What only the scheduler wants to know."""

    partition: str = ""
    account: str = ""
    qos: str = ""
    reservation: str = ""
    constraint: str = ""
    exclude: str = ""


def parse_options(raw: Mapping[str, Any]) -> Options:
    names = [option.name for option in fields(Options)]
    check_keys(raw, names, "the Slurm options")
    for key, value in raw.items():
        if value and not WORD.fullmatch(str(value)):
            raise SpecError(f"the Slurm option {key} is '{value}', expected a name without spaces or quotes.")
    return Options(**{key: str(value or "") for key, value in raw.items()})


def render(launch: Launch, options: Options) -> str:
    """The job file. Its directives, then the places, then what one node does, then one step over all nodes."""
    return "\n".join([*_head(launch, options), *_places(launch), *_node(launch), *_step()]) + "\n"


def _head(launch: Launch, options: Options) -> list[str]:
    hours, minutes = divmod(launch.time_limit_minutes, 60)
    directives = {
        "job-name": launch.name,
        **{option.name: getattr(options, option.name) for option in fields(options)},
        "nodes": str(launch.nodes),
        "ntasks-per-node": "1",
        "exclusive": None,
        "mem": "0",
        "gres": f"gpu:{launch.hardware.accelerators}" if launch.hardware.kind == "nvidia" else "",
        "time": f"{hours:02d}:{minutes:02d}:00",
        "chdir": launch.run_dir,
        "output": f"{launch.run_dir}/slurm-%j.out",
        "open-mode": "append",
        "requeue": None,
        # Without "B:" the steps get the signal and the batch shell does not, so nothing has to pass it on.
        "signal": f"USR1@{min(STOP_SECONDS, launch.time_limit_minutes * 12)}",
    }
    given = {key: value for key, value in directives.items() if value != ""}
    lines = [f"#SBATCH --{key}" + ("" if value is None else f"={value}") for key, value in given.items()]
    return [
        "#!/bin/bash",
        f"# {launch.workload.name}, recipe {launch.recipe}, {launch.nodes} node(s) of {launch.processes_per_node}"
        " process(es). Written by awsome.training; submit it by hand with: sbatch <this file>",
        "# Submitted again it goes on from the last checkpoint of its run directory.",
        *lines,
        "set -euo pipefail",
        "",
    ]


def _places(launch: Launch) -> list[str]:
    run_dir, code_dir, env_dir = quoted([launch.run_dir, launch.code_dir, launch.env_dir])
    return [f"export RUN_DIR={run_dir}", f"export CODE_DIR={code_dir}", f"export ENV_DIR={env_dir}", ""]


def _node(launch: Launch) -> list[str]:
    """The node contract is worked out inside the step: a step that starts anew on other nodes finds its new head."""
    return [
        "# What each node does.",
        "node() {",
        "  set -euo pipefail",
        "  local hosts peer",
        '  mapfile -t hosts < <(scontrol show hostnames "$SLURM_STEP_NODELIST")',
        "  export NODE_RANK=$SLURM_NODEID NUM_NODES=${#hosts[@]} HEAD_ADDR=${hosts[0]} JOB_ID=$SLURM_JOB_ID",
        "  # A port of its own for each job, below the range that the kernel gives out.",
        "  local port=$((15000 + JOB_ID % 15000))",
        "  # The interface is the one on the way to another node of the job (on a single node: loopback).",
        '  if [ "$NODE_RANK" -eq 0 ]; then peer=${hosts[-1]}; else peer=$HEAD_ADDR; fi',
        "  local INTERFACE CPUS=$SLURM_CPUS_ON_NODE",
        '  INTERFACE=$(ip -oneline route get "$(getent ahostsv4 "$peer" | awk \'NR == 1 {print $1}\')" |'
        " sed 's/.* dev \\([^ ]*\\) .*/\\1/')",
        '  echo "node $NODE_RANK of $NUM_NODES: $(hostname), head $HEAD_ADDR:$port, interface $INTERFACE, $CPUS CPUs"',
        *(f"  {line}" for variable in variables(launch) for line in _export(variable)),
        "  # The training processes answer this signal with a checkpoint and end; their launcher must not die of it.",
        "  trap '' USR1",
        '  exec "$ENV_DIR/bin/python" -m torch.distributed.run \\',
        f'    --nnodes="$NUM_NODES" --node-rank="$NODE_RANK" --nproc-per-node={launch.processes_per_node} \\',
        '    --rdzv-id="$JOB_ID" --rdzv-backend=static --master-addr="$HEAD_ADDR" --master-port="$port" \\',
        f"    --rdzv-conf=timeout={RENDEZVOUS_SECONDS} --max-restarts=0 \\",
        f'    "$CODE_DIR"/{" ".join(quoted([launch.workload.command, *launch.arguments]))}',
        "}",
        "export -f node",
        "",
    ]


def _export(variable: Variable) -> list[str]:
    value = f'"{variable.value}"' if variable.shell else quoted([variable.value])[0]
    return [*([f"# {variable.reason}"] if variable.reason else []), f"export {variable.name}={value}"]


def _step() -> list[str]:
    return [
        "# One step over all nodes: when one fails the others are stopped, and the job ends with the worst exit code.",
        "# Lines are labelled with the rank of their node.",
        "srun --kill-on-bad-exit=1 --cpu-bind=none --label bash -c node",
    ]
