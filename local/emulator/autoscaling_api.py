"""The Auto Scaling API on top of the reconciler: what moto answers at once or not at all (Amazon EC2 Auto Scaling API Reference)."""

from __future__ import annotations

import time

from moto.autoscaling import models, responses
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.core.responses import ActionResult, EmptyResult

from . import autoscaling, lifecycle, scaling_activity, template_checks
from .patching import add, replace

Group, Backend, Response = models.FakeAutoScalingGroup, models.AutoScalingBackend, responses.AutoScalingResponse


def _set_desired_capacity(self, new_capacity):
    wanted = self.min_size if new_capacity is None else int(new_capacity)
    if self.min_size is not None and wanted < self.min_size:
        raise ValidationError(f"New SetDesiredCapacity value {wanted} is below min value {self.min_size} for the AutoScalingGroup.")
    if self.max_size is not None and wanted > self.max_size:
        raise ValidationError(f"New SetDesiredCapacity value {wanted} is above max value {self.max_size} for the AutoScalingGroup.")
    before = getattr(self, "desired_capacity", 0) or 0
    if wanted != before:
        verb, kind = ("started", "increasing") if wanted > before else ("taken out of service", "shrinking")
        at = autoscaling.now_text()
        self.cause = (
            f"At {at} a user request update of AutoScalingGroup constraints to min: {self.min_size}, max: {self.max_size}, "
            f"desired: {wanted} changing the desired capacity from {before} to {wanted}.  At {at} an instance was {verb} in response to "
            f"a difference between desired and actual capacity, {kind} the capacity from {before} to {wanted}."
        )
    self.desired_capacity = wanted
    self.retry_at = 0.0  # AWS too tries at once when the wish changes
    autoscaling.wake()


def _init(init):
    def __init__(self, *args, **kwargs):
        self.activities, self.deleting, self.failures, self.retry_at, self.cause, self.rebalancing = [], False, 0, 0.0, None, None
        self.provided_launch_template_version = self.instance_maintenance_policy = None
        init(self, *args, **kwargs)
        self.launch_version()  # a template that does not exist is refused now

    return __init__


def _update(
    self,
    availability_zones,
    desired_capacity,
    max_size,
    min_size,
    launch_config_name,
    launch_template,
    vpc_zone_identifier,
    health_check_period,
    health_check_type,
    new_instances_protected_from_scale_in=None,
    mixed_instances_policy=None,
):
    """AWS: only what is given changes; a desired capacity outside new limits moves to the nearer limit (UpdateAutoScalingGroup)."""
    self._set_azs_and_vpcs(availability_zones, vpc_zone_identifier, update=True)
    self.max_size = self.max_size if max_size is None else max_size
    self.min_size = self.min_size if min_size is None else min_size
    if mixed_instances_policy:
        self.mixed_instances_policy = mixed_instances_policy
    elif launch_template:
        self.mixed_instances_policy = None
    if launch_config_name or launch_template or mixed_instances_policy:
        self._set_launch_configuration(launch_config_name, launch_template, mixed_instances_policy)
        self.launch_version()
    for name, value in (
        ("health_check_grace_period", health_check_period),
        ("health_check_type", health_check_type),
        ("new_instances_protected_from_scale_in", new_instances_protected_from_scale_in),
    ):
        if value is not None:
            setattr(self, name, value)
    wanted = self.desired_capacity if desired_capacity is None else desired_capacity
    self.set_desired_capacity(min(max(wanted, self.min_size), self.max_size) if desired_capacity is None else wanted)


def _launch_version(self):
    if not self.ec2_launch_template:
        raise ValidationError("The emulator launches from launch templates only, not from launch configurations.")
    version = self.ec2_launch_template.get_version(self.launch_template_version)
    template_checks.check(version.data, self.mixed_instances_policy)
    return version


def _instance_types(self) -> list[str]:
    return template_checks.overridden_types(self.mixed_instances_policy) or [self.launch_version().instance_type]


def _next_is_spot(self) -> bool:
    alive = [m.instance.lifecycle for m in self.instance_states if not m.lifecycle_state.startswith("Terminating")]
    return spot(self.mixed_instances_policy, alive) if self.mixed_instances_policy else False


def spot(policy: dict, lifecycles: list) -> bool:
    count = sum(1 for value in lifecycles if value == "spot")
    return autoscaling.spot_share(policy, len(lifecycles) - count, count)


def _places(self) -> list[tuple[str, str | None]]:
    """(zone, subnet) pairs; without subnets, an interface of the template decides («AvailabilityZones» and a NetworkInterfaceId)."""
    if self.vpc_zone_identifier:
        subnets = [self.ec2_backend.get_subnet(subnet_id.strip()) for subnet_id in self.vpc_zone_identifier.split(",")]
        return [(subnet.availability_zone, subnet.id) for subnet in subnets]
    return [(zone, None) for zone in self.availability_zones]


