"""Task governance of HyperPod: quotas of teams against a stand-in that judges requests by botocore's model.

The role runs in tests/aws/test_eks.py, by playbooks/hyperpod_eks.yml.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.awsome.training.plugins.modules import hyperpod_task_governance
from aws.harness import Aws

Module = Callable[..., dict[str, Any]]


@pytest.fixture
def module(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Module:
    """Runs the module in this process, and answers what it said."""
    for key, value in aws.env.items():
        monkeypatch.setenv(key, value)

    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            hyperpod_task_governance.main()
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return run


TEAMS = [
    {"name": "llm", "fair_share_weight": 80, "resources": [{"instance_type": "ml.p5.48xlarge", "count": 6}]},
    {"name": "vision", "resources": [{"instance_type": "ml.p5.48xlarge", "accelerators": 16}]},
]
GOVERNED = {
    "cluster_arn": "arn:aws:sagemaker:us-east-1:123456789012:cluster/abcdefghij12",
    "scheduler": {"priority_classes": [{"name": "training", "weight": 90}], "fair_share": "Enabled"},
    "teams": TEAMS,
}


def test_teams_get_quotas_and_lose_them(aws: Aws, module: Module) -> None:
    sagemaker = aws.client("sagemaker")
    made = module(**GOVERNED)
    assert [one["operation"] for one in made["actions"]] == [
        "CreateClusterSchedulerConfig",
        "CreateComputeQuota",
        "CreateComputeQuota",
    ]
    assert module(**GOVERNED)["changed"] is False
    (told,) = [
        one
        for one in sagemaker.list_compute_quotas(ClusterArn=GOVERNED["cluster_arn"])["ComputeQuotaSummaries"]
        if one["Name"] == "llm-quota"
    ]
    assert told["ComputeQuotaConfig"]["ResourceSharingConfig"] == {"Strategy": "LendAndBorrow"}
    assert told["ComputeQuotaTarget"] == {"TeamName": "llm", "FairShareWeight": 80}
    fewer = {**GOVERNED, "teams": [{**TEAMS[0], "borrow_limit": 50}], "purge": True}
    assert [one["says"] for one in module(check=True, **fewer)["actions"]] == [
        "change the quota of team llm",
        "take the quota of team vision",
    ]
    assert module(**fewer)["changed"]
    assert module(**fewer)["changed"] is False
    gone = module(cluster_arn=GOVERNED["cluster_arn"], state="absent")
    assert [one["operation"] for one in gone["actions"]] == ["DeleteComputeQuota", "DeleteClusterSchedulerConfig"]


def test_a_quota_that_cannot_be_is_refused_whole(module: Module) -> None:
    bad = [
        {"name": "LLM", "resources": [{"instance_type": "ml.p99.48xlarge", "count": 1}]},
        {"name": "idle", "fair_share_weight": 101, "resources": [{"instance_type": "ml.p5.48xlarge"}]},
    ]
    told = module(**{**GOVERNED, "teams": bad})
    assert told["failed"] and len(told["faults"]) == 4, told["faults"]
    for sentence in ("'LLM' does not have the form", "ml.p99.48xlarge", "101", "says nothing of how much"):
        assert sentence in told["msg"]


def test_throttling_is_survived(aws: Aws, module: Module) -> None:
    aws.refuse("CreateComputeQuota", times=2)
    assert len(module(**GOVERNED)["actions"]) == 3
    assert len(aws.client("sagemaker").list_compute_quotas()["ComputeQuotaSummaries"]) == 2
