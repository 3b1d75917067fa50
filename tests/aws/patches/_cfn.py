"""Teach moto's CloudFormation a type of resource: an object that calls the service's own API."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from moto.core.common_models import CloudFormationModel

# Type of resource -> its class; patches/cloudformation.py looks here first.
TYPES: dict[str, type[CloudFormationModel]] = {}


@functools.cache
def client(service: str, region: str = "us-east-1") -> Any:
    """Of this very server. Its requests are in the log, as what CloudFormation would ask."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{sys.argv[1]}",
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def typed(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Of CloudFormation's properties, those that the operation takes, in its types: parameters arrive as text."""
    return _typed(_model(service).operation_model(operation).input_shape, properties)  # type: ignore[no-any-return]


def _typed(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        return {key: _typed(shape.members[key], one) for key, one in value.items() if key in shape.members}
    if shape.type_name == "list":
        return [_typed(shape.member, one) for one in value]
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name in ("float", "double"):
        return float(value)
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    return str(value) if shape.type_name == "string" else value


def stack_tags(account_id: str, region: str, told: dict[str, Any]) -> list[dict[str, str]]:
    from moto.cloudformation.models import cloudformation_backends

    tags = cloudformation_backends[account_id][region].get_stack(told["StackId"]).tags
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Made(CloudFormationModel):
    """A resource: its id, what GetAtt may ask, and the properties it was made with."""

    create: Callable[..., tuple[str, dict[str, Any]]]
    update: Callable[..., tuple[str, dict[str, Any]]] | None
    remove: Callable[..., Any] | None

    def __init__(self, physical_resource_id: str, attributes: dict[str, Any], properties: dict[str, Any]) -> None:
        self.physical_resource_id, self.attributes, self.properties = physical_resource_id, attributes, properties

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, name: str) -> Any:
        return self.attributes[name]

    @classmethod
    def create_from_cloudformation_json(  # type: ignore[misc]
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Any:
        properties = dict(cloudformation_json["Properties"])
        given = {**properties, "Tags": properties.get("Tags", []) + stack_tags(account_id, region_name, kwargs)}
        ident, attributes = cls.create(region_name, given, resource_name)
        return cls(ident, attributes, properties)

    @classmethod
    def update_from_cloudformation_json(  # type: ignore[misc]
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        properties = dict(cloudformation_json["Properties"])
        if properties == original_resource.properties:
            original_resource.cf_resource_type = cloudformation_json["Type"]
            return original_resource
        if cls.update is None:
            raise NotImplementedError(f"the stand-in cannot update a resource of type {cloudformation_json['Type']}")
        ident, attributes = cls.update(region_name, original_resource, properties)
        return cls(ident, attributes, properties)

    def delete(self, account_id: str, region_name: str) -> None:
        if type(self).remove is not None:
            type(self).remove(region_name, self)


def resource(
    cloudformation_type: str,
    create: Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]],
    remove: Callable[[str, Any], Any] | None = None,
    update: Callable[[str, Any, dict[str, Any]], tuple[str, dict[str, Any]]] | None = None,
) -> None:
    """create(region, properties with the stack's tags, a generated name) -> id, attributes; remove(region, made)."""
    members: dict[str, Any] = {
        "create": staticmethod(create),
        "update": staticmethod(update) if update else None,
        "remove": staticmethod(remove) if remove else None,
    }
    TYPES[cloudformation_type] = type(cloudformation_type.replace("::", ""), (Made,), members)
