# Private to awsome.training: its API may change without notice.
"""Thin calls on the clients of EKS and EC2 that it is given. Errors are sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

try:
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule tells
    pass

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.awsome.training.plugins.module_utils._aws.eks.action import Action

# About two minutes in all. AWSRetry does not know EKS's word for it by itself.
RETRY = AWSRetry.jittered_backoff(
    retries=10, delay=1, max_delay=30, catch_extra_error_codes=["ThrottlingException", "TooManyRequestsException"]
)

GONE = (
    "ResourceNotFoundException",
    "InvalidLaunchTemplateName.NotFoundException",
    "InvalidPlacementGroup.Unknown",
    "NoSuchEntity",
)
Row = dict[str, Any]


class ApiError(Exception):
    """A service refused a call; the message is one sentence."""


class Api:
    """`clients` are those of AnsibleAWSModule, which retry what AWS throttles."""

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self.clients = clients

    def call(self, operation: str, service: str = "eks", **params: Any) -> Row:
        try:
            answer: Row = getattr(self.clients[service], xform_name(operation))(aws_retry=True, **params)
            return answer
        except (ClientError, BotoCoreError) as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            about = next((str(params[key]) for key in params if key.endswith(("Name", "name", "Id"))), "")
            refused = ApiError(f"{service} refused {operation}{f' for {about}' if about else ''}: {error}")
            refused.code = code  # type: ignore[attr-defined]
            raise refused from error

    def find(self, operation: str, key: str, service: str = "eks", **params: Any) -> Any:
        """What a describing call answers below `key`, or None where there is no such thing."""
        try:
            return self.call(operation, service, **params)[key]
        except ApiError as error:
            if getattr(error, "code", "") in GONE:
                return None
            raise

    def all(self, operation: str, key: str, service: str = "eks", **params: Any) -> list[Any]:
        """All pages."""
        found: list[Any] = []
        word = "nextToken" if service == "eks" else "NextToken"
        while True:
            answer = self.call(operation, service, **params)
            found += answer.get(key, [])
            if not answer.get(word):
                return found
            params = {**params, word: answer[word]}

    def act(self, action: Action) -> Row:
        return self.call(action.operation, action.service, **action.params)

    def cluster(self, name: str) -> Row | None:
        """The cluster as EKS tells it, with its add-ons and access entries."""
        found = self.find("DescribeCluster", "cluster", name=name)
        if found is None:
            return None
        return {**found, "addons": self._addons(name), "access": self._access(name)}

    def _addons(self, name: str) -> dict[str, Row]:
        addons = {}
        for addon in self.all("ListAddons", "addons", clusterName=name):
            row = self.call("DescribeAddon", clusterName=name, addonName=addon)["addon"]
            told = [
                self.call("DescribePodIdentityAssociation", clusterName=name, associationId=arn.rpartition("/")[2])[
                    "association"
                ]
                for arn in row.get("podIdentityAssociations", [])
            ]
            addons[addon] = {**row, "identities": {one["serviceAccount"]: one["roleArn"] for one in told}}
        return addons

    def _access(self, name: str) -> dict[str, Row]:
        entries = {}
        for arn in self.all("ListAccessEntries", "accessEntries", clusterName=name):
            which = {"clusterName": name, "principalArn": arn}
            entry = self.call("DescribeAccessEntry", **which)["accessEntry"]
            entries[arn] = {
                **entry,
                "policies": self.all("ListAssociatedAccessPolicies", "associatedAccessPolicies", **which),
            }
        return entries

    def subnets(self, ids: Iterable[str]) -> dict[str, str]:
        """The availability zone of each subnet, in the order asked."""
        wanted = list(dict.fromkeys(ids))
        # By a filter: asked by id, EC2 answers nothing at all where one of them does not exist.
        only = [{"Name": "subnet-id", "Values": wanted}]
        rows = self.all("DescribeSubnets", "Subnets", "ec2", Filters=only) if wanted else []
        found = {one["SubnetId"]: one["AvailabilityZone"] for one in rows}
        return {one: found[one] for one in wanted if one in found}

    def groups(self, cluster: str, names: Iterable[str]) -> Row:
        """Of these node groups, and all that the cluster has: the groups, their newest templates, their "
        "placement groups."""
        alive = self.find("DescribeCluster", "cluster", name=cluster)
        there = self.all("ListNodegroups", "nodegroups", clusterName=cluster) if alive else []
        named = {f"{cluster}-{name}" for name in {*names, *there}}
        placements = self.all("DescribePlacementGroups", "PlacementGroups", "ec2")
        return {
            "nodegroups": {
                name: self.call("DescribeNodegroup", clusterName=cluster, nodegroupName=name)["nodegroup"]
                for name in there
            },
            "templates": {name: row for name in sorted(named) if (row := self._template(name))},
            "placement_groups": [one["GroupName"] for one in placements if one["GroupName"] in named],
        }

    def _template(self, name: str) -> Row | None:
        versions = self.find(
            "DescribeLaunchTemplateVersions",
            "LaunchTemplateVersions",
            "ec2",
            LaunchTemplateName=name,
            Versions=["$Latest"],
        )
        return {"VersionDescription": "", **versions[0]} if versions else None
