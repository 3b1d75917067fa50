# Private to awsome.training: its API may change without notice.
"""What is wrong with the options of role batch, before anything is asked of AWS. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CAPACITIES = ("on_demand", "reservation", "capacity_block")


def faults(asked: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """Every fault of the options, a sentence each; `asked` has them by name without `batch_`."""
    found = []
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", asked["name"]):
        found.append(f"cluster_name is {asked['name']!r}, expected 1 to 128 letters, digits, hyphens and underscores.")
    for key in ("subnet_ids", "security_group_ids"):
        if not asked[key]:
            found.append(f"batch_{key} is empty; give the network's, or run the role network first.")
    if asked["nodes"] < 1:
        found.append(f"batch_nodes is {asked['nodes']}, expected 1 or more.")
    found += _faults_of_capacity(asked)
    if record["efa_interfaces"] and len(asked["subnet_ids"]) > 1:
        found.append(
            f"batch_subnet_ids lists {len(asked['subnet_ids'])} subnets, and {record['instance_type']} has EFA,"
            " which does not leave a zone; give one."
        )
    if asked["job_script"] and not asked["container_image"]:
        found.append("batch_job_script is set and batch_container_image is not; a job runs in a container.")
    if asked["container_image"] and not asked["job_script"]:
        found.append("batch_container_image is set and batch_job_script is not; say what every node runs.")
    if asked["container_image"].endswith(":latest"):
        found.append(
            f"batch_container_image is {asked['container_image']}; give a tag or a digest that stays what it is."
        )
    return found


def _faults_of_capacity(asked: Mapping[str, Any]) -> list[str]:
    capacity, reservation = asked["capacity"], asked["capacity_reservation_id"]
    if capacity not in CAPACITIES:
        return [
            f"batch_capacity is {capacity!r}, expected one of {', '.join(CAPACITIES)};"
            " multi-node jobs do not run on Spot."
        ]
    if capacity == "on_demand":
        if not reservation:
            return []
        return [
            f"batch_capacity_reservation_id is {reservation} and batch_capacity is on_demand;"
            " set that to reservation or capacity_block."
        ]
    found = []
    if not re.fullmatch(r"cr-[0-9a-f]{8,}", reservation):
        found.append(
            f"batch_capacity_reservation_id is {reservation!r}, expected an id such as cr-0123456789abcdef0"
            f" for {capacity}."
        )
    if capacity == "capacity_block" and asked["placement_group"]:
        found.append(
            "batch_placement_group is true; a capacity block has its machines near each other already,"
            " so set it to false."
        )
    return found
