"""CloudWatch's embedded metric format: lines of a function's log that become metrics.

AWS (CloudWatch User Guide, «Specification: Embedded metric format»): a log event that is a JSON object with `_aws.Timestamp` (ms) and
`_aws.CloudWatchMetrics` is, beside being stored, made into metrics: of each directive every metric definition, once for each of its dimension
sets. A metric's value is the number, or the at most 100 numbers, under its name at the root; a dimension's value is the string under its name. A
definition without such a value is left out; without `StorageResolution` 1 it is stored by the minute, so that an alarm of a shorter period finds a data
point a minute only; a directive holds at most 100 metrics, a dimension set at most 30 names. An event that is no JSON
as a whole (with the time and request id in front that console.log writes in a function) is only a line. Metrics over two weeks old or two
hours ahead are refused, as PutMetricData does. MiniStack only stores the lines.

Not as on AWS: a metric is there with its line; there it appears seconds later.
"""

from __future__ import annotations

import json
import logging
import time

from ministack.services import cloudwatch, lambda_svc

from .patching import replace

log = logging.getLogger("emulator.embedded_metrics")

MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 100, 30, 100
OLDEST_SECONDS, NEWEST_SECONDS = 14 * 86_400, 2 * 3_600


def install() -> None:
    emit = lambda_svc._emit_lambda_logs

    def emit_and_extract(func, request_id, log_text, *rest, **options):
        emit(func, request_id, log_text, *rest, **options)
        for line in (log_text or "").splitlines():
            if line.startswith("{"):
                _store(line)

    replace(lambda_svc, "_emit_lambda_logs", emit_and_extract)


def _store(line: str) -> None:
    for namespace, name, dimensions, at, unit, values in metrics_of(line, time.time()):
        cloudwatch._store_datum(namespace, name, dimensions, at, unit, None, values, [1.0] * len(values), None)


def metrics_of(line: str, now: float) -> list[tuple[str, str, dict[str, str], float, str, list[float]]]:
    """(namespace, name, dimensions, seconds since 1970, unit, values) of each metric that a log event holds."""
    try:
        event = json.loads(line)
    except ValueError:
        return []
    about = event.get("_aws") if isinstance(event, dict) else None
    if not isinstance(about, dict) or not _is_number(about.get("Timestamp")) or not isinstance(about.get("CloudWatchMetrics"), list):
        return []
    at = about["Timestamp"] / 1000
    if not now - OLDEST_SECONDS <= at <= now + NEWEST_SECONDS:
        return []
    found = []
    for directive in about["CloudWatchMetrics"]:
        found += _of_directive(directive, event, at)
    return found


def _of_directive(directive, event: dict, at: float) -> list:
    if not isinstance(directive, dict) or not isinstance(directive.get("Namespace"), str):
        return []
    definitions, found = directive.get("Metrics") or [], []
    if len(definitions) > MOST_METRICS:
        return []
    for names in directive.get("Dimensions") or [[]]:
        if len(names) > MOST_DIMENSIONS or not all(isinstance(event.get(name), str) and event[name] for name in names):
            continue
        dimensions = {name: event[name] for name in names}
        for definition in definitions:
            values = _values(event.get(definition.get("Name")))
            if values:
                stored = at if definition.get("StorageResolution") == 1 else at // 60 * 60
                found.append((directive["Namespace"], definition["Name"], dimensions, stored, definition.get("Unit", "None"), values))
    return found


def _values(target) -> list[float]:
    values = target if isinstance(target, list) else [target]
    return [float(value) for value in values] if len(values) <= MOST_VALUES and all(map(_is_number, values)) else []


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
