# Private to awsome.training: its API may change without notice.
"""HyperPod: the calls of SageMaker, on a client that one is given."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

with contextlib.suppress(ImportError):  # AnsibleAWSModule tells it
    from botocore.exceptions import BotoCoreError, ClientError

# About two minutes in all. ThrottlingException is what SageMaker says, and none that AWSRetry knows by itself.
RETRY = AWSRetry.jittered_backoff(retries=10, delay=1, max_delay=30, catch_extra_error_codes=["ThrottlingException"])


def errors() -> tuple[type[Exception], ...]:
    """What a call may raise."""
    return (BotoCoreError, ClientError)


def client(module: Any) -> Any:
    return module.client("sagemaker", retry_decorator=RETRY)


def call(client: Any, operation: str, **params: Any) -> dict[str, Any]:
    """One call by the API's name, again for a bounded time while the service throttles."""
    method = getattr(client, re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower())
    answer: dict[str, Any] = method(aws_retry=True, **params)
    return answer


def pages(client: Any, operation: str, key: str, most: int | None = None, **params: Any) -> list[dict[str, Any]]:
    """The items under `key` of every page, or of as many as hold `most`."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = call(client, operation, **params, **token)
        found += answer.get(key) or []
        if not answer.get("NextToken") or (most is not None and len(found) >= most):
            return found[:most]
        token = {"NextToken": answer["NextToken"]}


def describe(client: Any, name: str) -> dict[str, Any] | None:
    """A cluster, or None where there is none."""
    try:
        seen = call(client, "DescribeCluster", ClusterName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return None
        raise
    seen.pop("ResponseMetadata", None)
    return {"ClusterName": name, **seen}


def names(client: Any) -> list[str]:
    return [one["ClusterName"] for one in pages(client, "ListClusters", "ClusterSummaries", MaxResults=100)]


def nodes(client: Any, name: str) -> list[dict[str, Any]]:
    return pages(client, "ListClusterNodes", "ClusterNodeSummaries", ClusterName=name, MaxResults=100)


def node(client: Any, name: str, instance: str) -> dict[str, Any]:
    details: dict[str, Any] = call(client, "DescribeClusterNode", ClusterName=name, NodeId=instance)["NodeDetails"]
    return details


def events(client: Any, name: str, most: int) -> list[dict[str, Any]]:
    """The last events, newest first. Only a cluster that provisions continuously has any, and the others refuse."""
    order = {"SortBy": "EventTime", "SortOrder": "Descending", "MaxResults": min(most, 100)}
    try:
        return pages(client, "ListClusterEvents", "Events", most, ClusterName=name, **order)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            return []
        raise


def tags(client: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in pages(client, "ListTags", "Tags", ResourceArn=arn)}


def act(client: Any, operation: str, params: Mapping[str, Any]) -> list[str]:
    """Carry one action of a plan out, and say which nodes it could not be done to."""
    answer = call(client, operation, **params)
    return [
        f"{operation} failed for node {one['NodeId']}: {one['Message']} ({one.get('Code') or one.get('ErrorCode')})."
        for one in answer.get("Failed") or []
    ]
