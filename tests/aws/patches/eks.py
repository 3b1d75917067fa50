"""EKS: add-ons, access entries, pod identities, upgrades, and what moto drops of clusters and node groups.

Amazon EKS API Reference: CreateAddon, CreateAccessEntry, AssociateAccessPolicy, AssociateEncryptionConfig,
UpdateClusterVersion,
UpdateNodegroupVersion, DescribePodIdentityAssociation; UpdateClusterConfig changes what it is given and keeps the
rest; a new cluster has a
security group of its own (VpcConfigResponse.clusterSecurityGroupId). With KUBE_ENDPOINT set, it is the endpoint of
every cluster.
"""

from __future__ import annotations

import base64
import os
import re
import uuid
from typing import Any
from urllib.parse import unquote

from moto.core.responses import ActionResult
from moto.eks import urls
from moto.eks.exceptions import ResourceInUseException, ResourceNotFoundException
from moto.eks.responses import EKSResponse

PREFIX = "{0}/clusters/(?P<name>[^/]+)"
PATHS = (
    "/addons$",
    "/addons/(?P<addonName>[^/]+)$",
    "/addons/(?P<addonName>[^/]+)/update$",
    "/access-entries$",
    "/access-entries/(?P<principalArn>.+)$",
    "/access-entries/(?P<principalArn>.+)/access-policies$",
    "/access-entries/(?P<principalArn>.+)/access-policies/(?P<policyArn>.+)$",
    "/pod-identity-associations/(?P<associationId>[^/]+)$",
    "/encryption-config/associate$",
    "/updates$",
    "/node-groups/(?P<nodegroupName>[^/]+)/update-version$",
)
UPDATE = {"status": "Successful", "params": [], "errors": []}


def apply() -> None:
    for path in PATHS:
        urls.url_paths[PREFIX + path] = EKSResponse.dispatch
    response = EKSResponse
    for operation in (
        create_addon,
        describe_addon,
        list_addons,
        update_addon,
        delete_addon,
        describe_pod_identity_association,
        associate_encryption_config,
        update_cluster_version,
        update_nodegroup_version,
        create_access_entry,
        describe_access_entry,
        update_access_entry,
        list_access_entries,
        associate_access_policy,
        disassociate_access_policy,
        list_associated_access_policies,
    ):
        setattr(response, operation.__name__, operation)
    response.create_cluster = created_cluster(response.create_cluster)
    response.create_nodegroup = created_nodegroup(response.create_nodegroup)
    response.update_cluster_config = update_cluster_config
    response._get_action = named(response._get_action)


ACCESS = re.compile(r"/clusters/([^/]+)/access-entries(?:/(.+?)(?:(/access-policies)(?:/(.+))?)?)?$")


def named(original: Any) -> Any:
    """Moto finds an operation by a path of plain words, so one with an ARN in it is named by hand."""

    def _get_action(self: EKSResponse) -> str:
        found = ACCESS.match(unquote(self.parsed_url.path))
        if found is None:
            return original(self)  # type: ignore[no-any-return]
        name, principal, policies, policy = found.groups()
        self.told = {"name": name, "principalArn": principal, "policyArn": policy}  # type: ignore[attr-defined]
        return {
            ("POST", False, False): "CreateAccessEntry",
            ("GET", False, False): "ListAccessEntries",
            ("GET", True, False): "DescribeAccessEntry",
            ("POST", True, False): "UpdateAccessEntry",
            ("GET", True, True): "ListAssociatedAccessPolicies",
            ("POST", True, True): "AssociateAccessPolicy",
            ("DELETE", True, True): "DisassociateAccessPolicy",
        }[(self.method, bool(principal), bool(policies))]

    return _get_action


def given(self: EKSResponse, key: str) -> Any:
    value = getattr(self, "told", {}).get(key)
    return self._get_param(key) if value is None else value


def cluster_of(self: EKSResponse) -> Any:
    cluster = self.eks_backend.describe_cluster(name=given(self, "name"))
    for key in ("addons", "access", "identities"):
        if not hasattr(cluster, key):
            setattr(cluster, key, {})
    return cluster


