"""Events that AWS services put on the default bus of EventBridge, in the shapes of «Events from AWS services» in the EventBridge Events
Reference.

AWS: EventBridge delivers at least once, and several services send their events on a best-effort basis only («Events from AWS services»). Here each
comes once, unless a fault loses or repeats it (`faults.py`).

A queue and one thread: a rule's target may call back into EC2, which must not happen under moto's lock.
"""

from __future__ import annotations

import json
import logging
import queue
import threading

from ministack.core.responses import set_request_region
from ministack.services import eventbridge

from . import faults
from .patching import replace

log = logging.getLogger("emulator.events")
_pending: queue.Queue = queue.Queue()


def put(source: str, detail_type: str, detail: dict, resources: list[str] = (), region: str = "us-east-1") -> None:
    _pending.put((region, {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": list(resources)}))


def _deliver() -> None:
    while True:
        region, entry = _pending.get()
        try:
            set_request_region(region)
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        except Exception:
            log.exception("could not deliver %s", entry["DetailType"])


def _as_often_as_asked(dispatch):
    def dispatch_event(event, *rest):
        for _ in range(faults.deliveries(event.get("DetailType", ""))):
            dispatch(event, *rest)

    return dispatch_event


def install() -> None:
    replace(eventbridge, "_dispatch_event", _as_often_as_asked(eventbridge._dispatch_event))
    if not hasattr(eventbridge, "_put_events"):
        raise RuntimeError("MiniStack's eventbridge._put_events is gone")
    threading.Thread(target=_deliver, name="aws-events", daemon=True).start()
