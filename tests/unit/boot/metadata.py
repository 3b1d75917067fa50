"""Nodes that are trees of files, as a provider leaves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boot.adapters import Surroundings

PARAMETERS: dict[str, Any] = {
    "version": "1.0.0",
    "workload_manager": "slurm",
    "controller_group": "controller-machine",
    "login_group": "my-login-group",
    "worker_groups": [{"instance_group_name": "worker-group-1", "partition_name": "dev"}],
}
GROUPS = {
    "controller-machine": ["10.1.0.10"],
    "my-login-group": ["10.1.0.20"],
    "worker-group-1": ["10.1.0.101", "10.1.0.102"],
}


def resource(groups: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {
        "ClusterConfig": {"ClusterArn": "arn:aws:sagemaker:us-east-1:123456789012:cluster/abc", "ClusterName": "Demo"},
        "InstanceGroups": [
            {
                "Name": name,
                "InstanceType": "ml.p5.48xlarge",
                "Instances": [
                    {"InstanceName": f"{name}-{number}", "CustomerIpAddress": address}
                    for number, address in enumerate(members, 1)
                ],
            }
            for name, members in (groups or GROUPS).items()
        ],
    }


class HyperPod:
    """A node of HyperPod below a directory."""

    def __init__(self, root: Path) -> None:
        self.root, self.bundle = root / "root", root / "bundle"
        self.bundle.mkdir(parents=True)
        self.environment: dict[str, str] = {}
        self.addresses = ("10.1.0.101",)
        self.write("opt/ml/config/resource_config.json", resource())
        self.parameters(PARAMETERS)

    def write(self, name: str, data: Any) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else json.dumps(data))

    def parameters(self, data: Any) -> None:
        (self.bundle / "provisioning_parameters.json").write_text(data if isinstance(data, str) else json.dumps(data))

    def around(self) -> Surroundings:
        return Surroundings(self.bundle, self.environment, self.addresses, "ip-10-1-0-101", root=self.root)
