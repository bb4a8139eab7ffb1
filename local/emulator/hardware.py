"""EC2 instances that take their time, and that something else may power.

AWS («Amazon EC2 instance state changes»): pending → running → shutting-down → terminated, each an event; the primary interface and its
addresses live
until `terminated`; an interface with DeleteOnTermination=false is then free again. A launch template gives interfaces, profile, metadata
options
and tags («Launch an instance from a launch template»). moto starts and ends instances at once and ignores those parts of a template.

Not as on AWS: an instance stays `pending` or `shutting-down` until the hardware says otherwise: the fleet agent through report(), or, with
`autoStart`, time.
"""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ministack.services import iam, sts
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import instances as model
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import convert_tag_spec

from . import events, network
from .moto_bridge import ACCOUNT, LOCK
from .patching import replace
from .settings import settings

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


@dataclass
class Machine:
    instance: object
    since: float = field(default_factory=time.monotonic)
    """When the instance entered its state (monotonic seconds)."""


_machines: dict[str, Machine] = {}


def set_state(instance, name: str, reason: str = "", code: str = "") -> None:
    if instance._state.name == name:
        return
    instance._state = model.InstanceState(name, CODES[name])
    if reason:
        instance._reason, instance.state_reason = reason, model.StateReason(reason, code)
    _machines.setdefault(instance.id, Machine(instance)).since = time.monotonic()
    region = instance.ec2_backend.region_name
    events.put(
        "aws.ec2",
        "EC2 Instance State-change Notification",
        {"instance-id": instance.id, "state": name},
        [f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{instance.id}"],
        region,
    )


def report(instance_id: str, state: str, reason: str = "") -> None:
    """What the hardware says: `running`, or `terminated` (also of a running instance: its host died). KeyError if there is none."""
    with LOCK:
        instance = _machines[instance_id].instance
        if state == "running":
            if instance._state.name == "pending":
                set_state(instance, "running")
        elif state == "terminated":
            if instance._state.name in ("pending", "running"):
                set_state(instance, "shutting-down", reason or "Server.InternalError: hardware failure", "Server.InternalError")
            _end(instance)
        else:
            raise ValueError(f"state must be running or terminated, not {state!r}")


def _end(instance) -> None:
    """shutting-down → terminated: interfaces go or become free, volumes go."""
    if instance._state.name == "terminated":
        return
    for eni in list(instance.nics.values()):
        instance.detach_eni(eni)
        if eni.delete_on_termination:
            instance.ec2_backend.enis.pop(eni.id, None)
    reason, state_reason = instance._reason, instance.state_reason
    _terminate_now(instance)  # moto's own: volumes, fleets, profile association
    instance._reason, instance.state_reason = reason, state_reason
    instance._state = model.InstanceState("shutting-down", CODES["shutting-down"])
    set_state(instance, "terminated")


def tick() -> None:
    """With `autoStart`, time is the hardware. Without, only the report counts; the boot delay holds in both."""
    if not settings.autoStart:
        return
    now = time.monotonic()
    with LOCK:
        for machine in list(_machines.values()):
            state = machine.instance._state.name
            if state == "pending" and now - machine.since >= settings.bootDelaySeconds:
                set_state(machine.instance, "running")
            elif state == "shutting-down" and now - machine.since >= settings.terminationDelaySeconds:
                _end(machine.instance)


def machines() -> list[dict]:
    """Every instance that was not terminated longer than an hour ago, for the fleet agent (GET /_twin/instances)."""
    with LOCK:
        for instance_id, machine in list(_machines.items()):
            if machine.instance._state.name == "terminated" and time.monotonic() - machine.since > 3600:
                del _machines[instance_id]
        return [_describe(machine.instance) for machine in _machines.values()]


def zones_of(params: dict) -> frozenset[str]:
    """Zones that a DescribeInstances call is about: those of the instances that it names, every one where it names none."""
    named = [value[0] if isinstance(value, list) else value for name, value in params.items() if name.startswith("InstanceId.")]
    if not named:
        return frozenset(zone.name for zones in RegionsAndZonesBackend.zones.values() for zone in zones)
    with LOCK:
        return frozenset(_machines[name].instance.availability_zone for name in named if name in _machines)


def _describe(instance) -> dict:
    primary = instance.nics.get(0)
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    profile = instance.iam_instance_profile or {}
    user_data = str(instance.user_data or "")
    return {
        "instanceId": instance.id,
        "state": instance._state.name,
        "launchedAt": instance.launch_time.isoformat() + ("" if instance.launch_time.tzinfo else "Z"),
        "privateIp": primary.private_ip_address if primary else None,
        "secondaryIps": [item["PrivateIpAddress"] for item in primary.private_ip_addresses if not item.get("Primary")] if primary else [],
        "zone": instance.availability_zone,
        "subnetId": instance.subnet_id,
        "instanceType": instance.instance_type,
        "imageId": instance.image_id,
        "lifecycle": instance.lifecycle or "on-demand",
        "tags": tags,
        "userData": base64.b64decode(user_data).decode("utf-8", "replace") if user_data else "",
        "instanceProfileArn": profile.get("Arn"),
        "autoScalingGroup": tags.get("aws:autoscaling:groupName"),
        "networkInterfaceId": primary.id if primary else None,
    }


def credentials(instance_id: str) -> dict:
    """What instance metadata answers below iam/security-credentials/<role> («Retrieve security credentials from instance metadata»)."""
    with LOCK:
        profile = (_machines[instance_id].instance.iam_instance_profile or {}).get("Arn", "").rsplit("/", 1)[-1]
    roles = (iam._instance_profiles.get(profile) or {}).get("Roles") or []
    if not roles:
        raise KeyError(f"role of instance {instance_id}")
    name = roles[0]
    key, secret, token = "ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_urlsafe(60)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{instance_id}",
            "UserId": f"{name}:{instance_id}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    expires = datetime.now(timezone.utc) + timedelta(hours=6)
    return {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "RoleName": name,
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "LastUpdated": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def instance_profile(spec: dict | None) -> dict | None:
    """{Arn, Id} of an instance profile named in a launch; AWS refuses a launch with one that does not exist."""
    if not spec:
        return None
    name = spec.get("Name") or spec["Arn"].rsplit("/", 1)[-1]
    found = iam._instance_profiles.get(name)
    if not found:
        raise EC2ClientError(
            "InvalidParameterValue", f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        )
    return {"Arn": found["Arn"], "Id": found["InstanceProfileId"]}


def _run(run):
    def run_instances(self, image_id, count, user_data, security_group_names, **kwargs):
        template = self._get_template_from_args(kwargs["launch_template"]).data if kwargs.get("launch_template") else {}
        kwargs["nics"] = [
            _interface(self, dict(nic), kwargs.get("subnet_id")) for nic in kwargs.get("nics") or template.get("NetworkInterfaces") or []
        ]
        if any(nic.get("NetworkInterfaceId") for nic in kwargs["nics"]):
            # The interface says where the instance is.
            kwargs["subnet_id"] = next(nic["SubnetId"] for nic in kwargs["nics"] if nic.get("NetworkInterfaceId"))
            kwargs["security_group_ids"] = []
        spec = {k: v for k, v in (("Name", kwargs.get("iam_instance_profile_name")), ("Arn", kwargs.get("iam_instance_profile_arn"))) if v}
        kwargs["iam_instance_profile"] = instance_profile(spec or template.get("IamInstanceProfile"))
        kwargs["metadata_options"] = kwargs.get("metadata_options") or template.get("MetadataOptions") or {}
        market = template.get("InstanceMarketOptions") or {}
        kwargs["instance_market_options"] = kwargs.get("instance_market_options") or market.get("MarketType")
        _check_type(self, kwargs, template)
        reservation = run(self, image_id or template.get("ImageId"), count, user_data, security_group_names, **kwargs)
        own_tags = convert_tag_spec(template.get("TagSpecifications") or []).get("network-interface")
        for instance in reservation.instances:
            for eni in instance.nics.values() if own_tags else ():
                # Those that the launch makes; an existing one keeps its own.
                if not any(nic.get("NetworkInterfaceId") == eni.id for nic in kwargs["nics"]):
                    self.create_tags([eni.id], own_tags)
            for spec in kwargs["nics"]:
                eni = instance.nics[int(spec["DeviceIndex"])]
                # AWS: true for an interface made by the launch, false for an existing one.
                eni.delete_on_termination = spec.get("DeleteOnTermination", not spec.get("NetworkInterfaceId")) in (True, "true")
                network.add_secondary_addresses(self, eni, int(spec.get("SecondaryPrivateIpAddressCount") or 0))
            for eni in instance.nics.values() if not kwargs["nics"] else ():
                eni.delete_on_termination = True
            set_state(instance, "pending")
        return reservation

    return run_instances


def _check_type(backend, kwargs: dict, template: dict) -> None:
    wanted = (
        template.get("InstanceType")
        if kwargs.get("is_instance_type_default") and template.get("InstanceType")
        else kwargs.get("instance_type")
    )
    if wanted and not backend.describe_instance_types([wanted]):
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{wanted}' for InstanceType.")


def _interface(backend, nic: dict, subnet_id: str | None) -> dict:
    nic.setdefault("DeviceIndex", 0)
    if nic.get("NetworkInterfaceId"):
        eni = backend.get_network_interface(nic["NetworkInterfaceId"])
        network.require_available(eni)
        nic["SubnetId"], nic["PrivateIpAddress"] = eni.subnet.id, eni.private_ip_address
    elif subnet_id:
        nic["SubnetId"] = subnet_id
    return nic


def _describe_types(self):
    """AWS gives 100 types a page; all 1,395 at once cost seconds."""
    found = self.ec2_backend.describe_instance_types(self._get_param("InstanceTypes", []), self._filters_from_querystring())
    start, size = int(self._get_param("NextToken") or 0), min(int(self._get_param("MaxResults") or 100), 100)
    rest = str(start + size) if start + size < len(found) else None
    return ActionResult({"InstanceTypes": found[start : start + size], "NextToken": rest})


def _terminate(self):
    previous = model.InstanceState(self._state.name, self._state.code)
    if previous.name not in ("shutting-down", "terminated"):
        set_state(self, "shutting-down", "Client.UserInitiatedShutdown: User initiated shutdown", "Client.UserInitiatedShutdown")
    return previous


def install() -> None:
    global _terminate_now
    _terminate_now = replace(model.Instance, "terminate", _terminate)
    replace(model.InstanceBackend, "run_instances", _run(model.InstanceBackend.run_instances))
    replace(InstanceResponse, "describe_instance_types", _describe_types)
    for name in ("private_ip", "private_ip_address", "public_ip", "public_ip_address", "private_dns_name"):
        # A terminated instance has no interface any more.
        getter = getattr(model.Instance, name).fget
        replace(model.Instance, name, property(lambda self, getter=getter: getter(self) if self.nics.get(0) else None))


_terminate_now = None
