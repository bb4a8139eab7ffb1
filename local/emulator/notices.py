"""The events that go with what EC2 tells an instance through its metadata.

AWS: a Spot interruption notice and a rebalance recommendation are events of source aws.ec2 («Spot Instance interruption notices», «EC2 instance rebalance
recommendations», Amazon EC2 User Guide). A scheduled retirement or stop is an AWS Health event («Reference: AWS Health events Amazon EventBridge schema»), days ahead and
at least once. An autoshift away from a zone is an event of source aws.arc-zonal-shift, for whoever has switched on autoshift observer notification
(«Using zonal autoshift with Amazon EventBridge», Amazon Application Recovery Controller Developer Guide). Meanwhile DescribeAvailabilityZones may say
`impaired` with a message (`AvailabilityZoneState` and `messageSet`, Amazon EC2 API Reference); AWS does not promise it.
"""

from __future__ import annotations

from datetime import datetime, timezone

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from . import events, hardware
from .moto_bridge import ACCOUNT, LOCK

#: AWS Health's type of what EC2 plans, by its code in `events/maintenance/scheduled`.
PLANNED = {
    "instance-retirement": "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
    "instance-stop": "AWS_EC2_INSTANCE_STOP_SCHEDULED",
}


def announce(instance_id: str, path: str, content: object) -> None:
    """`path` below meta-data/. Raises KeyError for an instance that is not there. What has no event of its own is silent."""
    found = next((item for item in hardware.machines() if item["instanceId"] == instance_id), None)
    if found is None:
        raise KeyError(f"instance {instance_id}")
    # EC2 names the zone where other services name the region and the account.
    resources = [f"arn:aws:ec2:{found['zone']}:instance/{instance_id}"]
    if path == "spot/instance-action" and isinstance(content, dict):
        action = content.get("action", "terminate")
        events.put("aws.ec2", "EC2 Spot Instance Interruption Warning", {"instance-id": instance_id, "instance-action": action}, resources)
    elif path == "events/recommendations/rebalance":
        events.put("aws.ec2", "EC2 Instance Rebalance Recommendation", {"instance-id": instance_id}, resources)
    elif path == "events/maintenance/scheduled" and isinstance(content, list):
        for item in content:
            if item.get("Code") in PLANNED:
                _planned(instance_id, PLANNED[item["Code"]], item)


def zone_impaired(zone: str) -> None:
    """Raises KeyError for a zone that is not there."""
    found = _zone(zone)
    with LOCK:
        found.state = "impaired"
        found.messages = [{"message": "We are investigating increased error rates in this Availability Zone."}]
    _autoshift("In Progress", found)


def zone_well(zone: str) -> None:
    """It is over, and EC2 has nothing more to say of the zone. Raises KeyError for a zone that is not there."""
    found = _zone(zone)
    with LOCK:
        was_impaired = found.state == "impaired"
        found.state = "available"
        found.messages = []
    if was_impaired:
        _autoshift("Completed", found)


def _autoshift(status: str, zone) -> None:
    """The end is an event as well («AWS ARC - Zonal Shift events», Amazon EventBridge reference), both best effort."""
    detail = {"version": "0.0.1", "data": "", "metadata": {"awayFrom": zone.zone_id, "notes": ""}}
    events.put("aws.arc-zonal-shift", f"Autoshift {status}", detail, [], zone.name[:-1])


def _zone(zone: str):
    found = next((item for item in RegionsAndZonesBackend.zones.get(zone[:-1], []) if item.name == zone), None)
    if found is None:
        raise KeyError(f"zone {zone}")
    return found


def _planned(instance_id: str, type_code: str, scheduled: dict) -> None:
    region = "us-east-1"
    detail = {
        "eventArn": f"arn:aws:health:{region}::event/EC2/{type_code}/{type_code}_{scheduled.get('EventId', instance_id)}",
        "service": "EC2",
        "eventTypeCode": type_code,
        "eventTypeCategory": "scheduledChange",
        "eventScopeCode": "ACCOUNT_SPECIFIC",
        "statusCode": "upcoming",
        "startTime": scheduled.get("NotBefore", datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")),
        "eventRegion": region,
        "affectedAccount": ACCOUNT,
        "affectedEntities": [{"entityValue": instance_id, "status": "PENDING"}],
        "page": "1",
        "totalPages": "1",
    }
    events.put("aws.health", "AWS Health Event", detail, [instance_id], region)
