"""From SageMaker's answers to hosts and groups, and from its errors to sentences."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod_inventory import api, hosts
from ansible_collections.awsome.training.plugins.module_utils._aws.hyperpod_inventory.hosts import (
    HyperpodInventoryError,
    Wanted,
)
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

ARN = "arn:aws:sagemaker:us-west-2:123456789012:cluster/abcdefghij12"


def group(name: str, node_type: str = "", *partitions: str) -> dict[str, Any]:
    slurm = {"SlurmConfig": {"NodeType": node_type, "PartitionNames": list(partitions)}} if node_type else {}
    return {"InstanceGroupName": name, **slurm}


def node(name: str, number: int, status: str = "Running", **more: Any) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceId": f"i-{number:017x}",
        "InstanceType": "ml.p5.48xlarge",
        "InstanceStatus": {"Status": status},
        "PrivateDnsHostname": f"ip-10-1-0-{number}.us-west-2.compute.internal",
        **more,
    }


def cluster(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "ClusterArn": ARN,
        "ClusterName": "research",
        "ClusterStatus": "InService",
        "InstanceGroups": list(groups),
        **more,
    }


SLURM = cluster(
    group("head", "Controller"), group("door", "Login"), group("big-gpus", "Compute", "gpu"), group("rest", "Compute")
)
NODES = [node("head", 1), node("door", 2), node("big-gpus", 10), node("big-gpus", 3), node("rest", 4)]


def made(seen: dict[str, Any], nodes: list[dict[str, Any]], **wanted: Any) -> hosts.Inventory:
    return hosts.inventory([{"cluster": seen, "nodes": nodes}], Wanted(**{"known_types": {"p5.48xlarge"}, **wanted}))


def groups_of(inventory: hosts.Inventory) -> dict[str, tuple[str, ...]]:
    return {host.name: host.groups for host in inventory.hosts}


def test_the_clusters_own_slurm_configuration_decides() -> None:
    inventory = made(SLURM, NODES)
    assert groups_of(inventory) == {
        "ip-10-1-0-1": ("hyperpod_research", "instance_group_head", "controller"),
        "ip-10-1-0-2": ("hyperpod_research", "instance_group_door", "login"),
        "ip-10-1-0-3": ("hyperpod_research", "instance_group_big_gpus", "gpu"),
        "ip-10-1-0-4": ("hyperpod_research", "instance_group_rest", "compute"),
        "ip-10-1-0-10": ("hyperpod_research", "instance_group_big_gpus", "gpu"),
    }
    assert inventory.children == {"compute": ["gpu"]}
    assert inventory.notes == []


def test_a_host_knows_its_target_its_type_and_its_address() -> None:
    ultra = node("big-gpus", 3, UltraServerInfo={"Id": "us-1", "Type": "ml.u-x"}, NodeLogicalId="gpus-3")
    (host,) = made(SLURM, [ultra]).hosts
    assert host.variables == {
        "ansible_host": "sagemaker-cluster:abcdefghij12_big-gpus-i-00000000000000003",
        "instance_type": "p5.48xlarge",
        "sagemaker_instance_type": "ml.p5.48xlarge",
        "sagemaker_instance_id": "i-00000000000000003",
        "sagemaker_node_logical_id": "gpus-3",
        "sagemaker_node_status": "Running",
        "sagemaker_private_dns": "ip-10-1-0-3.us-west-2.compute.internal",
        "sagemaker_private_ip": "10.1.0.3",
        "sagemaker_ultraserver_id": "us-1",
    }


def test_a_type_that_the_catalogue_does_not_know_is_left_to_the_node() -> None:
    (host,) = made(SLURM, [node("head", 1)], known_types=()).hosts
    assert "instance_type" not in host.variables and host.variables["sagemaker_instance_type"] == "ml.p5.48xlarge"


def test_what_the_user_says_wins_over_the_cluster() -> None:
    inventory = made(SLURM, NODES, functions={"login": ["rest"]}, partitions={"big-gpus": "h100"})
    assert groups_of(inventory)["ip-10-1-0-4"] == ("hyperpod_research", "instance_group_rest", "login")
    assert groups_of(inventory)["ip-10-1-0-3"] == ("hyperpod_research", "instance_group_big_gpus", "h100")


def test_the_file_of_the_hooks_says_which_group_is_what() -> None:
    wanted = hosts.from_provisioning(
        {
            "controller_group": "head",
            "worker_groups": [
                {"instance_group_name": "big-gpus", "partition_name": "dev"},
                {"instance_group_name": "rest"},
            ],
        }
    )
    assert wanted.functions == {"controller": ["head"], "login": [], "compute": ["big-gpus", "rest"]}
    assert wanted.partitions == {"big-gpus": "dev"}


def test_nodes_of_other_statuses_are_left_out_and_that_is_told() -> None:
    nodes = [node("head", 1), node("rest", 2, "Pending"), node("rest", 3, "Failure"), node("rest", 4, "Pending")]
    inventory = made(SLURM, nodes)
    assert [host.name for host in inventory.hosts] == ["ip-10-1-0-1"]
    assert inventory.notes == ["cluster research: 3 of 4 nodes are left out (1 Failure, 2 Pending); see `statuses`."]
    assert len(made(SLURM, nodes, statuses=["all"]).hosts) == 4


def test_a_node_without_an_instance_is_no_host() -> None:
    waiting = {**node("rest", 2), "InstanceId": ""}
    assert made(SLURM, [waiting], statuses=["all"]).hosts == []


def test_groups_of_no_function_are_told() -> None:
    inventory = made(cluster(group("head"), group("rest")), [node("head", 1)], functions={"controller": ["head"]})
    assert inventory.notes == [
        "cluster research: the instance group rest has no SlurmConfig, so the nodes are in none of the groups "
        "controller, login and compute; name them in `functions`, or give `provisioning_parameters`."
    ]
    eks = cluster(group("rest"), Orchestrator={"Eks": {"ClusterArn": "arn"}})
    assert made(eks, [node("rest", 1)]).notes == []
    assert groups_of(made(eks, [node("rest", 1)])) == {"ip-10-1-0-1": ("hyperpod_research", "instance_group_rest")}


def test_a_group_that_is_just_going_keeps_its_last_nodes() -> None:
    assert groups_of(made(SLURM, [node("old", 9)])) == {"ip-10-1-0-9": ("hyperpod_research", "instance_group_old")}


def test_restricted_groups_are_groups() -> None:
    restricted = cluster(group("head", "Controller"), RestrictedInstanceGroups=[group("nova")])
    assert made(restricted, []).variables["instance_group_nova"] == {"sagemaker_instance_group": "nova"}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"functions": {"compute": ["wokers"]}},
            "functions.compute: no cluster has an instance group 'wokers', "
            "expected one of big-gpus, door, head, rest; correct the name.",
        ),
        (
            {"partitions": {"gpus": "dev"}},
            "partitions: no cluster has an instance group 'gpus', "
            "expected one of big-gpus, door, head, rest; correct the name.",
        ),
        (
            {"functions": {"login": ["door"], "compute": ["door"]}},
            "functions: instance group 'door' is told to be login and compute, expected one of them; "
            "a node has one function.",
        ),
        (
            {"partitions": {"rest": "login"}},
            "partitions: instance group 'rest' is in the partition 'login', expected a name that is no group of this "
            "collection or of Ansible; give the partition another name.",
        ),
    ],
)
def test_what_does_not_fit_the_cluster_is_told(wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HyperpodInventoryError) as told:
        made(SLURM, NODES, **wanted)
    assert str(told.value) == sentence


def test_all_faults_come_at_once() -> None:
    with pytest.raises(HyperpodInventoryError) as told:
        made(SLURM, NODES, functions={"login": ["a", "b"]}, partitions={"c": "x"})
    assert str(told.value).count("no cluster has an instance group") == 3


def test_one_name_for_two_nodes_is_refused() -> None:
    other = {**SLURM, "ClusterArn": ARN.replace("abc", "xyz"), "ClusterName": "other"}
    seen = [{"cluster": SLURM, "nodes": [node("head", 1)]}, {"cluster": other, "nodes": [node("head", 1)]}]
    with pytest.raises(HyperpodInventoryError, match="hostname: 'dns' calls both head/i-0"):
        hosts.inventory(seen, Wanted())


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("dns", "ip-10-1-0-1"),
        ("instance_id", "i-00000000000000001"),
        ("group_and_instance_id", "head-i-00000000000000001"),
    ],
)
def test_a_host_is_called_as_wanted(hostname: str, name: str) -> None:
    assert [host.name for host in made(SLURM, [node("head", 1)], hostname=hostname).hosts] == [name]


def test_without_a_dns_name_the_instance_names_the_host() -> None:
    bare = {key: value for key, value in node("head", 1).items() if key != "PrivateDnsHostname"}
    assert [host.name for host in made(SLURM, [bare]).hosts] == ["i-00000000000000001"]


@given(st.permutations(range(20)))
def test_the_order_in_which_sagemaker_lists_nodes_is_of_no_matter(order: list[int]) -> None:
    nodes = [node("rest" if number % 2 else "big-gpus", number) for number in order]
    assert made(SLURM, nodes).hosts == made(SLURM, sorted(nodes, key=lambda one: str(one["InstanceId"]))).hosts


def test_our_words_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    slurm = model.shape_for("ClusterSlurmConfigDetails").members
    assert {one.lower() for one in slurm["NodeType"].enum} == set(hosts.FUNCTIONS)
    assert "PartitionNames" in slurm and slurm["PartitionNames"].type_name == "list"
    assert model.operation_model("ListClusterNodes").input_shape.members["MaxResults"].metadata["max"] == api.PAGE
    assert set(Wanted().statuses) <= set(model.shape_for("ClusterInstanceStatus").enum)
    for name in ("ClusterNodeSummary", "ClusterNodeDetails"):
        read = {
            "InstanceGroupName",
            "InstanceId",
            "InstanceType",
            "InstanceStatus",
            "PrivateDnsHostname",
            "UltraServerInfo",
        }
        assert read | {"NodeLogicalId", "CurrentImageReleaseVersion", "LaunchTime"} <= set(
            model.shape_for(name).members
        )
    assert {"PrivatePrimaryIp", "Placement"} <= set(model.shape_for("ClusterNodeDetails").members)


class Client:
    """SageMaker, as far as api.py asks it."""

    def __init__(self, error: Exception | None = None, pages: int = 1, stuck: bool = False) -> None:
        self.error, self.pages, self.stuck, self.asked = error, pages, stuck, []  # type: ignore[var-annotated]

    def describe_cluster(self, ClusterName: str) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {**SLURM, "ResponseMetadata": {}}

    def list_cluster_nodes(self, ClusterName: str, MaxResults: int, NextToken: str = "0") -> dict[str, Any]:
        self.asked.append(NextToken)
        page = int(NextToken)
        token = "1" if self.stuck else str(page + 1) if page + 1 < self.pages else ""
        return {"ClusterNodeSummaries": [node("rest", page + 1)], "NextToken": token}

    def describe_cluster_node(self, ClusterName: str, NodeId: str) -> dict[str, Any]:
        if NodeId.endswith("2"):
            raise refusal("ResourceNotFound", "gone", "DescribeClusterNode")
        return {"NodeDetails": {"PrivatePrimaryIp": "10.9.9.9"}}

    def list_clusters(self) -> dict[str, Any]:
        return {"ClusterSummaries": [{"ClusterName": "a"}, {"ClusterName": "b"}]}


def refusal(code: str, said: str, operation: str = "DescribeCluster") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": said}}, operation)


def test_all_pages_are_read() -> None:
    client = Client(pages=3)
    assert len(api.read(client, "research", "us-west-2")["nodes"]) == 3
    assert client.asked == ["0", "1", "2"]


def test_a_page_that_repeats_itself_ends_the_reading() -> None:
    with pytest.raises(HyperpodInventoryError, match="gives the page after its nodes' last again"):
        api.read(Client(stuck=True), "research", "us-west-2")


def test_nodes_are_described_when_asked_and_one_that_went_stays_as_it_was() -> None:
    nodes = api.read(Client(pages=2), "research", "us-west-2", describe_nodes=True)["nodes"]
    assert [one.get("PrivatePrimaryIp") for one in nodes] == ["10.9.9.9", None]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            refusal("ResourceNotFound", "no"),
            "there is no such cluster, expected one of a, b; correct the name, the region or",
        ),
        (
            refusal("ValidationException", "Could not find cluster 'research'."),
            "there is no such cluster, expected one of a, b",
        ),
        (
            refusal("AccessDeniedException", "nope"),
            "these credentials may not do sagemaker:DescribeCluster (nope); allow it to",
        ),
        (
            refusal("ExpiredTokenException", "old"),
            "AWS does not accept these credentials (ExpiredTokenException: old); log in",
        ),
        (
            refusal("ThrottlingException", "slow"),
            "SageMaker still throttles sagemaker:DescribeCluster after 9 attempts; try later, or use",
        ),
        (refusal("Strange", "what"), "sagemaker:DescribeCluster fails with Strange: what"),
        (EndpointConnectionError(endpoint_url="https://x"), "SageMaker cannot be reached"),
        (NoCredentialsError(), "there are no AWS credentials; log in, or set profile or AWS_PROFILE."),
    ],
)
def test_an_error_is_a_sentence_that_names_cluster_and_region(error: Exception, sentence: str) -> None:
    with pytest.raises(HyperpodInventoryError) as told:
        api.read(Client(error), "research", "us-west-2")
    assert str(told.value).startswith("cluster research in region us-west-2: ") and sentence in str(told.value)
