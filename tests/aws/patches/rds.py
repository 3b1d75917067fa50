"""RDS and Secrets Manager as CloudFormation uses them: clusters, instances, and passwords that are made up."""

from __future__ import annotations

import json
from typing import Any

from moto.rds import models
from patches._cfn import client, resource, typed


def secret(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    manager, told = client("secretsmanager", region), properties.get("GenerateSecretString")
    if told is None:
        arn = manager.create_secret(**typed("secretsmanager", "CreateSecret", {"Name": name, **properties}))["ARN"]
        return arn, {"Id": arn}
    word = manager.get_random_password(**typed("secretsmanager", "GetRandomPassword", told))["RandomPassword"]
    held = {**json.loads(told.get("SecretStringTemplate", "{}")), told["GenerateStringKey"]: word}
    given = typed("secretsmanager", "CreateSecret", {"Name": name, **properties})
    arn = manager.create_secret(**given, SecretString=json.dumps(held))["ARN"]
    return arn, {"Id": arn}


def attach(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    """Adds where the database is, as the secret's structure for RDS has it."""
    manager, ident = client("secretsmanager", region), properties["SecretId"]
    held = json.loads(manager.get_secret_value(SecretId=ident)["SecretString"])
    rds, target = client("rds", region), properties["TargetId"]
    if properties["TargetType"] == "AWS::RDS::DBCluster":
        there = rds.describe_db_clusters(DBClusterIdentifier=target)["DBClusters"][0]
        held |= {"host": there["Endpoint"], "port": there["Port"], "engine": "mysql", "dbClusterIdentifier": target}
    else:
        there = rds.describe_db_instances(DBInstanceIdentifier=target)["DBInstances"][0]
        place = there["Endpoint"]
        held |= {"host": place["Address"], "port": place["Port"], "engine": "mariadb", "dbInstanceIdentifier": target}
    manager.put_secret_value(SecretId=ident, SecretString=json.dumps(held))
    return ident, {}


def cluster(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    given = typed("rds", "CreateDBCluster", {"DBClusterIdentifier": name.lower(), **properties})
    told = client("rds", region).create_db_cluster(**given)["DBCluster"]
    return told["DBClusterIdentifier"], {"Endpoint.Address": told["Endpoint"], "Endpoint.Port": told["Port"]}


def instance(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    renamed = {"VpcSecurityGroupIds": properties.get("VPCSecurityGroups", []), "DBInstanceIdentifier": name.lower()}
    given = typed("rds", "CreateDBInstance", {**renamed, **properties})
    told = client("rds", region).create_db_instance(**given)["DBInstance"]
    return told["DBInstanceIdentifier"], {
        "Endpoint.Address": told["Endpoint"]["Address"],
        "Endpoint.Port": told["Endpoint"]["Port"],
    }


def subnet_group(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    given = typed("rds", "CreateDBSubnetGroup", {"DBSubnetGroupName": name.lower(), **properties})
    return client("rds", region).create_db_subnet_group(**given)["DBSubnetGroup"]["DBSubnetGroupName"], {}


def changed(call: str, operation: str, key: str) -> Any:
    def update(region: str, made: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        given = typed("rds", operation, {name: properties[name] for name in properties if name != "MasterUserPassword"})
        getattr(client("rds", region), call)(**{**given, key: made.physical_resource_id, "ApplyImmediately": True})
        return made.physical_resource_id, made.attributes

    return update


def gone(call: str, key: str, kind: str) -> Any:
    """With a last snapshot, as the policy Snapshot has it."""

    def remove(region: str, made: Any) -> None:
        ident = made.physical_resource_id
        last = kind and "DBClusterIdentifier" not in made.properties
        more = {"FinalDBSnapshotIdentifier": f"{ident}-last", "SkipFinalSnapshot": False}
        getattr(client("rds", region), call)(
            **{key: ident}, **(more if last else {"SkipFinalSnapshot": True} if kind else {})
        )

    return remove


def apply() -> None:
    # RDS has a default for each engine. What it is here means nothing.
    models.DBInstance.default_engine_versions.setdefault("mariadb", "0")
    resource(
        "AWS::SecretsManager::Secret",
        secret,
        lambda region, made: client("secretsmanager", region).delete_secret(SecretId=made.physical_resource_id),
    )
    resource("AWS::SecretsManager::SecretTargetAttachment", attach)
    resource(
        "AWS::RDS::DBCluster",
        cluster,
        gone("delete_db_cluster", "DBClusterIdentifier", "cluster"),
        changed("modify_db_cluster", "ModifyDBCluster", "DBClusterIdentifier"),
    )
    resource(
        "AWS::RDS::DBInstance",
        instance,
        gone("delete_db_instance", "DBInstanceIdentifier", "instance"),
        changed("modify_db_instance", "ModifyDBInstance", "DBInstanceIdentifier"),
    )
    resource("AWS::RDS::DBSubnetGroup", subnet_group, gone("delete_db_subnet_group", "DBSubnetGroupName", ""))
