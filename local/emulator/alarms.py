"""CloudWatch alarms that watch: evaluated by the clock, over their own dimensions and periods, and every change of state is an event.

AWS (CloudWatch User Guide: «Alarm evaluation», «Alarm events and EventBridge»; PutMetricAlarm in the API reference): an alarm with a period
of a minute or more is evaluated every minute, one of 10, 20 or 30 seconds every ten seconds; a metric is its namespace, its name and exactly
its dimensions; data points of less than a minute are kept three hours («Metrics retention»); actions and events come with a change of state and not with its repetition; a change of the settings keeps the state.
MiniStack evaluates at each PutMetricData, over all dimensions, one period, without missing data, and tells SNS only. What a data point means
for the state is in `alarm_rules.py`.

Not as on AWS: no metric math, no anomaly bands, no statistics beside the basic ones and percentiles. An alarm with one of them is refused.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid

from ministack.core.responses import set_request_region
from ministack.services import cloudwatch

from . import events
from .alarm_rules import EXTRA_POINTS, OPERATORS, Rule, evaluate, reason_data, stamp
from .patching import replace

log = logging.getLogger("emulator.alarms")

SETTLE_SECONDS = 1.0
"""After the end of a period, for data that is on its way. Not as on AWS: a few seconds there, sometimes more."""
_TICK_SECONDS = 0.25
_KEPT_SECONDS = 10_800
"""So long data points of less than a minute are kept."""
_MISSING = ("missing", "ignore", "breaching", "notBreaching")
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)")

_states: dict[str, dict] = {}
"""What the events tell of an alarm's present state, by ARN: {value, reason, reasonData?, timestamp}."""


def install() -> None:
    replace(cloudwatch, "_evaluate_alarm", lambda alarm: None)
    _refuse_what_is_not_here()
    _events()
    threading.Thread(target=_run_for_ever, name="alarms", daemon=True).start()


def _run_for_ever() -> None:
    done: dict[int, float] = {}
    while True:
        time.sleep(_TICK_SECONDS)
        for step in (10, 60):
            end = (time.time() - SETTLE_SECONDS) // step * step
            if done.setdefault(step, end) == end:
                continue
            done[step] = end
            _evaluate_all(step, end)


def _step(alarm: dict) -> int:
    """Seconds between two evaluations."""
    return 10 if alarm["Period"] < 60 else 60


def _evaluate_all(step: int, end: float) -> None:
    for (_, region, name), alarm in list(cloudwatch._alarms._data.items()):
        if _step(alarm) != step:
            continue
        set_request_region(region)
        try:
            _evaluate(alarm, end)
        except Exception:
            log.exception("could not evaluate the alarm %s", name)


def _evaluate(alarm: dict, end: float) -> None:
    rule, now = _rule(alarm), time.time()
    verdict = evaluate(rule, _points(alarm, rule.periods + EXTRA_POINTS, end), alarm["StateValue"])
    before = alarm["StateValue"]
    if verdict is None or verdict.state == before or cloudwatch._alarms.get(alarm["AlarmName"]) is not alarm:
        return
    data = reason_data(rule, verdict, _statistic(alarm), alarm["Period"], now)
    alarm.update(
        StateValue=verdict.state,
        StateReason=verdict.reason,
        StateReasonData=data,
        StateUpdatedTimestamp=int(now),
        StateTransitionedTimestamp=int(now),
    )
    cloudwatch._record_history(alarm["AlarmName"], before, verdict.state, verdict.reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, verdict.state, verdict.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _rule(alarm: dict) -> Rule:
    periods = alarm["EvaluationPeriods"]
    return Rule(
        operator=alarm["ComparisonOperator"],
        threshold=alarm["Threshold"],
        periods=periods,
        to_alarm=alarm.get("DatapointsToAlarm") or periods,
        missing=alarm.get("TreatMissingData") or "missing",
    )


def _statistic(alarm: dict) -> str:
    return alarm.get("ExtendedStatistic") or alarm["Statistic"]


def _points(alarm: dict, count: int, end: float) -> list[tuple[float, float | None]]:
    """The last `count` periods that have ended, oldest first."""
    period, statistic = alarm["Period"], _statistic(alarm)
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    stored = list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or [])
    unit = alarm.get("Unit")
    values: list[tuple[float, float | None]] = []
    for start in (end - period * n for n in range(count, 0, -1)):
        kept = period >= 60 or start >= end - _KEPT_SECONDS
        within = [p for p in stored if kept and start <= p["Timestamp"] < start + period and (not unit or p["Unit"] == unit)]
        value = cloudwatch._stat_value(cloudwatch._calc_stats(within), statistic, within) if within else None
        values.append((start, value))
    return values


