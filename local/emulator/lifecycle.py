"""Lifecycle hooks that wait.

AWS («Amazon EC2 Auto Scaling lifecycle hooks»): an instance stops in Pending:Wait or Terminating:Wait, an event «EC2 Instance-launch
Lifecycle Action»
(or -terminate) carries a token, and the wait ends with CompleteLifecycleAction or, after the heartbeat timeout, with the hook's default
result.
moto stores hooks and never waits.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from . import events

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
_STATES = {
    LAUNCHING: ("Pending:Wait", "EC2 Instance-launch Lifecycle Action", "EC2", "AutoScalingGroup"),
    TERMINATING: ("Terminating:Wait", "EC2 Instance-terminate Lifecycle Action", "AutoScalingGroup", "EC2"),
}


@dataclass
class Wait:
    hook: object
    token: str
    deadline: float
    result: str | None = None


def begin(group, member, transition: str) -> bool:
    """Puts the member into its wait state and tells so; False when the group has no hook for this transition."""
    hooks = [
        h
        for h in group.autoscaling_backend.lifecycle_hooks.values()
        if h.auto_scaling_group_name == group.name and h.lifecycle_transition == transition
    ]
    if not hooks:
        return False
    state, detail_type, origin, destination = _STATES[transition]
    member.lifecycle_state = state
    member.waits = []
    for hook in hooks:
        wait = Wait(hook, str(uuid.uuid4()), time.monotonic() + float(hook.heartbeat_timeout))
        member.waits.append(wait)
        detail = {
            "LifecycleActionToken": wait.token,
            "AutoScalingGroupName": group.name,
            "LifecycleHookName": hook.name,
            "EC2InstanceId": member.instance.id,
            "LifecycleTransition": transition,
            "Origin": origin,
            "Destination": destination,
        }
        if getattr(hook, "notification_metadata", None):
            detail["NotificationMetadata"] = hook.notification_metadata
        events.put("aws.autoscaling", detail_type, detail, [group.arn], group.region)
    return True


def outcome(group, member) -> str | None:
    """CONTINUE or ABANDON once every hook has answered or run out of time; None while one still waits. One ABANDON is enough."""
    now = time.monotonic()
    results = [wait.result or (wait.hook.default_result if now >= wait.deadline else None) for wait in member.waits]
    if "ABANDON" in results:
        return "ABANDON"
    return None if None in results else "CONTINUE"


def find(group, hook_name: str, instance_id: str | None, token: str | None) -> Wait:
    for member in group.instance_states:
        for wait in getattr(member, "waits", []):
            if wait.hook.name == hook_name and wait.result is None and (member.instance.id == instance_id or wait.token == token):
                return wait
    raise KeyError(hook_name)
