"""Events that AWS services put on the default bus of EventBridge, in the shapes of «Events from AWS services» in the EventBridge Events
Reference.

AWS: EventBridge delivers at least once, and several services send their events on a best-effort basis only («Events from AWS services»).
Not as on AWS: each comes once, unless a fault loses or repeats it (`faults.py`).

Lambda (Developer Guide, «Asynchronous invocation»; «How Lambda handles errors and retries with asynchronous invocation»): EventBridge invokes
asynchronously, so an event that a function fails with is tried again, at most as often as its configuration says, after one and two minutes; then
it goes to the function's dead-letter queue. MiniStack has that for S3's notifications and calls of the API only.

A queue and one thread: a rule's target may call back into EC2, which must not happen under moto's lock.
"""

from __future__ import annotations

import json
import logging
import queue
import threading

from ministack.core.responses import set_request_region
from ministack.services import eventbridge, lambda_svc

from . import faults
from .patching import replace
from .settings import settings

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


def _to_function(arn: str, payload: str) -> None:
    func, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not func or not config:
        log.warning("there is no function %s for the event", name)
        return
    lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS = settings.asyncRetrySeconds
    lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS = 2 * settings.asyncRetrySeconds
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), json.loads(payload))


def install() -> None:
    for constant in ("_LAMBDA_ASYNC_RETRY_BASE_SECONDS", "_LAMBDA_ASYNC_RETRY_MAX_SECONDS"):
        replace(lambda_svc, constant, getattr(lambda_svc, constant))
    replace(eventbridge, "_dispatch_to_lambda", _to_function)
    replace(eventbridge, "_dispatch_event", _as_often_as_asked(eventbridge._dispatch_event))
    if not hasattr(eventbridge, "_put_events"):
        raise RuntimeError("MiniStack's eventbridge._put_events is gone")
    threading.Thread(target=_deliver, name="aws-events", daemon=True).start()