def _group(self, name: str) -> Group:
    group = self.autoscaling_groups.get(name)
    if not group:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def _create_group(create):
    def create_auto_scaling_group(self, name, *args, **kwargs):
        if name in self.autoscaling_groups:
            being_deleted = self.autoscaling_groups[name].deleting
            raise AutoscalingClientError(
                "AlreadyExists",
                "AutoScalingGroup by this name already exists - A group with the name "
                f"{name} {'is being deleted' if being_deleted else 'already exists'}",
            )
        group = create(self, name, *args, **kwargs)
        autoscaling.wake()
        return group

    return create_auto_scaling_group


def _delete_group(self, group_name: str, force: bool = False) -> None:
    group = _group(self, group_name)
    if group.instance_states and not force:
        raise AutoscalingClientError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
        )
    group.min_size = group.desired_capacity = 0
    group.deleting, group.status = True, "Delete in progress"
    autoscaling.reconcile(group)


def _terminate_instance(self, instance_id: str, should_decrement: bool):
    for group in self.autoscaling_groups.values():
        for member in group.instance_states:
            if member.instance.id == instance_id and not member.lifecycle_state.startswith("Terminating"):
                before = group.desired_capacity
                if should_decrement:
                    if before - 1 < group.min_size:
                        raise ValidationError(
                            f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement will "
                            "violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false "
                            "or lower group's min size."
                        )
                    group.desired_capacity = before - 1
                cause = f"At {autoscaling.now_text()} instance {instance_id} was taken out of service in response to a user request"
                return autoscaling.begin_termination(
                    group, member, cause + (f", shrinking the capacity from {before} to {before - 1}." if should_decrement else ".")
                )
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _set_instance_health(self, instance_id: str, health_status: str) -> None:
    for group in self.autoscaling_groups.values():
        for member in group.instance_states:
            if member.instance.id == instance_id:
                member.health_status = health_status
                return autoscaling.wake()
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _warm_pool(self, *args, **kwargs):
    raise ValidationError("The emulator has no warm pools.")


def _describe_activities(self) -> ActionResult:
    name, ids = self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds", [])
    backend = self.autoscaling_backend
    deleted = scaling_activity.of_deleted(self.region, name) if self._get_bool_param("IncludeDeletedGroups", False) else []
    there = name in backend.autoscaling_groups
    groups = ([] if deleted and not there else [_group(backend, name)]) if name else list(backend.autoscaling_groups.values())
    known = [*deleted, *(activity for group in groups for activity in group.activities)]
    found = sorted((a for a in known if not ids or a.activity_id in ids), key=lambda a: a.start_time, reverse=True)
    start, size = int(self._get_param("NextToken") or 0), self._get_int_param("MaxRecords", 100)
    rest = str(start + size) if start + size < len(found) else None
    return ActionResult({"Activities": found[start : start + size], "NextToken": rest})


def _create_group_response(create):
    def create_auto_scaling_group(self):
        answer = create(self)
        group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        group.instance_maintenance_policy = self._get_param("InstanceMaintenancePolicy")
        return answer

    return create_auto_scaling_group


def _delete_group_response(self) -> EmptyResult:
    self.autoscaling_backend.delete_auto_scaling_group(self._get_param("AutoScalingGroupName"), self._get_bool_param("ForceDelete", False))
    return EmptyResult()


def _wait(response) -> lifecycle.Wait:
    group = _group(response.autoscaling_backend, response._get_param("AutoScalingGroupName"))
    try:
        return lifecycle.find(
            group, response._get_param("LifecycleHookName"), response._get_param("InstanceId"), response._get_param("LifecycleActionToken")
        )
    except KeyError:
        raise ValidationError(f"No active Lifecycle Action found with instance ID {response._get_param('InstanceId')}") from None


def _complete_lifecycle_action(self) -> EmptyResult:
    _wait(self).result = self._get_param("LifecycleActionResult")
    autoscaling.wake()
    return EmptyResult()


def _record_heartbeat(self) -> EmptyResult:
    wait = _wait(self)
    wait.deadline = time.monotonic() + float(wait.hook.heartbeat_timeout)
    return EmptyResult()


def install() -> None:
    replace(Group, "__init__", _init(Group.__init__))
    replace(Group, "set_desired_capacity", _set_desired_capacity)
    replace(Group, "update", _update)
    for name, new in (
        ("launch_version", _launch_version),
        ("instance_types", _instance_types),
        ("next_is_spot", _next_is_spot),
        ("places", _places),
    ):
        add(Group, name, new)
    replace(Backend, "create_auto_scaling_group", _create_group(Backend.create_auto_scaling_group))
    replace(Backend, "delete_auto_scaling_group", _delete_group)
    replace(Backend, "terminate_instance", _terminate_instance)
    replace(Backend, "set_instance_health", _set_instance_health)
    replace(Backend, "put_warm_pool", _warm_pool)
    # The reconciler sees for itself what was terminated.
    replace(Backend, "notify_terminate_instances", lambda self, instance_ids: autoscaling.wake())
    replace(Response, "describe_scaling_activities", _describe_activities)
    replace(Response, "create_auto_scaling_group", _create_group_response(Response.create_auto_scaling_group))
    replace(Response, "delete_auto_scaling_group", _delete_group_response)
    add(Response, "complete_lifecycle_action", _complete_lifecycle_action)
    add(Response, "record_lifecycle_action_heartbeat", _record_heartbeat)
