# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""What an ARN says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.awsome.training.plugins.module_utils import _aws_secret as secrets


def arn_region(arn: str, service: str) -> str:
    try:
        return secrets.region(arn, service)
    except secrets.SecretError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"arn_region": arn_region}
