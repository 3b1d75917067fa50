"""Launches that tests build: the repository's own workloads on rows of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._launch.hardware import Hardware
from ansible_collections.awsome.training.plugins.module_utils._launch.spec import Launch, parse_launch, parse_workload

TRAINING = Path(__file__).parents[4] / "training"
WORKLOADS = sorted(path.parent.name for path in TRAINING.glob("*/workload.yml"))


def raw(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((TRAINING / name / "workload.yml").read_text())
    return found


def hardware(instance_type: str | None) -> Hardware:
    return Hardware.from_row(_catalog.load().instance(instance_type) if instance_type else {})


def launch(name: str = "fsdp", instance_type: str | None = None, nodes: int = 2, **changes: Any) -> Launch:
    return parse_launch(
        parse_workload(raw(name), f"training/{name}/workload.yml"),
        hardware(instance_type),
        recipe="debug",
        nodes=nodes,
        **{
            "run_dir": "/fsx/awsome/runs/run",
            "code_dir": "/fsx/awsome/code/code",
            "env_dir": "/fsx/awsome/envs/env",
            **changes,
        },
    )
