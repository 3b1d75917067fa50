"""The server itself: what it writes down of each protocol, and that it refuses when told to."""

from __future__ import annotations

import pytest
from aws.harness import Aws
from botocore.exceptions import ClientError


def test_requests_are_written_down_whatever_their_protocol(aws: Aws) -> None:
    aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    aws.client("sagemaker").list_clusters(MaxResults=7)
    aws.client("s3").create_bucket(Bucket="some-bucket")
    aws.client("s3").put_bucket_versioning(Bucket="some-bucket", VersioningConfiguration={"Status": "Enabled"})
    aws.client("s3").put_object(Bucket="some-bucket", Key="a/b", Body=b"123")
    aws.client("eks").list_clusters(maxResults=5)
    assert [(one["service"], one["action"], one["status"]) for one in aws.requests] == [
        ("ec2", "CreateVpc", 200),
        ("sagemaker", "ListClusters", 200),
        ("s3", "CreateBucket", 200),
        ("s3", "PutBucketVersioning", 200),
        ("s3", "PutObject", 200),
        ("eks", "ListClusters", 200),
    ]
    assert aws.asked("CreateVpc")[0]["CidrBlock"] == "10.0.0.0/16"
    assert aws.asked("PutObject")[0]["Key"] == "a/b"
    assert aws.asked("ListClusters") == [{"MaxResults": 7}, {"maxResults": "5"}]


def test_a_reset_forgets_all(aws: Aws) -> None:
    aws.refuse("ListClusters")
    aws.client("s3").create_bucket(Bucket="some-bucket")
    aws.reset()
    assert aws.requests == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    aws.client("sagemaker").list_clusters()


@pytest.mark.parametrize(
    ("service", "action"), [("sagemaker", "list_clusters"), ("ec2", "describe_vpcs"), ("eks", "list_clusters")]
)
def test_it_throttles(aws: Aws, service: str, action: str) -> None:
    client, name = aws.client(service), "".join(word.capitalize() for word in action.split("_"))
    aws.refuse(name, times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            getattr(client, action)()
        assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    getattr(client, action)()
    assert [one["status"] for one in aws.requests] == [400, 400, 200]


def test_managed_policies_are_there(aws: Aws) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert aws.client("iam").get_policy(PolicyArn=arn)["Policy"]["PolicyName"] == "AmazonSSMManagedInstanceCore"
