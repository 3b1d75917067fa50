# Private to awsome.training: its API may change without notice.
"""What is wrong with our options for a cluster, all of it at once: pure.

These are rules that neither an argument spec nor ParallelCluster's schema has, judged from the catalogue before
anything is called. What only AWS knows (in which zone a reservation is, which subnet gives public addresses)
ParallelCluster's own validators judge, in its dry run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import shape

_RESERVATION = re.compile(r"cr-[0-9a-f]{8,17}|arn:[^:]+:resource-groups:[^:]*:\d{12}:group/.+")


def faults(options: Mapping[str, Any], record: shape.Record) -> list[str]:
    """Every fault, a sentence each; none where the options can be rendered and agree with the catalogue."""
    unknown = [*_missing(options), *_unknown_types(options, record)]
    if unknown:  # nothing else can be judged without the records
        return [*_names(options), *unknown]
    found = [*_names(options), *_bundle(options), *_subnets(options), *_architecture(options, record)]
    for queue in options["queues"]:
        where = f"parallelcluster_queues[{queue['name']}]"
        found += _queue(queue, where, options)
        for node in queue["nodes"]:
            found += _node(node, queue, f"{where}.nodes[{shape.name_of(node)}]", options, record)
    return found + list(_storage(options))


def _typed(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where an instance type stands, and which."""
    if options["head_node"].get("instance_type"):
        yield "parallelcluster_head_node.instance_type", options["head_node"]["instance_type"]
    for pool in options.get("login_pools") or []:
        yield f"parallelcluster_login_pools[{pool['name']}].instance_type", pool["instance_type"]
    for queue in options["queues"]:
        for number, node in enumerate(queue["nodes"]):
            where = f"parallelcluster_queues[{queue['name']}].nodes[{node.get('name') or number}]"
            for kind in shape.types_of(node) if node.get("instance_types") or node.get("instance_type") else []:
                yield f"{where}.instance_type", kind


def _missing(options: Mapping[str, Any]) -> Iterator[str]:
    if not options["head_node"].get("instance_type"):
        yield "parallelcluster_head_node.instance_type is missing; name the type on which slurmctld shall run."
    if not options["queues"]:
        yield "parallelcluster_queues is empty; a cluster needs a queue with nodes."
    for queue in options["queues"]:
        if not queue["nodes"]:
            yield f"parallelcluster_queues[{queue['name']}].nodes is empty; name the nodes of the queue."


def _unknown_types(options: Mapping[str, Any], record: shape.Record) -> Iterator[str]:
    for queue in options["queues"]:
        for number, node in enumerate(queue["nodes"]):
            if bool(node.get("instance_type")) == bool(node.get("instance_types")):
                yield (
                    f"parallelcluster_queues[{queue['name']}].nodes[{node.get('name') or number}] must have either "
                    "instance_type or instance_types; give one of them."
                )
    for where, kind in _typed(options):
        try:
            record(kind)
        except _catalog.CatalogError as error:
            yield f"{where}: {error}"


def _names(options: Mapping[str, Any]) -> Iterator[str]:
    """Names that occur twice. How a name may look and how long it may be, ParallelCluster's validators say."""
    lists = {
        "parallelcluster_queues": [queue["name"] for queue in options["queues"]],
        "parallelcluster_login_pools": [pool["name"] for pool in options.get("login_pools") or []],
    }
    for queue in options["queues"]:
        known = [node for node in queue["nodes"] if node.get("name") or node.get("instance_type")]
        lists[f"parallelcluster_queues[{queue['name']}].nodes"] = [shape.name_of(node) for node in known]
    for where, names in lists.items():
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{where} has {name!r} {count} times; give each a name of its own."


def _bundle(options: Mapping[str, Any]) -> Iterator[str]:
    uri = options.get("bundle_uri")
    if not uri:
        return
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?].*", uri):
        yield (
            f"parallelcluster_bundle_uri is {uri!r}; it must be s3://BUCKET/PREFIX, since the nodes may read what is "
            "below the prefix and no more."
        )
    if options.get("login_pools") and not options.get("policies"):
        yield (
            "parallelcluster_login_pools run the hooks of parallelcluster_bundle_uri, but ParallelCluster gives login "
            "nodes no access to S3; name a policy that reads the bundle in parallelcluster_policies."
        )


