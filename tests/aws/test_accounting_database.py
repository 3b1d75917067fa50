"""Role accounting_database, deployed to moto by its playbook and read back from RDS and Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import accounting_database as judge
from aws.harness import Aws, Played

NAME = "accounting_database"


def play(aws: Aws, network: dict[str, Any], *arguments: str, **options: Any) -> Played:
    told = {f"{NAME}_{key}": value for key, value in {**network, **options}.items()}
    return aws.playbook(NAME, *arguments, cluster_name="a", aws_region="us-east-1", **told)


def made_by_others(aws: Aws) -> dict[str, Any]:
    """What role network would have left."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]
        for at, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return {"vpc_id": vpc, "subnet_ids": [one["SubnetId"] for one in subnets], "security_group_id": group}


@pytest.fixture(scope="module")
def database(aws_server: Aws) -> Iterator[tuple[Aws, dict[str, Any], Played]]:
    """An Aurora cluster, which the tests of this module read."""
    aws_server.reset()
    network = made_by_others(aws_server)
    done = play(aws_server, network, standby=True)
    assert done.returncode == 0, done.stdout[-6000:]
    yield aws_server, network, done


def test_aurora_is_encrypted_and_private(database: Any) -> None:
    aws, _, done = database
    rds = aws.client("rds")
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    assert done.outputs[NAME]["endpoint"] == cluster["Endpoint"] and done.outputs[NAME]["port"] == 3306
    assert (cluster["Engine"], cluster["DatabaseName"], cluster["MasterUsername"]) == (
        "aurora-mysql",
        "slurm_acct_db",
        "slurm",
    )
    assert cluster["StorageEncrypted"] and cluster["DeletionProtection"] and cluster["BackupRetentionPeriod"] == 7
    assert cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4.0}
    instances = rds.describe_db_instances()["DBInstances"]
    assert len(instances) == 2 and not any(one["PubliclyAccessible"] for one in instances)
    assert {one["DBInstanceClass"] for one in instances} == {"db.serverless"}


def test_only_machines_connect(database: Any) -> None:
    aws, network, done = database
    ident = done.outputs[NAME]["security_group_id"]
    (group,) = aws.client("ec2").describe_security_groups(GroupIds=[ident])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"]) == (3306, 3306, [])
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [network["security_group_id"]]
    assert [one["CidrIp"] for rule in group["IpPermissionsEgress"] for one in rule["IpRanges"]] == ["127.0.0.1/32"]


def test_the_password_is_in_the_secret_and_nowhere_else(database: Any) -> None:
    aws, _, done = database
    arn = done.outputs[NAME]["secret_arn"]
    held = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    assert held["username"] == "slurm" and len(held["password"]) == 40 and held["password"].isalnum()
    assert (held["host"], held["port"]) == (done.outputs[NAME]["endpoint"], 3306)
    assert held["password"] not in done.stdout
    assert held["password"] not in json.dumps(aws.asked("CreateStack"))
    (asked,) = aws.asked("CreateDBCluster")
    assert asked["MasterUserPassword"] == held["password"]


def test_records_are_kept_until_one_says_otherwise(database: Any) -> None:
    aws, network, _ = database
    again = play(aws, network, standby=True)
    assert again.returncode == 0 and again.changed == 0, again.stdout[-6000:]
    refused = play(aws, {}, state="absent")
    assert refused.returncode != 0 and "is protected. Set accounting_database_protected to false" in refused.told
    gone = play(aws, {}, state="absent", protected=False)
    assert gone.returncode == 0 and gone.outputs[NAME] == {}, gone.stdout[-6000:]
    rds = aws.client("rds")
    assert rds.describe_db_clusters()["DBClusters"] == rds.describe_db_instances()["DBInstances"] == []
    (last,) = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert last["DBClusterSnapshotIdentifier"].endswith("-last")


def test_mariadb_is_an_instance(aws: Aws) -> None:
    done = play(aws, made_by_others(aws), engine="mariadb")
    assert done.returncode == 0, done.stdout[-6000:]
    (instance,) = aws.client("rds").describe_db_instances()["DBInstances"]
    assert (instance["Engine"], instance["DBInstanceClass"], instance["AllocatedStorage"]) == (
        "mariadb",
        "db.m6g.large",
        20,
    )
    assert instance["StorageEncrypted"] and not instance["PubliclyAccessible"] and instance["DeletionProtection"]
    assert done.outputs[NAME]["endpoint"] == instance["Endpoint"]["Address"]


GOOD: dict[str, Any] = {
    "engine": "aurora",
    "vpc_id": "vpc-1",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "security_group_id": "sg-1",
    "name": "slurm_acct_db",
    "username": "slurm",
    "min_acu": 0.5,
    "max_acu": 4.0,
    "instance_class": "db.m6g.large",
    "storage_gib": 20,
    "backup_days": 7,
}
MARIADB = {"engine": "mariadb"}


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert judge.faults(GOOD) == judge.faults({**GOOD, **MARIADB}) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"vpc_id": ""}, "The database needs accounting_database_vpc_id; run role network first, or give what exists."),
        (
            {"subnet_ids": ["subnet-1"]},
            "accounting_database_subnet_ids lists 1 subnets; RDS wants two or more, in different",
        ),
        (
            {"username": "slurm-db"},
            "accounting_database_username is 'slurm-db'; give 1 to 16 letters, digits or underscores",
        ),
        (
            {"name": "1db"},
            "accounting_database_name is '1db'; give 1 to 64 letters, digits or underscores, a letter first.",
        ),
        ({"backup_days": 36}, "accounting_database_backup_days is 36; RDS keeps 1 to 35 days."),
        ({"min_acu": 0.7}, "accounting_database_min_acu is 0.7; Aurora has steps of 0.5 from 0.5 to 256."),
        ({"max_acu": 300.0}, "accounting_database_max_acu is 300.0; Aurora has steps of 0.5 from 0.5 to 256."),
        ({"min_acu": 8.0}, "accounting_database_min_acu 8.0 is more than accounting_database_max_acu 4.0."),
        (
            {**MARIADB, "instance_class": "m6g"},
            "accounting_database_instance_class is 'm6g'; give one as db.m6g.large.",
        ),
        ({**MARIADB, "storage_gib": 10}, "accounting_database_storage_gib is 10; RDS has 20 to 65536 GiB of gp3."),
    ],
)
def test_a_fault_is_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    found = judge.faults({**GOOD, **changed})
    assert len(found) == 1 and sentence in found[0], found


def test_all_faults_are_told_at_once() -> None:
    assert len(judge.faults({**GOOD, "vpc_id": "", "subnet_ids": [], "name": "", "max_acu": 0.1})) == 5
