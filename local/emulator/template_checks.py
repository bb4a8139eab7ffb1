"""What Auto Scaling finds wrong with a launch template when a group is made of it, which moto does not look at.

AWS (Amazon EC2 Auto Scaling User Guide, «Troubleshoot Amazon EC2 Auto Scaling: Launch templates»: «the values in the launch template are only validated when
an Auto Scaling group that is using the launch template is created or updated»):
- «Use AWS Systems Manager parameters instead of AMI IDs in launch templates», Limitations: not with a mixed instances policy. The guide's last published source
  says so of all of them; of groups by attributes users report the message below.
- «Change the default network interface settings», Create a launch template for an Auto Scaling group: «you cannot assign secondary private IP addresses». The
  message is the one that users report for addresses given by name; for a count none is reported.
- «General Purpose SSD volumes» (EBS User Guide): a gp3 volume has 125 to 2,000 MiB/s and 3,000 to 80,000 IOPS, at most 0.25 MiB/s for each of these and 500 of them
  for each GiB. The message of the first ratio is the one that users report; the others are like it.
- «Amazon EBS–optimized instances» (EC2 User Guide): some types cannot be. The message is the one that users report.
"""

from __future__ import annotations

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.ec2.models.instance_types import INSTANCE_TYPES

NOT_OPTIMIZED = "EBS-optimized instances are not supported for your requested configuration. Please check the documentation for supported configurations."


def check(template: dict, mixed_instances_policy: dict | None) -> None:
    _addresses(template.get("NetworkInterfaces") or [])
    _volumes(template.get("BlockDeviceMappings") or [])
    image = str(template.get("ImageId") or "")
    if mixed_instances_policy and image.startswith("resolve:ssm:"):
        raise ValidationError(f'Invalid id: "{image}" (expecting "ami-...")')
    if not overridden_types(mixed_instances_policy) and not can_be_optimized(template, template.get("InstanceType")):
        _malformed(NOT_OPTIMIZED)


def overridden_types(mixed_instances_policy: dict | None) -> list[str]:
    overrides = ((mixed_instances_policy or {}).get("LaunchTemplate") or {}).get("Overrides") or []
    return [o["InstanceType"] for o in overrides if o.get("InstanceType")]


def _addresses(interfaces: list) -> None:
    if any(nic.get(field) for nic in interfaces for field in ("SecondaryPrivateIpAddressCount", "PrivateIpAddresses", "PrivateIpAddress")):
        raise AutoscalingClientError(
            "InvalidQueryParameter", "Incompatible launch template: Auto Scaling does not support Private IP addresses."
        )


def _volumes(mappings: list) -> None:
    for ebs in (mapping.get("Ebs") or {} for mapping in mappings):
        if ebs.get("VolumeType") != "gp3":
            continue
        throughput, iops, size = (int(ebs.get(name) or least) for name, least in (("Throughput", 125), ("Iops", 3_000), ("VolumeSize", 0)))
        if throughput / iops > 0.25:
            _malformed(f"Throughput (MiBps) to iops ratio of {throughput / iops:.6f} is too high; maximum is 0.250000 MiBps per iops.")
        if size and iops > max(3_000, 500 * size):
            _malformed(f"Iops to volume size ratio of {iops / size:.6f} is too high; maximum is 500.000000 iops per GiB.")
        if not 125 <= throughput <= 2_000:
            _malformed(f"Volume throughput of {throughput} MiBps is not between 125 and 2000.")
        if not 3_000 <= iops <= 80_000:
            _malformed(f"Volume iops of {iops} is not between 3000 and 80000.")


def _malformed(why: str) -> None:
    raise ValidationError(f"You must use a valid fully-formed launch template. {why}")


def can_be_optimized(template: dict, instance_type: str | None) -> bool:
    """Whether a type can be what the template asks of it."""
    asked = str(template.get("EbsOptimized")).lower() == "true"
    return not asked or INSTANCE_TYPES.get(instance_type, {}).get("EbsInfo", {}).get("EbsOptimizedSupport") != "unsupported"
