"""Role network, deployed to moto by its playbook and read back from EC2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import network as plan
from aws.harness import Aws, Played, template

OPTIONS = {"cluster_name": "a", "aws_region": "us-east-1"}
ZONES = ["use1-az4", "us-east-1b"]  # the first by its id: moto calls it us-east-1d


def play(aws: Aws, *arguments: str, **options: Any) -> Played:
    return aws.playbook("network", *arguments, **{**OPTIONS, "network_availability_zones": ZONES, **options})


@pytest.fixture(scope="module")
def network(aws_server: Aws) -> Iterator[tuple[Aws, Played]]:
    """A network of two zones, which the tests of this module read."""
    aws_server.reset()
    planned = play(aws_server, "--check")
    assert planned.returncode == 0, planned.stdout[-6000:]
    assert "a-network: New stack would be created (AvailabilityZones=us-east-1d,us-east-1b, Cluster" in planned.told
    assert planned.outputs["network"]["private_subnet_ids"] == ["subnet-00000000000000000"] * 2
    assert aws_server.asked("CreateStack") == aws_server.asked("CreateVpc") == []
    done = play(aws_server)
    assert done.returncode == 0, done.stdout[-6000:]
    yield aws_server, done


def test_it_leaves_what_it_made(network: tuple[Aws, Played]) -> None:
    aws, done = network
    outputs = done.outputs["network"]
    (vpc,) = aws.client("ec2").describe_vpcs(Filters=[{"Name": "tag:awsome:cluster", "Values": ["a"]}])["Vpcs"]
    assert outputs["vpc_id"] == vpc["VpcId"] and vpc["CidrBlock"] == "10.0.0.0/16"
    assert outputs["availability_zones"] == ["us-east-1d", "us-east-1b"]
    assert len(outputs["private_subnet_ids"]) == len(outputs["public_subnet_ids"]) == 2
    attribute = aws.client("ec2").describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
    assert attribute["EnableDnsHostnames"]["Value"]


def test_subnets_stand_in_their_zones_and_the_first_is_the_largest(network: tuple[Aws, Played]) -> None:
    aws, done = network
    found = {}
    for kind in ("private", "public"):
        ids = done.outputs["network"][f"{kind}_subnet_ids"]
        told = {one["SubnetId"]: one for one in aws.client("ec2").describe_subnets(SubnetIds=ids)["Subnets"]}
        found[kind] = [(told[one]["AvailabilityZone"], told[one]["CidrBlock"]) for one in ids]
        assert not any(one["MapPublicIpOnLaunch"] for one in told.values())
    assert found == {
        "private": [("us-east-1d", "10.0.0.0/17"), ("us-east-1b", "10.0.128.0/18")],
        "public": [("us-east-1d", "10.0.240.0/24"), ("us-east-1b", "10.0.241.0/24")],
    }


def routes(aws: Aws, subnet: str) -> dict[str, str]:
    """Destination (an address range or a list of prefixes) and target of the routes of a subnet."""
    (table,) = aws.client("ec2").describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])[
        "RouteTables"
    ]
    targets = ("NatGatewayId", "GatewayId")
    return {
        one.get("DestinationCidrBlock") or one["DestinationPrefixListId"]: next(
            one[key] for key in targets if key in one
        )
        for one in table["Routes"]
    }


def test_private_subnets_go_out_through_nat_and_to_s3_past_it(network: tuple[Aws, Played]) -> None:
    aws, done = network
    (nat,) = aws.client("ec2").describe_nat_gateways()["NatGateways"]
    assert nat["SubnetId"] == done.outputs["network"]["public_subnet_ids"][0]
    for subnet in done.outputs["network"]["private_subnet_ids"]:
        found = routes(aws, subnet)
        assert found["0.0.0.0/0"] == nat["NatGatewayId"]
        assert [target.split("-")[0] for name, target in found.items() if name.startswith("pl-")] == ["vpce"]
    for subnet in done.outputs["network"]["public_subnet_ids"]:
        assert routes(aws, subnet)["0.0.0.0/0"].startswith("igw-")


def test_machines_trust_each_other_and_nobody_else(network: tuple[Aws, Played]) -> None:
    """EFA wants all traffic allowed to and from the group itself, by its id."""
    aws, done = network
    ident = done.outputs["network"]["security_group_id"]
    (group,) = aws.client("ec2").describe_security_groups(GroupIds=[ident])["SecurityGroups"]
    (allowed,) = group["IpPermissions"]
    assert allowed["IpProtocol"] == "-1" and allowed["IpRanges"] == []
    assert [one["GroupId"] for one in allowed["UserIdGroupPairs"]] == [ident]
    out = [(pair["GroupId"]) for one in group["IpPermissionsEgress"] for pair in one["UserIdGroupPairs"]]
    assert out == [ident]


def test_the_default_group_lets_nothing_through(network: tuple[Aws, Played]) -> None:
    aws, done = network
    vpc = {"Name": "vpc-id", "Values": [done.outputs["network"]["vpc_id"]]}
    (group,) = aws.client("ec2").describe_security_groups(Filters=[vpc, {"Name": "group-name", "Values": ["default"]}])[
        "SecurityGroups"
    ]
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def test_flows_are_logged_by_a_role_that_can_do_nothing_else(network: tuple[Aws, Played]) -> None:
    aws, done = network
    (log,) = aws.client("ec2").describe_flow_logs()["FlowLogs"]
    assert (log["ResourceId"], log["TrafficType"]) == (done.outputs["network"]["vpc_id"], "ALL")
    (group,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (log["LogGroupName"], 30)
    role = log["DeliverLogsPermissionArn"].rpartition("/")[2]
    policy = aws.client("iam").get_role_policy(RoleName=role, PolicyName="write")["PolicyDocument"]
    assert isinstance(policy, dict), repr(policy)
    assert all(action.startswith("logs:") for action in policy["Statement"][0]["Action"])
    assert policy["Statement"][0]["Resource"].startswith(group["logGroupArn"])


def test_a_network_that_grows_keeps_what_it_has_and_goes_whole(network: tuple[Aws, Played]) -> None:
    """Rerun, plan, zones and NAT gateways that are added, and its end."""
    aws, first = network
    again = play(aws)
    assert again.returncode == 0 and again.changed == 0, again.stdout[-6000:]
    more = {"network_availability_zones": [*ZONES, "us-east-1a"], "network_nat_gateways": "each"}
    planned = play(aws, "--check", **more)
    assert "a-network: Add AWS::EC2::NatGateway NatGateway3" in planned.told, planned.stdout[-6000:]
    assert "a-network: Modify AWS::EC2::Route PrivateRoute2" in planned.told
    assert len(aws.client("ec2").describe_nat_gateways()["NatGateways"]) == 1
    grown = play(aws, **more)
    assert grown.returncode == 0 and grown.changed == 1, grown.stdout[-6000:]
    before, after = first.outputs["network"], grown.outputs["network"]
    assert after["private_subnet_ids"][:2] == before["private_subnet_ids"] and len(after["private_subnet_ids"]) == 3
    targets = [routes(aws, subnet)["0.0.0.0/0"] for subnet in after["private_subnet_ids"]]
    assert len(set(targets)) == 3 and all(target.startswith("nat-") for target in targets)
    gone = play(aws, network_state="absent")
    assert gone.returncode == 0 and gone.changed == 1 and gone.outputs["network"] == {}, gone.stdout[-6000:]
    ec2 = aws.client("ec2")
    assert before["vpc_id"] not in [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    assert ec2.describe_addresses()["Addresses"] == []
    assert {one["State"] for one in ec2.describe_nat_gateways()["NatGateways"]} <= {"deleted"}


def test_a_vpc_that_exists_is_used(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    options = {"network_vpc_id": vpc, "network_cidr": "10.9.0.0/18", "network_availability_zones": ["us-east-1q"]}
    done = play(aws, **options)
    assert done.returncode != 0
    assert f"network_cidr 10.9.0.0/18 is not within {vpc}, which has 10.8.0.0/16; give a free block of it." in done.told
    assert f"{vpc} has no internet gateway attached, which public subnets need; attach one." in done.told
    assert "network_availability_zones names us-east-1q, which us-east-1 does not have; it has us-east-1a" in done.told
    assert aws.asked("CreateStack") == []
    ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
    done = play(aws, **{**options, "network_cidr": "10.8.64.0/18", "network_availability_zones": ["us-east-1b"]})
    assert done.returncode == 0, done.stdout[-6000:]
    outputs = done.outputs["network"]
    assert outputs["vpc_id"] == vpc and len(outputs["private_subnet_ids"]) == 1
    assert routes(aws, outputs["public_subnet_ids"][0])["0.0.0.0/0"] == gateway
    assert aws.asked("CreateFlowLogs") == []


@pytest.mark.parametrize("zones", [1, 4])
@pytest.mark.parametrize("nat", ["none", "one", "each"])
def test_every_choice_of_the_template_deploys(aws: Aws, zones: int, nat: str) -> None:
    laid_out = plan.subnets("10.0.0.0/16")
    outputs = aws.deploy(
        "roles/network/files/network.cfn.yml",
        ClusterName="a",
        VpcCidr="10.0.0.0/16",
        AvailabilityZones=",".join(f"us-east-1{zone}" for zone in "abcd"[:zones]),
        NumZones=zones,
        PrivateCidrs=",".join(laid_out["private"][:zones]),
        PublicCidrs=",".join(laid_out["public"][:zones]),
        NatGateways=nat,
        DynamoDbEndpoint="true",
        EgressCidr="10.0.0.0/8",
        FlowLogDays=0,
    )
    private = outputs["PrivateSubnetIds"].split(",")
    assert len(private) == len(outputs["PublicSubnetIds"].split(",")) == zones
    ways = {routes(aws, subnet).get("0.0.0.0/0") for subnet in private}
    assert len(ways) == (zones if nat == "each" else 1) and (ways == {None}) == (nat == "none")
    endpoints = aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert {len(one["RouteTableIds"]) for one in endpoints} == {zones} and len(endpoints) == 2
    assert aws.client("ec2").describe_flow_logs()["FlowLogs"] == []


def test_the_template_takes_as_many_zones_as_the_role() -> None:
    resources = template("network", "network")["Resources"]
    assert sorted(name for name in resources if name.startswith("PrivateSubnet") and name[-1].isdigit()) == [
        f"PrivateSubnet{number}" for number in range(1, 5)
    ]
