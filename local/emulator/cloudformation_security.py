"""CloudFormation's security groups and their rules (see cloudformation_ec2.py)."""

from __future__ import annotations

from ministack.core.responses import get_region

from . import moto_bridge
from .cloudformation_parts import only, tag_specifications


def ec2():
    return moto_bridge.client("ec2", get_region())


def permission(rule: dict) -> dict:
    """A rule of a template as an IpPermission."""
    made = {"IpProtocol": str(rule["IpProtocol"])}
    for name in ("FromPort", "ToPort"):
        if rule.get(name) is not None:
            made[name] = int(rule[name])
    described = only(rule, "Description")
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    prefix = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if rule.get("CidrIp"):
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    elif rule.get("CidrIpv6"):
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    elif group:
        made["UserIdGroupPairs"] = [{"GroupId": group, **described}]
    elif prefix:
        made["PrefixListIds"] = [{"PrefixListId": prefix, **described}]
    return made


def security_group_create(props: dict, name: str):
    group_id = ec2().create_security_group(
        GroupName=props.get("GroupName") or name,
        Description=props["GroupDescription"],
        **only(props, "VpcId"),
        **tag_specifications("security-group", props),
    )["GroupId"]
    security_group_update(group_id, {}, props)
    return group_id, {"GroupId": group_id, "VpcId": props.get("VpcId", ""), "Id": group_id}


def security_group_update(group_id: str, old: dict, props: dict) -> dict:
    for direction in ("ingress", "egress"):
        key = f"SecurityGroup{direction.capitalize()}"
        before, after = old.get(key) or [], props.get(key) or []
        if direction == "egress" and not old and after:
            # A group begins with «everything may leave»; a template that lists egress rules replaces that.
            before = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
        for rule in [r for r in before if r not in after]:
            getattr(ec2(), f"revoke_security_group_{direction}")(GroupId=group_id, IpPermissions=[permission(rule)])
        for rule in [r for r in after if r not in before]:
            getattr(ec2(), f"authorize_security_group_{direction}")(GroupId=group_id, IpPermissions=[permission(rule)])
    return {}


def rule_type(direction: str) -> dict:
    def create(props: dict, _name: str):
        answer = getattr(ec2(), f"authorize_security_group_{direction}")(GroupId=props["GroupId"], IpPermissions=[permission(props)])
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return rule_id, {"Id": rule_id}

    def delete(_rule_id: str, props: dict) -> None:
        getattr(ec2(), f"revoke_security_group_{direction}")(GroupId=props["GroupId"], IpPermissions=[permission(props)])

    return {"create": create, "delete": delete}


SECURITY_TYPES = {
    "AWS::EC2::SecurityGroup": {
        "create": security_group_create,
        "update": security_group_update,
        "delete": lambda i, p: ec2().delete_security_group(GroupId=i),
    },
    "AWS::EC2::SecurityGroupIngress": rule_type("ingress"),
    "AWS::EC2::SecurityGroupEgress": rule_type("egress"),
}