def missing(kind: str, name: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(message=f"No {kind} found for: {name}.")


def created_cluster(original: Any) -> Any:
    def create_cluster(self: EKSResponse) -> ActionResult:
        result = original(self)
        cluster = self.eks_backend.clusters[self._get_param("name")]
        cluster.access_config = self._get_param("accessConfig") or {"authenticationMode": "CONFIG_MAP"}
        cluster.deletion_protection = bool(self._get_param("deletionProtection"))
        cluster.resources_vpc_config = {
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
            **cluster.resources_vpc_config,
            "clusterSecurityGroupId": f"sg-{uuid.uuid4().hex[:17]}",
        }
        cluster.endpoint = os.environ.get("KUBE_ENDPOINT", cluster.endpoint)
        cluster.certificate_authority = {"data": base64.b64encode(b"a certificate").decode()}
        return result

    return create_cluster


def created_nodegroup(original: Any) -> Any:
    def create_nodegroup(self: EKSResponse) -> ActionResult:
        result = original(self)
        group = self.eks_backend.clusters[self._get_param("name")].nodegroups[self._get_param("nodegroupName")]
        group.update_config = self._get_param("updateConfig") or {"maxUnavailable": 1}
        group.version = self._get_param("version") or self.eks_backend.clusters[self._get_param("name")].version
        group.node_repair_config = self._get_param("nodeRepairConfig")
        return result

    return create_nodegroup


def update_cluster_config(self: EKSResponse) -> ActionResult:
    cluster = cluster_of(self)
    cluster.resources_vpc_config = {**cluster.resources_vpc_config, **(self._get_param("resourcesVpcConfig") or {})}
    cluster.logging = self._get_param("logging") or cluster.logging
    return ActionResult({"update": {"id": str(uuid.uuid4()), "type": "ConfigUpdate", **UPDATE}})


def update_cluster_version(self: EKSResponse) -> ActionResult:
    cluster_of(self).version = self._get_param("version")
    return ActionResult({"update": {"id": str(uuid.uuid4()), "type": "VersionUpdate", **UPDATE}})


def update_nodegroup_version(self: EKSResponse) -> ActionResult:
    group = self.eks_backend.describe_nodegroup(self._get_param("name"), self._get_param("nodegroupName"))
    if template := self._get_param("launchTemplate"):
        group.launch_template = {**(group.launch_template or {}), **template}
    group.version = self._get_param("version") or group.version
    return ActionResult({"update": {"id": str(uuid.uuid4()), "type": "VersionUpdate", **UPDATE}})


def associate_encryption_config(self: EKSResponse) -> ActionResult:
    cluster_of(self).encryption_config = self._get_param("encryptionConfig")
    return ActionResult({"update": {"id": str(uuid.uuid4()), "type": "AssociateEncryptionConfig", **UPDATE}})


def create_addon(self: EKSResponse) -> ActionResult:
    cluster, name = cluster_of(self), self._get_param("addonName")
    if name in cluster.addons:
        raise ResourceInUseException(message=f"Addon already exists: {name}", clusterName=cluster.name, addonName=name)
    cluster.addons[name] = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "addonVersion": "v1.0.0-eksbuild.1",
    }
    return ActionResult({"addon": _put_addon(self, cluster, name)})


def _put_addon(self: EKSResponse, cluster: Any, name: str) -> dict[str, Any]:
    addon = cluster.addons[name]
    for key in ("addonVersion", "configurationValues", "tags"):
        if (value := self._get_param(key)) is not None:
            addon[key] = value
    told = self._get_param("podIdentityAssociations")
    if told is not None:
        addon["podIdentityAssociations"] = []
        for one in told:
            known = f"a-{uuid.uuid4().hex[:17]}"
            arn = f"{cluster.arn.replace(':cluster/', ':podidentityassociation/')}/{known}"
            cluster.identities[known] = {
                **one,
                "associationId": known,
                "associationArn": arn,
                "clusterName": cluster.name,
            }
            addon["podIdentityAssociations"].append(arn)
    return addon  # type: ignore[no-any-return]


def describe_addon(self: EKSResponse) -> ActionResult:
    name = self._get_param("addonName")
    if name not in cluster_of(self).addons:
        raise missing("addon", name)
    return ActionResult({"addon": cluster_of(self).addons[name]})


def list_addons(self: EKSResponse) -> ActionResult:
    return ActionResult({"addons": sorted(cluster_of(self).addons)})


def update_addon(self: EKSResponse) -> ActionResult:
    _put_addon(self, cluster_of(self), self._get_param("addonName"))
    return ActionResult({"update": {"id": str(uuid.uuid4()), "type": "AddonUpdate", **UPDATE}})


def delete_addon(self: EKSResponse) -> ActionResult:
    return ActionResult({"addon": {**cluster_of(self).addons.pop(self._get_param("addonName")), "status": "DELETING"}})


def describe_pod_identity_association(self: EKSResponse) -> ActionResult:
    return ActionResult({"association": cluster_of(self).identities[self._get_param("associationId")]})


def create_access_entry(self: EKSResponse) -> ActionResult:
    cluster, principal = cluster_of(self), given(self, "principalArn")
    if principal in cluster.access:
        raise ResourceInUseException(message="The specified access entry resource is already in use on this cluster.")
    kind = self._get_param("type") or "STANDARD"
    entry = {
        "principalArn": principal,
        "clusterName": cluster.name,
        "type": kind,
        "tags": self._get_param("tags") or {},
    }
    cluster.access[principal] = {**entry, "kubernetesGroups": self._get_param("kubernetesGroups") or [], "policies": {}}
    return ActionResult({"accessEntry": _entry(cluster.access[principal])})


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "policies"}


def _row(self: EKSResponse) -> dict[str, Any]:
    principal = given(self, "principalArn")
    if principal not in cluster_of(self).access:
        raise missing("access entry", principal)
    return cluster_of(self).access[principal]  # type: ignore[no-any-return]


def describe_access_entry(self: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntry": _entry(_row(self))})


def update_access_entry(self: EKSResponse) -> ActionResult:
    _row(self)["kubernetesGroups"] = self._get_param("kubernetesGroups") or []
    return ActionResult({"accessEntry": _entry(_row(self))})


def list_access_entries(self: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntries": sorted(cluster_of(self).access)})


def associate_access_policy(self: EKSResponse) -> ActionResult:
    arn = self._get_param("policyArn")
    _row(self)["policies"][arn] = {"policyArn": arn, "accessScope": self._get_param("accessScope")}
    return ActionResult({"associatedAccessPolicy": _row(self)["policies"][arn]})


def disassociate_access_policy(self: EKSResponse) -> ActionResult:
    _row(self)["policies"].pop(given(self, "policyArn"))
    return ActionResult({})


def list_associated_access_policies(self: EKSResponse) -> ActionResult:
    return ActionResult({"associatedAccessPolicies": list(_row(self)["policies"].values())})
