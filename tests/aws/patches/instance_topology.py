"""EC2's DescribeInstanceTopology, which moto does not have.

An instance's place is told by its tags: `test:network` is the path of network nodes, joined by '/', and
`test:capacity-block` the UltraServer. As EC2 does, it refuses more than a hundred ids and ids together with MaxResults.
An instance that does not run has no place (botocore's model of ec2: InstanceTopology).
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response


def apply() -> None:
    if not hasattr(EC2Response, "describe_instance_topology"):
        EC2Response.describe_instance_topology = describe_instance_topology


def describe_instance_topology(self: Any) -> ActionResult:
    ids = self._get_param("InstanceIds", [])
    if len(ids) > 100 or (ids and self._get_param("MaxResults")):
        raise EC2ClientError("InvalidParameterCombination", "At most 100 instance IDs, and no MaxResults with them.")
    # It complains of those that it does not know, as EC2 does.
    known = self.ec2_backend.get_multi_instances_by_id(ids) if ids else self.ec2_backend.all_instances()
    return ActionResult({"Instances": [_place(one) for one in known]})


def _place(instance: Any) -> dict[str, Any]:
    tags = {one["key"]: one["value"] for one in instance.get_tags()}
    path = tags.get("test:network", "")
    told = {"InstanceId": instance.id, "InstanceType": instance.instance_type, "AvailabilityZone": instance.placement}
    if path and instance.state == "running":
        told["NetworkNodes"] = path.split("/")
    if "test:capacity-block" in tags:
        told["CapacityBlockId"] = tags["test:capacity-block"]
    return told
