"""Auto Scaling groups that behave: a reconciler moves every group towards its desired capacity.

AWS (Amazon EC2 Auto Scaling User Guide: «Amazon EC2 Auto Scaling instance lifecycle», «Health checks for instances», «Capacity limits»,
«Troubleshoot Amazon EC2 Auto Scaling»): a group works asynchronously, keeps its zones balanced, replaces what dies, records every attempt
as a scaling
activity, waits longer after each failed launch, and an instance goes Pending → InService → Terminating. moto changes counts at once, in one
subnet, without activities. Hooks are in lifecycle.py, the API's surface in autoscaling_api.py.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter

from moto.autoscaling import models
from moto.autoscaling.exceptions import ValidationError
from moto.core.exceptions import ServiceException
from moto.ec2.utils import convert_tag_spec

from . import events, faults, hardware, lifecycle, scaling_activity, template_checks
from .moto_bridge import ACCOUNT, LOCK
from .scaling_activity import ScalingActivity, utc
from .settings import settings

log = logging.getLogger("emulator.autoscaling")
INTERVAL_SECONDS = 0.2
_wake = threading.Event()


def wake() -> None:
    _wake.set()


def run_for_ever() -> None:
    while True:
        _wake.wait(INTERVAL_SECONDS)
        _wake.clear()
        try:
            hardware.tick()
            with LOCK:
                for backend in list(models.autoscaling_backends[ACCOUNT].values()):
                    for group in list(backend.autoscaling_groups.values()):
                        reconcile(group)
        except Exception:
            log.exception("reconciling the Auto Scaling groups failed")


def start() -> None:
    threading.Thread(target=run_for_ever, name="autoscaling", daemon=True).start()


def now_text() -> str:
    return utc().strftime("%Y-%m-%dT%H:%M:%SZ")


def reconcile(group) -> None:
    for member in list(group.instance_states):
        _advance(group, member)
    if group.deleting:
        for member in list(group.instance_states):
            begin_termination(group, member, f"At {now_text()} a user request force deleted AutoScalingGroup {group.name}.", abrupt=True)
        if not group.instance_states:
            backend = group.autoscaling_backend
            backend.autoscaling_groups.pop(group.name, None)
            scaling_activity.keep(group)
            for key in [k for k, hook in backend.lifecycle_hooks.items() if hook.auto_scaling_group_name == group.name]:
                del backend.lifecycle_hooks[key]
        return
    suspended = {process["ProcessName"] for process in group.suspended_processes}
    counted = [m for m in group.instance_states if not m.lifecycle_state.startswith("Terminating") and m.lifecycle_state != "Standby"]
    missing = (group.desired_capacity or 0) - len(counted)
    if missing > 0 and "Launch" not in suspended and time.monotonic() >= group.retry_at:
        _launch(group, counted, missing)
    elif missing < 0 and "Terminate" not in suspended:
        # While it rebalances a group waits for the new instance before it gives up one of the fullest zone.
        if not (group.rebalancing in counted and group.rebalancing.lifecycle_state != "InService"):
            _scale_in(group, counted, -missing)
    elif missing == 0 and not suspended & {"AZRebalance", "Launch", "Terminate"}:
        _rebalance(group, counted)


def _rebalance(group, counted: list) -> None:
    """«Availability Zone rebalancing»: a group whose zones differ by more than one launches in the emptiest before it ends one in the fullest."""
    zones = {zone for zone, _ in group.places()}
    crowd = Counter({zone: 0 for zone in zones} | Counter(m.availability_zone for m in counted if m.availability_zone in zones))
    if len(zones) < 2 or max(crowd.values()) - min(crowd.values()) < 2 or time.monotonic() < group.retry_at:
        return
    if any(m.lifecycle_state != "InService" for m in counted):
        return
    emptiest = min(crowd, key=crowd.__getitem__)
    group.cause = f"At {now_text()} instances were launched to balance instances in zones {' '.join(sorted(zones))}."
    before = len(group.instance_states)
    launched = _launch_one(group, only=emptiest)
    group.cause = None
    if launched and len(group.instance_states) > before:
        group.rebalancing = group.instance_states[-1]
    else:
        # The zone has none to give: AWS too tries again later.
        group.retry_at = time.monotonic() + settings.launchRetryMaxSeconds


def _advance(group, member) -> None:
    """One instance's next step."""
    state, machine = member.lifecycle_state, member.instance._state.name
    if state in ("Pending", "InService", "Pending:Wait", "Pending:Proceed", "Standby") and machine in (
        "shutting-down",
        "terminated",
        "stopping",
        "stopped",
    ):
        if not hasattr(member, "ended_since"):
            member.ended_since = time.monotonic()
        if time.monotonic() - member.ended_since < settings.healthCheckSeconds:
            return
        begin_termination(
            group,
            member,
            f"At {now_text()} an instance was taken out of service in response to an EC2 health check indicating it "
            "has been terminated or stopped.",
            abrupt=True,
        )
    elif state == "InService" and member.health_status == "Unhealthy":
        if not _launches_first(group) or _replacement_serves(group):
            begin_termination(group, member, f"At {now_text()} an instance was taken out of service in response to a user health-check.")
    elif state == "Pending" and machine == "running":
        if not lifecycle.begin(group, member, lifecycle.LAUNCHING):
            _in_service(group, member)
    elif state == "Pending:Wait":
        result = lifecycle.outcome(group, member)
        if result == "CONTINUE":
            member.lifecycle_state = "Pending:Proceed"
        elif result == "ABANDON":
            member.activity.end("Cancelled", "Instance launch was abandoned: lifecycle hook completed with ABANDON")
            begin_termination(
                group,
                member,
                f"At {now_text()} an instance was taken out of service because its launch lifecycle action was abandoned.",
                abrupt=True,
            )
    elif state == "Pending:Proceed":
        _in_service(group, member)
    elif state == "Terminating:Wait" and lifecycle.outcome(group, member):
        member.lifecycle_state = "Terminating:Proceed"
    elif state in ("Terminating", "Terminating:Proceed"):
        if machine in ("pending", "running", "stopped"):
            group.ec2_backend.terminate_instances([member.instance.id])
        elif machine == "terminated":
            _gone(group, member)


