"""Role storage, deployed to moto by its playbook and read back from S3, FSx and EC2."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import storage as judge
from aws.harness import Aws, Played

OPTIONS: dict[str, Any] = {"cluster_name": "a", "aws_region": "us-east-1"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
BUCKET = "sagemaker-a-123456789012-us-east-1"


def network(aws: Aws) -> dict[str, str]:
    """A network, and the stack by which the playbook finds it."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    outputs = {"VpcId": vpc, "PrivateSubnetIds": f"{subnet},subnet-2", "SecurityGroupId": group}
    told = {
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    aws.client("cloudformation").create_stack(StackName="a-network", TemplateBody=json.dumps(told))
    return {"subnet": subnet, "group": group}


@pytest.fixture(scope="module")
def storage(aws_server: Aws) -> Iterator[tuple[Aws, dict[str, Any], Played]]:
    """A bucket, Lustre with EFA and a linked prefix, and OpenZFS."""
    aws_server.reset()
    link = {"url": f"s3://{BUCKET}/data", "path": "/data"}
    efa = {
        "storage_lustre_efa": True,
        "storage_lustre_throughput_mbps_per_tib": 1000,
        "storage_lustre_capacity_gib": 4800,
    }
    more = {"storage_openzfs_capacity_gib": 256, "storage_lustre_data_repository": link}
    there, options = network(aws_server), {**OPTIONS, **efa, **more}
    done = aws_server.playbook("storage", **options)
    assert done.returncode == 0, done.stdout[-6000:]
    yield aws_server, {**options, "there": there}, done


def test_it_leaves_what_it_made(storage: Any) -> None:
    aws, _, done = storage
    outputs = done.outputs["storage"]
    there = {one["FileSystemType"]: one for one in aws.client("fsx").describe_file_systems()["FileSystems"]}
    assert outputs == {
        "bucket": BUCKET,
        "lustre_id": there["LUSTRE"]["FileSystemId"],
        "lustre_dns_name": f"{there['LUSTRE']['FileSystemId']}.fsx.us-east-1.amazonaws.com",
        "lustre_mount_name": there["LUSTRE"]["LustreConfiguration"]["MountName"],
        "openzfs_id": there["OPENZFS"]["FileSystemId"],
        "openzfs_dns_name": there["OPENZFS"]["DNSName"],
        "openzfs_volume_path": "/fsx",
        "openzfs_volume_id": there["OPENZFS"]["OpenZFSConfiguration"]["RootVolumeId"],
    }


def test_the_bucket_is_private_encrypted_and_versioned(storage: Any) -> None:
    s3 = storage[0].client("s3")
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rules = {one["ID"]: one for one in s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]}
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]


def test_lustre_is_as_fast_as_was_asked_and_reached_by_efa(storage: Any) -> None:
    aws, options, _ = storage
    (asked, _) = aws.asked("CreateFileSystem")
    assert asked["StorageCapacity"] == 4800 and asked["SubnetIds"] == [options["there"]["subnet"]]
    lustre = asked["LustreConfiguration"]
    assert lustre["DeploymentType"] == "PERSISTENT_2" and lustre["PerUnitStorageThroughput"] == 1000
    assert lustre["EfaEnabled"] is True and lustre["MetadataConfiguration"] == {"Mode": "AUTOMATIC"}
    (link,) = aws.asked("CreateDataRepositoryAssociation")
    assert (link["DataRepositoryPath"], link["FileSystemPath"]) == (f"s3://{BUCKET}/data", "/data")


