"""Batch: what CloudFormation may leave out, and multi-node job definitions.

AWS Batch API Reference: CreateComputeEnvironment takes the service-linked role where none is named, and the security
groups of the launch template where none are given; DescribeJobDefinitions tells nodeProperties.
"""

from __future__ import annotations

import contextlib
from typing import Any

from moto.batch.models import BatchBackend, JobDefinition
from moto.batch.utils import lowercase_first_key
from patches import _cfn

SERVICE = "batch.amazonaws.com"


def apply() -> None:
    plain_create, plain_describe = BatchBackend.create_compute_environment, JobDefinition.describe

    def create_compute_environment(self: Any, *, compute_resources: Any, service_role: str, **told: Any) -> Any:
        if template := compute_resources.get("launchTemplate"):
            [launch] = self.ec2_backend.describe_launch_templates(template_ids=[template["launchTemplateId"]])
            cards = launch.latest_version().data.get("NetworkInterfaces", [])
            compute_resources.setdefault("securityGroupIds", cards[0]["Groups"] if cards else [])
        role = service_role or linked_role(self)
        return plain_create(self, compute_resources=compute_resources, service_role=role, **told)

    def describe(self: Any) -> dict[str, Any]:
        told = plain_describe(self)
        return {**told, "nodeProperties": self.node_properties} if self.node_properties else told

    BatchBackend.create_compute_environment = create_compute_environment  # type: ignore[method-assign]
    JobDefinition.describe = describe  # type: ignore[method-assign]
    _cfn.resource("AWS::Batch::ComputeEnvironment", create_environment, remove_environment)
    _cfn.resource("AWS::Batch::JobQueue", create_queue, remove_queue)
    _cfn.resource("AWS::Batch::JobDefinition", create_definition, remove_definition)


def linked_role(backend: Any) -> str:
    iam = backend.iam_backend
    with contextlib.suppress(Exception):
        iam.create_service_linked_role(SERVICE, "", "")
    return next(role.arn for role in iam.get_roles() if SERVICE in role.assume_role_policy_document)


def create_environment(region: str, told: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    given = lowercase_first_key(told)
    made = _cfn.client("batch", region).create_compute_environment(
        computeEnvironmentName=name,
        type=given["type"],
        state=given["state"],
        computeResources={
            key: one for key, one in given["computeResources"].items() if key != "updateToLatestImageVersion"
        },
    )
    return made["computeEnvironmentArn"], {"ComputeEnvironmentArn": made["computeEnvironmentArn"]}


def remove_environment(region: str, made: Any) -> None:
    batch = _cfn.client("batch", region)
    batch.update_compute_environment(computeEnvironment=made.physical_resource_id, state="DISABLED")
    batch.delete_compute_environment(computeEnvironment=made.physical_resource_id)


def create_queue(region: str, told: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    given = {key: one for key, one in lowercase_first_key(told).items() if key != "tags"}
    made = _cfn.client("batch", region).create_job_queue(**given)
    return made["jobQueueArn"], {"JobQueueArn": made["jobQueueArn"]}


def remove_queue(region: str, made: Any) -> None:
    batch = _cfn.client("batch", region)
    batch.update_job_queue(jobQueue=made.physical_resource_id, state="DISABLED")
    batch.delete_job_queue(jobQueue=made.physical_resource_id)


def create_definition(region: str, told: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    given = {key: one for key, one in lowercase_first_key(told).items() if key != "tags"}
    made = _cfn.client("batch", region).register_job_definition(**given)
    return made["jobDefinitionArn"], {"JobDefinitionArn": made["jobDefinitionArn"]}


def remove_definition(region: str, made: Any) -> None:
    _cfn.client("batch", region).deregister_job_definition(jobDefinition=made.physical_resource_id)
