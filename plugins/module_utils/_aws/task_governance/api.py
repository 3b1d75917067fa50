# Private to awsome.training: its API may change without notice.
"""Task governance: the calls of SageMaker, on a client that one is given."""

from __future__ import annotations

from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod import api

GONE = ("Deleting", "Deleted")


def seen(client: Any, cluster_arn: str) -> dict[str, Any]:
    """The scheduler configuration of a cluster, or None, and its quotas by team."""
    listed = api.pages(client, "ListClusterSchedulerConfigs", "ClusterSchedulerConfigSummaries", ClusterArn=cluster_arn)
    found = [row for row in listed if row["Status"] not in GONE]
    schedulers = [
        api.call(client, "DescribeClusterSchedulerConfig", ClusterSchedulerConfigId=row["ClusterSchedulerConfigId"])
        for row in found[:1]
    ]
    quotas = {}
    for row in api.pages(client, "ListComputeQuotas", "ComputeQuotaSummaries", ClusterArn=cluster_arn):
        if row["Status"] not in GONE:
            told = api.call(client, "DescribeComputeQuota", ComputeQuotaId=row["ComputeQuotaId"])
            quotas[told["ComputeQuotaTarget"]["TeamName"]] = told
    return {"scheduler": schedulers[0] if schedulers else None, "quotas": quotas}