def _subnets(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("subnet_ids"):
        return
    lacking = [] if options["head_node"].get("subnet_id") else ["parallelcluster_head_node.subnet_id"]
    for pool in options.get("login_pools") or []:
        lacking += [] if pool.get("subnet_id") else [f"parallelcluster_login_pools[{pool['name']}].subnet_id"]
    for queue in options["queues"]:
        lacking += [] if queue.get("subnet_ids") else [f"parallelcluster_queues[{queue['name']}].subnet_ids"]
    for where in lacking:
        yield f"{where} is missing; set it, or parallelcluster_subnet_ids for all."


def _architecture(options: Mapping[str, Any], record: shape.Record) -> Iterator[str]:
    """One cluster has one: the head node builds what all nodes run."""
    mine = record(options["head_node"]["instance_type"])["arch"]
    for where, kind in _typed(options):
        theirs = record(kind)["arch"]
        if theirs != mine:
            yield (
                f"{where} is {kind}, which is {theirs}, but the head node is {mine}; ParallelCluster wants one "
                "architecture, so choose another type here or for the head node."
            )


def _queue(queue: Mapping[str, Any], where: str, options: Mapping[str, Any]) -> Iterator[str]:
    several = len(shape.subnets_of(queue, options)) > 1
    block = queue.get("capacity_type") == "capacity_block"
    if queue.get("placement_group") and several:
        yield f"{where}.placement_group cannot hold nodes of several subnets; name one subnet, or leave the group out."
    if queue.get("placement_group") and block:
        yield f"{where}.placement_group must not be set for a capacity block, which has its own place; leave it out."
    reservations = [(where, queue.get("capacity_reservation"))]
    reservations += [
        (f"{where}.nodes[{shape.name_of(node)}]", node.get("capacity_reservation")) for node in queue["nodes"]
    ]
    for place, reservation in reservations:
        if reservation and not _RESERVATION.fullmatch(reservation):
            yield (
                f"{place}.capacity_reservation is {reservation!r}; it must be the id of a reservation (cr-...) or the "
                "ARN of a resource group that holds some."
            )


def _node(
    node: Mapping[str, Any], queue: Mapping[str, Any], where: str, options: Mapping[str, Any], record: shape.Record
) -> Iterator[str]:
    several = len(shape.subnets_of(queue, options)) > 1
    types, efa = shape.types_of(node), shape.efa_of(node, several, record)
    rows = {one: record(one) for one in types}
    lowest, highest = node.get("min", 0), node.get("max", 10)
    if lowest > highest:
        yield f"{where} has min {lowest} and max {highest}; min can be at most max."
    for one, row in rows.items():
        if efa and not row["efa_interfaces"]:
            yield f"{where}.efa is true, but {one} has no EFA; leave efa out to use it where there is."
        if queue.get("public_ip") and (row["network_cards"] > 1 or efa):
            yield (
                f"{where}: {one} is launched with several network interfaces, to which EC2 gives no public address; "
                "leave public_ip out of the queue and use a private subnet."
            )
    if several and efa:
        yield f"{where}.efa is true, but EFA does not cross availability zones; name one subnet for the queue."
    if several and not node.get("instance_types"):
        yield (
            f"{where} names one instance_type, but ParallelCluster takes several subnets only with instance_types; "
            "name one subnet, or write the type as a list."
        )
    reservation = node.get("capacity_reservation") or queue.get("capacity_reservation")
    if queue.get("capacity_type") == "capacity_block":
        if not (reservation or "").startswith("cr-"):
            yield f"{where} is of a capacity block, so it needs capacity_reservation: the id of the block (cr-...)."
        if lowest != highest or not lowest:
            yield (
                f"{where} has min {lowest} and max {highest}; nodes of a capacity block are always on, so give both "
                "the same number above 0."
            )
    if node.get("instance_types") and (reservation or "").startswith("cr-"):
        yield (
            f"{where} has instance_types, but the reservation {reservation} is for one type; write instance_type, or "
            "name a resource group."
        )


def _storage(options: Mapping[str, Any]) -> Iterator[str]:
    for one in options.get("shared_storage") or []:
        if not one.get("id") and one["type"] in ("openzfs", "ontap", "file_cache"):
            yield (
                f"parallelcluster_shared_storage[{one['mount_dir']}].id is missing; ParallelCluster makes no "
                f"{one['type']}, so name one that exists."
            )
