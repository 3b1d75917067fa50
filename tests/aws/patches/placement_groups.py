"""EC2's placement groups, which moto does not have: CreatePlacementGroup, DescribePlacementGroups, "
"DeletePlacementGroup."""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response


def apply() -> None:
    for operation in (create_placement_group, describe_placement_groups, delete_placement_group):
        if not hasattr(EC2Response, operation.__name__):
            setattr(EC2Response, operation.__name__, operation)


def groups_of(self: Any) -> dict[str, dict[str, Any]]:
    # In the backend's own dictionary, which a reset empties.
    return self.ec2_backend.__dict__.setdefault("placement_groups", {})  # type: ignore[no-any-return]


def create_placement_group(self: Any) -> ActionResult:
    name = self._get_param("GroupName")
    if name in groups_of(self):
        raise EC2ClientError("InvalidPlacementGroup.Duplicate", f"The placement group '{name}' already exists.")
    tags = self._parse_tag_specification("placement-group").get("placement-group", {})
    groups_of(self)[name] = {
        "GroupName": name,
        "GroupId": f"pg-{uuid.uuid4().hex[:17]}",
        "State": "available",
        "Strategy": self._get_param("Strategy") or "cluster",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    return ActionResult({"PlacementGroup": groups_of(self)[name]})


def describe_placement_groups(self: Any) -> ActionResult:
    names = self._get_param("GroupNames", [])
    for name in names:
        if name not in groups_of(self):
            raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The placement group '{name}' is unknown.")
    return ActionResult(
        {"PlacementGroups": [row for name, row in groups_of(self).items() if not names or name in names]}
    )


def delete_placement_group(self: Any) -> ActionResult:
    name = self._get_param("GroupName")
    if groups_of(self).pop(name, None) is None:
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The placement group '{name}' is unknown.")
    return ActionResult({"Return": True})
