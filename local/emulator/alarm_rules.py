"""What CloudWatch makes of an alarm's data points: pure, without clock and store.

AWS (CloudWatch User Guide: «Alarm evaluation», «Configuring how CloudWatch alarms treat missing data»): a data point is the statistic over
one period. An alarm asks for more data points than it needs, the evaluation range. With enough real ones in it the newest
`EvaluationPeriods` of them decide, and missing ones do not count. With fewer, all real ones count and the rest is filled in as
`TreatMissingData` says. `DatapointsToAlarm` breaching ones mean ALARM.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone

EXTRA_POINTS = 2
"""How many more data points than `EvaluationPeriods` are asked for. AWS says only that it depends; its tables show five for three."""

_WORDS = {
    "GreaterThanThreshold": (lambda value, threshold: value > threshold, "greater than"),
    "GreaterThanOrEqualToThreshold": (lambda value, threshold: value >= threshold, "greater than or equal to"),
    "LessThanThreshold": (lambda value, threshold: value < threshold, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, threshold: value <= threshold, "less than or equal to"),
}
OPERATORS = frozenset(_WORDS)


@dataclass(frozen=True)
class Rule:
    """The settings of an alarm that decide over its state."""

    operator: str
    threshold: float
    periods: int
    """N: EvaluationPeriods"""
    to_alarm: int
    """M: DatapointsToAlarm"""
    missing: str = "missing"

    def breaches(self, value: float) -> bool:
        return _WORDS[self.operator][0](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    state: str
    reason: str
    used: tuple[tuple[float, float], ...]
    """(start of the period, value) of the real data points that were evaluated, newest first."""


def evaluate(rule: Rule, points: list[tuple[float, float | None]], state: str) -> Verdict | None:
    """
    `points`: the evaluation range, oldest first, (start of the period, value or None where there is none). `state`: the alarm's present state.
    None where the present state stays because nothing is known that would change it.
    """
    real = [(at, value) for at, value in reversed(points) if value is not None][: rule.periods]
    breaching = [point for point in real if rule.breaches(point[1])]
    filled = rule.periods - len(real)
    if filled == 0:
        return _crossed(rule, real, breaching, 0, len(breaching) >= rule.to_alarm, state)
    if rule.missing in ("breaching", "notBreaching"):
        counted = len(breaching) + (filled if rule.missing == "breaching" else 0)
        return _crossed(rule, real, breaching, filled, counted >= rule.to_alarm, state)
    if len(breaching) >= rule.to_alarm:
        return _crossed(rule, real, breaching, filled, True, state)
    if len(breaching) < len(real):
        return _crossed(rule, real, breaching, filled, False, state)
    if rule.missing == "ignore":
        return None
    # «Avoiding premature transitions to alarm state»: the oldest breaching one has to be at least DatapointsToAlarm periods old.
    ages = [age for age, (_, value) in enumerate(reversed(points), start=1) if value is not None]
    if ages and max(ages) >= rule.to_alarm:
        return _crossed(rule, real, breaching, filled, True, state)
    unknown = f"{filled} datapoint was" if filled == 1 else f"{filled} datapoints were"
    return Verdict("INSUFFICIENT_DATA", f"Insufficient Data: {unknown} unknown.", tuple(real))


def _crossed(rule: Rule, real: list, breaching: list, filled: int, alarm: bool, state: str) -> Verdict:
    after = "ALARM" if alarm else "OK"
    treated = f"treated as [{'Breaching' if rule.missing == 'breaching' else 'NonBreaching'}]"
    if not real:
        text = f"no datapoints were received for {_count(filled, 'period')} and {_missing(filled)} {treated}."
        return Verdict(after, f"Threshold Crossed: {text}", ())
    shown = breaching if alarm and breaching else [point for point in real if point not in breaching] or real
    values = ", ".join(f"{value} ({datetime.fromtimestamp(at, timezone.utc):%d/%m/%y %H:%M:%S})" for at, value in shown)
    one = len(shown) == 1
    relation = f"{'was' if one else 'were'} {'' if shown[0] in breaching else 'not '}{_WORDS[rule.operator][1]} the threshold ({rule.threshold})"
    if filled and rule.missing in ("breaching", "notBreaching"):
        text = f"{_count(len(shown), 'datapoint')} [{values}] {relation} and {_missing(filled)} {treated}."
        return Verdict(after, f"Threshold Crossed: {text}", tuple(real))
    least = rule.to_alarm if alarm else rule.periods - rule.to_alarm + 1
    change = f"(minimum {_count(least, 'datapoint')} for {'OK' if alarm else 'ALARM'} -> {after} transition)"
    text = f"{len(shown)} out of the last {rule.periods} datapoints [{values}] {relation} {change}."
    return Verdict(after, f"Threshold Crossed: {text}", tuple(real))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _missing(number: int) -> str:
    return f"{number} missing datapoint was" if number == 1 else f"{number} missing datapoints were"


def stamp(at: float) -> str:
    """AWS's way to write an instant in an alarm's event: milliseconds, and the offset without a colon."""
    whole = math.floor(at)
    return f"{datetime.fromtimestamp(whole, timezone.utc):%Y-%m-%dT%H:%M:%S}.{math.floor((at - whole) * 1000):03d}+0000"


def reason_data(rule: Rule, verdict: Verdict, statistic: str, period: int, now: float) -> str:
    """The StateReasonData of an alarm: JSON in a string, oldest data point first in `recentDatapoints`, newest first in `evaluatedDatapoints`."""
    oldest_first = list(reversed(verdict.used))
    data = {
        "version": "1.0",
        "queryDate": stamp(now),
        **({"startDate": stamp(oldest_first[0][0])} if oldest_first else {}),
        "statistic": statistic,
        "period": period,
        "recentDatapoints": [value for _, value in oldest_first],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [{"timestamp": stamp(at), "value": value} for at, value in verdict.used],
    }
    return json.dumps(data, separators=(",", ":"))
