"""Parts of API calls that CloudFormation's types share."""

from __future__ import annotations


def tag_specifications(kind: str, props: dict) -> dict:
    tags = props.get("Tags") or []
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def only(props: dict, *names: str) -> dict:
    return {name: props[name] for name in names if props.get(name) is not None}
