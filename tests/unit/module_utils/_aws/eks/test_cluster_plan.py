"""The control plane's plan: what is asked, what is changed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws.eks import action, cluster_plan

ROLE = "arn:aws:iam::123456789012:role/control"
KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
WANTED: dict[str, Any] = {
    "name": "one",
    "version": "1.34",
    "role_arn": ROLE,
    "subnet_ids": ["subnet-a", "subnet-b"],
    "security_group_ids": [],
    "endpoint_private_access": True,
    "endpoint_public_access": False,
    "public_access_cidrs": [],
    "secrets_key_arn": KEY,
    "log_types": ["audit"],
    "creator_is_admin": True,
    "access_entries": [],
    "addons": [],
    "tags": {},
}
SEEN: dict[str, Any] = {
    "name": "one",
    "version": "1.34",
    "roleArn": ROLE,
    "resourcesVpcConfig": {"endpointPrivateAccess": True, "endpointPublicAccess": False},
    "logging": {"clusterLogging": [{"types": ["audit"], "enabled": True}, {"types": ["api"], "enabled": False}]},
    "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": KEY}}],
    "access": {},
    "addons": {},
}


def planned(seen: dict[str, Any] | None = None, **more: Any) -> list[str]:
    actions = cluster_plan.plan({**WANTED, **more}, {**SEEN, **(seen or {})})
    assert action.faults(actions) == []
    return [one.operation for one in actions if one.operation != "Wait"]


def refused(seen: dict[str, Any] | None = None, **more: Any) -> list[str]:
    with pytest.raises(action.Refused) as told:
        cluster_plan.plan({**WANTED, **more}, None if seen is None else {**SEEN, **seen})
    return told.value.faults


def test_a_new_cluster_is_closed_encrypted_and_logged() -> None:
    (made, *rest) = cluster_plan.plan(WANTED, None)
    assert made.operation == "CreateCluster" and [one.operation for one in rest] == ["Wait"]
    assert made.params["accessConfig"]["authenticationMode"] == "API"
    assert made.params["encryptionConfig"] == [{"resources": ["secrets"], "provider": {"keyArn": KEY}}]
    assert made.params["resourcesVpcConfig"]["endpointPublicAccess"] is False


def test_what_is_as_wanted_is_left_alone() -> None:
    assert planned() == []


def test_each_kind_of_change_is_a_request_of_its_own() -> None:
    assert planned(
        version="1.35", log_types=["audit", "api"], endpoint_public_access=True, public_access_cidrs=["192.0.2.0/24"]
    ) == [
        "UpdateClusterConfig",
        "UpdateClusterConfig",
        "UpdateClusterVersion",
    ]
    assert planned({"encryptionConfig": []}) == ["AssociateEncryptionConfig"]


def test_access_entries_get_and_lose_policies() -> None:
    arn, held = "arn:aws:iam::123456789012:role/me", "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    entry = {"principal_arn": arn, "policies": [{"name": "AmazonEKSEditPolicy", "namespaces": ["a"]}]}
    assert planned(access_entries=[entry]) == ["CreateAccessEntry", "AssociateAccessPolicy"]
    seen = {"kubernetesGroups": [], "policies": [{"policyArn": held, "accessScope": {"type": "cluster"}}]}
    assert planned({"access": {arn: seen}}, access_entries=[entry]) == [
        "AssociateAccessPolicy",
        "DisassociateAccessPolicy",
    ]


def test_add_ons_are_changed_where_they_differ() -> None:
    addon = {"name": "vpc-cni", "configuration": {"env": {"A": "1"}}, "identities": {"aws-node": ROLE}}
    same = {"configurationValues": '{"env": {"A": "1"}}', "identities": {"aws-node": ROLE}, "addonVersion": "v1"}
    assert planned(addons=[addon]) == ["CreateAddon"]
    assert planned({"addons": {"vpc-cni": same}}, addons=[addon]) == []
    assert planned({"addons": {"vpc-cni": {**same, "identities": {}}}}, addons=[addon]) == ["UpdateAddon"]
    assert planned({"addons": {"vpc-cni": same}}, addons=[{**addon, "version": "v2"}]) == ["UpdateAddon"]


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    assert "EKS needs two in different availability zones" in refused(subnet_ids=["subnet-a"])[0]
    assert "neither endpoint" in refused(endpoint_private_access=False)[0]
    world = {"endpoint_public_access": True, "public_access_cidrs": ["0.0.0.0/0"]}
    assert "open to the world" in refused(**world)[0]
    assert "goes up by one minor version only, not to 1.36; say 1.35 first." in refused({}, version="1.36")[0]
    assert "cannot go back to 1.33" in refused({}, version="1.33")[0]
    assert "for life" in refused({"roleArn": "arn:aws:iam::123456789012:role/other"})[0]
    assert len(refused({"roleArn": "x"}, subnet_ids=[], version="1.30")) == 3
