"""EKS: the playbook against moto, a stand-in for Kubernetes' API and a recorder in the place of helm."""

from __future__ import annotations

import base64
import email
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from aws import kube
from aws.harness import Aws, Played, serving

CATALOG = _catalog.load()
PLAYED = {"cluster_name": "train", "aws_region": "us-east-1"}
DIGEST = f"sha256:{'0' * 64}"
STORAGE = {
    "lustre_id": "fs-0123456789abcdef0",
    "lustre_dns_name": "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com",
    "lustre_mount_name": "abcdefgh",
    "openzfs_dns_name": "fs-0123456789abcdef1.fsx.us-east-1.amazonaws.com",
    "openzfs_volume_path": "/fsx",
}
GROUPS = [
    {"name": "system", "instance_type": "m7i.2xlarge", "min_size": 2},
    {
        "name": "block",
        "instance_type": "p5.48xlarge",
        "min_size": 8,
        "capacity": "capacity_block",
        "capacity_reservation_id": "cr-0123456789abcdef0",
    },
    {
        "name": "reserved",
        "instance_type": "p5en.48xlarge",
        "max_size": 4,
        "capacity": "reservation",
        "capacity_reservation_id": "cr-0123456789abcdef1",
        "labels": {"team": "a"},
    },
    {"name": "neuron", "instance_type": "trn2.48xlarge", "max_size": 4},
    {"name": "cheap", "instance_type": "g6e.48xlarge", "max_size": 2, "capacity": "spot", "efa": False},
]


@dataclass(frozen=True)
class World:
    """AWS, a cluster and helm, and playbooks that are run against them."""

    aws: Aws
    kube: kube.Kube
    place: Path
    subnets: list[str]

    def __call__(self, *arguments: str, **variables: Any) -> Played:
        told = {
            **PLAYED,
            "eks_subnet_ids": self.subnets,
            "eks_security_group_ids": ["sg-0123456789abcdef0"],
            "eks_kubeconfig": str(self.place / "kubeconfig.yml"),
            "eks_node_groups": GROUPS,
            "kubernetes_storage": STORAGE,
            "kubernetes_efa_release": {**CATALOG.component("efa_device_plugin"), "digest": DIGEST},
            **variables,
        }
        return self.aws.playbook("eks", *arguments, **told)

    @property
    def helm(self) -> list[list[str]]:
        log = self.place / "helm.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def releases(self) -> dict[str, Any]:
        return dict(json.loads((self.place / "releases.json").read_text()))

    def groups(self) -> dict[str, Any]:
        eks = self.aws.client("eks")
        names = eks.list_nodegroups(clusterName="train")["nodegroups"]
        return {name: eks.describe_nodegroup(clusterName="train", nodegroupName=name)["nodegroup"] for name in names}

    def template(self, group: str) -> dict[str, Any]:
        told = {"LaunchTemplateName": f"train-{group}", "Versions": ["$Latest"]}
        versions = self.aws.client("ec2").describe_launch_template_versions(**told)["LaunchTemplateVersions"]
        return dict(versions[0]["LaunchTemplateData"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("eks")
    tools = place / "bin"
    tools.mkdir()
    helm = f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("helm.py")} "$@"\n'
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "status": {"token": "some-token"},
    }
    for name, text in {"helm": helm, "aws": f"#!/bin/sh\necho '{json.dumps(token)}'\n"}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    charts = {
        f"{row['chart']}@{row['digest']}": row["version"] for row in CATALOG.components.values() if "chart" in row
    }
    with (
        kube.serving() as cluster,
        serving(place, MOTO_IAM_LOAD_MANAGED_POLICIES="true", KUBE_ENDPOINT=cluster.endpoint) as aws,
    ):
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{one}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for one, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        more = {"HELM_PLACE": str(place), "HELM_CHARTS": json.dumps(charts)}
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PATH", f"{tools}:{os.environ['PATH']}")
            yield World(replace(aws, env={**aws.env, **more}), cluster, place, subnets)


@pytest.fixture(scope="module")
def first(world: World) -> Played:
    done = world()
    assert done.returncode == 0, done.stdout[-8000:]
    return done


def test_it(world: World, first: Played) -> None:
    print(first.stdout[-3000:])
    second = world()
    print(second.stdout[-6000:])
    assert second.changed == 0
