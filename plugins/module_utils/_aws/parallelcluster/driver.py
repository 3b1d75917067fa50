# Private to awsome.training: its API may change without notice.
"""Asks aws-parallelcluster, in the Python that has it. api.py runs this file's text there, without our collection.

Each line of stdin is a request as JSON, each line of stdout its answer: to import the package takes seconds, so one
process answers all. {"ask": "judge"} reads a configuration by the package's own schema and by those of its validators
that need no AWS; {"ask": "call"} calls a function of pcluster.lib. A request that the package refuses is an answer,
too: {"code": 400, "content": {...}}, as its API would say it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any


def judge(name: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """Every fault of a configuration that can be found without AWS."""
    before = dict(os.environ)
    # The schema looks reservations up, for nothing that matters here; it shall find nobody, at once.
    os.environ.update(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1", AWS_ACCESS_KEY_ID="none")
    os.environ.update(AWS_SECRET_ACCESS_KEY="none", AWS_EC2_METADATA_DISABLED="true")
    os.environ.pop("AWS_PROFILE", None)
    os.environ["AWS_DEFAULT_REGION"] = configuration.get("Region") or "us-east-1"
    try:
        return {"faults": judged(name, configuration)}
    finally:
        os.environ.clear()
        os.environ.update(before)


def judged(name: str, configuration: dict[str, Any]) -> list[str]:
    schema = importlib.import_module("pcluster.schemas.cluster_schema").ClusterSchema(cluster_name=name)
    invalid = importlib.import_module("marshmallow").ValidationError
    try:
        loaded = schema.load(configuration)
    except invalid as error:
        return sorted(flat(error.messages, configuration))
    return list(offline(name, loaded))


def flat(messages: Any, at: Any, path: str = "") -> Iterator[str]:
    """marshmallow's nested messages as one sentence each; members of a list are called by their names."""
    if isinstance(messages, dict):
        for key, value in messages.items():
            below: Any = None
            if isinstance(key, int) and isinstance(at, list) and key < len(at):
                below = at[key]
                named = below.get("Name", key) if isinstance(below, dict) else key
                yield from flat(value, below, f"{path}[{named}]")
            elif key == "_schema":
                yield from flat(value, at, path)
            else:
                below = at.get(key) if isinstance(at, dict) else None
                yield from flat(value, below, f"{path}.{key}" if path else str(key))
    elif isinstance(messages, list):
        for message in messages:
            yield from flat(message, at, path)
    else:
        value = "" if at is None or isinstance(at, (dict, list)) else f" (it is {at!r})"
        yield f"{path or 'the configuration'}: {str(messages).rstrip('.')}{value}."


def offline(name: str, loaded: Any) -> Iterator[str]:
    """What the package's validators say of names and numbers: its limits are asked for, not written down again."""
    constants = importlib.import_module("pcluster.constants")
    denied = importlib.import_module("pcluster.validators.slurm_settings_validator").SLURM_SETTINGS_DENY_LIST
    queues, pools = loaded.scheduling.queues, loaded.login_nodes.pools if loaded.login_nodes else []
    yield from told("cluster", "ClusterNameValidator", "the cluster's name", name=name, scheduling=loaded.scheduling)
    yield from told("cluster", "RegionValidator", "Region", region=loaded.region)
    yield from told("cluster", "OsCustomAmiValidator", "Image", os=loaded.image.os, custom_ami=loaded.image.custom_ami)
    for limit, what, many in (
        ("MAX_NUMBER_OF_QUEUES", "SlurmQueues", queues),
        (
            "MAX_NUMBER_OF_COMPUTE_RESOURCES_PER_CLUSTER",
            "ComputeResources",
            [r for q in queues for r in q.compute_resources],
        ),
        ("MAX_NUMBER_OF_LOGIN_NODE_POOLS", "Pools", pools),
    ):
        most = getattr(constants, limit)
        yield from told(
            "cluster", "MaxCountValidator", what, resources_length=len(many), max_length=most, resource_name=what
        )
    for pool in pools:
        yield from told("cluster", "NameValidator", f"LoginNodes.Pools[{pool.name}]", name=pool.name)
    for storage in loaded.shared_storage or []:
        where = f"SharedStorage[{storage.name}]"
        yield from told("cluster", "SharedStorageNameValidator", where, name=storage.name)
        yield from told("cluster", "SharedStorageMountDirValidator", where, mount_dir=storage.mount_dir)
    settings = loaded.scheduling.settings.custom_slurm_settings or []
    words = denied["SlurmConf"]["Global"] + (
        denied["SlurmConf"]["Accounting"] if loaded.scheduling.settings.database else []
    )
    yield from setting("SlurmSettings", "SLURM_CONF", settings, words)
    for queue in queues:
        yield from of_queue(queue, denied)


