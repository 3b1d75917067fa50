"""HyperPod clusters as SageMaker's API documents them, in place of moto's, which have no update and no states.

What is as in AWS: requests are judged by botocore's own model; a cluster is Creating, Updating or SystemUpdating for a
while and takes no change meanwhile, unless it provisions continuously; ids of clusters and nodes have AWS's form; a
cluster that is not there is a ResourceNotFound. What AWS does behind that, the nodes and their scripts, is not there.

Tags of a cluster steer it: `test:polls` says how many looks a change takes (2), `test:fails` is why its creation fails,
and `test:rolls-back` why an update is taken back.
"""

from __future__ import annotations

import copy
import sys
import uuid
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ConflictException, ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

sys.path.insert(0, str(Path(__file__).parents[3] / ".collections"))

from ansible_collections.awsome.training.plugins.module_utils._aws.shape import faults

# The image that a group gets which names none.
NEWEST = "2.0.0"
KINDS = ("InstanceGroups", "RestrictedInstanceGroups")
# Keys of a specification that a description has under another name, or not at all.
RENAMED = {
    "InstanceCount",
    "MinInstanceCount",
    "ImageId",
    "ImageReleaseVersion",
    "KubernetesConfig",
    "InstanceRequirements",
}


def details(spec: dict[str, Any], count: int) -> dict[str, Any]:
    """What DescribeCluster says of a group that was asked for so."""
    found = {key: value for key, value in spec.items() if key not in RENAMED}
    found.update(CurrentCount=count, TargetCount=spec["InstanceCount"], Status="InService")
    if "MinInstanceCount" in spec:
        found["MinCount"] = spec["MinInstanceCount"]
    if "InstanceRequirements" in spec:
        types = spec["InstanceRequirements"]["InstanceTypes"]
        found["InstanceRequirements"] = {"CurrentInstanceTypes": types, "DesiredInstanceTypes": types}
    if "KubernetesConfig" in spec:
        kept = spec["KubernetesConfig"]
        found["KubernetesConfig"] = {
            f"{now}{key}": value for key, value in kept.items() for now in ("Current", "Desired")
        }
    if "ImageId" in spec:
        found["CurrentImageId"] = found["DesiredImageId"] = spec["ImageId"]
    return {**found, **image(spec.get("ImageReleaseVersion", NEWEST))}


def image(version: str) -> dict[str, str]:
    status = "UpToDate" if version == NEWEST else "UpdateAvailable"
    return {"CurrentImageReleaseVersion": version, "DesiredImageReleaseVersion": version, "ImageVersionStatus": status}


