"""Placement groups, which moto lacks.

AWS (CreatePlacementGroup, DeletePlacementGroup, DescribePlacementGroups): a name is used once in an account and region
(InvalidPlacementGroup.Duplicate); an unknown one is InvalidPlacementGroup.Unknown.
Not as on AWS: they place nothing, and can be deleted with instances in them (there: InvalidPlacementGroup.InUse).
"""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_resource_id

from .patching import add

_groups: dict[tuple[str, str], dict] = {}


def _find(response, name: str) -> dict:
    group = _groups.get((response.region, name))
    if not group:
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    return group


def _create(self):
    name = self._get_param("GroupName")
    if (self.region, name) in _groups:
        raise EC2ClientError("InvalidPlacementGroup.Duplicate", f"The Placement Group '{name}' already exists.")
    tags = self._parse_tag_specification("placement-group").get("placement-group", {})
    group = {
        "GroupName": name,
        "GroupId": f"pg-{random_resource_id(17)}",
        "Strategy": self._get_param("Strategy") or "cluster",
        "State": "available",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    _groups[self.region, name] = group
    return ActionResult({"PlacementGroup": group})


def _delete(self):
    _find(self, self._get_param("GroupName"))
    del _groups[self.region, self._get_param("GroupName")]
    return EmptyResult()


def _describe(self):
    names = self._get_param("GroupNames", [])
    found = [_find(self, name) for name in names] if names else [group for (region, _), group in _groups.items() if region == self.region]
    return ActionResult({"PlacementGroups": found})


def install() -> None:
    for name, new in (("create_placement_group", _create), ("delete_placement_group", _delete), ("describe_placement_groups", _describe)):
        add(EC2Response, name, new)
