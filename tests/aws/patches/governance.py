"""HyperPod's task governance, which moto does not have: scheduler configurations and compute quotas.

Amazon SageMaker API Reference: CreateClusterSchedulerConfig and CreateComputeQuota (a cluster has one configuration,
a team one quota),
their updates (TargetVersion is the version that is changed) and deletions. Requests are judged by botocore's model.
"""

from __future__ import annotations

import uuid
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws import shape
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.responses import SageMakerResponse

# What each kind is called in an ARN.
KINDS = {"ClusterSchedulerConfig": "cluster-scheduler-config", "ComputeQuota": "compute-quota"}


def apply() -> None:
    for kind in KINDS:
        word = "".join(f"_{one.lower()}" if one.isupper() else one for one in kind)
        for verb, make in (("create", create), ("describe", describe), ("update", update), ("delete", delete)):
            setattr(SageMakerResponse, f"{verb}{word}", make(kind))
        setattr(SageMakerResponse, f"list{word}s", listed(kind))


def rows(self: Any, kind: str) -> dict[str, dict[str, Any]]:
    # In the backend's own dictionary, which a reset empties.
    return self.sagemaker_backend.__dict__.setdefault(f"governance_{kind}", {})  # type: ignore[no-any-return]


def asked(self: Any, operation: str) -> dict[str, Any]:
    params = dict(self._get_params())
    if faults := shape.faults("sagemaker", operation, params):
        raise ValidationError(" ".join(faults))
    return params


def one_of(self: Any, kind: str, params: dict[str, Any]) -> dict[str, Any]:
    known = params[f"{kind}Id"]
    if known not in rows(self, kind):
        raise ResourceNotFound(f"{kind} {known} does not exist.")
    return rows(self, kind)[known]


def team(value: Any) -> Any:
    return value["TeamName"] if isinstance(value, dict) else value


def create(kind: str) -> Any:
    def act(self: Any) -> ActionResult:
        params, known = asked(self, f"Create{kind}"), uuid.uuid4().hex[:12]
        for row in rows(self, kind).values():
            keys = ["ClusterArn", *(["ComputeQuotaTarget"] if kind == "ComputeQuota" else [])]
            if all(team(row[key]) == team(params[key]) for key in keys):
                raise ResourceInUseException(f"There is a {kind} of this cluster already.")
        account, region = self.current_account, self.region
        rows(self, kind)[known] = {
            **{key: value for key, value in params.items() if key != "Tags"},
            f"{kind}Id": known,
            f"{kind}Arn": f"arn:aws:sagemaker:{region}:{account}:{KINDS[kind]}/{known}",
            f"{kind}Version": 1,
            "Status": "Created",
            "CreationTime": utcnow(),
        }
        return ActionResult({key: rows(self, kind)[known][key] for key in (f"{kind}Id", f"{kind}Arn")})

    return act


def describe(kind: str) -> Any:
    def act(self: Any) -> ActionResult:
        return ActionResult(one_of(self, kind, asked(self, f"Describe{kind}")))

    return act


def update(kind: str) -> Any:
    def act(self: Any) -> ActionResult:
        params = asked(self, f"Update{kind}")
        row = one_of(self, kind, params)
        if params["TargetVersion"] != row[f"{kind}Version"]:
            raise ValidationError(f"{kind} has version {row[f'{kind}Version']}.")
        row.update({key: value for key, value in params.items() if key not in ("TargetVersion", f"{kind}Id")})
        row[f"{kind}Version"] += 1
        row["Status"] = "Updated"
        return ActionResult({key: row[key] for key in (f"{kind}Arn", f"{kind}Version")})

    return act


def delete(kind: str) -> Any:
    def act(self: Any) -> ActionResult:
        params = asked(self, f"Delete{kind}")
        one_of(self, kind, params)
        rows(self, kind).pop(params[f"{kind}Id"])
        return ActionResult({})

    return act


def listed(kind: str) -> Any:
    def act(self: Any) -> ActionResult:
        params = asked(self, f"List{kind}s")
        mine = params.get("ClusterArn")
        found = [row for row in rows(self, kind).values() if mine in (None, row["ClusterArn"])]
        return ActionResult({f"{kind}Summaries": found})

    return act
