"""Every CloudFormation template of every role: cfn-lint, checkov, and what must hold whatever a linter thinks of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws.harness import BIN, ROOT, load_template

TEMPLATES = sorted(ROOT.glob("roles/*/files/*.cfn.yml"))
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
ANYWHERE = ("0.0.0.0/0", "::/0")
# Of these the Service Authorization Reference lists no resource; "*" is all that a policy can say.
WITHOUT_RESOURCE = {f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")}
each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)


def of_type(template: dict[str, Any], *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in template["Resources"].items():
        if one["Type"] in types:
            yield name, one.get("Properties", {})


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def choices(value: Any) -> list[Any]:
    """What a value may be: both branches of Fn::If, at any depth."""
    if isinstance(value, dict) and "Fn::If" in value:
        return choices(value["Fn::If"][1]) + choices(value["Fn::If"][2])
    return [value]


def faults(template: dict[str, Any]) -> list[str]:
    """What is open, unencrypted or too powerful in a template."""
    return [
        *_open(template),
        *_instances(template),
        *_data(template),
        *_buckets(template),
        *_roles(template),
        *_secrets(template),
    ]


def _open(template: dict[str, Any]) -> Iterator[str]:
    """Nothing may come in from anywhere. A parameter that names who may come in must not default to it."""
    defaults = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
    rules = [(name, rule) for name, rule in of_type(template, "AWS::EC2::SecurityGroupIngress")]
    for name, group in of_type(template, "AWS::EC2::SecurityGroup"):
        rules += [(name, rule) for one in listed(group.get("SecurityGroupIngress", [])) for rule in choices(one)]
    for name, rule in rules:
        for key in ("CidrIp", "CidrIpv6"):
            for source in choices(rule.get(key)):
                source = defaults.get(source["Ref"]) if isinstance(source, dict) and "Ref" in source else source
                if source in ANYWHERE:
                    yield f"{name} lets the world in: {source}"
    for name, subnet in of_type(template, "AWS::EC2::Subnet"):
        if subnet.get("MapPublicIpOnLaunch") is not False:
            yield f"{name} gives machines public addresses"
    for name, one in of_type(template, "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        cluster_or_closed = "PubliclyAccessible" in one or "MasterUserPassword" in one
        if one.get("PubliclyAccessible", False) is not False or not cluster_or_closed:
            yield f"{name} is reachable from the internet"
    for name, cluster in of_type(template, "AWS::EKS::Cluster"):
        access = cluster.get("ResourcesVpcConfig", {})
        open_to = access.get("PublicAccessCidrs", list(ANYWHERE[:1]))
        for cidrs in choices(open_to):
            cidrs = defaults.get(cidrs["Ref"]) if isinstance(cidrs, dict) and "Ref" in cidrs else cidrs
            public = any(one is not False for one in choices(access.get("EndpointPublicAccess", True)))
            if public and any(one in ANYWHERE for one in listed(cidrs)):
                yield f"{name} answers the world"


def _instances(template: dict[str, Any]) -> Iterator[str]:
    for name, launch in of_type(template, "AWS::EC2::LaunchTemplate"):
        data = launch.get("LaunchTemplateData", {})
        if data.get("MetadataOptions", {}).get("HttpTokens") != "required":
            yield f"{name} answers IMDSv1"
        for disk in data.get("BlockDeviceMappings", []):
            for one in choices(disk):
                if isinstance(one, dict) and "Ebs" in one and one["Ebs"].get("Encrypted") is not True:
                    yield f"{name} has a disk that is not encrypted"
        for card in data.get("NetworkInterfaces", []):
            for one in choices(card):
                if isinstance(one, dict) and one.get("AssociatePublicIpAddress", False) is not False:
                    yield f"{name} gives machines public addresses"
    for name, instance in of_type(template, "AWS::EC2::Instance"):
        if "LaunchTemplate" not in instance:
            yield f"{name} has no launch template, which would ask for IMDSv2"


def _data(template: dict[str, Any]) -> Iterator[str]:
    for name, one in of_type(template, "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::EFS::FileSystem"):
        key = "Encrypted" if "StorageEncrypted" not in one and "Engine" not in one else "StorageEncrypted"
        if "DBClusterIdentifier" not in one and one.get(key) is not True:
            yield f"{name} is not encrypted"
    for name, volume in of_type(template, "AWS::EC2::Volume"):
        if volume.get("Encrypted") is not True:
            yield f"{name} is not encrypted"
    for name, one in template["Resources"].items():
        if one["Type"] in ("AWS::FSx::FileSystem", "AWS::S3::Bucket", "AWS::RDS::DBCluster"):
            kept = ("RetainExceptOnCreate", "Retain", "Snapshot")
            if one.get("DeletionPolicy") not in kept or one.get("UpdateReplacePolicy") not in kept:
                yield f"{name} loses its data with its stack, or when it is replaced"


def _buckets(template: dict[str, Any]) -> Iterator[str]:
    policies = [json.dumps(one) for _, one in of_type(template, "AWS::S3::BucketPolicy")]
    for name, bucket in of_type(template, "AWS::S3::Bucket"):
        blocked = bucket.get("PublicAccessBlockConfiguration", {})
        if list(blocked.values()) != [True] * 4:
            yield f"{name} may be made public"
        if "BucketEncryption" not in bucket:
            yield f"{name} is not encrypted"
        if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{name} keeps no versions"
        if not any(f'"{name}"' in one and '"aws:SecureTransport": "false"' in one for one in policies):
            yield f"{name} answers without TLS"


def _roles(template: dict[str, Any]) -> Iterator[str]:
    for name, one in of_type(template, "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        documents = [
            policy["PolicyDocument"]
            for inner in one.get("Policies", [])
            for policy in choices(inner)
            if "PolicyDocument" in policy
        ]
        documents += [one["PolicyDocument"]] if "PolicyDocument" in one else []
        for statement in [each for document in documents for inner in document["Statement"] for each in choices(inner)]:
            if statement.get("Effect") != "Allow":
                continue
            actions = [each for each in listed(statement.get("Action", "*")) if isinstance(each, str)]
            if "*" in actions or [each for each in actions if each.endswith(":*")]:
                yield f"{name} may do everything of a service: {actions}"
            if "*" in listed(statement.get("Resource")) and "Condition" not in statement:
                writes = [
                    each
                    for each in actions
                    if not re.match(r"\w[\w-]*:(Describe|List|Get|BatchGet|Put(Metric|Log))", each)
                ]
                if "iam:PassRole" in actions or (writes and not _needs_all(template, name, writes)):
                    yield f"{name} may do this to everything: {writes}"
        for arn in one.get("ManagedPolicyArns", []):
            if "AdministratorAccess" in json.dumps(arn):
                yield f"{name} is an administrator"
        trusted = json.dumps(one.get("AssumeRolePolicyDocument", {}))
        if '"AWS": "*"' in trusted or '"Principal": "*"' in trusted:
            yield f"anyone may become {name}"


def _needs_all(template: dict[str, Any], name: str, actions: list[str]) -> bool:
    """Other actions that need every resource are told in the metadata of the role, each with a reason."""
    excused = template["Resources"][name].get("Metadata", {}).get("awsome:any-resource", {})
    return set(actions) <= {*WITHOUT_RESOURCE, *excused} and all(len(reason) > 10 for reason in excused.values())


def _secrets(template: dict[str, Any]) -> Iterator[str]:
    for name, parameter in template.get("Parameters", {}).items():
        if re.search(r"(?i)(password|secret|token)$", name) and parameter.get("NoEcho") is not True:
            yield f"parameter {name} is shown to whoever may see the stack"
    for name, one in of_type(template, "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"):
        word = one.get("MasterUserPassword")
        if word is not None and "{{resolve:secretsmanager:" not in json.dumps(word):
            yield f"{name} has a password that is not in Secrets Manager"


@each_template
def test_nothing_is_open_unencrypted_or_too_powerful(path: Path) -> None:
    assert faults(load_template(path)) == []


def one(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"It": {"Type": f"AWS::{kind}", "Properties": properties}}}


def allow(action: Any, resource: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return one("IAM::Role", Policies=[{"PolicyName": "x", "PolicyDocument": {"Statement": [statement]}}])


WORLD = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
PLAIN_DISK = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False}}


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (one("EC2::SecurityGroup", SecurityGroupIngress=[WORLD]), "It lets the world in: 0.0.0.0/0"),
        (
            one("EC2::SecurityGroup", SecurityGroupIngress=[{"Fn::If": ["A", WORLD, WORLD]}]),
            "It lets the world in: 0.0.0.0/0",
        ),
        (one("EC2::SecurityGroupIngress", CidrIpv6="::/0"), "It lets the world in: ::/0"),
        (
            {
                "Parameters": {"Who": {"Default": "0.0.0.0/0"}},
                **one("EC2::SecurityGroupIngress", CidrIp={"Ref": "Who"}),
            },
            "It lets the world in: 0.0.0.0/0",
        ),
        (one("EC2::Subnet", MapPublicIpOnLaunch=True), "It gives machines public addresses"),
        (one("RDS::DBInstance", PubliclyAccessible=True, StorageEncrypted=True), "It is reachable from the internet"),
        (one("EKS::Cluster", ResourcesVpcConfig={}), "It answers the world"),
        (one("EC2::LaunchTemplate", LaunchTemplateData={}), "It answers IMDSv1"),
        (
            one("EC2::LaunchTemplate", LaunchTemplateData={"MetadataOptions": {"HttpTokens": "optional"}}),
            "It answers IMDSv1",
        ),
        (
            one("EC2::LaunchTemplate", LaunchTemplateData={"BlockDeviceMappings": [PLAIN_DISK]}),
            "It has a disk that is not encrypted",
        ),
        (one("RDS::DBCluster", Engine="aurora-mysql"), "It is not encrypted"),
        (one("EFS::FileSystem"), "It is not encrypted"),
        (one("FSx::FileSystem"), "It loses its data with its stack, or when it is replaced"),
        (one("S3::Bucket"), "It may be made public"),
        (one("S3::Bucket"), "It is not encrypted"),
        (one("S3::Bucket"), "It keeps no versions"),
        (one("S3::Bucket"), "It answers without TLS"),
        (allow("s3:*", "arn:aws:s3:::mine/*"), "It may do everything of a service: ['s3:*']"),
        (allow(["s3:PutObject"], "*"), "It may do this to everything: ['s3:PutObject']"),
        (allow("iam:PassRole", ["*"]), "It may do this to everything: ['iam:PassRole']"),
        (one("IAM::Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]), "It is an administrator"),
        (
            one("IAM::Role", AssumeRolePolicyDocument={"Statement": [{"Principal": {"AWS": "*"}}]}),
            "anyone may become It",
        ),
        (
            {"Parameters": {"DbPassword": {"Type": "String"}}, "Resources": {}},
            "parameter DbPassword is shown to whoever may see",
        ),
        (
            one("RDS::DBInstance", MasterUserPassword={"Ref": "Password"}),
            "It has a password that is not in Secrets Manager",
        ),
    ],
)
def test_such_a_fault_would_be_found(template: dict[str, Any], fault: str) -> None:
    assert any(told.startswith(fault) for told in faults(template)), faults(template)


@each_template
def test_what_may_be_is_not_a_fault(path: Path) -> None:
    """The judge looks into Fn::If and reads short forms, or it would have found nothing above."""
    template = load_template(path)
    assert template["Resources"] and all("Type" in one for one in template["Resources"].values())
    assert "!Ref" not in json.dumps(template)


def test_cfn_lint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [BIN / "cfn-lint", "-f", "parseable", "-r", *REGIONS, "-t", *TEMPLATES],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Of the version that is known to install and run; an environment of its own, since it pins other libraries than ours.
CHECKOV = "checkov==3.3.30"


@pytest.mark.slow
def test_checkov_has_nothing_to_say() -> None:
    """What it finds is mended, or skipped in the metadata of one resource with a reason."""
    place = Path.home() / ".cache/awsome-training/envs" / CHECKOV.replace("==", "-")
    if not (place / "bin/checkov").exists():
        subprocess.run([BIN / "uv", "venv", "--quiet", "--clear", "--python", sys.executable, place], check=True)
        subprocess.run([BIN / "uv", "pip", "install", "--quiet", "--python", place / "bin/python", CHECKOV], check=True)
    done = subprocess.run(
        [
            *(place / "bin/python", place / "bin/checkov", "--framework", "cloudformation", "--compact", "--quiet"),
            *("--output", "json", "--skip-download", *(word for path in TEMPLATES for word in ("--file", path))),
        ],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    told = listed(json.loads(done.stdout))
    found = [
        f"{Path(one['file_path']).name}: {one['resource']}: {one['check_id']} {one['check_name']}"
        for report in told
        for one in report.get("results", {}).get("failed_checks", [])
    ]
    assert done.returncode == 0 and found == [], "\n".join(found) or done.stderr


@each_template
def test_what_checkov_shall_skip_has_a_reason(path: Path) -> None:
    for name, resource in load_template(path)["Resources"].items():
        for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert re.fullmatch(r"CKV2?_AWS_\d+", skipped["id"]) and len(skipped["comment"]) > 20, f"{name}: {skipped}"