class Cluster:
    def __init__(self, request: dict[str, Any], region: str, account: str) -> None:
        self.cluster_name = self.name = request["ClusterName"]
        self.id = uuid.uuid4().hex[:12]
        self.arn = f"arn:aws:sagemaker:{region}:{account}:cluster/{self.id}"
        self.region, self.creation_time = region, utcnow()
        self.tags: list[dict[str, str]] = request.pop("Tags", [])
        self.kept = {key: value for key, value in request.items() if key not in ("ClusterName", *KINDS)}
        self.groups = {kind: [details(spec, 0) for spec in request.get(kind, [])] for kind in KINDS}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.addresses = 0
        self.busy: dict[str, int] = {}
        self.events: list[dict[str, Any]] = []
        self.failure, self.before = "", None
        self.event("Cluster", f"cluster {self.name} is being created")
        self.status = "Creating"
        self.polls = self.told("test:polls", 2)
        for group in self.every():
            group["Status"] = "Creating"

    def told(self, key: str, default: Any = "") -> Any:
        found = [tag["Value"] for tag in self.tags if tag["Key"] == key]
        return type(default)(found[0]) if found else default

    @property
    def continuous(self) -> bool:
        return self.kept.get("NodeProvisioningMode") == "Continuous"

    def every(self) -> list[dict[str, Any]]:
        return [group for kind in KINDS for group in self.groups[kind]]

    def event(self, kind: str, text: str, level: str = "Info", **more: Any) -> None:
        told = {"EventId": str(uuid.uuid4()), "ClusterArn": self.arn, "ClusterName": self.name, "EventTime": utcnow()}
        self.events.append({**told, "ResourceType": kind, "Description": text, "EventLevel": level, **more})

    def begin(self, status: str) -> None:
        if self.polls and not self.continuous:
            raise ConflictException(f"Cluster {self.name} is {self.status}.")
        self.failure = ""
        self.status, self.polls = status, self.told("test:polls", 2)
        if not self.polls:
            self.finish()

    def look(self) -> None:
        """Time goes by, by one look."""
        if not self.polls:
            return
        self.polls -= 1
        if not self.polls:
            self.finish()
        elif self.continuous:
            self.status = "InService"

    def finish(self) -> None:
        was, self.status = self.status, "InService"
        if was == "Creating" and self.told("test:fails"):
            self.status, self.failure = "Failed", self.told("test:fails")
            self.event("Cluster", self.failure, "Error")
            group = self.every()[-1]
            self.grow(group, min(1, group["TargetCount"]))
            for one in self.every():
                one["Status"] = "Failed"
            for node in self.nodes.values():
                node["InstanceStatus"] = {"Status": "Failure", "Message": self.failure}
            return
        if self.before is not None and self.told("test:rolls-back"):
            self.groups, self.failure = self.before, self.told("test:rolls-back")
        self.before = None
        for group in self.every():
            group["Status"] = "InService"
            if group.get("SoftwareUpdateStatus") == "InProgress":
                group["SoftwareUpdateStatus"] = "Succeeded"
                group.update(image(group["DesiredImageReleaseVersion"]))
            self.grow(group, group["TargetCount"])
        names = {group["InstanceGroupName"] for group in self.every()}
        self.nodes = {one: node for one, node in self.nodes.items() if node["InstanceGroupName"] in names}

    def grow(self, group: dict[str, Any], count: int) -> None:
        here = [one for one, node in self.nodes.items() if node["InstanceGroupName"] == group["InstanceGroupName"]]
        for one in here[count:]:
            del self.nodes[one]
        for _ in range(count - len(here)):
            self.add(group)
        if group["CurrentCount"] != count:
            self.event("InstanceGroup", f"{count} instances", InstanceGroupName=group["InstanceGroupName"])
        group["CurrentCount"] = count

    def add(self, group: dict[str, Any]) -> str:
        one = f"i-{uuid.uuid4().hex[:17]}"
        self.addresses += 1
        address = f"10.1.{self.addresses // 250}.{self.addresses % 250 + 4}"
        types = group.get("InstanceRequirements", {}).get("CurrentInstanceTypes", [])
        self.nodes[one] = {
            "InstanceGroupName": group["InstanceGroupName"],
            "InstanceId": one,
            "NodeLogicalId": f"{group['InstanceGroupName']}-{self.addresses}",
            "InstanceType": group.get("InstanceType") or types[0],
            "LaunchTime": utcnow(),
            "InstanceStatus": {"Status": "Running", "Message": ""},
            "PrivatePrimaryIp": address,
            "PrivateDnsHostname": f"ip-{address.replace('.', '-')}.{self.region}.compute.internal",
            "Placement": {"AvailabilityZone": f"{self.region}a", "AvailabilityZoneId": "use1-az1"},
            **{
                key: group[key]
                for key in ("LifeCycleConfig", "ThreadsPerCore", "InstanceStorageConfigs")
                if key in group
            },
            "CurrentImageReleaseVersion": group["CurrentImageReleaseVersion"],
        }
        return one

    def update(self, request: dict[str, Any]) -> None:
        status = "Updating"
        before = copy.deepcopy(self.groups)
        for kind in KINDS:
            found = {group["InstanceGroupName"]: group for group in self.groups[kind]}
            for spec in request.get(kind, []):
                group = found.get(spec["InstanceGroupName"])
                if group and group.get("InstanceType") != spec.get("InstanceType"):
                    raise ValidationError(f"The instance type of {spec['InstanceGroupName']} cannot be changed.")
                new = details(spec, group["CurrentCount"] if group else 0)
                if group:
                    new.update(
                        {key: value for key, value in group.items() if key.startswith(("Current", "Desired", "ImageV"))}
                    )
                    group.clear()
                    group.update(new)
                else:
                    self.groups[kind].append(new)
            gone = request.get("InstanceGroupsToDelete", [])
            self.groups[kind] = [group for group in self.groups[kind] if group["InstanceGroupName"] not in gone]
        for group in self.every():
            group["Status"] = "InService" if group["CurrentCount"] == group["TargetCount"] else "Updating"
        self.kept.update({key: value for key, value in request.items() if key not in ("ClusterName", *KINDS)})
        self.kept.pop("InstanceGroupsToDelete", None)
        try:
            self.begin(status)
        except ConflictException:
            self.groups = before
            raise
        self.before = before

    def update_software(self, request: dict[str, Any]) -> None:
        wanted = {one["InstanceGroupName"]: one.get("ImageReleaseVersion") for one in request.get("InstanceGroups", [])}
        self.begin("SystemUpdating")
        for group in self.every():
            if not wanted or group["InstanceGroupName"] in wanted:
                group["SoftwareUpdateStatus"] = "InProgress"
                group["DesiredImageReleaseVersion"] = wanted.get(group["InstanceGroupName"]) or NEWEST

    def touch(self, ids: list[str], what: str) -> dict[str, Any]:
        """Delete, replace or reboot nodes."""
        code = "Code" if what == "delete" else "ErrorCode"
        missing = "NodeIdNotFound" if what == "delete" else "InstanceIdNotFound"
        failed = [{"NodeId": one, code: missing, "Message": "no such node"} for one in ids if one not in self.nodes]
        good = [one for one in ids if one in self.nodes]
        for one in good:
            group = next(g for g in self.every() if g["InstanceGroupName"] == self.nodes[one]["InstanceGroupName"])
            if what == "delete":
                del self.nodes[one]
                group["TargetCount"] -= 1
                group["CurrentCount"] -= 1
                continue
            if what == "replace":
                del self.nodes[one]
                one = self.add(group)
            self.nodes[one]["InstanceStatus"] = {"Status": "Pending", "Message": ""}
            self.busy[one] = self.told("test:polls", 2)
        return {"Successful": good, "Failed": failed} if failed else {"Successful": good}

    def look_at_nodes(self) -> list[dict[str, Any]]:
        for one in list(self.busy):
            self.busy[one] -= 1
            if self.busy[one] <= 0:
                del self.busy[one]
                self.nodes[one]["InstanceStatus"] = {"Status": "Running", "Message": ""}
        return list(self.nodes.values())

    def describe(self) -> dict[str, Any]:
        self.look()
        kinds = {kind: groups for kind, groups in self.groups.items() if groups or kind == "InstanceGroups"}
        failure = {"FailureMessage": self.failure} if self.failure else {}
        return {**self.summary(), **failure, **self.kept, **kinds}

    def summary(self) -> dict[str, Any]:
        told = {"ClusterArn": self.arn, "ClusterName": self.name, "CreationTime": self.creation_time}
        return {**told, "ClusterStatus": self.status}