def _refuse_what_is_not_here() -> None:
    def put(params, cbor_data, is_cbor, is_json=False):
        asked = cbor_data if is_cbor or is_json else {name: cloudwatch._p(params, name) for name in params}
        problem = _problem(asked)
        if problem:
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        return put_alarm(params, cbor_data, is_cbor, is_json)

    def put_by_stack(alarm):
        problem = _problem(alarm)
        if problem:
            raise ValueError(problem)
        put_alarm_by_stack(alarm)

    put_alarm = replace(cloudwatch, "_put_metric_alarm", put)
    put_alarm_by_stack = replace(cloudwatch, "cloudformation_put_metric_alarm", put_by_stack)


def _problem(asked: dict) -> str | None:
    """What PutMetricAlarm refuses, AWS's limits and those of this emulator."""
    period, periods = int(asked.get("Period") or 0), int(asked.get("EvaluationPeriods") or 0)
    to_alarm = int(asked.get("DatapointsToAlarm") or periods)
    extended = asked.get("ExtendedStatistic")
    if asked.get("Metrics") or any(str(name).startswith("Metrics.") for name in asked):
        return "The emulator does not evaluate metric math (Metrics)"
    if not asked.get("MetricName") or not asked.get("Namespace"):
        return "MetricName and Namespace are required for an alarm on one metric"
    if not 1 <= len(asked.get("AlarmName") or "") <= 255 or len(asked.get("AlarmDescription") or "") > 1024:
        return "AlarmName has 1 to 255 characters, AlarmDescription at most 1024"
    if asked.get("ComparisonOperator") not in OPERATORS or asked.get("Threshold") in (None, ""):
        return f"ComparisonOperator must be one of {', '.join(sorted(OPERATORS))}, with a Threshold"
    if extended and not _PERCENTILE.fullmatch(extended) or not extended and asked.get("Statistic") not in _STATISTICS:
        return "Give a Statistic, or a percentile such as p99 as ExtendedStatistic"
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        return f"Period must be 10, 20, 30 or a multiple of 60, and is {period}"
    if periods < 1 or period * periods > (604_800 if period >= 3_600 else 86_400):
        return "EvaluationPeriods times Period must be at most a day (seven days for periods of an hour or more)"
    if to_alarm > periods:
        return f"DatapointsToAlarm ({to_alarm}) must not be above EvaluationPeriods ({periods})"
    if (asked.get("TreatMissingData") or "missing") not in _MISSING:
        return f"TreatMissingData must be one of {', '.join(_MISSING)}"
    return None


def _events() -> None:
    def dispatch(alarm, old, new, reason):
        notify_actions(alarm, old, new, reason)
        arn = alarm["AlarmArn"]
        previous = _states.get(arn) or {}
        if previous.get("value") != old:
            previous = {"value": old, "reason": "Unchecked: Initial alarm creation", "timestamp": stamp(time.time())}
        data = alarm.get("StateReasonData")
        state = {"value": new, "reason": reason, **({"reasonData": data} if data else {}), "timestamp": stamp(time.time())}
        _states[arn] = state
        detail = {"alarmName": alarm["AlarmName"], "state": state, "previousState": previous, "configuration": _configuration(alarm)}
        events.put("aws.cloudwatch", "CloudWatch Alarm State Change", detail, [arn])

    notify_actions = replace(cloudwatch, "_dispatch_alarm_actions", dispatch)


def _configuration(alarm: dict) -> dict:
    description = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {"alarmRule": alarm["AlarmRule"], **description}
    metric = {
        "namespace": alarm["Namespace"],
        "name": alarm["MetricName"],
        "dimensions": cloudwatch._dims_from_list(alarm.get("Dimensions") or []),
    }
    return {
        **description,
        "metrics": [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])),
                "metricStat": {"metric": metric, "period": alarm["Period"], "stat": _statistic(alarm)},
                "returnData": True,
            }
        ],
    }