def _launches_first(group) -> bool:
    """«Instance maintenance policies», and «Launch replacement instances before terminating old ones»: the account setting, for groups without a policy."""
    policy = group.instance_maintenance_policy
    return int(policy["MinHealthyPercentage"]) == 100 if policy else settings.launchBeforeTerminate


def _replacement_serves(group) -> bool:
    if group.rebalancing in group.instance_states:
        return group.rebalancing.lifecycle_state == "InService"
    if time.monotonic() >= group.retry_at:
        if _launch_one(group):
            group.rebalancing = group.instance_states[-1]
        else:
            group.retry_at = time.monotonic() + settings.launchRetryMaxSeconds
    return False


def _in_service(group, member) -> None:
    member.lifecycle_state = "InService"
    group.failures = 0
    if member.activity:
        member.activity.end("Successful")
        _event(group, member, "EC2 Instance Launch Successful")


def begin_termination(group, member, cause: str, abrupt: bool = False) -> ScalingActivity | None:
    """Starts to terminate a member. `abrupt`: without waiting for hooks, because there is nothing left to wait for."""
    if member.lifecycle_state.startswith("Terminating"):
        return None
    if member.activity and member.activity.status_code == "InProgress":
        member.activity.end("Cancelled")
    member.health_status = "Unhealthy" if abrupt else member.health_status
    member.activity = ScalingActivity(group, f"Terminating EC2 instance: {member.instance.id}", cause, _details(member))
    if abrupt or not lifecycle.begin(group, member, lifecycle.TERMINATING):
        member.lifecycle_state = "Terminating"
    wake()
    return member.activity


def _gone(group, member) -> None:
    group.instance_states.remove(member)
    member.activity.end("Successful")
    _event(group, member, "EC2 Instance Terminate Successful")


def _details(member) -> dict:
    return {"Subnet ID": member.instance.subnet_id, "Availability Zone": member.availability_zone}


def _event(group, member, detail_type: str, message: str = "") -> None:
    activity = member.activity
    _activity_event(group, activity, detail_type, member.instance.id, _details(member), message)