def judged(response: SageMakerResponse, operation: str) -> dict[str, Any]:
    request = copy.deepcopy(dict(response._get_params()))
    wrong = faults("sagemaker", operation, request)
    if wrong:
        raise ValidationError(f"{len(wrong)} validation errors detected: {' '.join(wrong)}")
    return request


def one_of(response: SageMakerResponse, name: str) -> Cluster:
    for cluster in response.sagemaker_backend.clusters.values():
        if name in (cluster.name, cluster.arn):
            return cluster  # type: ignore[no-any-return]
    raise ResourceNotFound(f"Cluster with name {name} not found.")


def page(found: list[dict[str, Any]], key: str, request: dict[str, Any]) -> ActionResult:
    start, most = int(request.get("NextToken") or 0), request.get("MaxResults", 10)
    answer: dict[str, Any] = {key: found[start : start + most]}
    if start + most < len(found):
        answer["NextToken"] = str(start + most)
    return ActionResult(answer)


def create_cluster(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "CreateCluster")
    backend = self.sagemaker_backend
    if request["ClusterName"] in backend.clusters:
        raise ResourceInUseException(
            f"Resource Already Exists: Cluster with name {request['ClusterName']} already exists."
        )
    for group in request.get("InstanceGroups", []):
        uri = group.get("LifeCycleConfig", {}).get("SourceS3Uri", "s3://sagemaker-")
        if not uri.startswith("s3://sagemaker-"):
            raise ValidationError(f"SourceS3Uri {uri} does not start with 's3://sagemaker-'.")
    cluster = Cluster(request, backend.region_name, backend.account_id)
    backend.clusters[cluster.name] = cluster
    if not cluster.polls:
        cluster.finish()
    return ActionResult({"ClusterArn": cluster.arn})