def test_only_machines_mount(storage: Any) -> None:
    """Of what may come in, nothing is an address; and EFA's rules name the groups on both sides."""
    aws, options, _ = storage
    machines, ec2 = options["there"]["group"], aws.client("ec2")
    for asked in aws.asked("CreateFileSystem"):
        (ident,) = asked["SecurityGroupIds"]
        (group,) = ec2.describe_security_groups(GroupIds=[ident])["SecurityGroups"]
        assert not any(rule["IpRanges"] or rule["Ipv6Ranges"] for rule in group["IpPermissions"])
        sources = {pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]}
        assert sources <= {machines, ident} and machines in sources
        if asked["FileSystemType"] == "LUSTRE":
            for direction in ("IpPermissions", "IpPermissionsEgress"):
                whole = [rule for rule in group[direction] if rule["IpProtocol"] == "-1"]
                assert {pair["GroupId"] for rule in whole for pair in rule["UserIdGroupPairs"]} == {machines, ident}
        else:
            ports = {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"]}
            assert ("tcp", 2049, 2049) in ports and ("tcp", 20001, 20003) in ports


def test_data_is_kept_until_one_says_otherwise(storage: Any) -> None:
    aws, options, first = storage
    again = aws.playbook("storage", **{key: value for key, value in options.items() if key != "there"})
    assert again.returncode == 0 and again.changed == 0, again.stdout[-6000:]
    refused = aws.playbook("storage", **OPTIONS, storage_state="absent")
    assert refused.returncode != 0
    ids = ", ".join(first.outputs["storage"][key] for key in ("bucket", "lustre_id", "openzfs_id"))
    assert f"storage_state is absent, and the stack a-storage holds data: {ids}. Set storage_retained" in refused.told
    assert len(aws.client("fsx").describe_file_systems()["FileSystems"]) == 2
    aws.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"1")
    aws.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"2")
    gone = aws.playbook("storage", **OPTIONS, storage_state="absent", storage_retained=False)
    assert gone.returncode == 0, gone.stdout[-6000:]
    assert set(gone.outputs["storage"].values()) == {None}
    assert aws.client("fsx").describe_file_systems()["FileSystems"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(("lustre", "openzfs"), [(0, 0), (1200, 0), (0, 64)])
def test_what_is_not_asked_for_is_not_made(aws: Aws, lustre: int, openzfs: int) -> None:
    there = network(aws)
    outputs = aws.deploy(
        "roles/storage/files/storage.cfn.yml",
        ClusterName="a",
        Retained="true",
        KmsKeyArn=KEY,
        BucketName="sagemaker-mine",
        OldVersionDays=7,
        VpcId=aws.client("ec2").describe_subnets(SubnetIds=[there["subnet"]])["Subnets"][0]["VpcId"],
        SubnetId=there["subnet"],
        ClientSecurityGroupId=there["group"],
        LustreCapacity=lustre,
        LustreThroughput=125,
        LustreCompression="LZ4",
        LustreEfa="false",
        LustreBackupDays=0,
        OpenZfsCapacity=openzfs,
        OpenZfsThroughput=64,
        OpenZfsDeployment="SINGLE_AZ_HA_1",
        OpenZfsBackupDays=0,
    )
    kinds = [one["FileSystemType"] for one in aws.client("fsx").describe_file_systems()["FileSystems"]]
    assert kinds == ["LUSTRE"] * bool(lustre) + ["OPENZFS"] * bool(openzfs)
    assert ("LustreId" in outputs, "OpenzfsId" in outputs) == (bool(lustre), bool(openzfs))
    assert all(one["KmsKeyId"] == KEY and "EfaEnabled" not in json.dumps(one) for one in aws.asked("CreateFileSystem"))
    (rule,) = aws.client("s3").get_bucket_encryption(Bucket="sagemaker-mine")["ServerSideEncryptionConfiguration"][
        "Rules"
    ]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    aws.client("cloudformation").delete_stack(StackName="a")  # as by hand: the data stays
    assert len(aws.client("fsx").describe_file_systems()["FileSystems"]) == len(kinds)
    assert [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]] == ["sagemaker-mine"]


