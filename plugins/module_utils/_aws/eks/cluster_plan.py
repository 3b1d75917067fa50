# Private to awsome.training: its API may change without notice.
"""(wanted cluster, what EKS tells) -> actions: the control plane, who may come in, its add-ons. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Action, Refused, filled, wait

Row = dict[str, Any]
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def plan(wanted: Mapping[str, Any], seen: Mapping[str, Any] | None) -> list[Action]:
    """`wanted` are the options of module eks_cluster, `seen` what Api.cluster answers."""
    faults = list(_faults(wanted, seen))
    if faults:
        raise Refused(faults)
    name = wanted["name"]
    ready = wait("cluster", "until the control plane is ready", name=name)
    actions = [Action("CreateCluster", f"make cluster {name}", filled(_request(wanted))), ready] if seen is None else []
    for action in _updates(wanted, seen) if seen else ():
        actions += [action, ready]
    has = seen or {"access": {}, "addons": {}}
    actions += _access(wanted, has["access"])
    actions += _addons(wanted, has["addons"])
    if wanted.get("wait_for_addons"):
        told = [{"clusterName": name, "addonName": addon["name"]} for addon in wanted["addons"]]
        actions += [wait("addon", f"until add-on {one['addonName']} is ready", **one) for one in told]
    return actions


def removal(name: str, seen: Mapping[str, Any] | None) -> list[Action]:
    if seen is None:
        return []
    return [
        Action("DeleteCluster", f"delete cluster {name}", {"name": name}),
        wait("cluster", "until it is gone", "gone", name=name),
    ]


def _faults(wanted: Mapping[str, Any], seen: Mapping[str, Any] | None) -> Iterator[str]:
    name = wanted["name"]
    if len(wanted["subnet_ids"]) < 2:
        yield (
            f"eks_cluster: {name} has {len(wanted['subnet_ids'])} subnet(s), but EKS needs two in different "
            "availability "
            "zones for its control plane; give it more subnet_ids."
        )
    if not (wanted["endpoint_public_access"] or wanted["endpoint_private_access"]):
        yield f"eks_cluster: {name} has neither endpoint, so that nobody could reach it; allow one of the two."
    if wanted["endpoint_public_access"] and (
        not wanted["public_access_cidrs"] or "0.0.0.0/0" in wanted["public_access_cidrs"]
    ):
        yield (
            f"eks_cluster: {name} would have an endpoint open to the world; list the networks that may reach it in "
            "public_access_cidrs."
        )
    if seen is None:
        return
    if seen.get("roleArn") != wanted["role_arn"]:
        yield (
            f"eks_cluster: {name} has role {seen.get('roleArn')} for life, wanted is {wanted['role_arn']}; keep "
            "it, or make another cluster."
        )
    key = _key(seen)
    if wanted["secrets_key_arn"] and key and key != wanted["secrets_key_arn"]:
        yield (
            f"eks_cluster: {name} encrypts secrets with {key} for life, wanted is {wanted['secrets_key_arn']}; keep it."
        )
    has, want = _version(seen.get("version")), _version(wanted["version"])
    if has and want and has != want and (has[0], has[1] + 1) != want:
        runs = f"eks_cluster: {name} runs Kubernetes {seen['version']}"
        if want > has:
            after = f"{has[0]}.{has[1] + 1}"
            yield f"{runs} and goes up by one minor version only, not to {wanted['version']}; say {after} first."
        else:
            yield f"{runs}, which cannot go back to {wanted['version']}; correct the version."


def _request(wanted: Mapping[str, Any]) -> Row:
    told: Row = {
        "name": wanted["name"],
        "roleArn": wanted["role_arn"],
        "resourcesVpcConfig": {**_endpoints(wanted), "subnetIds": list(wanted["subnet_ids"])},
        "accessConfig": {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": wanted["creator_is_admin"],
        },
        # Add-ons of EKS take their place; those that a new cluster has by itself cannot be told apart from somebody's
        # own.
        "bootstrapSelfManagedAddons": False,
        "logging": _logging(wanted),
        "tags": dict(wanted["tags"]),
    }
    if wanted["version"]:
        told["version"] = wanted["version"]
    if wanted["security_group_ids"]:
        told["resourcesVpcConfig"]["securityGroupIds"] = list(wanted["security_group_ids"])
    if wanted["secrets_key_arn"]:
        told["encryptionConfig"] = _encryption(wanted)
    return told


def _endpoints(wanted: Mapping[str, Any]) -> Row:
    told: Row = {
        "endpointPublicAccess": wanted["endpoint_public_access"],
        "endpointPrivateAccess": wanted["endpoint_private_access"],
    }
    if wanted["endpoint_public_access"]:
        told["publicAccessCidrs"] = sorted(wanted["public_access_cidrs"])
    return told


def _logging(wanted: Mapping[str, Any]) -> Row:
    on, off = (
        [one for one in LOGS if one in wanted["log_types"]],
        [one for one in LOGS if one not in wanted["log_types"]],
    )
    told = ({"types": on, "enabled": True}, {"types": off, "enabled": False})
    return {"clusterLogging": [one for one in told if one["types"]]}


def _encryption(wanted: Mapping[str, Any]) -> list[Row]:
    return [{"resources": ["secrets"], "provider": {"keyArn": wanted["secrets_key_arn"]}}]


def _key(seen: Mapping[str, Any]) -> str:
    return next(
        (str(one["provider"]["keyArn"]) for one in seen.get("encryptionConfig") or [] if "secrets" in one["resources"]),
        "",
    )


def _version(text: str | None) -> tuple[int, int] | None:
    major, _, minor = (text or "").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def _updates(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Action]:
    """EKS takes one kind of change in a request."""
    name = wanted["name"]
    now, then = seen.get("resourcesVpcConfig") or {}, _endpoints(wanted)
    if any(
        (sorted(now.get(key) or []) if isinstance(value, list) else now.get(key)) != value
        for key, value in then.items()
    ):
        yield Action(
            "UpdateClusterConfig", "change who reaches the endpoint", {"name": name, "resourcesVpcConfig": then}
        )
    logs = (seen.get("logging") or {}).get("clusterLogging") or []
    if {one for row in logs if row.get("enabled") for one in row["types"]} != set(wanted["log_types"]):
        yield Action("UpdateClusterConfig", "change what is logged", {"name": name, "logging": _logging(wanted)})
    if wanted["secrets_key_arn"] and not _key(seen):
        told = {"clusterName": name, "encryptionConfig": _encryption(wanted)}
        yield Action("AssociateEncryptionConfig", "encrypt secrets", told)
    if wanted["version"] and seen.get("version") != wanted["version"]:
        yield Action(
            "UpdateClusterVersion",
            f"go to Kubernetes {wanted['version']}",
            {"name": name, "version": wanted["version"]},
        )


def _access(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Action]:
    for entry in wanted["access_entries"]:
        which = {"clusterName": wanted["name"], "principalArn": entry["principal_arn"]}
        kind, groups = entry.get("type") or "STANDARD", sorted(entry.get("groups") or [])
        has = seen.get(entry["principal_arn"])
        if has is None:
            told = {**which, "type": kind, "kubernetesGroups": groups, "tags": dict(wanted["tags"])}
            yield Action("CreateAccessEntry", f"let {entry['principal_arn']} in", filled(told))
        elif sorted(has.get("kubernetesGroups") or []) != groups:
            yield Action(
                "UpdateAccessEntry",
                f"change the groups of {entry['principal_arn']}",
                {**which, "kubernetesGroups": groups},
            )
        policies = {_policy(one["name"]): _scope(one.get("namespaces")) for one in entry.get("policies") or []}
        held = {
            one["policyArn"]: _scope(one["accessScope"].get("namespaces")) for one in (has or {}).get("policies", [])
        }
        for arn, scope in policies.items():
            if held.get(arn) != scope:
                says = f"give {entry['principal_arn']} {arn.rpartition('/')[2]}"
                yield Action("AssociateAccessPolicy", says, {**which, "policyArn": arn, "accessScope": scope})
        for arn in sorted(set(held) - set(policies)):
            yield Action(
                "DisassociateAccessPolicy",
                f"take {arn.rpartition('/')[2]} from {entry['principal_arn']}",
                {**which, "policyArn": arn},
            )


def _policy(name: str) -> str:
    # The form of the ARN: Amazon EKS User Guide, "Review access policy permissions". It has no region and no account.
    return name if name.startswith("arn:") else f"arn:aws:eks::aws:cluster-access-policy/{name}"


def _scope(namespaces: list[str] | None) -> Row:
    return {"type": "namespace", "namespaces": sorted(namespaces)} if namespaces else {"type": "cluster"}


def _addons(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Action]:
    for addon in wanted["addons"]:
        name, has = addon["name"], seen.get(addon["name"])
        told: Row = {"clusterName": wanted["name"], "addonName": name, "resolveConflicts": "OVERWRITE"}
        if addon.get("version"):
            told["addonVersion"] = addon["version"]
        if addon.get("configuration"):
            told["configurationValues"] = json.dumps(addon["configuration"], sort_keys=True)
        identities = dict(addon.get("identities") or {})
        if identities:
            told["podIdentityAssociations"] = [
                {"serviceAccount": key, "roleArn": arn} for key, arn in sorted(identities.items())
            ]
        if has is None:
            yield Action("CreateAddon", f"add {name}", filled({**told, "tags": dict(wanted["tags"])}))
        elif (
            addon.get("version") not in (None, has.get("addonVersion"))
            or json.loads(has.get("configurationValues") or "{}") != (addon.get("configuration") or {})
            or has.get("identities", {}) != identities
        ):
            yield Action("UpdateAddon", f"change {name}", told)
