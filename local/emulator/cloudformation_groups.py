"""CloudFormation's AWS::AutoScaling types (see cloudformation_ec2.py)."""

from __future__ import annotations

import time

from ministack.core.responses import get_region

from . import moto_bridge

_GROUP = (
    "LaunchTemplate",
    "MixedInstancesPolicy",
    "AvailabilityZones",
    "HealthCheckType",
    "PlacementGroup",
    "TerminationPolicies",
    "CapacityRebalance",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "MaxInstanceLifetime",
)
_NUMBERS = {
    "MinSize": "MinSize",
    "MaxSize": "MaxSize",
    "DesiredCapacity": "DesiredCapacity",
    "Cooldown": "DefaultCooldown",
    "HealthCheckGracePeriod": "HealthCheckGracePeriod",
}


def autoscaling():
    return moto_bridge.client("autoscaling", get_region())


def _parameters(props: dict) -> dict:
    made = {name: props[name] for name in _GROUP if props.get(name) is not None}
    made |= {api: int(props[name]) for name, api in _NUMBERS.items() if props.get(name) is not None}
    for name in ("CapacityRebalance", "NewInstancesProtectedFromScaleIn"):
        if name in made:
            made[name] = str(made[name]).lower() == "true"
    if props.get("VPCZoneIdentifier"):
        made["VPCZoneIdentifier"] = ",".join(props["VPCZoneIdentifier"])
    return made


def group_create(props: dict, name: str):
    name = props.get("AutoScalingGroupName") or name
    tags = [
        {"Key": t["Key"], "Value": t["Value"], "PropagateAtLaunch": str(t.get("PropagateAtLaunch")).lower() == "true"}
        for t in props.get("Tags") or []
    ]
    autoscaling().create_auto_scaling_group(AutoScalingGroupName=name, Tags=tags, **_parameters(props))
    return name, {
        "AutoScalingGroupARN": autoscaling().describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0][
            "AutoScalingGroupARN"
        ]
    }


def group_update(name: str, _old: dict, props: dict) -> dict:
    autoscaling().update_auto_scaling_group(AutoScalingGroupName=name, **_parameters(props))
    return {}


def group_delete(name: str, _props: dict) -> None:
    """CloudFormation waits until the instances are gone."""
    autoscaling().delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    deadline = time.monotonic() + 120
    while autoscaling().describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Auto Scaling group {name} still has instances")
        time.sleep(0.1)


def hook_create(props: dict, name: str):
    hook = props.get("LifecycleHookName") or name
    autoscaling().put_lifecycle_hook(LifecycleHookName=hook, **{k: v for k, v in props.items() if k != "LifecycleHookName"})
    return hook, {}


def hook_update(hook: str, _old: dict, props: dict) -> dict:
    hook_create({**props, "LifecycleHookName": hook}, hook)
    return {}


def policy_create(props: dict, name: str):
    made = autoscaling().put_scaling_policy(PolicyName=name, **props)
    return made["PolicyARN"], {"Arn": made["PolicyARN"], "PolicyName": name}


def policy_delete(arn: str, props: dict) -> None:
    autoscaling().delete_policy(AutoScalingGroupName=props["AutoScalingGroupName"], PolicyName=arn.rsplit("policyName/", 1)[-1])


GROUP_TYPES = {
    "AWS::AutoScaling::AutoScalingGroup": {"create": group_create, "update": group_update, "delete": group_delete},
    "AWS::AutoScaling::LifecycleHook": {
        "create": hook_create,
        "update": hook_update,
        "delete": lambda hook, props: autoscaling().delete_lifecycle_hook(
            AutoScalingGroupName=props["AutoScalingGroupName"], LifecycleHookName=hook
        ),
    },
    "AWS::AutoScaling::ScalingPolicy": {"create": policy_create, "delete": policy_delete},
}