GOOD: dict[str, Any] = {
    "bucket_name": "sagemaker-a",
    "old_version_days": 30,
    "kms_key_arn": "",
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "security_group_id": "sg-1",
    "lustre_capacity_gib": 1200,
    "lustre_throughput_mbps_per_tib": 250,
    "lustre_efa": False,
    "lustre_backup_days": 0,
    "lustre_data_repository": {},
    "openzfs_capacity_gib": 256,
    "openzfs_deployment": "SINGLE_AZ_HA_2",
    "openzfs_throughput_mbps": 160,
    "openzfs_backup_days": 7,
}


@pytest.mark.parametrize("capacity", [0, 1200, 2400, 4800, 100800])
def test_lustre_has_these_sizes(capacity: int) -> None:
    assert judge.faults({**GOOD, "lustre_capacity_gib": capacity}) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"bucket_name": "Mine_"},
            "storage_bucket_name is 'Mine_'; a bucket's name has 3 to 63 small letters, digits and",
        ),
        (
            {"bucket_name": "a" * 64},
            "; a bucket's name has 3 to 63 small letters, digits and hyphens, and begins and ends",
        ),
        ({"old_version_days": 0}, "storage_old_version_days is 0; give 1 or more."),
        ({"kms_key_arn": "alias/x"}, "storage_kms_key_arn is 'alias/x'; give the ARN of a key, arn:aws:kms:REGION:"),
        (
            {"vpc_id": "", "subnet_id": ""},
            "File systems need storage_vpc_id, storage_subnet_id; run role network first",
        ),
        (
            {"lustre_capacity_gib": 2000},
            "storage_lustre_capacity_gib is 2000; FSx has 1200 GiB and multiples of 2400 GiB. The next is 2400.",
        ),
        ({"lustre_capacity_gib": 3600}, "The next is 4800."),
        (
            {"lustre_throughput_mbps_per_tib": 200},
            "storage_lustre_throughput_mbps_per_tib is 200; PERSISTENT_2 has 125, 250, 500, 1000.",
        ),
        (
            {"lustre_efa": True},
            "is 1200; with EFA at 250 MB/s for each TiB, FSx has multiples of 19200 GiB. The next is 19200.",
        ),
        (
            {"lustre_efa": True, "lustre_capacity_gib": 0},
            "storage_lustre_efa is true without a Lustre file system; set",
        ),
        ({"lustre_backup_days": 91}, "storage_lustre_backup_days is 91; FSx keeps backups 0 to 90 days."),
        (
            {"lustre_data_repository": {"url": "bucket", "path": "data"}},
            "has the url 'bucket'; give s3://BUCKET/PREFIX.",
        ),
        ({"lustre_data_repository": {"url": "bucket", "path": "data"}}, "has the path 'data'; give one such as /data."),
        (
            {"lustre_data_repository": {"url": "s3://mine/x", "path": "/x"}, "lustre_backup_days": 7},
            "storage_lustre_backup_days is 7 beside storage_lustre_data_repository; FSx backs up no linked file",
        ),
        ({"openzfs_capacity_gib": 10}, "storage_openzfs_capacity_gib is 10; FSx has 64 to 524288 GiB."),
        ({"openzfs_throughput_mbps": 64}, "storage_openzfs_throughput_mbps is 64; SINGLE_AZ_HA_2 has 160, 320, 640,"),
        (
            {"openzfs_deployment": "MULTI"},
            "storage_openzfs_deployment is 'MULTI'; give one of SINGLE_AZ_1, SINGLE_AZ_HA_1,",
        ),
        ({"openzfs_backup_days": -1}, "storage_openzfs_backup_days is -1; FSx keeps backups 0 to 90 days."),
    ],
)
def test_a_fault_is_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    found = judge.faults({**GOOD, **changed})
    assert any(sentence in one for one in found), found


def test_all_faults_are_told_at_once() -> None:
    assert len(judge.faults({**GOOD, "bucket_name": "", "lustre_capacity_gib": 1, "openzfs_capacity_gib": 1})) == 3
