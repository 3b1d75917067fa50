"""IAM's roles as CloudFormation makes them: moto's own keeps inline policies as Python writes dictionaries."""

from __future__ import annotations

import json
from typing import Any

from patches._cfn import client, resource


def settle(name: str, properties: dict[str, Any], before: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    iam = client("iam")
    inline = {one["PolicyName"]: one["PolicyDocument"] for one in properties.get("Policies", [])}
    for policy, document in inline.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    for one in before.get("Policies", []):
        if one["PolicyName"] not in inline:
            iam.delete_role_policy(RoleName=name, PolicyName=one["PolicyName"])
    managed, was = properties.get("ManagedPolicyArns", []), before.get("ManagedPolicyArns", [])
    for arn in managed:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in set(was) - set(managed):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    told = iam.get_role(RoleName=name)["Role"]
    return name, {"Arn": told["Arn"], "RoleId": told["RoleId"]}


def create(_: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    name = str(properties.get("RoleName", name))[:64]
    kept = {key: properties[key] for key in ("Path", "Description", "PermissionsBoundary", "Tags") if key in properties}
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    if "MaxSessionDuration" in properties:
        kept["MaxSessionDuration"] = int(properties["MaxSessionDuration"])
    client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust, **kept)
    return settle(name, properties, {})


def update(_: str, made: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    client("iam").update_assume_role_policy(RoleName=made.physical_resource_id, PolicyDocument=trust)
    return settle(made.physical_resource_id, properties, made.properties)


def remove(_: str, made: Any) -> None:
    iam, name = client("iam"), made.physical_resource_id
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def apply() -> None:
    resource("AWS::IAM::Role", create, remove, update)