def of_queue(queue: Any, denied: Any) -> Iterator[str]:
    where = f"SlurmQueues[{queue.name}]"
    yield from told("cluster", "NameValidator", where, name=queue.name)
    yield from setting(where, "QUEUE", [queue.custom_slurm_settings or {}], denied["Queue"]["Global"])
    names = [resource.name for resource in queue.compute_resources]
    yield from told("cluster", "DuplicateNameValidator", where, name_list=names, resource_name="Compute resource")
    for resource in queue.compute_resources:
        place = f"{where}.ComputeResources[{resource.name}]"
        yield from told("cluster", "NameValidator", place, name=resource.name)
        counts = {"min_count": resource.min_count, "max_count": resource.max_count}
        yield from told("cluster", "ComputeResourceSizeValidator", place, **counts, capacity_type=queue.capacity_type)
        words = denied["ComputeResource"]["Global"]
        yield from setting(place, "COMPUTE_RESOURCE", [resource.custom_slurm_settings or {}], words)


def setting(where: str, level: str, settings: list[Any], words: list[str]) -> Iterator[str]:
    levels = importlib.import_module("pcluster.validators.slurm_settings_validator").CustomSlurmSettingLevel
    known = {"custom_settings": settings, "deny_list": words, "settings_level": levels[level]}
    yield from told("slurm_settings", "CustomSlurmSettingsValidator", where, **known)


def told(module: str, validator: str, where: str, **known: Any) -> Iterator[str]:
    found = (
        f"pcluster.validators.{module}_validators" if module == "cluster" else f"pcluster.validators.{module}_validator"
    )
    for failure in getattr(importlib.import_module(found), validator)().execute(**known):
        if failure.level.name == "ERROR":
            yield f"{where}: {failure.message}"


def call(operation: str, arguments: dict[str, Any], fleet_stopped: bool = False) -> dict[str, Any]:
    """Call a function of pcluster.lib. With `fleet_stopped`, its update policies judge as if the compute fleet were."""
    lib = importlib.import_module("pcluster.lib")
    refused = importlib.import_module("pcluster.api.errors").ParallelClusterApiException
    encoder = importlib.import_module("pcluster.api.encoder").JSONEncoder
    cluster = importlib.import_module("pcluster.models.cluster").Cluster
    asks = cluster.has_running_capacity
    if fleet_stopped:
        cluster.has_running_capacity = lambda self, updated_value=False: False
    try:
        return {"code": 200, "content": json.loads(encoder().encode(getattr(lib, operation)(**arguments)))}
    except refused as error:
        return {"code": error.code, "content": json.loads(encoder().encode(error.content))}
    finally:
        cluster.has_running_capacity = asks


def forget() -> None:
    """What the package remembers of AWS, as its own API forgets it before each request."""
    importlib.import_module("pcluster.aws.common").Cache.clear_all()
    importlib.import_module("pcluster.aws.aws_api").AWSApi.reset()


def answered(request: dict[str, Any]) -> dict[str, Any]:
    try:
        version = importlib.import_module("importlib.metadata").version("aws-parallelcluster")
        asked: Any = {"judge": judge, "call": call}[request.pop("ask")]
        forget()
        return {**asked(**request), "version": version}
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        return {"code": 500, "content": {"message": told}, "trouble": type(error).__name__}


def main() -> None:
    # What the package and the programs it starts print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answered(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