def describe_cluster(self: SageMakerResponse) -> ActionResult:
    return ActionResult(one_of(self, judged(self, "DescribeCluster")["ClusterName"]).describe())


def delete_cluster(self: SageMakerResponse) -> ActionResult:
    cluster = one_of(self, judged(self, "DeleteCluster")["ClusterName"])
    if cluster.status == "Creating":
        raise ConflictException(f"Cluster {cluster.name} is being created.")
    cluster.status, cluster.polls = "Deleting", cluster.told("test:polls", 2)
    backend = self.sagemaker_backend
    cluster.finish = lambda: backend.clusters.pop(cluster.name)  # type: ignore[method-assign]
    if not cluster.polls:
        cluster.finish()
    return ActionResult({"ClusterArn": cluster.arn})


def update_cluster(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "UpdateCluster")
    cluster = one_of(self, request["ClusterName"])
    cluster.update(request)
    return ActionResult({"ClusterArn": cluster.arn})


def update_cluster_software(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "UpdateClusterSoftware")
    cluster = one_of(self, request["ClusterName"])
    cluster.update_software(request)
    return ActionResult({"ClusterArn": cluster.arn})


def list_cluster_nodes(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "ListClusterNodes")
    cluster = one_of(self, request["ClusterName"])
    part = request.get("InstanceGroupNameContains", "")
    hidden = ("PrivatePrimaryIp", "Placement", "LifeCycleConfig", "ThreadsPerCore", "InstanceStorageConfigs")
    nodes = [node for node in cluster.look_at_nodes() if part in node["InstanceGroupName"]]
    logical = () if request.get("IncludeNodeLogicalIds") else ("NodeLogicalId",)
    shown = [{key: value for key, value in node.items() if key not in (*hidden, *logical)} for node in nodes]
    return page(shown, "ClusterNodeSummaries", request)


def describe_cluster_node(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "DescribeClusterNode")
    cluster = one_of(self, request["ClusterName"])
    if request.get("NodeId") not in cluster.nodes:
        raise ResourceNotFound(f"Node {request.get('NodeId')} not found.")
    return ActionResult({"NodeDetails": cluster.nodes[request["NodeId"]]})


def list_cluster_events(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "ListClusterEvents")
    cluster = one_of(self, request["ClusterName"])
    if not cluster.continuous:
        raise ValidationError("ListClusterEvents is supported where NodeProvisioningMode is Continuous only.")
    events = [one for one in cluster.events if request.get("InstanceGroupName") in (None, one.get("InstanceGroupName"))]
    return page(events[::-1] if request.get("SortOrder") == "Descending" else events, "Events", request)


def list_clusters(self: SageMakerResponse) -> ActionResult:
    request = judged(self, "ListClusters")
    part = request.get("NameContains", "")
    found = [one.summary() for one in self.sagemaker_backend.clusters.values() if part in one.name]
    return page(found, "ClusterSummaries", request)


def nodes_action(operation: str, what: str) -> Any:
    def act(self: SageMakerResponse) -> ActionResult:
        request = judged(self, operation)
        return ActionResult(one_of(self, request["ClusterName"]).touch(request["NodeIds"], what))

    return act


def apply() -> None:
    for method in (
        create_cluster,
        describe_cluster,
        delete_cluster,
        update_cluster,
        update_cluster_software,
        list_cluster_nodes,
        describe_cluster_node,
        list_cluster_events,
        list_clusters,
    ):
        setattr(SageMakerResponse, method.__name__, method)
    for what in ("delete", "replace", "reboot"):
        action = nodes_action(f"Batch{what.title()}ClusterNodes", what)
        setattr(SageMakerResponse, f"batch_{what}_cluster_nodes", action)

    by_arn, add = SageMakerModelBackend._get_resource_from_arn, SageMakerModelBackend.add_tags

    def resource(self: SageMakerModelBackend, arn: str) -> Any:
        """A cluster's ARN ends with its id, not with its name."""
        return next((one for one in self.clusters.values() if one.arn == arn), None) or by_arn(self, arn)

    def add_tags(self: SageMakerModelBackend, arn: str, tags: list[dict[str, str]]) -> Any:
        """A tag that is there gets another value, and does not stand there twice."""
        self.delete_tags(arn, [tag["Key"] for tag in tags])
        return add(self, arn, tags)

    SageMakerModelBackend._get_resource_from_arn = resource
    SageMakerModelBackend.add_tags = add_tags
