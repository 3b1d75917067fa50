"""What ParallelCluster asks of AWS and moto does not have.

CloudFormation: Fn::GetAtt reads the outputs of a nested stack, and a stack may fail. Which resource of it fails and
why, a test writes into the template's metadata, as StandIn::Fails: {LogicalId, Type, Reason}.
EC2: capacity reservations are kept and described, as the API reference has them.
"""

from __future__ import annotations

import itertools
from typing import Any

from moto.cloudformation.models import Event, Stack
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

plain_create = Stack.create_resources


def get_cfn_attribute(self: Any, name: str) -> Any:
    """As AWS documents it, the attribute of a nested stack is Outputs.NAME."""
    return self.output_map[name.removeprefix("Outputs.")].value


def create_resources(self: Any) -> None:
    """Nothing is left of a stack that is rolled back, but its events."""
    fails = self.template_dict.get("Metadata", {}).get("StandIn::Fails")
    if not fails:
        plain_create(self)
        return
    for status, reason in (("CREATE_IN_PROGRESS", ""), ("CREATE_FAILED", fails["Reason"])):
        where = (self.stack_id, self.name, fails["LogicalId"], "", fails["Type"])
        self.events.append(Event(*where, status, reason, None))
    for status in ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"):
        self._add_stack_event(status)
        self.status = status


def reservations(response: Any) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = response.ec2_backend.__dict__.setdefault("capacity_reservations", {})
    return kept


def create_capacity_reservation(self: Any) -> ActionResult:
    kept, asked = reservations(self), self._get_params()
    count = int(asked["InstanceCount"])
    made = {
        "CapacityReservationId": f"cr-{len(kept):017x}",
        "InstanceType": asked["InstanceType"],
        "InstancePlatform": asked["InstancePlatform"],
        "AvailabilityZone": asked["AvailabilityZone"],
        "TotalInstanceCount": count,
        "AvailableInstanceCount": count,
        "ReservationType": "default",
        "State": "active",
    }
    kept[made["CapacityReservationId"]] = made
    return ActionResult({"CapacityReservation": made})


def describe_capacity_reservations(self: Any) -> ActionResult:
    asked = self._get_params().get("CapacityReservationId") or []
    kept = reservations(self)
    found = [kept[one] for one in asked if one in kept] if asked else list(itertools.islice(kept.values(), 100))
    return ActionResult({"CapacityReservations": found})


def apply() -> None:
    Stack.get_cfn_attribute = get_cfn_attribute
    Stack.create_resources = create_resources
    EC2Response.create_capacity_reservation = create_capacity_reservation
    EC2Response.describe_capacity_reservations = describe_capacity_reservations
