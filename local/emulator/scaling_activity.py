"""What a group did and why: the records of DescribeScalingActivities.

AWS: texts as in «Verify a scaling activity for an Auto Scaling group», Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from datetime import datetime, timezone

DELETED_GROUPS = 1000
_of_deleted: OrderedDict[tuple[str, str], list] = OrderedDict()
"""By region and name, the group that was deleted last at the end."""


def utc() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


class ScalingActivity:
    """Attributes are read by moto's serializer under their snake-case names."""

    def __init__(self, group, description: str, cause: str, details: dict | None = None):
        self.activity_id = str(uuid.uuid4())
        self.auto_scaling_group_name = group.name
        self.auto_scaling_group_arn = group.arn
        self.description = description
        self.cause = cause
        self.start_time = utc()
        self.end_time: datetime | None = None
        self.status_code = "InProgress"
        self.status_message: str | None = None
        self.progress = 0
        self.details = json.dumps(details or {})
        group.activities.insert(0, self)
        del group.activities[500:]

    def end(self, status: str, message: str | None = None) -> None:
        self.status_code, self.status_message = status, message
        self.progress, self.end_time = 100, utc()


def keep(group) -> None:
    """AWS tells activities of a deleted group for six weeks, where IncludeDeletedGroups asks for them (DescribeScalingActivities)."""
    key = (group.region, group.name)
    _of_deleted[key] = group.activities + _of_deleted.pop(key, [])
    while len(_of_deleted) > DELETED_GROUPS:
        _of_deleted.popitem(last=False)


def of_deleted(region: str, name: str | None) -> list:
    return [activity for (where, named), kept in _of_deleted.items() if where == region and name in (None, named) for activity in kept]
