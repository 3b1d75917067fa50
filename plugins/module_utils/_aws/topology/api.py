# Private to awsome.training: its API may change without notice.
"""Ask EC2 where instances are in its network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # the module's base says that botocore is missing
    BotoCoreError = ClientError = Exception

# DescribeInstanceTopology takes at most this many ids (botocore's model of ec2), and then no MaxResults.
IDS_AT_ONCE = 100


def describe(client: Any, ids: Iterable[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """What EC2 answers of these instances, and those that it does not know: they are another account's, or gone."""
    wanted = sorted(set(ids))
    found: list[dict[str, Any]] = []
    unknown: list[str] = []
    for start in range(0, len(wanted), IDS_AT_ONCE):
        part = wanted[start : start + IDS_AT_ONCE]
        while part:
            try:
                found += _pages(client, part)
                break
            except ClientError as error:
                missing = _missing(error, part)
                if not missing:
                    raise
                unknown += missing
                part = [one for one in part if one not in missing]
    return found, unknown


def errors() -> tuple[type[Exception], ...]:
    """What a caller has to expect."""
    return (ClientError, BotoCoreError)


def refused(error: Exception) -> str:
    """What to do about an error of describe(); empty where nothing special is known."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"):
        return "; allow ec2:DescribeInstanceTopology to these credentials"
    return ""


def _pages(client: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = client.describe_instance_topology(aws_retry=True, InstanceIds=list(ids), **more)
        found += page.get("Instances") or []
        token = page.get("NextToken")
        if not token or token == more.get("NextToken"):
            return found
        more = {"NextToken": token}


def _missing(error: ClientError, asked: Sequence[str]) -> list[str]:
    """The ids that an error complains of. EC2 refuses the whole request for one instance that it does not know."""
    if not error.response["Error"]["Code"].startswith("InvalidInstanceID"):
        return []
    named = set(re.findall(r"i-[0-9a-f]+", error.response["Error"].get("Message", "")))
    return [one for one in asked if one in named]
