"""EC2's networks as CloudFormation makes them: attributes, associations, rules both ways, and their removal."""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from patches._cfn import client, resource

RULE = ("IpProtocol", "FromPort", "ToPort")


def tagged(kind: str, properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": properties["Tags"]}] if properties["Tags"] else []


def vpc(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", region)
    ident = ec2.create_vpc(CidrBlock=properties["CidrBlock"], TagSpecifications=tagged("vpc", properties))["Vpc"][
        "VpcId"
    ]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in properties:
            ec2.modify_vpc_attribute(VpcId=ident, **{name: {"Value": truth(properties[name])}})
    return ident, {"VpcId": ident, "CidrBlock": properties["CidrBlock"]}


def truth(value: Any) -> bool:
    return str(value).lower() == "true"


def subnet(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", region)
    given = {key: properties[key] for key in ("VpcId", "CidrBlock", "AvailabilityZone") if key in properties}
    ident = ec2.create_subnet(**given, TagSpecifications=tagged("subnet", properties))["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(
        SubnetId=ident, MapPublicIpOnLaunch={"Value": truth(properties.get("MapPublicIpOnLaunch", False))}
    )
    return ident, {"SubnetId": ident}


def association(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    given = {key: properties[key] for key in ("SubnetId", "RouteTableId")}
    ident = client("ec2", region).associate_route_table(**given)["AssociationId"]
    return ident, {"Id": ident}


def attachment(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    given = {key: properties[key] for key in ("VpcId", "InternetGatewayId")}
    client("ec2", region).attach_internet_gateway(**given)
    return f"IGW|{properties['VpcId']}", {"AttachmentType": "IGW"}


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {key: rule[key] if key == "IpProtocol" else int(rule[key]) for key in RULE if key in rule}
    about = {"Description": rule["Description"]} if "Description" in rule else {}
    if other := rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId"):
        told["UserIdGroupPairs"] = [{"GroupId": other, **about}]
    if "CidrIp" in rule:
        told["IpRanges"] = [{"CidrIp": rule["CidrIp"], **about}]
    return told


def group(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", region)
    given = {"GroupName": properties.get("GroupName", name), "Description": properties["GroupDescription"]}
    ident = ec2.create_security_group(
        **given, VpcId=properties["VpcId"], TagSpecifications=tagged("security-group", properties)
    )["GroupId"]
    for rule in properties.get("SecurityGroupIngress", []):
        ec2.authorize_security_group_ingress(GroupId=ident, IpPermissions=[permission(rule)])
    if "SecurityGroupEgress" in properties:  # which replaces the rule that a group has by default
        ec2.revoke_security_group_egress(
            GroupId=ident, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
    for rule in properties.get("SecurityGroupEgress", []):
        ec2.authorize_security_group_egress(GroupId=ident, IpPermissions=[permission(rule)])
    return ident, {"GroupId": ident, "VpcId": properties["VpcId"]}


def rule(direction: str) -> Any:
    def create(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
        authorize = getattr(client("ec2", region), f"authorize_security_group_{direction}")
        made = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        return made["SecurityGroupRules"][0]["SecurityGroupRuleId"], {}

    def remove(region: str, made: Any) -> None:
        revoke = getattr(client("ec2", region), f"revoke_security_group_{direction}")
        revoke(GroupId=made.properties["GroupId"], SecurityGroupRuleIds=[made.physical_resource_id])

    return create, remove


def made(call: str, kind: str, path: str, *keys: str, tags: bool = True) -> Any:
    """What one request makes: create_`call` with these properties, whose answer has the id at `path`."""

    def create(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
        given = {key: properties[key] for key in keys if key in properties}
        if tags:
            given["TagSpecifications"] = tagged(kind, properties)
        answer = getattr(client("ec2", region), call)(**given)
        for step in path.split("."):
            answer = answer[int(step) if step.isdigit() else step]
        ident = str(answer)
        return ident, {"Id": ident, path.split(".")[-1]: ident}

    return create


def address(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    told = client("ec2", region).allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", properties))
    return told["PublicIp"], {"AllocationId": told["AllocationId"], "PublicIp": told["PublicIp"]}


def route(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    client("ec2", region).create_route(**{key: value for key, value in properties.items() if key != "Tags"})
    return f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}", {}


def rerouted(region: str, there: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    client("ec2", region).replace_route(**properties)
    return there.physical_resource_id, {}


def endpoint_changed(region: str, there: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """moto's ModifyVpcEndpoint adds a route table and no route. None is taken away here but with its zone."""
    ident, before = there.physical_resource_id, there.properties["RouteTableIds"]
    added = [one for one in properties["RouteTableIds"] if one not in before]
    client("ec2", region).modify_vpc_endpoint(VpcEndpointId=ident, AddRouteTableIds=added)
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    prefixes = backend.vpc_end_points[ident].destination_prefix_list_id
    for table in added:
        backend.create_route(table, None, gateway_id=ident, destination_prefix_list_id=prefixes)
    return ident, there.attributes


def flow_log(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
    given = {key: value for key, value in properties.items() if key not in ("ResourceId", "Tags")}
    given["MaxAggregationInterval"] = int(given["MaxAggregationInterval"])
    told = client("ec2", region).create_flow_logs(
        **given, ResourceIds=[properties["ResourceId"]], TagSpecifications=tagged("vpc-flow-log", properties)
    )
    return told["FlowLogIds"][0], {"Id": told["FlowLogIds"][0]}


def apply() -> None:
    def by_id(call: str, key: str) -> Any:
        return lambda region, made: getattr(client("ec2", region), call)(**{key: made.physical_resource_id})

    resource("AWS::EC2::VPC", vpc, by_id("delete_vpc", "VpcId"))
    resource("AWS::EC2::Subnet", subnet, by_id("delete_subnet", "SubnetId"))
    resource("AWS::EC2::SubnetRouteTableAssociation", association, by_id("disassociate_route_table", "AssociationId"))
    resource(
        "AWS::EC2::VPCGatewayAttachment",
        attachment,
        lambda region, made: client("ec2", region).detach_internet_gateway(
            VpcId=made.properties["VpcId"], InternetGatewayId=made.properties["InternetGatewayId"]
        ),
    )
    resource("AWS::EC2::SecurityGroup", group, by_id("delete_security_group", "GroupId"))
    resource("AWS::EC2::SecurityGroupIngress", *rule("ingress"))
    resource("AWS::EC2::SecurityGroupEgress", *rule("egress"))
    resource(
        "AWS::EC2::InternetGateway",
        made("create_internet_gateway", "internet-gateway", "InternetGateway.InternetGatewayId"),
        by_id("delete_internet_gateway", "InternetGatewayId"),
    )
    resource(
        "AWS::EC2::RouteTable",
        made("create_route_table", "route-table", "RouteTable.RouteTableId", "VpcId"),
        by_id("delete_route_table", "RouteTableId"),
    )
    resource(
        "AWS::EC2::Route",
        route,
        lambda region, there: client("ec2", region).delete_route(
            **{key: there.properties[key] for key in ("RouteTableId", "DestinationCidrBlock")}
        ),
        rerouted,
    )
    resource(
        "AWS::EC2::EIP",
        address,
        lambda region, there: client("ec2", region).release_address(AllocationId=there.attributes["AllocationId"]),
    )
    resource(
        "AWS::EC2::NatGateway",
        made("create_nat_gateway", "natgateway", "NatGateway.NatGatewayId", "AllocationId", "SubnetId"),
        by_id("delete_nat_gateway", "NatGatewayId"),
    )
    resource(
        "AWS::EC2::VPCEndpoint",
        made(
            "create_vpc_endpoint",
            "vpc-endpoint",
            "VpcEndpoint.VpcEndpointId",
            *("VpcEndpointType", "VpcId", "ServiceName", "RouteTableIds", "SubnetIds", "SecurityGroupIds"),
        ),
        lambda region, there: client("ec2", region).delete_vpc_endpoints(VpcEndpointIds=[there.physical_resource_id]),
        endpoint_changed,
    )
    resource(
        "AWS::EC2::FlowLog",
        flow_log,
        lambda region, there: client("ec2", region).delete_flow_logs(FlowLogIds=[there.physical_resource_id]),
    )
