"""CloudFormation's AWS::EC2 and AWS::AutoScaling types, each as the calls of the service's own API that AWS makes for it.

AWS: the resource types' pages in the «CloudFormation Template Reference» (Return values, «Update requires»). MiniStack's own handlers
write to its own
EC2, which nothing reads here; moto's leave out egress rules, gateway endpoints' routes, updates and most deletions.
A type is {create, update?, delete}; without update a change replaces the resource.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from botocore.exceptions import ClientError
from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

from . import moto_bridge
from .cloudformation_groups import GROUP_TYPES
from .cloudformation_parts import only, tag_specifications
from .cloudformation_security import SECURITY_TYPES

log = logging.getLogger("emulator.cloudformation")
DELETE_WAIT_SECONDS = 60


def ec2():
    return moto_bridge.client("ec2", get_region())


def true(value) -> bool:
    return str(value).lower() == "true"


def vpc_create(props: dict, _name: str):
    vpc = ec2().create_vpc(**only(props, "CidrBlock", "InstanceTenancy"), **tag_specifications("vpc", props))["Vpc"]
    vpc_id = vpc["VpcId"]
    vpc_update(vpc_id, {}, props)
    group = ec2().describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}])
    acl = ec2().describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return vpc_id, {
        "VpcId": vpc_id,
        "CidrBlock": vpc["CidrBlock"],
        "CidrBlockAssociations": [],
        "Ipv6CidrBlocks": [],
        "DefaultSecurityGroup": group["SecurityGroups"][0]["GroupId"],
        "DefaultNetworkAcl": acl["NetworkAcls"][0]["NetworkAclId"],
    }


def vpc_update(vpc_id: str, _old: dict, props: dict) -> dict:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if props.get(name) is not None:
            ec2().modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": true(props[name])}})
    return {}


def subnet_create(props: dict, _name: str):
    subnet = ec2().create_subnet(**only(props, "VpcId", "CidrBlock", "AvailabilityZone"), **tag_specifications("subnet", props))["Subnet"]
    subnet_update(subnet["SubnetId"], {}, props)
    return subnet["SubnetId"], {
        "SubnetId": subnet["SubnetId"],
        "VpcId": subnet["VpcId"],
        "CidrBlock": subnet["CidrBlock"],
        "AvailabilityZone": subnet["AvailabilityZone"],
        "AvailabilityZoneId": subnet["AvailabilityZoneId"],
        "NetworkAclAssociationId": "",
        "Ipv6CidrBlocks": [],
    }


def subnet_update(subnet_id: str, _old: dict, props: dict) -> dict:
    if props.get("MapPublicIpOnLaunch") is not None:
        ec2().modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": true(props["MapPublicIpOnLaunch"])})
    return {}


def route_table_create(props: dict, _name: str):
    table_id = ec2().create_route_table(VpcId=props["VpcId"], **tag_specifications("route-table", props))["RouteTable"]["RouteTableId"]
    return table_id, {"RouteTableId": table_id}


def association_create(props: dict, _name: str):
    found = ec2().associate_route_table(**only(props, "RouteTableId", "SubnetId"))["AssociationId"]
    return found, {"Id": found}


def route_create(props: dict, _name: str):
    ec2().create_route(**props)
    destination = props.get("DestinationCidrBlock") or props.get("DestinationIpv6CidrBlock") or props.get("DestinationPrefixListId")
    return f"{props['RouteTableId']}|{destination}", {"CidrBlock": destination}


def route_delete(_physical_id: str, props: dict) -> None:
    ec2().delete_route(**only(props, "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"))


def internet_gateway_create(props: dict, _name: str):
    gateway_id = ec2().create_internet_gateway(**tag_specifications("internet-gateway", props))["InternetGateway"]["InternetGatewayId"]
    return gateway_id, {"InternetGatewayId": gateway_id}


def gateway_attachment_create(props: dict, _name: str):
    ec2().attach_internet_gateway(**only(props, "InternetGatewayId", "VpcId"))
    return f"IGW|{props['VpcId']}", {}


def address_create(props: dict, _name: str):
    address = ec2().allocate_address(Domain="vpc", **tag_specifications("elastic-ip", props))
    return address["PublicIp"], {"AllocationId": address["AllocationId"], "PublicIp": address["PublicIp"]}


def address_delete(public_ip: str, _props: dict) -> None:
    allocation = ec2().describe_addresses(PublicIps=[public_ip])["Addresses"][0]["AllocationId"]
    ec2().release_address(AllocationId=allocation)


def nat_gateway_create(props: dict, _name: str):
    nat = ec2().create_nat_gateway(**only(props, "AllocationId", "SubnetId", "ConnectivityType"), **tag_specifications("natgateway", props))
    nat_id = nat["NatGateway"]["NatGatewayId"]
    return nat_id, {"NatGatewayId": nat_id}


def endpoint_create(props: dict, _name: str):
    policy = props.get("PolicyDocument")
    endpoint = ec2().create_vpc_endpoint(
        **only(props, "VpcId", "ServiceName", "RouteTableIds", "SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled"),
        VpcEndpointType=props.get("VpcEndpointType") or "Gateway",
        **({"PolicyDocument": str(policy)} if policy else {}),
        **tag_specifications("vpc-endpoint", props),
    )["VpcEndpoint"]
    return endpoint["VpcEndpointId"], {
        "Id": endpoint["VpcEndpointId"],
        "DnsEntries": [],
        "NetworkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
    }


def launch_template_create(props: dict, name: str):
    template = ec2().create_launch_template(
        LaunchTemplateName=props.get("LaunchTemplateName") or name,
        LaunchTemplateData=props["LaunchTemplateData"],
        **only(props, "VersionDescription", "TagSpecifications"),
    )["LaunchTemplate"]
    return template["LaunchTemplateId"], _template_attributes(template["LaunchTemplateId"], 1)


def launch_template_update(template_id: str, old: dict, props: dict) -> dict:
    """A change makes a new version; the default version stays («AWS::EC2::LaunchTemplate»)."""
    if old.get("LaunchTemplateData") == props.get("LaunchTemplateData"):
        return {}
    made = ec2().create_launch_template_version(
        LaunchTemplateId=template_id, LaunchTemplateData=props["LaunchTemplateData"], **only(props, "VersionDescription")
    )
    return _template_attributes(template_id, made["LaunchTemplateVersion"]["VersionNumber"])


def _template_attributes(template_id: str, latest: int) -> dict:
    return {"LaunchTemplateId": template_id, "LatestVersionNumber": str(latest), "DefaultVersionNumber": "1"}


def interface_create(props: dict, _name: str):
    eni = ec2().create_network_interface(
        SubnetId=props["SubnetId"],
        **only(props, "Description", "PrivateIpAddress", "SecondaryPrivateIpAddressCount"),
        **({"Groups": props["GroupSet"]} if props.get("GroupSet") else {}),
        **tag_specifications("network-interface", props),
    )["NetworkInterface"]
    return eni["NetworkInterfaceId"], {"Id": eni["NetworkInterfaceId"], "PrimaryPrivateIpAddress": eni["PrivateIpAddress"]}


def flow_log_create(props: dict, _name: str):
    made = ec2().create_flow_logs(
        ResourceIds=[props["ResourceId"]],
        **only(
            props,
            "ResourceType",
            "TrafficType",
            "LogDestination",
            "LogDestinationType",
            "LogGroupName",
            "DeliverLogsPermissionArn",
            "LogFormat",
        ),
    )
    if made.get("Unsuccessful"):
        raise ValueError(made["Unsuccessful"][0]["Error"]["Message"])
    return made["FlowLogIds"][0], {"Id": made["FlowLogIds"][0]}


TYPES: dict[str, dict[str, Callable]] = {
    "AWS::EC2::VPC": {"create": vpc_create, "update": vpc_update, "delete": lambda i, p: ec2().delete_vpc(VpcId=i)},
    "AWS::EC2::Subnet": {"create": subnet_create, "update": subnet_update, "delete": lambda i, p: ec2().delete_subnet(SubnetId=i)},
    "AWS::EC2::RouteTable": {"create": route_table_create, "delete": lambda i, p: ec2().delete_route_table(RouteTableId=i)},
    "AWS::EC2::SubnetRouteTableAssociation": {
        "create": association_create,
        "delete": lambda i, p: ec2().disassociate_route_table(AssociationId=i),
    },
    "AWS::EC2::Route": {"create": route_create, "delete": route_delete},
    "AWS::EC2::InternetGateway": {
        "create": internet_gateway_create,
        "delete": lambda i, p: ec2().delete_internet_gateway(InternetGatewayId=i),
    },
    "AWS::EC2::VPCGatewayAttachment": {
        "create": gateway_attachment_create,
        "delete": lambda i, p: ec2().detach_internet_gateway(**only(p, "InternetGatewayId", "VpcId")),
    },
    "AWS::EC2::EIP": {"create": address_create, "delete": address_delete},
    "AWS::EC2::NatGateway": {"create": nat_gateway_create, "delete": lambda i, p: ec2().delete_nat_gateway(NatGatewayId=i)},
    "AWS::EC2::VPCEndpoint": {"create": endpoint_create, "delete": lambda i, p: ec2().delete_vpc_endpoints(VpcEndpointIds=[i])},
    **SECURITY_TYPES,
    "AWS::EC2::LaunchTemplate": {
        "create": launch_template_create,
        "update": launch_template_update,
        "delete": lambda i, p: ec2().delete_launch_template(LaunchTemplateId=i),
    },
    "AWS::EC2::NetworkInterface": {"create": interface_create, "delete": lambda i, p: ec2().delete_network_interface(NetworkInterfaceId=i)},
    "AWS::EC2::FlowLog": {"create": flow_log_create, "delete": lambda i, p: ec2().delete_flow_logs(FlowLogIds=[i])},
    **GROUP_TYPES,
}


def _handlers(resource_type: str, spec: dict) -> dict:
    def create(logical_id: str, props: dict, stack_name: str):
        return spec["create"](props, f"{stack_name}-{logical_id}")

    def update(physical_id: str, old: dict, new: dict, stack_name: str, logical_id: str | None = None):
        if "update" not in spec:
            return create(logical_id or physical_id, new, stack_name)
        attributes = spec["update"](physical_id, old, new)
        _retag(physical_id, old, new)
        return physical_id, attributes or _unchanged(resource_type, physical_id, new)

    def delete(physical_id: str, props: dict | None = None, *_):
        _delete_when_free(spec["delete"], physical_id, props or {})

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _unchanged(resource_type: str, physical_id: str, props: dict) -> dict:
    """Attributes after an update that changed none of them."""
    if resource_type == "AWS::EC2::SecurityGroup":
        return {"GroupId": physical_id, "VpcId": props.get("VpcId", ""), "Id": physical_id}
    if resource_type == "AWS::EC2::LaunchTemplate":
        found = ec2().describe_launch_templates(LaunchTemplateIds=[physical_id])["LaunchTemplates"][0]
        return _template_attributes(physical_id, found["LatestVersionNumber"])
    if resource_type == "AWS::EC2::VPC":
        groups = ec2().describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [physical_id]}, {"Name": "group-name", "Values": ["default"]}]
        )
        return {"VpcId": physical_id, "CidrBlock": props.get("CidrBlock"), "DefaultSecurityGroup": groups["SecurityGroups"][0]["GroupId"]}
    if resource_type == "AWS::EC2::Subnet":
        subnet = ec2().describe_subnets(SubnetIds=[physical_id])["Subnets"][0]
        return {name: subnet[name] for name in ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")}
    return {}


def _retag(physical_id: str, old: dict, new: dict) -> None:
    before, after = old.get("Tags") or [], new.get("Tags") or []
    if before == after or "-" not in physical_id or not all(set(tag) == {"Key", "Value"} for tag in before + after):
        return
    if before:
        ec2().delete_tags(Resources=[physical_id], Tags=before)
    if after:
        ec2().create_tags(Resources=[physical_id], Tags=after)


def _delete_when_free(delete: Callable, physical_id: str, props: dict) -> None:
    """CloudFormation tries again for a while when something still depends on the resource, and takes «not found» for done."""
    deadline = time.monotonic() + DELETE_WAIT_SECONDS
    while True:
        try:
            delete(physical_id, props)
            return
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if "NotFound" in code or "not found" in error.response["Error"]["Message"]:
                return
            if code not in ("DependencyViolation", "ResourceInUse", "InvalidParameterValue") or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def install() -> None:
    known = provisioners._RESOURCE_HANDLERS
    for resource_type, spec in TYPES.items():
        known[resource_type] = _handlers(resource_type, spec)
    for resource_type in [name for name in known if name.startswith(("AWS::EC2::", "AWS::AutoScaling::")) and name not in TYPES]:
        # It would write to MiniStack's own EC2, which nothing reads: better unknown than lost.
        del known[resource_type]
