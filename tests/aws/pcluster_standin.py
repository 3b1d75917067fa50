"""A Python with aws-parallelcluster in which one thing is played: what CloudFormation makes of the cluster.

Run as `pcluster_standin.py -c SOURCE`, in place of a Python. Schema, validators, API, update policies and the calls of
AWS are the package's own, against moto. Its CDK template is replaced by the few resources that the package asks for
later, and the head node's daemon, which starts and stops the compute fleet, by a line in DynamoDB.

PCLUSTER_STANDIN_FAILS=REASON lets the creation of the cluster fail, as a head node tells CloudFormation.
PCLUSTER_STANDIN_TEMPLATE=PATH writes the package's own template there, before the small one is used.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

TAG = "parallelcluster:"


def template(config: Any, directory: str, name: str) -> dict[str, Any]:
    """The parameters by which the package finds its own files, and the resources that it looks up by name."""
    head = config.head_node
    told = {
        "Scheduler": "slurm",
        "ClusterUser": "ubuntu",
        "ResourcesS3Bucket": config.custom_s3_bucket,
        "ArtifactS3RootDirectory": directory,
        "ConfigVersion": config.original_config_version,
        "ClusterCWLogGroup": f"/aws/parallelcluster/{name}-202601010000",
        "OfficialAmi": config.official_ami,
    }
    group = {"GroupDescription": name, "VpcId": config.vpc_id}
    tags = {f"{TAG}cluster-name": name, f"{TAG}node-type": "HeadNode"}
    made: dict[str, Any] = {
        "Parameters": {key: {"Type": "String", "Default": value} for key, value in told.items()},
        "Resources": {
            "HeadNodeSecurityGroup": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
            "ComputeSecurityGroup": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
            "HeadNode": {
                "Type": "AWS::EC2::Instance",
                "Properties": {
                    "ImageId": config.head_node_ami,
                    "InstanceType": head.instance_type,
                    "SubnetId": head.networking.subnet_id,
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                },
            },
            "DynamoDBTable": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": f"parallelcluster-{name}",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
                },
            },
        },
    }
    if reason := os.environ.get("PCLUSTER_STANDIN_FAILS"):
        wait = {"LogicalId": "HeadNodeWaitCondition20260101", "Type": "AWS::CloudFormation::WaitCondition"}
        made["Metadata"] = {"StandIn::Fails": {**wait, "Reason": reason}}
    return made


class Builder:
    real: Any = None

    def build_cluster_template(self, cluster_config: Any, bucket: Any, stack_name: str, **_: Any) -> tuple[Any, None]:
        if path := os.environ.get("PCLUSTER_STANDIN_TEMPLATE"):
            whole, _assets = self.real().build_cluster_template(cluster_config, bucket, stack_name)
            Path(path).write_text(json.dumps(whole))
        return template(cluster_config, bucket.artifact_directory, stack_name), None


def obey(name: str) -> None:
    """The head node's part: the fleet runs at first, and does what it was told."""
    import boto3

    client = boto3.client("dynamodb")
    table = f"parallelcluster-{name}"
    if table not in client.list_tables()["TableNames"]:
        return
    fleet = boto3.resource("dynamodb").Table(table)
    item = fleet.get_item(Key={"Id": "COMPUTE_FLEET"}).get("Item") or {"Id": "COMPUTE_FLEET", "Data": {}}
    next_status = {"STOP_REQUESTED": "STOPPED", "START_REQUESTED": "RUNNING", None: "RUNNING"}
    status = item["Data"].get("status")
    if status in next_status:
        fleet.put_item(Item={**item, "Data": {"status": next_status[status], "lastStatusUpdatedTime": "2026-01-01"}})


def main() -> None:
    driver: dict[str, Any] = {"__name__": "driver"}
    exec(compile(sys.argv[2], "driver", "exec"), driver)
    call = driver["call"]

    def played(operation: str, arguments: dict[str, Any], fleet_stopped: bool = False) -> Any:
        cluster = importlib.import_module("pcluster.models.cluster")
        if cluster.CDKTemplateBuilder is not Builder:
            Builder.real, cluster.CDKTemplateBuilder = cluster.CDKTemplateBuilder, Builder
        if "PCLUSTER_STANDIN_TEMPLATE" not in os.environ:
            cluster.start_cdk_import = lambda: None
        obey(arguments["cluster_name"])
        return call(operation, arguments, fleet_stopped)

    driver["call"] = played
    driver["main"]()


if __name__ == "__main__":
    main()
