#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Run a workload through a scheduler."""

from __future__ import annotations

DOCUMENTATION = r"""
module: workload
short_description: Run a workload through a scheduler
version_added: 0.1.0
description:
  - Renders the job file of a workload into its run directory, submits it, observes it, and cancels it.
  - Runs where the scheduler's commands are, on a login node, as the user whose job it is.
  - A run directory is one run. A run directory whose job waits, runs or has completed is left alone; one whose job
    failed or was stopped is submitted again and goes on from its last checkpoint.
author: awsome.training contributors
options:
  state:
    description:
      - V(rendered) writes the job file. V(submitted) submits it as well.
      - V(complete) submits it, follows it with progress lines until it has ended, writes the report, and fails unless
        the job completed with exit code 0 and the training said that it completed.
      - V(observed) changes nothing, and tells of the job and the training what there is to tell.
      - V(absent) cancels the job of the run directory. The files stay.
    type: str
    choices: [rendered, submitted, complete, observed, absent]
    default: submitted
  scheduler:
    description: What runs it.
    type: str
    choices: [slurm]
    default: slurm
  run_dir:
    description: The run directory, on a file system that all nodes share.
    type: path
    required: true
  workload:
    description: The content of the workload's C(workload.yml).
    type: dict
  recipe:
    description: The recipe.
    type: str
  nodes:
    description: How many nodes.
    type: int
  instance:
    description: The catalogue's row of the nodes' instance type; empty for nodes with nothing but CPUs.
    type: dict
    default: {}
  code_dir:
    description: Where the workload's code lies, on all nodes.
    type: path
  env_dir:
    description: The Python environment, on all nodes.
    type: path
  time_limit_minutes:
    description: How long the job may take; the workload's own limit when it is left out.
    type: int
  arguments:
    description: Overrides of the recipe, each C(key=value).
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables over those of the workload and the instance; an empty value takes one away.
    type: dict
    default: {}
  options:
    description:
      - The scheduler's own options.
      - For Slurm V(partition), V(account), V(qos), V(reservation), V(constraint) and V(exclude).
    type: dict
    default: {}
  report:
    description: Whether O(state=observed) writes C(report.html) and C(result.json) into the run directory.
    type: bool
    default: false
  poll_seconds:
    description: The pause between two looks at the job, for O(state=complete).
    type: float
    default: 3
  pending_timeout_seconds:
    description: How long the job may wait for its nodes, for O(state=complete). It stays in the queue.
    type: int
    default: 600
attributes:
  check_mode:
    description: Tells whether a job would be submitted or cancelled.
    support: full
"""

EXAMPLES = r"""
- name: Train, and wait for the end
  awsome.training.workload:
    state: complete
    workload: "{{ lookup('ansible.builtin.file', 'training/fsdp/workload.yml') | from_yaml }}"
    recipe: debug
    nodes: 2
    run_dir: /fsx/awsome/runs/first
    code_dir: /fsx/awsome/code/fsdp
    env_dir: /fsx/awsome/envs/fsdp
    options:
      partition: cpu
"""

RETURN = r"""
job_file:
  description: The job file that was written.
  returned: when it was rendered
  type: str
job:
  description: The job as sacct, or scontrol where there is no accounting, tells of it.
  returned: when the run directory has a job
  type: dict
accounted:
  description: Whether the accounting knows the job.
  returned: when the run directory has a job
  type: bool
progress:
  description: The training's progress in one line.
  returned: when the run directory has a job
  type: str
ended:
  description: Whether the job can change no more.
  returned: when the run directory has a job
  type: bool
verdict:
  description: C(ok), C(sentence), and C(failure) with the node, the process and the last lines of what broke first.
  returned: when the run directory has a job
  type: dict
reported:
  description: Whether C(report.html) and C(result.json) were written.
  returned: O(state=complete)
  type: bool
summary:
  description: Steps, losses and throughput, as result.json holds them.
  returned: when O(report) is set
  type: dict
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils._launch import run_dir
from ansible_collections.awsome.training.plugins.module_utils._launch.hardware import Hardware
from ansible_collections.awsome.training.plugins.module_utils._launch.observe import completed, observe
from ansible_collections.awsome.training.plugins.module_utils._launch.schedulers import SCHEDULERS
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_client import SlurmClient
from ansible_collections.awsome.training.plugins.module_utils._launch.spec import parse_launch, parse_workload
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError

SPEC = {
    "state": {
        "type": "str",
        "default": "submitted",
        "choices": ["rendered", "submitted", "complete", "observed", "absent"],
    },
    "scheduler": {"type": "str", "default": "slurm", "choices": ["slurm"]},
    "run_dir": {"type": "path", "required": True},
    "workload": {"type": "dict"},
    "recipe": {"type": "str"},
    "nodes": {"type": "int"},
    "instance": {"type": "dict", "default": {}},
    "code_dir": {"type": "path"},
    "env_dir": {"type": "path"},
    "time_limit_minutes": {"type": "int"},
    "arguments": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "options": {"type": "dict", "default": {}},
    "report": {"type": "bool", "default": False},
    "poll_seconds": {"type": "float", "default": 3},
    "pending_timeout_seconds": {"type": "int", "default": 600},
}
LAUNCH = ["workload", "recipe", "nodes", "code_dir", "env_dir"]
REQUIRED_IF = [("state", state, LAUNCH) for state in ("rendered", "submitted", "complete")]


def render(params: dict[str, Any], check_mode: bool) -> tuple[str, bool, Any]:
    """Write the job file; what it needs is wrong in at most one sentence."""
    scheduler = SCHEDULERS[params["scheduler"]]
    options = scheduler.parse_options(params["options"])
    launch = parse_launch(
        parse_workload(params["workload"], "workload"),
        Hardware.from_row(params["instance"]),
        recipe=params["recipe"],
        nodes=params["nodes"],
        run_dir=params["run_dir"],
        code_dir=params["code_dir"],
        env_dir=params["env_dir"],
        time_limit_minutes=params["time_limit_minutes"],
        overrides=params["arguments"],
        environment=params["environment"],
    )
    text = scheduler.render(launch, options)
    file = Path(params["run_dir"], scheduler.file)
    if check_mode:
        return str(file), not file.exists() or file.read_text() != text, options
    file.parent.mkdir(parents=True, exist_ok=True)
    return str(file), run_dir.write(str(file), text), options


def submit(client: SlurmClient, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Submit unless the run directory has a job that waits, runs or has completed."""
    live = client.live()
    seen = completed(client) if live is None else observe(client, live)
    if seen:
        return {"changed": False, **seen}
    file, _changed, options = render(params, check_mode)
    client.check_nodes(options.partition, params["nodes"])
    if check_mode:
        return {"changed": True, "job_file": file}
    return {"changed": True, "job_file": file, **observe(client, client.submit(file))}


def main() -> None:
    module = AnsibleModule(SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    params, state = module.params, module.params["state"]
    client = SlurmClient(params["run_dir"])
    try:
        if state == "rendered":
            file, changed, _options = render(params, module.check_mode)
            module.exit_json(changed=changed, job_file=file)
        if state in ("submitted", "complete"):
            module.exit_json(**submit(client, params, module.check_mode))
        job_id = client.live() if state == "absent" else client.live() or client.latest()
        if job_id is not None and state == "absent" and not module.check_mode:
            client.cancel(job_id)
        minutes = params["time_limit_minutes"] or 0
        seen = {} if job_id is None else observe(client, job_id, minutes, params["report"])
        module.exit_json(changed=state == "absent" and job_id is not None, **seen)
    except (SpecError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
