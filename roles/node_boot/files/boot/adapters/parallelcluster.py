"""AWS ParallelCluster: cfnconfig tells the node's type. Slurm, munge and the mounts are ParallelCluster's own."""

from __future__ import annotations

import shlex

from boot.adapters import Surroundings
from boot.adapters.single import plan as single
from boot.faults import Judge, judged
from boot.plan import Plan

CONFIG = "/etc/parallelcluster/cfnconfig"
# docs.aws.amazon.com/parallelcluster/latest/ug/custom-bootstrap-actions-v3.html; LoginNode: pcluster 3.16, templates.
FUNCTIONS = {"HeadNode": "controller", "LoginNode": "login", "ComputeFleet": "compute"}


def look(around: Surroundings) -> Plan:
    judge = Judge(around.path(CONFIG))
    told = {}
    try:
        text = judge.path.read_text(encoding="utf-8")
    except OSError as error:
        judge.faults.append(
            f"{judge.path}: cannot be read ({error.strerror}); this hook is for nodes of ParallelCluster."
        )
        text = ""
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            told[key] = " ".join(shlex.split(value, comments=True))
    if text and told.get("cfn_node_type") not in FUNCTIONS:
        judge.fault("cfn_node_type", told.get("cfn_node_type"), f"one of {', '.join(FUNCTIONS)}")
    judged(judge)
    # When the node starts, nothing of its scheduler is there yet: only what is installed comes that early.
    doors = ("install",) if "on_node_start" in around.arguments else ("install", "configure")
    cluster = told.get("stack_name") or told.get("cfn_cluster_name") or "parallelcluster"
    variables = {"slurm_source": "prefix", "slurm_prefix": "/opt/slurm", "shared_dir": "/fsx"}
    return single(
        around, "parallelcluster", FUNCTIONS[told["cfn_node_type"]], cluster, variables=variables, doors=doors
    )
