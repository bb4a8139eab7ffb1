"""Twin-only endpoints below /_twin/ (README.md lists them). Nothing in lib/, lambdas/ or node/ may use them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from . import autoscaling, faults, hardware, notices
from .settings import settings

PREFIX = "/_twin/"


async def handle(method: str, path: str, body: bytes) -> tuple[int, object]:
    """(status, what to answer as JSON)."""
    parts = path[len(PREFIX) :].strip("/").split("/")
    try:
        return await asyncio.to_thread(_route, method, parts, json.loads(body) if body else None)
    except KeyError as error:
        return 404, {"message": f"there is no {error.args[0]}"}
    except (ValueError, TypeError) as error:
        return 400, {"message": str(error)}


def _route(method: str, parts: list[str], body) -> tuple[int, object]:
    match (method, parts):
        case ("GET", ["health"]):
            return 200, {"ok": True}
        case ("GET", ["instances"]):
            return 200, hardware.machines()
        case ("GET", ["instances", instance_id, "credentials"]):
            return 200, hardware.credentials(instance_id)
        case ("POST", ["instances", instance_id, "state"]):
            hardware.report(instance_id, body["state"], body.get("reason", ""))
            autoscaling.wake()
            return 200, {}
        case ("POST", ["instances", instance_id, "notice"]):
            notices.announce(instance_id, body["path"], body["content"])
            return 200, {}
        case ("POST", ["zones", zone, "impaired"]):
            notices.zone_impaired(zone)
            return 200, {}
        case ("POST", ["zones", zone, "well"]):
            notices.zone_well(zone)
            return 200, {}
        case ("GET", ["faults"]):
            return 200, faults.active()
        case ("POST", ["faults"]):
            faults.add(body if isinstance(body, list) else [body])
            return 200, faults.active()
        case ("DELETE", ["faults"]):
            faults.clear()
            return 200, []
        case ("DELETE", ["faults", name]):
            faults.clear(name)
            return 200, faults.active()
        case ("GET", ["settings"]):
            return 200, asdict(settings)
        case ("PUT", ["settings"]):
            settings.update(body or {})
            return 200, asdict(settings)
    return 404, {"message": f"no such control endpoint: {method} {PREFIX}{'/'.join(parts)}"}
