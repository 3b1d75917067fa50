# Private to awsome.training: its API may change without notice.
"""Ask SageMaker for a HyperPod cluster and its nodes, and say in a sentence why it does not answer."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError
except ImportError:  # the plugin's base says that boto3 is missing
    BotoCoreError = ClientError = EndpointConnectionError = NoCredentialsError = Exception

from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod_inventory.hosts import (
    HyperpodInventoryError,
)

# ListClusterNodes gives at most this many nodes at once (botocore's model: MaxResults, max 100).
PAGE = 100
# botocore waits a random time of up to 1, 2, 4 ... 20 s between these, whenever it is throttled or a connection breaks.
ATTEMPTS = 9
CONFIG = {"retries": {"mode": "standard", "total_max_attempts": ATTEMPTS}, "max_pool_connections": 16}
# How many nodes are described at once, when each is asked for.
DESCRIBED_AT_ONCE = 8


def read(client: Any, name: str, region: str, describe_nodes: bool = False) -> dict[str, Any]:
    """A cluster and its nodes, as plain data that a cache can keep."""
    try:
        cluster = client.describe_cluster(ClusterName=name)
        nodes = list(_nodes(client, name))
        if describe_nodes:
            nodes = _described(client, name, nodes)
    except (ClientError, BotoCoreError) as error:
        raise HyperpodInventoryError(_sentence(error, client, name, region)) from error
    return {"cluster": _plain(cluster), "nodes": _plain(nodes)}


def _nodes(client: Any, name: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        page = client.list_cluster_nodes(ClusterName=name, MaxResults=PAGE, **more)
        yield from page["ClusterNodeSummaries"]
        token = page.get("NextToken")
        if not token:
            return
        # A service that gives the same token for ever would keep us for ever.
        if more.get("NextToken") == token:
            raise HyperpodInventoryError(
                f"cluster {name}: SageMaker gives the page after its nodes' last again; ask it once more."
            )
        more = {"NextToken": token}


def _described(client: Any, name: str, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One call for each node, some at a time; a node that has gone meanwhile stays as it was listed."""

    def describe(node: dict[str, Any]) -> dict[str, Any]:
        if not node.get("InstanceId"):
            return node
        try:
            return {**node, **client.describe_cluster_node(ClusterName=name, NodeId=node["InstanceId"])["NodeDetails"]}
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException"):
                return node
            raise

    with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
        return list(pool.map(describe, nodes))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def _sentence(error: Exception, client: Any, name: str, region: str) -> str:
    where = f"cluster {name} in region {region}"
    if isinstance(error, EndpointConnectionError):
        return f"{where}: SageMaker cannot be reached ({error}); correct the region, or look at the way there."
    if isinstance(error, NoCredentialsError):
        return f"{where}: there are no AWS credentials; log in, or set profile or AWS_PROFILE."
    if not isinstance(error, ClientError):
        return f"{where}: SageMaker cannot be asked: {error}"
    code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    operation = f"sagemaker:{error.operation_name}"
    if code.startswith(("AccessDenied", "UnauthorizedOperation")):
        return f"{where}: these credentials may not do {operation} ({said}); allow it to their role or user."
    if code in ("UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken"):
        return (
            f"{where}: AWS does not accept these credentials ({code}: {said}); log in again, or choose another profile."
        )
    # SageMaker says ResourceNotFound or, for some names, ValidationException.
    if code.startswith("ResourceNotFound") or "not find" in said or "not found" in said:
        there = _attempt(lambda: ", ".join(one["ClusterName"] for one in client.list_clusters()["ClusterSummaries"]))
        return (
            f"{where}: there is no such cluster, expected one of {there or 'none'}; "
            "correct the name, the region or the profile."
        )
    if "Throttl" in code or code == "TooManyRequestsException":
        return f"{where}: SageMaker still throttles {operation} after {ATTEMPTS} attempts; try later, or use the cache."
    return f"{where}: {operation} fails with {code}: {said}"


def _attempt(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (ClientError, BotoCoreError):
        return ""
