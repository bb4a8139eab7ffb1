"""Search expressions in GetMetricData.

AWS (CloudWatch User Guide, «Search expression syntax»; GetMetricData in the API reference): `SEARCH('{Namespace,Dimension,…} terms', 'Statistic',
period)` gives one result for each metric that has exactly these dimensions, all under the query's id; a dimension's name with a space stands in
double quotes, and so does a value that is to be met exactly; terms beside each other all have to hold. `${PROP('Dim.Name')}` in a label is that
dimension's value. A metric without data in the last two weeks is not found. MiniStack answers an expression with an
error.

Not as on AWS: points come oldest first, there the newest first unless ScanBy says otherwise: who reads them has to go by their times.

Not as on AWS: no partial matches, OR and NOT, no metric math. An expression with them is refused as a ValidationError, as AWS refuses what it cannot read.
"""

from __future__ import annotations

import re

from ministack.services import cloudwatch

from .patching import replace

_SEARCH = re.compile(r"\s*SEARCH\(\s*'(?P<query>[^']*)'\s*,\s*'(?P<statistic>[\w.]+)'\s*(?:,\s*(?P<period>\d+)\s*)?\)\s*")
_NAME = r'(?:"(?:[^"]*)"|[\w./:#-]+)'
_SCHEMA = re.compile(rf"\s*\{{\s*(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)\s*\}}(?P<terms>.*)", re.S)
_TERM = re.compile(rf'\s*(?:AND\s+)?(?P<name>{_NAME})\s*=\s*"(?P<value>[^"]*)"')
_PROP = re.compile(r"\$\{PROP\('(?P<name>[^']*)'\)\}")


class NotUnderstood(ValueError):
    """An expression that is not of the form above."""


def install() -> None:
    answer = cloudwatch._get_metric_data

    def search_first(params, cbor_data, is_cbor, is_json=False):
        if not (is_cbor or is_json):
            return answer(params, cbor_data, is_cbor, is_json)
        queries = []
        try:
            for query in cbor_data.get("MetricDataQueries", []):
                queries += found(query) if query.get("Expression") else [query]
        except NotUnderstood as problem:
            return cloudwatch._error("ValidationError", str(problem), 400, use_json=is_json, use_cbor=is_cbor)
        return answer(params, {**cbor_data, "MetricDataQueries": queries}, is_cbor, is_json)

    replace(cloudwatch, "_get_metric_data", search_first)


def found(query: dict) -> list[dict]:
    """A plain query for each metric that an expression finds."""
    namespace, names, terms, statistic, period = read(query["Expression"])
    metrics = []
    for (space, metric, _), points in list(cloudwatch._metrics.items()):
        dimensions = points[-1]["Dimensions"] if points else {}
        has = {**dimensions, "MetricName": metric}
        if space != namespace or set(dimensions) != set(names) or any(has.get(name) != value for name, value in terms):
            continue
        label = _PROP.sub(lambda match: has.get(match["name"].removeprefix("Dim."), ""), query.get("Label") or metric)
        plain = {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()]},
            "Period": period or query.get("Period") or 300,
            "Stat": statistic,
        }
        metrics.append({**{k: v for k, v in query.items() if k != "Expression"}, "Label": label, "MetricStat": plain})
    return metrics


def read(expression: str) -> tuple[str, list[str], list[tuple[str, str]], str, int | None]:
    """(namespace, names of the dimensions, terms, statistic, period) of a search expression."""
    search = _SEARCH.fullmatch(expression)
    schema = _SCHEMA.fullmatch(search["query"]) if search else None
    if not search or not schema:
        raise NotUnderstood(f"the local emulator knows no expression such as {expression}")
    namespace, *names = [name.strip('"') for name in re.findall(_NAME, schema["names"])]
    rest, terms = schema["terms"], []
    while rest.strip():
        term = _TERM.match(rest)
        if not term:
            raise NotUnderstood(f"the local emulator knows no search term such as {rest.strip()}")
        terms.append((term["name"].strip('"'), term["value"]))
        rest = rest[term.end() :]
    return namespace, names, terms, search["statistic"], int(search["period"]) if search["period"] else None
