"""What IAM needs to know of EC2, Auto Scaling, alarms and roles: which resource a call is about, its tags, and the service's own condition keys.

AWS («Actions, resources, and condition keys for Amazon EC2» and «… Amazon EC2 Auto Scaling», Service Authorization Reference): a launch
template, a placement
group or an interface is the resource of its own calls, `aws:ResourceTag` are that resource's tags, and `iam:PermissionsBoundary` is the
boundary of the role
that is made or changed. MiniStack knows neither moto's resources nor that key, so every policy with such a condition would deny.
"""

from __future__ import annotations

import json

from ministack.core import iam_actions
from ministack.services import iam as ministack_iam
from ministack.services import tagging
from moto.autoscaling.models import autoscaling_backends

from .moto_bridge import ACCOUNT, LOCK, ec2
from .patching import replace

# Parameter that names the resource, and the ARN's type, by the action's last word(s). Calls not listed are resolved by MiniStack.
_BY_ACTION = {
    "CreateLaunchTemplate": (None, "launch-template"),
    "DeleteLaunchTemplate": ("LaunchTemplateId", "launch-template"),
    "CreateLaunchTemplateVersion": ("LaunchTemplateId", "launch-template"),
    "ModifyLaunchTemplate": ("LaunchTemplateId", "launch-template"),
    "GetLaunchTemplateData": ("InstanceId", "instance"),
    "CreateSnapshot": ("VolumeId", "volume"),
    "DeleteSnapshot": ("SnapshotId", "snapshot"),
    "CreatePlacementGroup": ("GroupName", "placement-group"),
    "DeletePlacementGroup": ("GroupName", "placement-group"),
}


def install() -> None:
    # EC2's calls carry their tags in TagSpecifications.
    members = iam_actions._TAG_MEMBERS
    replace(iam_actions, "_TAG_MEMBERS", members | {"TagSpecifications"})
    resolve = replace(
        iam_actions,
        "extract_resource_arn",
        lambda service, method, path, headers, body, query, region, account: (
            _resource(service, query, region, account)
            or (_alarm(body, region, account) if service == "monitoring" else None)
            or resolve(service, method, path, headers, body, query, region, account)
        ),
    )
    tags = replace(
        tagging, "resource_tags", lambda arn: _moto_tags(arn) if arn.split(":")[2:3] in (["ec2"], ["autoscaling"]) else tags(arn)
    )
    context = replace(
        iam_actions,
        "request_tag_context",
        lambda service, action, body, params: {**context(service, action, body, _own_tags(params)), **_boundary(action, params)},
    )


def _own_tags(params: dict) -> dict:
    """What a launch template holds are tags of instances to come, not of the request."""
    return {name: value for name, value in params.items() if not name.startswith("LaunchTemplateData.")}


def _first(params: dict, name: str) -> str:
    value = params.get(name, "")
    return value[0] if isinstance(value, list) else value


def _resource(service: str, params: dict, region: str, account: str) -> str | None:
    if service == "ec2":
        return _ec2_resource(params, region, account)
    if service == "autoscaling" and _first(params, "Action") == "TerminateInstanceInAutoScalingGroup":
        return _group_of(_first(params, "InstanceId"), region)
    return _iam_resource(params, account) if service == "iam" else None


def _alarm(body: bytes, region: str, account: str) -> str | None:
    """The alarm of a CloudWatch call in JSON; MiniStack reads forms only. Of several names the first stands for all."""
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    if not isinstance(asked, dict):
        return None
    if asked.get("ResourceARN"):
        return asked["ResourceARN"]
    name = asked.get("AlarmName") or next(iter(asked.get("AlarmNames") or []), None)
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" if name else None


def _iam_resource(params: dict, account: str) -> str | None:
    """The ARN with its path; calls about a profile and a role are about the profile."""
    profile, role = _first(params, "InstanceProfileName"), _first(params, "RoleName")
    if not profile and not role:
        return None
    kind, name, known = ("instance-profile", profile, ministack_iam._instance_profiles) if profile else ("role", role, ministack_iam._roles)
    found = known.get(name)
    return found["Arn"] if found else f"arn:aws:iam::{account}:{kind}{_first(params, 'Path') or '/'}{name}"


def _ec2_resource(params: dict, region: str, account: str) -> str | None:
    action = _first(params, "Action")
    if action == "DetachNetworkInterface":
        return f"arn:aws:ec2:{region}:{account}:network-interface/{_attached(_first(params, 'AttachmentId'))}"
    if action in ("CreateTags", "DeleteTags") and _first(params, "ResourceId.1").startswith("i-"):
        return f"arn:aws:ec2:{region}:{account}:instance/{_first(params, 'ResourceId.1')}"
    if action not in _BY_ACTION:
        return None
    name, kind = _BY_ACTION[action]
    identifier = _first(params, name) if name else "new"
    if not identifier and kind == "launch-template":
        with LOCK:
            identifier = ec2(region).launch_template_name_to_ids.get(_first(params, "LaunchTemplateName"), "")
    # The ARN of a snapshot names no account.
    return f"arn:aws:ec2:{region}:{'' if kind == 'snapshot' else account}:{kind}/{identifier}"


def _group_of(instance_id: str, region: str) -> str | None:
    """The group of an instance: calls that name the instance alone are about that."""
    with LOCK:
        groups = autoscaling_backends[ACCOUNT][region].autoscaling_groups.values()
        return next((group.arn for group in groups if any(member.instance.id == instance_id for member in group.instance_states)), None)


def _attached(attachment: str) -> str:
    with LOCK:
        return next((eni.id for eni in ec2().enis.values() if getattr(eni, "attachment_id", None) == attachment), "unknown")


def _moto_tags(arn: str) -> dict[str, str] | None:
    _, _, service, region, _, resource = arn.split(":", 5)
    with LOCK:
        if service == "ec2":
            found = ec2(region).tags.get(resource.rpartition("/")[2])
            return dict(found) if found is not None else None
        group = autoscaling_backends[ACCOUNT][region].autoscaling_groups.get(resource.rpartition("/")[2])
        return {tag["key"] if "key" in tag else tag["Key"]: tag.get("value", tag.get("Value", "")) for tag in group.tags} if group else None


def _boundary(action: str, params: dict) -> dict[str, str]:
    if action == "iam:CreateRole":
        boundary = _first(params, "PermissionsBoundary")
    elif action in ("iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        boundary = (ministack_iam._roles.get(_first(params, "RoleName")) or {}).get("PermissionsBoundary") or ""
    else:
        return {}
    if isinstance(boundary, dict):
        boundary = boundary.get("PermissionsBoundaryArn", "")
    return {"iam:PermissionsBoundary": boundary} if boundary else {}
