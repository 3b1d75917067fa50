# Private to awsome.training: its API may change without notice.
"""Which region an ARN is of, and what a secret holds. Pure; standard library only, since nodes without boto3 ask it."""

from __future__ import annotations

import json
import re
from typing import Any

# The form is that of the AWS General Reference; the partition is aws, aws-cn, aws-us-gov, aws-iso and so on.
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12}):\S+"
)


class SecretError(ValueError):
    """A secret that cannot be had; the sentence never quotes what it holds."""


def region(arn: str, service: str) -> str:
    """Return the region that an ARN of this service names; the same for every partition."""
    match = _ARN.fullmatch(arn)
    if not match or match["service"] != service or not match["region"]:
        raise SecretError(
            f"{arn!r} is no ARN of the service {service}; expected arn:<partition>:{service}:<region>:<account>:<name>."
        )
    return match["region"]


def command(arn: str, program: str = "aws") -> list[str]:
    """The words that ask for a secret. They hold its name, and nothing of what is in it."""
    where = region(arn, "secretsmanager")
    return [program, "secretsmanager", "get-secret-value", "--secret-id", arn, "--region", where, "--output", "json"]


def value(answer: str, key: str, arn: str) -> str:
    """Return one value of the JSON object that a secret holds."""
    told = _object(answer, f"the AWS command line's answer about {arn}")
    held = _object(str(told.get("SecretString") or ""), f"the secret {arn}")
    if not isinstance(held.get(key), str) or not held[key]:
        raise SecretError(
            f"the secret {arn} has no text under {key!r}, only {', '.join(sorted(held)) or 'nothing'}; add the key to "
            "the secret, or name the one that holds the password."
        )
    return str(held[key])


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise SecretError(f'{what} is no JSON object; expected {{"username": "...", "password": "..."}}.')
    return parsed