def _activity_event(group, activity, detail_type: str, instance_id: str, details: dict, message: str = "") -> None:
    region = group.region
    resources = [group.arn] + ([f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{instance_id}"] if instance_id else [])
    launch = "Launch" in detail_type
    detail = {
        "StatusCode": activity.status_code,
        "Description": activity.description,
        "AutoScalingGroupName": group.name,
        "ActivityId": activity.activity_id,
        "Details": details,
        "RequestId": activity.activity_id,
        "StatusMessage": message,
        "StartTime": activity.start_time.isoformat() + "Z",
        "EndTime": utc().isoformat() + "Z",
        "EC2InstanceId": instance_id,
        "Cause": activity.cause,
        "Origin": "EC2" if launch else "AutoScalingGroup",
        "Destination": "AutoScalingGroup" if launch else "EC2",
    }
    events.put("aws.autoscaling", detail_type, detail, resources, region)


def _scale_in(group, counted: list, surplus: int) -> None:
    """The default termination policy, as far as it shows: from the fullest zone, the oldest instance, never a protected one."""
    candidates = [m for m in counted if not m.protected_from_scale_in]
    for _ in range(min(surplus, len(candidates))):
        crowded = Counter(m.availability_zone for m in candidates)
        member = max(candidates, key=lambda m: (crowded[m.availability_zone], -m.instance.launch_time.timestamp()))
        candidates.remove(member)
        begin_termination(
            group,
            member,
            group.cause
            or f"At {now_text()} an instance was taken out of service in response to a difference between "
            "desired and actual capacity, shrinking the capacity.",
        )


def _launch(group, counted: list, missing: int) -> None:
    for _ in range(missing):
        if not _launch_one(group):
            group.failures += 1
            group.retry_at = time.monotonic() + min(settings.launchRetrySeconds * 2 ** (group.failures - 1), settings.launchRetryMaxSeconds)
            return


def _launch_one(group, only: str | None = None) -> bool:
    """Tries the zones from the emptiest, and in each the instance types in the order of the policy.

    AWS («Allocation strategies for multiple instance types»): `prioritized`, the default on demand, takes the overrides in their order. For Spot AWS
    goes by prices and by the capacity of its pools, which are not here, so that order holds for Spot too.
    """
    alive = Counter(m.availability_zone for m in group.instance_states if not m.lifecycle_state.startswith("Terminating"))
    for zone, subnet_id in sorted(group.places(), key=lambda place: alive[place[0]]):
        if only not in (None, zone):
            continue
        activity = ScalingActivity(
            group,
            "Launching a new EC2 instance",
            group.cause
            or f"At {now_text()} an instance was started in response to a difference between desired and actual capacity, "
            "increasing the capacity.",
            {"Subnet ID": subnet_id, "Availability Zone": zone},
        )
        failure = None
        for instance_type in group.instance_types():
            try:
                faults.check("ec2", "RunInstances", zone=zone, instance_type=instance_type)
                instance = _run_instance(group, zone, subnet_id, instance_type)
            except faults.Fault as fault:
                failure = capacity_message(group, instance_type, zone) if "Capacity" in fault.code else fault.message
            except ServiceException as error:
                failure = str(error.message)
            else:
                activity.description += f": {instance.id}"
                member = models.InstanceState(
                    instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in, autoscaling_group=group
                )
                member.activity = activity
                group.instance_states.append(member)
                return True
        activity.description += f".  Status Reason: {failure} Launching EC2 instance failed."
        activity.end("Failed", f"{failure} Launching EC2 instance failed.")
        _activity_event(
            group,
            activity,
            "EC2 Instance Launch Unsuccessful",
            "",
            {"Subnet ID": subnet_id, "Availability Zone": zone},
            activity.status_message,
        )
    return False


def capacity_message(group, instance_type: str, zone: str) -> str:
    others = ", ".join(z.name for z in group.ec2_backend.describe_availability_zones() if z.name != zone)
    return (
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). "
        f"Our system will be working on provisioning additional capacity. You can currently get {instance_type} capacity by not specifying "
        f"an Availability Zone in your request or choosing {others}."
    )


def _run_instance(group, zone: str, subnet_id: str | None, instance_type: str):
    version = group.launch_version()
    if not template_checks.can_be_optimized(version.data, instance_type):
        raise ValidationError(template_checks.NOT_OPTIMIZED)
    tags = {**version.instance_tags, **group.get_propagated_tags(), models.ASG_NAME_TAG: group.name}
    volume_tags = convert_tag_spec(version.data.get("TagSpecifications", [])).get("volume", {})
    reservation = group.ec2_backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        [],
        instance_type=instance_type,
        is_instance_type_default=False,
        region_name=group.region,
        tags={"instance": tags, "volume": volume_tags},
        placement=zone,
        subnet_id=subnet_id,
        associate_public_ip=None,
        launch_template={"LaunchTemplateId": version.template.id, "Version": str(version.number)},
        instance_market_options="spot" if group.next_is_spot() else None,
        **_volumes(version.data),
    )
    instance = reservation.instances[0]
    instance.autoscaling_group = group
    return instance


def _volumes(template: dict) -> dict:
    """A mapping of the image's root device takes the place of the image's own, which goes with its instance («Block device mappings»); moto adds both."""
    mappings = template.get("BlockDeviceMappings") or []
    if not all("Ebs" in one for one in mappings):
        return {}
    complete = [{**one, "Ebs": {"DeleteOnTermination": True, **one["Ebs"]}} for one in mappings]
    return {"block_device_mappings": complete} if complete else {}


def spot_share(policy: dict | None, on_demand: int, spot: int) -> bool:
    """Whether a mixed group's next instance is Spot: base first, then the percentage («Allocation strategies»)."""
    distribution = (policy or {}).get("InstancesDistribution") or {}
    base, percent = int(distribution.get("OnDemandBaseCapacity") or 0), int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
    above = max(0, on_demand - base) + spot + 1
    return on_demand >= base and max(0, on_demand - base) >= math.ceil(above * percent / 100)
