"""S3: CloudFormation's buckets get all of their properties and a policy; a request counts as one by TLS.

moto enforces a statement that denies whatever its condition says. Here a statement for requests without TLS concerns
nobody: the server stands for https.
"""

from __future__ import annotations

import json
from typing import Any

from moto.s3 import models
from patches._cfn import client, resource, typed

PLAIN = {"Bool": {"aws:SecureTransport": "false"}}


def settle(region: str, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    s3 = client("s3", region)
    for key, call, operation, argument in (
        ("BucketEncryption", "put_bucket_encryption", "PutBucketEncryption", "ServerSideEncryptionConfiguration"),
        ("PublicAccessBlockConfiguration", "put_public_access_block", "PutPublicAccessBlock", None),
        ("OwnershipControls", "put_bucket_ownership_controls", "PutBucketOwnershipControls", None),
        ("VersioningConfiguration", "put_bucket_versioning", "PutBucketVersioning", None),
    ):
        if key in properties:
            value = properties[key]
            if key == "BucketEncryption":
                value = {"Rules": rules(value["ServerSideEncryptionConfiguration"])}
            given = typed("s3", operation, {"Bucket": name, argument or key: value})
            getattr(s3, call)(**given)
    if "LifecycleConfiguration" in properties:
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": lifecycle(properties["LifecycleConfiguration"]["Rules"])}
        )
    tags = [one for one in properties.get("Tags", []) if not one["Key"].startswith("aws:")]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"}


def rules(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "ApplyServerSideEncryptionByDefault": one["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": one.get("BucketKeyEnabled", False),
        }
        for one in given
    ]


def lifecycle(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for one in given:
        told = {"ID": one["Id"], "Status": one["Status"], "Filter": {"Prefix": one.get("Prefix", "")}}
        for key in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            if key in one:
                told[key] = {name: int(value) for name, value in one[key].items()}
        if "ExpiredObjectDeleteMarker" in one:
            told["Expiration"] = {"ExpiredObjectDeleteMarker": str(one["ExpiredObjectDeleteMarker"]).lower() == "true"}
        found.append(told)
    return found


def apply() -> None:
    def create(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
        name = properties.get("BucketName") or name.lower()
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client("s3", region).create_bucket(Bucket=name, **place)
        return settle(region, name, properties)

    def remove(region: str, made: Any) -> None:
        """What is gone is gone: CloudFormation is content with that. A bucket that holds something stays."""
        s3 = client("s3", region)
        if made.physical_resource_id in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
            s3.delete_bucket(Bucket=made.physical_resource_id)

    def put(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
        document = json.dumps(properties["PolicyDocument"])
        client("s3", region).put_bucket_policy(Bucket=properties["Bucket"], Policy=document)
        return name, {}

    resource(
        "AWS::S3::Bucket",
        create,
        remove,
        lambda region, made, properties: settle(region, made.physical_resource_id, properties),
    )

    def replace(region: str, made: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return put(region, properties, made.physical_resource_id)

    resource("AWS::S3::BucketPolicy", put, None, replace)

    plain = models.FakeBucket.get_permission

    def get_permission(self: Any, action: str, resource: str) -> Any:
        whole = self.policy
        if whole is not None:
            told = json.loads(whole)
            statements = told["Statement"] if isinstance(told["Statement"], list) else [told["Statement"]]
            told["Statement"] = [one for one in statements if one.get("Condition") != PLAIN]
            self.policy = json.dumps(told).encode()
        try:
            return plain(self, action, resource)
        finally:
            self.policy = whole

    models.FakeBucket.get_permission = get_permission  # type: ignore[method-assign]
